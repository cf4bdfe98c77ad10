"""`data/raw/` of a project: the competition's files as they came, and a manifest that proves they are whole.

data/
  raw/            copies, byte for byte, with the image and sound files that columns name in folders of their own
  manifest.json   name, size and SHA-256 of each, written last
"""

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from aicomp.archives import unpack
from aicomp.data.media_files import MediaIndex, media_kind, media_members, top_of, zip_place
from aicomp.errors import DataError, UsageError
from aicomp.files import atomic_write, is_temporary, partial_file, writing

TABLE_SUFFIXES = (".csv", ".parquet", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zip", ".tsv.zip", ".gz", ".zip")
"""Endings of files that `data.reading.read_table` takes; of one table in several, the first is read."""


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


def copy_raw_data(source: Path, names: Sequence[str], project_folder: Path, media: Sequence[str] = ()) -> None:
    """Copy files into the project's `data/raw/` and write the manifest last.

    Args:
        source: Folder that holds the files.
        names: Names of the files in it.
        project_folder: The project.
        media: Folders in it, or archives at their place, whose image and sound files are copied too; "." for those that
            lie in no folder.

    Raises:
        DataError: An archive is broken, or has a member that may not be unpacked.
        AicompError: The disk is full or the folder cannot be written.
    """
    if not names:
        return  # a simulation has no data
    manifest_path(project_folder).unlink(missing_ok=True)  # while files change, nothing says that they are whole
    raw = project_folder / "data" / "raw"
    index = MediaIndex.of(source, media) if media else MediaIndex((), {})
    loose = [path for path in index.paths if top_of(path) in media and top_of(path) not in index.archives]
    for name in names:
        with partial_file(raw / name) as temporary:
            shutil.copyfile(source / name, temporary)
    with writing(raw):  # the manifest alone says that they are whole: to flush each of many small files takes long
        for name in loose:
            (raw / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, raw / name)
    for name in sorted({index.archives[top] for top in media if top in index.archives}):
        _unpack_media(source / name, raw)
    write_manifest(project_folder)


def unpack_media(raw: Path) -> MediaIndex:
    """The image and sound files of `data/raw/`, after those of archives that somebody put there were unpacked.

    Raises:
        DataError: An archive is broken, or has a member that may not be unpacked.
        AicompError: The disk is full or the folder cannot be written.
    """
    index = MediaIndex.of(raw)
    if not index.archives:
        return index
    for name in sorted(set(index.archives.values())):
        _unpack_media(raw / name, raw)
    return MediaIndex.of(raw)


def _unpack_media(archive: Path, folder: Path) -> None:
    place = folder / zip_place(archive, media_members(archive))
    unpack(archive, place, lambda path: media_kind(path.name) is not None and path.parts[0] != "__MACOSX")


def write_manifest(project_folder: Path) -> None:
    """Write name, size and SHA-256 of every file in the project's `data/raw/`.

    Raises:
        AicompError: The disk is full or the folder cannot be written.
    """
    raw = project_folder / "data" / "raw"
    files = sorted(p for p in raw.iterdir() if p.is_file() and not is_temporary(p.name))
    files += [raw / path for path in MediaIndex.of(raw).paths if "/" in path]
    entries = [{"name": p.relative_to(raw).as_posix(), "size": p.stat().st_size, "sha256": _sha256(p)} for p in files]
    atomic_write(manifest_path(project_folder), json.dumps({"files": entries}, indent=1) + "\n")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_manifest(project_folder: Path) -> None:
    """Refuse a project whose data is absent, not whole, or not what it was: a run records the manifest's hashes.

    Of images and sounds the size alone is looked at: to read all of them would take as long as to decode them.

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
        if media_kind(path.name) is None and _sha256(path) != entry["sha256"]:
            raise DataError(
                f"`data/raw/{entry['name']}` was changed: its SHA-256 is not the one in `data/manifest.json`",
                _restore(project_folder),
            )


def check_against_manifest(source: Path, project_folder: Path) -> None:
    """Refuse files that differ from what a project's manifest says of them; files that it does not name pass.

    Args:
        source: Folder of the files that are to come into the project.
        project_folder: The project; without a manifest everything passes.

    Raises:
        DataError: A file has another SHA-256.
    """
    if not manifest_path(project_folder).is_file():
        return
    for entry in _read_manifest(project_folder):
        path = source / entry["name"]
        if path.is_file() and _sha256(path) != entry["sha256"]:
            raise DataError(
                f"`{entry['name']}` is not what the project was made with: its SHA-256 is not the one in "
                "`data/manifest.json`",
                "the host has changed the file; remove `data/manifest.json` to take the new one",
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


def data_files(project_folder: Path) -> dict[str, str]:
    """SHA-256 of each data file as the manifest has it, by name; images and sounds of a folder count as one.

    Raises:
        DataError: There is no manifest.
    """
    found: dict[str, str] = {}
    folders: dict[str, Any] = {}
    for entry in sorted(_read_manifest(project_folder), key=lambda e: str(e["name"])):
        name = str(entry["name"])
        if media_kind(name) is None:
            found[name] = entry["sha256"]
        else:
            digest = folders.setdefault(f"{PurePosixPath(name).parent}/", hashlib.sha256())
            digest.update(f"{name}\0{entry['sha256']}\0".encode())
    return found | {folder: digest.hexdigest() for folder, digest in folders.items()}


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

    What a .zip holds lies in a temporary folder that is removed when the block ends.

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
            unpack(source, Path(temporary), _is_wanted)
            yield _table_folder(Path(temporary))


def _table_folder(folder: Path) -> Path:
    """The folder, or the only one inside it as long as it holds no table: archives often wrap all in one folder."""
    while True:
        content = [p for p in folder.iterdir() if not p.name.startswith((".", "__MACOSX"))]
        if len(content) != 1 or not content[0].is_dir():
            return folder
        folder = content[0]


def _is_wanted(place: PurePosixPath) -> bool:
    is_known = table_suffix(place.name) is not None or media_kind(place.name) is not None
    return is_known and place.parts[0] != "__MACOSX"
