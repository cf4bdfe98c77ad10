"""A folder that stands in for a project while a run is made again: its data, the run's code, and runs of its own."""

import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aicomp.files import writing
from aicomp.project import AnyProject, code_hash
from aicomp.provenance import code_files

SCRATCH = ".verify"
"""In the folder of the runs: what is made again. It has no `run.json`, so that no list of runs shows it."""

_OWN = ("runs", "submissions", ".git", "__pycache__")
"""What a project holds that the scratch folder does not get."""


@dataclass(frozen=True)
class Code:
    """The code that a run is made again with.

    Attributes:
        source: "project" where that is the run's code, "commit" where it came from git, "changed" where the run's own
            code cannot be had and today's is taken.
        commit: The commit, None unless it came from there.
        reason: Why the run's code cannot be had, "" otherwise.
        changed: Python files of the project that differ from the run's; None where the run did not record them.
    """

    source: str
    commit: str | None = None
    reason: str = ""
    changed: tuple[str, ...] | None = ()


@contextmanager
def scratch_folder(project: AnyProject, run_id: str, *, keep: bool) -> Iterator[Path]:
    """A new folder for a project's stand-in; it is removed when the block ends, unless it shall be kept."""
    parent = project.runs / SCRATCH
    with writing(parent):
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{run_id}-", dir=parent))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder)
            if not any(parent.iterdir()):
                parent.rmdir()


def place_code(project: AnyProject, info: dict[str, Any], target: Path) -> Code:
    """Fill a project's stand-in: with the run's code where it can be had, and links to everything else.

    Args:
        project: The project.
        info: The run's `run.json`.
        target: An empty folder.
    """
    with writing(target):
        (target / "runs").mkdir()
        if project.code_hash() == info["code_hash"]:
            _link(project.folder, target)
            return Code("project")
        changed = changed_files(info, project.folder)
        commit, reason = _checkout(project.folder, info, target)
        if reason:
            _link(project.folder, target)
            return Code("changed", reason=reason, changed=changed)
        _link(project.folder, target, with_code=False)
        return Code("commit", commit, changed=changed)


def changed_files(info: dict[str, Any], folder: Path) -> tuple[str, ...] | None:
    """Python files that were changed, added or removed since a run, with which of these; None if it recorded none."""
    if "code_files" not in info:
        return None
    then: dict[str, str] = info["code_files"]
    now = code_files(folder)
    words = []
    for name in sorted(then.keys() | now.keys()):
        if name not in now:
            words.append(f"{name} (removed)")
        elif name not in then:
            words.append(f"{name} (added)")
        elif then[name] != now[name]:
            words.append(f"{name} (changed)")
    return tuple(words)


def _link(source: Path, target: Path, *, with_code: bool = True) -> None:
    """Links to what lies in a project, beside what is there already."""
    for path in source.iterdir():
        place = target / path.name
        if path.name not in _OWN and not place.exists() and (with_code or path.suffix != ".py"):
            place.symlink_to(path)


def _checkout(folder: Path, info: dict[str, Any], target: Path) -> tuple[str | None, str]:
    """Unpack the files of a run's commit; why that is not possible, else "". A folder that is no use is left empty."""
    state = info.get("git")
    if state is None:
        return None, "it was not made in a git repository"
    if state["dirty"]:
        return None, f"files differed from commit {state['commit'][:10]} when it was made"
    if shutil.which("git") is None:
        return None, "git is not installed"
    command = ["git", "-C", str(folder), "archive", "--format=tar", state["commit"], "."]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        return None, f"commit {state['commit'][:10]} is not in the repository"
    with tempfile.TemporaryDirectory(dir=target) as place:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(place, filter="data")
        if code_hash(Path(place)) != info["code_hash"]:
            return None, f"commit {state['commit'][:10]} holds other Python files than the run had"
        for path in Path(place).iterdir():
            if path.name not in (*_OWN, "data"):  # which is the project's: its hashes are the run's
                path.rename(target / path.name)
    return state["commit"], ""
