"""All files of a competition as the one archive that Kaggle makes of them, where single files cannot be had."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aicomp import archives
from aicomp.archives import BrokenArchiveError, unpack, unpack_single
from aicomp.errors import NetworkError
from aicomp.kaggle.cache import Downloaded, stamp_of
from aicomp.kaggle.digest import file_sha256
from aicomp.kaggle.files import RemoteFile, sign
from aicomp.kaggle.partial import Partial, move
from aicomp.kaggle.room import check_room
from aicomp.kaggle.single import Job
from aicomp.kaggle.transfer import MAX_ARRIVALS, Transfer

if TYPE_CHECKING:
    import requests


def fetch_bundle(job: Job, session: "requests.Session", files: Sequence[RemoteFile]) -> dict[str, Downloaded]:
    """Get the archive and put these files of it into the cache.

    Raises:
        NetworkError: The server or the bucket fails, or the archive lacks a file of the list.
        DataError: The archive is broken or hostile.
        AicompError: The disk is full.
    """
    for arrival in range(1, MAX_ARRIVALS + 1):
        try:
            return _fetch_once(job, session, files)
        except BrokenArchiveError:
            if arrival == MAX_ARRIVALS:
                raise
    raise AssertionError("unreachable")


def _fetch_once(job: Job, session: "requests.Session", files: Sequence[RemoteFile]) -> dict[str, Downloaded]:
    name = f"{job.slug}.zip"
    stamp = hashlib.sha256("\n".join(f"{f.name} {stamp_of(f)}" for f in files).encode()).hexdigest()
    with Partial(job.cache.parts, "", stamp) as partial:
        job.meter.here(partial.size)
        transfer = Transfer(
            session,
            lambda: sign(job.connection, job.slug),
            partial,
            name,
            stop=job.stop,
            on_bytes=lambda n: job.meter.received(n, name),
            algorithms=(),
        )
        transfer.run()
        job.meter.here(-partial.size)  # from here on the files count
        folder = job.cache.parts / "unpacked"
        try:
            done = _unpack(job, partial, files, folder)
        except BrokenArchiveError:
            partial.drop()
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        partial.drop()
        return done


def _unpack(job: Job, partial: Partial, files: Sequence[RemoteFile], folder: Path) -> dict[str, Downloaded]:
    n_bytes = sum(file.bytes for file in files)
    check_room(folder, n_bytes)
    places = {name for file in files for name in (file.name, f"{file.name}.zip")}
    shutil.rmtree(folder, ignore_errors=True)
    unpack(partial.path, folder, lambda place: str(place) in places, max(archives.MAX_BYTES, 2 * n_bytes))
    return {file.name: _place(job, file, folder, partial.whole.etag) for file in files}


def _place(job: Job, file: RemoteFile, folder: Path, etag: str) -> Downloaded:
    """Put an unpacked file in its place; within the archive it may be wrapped once more."""
    source, target = folder / file.name, job.cache.files / file.name
    wrapped = folder / f"{file.name}.zip"
    if not source.is_file() and wrapped.is_file():
        unpack_single(wrapped, file.name, source, max(archives.MAX_BYTES, file.bytes))
    elif source.is_file() and file.bytes and source.stat().st_size != file.bytes:
        raise NetworkError(
            f"`{file.name}` has {source.stat().st_size:,} bytes in the archive, the list of files says {file.bytes:,}",
            "it may just be replaced by a new one: try again in a while",
        )
    if not source.is_file():
        raise NetworkError(f"the archive of `{job.slug}` lacks `{file.name}`, which is in the list", "try again later")
    sha256 = file_sha256(source)
    move(source, target)
    entry = job.cache.receipt(file.name, sha256, etag, stamp_of(file))
    job.cache.record(entry)
    job.meter.here(file.bytes)
    job.meter.finished(file.name)
    return entry
