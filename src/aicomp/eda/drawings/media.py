"""Pictures of files: sheets of small images, waveforms and spectrograms."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aicomp.boxes import parse_boxes
from aicomp.data.images import BadFileError, image_sides, opened_image
from aicomp.data.sounds import SoundDecoding, read_sound
from aicomp.eda.drawings.axes import WIDTH, cut
from aicomp.pages.drawing import COLORS, Drawing, new_figure
from aicomp.pages.render import data_uri, number

_GAP = 4
_GROUND = (128, 128, 128)
_POINTS = 300


@dataclass(frozen=True)
class Sheet:
    """Small images side by side, as one picture.

    Attributes:
        name: Of its file, as of a `Drawing`.
        alt: What there is to see.
        caption: What stands below it.
        image: It, as Pillow has it.
    """

    name: str
    alt: str
    caption: str
    image: Any

    @property
    def uri(self) -> str:
        """It as an address: JPEG, or PNG for the few colours of small drawings."""
        file = io.BytesIO()
        if self.image.mode == "L":
            self.image.save(file, "PNG", optimize=True)
            return data_uri(file.getvalue())
        self.image.save(file, "JPEG", quality=82)
        return data_uri(file.getvalue(), "image/jpeg")

    def png(self) -> bytes:
        """It as PNG."""
        file = io.BytesIO()
        self.image.save(file, "PNG")
        return file.getvalue()


def sheet(name: str, images: Sequence[Any], caption: str, n_columns: int) -> Sheet | None:
    """Put images on a sheet, each in a cell of the same size; None where there are none."""
    from PIL import Image

    if not images:
        return None
    width, height = (max(sides) for sides in zip(*(image.size for image in images), strict=True))
    n_columns = min(n_columns, len(images))
    n_rows = -(-len(images) // n_columns)
    is_gray = all(image.mode == "L" for image in images)
    size = (n_columns * (width + _GAP) - _GAP, n_rows * (height + _GAP) - _GAP)
    whole = Image.new("L" if is_gray else "RGB", size, _GROUND[0] if is_gray else _GROUND)
    for k, image in enumerate(images):
        left, top = (k % n_columns) * (width + _GAP), (k // n_columns) * (height + _GAP)
        whole.paste(image, (left + (width - image.width) // 2, top + (height - image.height) // 2))
    return Sheet(name, f"{len(images)} images: {caption}", caption, whole)


def thumbnails(paths: Sequence[Path], side: int, boxes: Sequence[str] = ()) -> list[Any]:
    """Small images of those files that can be read.

    Args:
        paths: The files.
        side: Pixels of the longer side.
        boxes: Boxes that are drawn in each, as strings; none for none.
    """
    from PIL import ImageDraw

    found = []
    for k, path in enumerate(paths):
        try:
            with opened_image(path, "RGB", side) as image:
                scale = min(1.0, side / max(image.size))
                size = tuple(max(1, round(edge * scale)) for edge in image.size)
                small = image.resize(size)
        except BadFileError:
            continue  # it is listed among those that cannot be read
        if boxes:
            pen = ImageDraw.Draw(small)
            scale = small.width / image_sides(path)[0]  # of the file's own pixels: it may have been decoded smaller
            labels = sorted({label for text in boxes for label, _ in parse_boxes(text)})
            for label, corners in parse_boxes(boxes[k]):
                color = COLORS[labels.index(label) % len(COLORS)]
                pen.rectangle([edge * scale for edge in corners], outline=color, width=2)
        found.append(small)
    return found


def of_pixels(images: np.ndarray, side: int) -> list[Any]:
    """Small images of arrays, uint8 (n, channels, height, width), enlarged by a whole number where they are tiny."""
    from PIL import Image

    times = max(1, side // max(images.shape[2:]))
    found = []
    for image in images:
        shown = image.repeat(times, axis=1).repeat(times, axis=2)
        found.append(Image.fromarray(shown[0] if len(shown) == 1 else shown.transpose(1, 2, 0)))
    return found


def draw_sound(path: Path, name: str, caption: str) -> Drawing | None:
    """Waveform above spectrogram of one sound; None where it cannot be read."""
    try:
        rate, samples = read_sound(path)
        seconds = len(samples) / rate
        decibels = SoundDecoding(rate, max(seconds, 0.05), 64).read(path)[0].astype(np.float32)
    except BadFileError:
        return None  # it is listed among those that cannot be read
    edges = np.linspace(0, len(samples), min(_POINTS, len(samples)) + 1).astype(int)[:-1]
    low, high = np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)
    with new_figure(WIDTH, 2.4) as figure:
        wave, pitch = figure.subplots(2, 1, sharex=True, height_ratios=[1, 1.6])
        wave.fill_between(edges / rate, low, high, color=COLORS[0], linewidth=0.5)
        wave.set_ylabel("level")
        top = float(decibels.max())
        pitch.imshow(
            decibels,
            origin="lower",
            aspect="auto",
            cmap="cividis",
            vmin=top - 60,
            vmax=top,
            extent=(0, seconds, 0, len(decibels)),
            interpolation="nearest",
        )
        pitch.set(xlabel="seconds", ylabel="mel band")
    peak = float(np.abs(samples).max())
    length = f"{number(seconds, 3)} seconds at {rate:,} samples a second"
    alt = f"Waveform and spectrogram, {caption}: {length}, peak {peak:.2f}"
    return Drawing(name, alt, figure, cut(caption, 80))
