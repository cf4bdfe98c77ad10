"""Columns that are the pixels of an image, as in tables of digits: `pixel0` to `pixel783`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np
import pandas as pd

from aicomp.data.images import ImageDecoding
from aicomp.errors import DataError

COLUMN = "pixels"
"""Name of the column that takes the place of all of them."""

_FEWEST = 64
_TOPS = (1, 15, 16, 255)
"""Brightest values of pixels that are in use; the next one that no value exceeds is taken as white."""
_LOOKED_AT = 500
_SMOOTH = 0.3
_NUMBERED = re.compile(r"(.*?[^\d])?(\d+)(?:[_x-](\d+))?")


@dataclass(frozen=True)
class PixelColumns:
    """Columns that are the pixels of a square image, row by row; of three channels, one after the other.

    Attributes:
        names: The columns in their order.
        channels: 1 or 3.
        top: Value of white.
    """

    names: tuple[str, ...]
    channels: int
    top: float

    @property
    def size(self) -> int:
        """Pixels of a side."""
        return isqrt(len(self.names) // self.channels)

    @property
    def decoding(self) -> ImageDecoding:
        """What such images are like."""
        return ImageDecoding(self.size, self.channels)

    @property
    def reason(self) -> str:
        """How they look, for people."""
        what = f"{self.size} x {self.size} pixels" + (" in 3 channels" if self.channels == 3 else "")
        return f"{len(self.names)} columns, `{self.names[0]}` to `{self.names[-1]}`: {what}, white at {self.top:g}"

    def images(self, table: pd.DataFrame) -> np.ndarray:
        """The images of a table's rows, uint8 (n, channels, size, size).

        Raises:
            DataError: A value is missing, or none from 0 to white.
        """
        values = table[list(self.names)].to_numpy(dtype=np.float32)
        bad = np.argwhere(~((values >= 0) & (values <= self.top)))
        if len(bad):
            row, column = bad[0]
            raise DataError(
                f"row {row}, counted from 0: `{self.names[column]}` is {values[row, column]:g}, "
                f"which is no pixel from 0 to {self.top:g}",
                'correct it, or write `pixels = "none"` under [data] in aicomp.toml',
            )
        images = np.rint(values * (255 / self.top)).astype(np.uint8)
        return images.reshape(-1, self.channels, self.size, self.size)


def find_pixels(train: pd.DataFrame, test: pd.DataFrame) -> PixelColumns | None:
    """The pixel columns of two tables, None if there are none.

    At least 64 columns of one name and rising numbers, whose count is a square or three times one, and which hold
    nothing but numbers from 0 up to a usual white. Their name speaks of pixels, or neighbours in the square go
    together: other features have such names and numbers too.
    """
    by_stem: dict[str, list[str]] = {}
    for name in train.columns:
        if name in test.columns and (match := _NUMBERED.fullmatch(str(name))):
            by_stem.setdefault(match[1] or "", []).append(str(name))
    names = max(by_stem.values(), key=len, default=[])
    channels = _channels(len(names))
    if not channels or not _are_in_order(names):
        return None
    lowest, highest = np.inf, -np.inf
    for table in (train, test):
        part = table[names]
        if not all(pd.api.types.is_numeric_dtype(t) for t in part.dtypes) or part.isna().to_numpy().any():
            return None
        lowest, highest = min(lowest, part.to_numpy().min()), max(highest, part.to_numpy().max())
    top = next((t for t in _TOPS if highest <= t), None)
    if top is None or lowest < 0 or highest <= 0:
        return None
    found = PixelColumns(tuple(names), channels, float(top))
    says_so = "pix" in names[0].lower()
    return found if says_so or _smoothness(found.images(train[:_LOOKED_AT])) >= _SMOOTH else None


def _smoothness(images: np.ndarray) -> float:
    """Correlation of pixels with their neighbours, to the right or below, whichever is less; the mean image aside."""
    rest = images.astype(np.float64) - images.mean(axis=0)
    pairs = [(rest[..., :, 1:], rest[..., :, :-1]), (rest[..., 1:, :], rest[..., :-1, :])]
    return min(float((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum() + 1e-9)) for a, b in pairs)


def _channels(n: int) -> int:
    """1 for a square number of columns, 3 for three times one, 0 for others and for few."""
    for channels in (1, 3):
        if n >= _FEWEST and n % channels == 0 and isqrt(n // channels) ** 2 == n // channels:
            return channels
    return 0


def _are_in_order(names: Sequence[str]) -> bool:
    """Whether the numbers at the names' ends rise, in one part or in row and column."""
    numbers = [tuple(int(part or 0) for part in match.groups()[1:]) for n in names if (match := _NUMBERED.fullmatch(n))]
    return numbers == sorted(set(numbers))
