"""Files decoded once for all runs, folds and processes of a project: `data/cache/`.

data/cache/
  <hash>.npy    the decoded files, sorted by name, and a blank one behind them
  <hash>.sides  width and height of each file before it was decoded; written before the array
  <hash>.json   which files could not be decoded, and why; written before the array

The hash is that of the files' names, sizes and times of change, and of how they are decoded. The folder can be removed
at any time: what is needed again is decoded again.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from aicomp.data.decoding_processes import MANY, decode_by_processes
from aicomp.data.images import BadFileError
from aicomp.errors import AicompError, DataError
from aicomp.files import atomic_write, partial_file
from aicomp.processes import n_cores

_FORMAT = 2
"""Raised where the same parameters decode to something else."""

_AT_ONCE = 256


class Decoding(Protocol):
    """How files of one kind become arrays of one shape; a dataclass of its parameters."""

    @property
    def kind(self) -> Any:
        """Of the files: "image" or "audio"."""

    @property
    def dtype(self) -> str:
        """Of the arrays."""

    @property
    def blank(self) -> float:
        """What fills the array of a file that is not there."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one array: channels, height, width."""

    def read(self, path: Path) -> np.ndarray:
        """Decode a file.

        Raises:
            BadFileError: It cannot be.
        """

    def sides(self, path: Path) -> tuple[float, float]:
        """Width and height of the file itself, NaN where it has none."""


@dataclass(frozen=True)
class Decoded:
    """Decoded files.

    Attributes:
        path: File of the arrays.
        bad: Why files could not be decoded, by name; their arrays are blank.
    """

    path: Path
    bad: dict[str, str]


def names_of(levels: Iterable[Iterable[str]]) -> list[str]:
    """The order in which the files of some columns are decoded: distinct and sorted."""
    return sorted(set().union(*levels))


def decode_files(
    names: Sequence[str],
    root: Path,
    decoding: Decoding,
    cache: Path,
    *,
    on_bad: Callable[[str, str], AicompError] | None = None,
) -> Decoded:
    """Decode files with all cores, or find them decoded.

    Threads share the work, whose decoders and Fourier transforms let go of Python's lock for most of it; of many files,
    processes.

    Args:
        names: Names relative to `root`, sorted.
        root: Where they lie.
        decoding: How.
        cache: Folder of what is decoded.
        on_bad: Makes the error with which the first file that cannot be decoded ends all, from its name and the reason;
            None makes such files blank.

    Raises:
        AicompError: What `on_bad` makes, or the disk is full.
    """
    path = cache / f"{_key(names, root, decoding)}.npy"
    about = path.with_suffix(".json")
    if not path.is_file():
        bad: dict[str, str] = {}
        with partial_file(path) as temporary:
            array = np.lib.format.open_memmap(
                temporary, mode="w+", dtype=np.dtype(decoding.dtype), shape=(len(names) + 1, *decoding.shape)
            )
            array[-1] = decoding.blank
            sides = np.full((len(names) + 1, 2), np.nan, dtype=np.float32)
            if len(names) >= MANY and n_cores() > 1:
                array.flush()
                about_files = described(decoding)
                bad = decode_by_processes(temporary, sides, names, root, about_files, stops=on_bad is not None)
                if bad and on_bad is not None:
                    raise on_bad(*next(iter(bad.items())))
            else:
                _fill(array, sides, names, root, decoding, bad, on_bad)
            array.flush()
            del array
            _keep_sides(path, sides)
            atomic_write(about, json.dumps({"bad": bad, "decoding": described(decoding)}, indent=1) + "\n")
    bad = json.loads(about.read_text(encoding="utf-8"))["bad"]
    if bad and on_bad is not None:
        raise on_bad(*next(iter(bad.items())))
    return Decoded(path, bad)


