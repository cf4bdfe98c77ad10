"""What a node needs, by the hash of each file, so that it is put into the cluster once whoever asks for it."""

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aicomp.errors import UsageError
from aicomp.run import Run

PIECE = 32 * 2**20
"""Bytes of a file that are one object: a node need not hold more of it in its object store at once."""

MOST_CODE = 256 * 2**20
"""Most bytes of a project beside its data."""

_NOT_CODE = {"data", "runs", "submissions", "__pycache__", "node_modules"}
_OF_A_RUN = ("run.json", "columns.json", "plan.json", "reading.json", "layout.json")
_OF_WORK = {".safetensors", ".json"}


class PackedFile(msgspec.Struct, frozen=True):
    """A file: where it lies in its folder, with slashes; bytes; SHA-256."""

    place: str
    size: int
    sha256: str


class Parcel(msgspec.Struct, frozen=True):
    """A folder.

    Attributes:
        name: What it is, such as a run's id; folders of equal files and different names are kept apart.
        files: What lies in it.
    """

    name: str
    files: tuple[PackedFile, ...]

    @property
    def key(self) -> str:
        """Hash of names and contents."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


def project_files(folder: Path) -> dict[str, Path]:
    """Files of a project that its code may need: all but data, runs, submissions, hidden files and links.

    Raises:
        UsageError: They are too large to be code.
    """
    found: dict[str, Path] = {}
    for top, folders, names in os.walk(folder):
        here = Path(top)
        skipped = _NOT_CODE if here == folder else {"__pycache__"}
        folders[:] = sorted(n for n in folders if n not in skipped and not n.startswith(".") and _is_own(here / n))
        for name in sorted(names):
            path = here / name
            if not name.startswith(".") and not path.is_symlink() and path.is_file():
                found[path.relative_to(folder).as_posix()] = path
    if sum(path.stat().st_size for path in found.values()) > MOST_CODE:
        largest = max(found, key=lambda place: found[place].stat().st_size)
        raise UsageError(
            f"`{folder}` holds more than {MOST_CODE >> 20} MB beside its data, which every node would get",
            f"move what the code does not need below `data/`; the largest file is `{largest}`",
        )
    return found


def _is_own(folder: Path) -> bool:
    """Whether a folder is part of the project: no link, and no virtual environment."""
    return not folder.is_symlink() and not (folder / "pyvenv.cfg").is_file()


def run_files(run: Run) -> dict[str, Path]:
    """Files of a run that is laid out which a fold reads, and the decoded images and sounds that it names.

    What a fold keeps of its own below `work/`, such as a checkpoint, is none of them: it stays with the node.
    """
    found = {name: run.folder / name for name in _OF_A_RUN if (run.folder / name).is_file()}
    found |= {f"work/{p.name}": p for p in sorted(run.work.iterdir()) if p.is_file() and _is_read(p)}
    for kind, path in run.read("work/media.json").items():
        for file in (Path(path), Path(path).with_suffix(".sides")):
            found[f"media/{kind}/{file.name}"] = file
    return found


def _is_read(path: Path) -> bool:
    return path.suffix in _OF_WORK and not path.name.startswith(("checkpoint-", "."))


class Store:
    """Puts files into a cluster, each content once.

    Args:
        put: Takes bytes and returns what stands for them in the cluster.
    """

    def __init__(self, put: Callable[[np.ndarray], Any]) -> None:
        self._put = put
        self._pieces: dict[str, list[Any]] = {}
        self._known: dict[tuple[int, int, int, int], str] = {}
        self.n_bytes = 0

    def parcel(self, name: str, files: Mapping[str, Path]) -> Parcel:
        """Describe a folder and put what of it is not there yet."""
        return Parcel(name, tuple(self._add(place, path) for place, path in files.items()))

    def pieces(self, *parcels: Parcel) -> dict[str, list[Any]]:
        """What stands for the files of these parcels, by hash."""
        return {file.sha256: self._pieces[file.sha256] for parcel in parcels for file in parcel.files}

    def _add(self, place: str, path: Path) -> PackedFile:
        # Trials and members share files by hard links: these are read once.
        about = path.stat()
        identity = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns)
        if identity not in self._known:
            self._known[identity] = self._read(path, about.st_size)
        return PackedFile(place, about.st_size, self._known[identity])

    def _read(self, path: Path, size: int) -> str:
        content: np.ndarray = np.memmap(path, np.uint8, "r") if size else np.empty(0, np.uint8)
        digest = hashlib.sha256(content.data).hexdigest()
        if digest not in self._pieces:
            self._pieces[digest] = [self._put(content[i : i + PIECE]) for i in range(0, size, PIECE)]
            self.n_bytes += size
        return digest
