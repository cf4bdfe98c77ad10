"""What a notebook that trained has written: fetched, checked file by file, and put among the project's runs."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from aicomp.archives import unpack
from aicomp.errors import AicompError, DataError, NetworkError
from aicomp.files import atomic_write, writing
from aicomp.kaggle.connection import Connection
from aicomp.kaggle.faults import Fault
from aicomp.kaggle.notebook.push import Kernel, fetch, output_of
from aicomp.kaggle.patience import patiently
from aicomp.kaggle.remote.job import Job
from aicomp.kaggle.remote.source import ARCHIVE, MANIFEST
from aicomp.project import Project
from aicomp.provenance import decisive_config
from aicomp.run import OUTCOME_FILE, Run, list_runs

PLACE_FILE = "place.json"
"""In a run's folder: the machine on which it was trained, where that was not this one."""

_FETCHES = 3
_AGAIN = "the same command fetches it again; `--fresh` trains anew"
_RUN_ID = re.compile(r"\d{8}-\d{6}(-\d{3})?")


@dataclass(frozen=True)
class Arrival:
    """What has come, whole and checked.

    Attributes:
        folder: Where it was unpacked.
        runs: Names that the runs have there, oldest first.
        outcome: What `aicomp train --json` printed there.
        place: On which machine, and how long.
    """

    folder: Path
    runs: list[str]
    outcome: dict[str, Any]
    place: dict[str, Any]


def fetch_runs(connection: Connection, kernel: Kernel, job: Job) -> Arrival:
    """Fetch the archive of a notebook that has run, and unpack it.

    Raises:
        DataError: It is damaged, however often it is fetched, or of another command.
        AicompError: The notebook wrote none.
        NetworkError: It cannot be fetched.
    """
    _, files = output_of(connection, kernel)
    missing = [name for name in (MANIFEST, ARCHIVE) if name not in files]
    if missing:
        raise AicompError(
            f"the notebook {kernel.owner}/{kernel.slug} wrote no `{missing[0]}`", f"see `{job.folder / 'kernel.log'}`"
        )
    manifest = _manifest(_fetched(files[MANIFEST], job.folder / MANIFEST), job)
    archive = job.folder / ARCHIVE
    for _ in range(_FETCHES):
        _fetched(files[ARCHIVE], archive)
        if _sha256(archive) == manifest["archive"]["sha256"]:
            break
    else:
        raise DataError(
            f"`{ARCHIVE}` of the notebook {kernel.owner}/{kernel.slug} is damaged: its SHA-256 is not the one in "
            f"`{MANIFEST}`",
            _AGAIN,
        )
    incoming = job.folder / "incoming"
    shutil.rmtree(incoming, ignore_errors=True)
    unpack(archive, incoming, lambda path: True)
    _check_files(incoming, manifest["files"])
    for name in manifest["runs"]:
        if not _RUN_ID.fullmatch(name) or not Run(incoming / name).is_done:
            raise DataError(f"`{ARCHIVE}` holds no whole run `{name}`", _AGAIN)
    place = {"engine": "kaggle", **manifest["machine"], "seconds": manifest["seconds"]}
    return Arrival(incoming, manifest["runs"], manifest["outcome"], place)


def _fetched(url: str, path: Path) -> Path:
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        patiently(lambda: fetch(url, path))
    except Fault as fault:
        raise NetworkError(f"`{path.name}` cannot be fetched: {fault.message}", "run the same command again") from fault
    return path


def _manifest(path: Path, job: Job) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _ = content["archive"]["sha256"], content["machine"].items(), content["seconds"], content["outcome"].items()
        _ = [file["sha256"] for file in content["files"].values()], [str(run) for run in content["runs"]]
        pack = content["pack"]
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise DataError(f"`{MANIFEST}` of the notebook is damaged: {e}", _AGAIN) from e
    if pack != job.marker:
        raise DataError(f"`{MANIFEST}` of the notebook is of another command: it names `{pack}`", _AGAIN)
    return content


def _check_files(folder: Path, listed: dict[str, Any]) -> None:
    """Refuse files that differ from the notebook's list, are missing, or are not on it."""
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name in sorted(there ^ listed.keys()):
        raise DataError(f"`{ARCHIVE}` {'lacks' if name in listed else 'holds'} `{name}`, unlike `{MANIFEST}`", _AGAIN)
    for name in sorted(there):
        if _sha256(folder / PurePosixPath(name)) != listed[name]["sha256"]:
            raise DataError(f"`{name}` in `{ARCHIVE}` is damaged: its SHA-256 is not that in `{MANIFEST}`", _AGAIN)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_origin(run: Run, expected: dict[str, Any], *, is_alone: bool) -> list[str]:
    """Refuse a run that was not made of this project's data and code.

    Args:
        run: One that has come.
        expected: What `run.json` would hold if the run were made here.
        is_alone: Whether its config too is to be the project's: of several runs each has its own.

    Returns:
        Packages that had another version there, as sentences.
    """
    info = run.info
    differing = [name for name in ("data_hash", "code_hash", "competition") if info[name] != expected[name]]
    if is_alone and decisive_config(info["config"]) != decisive_config(expected["config"]):
        differing.append("config")
    for name in differing:
        raise DataError(
            f"run `{run.id}` of the notebook has another {name.replace('_', ' ')} than this project",
            "the project has changed since; `--fresh` trains anew",
        )
    here, there = expected["versions"], info["versions"]
    return [
        f"{package} is {there[package]} there and {here[package]} here"
        for package in sorted(here.keys() & there.keys())
        if here[package] != there[package]
    ]


def place_runs(project: Project, arrival: Arrival, where: dict[str, Any]) -> list[Run]:
    """Give the runs their places in the project's `runs/`, each in one step; none that is there is touched.

    One that an earlier command has placed is found again. A name that another run has gets a number, if the run came
    alone: of several, a blend knows the others by their names.

    Args:
        project: The project.
        arrival: What has come.
        where: Which notebook wrote it: host, kernel and more.

    Raises:
        DataError: Names of several runs are taken.
    """
    known = {place["run"]: run for run, place in _placed(project) if _is_of(place, where)}
    here = {name: known[name].id if name in known else name for name in arrival.runs}
    taken = [name for name in here if name not in known and (project.runs / name).exists()]
    if taken and len(here) > 1:
        raise DataError(
            f"run `{taken[0]}` of the notebook has the name of another run here", f"rename `{project.runs / taken[0]}`"
        )
    for name in taken:
        here[name] = next(n for n in (f"{name[:15]}-{k:03}" for k in range(2, 1000)) if not (project.runs / n).exists())
    for name in here.keys() - known.keys():
        run = Run(arrival.folder / name)
        run.write(PLACE_FILE, {**arrival.place, **where, "run": name})
        with writing(project.runs / here[name]):
            _flush(run.folder)
            run.folder.rename(project.runs / here[name])
    outcome = arrival.folder / OUTCOME_FILE
    if outcome.is_file():
        atomic_write(project.runs / OUTCOME_FILE, outcome.read_bytes())
    return [Run(project.runs / here[name]) for name in arrival.runs]


def _placed(project: Project) -> Iterator[tuple[Run, dict[str, Any]]]:
    for run in list_runs(project.runs):
        if (run.folder / PLACE_FILE).is_file():
            yield run, run.read(PLACE_FILE)


def _is_of(place: dict[str, Any], where: dict[str, Any]) -> bool:
    return all(place.get(key) == where[key] for key in ("host", "kernel", "version"))


def _flush(folder: Path) -> None:
    """Let the disk have all files before their folder gets its name."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
