"""One file of a competition: brought, unpacked if it came wrapped, checked, and put in its place."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aicomp import archives
from aicomp.archives import BrokenArchiveError, check_whole, unpack_single
from aicomp.errors import NetworkError
from aicomp.kaggle.cache import Cache, Downloaded, stamp_of
from aicomp.kaggle.connection import Connection
from aicomp.kaggle.digest import file_sha256
from aicomp.kaggle.files import RemoteFile, name_in_address, sign
from aicomp.kaggle.meter import Meter
from aicomp.kaggle.partial import Partial, move
from aicomp.kaggle.room import check_room
from aicomp.kaggle.transfer import MAX_ARRIVALS, Transfer

if TYPE_CHECKING:
    import requests


@dataclass(frozen=True)
class Job:
    """What the threads of a download share.

    Attributes:
        connection: To ask for addresses.
        slug: The competition.
        cache: Where files go.
        meter: Counts bytes.
        stop: Set when all should end.
    """

    connection: Connection
    slug: str
    cache: Cache
    meter: Meter
    stop: threading.Event


def fetch_single(job: Job, session: "requests.Session", file: RemoteFile) -> Downloaded:
    """Get one file into the cache, and take note of it there.

    Raises:
        NoSingleFileError: It cannot be had alone.
        NetworkError: The server or the bucket fails, or what arrives is not the file.
        DataError: It came in an archive that is broken or hostile.
        AicompError: The disk is full.
        StoppedError: The download should end.
    """
    for arrival in range(1, MAX_ARRIVALS + 1):
        try:
            return _fetch_once(job, session, file)
        except BrokenArchiveError:
            if arrival == MAX_ARRIVALS:
                raise
    raise AssertionError("unreachable")


def _fetch_once(job: Job, session: "requests.Session", file: RemoteFile) -> Downloaded:
    address = sign(job.connection, job.slug, file.name)
    is_zip = file.name.lower().endswith(".zip")
    is_wrapped = name_in_address(address).lower().endswith(".zip") and not is_zip
    with Partial(job.cache.parts, file.name, stamp_of(file)) as partial:
        job.meter.here(partial.size)
        transfer = Transfer(
            session,
            lambda: sign(job.connection, job.slug, file.name),
            partial,
            file.name,
            address=address,
            expected=file.bytes if file.bytes and not is_wrapped else None,
            stop=job.stop,
            on_bytes=lambda n: job.meter.received(n, file.name),
            algorithms=() if is_wrapped else ("sha256",),
        )
        digests, etag = transfer.run(), partial.whole.etag
        target = job.cache.files / file.name
        job.meter.here(-partial.size)  # from here on the file counts
        if is_wrapped:
            sha256 = _unwrap(partial, file, target)
        else:
            if not transfer.is_proven:
                _prove(partial, file, is_zip=is_zip)
            sha256 = digests.get("sha256", "")
            partial.take(target)
    job.meter.here(file.bytes)
    entry = job.cache.receipt(file.name, sha256, etag, stamp_of(file))
    job.cache.record(entry)
    job.meter.finished(file.name)
    return entry


def _unwrap(partial: Partial, file: RemoteFile, target: Path) -> str:
    """Unpack the file from its wrap, put it in its place and return its SHA-256; the wrap is dropped."""
    unpacked = partial.path.with_suffix(".unpacked")
    check_room(unpacked, file.bytes)
    try:
        unpack_single(partial.path, file.name, unpacked, max(archives.MAX_BYTES, file.bytes))
        sha256 = file_sha256(unpacked)
        move(unpacked, target)
    except BrokenArchiveError as e:
        raise BrokenArchiveError(f"`{file.name}` came in an archive that is cut or corrupt: {e.message}", e.hint) from e
    finally:
        unpacked.unlink(missing_ok=True)
        partial.drop()
    return sha256


def _prove(partial: Partial, file: RemoteFile, *, is_zip: bool) -> None:
    """Refuse a file of which nothing says how long it should be, unless its own checksums show that it is whole."""
    if not is_zip:
        partial.drop()
        raise NetworkError(
            f"`{file.name}` came without its length, and the list of files has none: it may be cut short",
            "try again; or get it by hand from the competition's page",
        )
    try:
        check_whole(partial.path)
    except BrokenArchiveError:
        partial.drop()
        raise
