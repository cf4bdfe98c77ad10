"""Download a competition's files into a cache that all projects share."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from queue import Empty, SimpleQueue

from aicomp.errors import DataError
from aicomp.kaggle.bundle import fetch_bundle
from aicomp.kaggle.cache import Cache, Downloaded
from aicomp.kaggle.connection import Connection
from aicomp.kaggle.files import NoSingleFileError, RemoteFile, list_files
from aicomp.kaggle.meter import Meter, Progress
from aicomp.kaggle.patience import bucket_session
from aicomp.kaggle.room import check_room
from aicomp.kaggle.single import Job, fetch_single
from aicomp.kaggle.transfer import StoppedError
from aicomp.suggest import unknown_name

__all__ = ["Downloaded", "Progress", "download_competition", "select_files"]

N_AT_ONCE = 4
"""How many files come at the same time."""

MOST_SINGLE_FILES = 2_000
"""More files than these come as one archive: asking for each would run into the limit of calls."""

_SECONDS_TO_END = 2.0  # for each thread, when the download ends early


def download_competition(
    connection: Connection,
    slug: str,
    *,
    patterns: Sequence[str] = (),
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Path:
    """Download a competition's files, unless the cache has them already.

    Whatever ends it early, what has come is kept and the next call goes on from there. `docs/faults.md` says what is
    done about each way in which it can go wrong.

    Args:
        connection: The connection.
        slug: The competition.
        patterns: Names of the files to get, with `*` and `?`; none means all.
        on_progress: Told how it goes, by one thread at a time, about ten times a second.

    Returns:
        The folder in the cache that holds them under the names of the list; it may hold more. What is in it belongs to
        the cache: copy it before you change it.

    Raises:
        UsageError: A pattern fits no file.
        RefusedError: The rules are not accepted, or there is no such competition.
        CredentialsError: The credentials are refused.
        NetworkError: The server or the bucket fails.
        DataError: The list names a file outside its folder, or an archive is broken or hostile.
        AicompError: The disk is full.
    """
    listed = list_files(connection, slug)
    if not listed:
        raise DataError(f"`{slug}` has no files to download", f"see {connection.endpoint.page(slug, 'data')}")
    wanted = select_files(listed, patterns)
    meter = Meter(on_progress, sum(file.bytes for file in wanted), len(wanted))
    cache = Cache(connection.endpoint, slug)
    with cache.lock(lambda: meter.say("waiting for another aicomp, which downloads the same")):
        here = cache.sound(listed)
        missing = [file for file in wanted if file.name not in here]
        meter.here(sum(f.bytes for f in wanted if f.name in here), len(wanted) - len(missing))
        if missing or not cache.is_current(here.values()):
            cache.begin(here.values())
            here |= _fetch(connection, slug, cache, missing, meter)
            cache.finish(here.values(), is_whole=len(here) == len(listed))
    meter.say("")
    return cache.files


def select_files(files: Sequence[RemoteFile], patterns: Sequence[str]) -> list[RemoteFile]:
    """The files that a pattern fits, by their whole name or by its last part; all of them if there are no patterns.

    Raises:
        UsageError: A pattern fits none.
    """
    if not patterns:
        return list(files)
    wanted: set[str] = set()
    for pattern in patterns:
        found = {f.name for f in files if any(fnmatchcase(n, pattern) for n in (f.name, PurePosixPath(f.name).name))}
        if not found:
            raise unknown_name("file", pattern, [f.name for f in files])
        wanted |= found
    return [file for file in files if file.name in wanted]


def _fetch(
    connection: Connection, slug: str, cache: Cache, files: Sequence[RemoteFile], meter: Meter
) -> dict[str, Downloaded]:
    """Get files one by one, several at once; or as one archive where that cannot be."""
    begun = sum(path.stat().st_size for path in cache.parts.glob("*.part"))
    check_room(cache.folder, sum(file.bytes for file in files) - begun)
    job = Job(connection, slug, cache, meter, threading.Event())
    done: dict[str, Downloaded] = {}
    if len(files) <= MOST_SINGLE_FILES:
        try:
            _fetch_singles(job, files, done)
            return done
        except NoSingleFileError:
            job = replace(job, stop=threading.Event())
    rest = [file for file in files if file.name not in done]
    with bucket_session() as session:
        return done | fetch_bundle(job, session, rest)


def _fetch_singles(job: Job, files: Sequence[RemoteFile], done: dict[str, Downloaded]) -> None:
    """Get files by several threads; the first error ends all of them, and is raised when they have ended."""
    queue: SimpleQueue[RemoteFile] = SimpleQueue()
    for file in sorted(files, key=lambda file: -file.bytes):  # the largest first: it takes longest
        queue.put(file)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with bucket_session() as session:
                for file in _until_empty(queue, job.stop):
                    done[file.name] = fetch_single(job, session, file)
        except StoppedError:
            return
        except BaseException as e:
            errors.append(e)
            job.stop.set()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(N_AT_ONCE, len(files)))]
    for thread in threads:
        thread.start()
    _wait_for(threads, job.stop)
    if errors:
        raise errors[0]


def _wait_for(threads: Sequence[threading.Thread], stop: threading.Event) -> None:
    """Wait until all have ended, or `stop` is set."""
    try:
        for thread in threads:
            while thread.is_alive() and not stop.is_set():
                thread.join(0.1)
    finally:
        # Ctrl-C too: a thread that is still waiting for the network then writes nothing more once it wakes up.
        stop.set()
        for thread in threads:
            thread.join(_SECONDS_TO_END)


def _until_empty(queue: "SimpleQueue[RemoteFile]", stop: threading.Event) -> Iterator[RemoteFile]:
    while not stop.is_set():
        try:
            yield queue.get_nowait()
        except Empty:
            return
