"""Archives from elsewhere, unpacked with distrust: no path outside, no links, no more than a disk should take."""

import gzip
import io
import lzma
import re
import shutil
import stat
import struct
import sys
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from aicomp.errors import DataError
from aicomp.files import writing

MAX_BYTES = 32 * 2**30
"""Most bytes that an archive may unpack to."""

MAX_RATIO = 200
"""Most bytes that one packed byte may become, in members of more than `MAX_RATIO_FREE_BYTES`. Tables of numbers stay
below 20, sparse ones below 100; an archive built to fill the disk is near deflate's limit of 1032."""

MAX_RATIO_FREE_BYTES = 10 * 2**20

MAX_MEMBERS = 2_000_000
"""Most files in one archive."""

_CHUNK = 2**20
_BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError, RuntimeError,
    ValueError, LookupError, OverflowError,
)  # fmt: skip
"""What `zipfile` raises for damaged archives: of names, places and sizes that make no sense it expects none."""


class BrokenArchiveError(DataError):
    """An archive is cut short or corrupt, so that getting it again may help (exit code 3)."""


def unpack(archive: Path, folder: Path, wanted: Callable[[PurePosixPath], bool], max_bytes: int | None = None) -> None:
    """Unpack members of a .zip; one of any kind that could do harm refuses the whole archive, wanted or not.

    The checksum of each member is checked while it is unpacked.

    Args:
        archive: The .zip.
        folder: Where to.
        wanted: Whether to unpack the member at a place.
        max_bytes: Most bytes that all may unpack to; by default `MAX_BYTES`.

    Raises:
        DataError: The archive is broken, or a member may not be unpacked.
        AicompError: The disk is full or the folder cannot be written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            for info, place in _check_members(opened, archive, max_bytes):
                if wanted(place):
                    _unpack_member(opened, info, folder / place)
    except _BROKEN_ZIP as e:
        raise _broken(archive, "zip", e) from e


def unpack_single(archive: Path, name: str, target: Path, max_bytes: int | None = None) -> None:
    """Unpack a .zip that wraps one file.

    Args:
        archive: The .zip.
        name: What the file is called; it may be called otherwise in the archive if it is alone there.
        target: Where to.
        max_bytes: Most bytes that it may unpack to; by default `MAX_BYTES`.

    Raises:
        DataError: The archive is broken, holds another number of files, or one that may not be unpacked.
        AicompError: The disk is full or the folder cannot be written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [m for m in _check_members(opened, archive, max_bytes) if m[1].parts[0] != "__MACOSX"]
            named = [m for m in members if m[1].name == PurePosixPath(name).name]
            found = members if len(members) == 1 else named
            if len(found) != 1:
                raise DataError(
                    f"`{archive.name}` should hold `{name}` and holds {len(members)} files",
                    "get it from its page by hand",
                )
            _unpack_member(opened, found[0][0], target)
    except _BROKEN_ZIP as e:
        raise _broken(archive, "zip", e) from e


