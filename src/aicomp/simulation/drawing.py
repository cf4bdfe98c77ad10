"""Pictures of an episode, and a GIF of them.

What an environment looks like, it says itself by a method `picture`: shapes on a canvas on which x goes from -1.5 to
1.5 and y from -1 to 1, upwards. A shape is a kind ("line", "polygon" or "circle"), a colour, its points, and the width
of the line or the radius of the circle. Others are rendered, or, where they cannot be, shown by their observations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aicomp.files import partial_file
from aicomp.simulation.player.connect import Rules

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

WIDTH, HEIGHT = 480, 320
MOST_FRAMES = 200
"""Of an episode that is longer, every second, third, ... is shown."""

_SCALE = HEIGHT / 2
_BLUE, _ORANGE, _GREY, _DARK = "#0072B2", "#E69F00", "#d9d9d9", "#222222"
_MILLISECONDS = {True: 600, False: 40}  # of a frame: a move of a game, a step of an environment

Shape = tuple[str, str, Sequence[tuple[float, float]], float]


@dataclass(frozen=True)
class Frame:
    """One moment.

    Attributes:
        caption: Below the picture.
        shapes: What is drawn; None where there are pixels or values.
        pixels: As rendered, (height, width, 3) bytes.
        values: The observation, where there is nothing else to show.
    """

    caption: str
    shapes: list[Shape] | None = None
    pixels: np.ndarray | None = None
    values: np.ndarray | None = None


def frame_of(environment: Any, observation: Any, score: float) -> Frame:
    """What an environment in Gymnasium's form looks like now."""
    base = getattr(environment, "unwrapped", environment)
    caption = f"return {score:.4g}"
    if hasattr(base, "picture"):
        return Frame(caption, shapes=list(base.picture()))
    if getattr(environment, "render_mode", None) == "rgb_array":
        return Frame(caption, pixels=np.asarray(environment.render(), np.uint8))
    if type(base).__name__ == "CartPoleEnv":
        return Frame(caption, shapes=_cart_pole(*(float(x) for x in (observation[0], observation[2]))))
    pixels = np.asarray(observation)
    if pixels.ndim == 3 and pixels.dtype == np.uint8 and pixels.shape[2] == 3:
        return Frame(caption, pixels=pixels)
    return Frame(caption, values=np.atleast_1d(np.asarray(observation, np.float64)).reshape(-1))


def _cart_pole(x: float, angle: float) -> list[Shape]:
    """Gymnasium's own picture needs pygame; the cart's place in metres and the pole's angle say it all."""
    x, y = x / 2.4 * 1.2, -0.4
    wheels = [(x - 0.1, y - 0.1), (x + 0.1, y - 0.1)]
    tip = (x + 0.9 * float(np.sin(angle)), y + 0.9 * float(np.cos(angle)))
    return [
        ("line", _GREY, [(-1.5, y - 0.14), (1.5, y - 0.14)], 0.02),
        *(("line", "#cc4444", [(side * 1.2, y - 0.2), (side * 1.2, y + 0.1)], 0.01) for side in (-1, 1)),
        ("polygon", _BLUE, [(x - 0.18, y - 0.1), (x + 0.18, y - 0.1), (x + 0.18, y + 0.08), (x - 0.18, y + 0.08)], 0),
        *(("circle", _DARK, [wheel], 0.05) for wheel in wheels),
        ("line", _ORANGE, [(x, y), tip], 0.05),
    ]


def board_frames(boards: Sequence[list[int]], rules: Rules, caption: str) -> list[Frame]:
    """A game of connect-x, board by board as Kaggle lists them; the last move has a ring."""
    before: list[int] = [0] * (rules.columns * rules.rows)
    frames = []
    for number, board in enumerate(boards):
        new = next((i for i, (a, b) in enumerate(zip(before, board, strict=True)) if a != b), None)
        frames.append(Frame(f"{caption}, move {number}", shapes=_board(board, rules, new)))
        before = board
    return frames


