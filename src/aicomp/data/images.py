"""Image files as arrays of one size."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

Fit = Literal["stretch", "crop"]

_SAMPLED = 200
_LARGEST = 128
"""Pixels of a side that "auto" takes at most: beyond it a network on a CPU takes hours."""
_LARGEST_FOR_BOXES = 512
_MULTIPLE = 32
_GRAY = frozenset({"1", "L", "LA", "I", "I;16", "I;16B", "F"})
_DEEP = 65535
_ORIENTATION = 0x0112
_ON_ITS_SIDE = 5
"""Orientations of EXIF from which on width and height change places."""


class BadFileError(Exception):
    """A file cannot be decoded; the message says why, as the end of a sentence."""


@dataclass(frozen=True)
class ImageDecoding:
    """How image files become arrays.

    Attributes:
        size: Pixels of each side.
        channels: 3 for red, green and blue, 1 for gray.
        fit: "stretch" takes the whole image whatever its sides, "crop" its middle square.
    """

    kind: ClassVar[Literal["image"]] = "image"
    dtype: ClassVar[str] = "uint8"
    blank: ClassVar[float] = 0

    size: int
    channels: int
    fit: Fit = "stretch"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image: channels, height, width."""
        return self.channels, self.size, self.size

    def sides(self, path: Path) -> tuple[float, float]:
        """Width and height of the file's image, NaN where it cannot be read."""
        return image_sides(path)

    @classmethod
    def choose(
        cls, paths: Sequence[Path], size: int | Literal["auto"], fit: Fit, *, for_boxes: bool = False
    ) -> "ImageDecoding":
        """Size and channels that suit some files: the median of their shorter sides, and gray if all are.

        Args:
            paths: The files; those that cannot be read have no say.
            size: Pixels of a side, "auto" up to 128.
            fit: See `fit`.
            for_boxes: Whether objects are to be found in them: "auto" is then half of what they have, 512 at most.
        """
        heads = [h for path in paths[:: max(1, len(paths) // _SAMPLED)] if (h := image_head(path)) is not None]
        if size == "auto" and for_boxes and heads:
            half = math.sqrt(float(np.median([width * height for (width, height), _ in heads]))) / 2
            size = int(np.clip(_MULTIPLE * round(half / _MULTIPLE), _LARGEST, _LARGEST_FOR_BOXES))
        elif size == "auto":
            size = min(_LARGEST, int(np.median([min(sides) for sides, _ in heads]))) if heads else _LARGEST
        return cls(int(size), 1 if heads and all(mode in _GRAY for _, mode in heads) else 3, fit)

    def read(self, path: Path) -> np.ndarray:
        """Decode a file, uint8 (channels, size, size).

        Raises:
            BadFileError: It is missing, or no image that can be read to its end.
        """
        from PIL import Image

        mode: Literal["L", "RGB"] = "L" if self.channels == 1 else "RGB"
        with opened_image(path, mode, self.size) as image:
            pixels = np.asarray(image.resize((self.size, self.size), Image.Resampling.BILINEAR, self._box(image)))
        return pixels[None] if self.channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def _box(self, image: Any) -> tuple[float, float, float, float]:
        width, height = image.size
        if self.fit == "stretch":
            return 0, 0, width, height
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return left, top, left + side, top + side


@contextmanager
def opened_image(path: Path, mode: Literal["L", "RGB"], side: int) -> Iterator[Any]:
    """A file's image as Pillow has it, in 8 bits and the right way up.

    Args:
        path: The file.
        mode: Gray or red, green and blue.
        side: Pixels of the sides that it is wanted in: a JPEG need not be decoded much larger.

    Raises:
        BadFileError: It is missing, or no image that can be read to its end.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            opened.draft(mode, (side, side))
            yield _eight_bits(ImageOps.exif_transpose(opened)).convert(mode)
    except FileNotFoundError:
        raise BadFileError("is missing") from None
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as e:
        raise BadFileError(f"cannot be read as an image ({_short(e, path)})") from e


def image_sides(path: Path) -> tuple[float, float]:
    """Width and height of an image in pixels, as it is looked at; NaN where there is no image that can be read."""
    from PIL import Image

    try:
        with Image.open(path) as opened:
            turned = opened.getexif().get(_ORIENTATION, 1) >= _ON_ITS_SIDE
            return (opened.height, opened.width) if turned else (opened.width, opened.height)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return math.nan, math.nan


def image_head(path: Path) -> tuple[tuple[int, int], str] | None:
    """Sides and mode of an image, of which no more than the beginning is read."""
    from PIL import Image

    try:
        with Image.open(path) as opened:
            return opened.size, opened.mode
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def _eight_bits(image: Any) -> Any:
    """An image of 16 bits or of fractions, which Pillow would cut at 255, in 8 bits."""
    from PIL import Image

    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image, dtype=np.float32)
    top = 1.0 if image.mode == "F" and values.max() <= 1 else 255.0 if values.max() <= 255 else float(_DEEP)
    return Image.fromarray(np.clip(values * (255 / top), 0, 255).astype(np.uint8))


def _short(error: Exception, path: Path) -> str:
    text = str(error).replace(str(path), path.name).strip() or type(error).__name__
    return text if len(text) <= 80 else f"{text[:77]}..."
