"""Some training images or sounds beside what augmentation makes of them, as one picture."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from aicomp.data.rows import Media
from aicomp.files import partial_file

_ROWS, _COLUMNS = 8, 8
_SIDE = 72
_GAP = 4


def draw_contact_sheet(media: Media, change: Callable[[np.ndarray], np.ndarray], path: Path) -> None:
    """Write a PNG: a row for each of some files, as it is and then changed at random.

    Args:
        media: Files of the training rows.
        change: Changes decoded files (n, channels, height, width) as training does.
        path: The PNG.
    """
    from PIL import Image

    places = np.unique(media.index[media.index >= 0])
    chosen = np.asarray(media.files[places[:: max(1, len(places) // _ROWS)][:_ROWS]])
    columns = [chosen, *(change(chosen) for _ in range(_COLUMNS - 1))]
    values = np.stack(columns, axis=1).astype(np.float32)
    if media.files.dtype != np.uint8:  # decibels, low pitches below
        low, high = values[:, 0].min(), values[:, 0].max()
        values = (values[..., ::-1, :] - low) * (255 / max(high - low, 1e-6))
    pixels = np.clip(values, 0, 255).astype(np.uint8).transpose(0, 1, 3, 4, 2)
    times = max(1, -(-_SIDE // min(pixels.shape[2:4])))
    pixels = pixels.repeat(times, axis=2).repeat(times, axis=3)
    n_rows, n_columns, height, width, channels = pixels.shape
    sheet = np.full((n_rows * (height + _GAP), n_columns * (width + _GAP), channels), 255, dtype=np.uint8)
    for i in range(n_rows):
        for j in range(n_columns):
            top, left = i * (height + _GAP), j * (width + _GAP)
            sheet[top : top + height, left : left + width] = pixels[i, j]
    with partial_file(path) as temporary:
        Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(temporary, format="PNG")