def _board(board: list[int], rules: Rules, new: int | None) -> list[Shape]:
    size = min(2.6 / rules.columns, 1.7 / rules.rows)
    left, top = -size * rules.columns / 2, size * rules.rows / 2
    corners = [(left, -top), (-left, -top), (-left, top), (left, top)]
    shapes: list[Shape] = [("polygon", "#2b4c7e", corners, 0)]
    for cell, stone in enumerate(board):
        row, column = divmod(cell, rules.columns)
        centre = (left + (column + 0.5) * size, top - (row + 0.5) * size)
        if cell == new:
            shapes.append(("circle", "#ffffff", [centre], size * 0.46))
        shapes.append(("circle", ("#f4f4f4", "#d62728", "#f2c12e")[stone], [centre], size * 0.4))
    return shapes


def write_gif(frames: Sequence[Frame], path: Path, title: str, *, is_game: bool) -> None:
    """Write frames as an animated picture.

    Args:
        frames: Of an episode, at least one.
        path: The file; it appears whole or not at all.
        title: Above the pictures.
        is_game: Whether a frame is a move, which is shown for longer.

    Raises:
        AicompError: The file cannot be written.
    """
    every = -(-len(frames) // MOST_FRAMES)
    shown = [*frames[:-1:every], frames[-1]]
    spread = _spread(frames)
    pictures = [draw(frame, title, spread) for frame in shown]
    times = [_MILLISECONDS[is_game] * (1 if is_game else every)] * len(pictures)
    times[-1] = 1500
    with partial_file(path) as temporary:
        pictures[0].save(temporary, "GIF", save_all=True, append_images=pictures[1:], duration=times, loop=0)


def draw(frame: Frame, title: str, spread: float = 1.0) -> "Image":
    """One frame as a picture of `WIDTH` x `HEIGHT` pixels and some lines of text.

    Args:
        frame: What is to be seen.
        title: Above it.
        spread: Largest value of an observation, where those are shown.
    """
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (WIDTH, HEIGHT + 40), "white")
    pen = ImageDraw.Draw(image)
    if frame.pixels is not None:
        ratio = min(WIDTH / frame.pixels.shape[1], HEIGHT / frame.pixels.shape[0])
        size = (int(frame.pixels.shape[1] * ratio), int(frame.pixels.shape[0] * ratio))
        picture = Image.fromarray(frame.pixels).resize(size, Image.Resampling.NEAREST)
        image.paste(picture, ((WIDTH - size[0]) // 2, 20))
    shapes = frame.shapes if frame.shapes is not None else [] if frame.values is None else _bars(frame.values, spread)
    for shape in shapes:
        _draw_shape(pen, shape)
    pen.rectangle((0, 0, WIDTH, 19), fill="white")
    pen.rectangle((0, HEIGHT + 20, WIDTH, HEIGHT + 40), fill="white")
    pen.text((8, 4), title, fill=_DARK)
    pen.text((8, HEIGHT + 24), frame.caption, fill=_DARK)
    return image


def _draw_shape(pen: "ImageDraw", shape: Shape) -> None:
    kind, colour, points, size = shape
    places = [(WIDTH / 2 + x * _SCALE, 20 + HEIGHT / 2 - y * _SCALE) for x, y in points]
    if kind == "line":
        pen.line(places, fill=colour, width=max(1, round(size * _SCALE)), joint="curve")
    elif kind == "polygon":
        pen.polygon(places, fill=colour)
    elif kind == "circle":
        pen.circle(places[0], size * _SCALE, fill=colour)
    else:
        raise ValueError(f"`{kind}` is no kind of shape: line, polygon or circle")


def _bars(values: np.ndarray, spread: float) -> list[Shape]:
    """An observation as bars beside each other, up and down from the middle."""
    width = 2.8 / len(values)
    shapes: list[Shape] = [("line", _GREY, [(-1.45, 0), (1.45, 0)], 0.01)]
    for i, value in enumerate(values):
        left, high = -1.4 + i * width, 0.9 * float(np.clip(value / spread, -1, 1))
        corners = [(left, 0.0), (left + 0.8 * width, 0.0), (left + 0.8 * width, high), (left, high)]
        shapes.append(("polygon", _BLUE, corners, 0))
    return shapes


def _spread(frames: Sequence[Frame]) -> float:
    return (
        max((float(np.abs(f.values).max()) for f in frames if f.values is not None and f.values.size), default=1) or 1
    )