def check_whole(archive: Path) -> None:
    """Read a .zip to its end and compare every checksum, unpacking nothing.

    Raises:
        DataError: It is broken, or a member may not be unpacked.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            for info, _ in _check_members(opened, archive):
                with opened.open(info) as reader:
                    while reader.read(_CHUNK):
                        pass
    except _BROKEN_ZIP as e:
        raise _broken(archive, "zip", e) from e


def _unpack_member(opened: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(info) as reader, target.open("wb") as writer:
            shutil.copyfileobj(reader, writer, _CHUNK)


def _broken(archive: Path, kind: str, error: Exception) -> BrokenArchiveError:
    return BrokenArchiveError(f"`{archive.name}` cannot be unpacked as {kind}: {error}", "download it again")


def _check_members(
    opened: zipfile.ZipFile, archive: Path, max_bytes: int | None = None
) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """Files of an archive with their places, all of them inside the folder that it is unpacked to.

    Raises:
        DataError: A member is no plain file, leaves the folder, comes twice, is encrypted or too large.
    """
    total, most = 0, MAX_BYTES if max_bytes is None else max_bytes
    if len(opened.infolist()) > MAX_MEMBERS:
        raise DataError(f"`{archive.name}` holds more than {MAX_MEMBERS:,} files", "unpack it yourself")
    places: dict[PurePosixPath, zipfile.ZipInfo] = {}
    cases: set[str] = set()
    for info in opened.infolist():
        total += info.file_size
        place = PurePosixPath(info.orig_filename.replace("\\", "/"))
        fault = _fault(info, place, total, most)
        if fault is None and not _is_dir(info):
            fault = "comes twice" if place in places else _clash(place, cases)
        if fault is not None:
            raise DataError(
                f"`{archive.name}` holds `{info.orig_filename}`, which {fault}",
                "nothing was unpacked; download the archive again from a source that you trust",
            )
        if not _is_dir(info):
            places[place] = info
            cases.add(str(place).casefold())
    return [(info, place) for place, info in places.items()]


def _is_dir(info: zipfile.ZipInfo) -> bool:
    return info.filename.endswith("/")  # `ZipInfo.is_dir` of Python 3.11 fails where there is no name


def _clash(place: PurePosixPath, cases: set[str]) -> str | None:
    """Whether a member would take the place of another where upper and lower case are the same."""
    is_the_same = sys.platform in ("win32", "darwin") and str(place).casefold() in cases
    return "differs from another one in upper and lower case alone" if is_the_same else None


def _fault(info: zipfile.ZipInfo, place: PurePosixPath, total: int, most: int) -> str | None:
    """What is wrong with a member as the end of a sentence, None if nothing is."""
    if place.is_absolute() or re.match("[A-Za-z]:", str(place)):
        return "is an absolute path"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in str(place)) and "\0" not in str(place):
        return "has characters in its name that cannot be seen"
    if ".." in place.parts or "\0" in info.orig_filename or not (place.parts or _is_dir(info)):
        return "climbs out of the folder"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is no plain file"
    if info.flag_bits & 1:
        return "is encrypted"
    if total > most:
        return f"brings the archive to {total:,} bytes, more than {most:,}"
    if info.file_size > max(MAX_RATIO_FREE_BYTES, MAX_RATIO * info.compress_size):
        return f"unpacks from {info.compress_size:,} to {info.file_size:,} bytes, more than {MAX_RATIO} times its size"
    return None


def unpack_tar(archive: Path, folder: Path, max_bytes: int | None = None) -> None:
    """Unpack a .tar, packed or not; a member that could do harm refuses the whole archive.

    Args:
        archive: The .tar.
        folder: Where to; what is in it already may be overwritten.
        max_bytes: Most bytes that all may unpack to; by default `MAX_BYTES`.

    Raises:
        DataError: It is broken, or a member may not be unpacked.
        AicompError: The disk is full or the folder cannot be written.
    """
    most, total = MAX_BYTES if max_bytes is None else max_bytes, 0
    try:
        with tarfile.open(archive) as opened:
            # One by one: to list all members would unpack whatever a bomb holds.
            for count, member in enumerate(opened, 1):
                total += member.size
                fault = _tar_fault(member, folder, total, most, count)
                if fault is not None:
                    raise DataError(
                        f"`{archive.name}` holds `{member.name}`, which {fault}",
                        "nothing of it was used; pack it again, or get it from a source that you trust",
                    )
            with writing(folder):
                opened.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, zlib.error, OSError) as e:
        raise _broken(archive, "tar", e) from e


def _tar_fault(member: tarfile.TarInfo, folder: Path, total: int, most: int, count: int) -> str | None:
    """What is wrong with a member as the end of a sentence, None if nothing is."""
    if member.issym() or member.islnk():
        return "is a link"
    if not (member.isreg() or member.isdir()):
        return "is no plain file"
    if member.name.startswith("/") or ".." in PurePosixPath(member.name).parts:
        return "climbs out of the folder"
    if total > most:
        return f"brings the archive to {total:,} bytes, more than {most:,}"
    if count > MAX_MEMBERS:
        return f"is one of more than {MAX_MEMBERS:,} files"
    try:
        tarfile.data_filter(member, str(folder))
    except tarfile.FilterError as e:
        return f"may not be unpacked: {e}"
    return None


def gunzip(raw: bytes, name: str) -> bytes:
    """Unpack the bytes of a .gz.

    Args:
        raw: Its bytes.
        name: Of the file, for messages.

    Raises:
        DataError: They are broken, or would unpack to more than they may.
    """
    limit, size = _gzip_limit(len(raw)), 0
    pieces = []
    try:
        with gzip.open(io.BytesIO(raw), "rb") as reader:
            while chunk := reader.read(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise _too_large(name, limit)
                pieces.append(chunk)
    except (OSError, EOFError, zlib.error) as e:
        raise DataError(f"`{name}` cannot be unpacked as gzip: {e}", "download it again") from e
    return b"".join(pieces)


def check_zip(opened: zipfile.ZipFile, archive: Path) -> None:
    """Refuse a .zip that is open if any member could do harm.

    Raises:
        DataError: One could.
    """
    _check_members(opened, archive)


def check_packed(table: Path) -> None:
    """Refuse a packed table (.zip or .gz) that would unpack to more than it may, before it is read into memory.

    Raises:
        DataError: It does, or cannot be unpacked.
    """
    with table.open("rb") as file:
        start = file.read(4)
    if start == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(table) as opened:
                _check_members(opened, table)
        except _BROKEN_ZIP as e:
            raise _broken(table, "zip", e) from e
    elif start.startswith(b"\x1f\x8b"):
        _check_gzip(table)


def _check_gzip(table: Path) -> None:
    """A .gz does not say how large its content is: unpack it in pieces, and stop where it is too much."""
    limit, size = _gzip_limit(table.stat().st_size), 0
    try:
        with gzip.open(table, "rb") as reader:
            while chunk := reader.read(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise _too_large(table.name, limit)
    except (OSError, EOFError, zlib.error) as e:
        raise _broken(table, "gzip", e) from e


def _gzip_limit(packed: int) -> int:
    return min(MAX_BYTES, max(MAX_RATIO_FREE_BYTES, MAX_RATIO * packed))


def _too_large(name: str, limit: int) -> DataError:
    return DataError(f"`{name}` unpacks to more than {limit:,} bytes", "download it again from a source that you trust")
