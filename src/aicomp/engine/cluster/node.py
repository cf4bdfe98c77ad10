"""What a task does on its node: unpack, let a worker process train, and send what comes of it."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from aicomp import __version__
from aicomp.engine.cluster.arrivals import LAST
from aicomp.engine.cluster.messages import encode
from aicomp.engine.cluster.parcels import Parcel
from aicomp.engine.cluster.scratch import Fetch, scratch_folder, unpack
from aicomp.engine.jobs import Job
from aicomp.engine.pool import Worker
from aicomp.errors import AicompError, UsageError

ENDS = ("done", "slow", "error", "crash", "died")
"""Events that end a job."""

_PIECE = 4 * 2**20
_EVERY = 0.2
"""Seconds between two epochs of a fold that are told; the last one before anything else always is."""
_MOST_WORDS = 64 * 2**10

_workers: dict[tuple[str, int], Worker] = {}


class Order(msgspec.Struct, frozen=True):
    """What a task gets beside its files.

    Attributes:
        session: Names the command, so that its folders on a node are its own.
        job: What to do; its run is that of the driver.
        start_threads: Threads that the process which does it is started with.
        project: The project's code.
        run: What the run's folds read.
        versions: Packages of the run, which the node has to have.
    """

    session: str
    job: Job
    start_threads: int
    project: Parcel
    run: Parcel
    versions: dict[str, str]


class Place(msgspec.Struct, frozen=True):
    """A node: `key` is of the cluster and names its folder, `name` is for people."""

    key: str
    name: str


def perform(
    order: Order, pieces: Mapping[str, Sequence[Any]], fetch: Fetch, place: Place
) -> Generator[bytes, None, None]:
    """Do a job; yields what a worker process of the driver's machine would have said, and the files that it made.

    Args:
        order: What to do.
        pieces: What stands for the pieces of each file, by hash.
        fetch: Gets the bytes of a piece.
        place: Where this is.
    """
    yield encode({"event": "placed", "node": place.name, "key": place.key, "pid": os.getpid()})
    try:
        check_versions(order.versions, place.name)
        scratch = scratch_folder(order.session, place.key)
        project, run = (unpack(parcel, scratch, pieces, fetch) for parcel in (order.project, order.run))
    except AicompError as e:
        yield encode({"event": "error", "kind": type(e).__name__, "message": e.message, "hint": e.hint})
        return
    yield from _work(order.job, order.start_threads, project, run)


def check_versions(wanted: Mapping[str, str], node: str) -> None:
    """Refuse a node whose packages are others than the driver's: its folds would not be those of one run.

    Raises:
        UsageError: A package is missing there or of another version.
    """
    for package, expected in wanted.items():
        found: str | None = __version__ if package == "aicomp" else None
        with suppress(PackageNotFoundError):
            found = found or version(package)
        if found != expected:
            has = f"{package} {found}" if found else f"no {package}"
            raise UsageError(
                f"node `{node}` has {has}, and the run was begun with {package} {expected}",
                f"install the same versions on every node: pip install {package}=={expected}",
            )


def _work(job: Job, start_threads: int, project: Path, run: Path) -> Iterator[bytes]:
    there = {path.name for path in run.iterdir()}
    for k in job.folds or (job.fold,):
        shutil.rmtree(run / "folds" / str(k), ignore_errors=True)  # of an attempt whose files never arrived
    key = (str(project), start_threads)
    if key not in _workers:
        _workers[key] = Worker(project, start_threads, trains=True, folder=project)
    worker = _workers[key]
    heard = len(worker.words())
    worker.give(msgspec.structs.replace(job, run=str(run)))
    try:
        yield from _listen(job, worker, run, there, heard)
    except GeneratorExit:  # nobody wants the rest: what it says must not be heard as the next job's
        _workers.pop(key).end()
        raise
    if worker.process.poll() is not None:
        _workers.pop(key)


def _listen(job: Job, worker: Worker, run: Path, there: set[str], heard: int) -> Iterator[bytes]:
    assert worker.process.stdout is not None
    for content in _fewer_epochs(worker.process.stdout):
        event = content["event"]
        if event == "ready":
            continue
        if event == "fold":
            yield from _files(run, content["fold"], there)
        if event == "done" and job.task == "fold":
            yield from _files(run, job.fold, there)
        if event in ENDS:
            content["words"] = worker.words()[heard:][-_MOST_WORDS:].decode(errors="replace")
        yield encode(content)
        if event in ENDS:
            return
    code, tail = worker.process.wait(), worker.words().decode(errors="replace").splitlines()[-15:]
    yield encode({"event": "died", "code": code, "tail": "\n".join(tail)})


def _fewer_epochs(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Messages of a worker, without epochs that follow too soon for anybody to look at."""
    held: dict[int, dict[str, Any]] = {}
    told: dict[int, float] = {}
    for line in lines:
        content = json.loads(line)
        if content["event"] == "epoch":
            fold, now = content["fold"], time.monotonic()
            if now - told.get(fold, -_EVERY) < _EVERY:
                held[fold] = content
                continue
            held.pop(fold, None)
            told[fold] = now
        else:
            yield from held.values()
            held.clear()
        yield content


def _files(run: Path, k: int, there: set[str]) -> Iterator[bytes]:
    """The files of a fold, and those that its training wrote beside it; afterwards they are removed here."""
    folder = run / "folds" / str(k)
    paths = [path for path in folder.rglob("*") if path.is_file()]
    paths += [path for path in run.iterdir() if path.is_file() and path.name not in there]
    hashes: dict[str, str] = {}
    for path in sorted(paths, key=lambda path: (path.name == LAST, path)):
        place = path.relative_to(run).as_posix()
        digest = hashlib.sha256()
        with path.open("rb") as file:
            for piece in chain([file.read(_PIECE)], iter(lambda: file.read(_PIECE), b"")):
                digest.update(piece)
                yield encode({"event": "file", "place": place}, piece)
        hashes[place] = digest.hexdigest()
    yield encode({"event": "files", "fold": k, "files": hashes})
    shutil.rmtree(folder)
