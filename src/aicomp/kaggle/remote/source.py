"""The notebook that trains: a plain Python script with the few facts of one command filled in."""

import re
from collections.abc import Mapping
from typing import Any

from aicomp.kaggle.notebook.kernel_inputs import INPUTS

ARCHIVE = "runs.zip"
"""Name of the file with the runs that the notebook writes."""

MANIFEST = "manifest.json"
"""Name of the file that says what the archive holds; it is written last."""

UTC_OFFSET = "@utc_offset@"
"""Stands for the time zone until the notebook is pushed: it is no part of what a pack is named after."""

_SCRIPT = '''"""Train the project of `@competition@` with aicomp on the competition's files, and keep its runs.

What it takes lies in a private dataset beside the competition's files: the project without data, and wheels of packages
that this image may lack.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

PACK = @marker@  # the dataset is where this file is
TABLES = @tables@
ARGUMENTS = @arguments@
ARCHIVE = "@archive@"
MANIFEST = "@manifest@"
OFFSET = @utc_offset@  # seconds east of Greenwich where the runs go: their names tell the time there
@inputs@


def unpack(dataset, folder):
    """Unpack project and wheels, and link the competition's files into the project."""
    for wheel in sorted(dataset.glob("*.whl")):
        if fits(wheel):
            zipfile.ZipFile(wheel).extractall(folder / "packages")
        else:
            print(f"leaving out {wheel.name}: this is Python {platform.python_version()} on {platform.platform()}")
    if (dataset / "project.zip").is_file():
        zipfile.ZipFile(dataset / "project.zip").extractall(folder / "project")
    else:  # some hosts unpack zip files themselves
        shutil.copytree(next(dataset.rglob("aicomp.toml")).parent, folder / "project")
    names = [file["name"] for file in json.loads((folder / "project/data/manifest.json").read_text())["files"]]
    files = find(*TABLES)
    for name in names:
        if not (files / name).is_file():
            sys.exit(f"error: {files} has no file `{name}`, which the project has in data/raw")
        link = folder / "project/data/raw" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(files / name)
    return folder / "project"


def train(project, packages):
    """Run `aicomp train`; what it says goes into this notebook's log, its outcome is returned."""
    sign = "-" if OFFSET >= 0 else "+"
    zone = f"<here>{sign}{abs(OFFSET) // 3600}:{abs(OFFSET) % 3600 // 60:02}:{abs(OFFSET) % 60:02}"
    environment = {**os.environ, "PYTHONPATH": str(packages), "PYTHONUNBUFFERED": "1", "TZ": zone}
    command = [sys.executable, "-P", "-m", "aicomp", "train", "--json", "--project", str(project), *ARGUMENTS]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=project)
    if done.returncode:
        sys.exit(f"error: `aicomp train` ended with exit code {done.returncode}")
    return json.loads(done.stdout)


def gpus():
    """Names of the GPUs of this machine."""
    if shutil.which("nvidia-smi") is None:
        return []
    done = subprocess.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True)
    return done.stdout.split("\\n")[:-1] if done.returncode == 0 else []


def sha256(path):
    """Of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main():
    """Train, pack the runs that are done, and say last what the archive holds."""
    began, started = time.time(), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="aicomp-"))
    project = unpack(find(PACK), folder)
    outcome = train(project, folder / "packages")
    runs = sorted(done.parent.name for done in project.glob("runs/*/DONE"))
    paths = [p for run in runs for p in sorted((project / "runs" / run).rglob("*")) if p.is_file()]
    paths += [p for p in [project / "runs" / "outcome.json"] if p.is_file()]
    files = {}
    with zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_STORED) as archive:
        for path in paths:
            name = path.relative_to(project / "runs").as_posix()
            archive.write(path, name)
            files[name] = {"bytes": path.stat().st_size, "sha256": sha256(path)}
    manifest = {
        "pack": PACK,
        "archive": {"bytes": os.path.getsize(ARCHIVE), "sha256": sha256(ARCHIVE)},
        "runs": runs,
        "files": files,
        "outcome": outcome,
        "machine": {
            "python": platform.python_version(),
            "platform": platform.platform(),
            "cpus": os.cpu_count(),
            "gpus": gpus(),
        },
        "began": began,
        "seconds": round(time.monotonic() - started, 1),
    }
    Path(f".{MANIFEST}").write_text(json.dumps(manifest))
    os.replace(f".{MANIFEST}", MANIFEST)
    print(f"wrote {len(runs)} runs, {os.path.getsize(ARCHIVE):,} bytes, to {ARCHIVE}")


main()
'''


def kernel_source(*, competition: str, marker: str, tables: list[str], arguments: list[str]) -> str:
    """The text of the notebook, in which `UTC_OFFSET` is still to be replaced.

    Args:
        competition: Slug.
        marker: Name of a file that no other dataset holds.
        tables: Files by which the competition's folder is known.
        arguments: Of `aicomp train`.
    """
    facts: Mapping[str, Any] = {"marker": marker, "tables": tables, "arguments": arguments}
    text = _SCRIPT.replace("@inputs@", INPUTS).replace("@competition@", re.sub(r"[^A-Za-z0-9_-]", "", competition))
    text = text.replace("@archive@", ARCHIVE).replace("@manifest@", MANIFEST)
    for name, value in facts.items():
        text = text.replace(f"@{name}@", repr(value))
    return text
