"""Where a result comes from: package versions, git commit, and one fingerprint of config, data and code.

`surroundings` is what a run is verified by beside these; it is no part of the fingerprint, so that a run that was cut
short may be continued elsewhere.
"""

import hashlib
import json
import platform
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from aicomp import __version__
from aicomp.processes import processor
from aicomp.project import AnyProject, Project
from aicomp.raw_data import data_files, data_hash

_PACKAGES = ("torch", "numpy", "pandas", "scikit-learn", "safetensors")
_PACKAGES_OF_MODEL = {
    "lightgbm": ("lightgbm",),
    "catboost": ("catboost",),
    "xgboost": ("xgboost", "xgboost-cpu"),
    "image-resnet": ("pillow",),  # which decodes
    "audio-resnet": ("soundfile",),
    "pretrained-seq2seq": ("transformers",),
}


def decisive_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config without what does not change what comes out.

    That is how many processes or nodes share the work, what a notebook brings along and where it runs, what others try,
    what is checked, how often the state of a training is written, and where a copy goes.
    """
    beside = ("workers", "notebook", "tune", "check", "engine", "storage")
    decisive = {k: v for k, v in config.items() if k not in beside}
    decisive["training"] = {k: v for k, v in config["training"].items() if k != "checkpoint"}
    return decisive


def describe(project: Project) -> dict[str, Any]:
    """Everything that a later reader needs to know where a run came from; the content of `run.json`."""
    config = msgspec.to_builtins(project.config)
    facts = {
        "config": config,
        "competition": msgspec.to_builtins(project.competition),
        "data_hash": data_hash(project.folder),
        "code_hash": project.code_hash(),
        "versions": {
            "aicomp": __version__,
            **{p: version(p) for p in _PACKAGES},
            **_of_model(project.config.model.name),
        },
    }
    decisive = {**facts, "config": decisive_config(config)}
    text = json.dumps(decisive, sort_keys=True)
    return {
        "fingerprint": hashlib.sha256(text.encode()).hexdigest(),
        **facts,
        **surroundings(project),
        "data_files": data_files(project.folder),
    }


def surroundings(project: AnyProject) -> dict[str, Any]:
    """What else may change bits, and how to come back to it: a part of `run.json`."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "git": git_state(project.folder),
        "code_files": code_files(project.folder),
        "source_hash": source_hash(),
    }


def code_files(folder: Path) -> dict[str, str]:
    """SHA-256 of each of a project's Python files, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.py"))}


@cache
def source_hash() -> str:
    """SHA-256 over aicomp's own Python files: names and contents."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _of_model(name: str) -> dict[str, str]:
    """Versions of the installed packages that a model is made of, beside torch and scikit-learn."""
    found = {}
    for package in _PACKAGES_OF_MODEL.get(name, ()):
        with suppress(PackageNotFoundError):  # xgboost has two packages; training says if both are missing
            found[package] = version(package)
    return found


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit of the repository around `folder`, and whether files differ from it; None outside git."""
    if shutil.which("git") is None:
        return None

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)

    commit = git("rev-parse", "HEAD")
    if commit.returncode != 0:
        return None
    return {"commit": commit.stdout.strip(), "dirty": bool(git("status", "--porcelain", "--", ".").stdout.strip())}
