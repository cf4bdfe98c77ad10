"""Image files as arrays of one size."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

Fit = Literal["stretch", "crop"]

_SAMPLED = 200
_LARGEST = 128
"""Pixels of a side that "auto" takes at most: beyond it a network on a CPU takes hours."""
_GRAY = frozenset({"1", "L", "LA", "I", "I;16", "I;16B", "F"})
_DEEP = 65535


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

    @classmethod
    def choose(cls, paths: Sequence[Path], size: int | Literal["auto"], fit: Fit) -> "ImageDecoding":
        """Size and channels that suit some files: the median of their shorter sides, and gray if all are.

        Args:
            paths: The files; those that cannot be read have no say.
            size: Pixels of a side, "auto" up to 128.
            fit: See `fit`.
        """
        heads = [h for path in paths[:: max(1, len(paths) // _SAMPLED)] if (h := _head(path)) is not None]
        if size == "auto":
            size = min(_LARGEST, int(np.median([min(sides) for sides, _ in heads]))) if heads else _LARGEST
        return cls(int(size), 1 if heads and all(mode in _GRAY for _, mode in heads) else 3, fit)

    def read(self, path: Path) -> np.ndarray:
        """Decode a file, uint8 (channels, size, size).

        Raises:
            BadFileError: It is missing, or no image that can be read to its end.
        """
        from PIL import Image, ImageOps

        try:
            with Image.open(path) as opened:
                mode = "L" if self.channels == 1 else "RGB"
                opened.draft(mode, (self.size, self.size))  # a JPEG need not be decoded larger than this
                image = _eight_bits(ImageOps.exif_transpose(opened)).convert(mode)
                pixels = np.asarray(image.resize((self.size, self.size), Image.Resampling.BILINEAR, self._box(image)))
        except FileNotFoundError:
            raise BadFileError("is missing") from None
        except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as e:
            raise BadFileError(f"cannot be read as an image ({_short(e, path)})") from e
        return pixels[None] if self.channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def _box(self, image: Any) -> tuple[float, float, float, float]:
        width, height = image.size
        if self.fit == "stretch":
            return 0, 0, width, height
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return left, top, left + side, top + side


def _head(path: Path) -> tuple[tuple[int, int], str] | None:
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
