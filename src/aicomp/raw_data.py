"""`data/raw/` of a project: the competition's files as they came, and a manifest that proves they are whole.

data/
  raw/            copies, byte for byte
  manifest.json   name, size and SHA-256 of each, written last
"""

import gzip
import hashlib
import json
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from aicomp.errors import DataError, UsageError
from aicomp.files import atomic_write, partial_file, writing

TABLE_SUFFIXES = (".csv", ".parquet", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zip", ".tsv.zip", ".gz", ".zip")
"""Endings of files that `data.reading.read_table` takes; of one table in several, the first is read."""

MAX_BYTES = 32 * 2**30
"""Most bytes that an archive may unpack to."""

MAX_RATIO = 200
"""Most bytes that one packed byte may become, in members of more than `MAX_RATIO_FREE_BYTES`. Tables of numbers stay
below 20, sparse ones below 100; an archive built to fill the disk is near deflate's limit of 1032."""

MAX_RATIO_FREE_BYTES = 10 * 2**20

_CHUNK = 2**20
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


def manifest_path(project_folder: Path) -> Path:
    """Where a project's manifest lies."""
    return project_folder / "data" / "manifest.json"


def table_suffix(name: str) -> str | None:
    """The longest of `TABLE_SUFFIXES` that a file's name ends in, None if it ends in none.

    >>> table_suffix("train.csv.zip"), table_suffix("images.tar")
    ('.csv.zip', None)
    """
    endings = [s for s in TABLE_SUFFIXES if name.lower().endswith(s) and len(name) > len(s)]
    return max(endings, key=len, default=None)


def copy_raw_data(source: Path, names: Sequence[str], project_folder: Path) -> None:
    """Copy files into the project's `data/raw/` and write the manifest last.

    Args:
        source: Folder that holds the files.
        names: Names of the files in it.
        project_folder: The project.

    Raises:
        AicompError: The disk is full or the folder cannot be written.
    """
    manifest_path(project_folder).unlink(missing_ok=True)  # while files change, nothing says that they are whole
    for name in names:
        with partial_file(project_folder / "data" / "raw" / name) as temporary:
            shutil.copyfile(source / name, temporary)
    write_manifest(project_folder)


def write_manifest(project_folder: Path) -> None:
    """Write name, size and SHA-256 of every file in the project's `data/raw/`.

    Raises:
        AicompError: The disk is full or the folder cannot be written.
    """
    files = sorted(p for p in (project_folder / "data" / "raw").iterdir() if p.is_file())
    entries = [{"name": p.name, "size": p.stat().st_size, "sha256": _sha256(p)} for p in files]
    atomic_write(manifest_path(project_folder), json.dumps({"files": entries}, indent=1) + "\n")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_manifest(project_folder: Path) -> None:
    """Refuse a project whose data is absent, not whole, or not what it was: a run records the manifest's hashes.

    Raises:
        DataError: No manifest, or a file that it names is missing or of another size or SHA-256.
    """
    raw = project_folder / "data" / "raw"
    for entry in _read_manifest(project_folder):
        path = raw / entry["name"]
        size = path.stat().st_size if path.is_file() else None
        if size != entry["size"]:
            state = "is missing" if size is None else f"has {size} bytes, the manifest says {entry['size']}"
            raise DataError(f"`data/raw/{entry['name']}` {state}", _restore(project_folder))
        if _sha256(path) != entry["sha256"]:
            raise DataError(
                f"`data/raw/{entry['name']}` was changed: its SHA-256 is not the one in `data/manifest.json`",
                _restore(project_folder),
            )


def data_hash(project_folder: Path) -> str:
    """SHA-256 over the names and hashes of the project's data files, as the manifest has them.

    Raises:
        DataError: There is no manifest.
    """
    digest = hashlib.sha256()
    for entry in sorted(_read_manifest(project_folder), key=lambda e: str(e["name"])):
        digest.update(f"{entry['name']}\0{entry['sha256']}\0".encode())
    return digest.hexdigest()


def _read_manifest(project_folder: Path) -> list[dict[str, Any]]:
    path = manifest_path(project_folder)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [{key: entry[key] for key in ("name", "size", "sha256")} for entry in content["files"]]
    except FileNotFoundError:
        raise DataError(f"`{project_folder}` has no data yet", _restore(project_folder)) from None
    except (ValueError, KeyError, TypeError) as e:
        raise DataError(f"`{path}` is no manifest: {e}", _restore(project_folder)) from e


def _restore(project_folder: Path) -> str:
    return f"run `aicomp init SOURCE --data-only --into {project_folder}`, SOURCE being a slug, a folder or a .zip"


@contextmanager
def unpacked(source: Path) -> Iterator[Path]:
    """Yield the folder that holds the tables of `source`, a folder or a .zip.

    The tables of a .zip lie in a temporary folder that is removed when the block ends.

    Raises:
        UsageError: Neither a folder nor a .zip.
        DataError: The .zip is broken, or has a member that may not be unpacked.
    """
    if source.is_dir():
        yield _table_folder(source)
    elif not zipfile.is_zipfile(source) and source.suffix.lower() != ".zip":
        raise UsageError(f"`{source}` is a file, and neither a folder nor a .zip", "name the folder that it lies in")
    else:
        with tempfile.TemporaryDirectory(prefix="aicomp-") as temporary:
            _unpack_tables(source, Path(temporary))
            yield _table_folder(Path(temporary))


def _table_folder(folder: Path) -> Path:
    """The folder, or the only one inside it as long as it holds no table: archives often wrap all in one folder."""
    while True:
        content = [p for p in folder.iterdir() if not p.name.startswith((".", "__MACOSX"))]
        if len(content) != 1 or not content[0].is_dir():
            return folder
        folder = content[0]


def _unpack_tables(archive: Path, folder: Path) -> None:
    """Unpack the members that are tables; a member of any kind that could do harm refuses the whole archive."""
    try:
        with zipfile.ZipFile(archive) as opened:
            places = _check_members(opened, archive)
            for info, place in places:
                if table_suffix(place.name) is None or place.parts[0] == "__MACOSX":
                    continue
                target = folder / place
                with writing(target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with opened.open(info) as reader, target.open("wb") as writer:
                        shutil.copyfileobj(reader, writer, _CHUNK)
    except _BROKEN_ZIP as e:
        raise DataError(f"`{archive.name}` cannot be unpacked as zip: {e}", "download it again") from e


def _check_members(opened: zipfile.ZipFile, archive: Path) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """Files of an archive with their places, all of them inside the folder that it is unpacked to.

    Raises:
        DataError: A member is no plain file, leaves the folder, comes twice, is encrypted or too large.
    """
    total = 0
    places: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for info in opened.infolist():
        total += info.file_size
        place = PurePosixPath(info.orig_filename.replace("\\", "/"))
        fault = _fault(info, place, total)
        if fault is None and not info.is_dir() and place in places:
            fault = "comes twice"
        if fault is not None:
            raise DataError(
                f"`{archive.name}` holds `{info.orig_filename}`, which {fault}",
                "nothing was unpacked; download the archive again from a source that you trust",
            )
        if not info.is_dir():
            places[place] = info
    return [(info, place) for place, info in places.items()]


def _fault(info: zipfile.ZipInfo, place: PurePosixPath, total: int) -> str | None:
    """What is wrong with a member as the end of a sentence, None if nothing is."""
    if place.is_absolute() or re.match("[A-Za-z]:", str(place)):
        return "is an absolute path"
    if ".." in place.parts or "\0" in info.orig_filename or not (place.parts or info.is_dir()):
        return "climbs out of the folder"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is no plain file"
    if info.flag_bits & 1:
        return "is encrypted"
    if total > MAX_BYTES:
        return f"brings the archive to {total:,} bytes, more than {MAX_BYTES:,}"
    if info.file_size > max(MAX_RATIO_FREE_BYTES, MAX_RATIO * info.compress_size):
        return f"unpacks from {info.compress_size:,} to {info.file_size:,} bytes, more than {MAX_RATIO} times its size"
    return None


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
            raise DataError(f"`{table.name}` cannot be unpacked as zip: {e}", "download it again") from e
    elif start.startswith(b"\x1f\x8b"):
        _check_gzip(table)


def _check_gzip(table: Path) -> None:
    """A .gz does not say how large its content is: unpack it in pieces, and stop where it is too much."""
    limit = min(MAX_BYTES, max(MAX_RATIO_FREE_BYTES, MAX_RATIO * table.stat().st_size))
    size = 0
    try:
        with gzip.open(table, "rb") as reader:
            while chunk := reader.read(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise DataError(
                        f"`{table.name}` unpacks to more than {limit:,} bytes",
                        "download it again from a source that you trust",
                    )
    except (OSError, EOFError, zlib.error) as e:
        raise DataError(f"`{table.name}` cannot be unpacked as gzip: {e}", "download it again") from e
