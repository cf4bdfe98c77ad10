"""Pictures of a page: a file as its network sees it, and the same with the places that matter."""

import base64
import io
from dataclasses import dataclass

import numpy as np

_SIDE = 168
_ORANGE = np.array([240.0, 110.0, 0.0])
_STRONGEST = 0.65


@dataclass(frozen=True)
class Picture:
    """A file of a row.

    Attributes:
        name: Its path, as the table names it.
        plain: As it is, as a PNG in a data URI.
        marked: With the places that matter in orange.
        centre: Mean place of what matters: shares of the width, from the left, and of the height, from the top.
    """

    name: str
    plain: str
    marked: str
    centre: tuple[float, float]


def make_picture(name: str, file: np.ndarray, heat: np.ndarray) -> Picture:
    """Draw a file.

    Args:
        name: Its path.
        file: (channels, height, width): uint8 of an image, or decibels of a sound, low pitches first.
        heat: Weight of each place, (height, width), from 0 to 1.
    """
    if file.dtype != np.uint8:
        file, heat = file[:, ::-1], heat[::-1]
    pixels = _as_pixels(file)
    share = (heat * _STRONGEST)[..., None]
    marked = pixels * (1 - share) + _ORANGE * share
    return Picture(name, _data_uri(pixels), _data_uri(marked), _centre(heat))


def _as_pixels(file: np.ndarray) -> np.ndarray:
    values = file.astype(np.float64)
    if file.dtype != np.uint8:
        low, high = values.min(), values.max()
        values = (values - low) * (255 / max(high - low, 1e-6))
    pixels = values.transpose(1, 2, 0)
    return pixels if pixels.shape[2] == 3 else np.repeat(pixels[..., :1], 3, axis=2)


def _data_uri(pixels: np.ndarray) -> str:
    from PIL import Image

    times = max(1, round(_SIDE / max(pixels.shape[:2])))
    large = np.clip(pixels, 0, 255).astype(np.uint8).repeat(times, axis=0).repeat(times, axis=1)
    content = io.BytesIO()
    Image.fromarray(large).save(content, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def _centre(heat: np.ndarray) -> tuple[float, float]:
    total = float(heat.sum())
    if not total:
        return 0.5, 0.5
    height, width = heat.shape
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    return round(float((heat.sum(axis=0) * x).sum()) / total, 3), round(float((heat.sum(axis=1) * y).sum()) / total, 3)