def keep_array(array: np.ndarray, decoding: Decoding, cache: Path) -> Decoded:
    """Write arrays that need no decoding, such as pixels of a table, as `decode_files` would, a blank one last."""
    digest = hashlib.sha256(json.dumps([_FORMAT, array.shape, array.dtype.str]).encode())
    digest.update(np.ascontiguousarray(array).data)
    path = cache / f"{digest.hexdigest()[:32]}.npy"
    if not path.is_file():
        blank = np.full((1, *array.shape[1:]), decoding.blank, dtype=array.dtype)
        _keep_sides(path, np.full((len(array) + 1, 2), array.shape[:1:-1], dtype=np.float32))
        with partial_file(path) as temporary, temporary.open("wb") as file:
            np.save(file, np.concatenate([array, blank]))
    return Decoded(path, {})


def open_decoded(path: Path) -> np.ndarray:
    """Map decoded files into memory, (n_files + 1, channels, height, width); the last is blank.

    Raises:
        DataError: They are gone, or something else stands in their place.
    """
    try:
        # Copied where it is written to, which nothing does: torch warns of arrays that cannot be written to.
        array: np.ndarray = np.lib.format.open_memmap(path, mode="c")
    except FileNotFoundError:
        raise DataError(f"`{path}`, the decoded files, is gone", "run `aicomp train --fresh`") from None
    except ValueError as e:
        raise DataError(f"`{path}`, the decoded files, is damaged: {e}", f"remove `{path}`") from e
    return array


def open_sides(path: Path) -> np.ndarray:
    """Width and height of the files that `open_decoded` maps, float32 (n_files + 1, 2), NaN where there is none.

    Raises:
        DataError: They are gone, or something else stands in their place.
    """
    try:
        with _sides_of(path).open("rb") as file:
            sides: np.ndarray = np.lib.format.read_array(file)
    except FileNotFoundError:
        raise DataError(f"`{_sides_of(path)}`, sizes of files, is gone", "run `aicomp train --fresh`") from None
    except ValueError as e:
        raise DataError(f"`{_sides_of(path)}`, sizes of files, is damaged: {e}", f"remove `{path}`") from e
    return sides


def _sides_of(path: Path) -> Path:
    return path.with_suffix(".sides")


def _keep_sides(path: Path, sides: np.ndarray) -> None:
    with partial_file(_sides_of(path)) as temporary, temporary.open("wb") as file:
        np.save(file, sides)


def described(decoding: Decoding) -> dict[str, Any]:
    """A decoding as JSON."""
    return {"kind": decoding.kind, **asdict(decoding)}  # type: ignore[call-overload]


def _key(names: Sequence[str], root: Path, decoding: Decoding) -> str:
    digest = hashlib.sha256(json.dumps([_FORMAT, described(decoding)]).encode())
    for name in names:
        try:
            found = (root / name).stat()
            digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
        except OSError:
            digest.update(f"{name}\0missing\0".encode())
    return digest.hexdigest()[:32]


def _fill(
    array: np.ndarray,
    sides: np.ndarray,
    names: Sequence[str],
    root: Path,
    decoding: Decoding,
    bad: dict[str, str],
    on_bad: Callable[[str, str], AicompError] | None,
) -> None:
    def decode(i: int) -> str | None:
        try:
            array[i] = decoding.read(root / names[i])
            sides[i] = decoding.sides(root / names[i])
        except BadFileError as e:
            array[i] = decoding.blank
            return str(e)
        return None

    with ThreadPoolExecutor(max_workers=n_cores()) as pool:
        for start in range(0, len(names), _AT_ONCE):  # in pieces, so that an error ends all soon
            piece = range(start, min(start + _AT_ONCE, len(names)))
            for i, reason in zip(piece, pool.map(decode, piece), strict=True):
                if reason is None:
                    continue
                if on_bad is not None:
                    raise on_bad(names[i], reason)
                bad[names[i]] = reason


def places_of(levels: Mapping[str, Sequence[str]], columns: Sequence[str]) -> dict[str, np.ndarray]:
    """Place in the array of each level of each column, and behind them that of a missing value, -1."""
    place = {name: i for i, name in enumerate(names_of(levels[c] for c in columns))}
    return {c: np.array([*(place[level] for level in levels[c]), -1], dtype=np.int64) for c in columns}
