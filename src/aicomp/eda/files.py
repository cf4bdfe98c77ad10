"""The image and sound files that columns name: which are there, how large they are, and which are damaged."""

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np

from aicomp.data.images import BadFileError, ImageDecoding, image_head
from aicomp.data.sounds import read_sound

_MOST_HEADS = 2000
_MOST_DECODED = 400
_THUMB = 64


@dataclass(frozen=True)
class Kinds:
    """Something that files have, and how many of those that were looked at have it: the most frequent first."""

    what: str
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class FileSet:
    """The files that one column names.

    Attributes:
        name: The column.
        kind: What they are.
        n: Distinct files that train and test name.
        absent: Of these, those that are not there.
        looked: Files whose beginning (of sounds, the whole) was read.
        decoded: Files that were read to their end.
        damaged: Files that cannot be read and why.
        shared: Files that train and test both name.
        kinds: Endings, sizes and modes; of sounds, sample rates.
        seconds: Lengths of sounds.
        widths: Of images in pixels; likewise `heights`.
        heights: Of images in pixels.
    """

    name: str
    kind: Literal["image", "audio"]
    n: int
    absent: tuple[str, ...]
    looked: int
    decoded: int
    damaged: tuple[tuple[str, str], ...]
    shared: int
    kinds: tuple[Kinds, ...]
    seconds: np.ndarray = field(default_factory=lambda: np.empty(0))
    widths: np.ndarray = field(default_factory=lambda: np.empty(0))
    heights: np.ndarray = field(default_factory=lambda: np.empty(0))


def read_files(name: str, kind: Literal["image", "audio"], train: Set[str], test: Set[str], root: Path) -> FileSet:
    """Look at the files that a column names.

    Args:
        name: The column.
        kind: What they are.
        train: Paths that train names, below `root`.
        test: Paths that test names.
        root: The folder.

    Raises:
        UsageError: Sounds of this kind need the package soundfile.
    """
    every = sorted(train | test)
    absent = tuple(path for path in every if not (root / path).is_file())
    there = [path for path in every if path not in set(absent)]
    endings = Counter(PurePosixPath(path).suffix.lower() for path in every)
    common: dict[str, Any] = {
        "name": name,
        "kind": kind,
        "n": len(every),
        "absent": absent,
        "shared": len(train & test),
    }
    if kind == "image":
        return _images(there, root, common, _counted("ending", endings))
    return _sounds(there, root, common, _counted("ending", endings))


def spread(items: Sequence[str], most: int) -> list[str]:
    """At most so many, at equal distances."""
    places = np.unique(np.linspace(0, len(items) - 1, min(most, len(items))).astype(int))
    return [items[int(i)] for i in places] if items else []


def _images(there: Sequence[str], root: Path, common: dict[str, Any], endings: Kinds) -> FileSet:
    heads = [h for path in spread(there, _MOST_HEADS) if (h := image_head(root / path)) is not None]
    decoding = ImageDecoding(_THUMB, 3)
    tried = spread(there, _MOST_DECODED)
    damaged = [(path, reason) for path in tried if (reason := _reason(decoding, root / path))]
    sides = np.array([side for side, _ in heads], dtype=np.float64).reshape(-1, 2)
    sizes = Counter(f"{width:.0f} x {height:.0f}" for width, height in sides)
    modes = Counter(mode for _, mode in heads)
    return FileSet(
        **common,
        looked=min(len(there), _MOST_HEADS),
        decoded=len(tried),
        damaged=tuple(damaged),
        kinds=(endings, _counted("size in pixels", sizes), _counted("mode", modes)),
        widths=sides[:, 0],
        heights=sides[:, 1],
    )


def _reason(decoding: ImageDecoding, path: Path) -> str:
    """Why an image cannot be read; "" where it can."""
    try:
        decoding.read(path)
    except BadFileError as e:
        return str(e)
    return ""


def _sounds(there: Sequence[str], root: Path, common: dict[str, Any], endings: Kinds) -> FileSet:
    tried, damaged = spread(there, _MOST_DECODED), []
    rates: Counter[str] = Counter()
    seconds = []
    for path in tried:
        try:
            rate, samples = read_sound(root / path)
        except BadFileError as e:
            damaged.append((path, str(e)))
            continue
        rates[f"{rate:,} a second"] += 1
        seconds.append(len(samples) / rate)
    return FileSet(
        **common,
        looked=len(tried),
        decoded=len(tried),
        damaged=tuple(damaged),
        kinds=(endings, _counted("sample rate", rates)),
        seconds=np.array(seconds),
    )


def _counted(what: str, counts: Counter[str]) -> Kinds:
    return Kinds(what, tuple(counts.most_common(8)))
