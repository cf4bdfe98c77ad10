"""Where a result comes from: package versions, git commit, and one fingerprint of config, data and code."""

import hashlib
import json
import platform
import shutil
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from aicomp import __version__
from aicomp.project import Project
from aicomp.raw_data import data_hash

_PACKAGES = ("torch", "numpy", "pandas", "scikit-learn", "safetensors")
_PACKAGES_OF_MODEL = {
    "lightgbm": ("lightgbm",),
    "catboost": ("catboost",),
    "xgboost": ("xgboost", "xgboost-cpu"),
    "image-resnet": ("pillow",),  # which decodes
    "audio-resnet": ("soundfile",),
    "pretrained-seq2seq": ("transformers",),
}


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
    # How many processes or nodes share the work, and where a copy goes, does not change what comes out, nor does what a
    # notebook brings along, what others try, what is checked, or how often the state of a training is written.
    beside = ("workers", "notebook", "tune", "check", "engine", "storage")
    decisive = {**facts, "config": {k: v for k, v in config.items() if k not in beside}}
    decisive["config"]["training"] = {k: v for k, v in config["training"].items() if k != "checkpoint"}
    text = json.dumps(decisive, sort_keys=True)
    return {
        "fingerprint": hashlib.sha256(text.encode()).hexdigest(),
        **facts,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "git": git_state(project.folder),
    }


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
