"""Files that columns name, as numbers: how large, and what an image shows in 72 shades of gray."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aicomp.data.columns import Column
from aicomp.data.images import image_sides
from aicomp.data.table import Table
from aicomp.validation.subject import Subject

WIDTH, HEIGHT = 9, 8


def file_columns(subject: Subject) -> list[Column]:
    """Columns whose values are paths of files that are there; pixels are none."""
    named = {column.name for column in subject.media.columns}
    return [c for c in subject.columns if c.kind in ("image", "audio") and c.name in named]


def paths_of(subject: Subject, name: str, table: Table, rows: np.ndarray) -> list[Path | None]:
    """Files that a column names in some rows; None where there is none."""
    levels, codes = table.levels[name], table.codes[name][rows]
    found = [subject.media.root / levels[code] if code >= 0 else None for code in codes]
    return [path if path is not None and path.is_file() else None for path in found]


def sizes(paths: Sequence[Path | None]) -> np.ndarray:
    """Bytes of each file, NaN where there is none; float64 (n,)."""
    return np.array([np.nan if path is None else path.stat().st_size for path in paths])


def sides(paths: Sequence[Path | None]) -> np.ndarray:
    """Width and height of each image, NaN where there is none; float64 (n, 2)."""
    return np.array([(np.nan, np.nan) if path is None else image_sides(path) for path in paths]).reshape(-1, 2)


def grays(paths: Sequence[Path | None]) -> np.ndarray:
    """Each image in gray, shrunk to 9 by 8 pixels, NaN where it cannot be read; float32 (n, 8, 9)."""
    from PIL import Image

    found = np.full((len(paths), HEIGHT, WIDTH), np.nan, dtype=np.float32)
    for i, path in enumerate(paths):
        if path is None:
            continue
        try:
            with Image.open(path) as opened:
                opened.draft("L", (4 * WIDTH, 4 * WIDTH))
                found[i] = np.asarray(opened.convert("L").resize((WIDTH, HEIGHT), Image.Resampling.BOX))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            continue  # stays NaN, as the docstring says; training names such a file
    return found


def content_keys(paths: Sequence[Path | None]) -> np.ndarray:
    """A number for each content, the same for the same bytes; int64 (n,), another negative one where there is none.

    Only files of the same size are read.
    """
    bytes_ = sizes(paths)
    _, inverse, counts = np.unique(np.nan_to_num(bytes_, nan=-1), return_inverse=True, return_counts=True)
    keys: list[object] = []
    for i, path in enumerate(paths):
        if path is None:
            keys.append(("none", i))
        elif counts[inverse[i]] == 1:
            keys.append(("size", int(bytes_[i])))
        else:
            keys.append(hashlib.sha256(path.read_bytes()).digest())
    number = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    return np.array([-1 - i if path is None else number[keys[i]] for i, path in enumerate(paths)], dtype=np.int64)
