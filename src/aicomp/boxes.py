"""Boxes around objects of an image, and the strings that hold them: of each image one, in the image's own pixels."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Form = Literal["label conf xmin ymin xmax ymax", "label conf x y w h", "conf xmin ymin xmax ymax", "conf x y w h"]
"""How a string holds a box; boxes follow one another, a blank between all parts."""

FORM: Form = "label conf xmin ymin xmax ymax"
"""The form of targets and predictions in a run, whatever the form of the submission."""

ONE_LABEL = "object"
"""Label of boxes in a competition whose files name none."""


@dataclass(frozen=True)
class Boxes:
    """Boxes of one image.

    Attributes:
        labels: What is in each, strings, object (n,).
        scores: How sure that is, 1 for the truth, float64 (n,).
        corners: Left, top, right and bottom edge in pixels, float64 (n, 4); 0 is the left or upper edge of the image.
    """

    labels: np.ndarray
    scores: np.ndarray
    corners: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    def __iter__(self) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
        """Label and corners of each box."""
        for label, (left, top, right, bottom) in zip(self.labels, self.corners.tolist(), strict=True):
            yield str(label), (left, top, right, bottom)

    def take(self, rows: np.ndarray) -> "Boxes":
        """Some of the boxes, by number or as bool (n,)."""
        return Boxes(self.labels[rows], self.scores[rows], self.corners[rows])

    def ranked(self) -> "Boxes":
        """The surest first; of equally sure ones, as they stand."""
        return self.take(np.argsort(-self.scores, kind="stable"))


def has_labels(form: Form) -> bool:
    """Whether boxes of a form have a label."""
    return form.startswith("label")


def parse_boxes(text: str, form: Form = FORM) -> Boxes:
    """The boxes of a string; of a blank one, none.

    Raises:
        ValueError: It is not of the form; the message names box and value.

    >>> parse_boxes("cat 0.9 10 20 30 60").corners.tolist(), len(parse_boxes(""))
    ([[10.0, 20.0, 30.0, 60.0]], 0)
    >>> parse_boxes("0.9 10 20 30 60", "conf x y w h").corners.tolist()
    [[10.0, 20.0, 40.0, 80.0]]
    """
    parts, size = text.split(), len(form.split())
    if len(parts) % size:
        raise ValueError(f"{len(parts)} parts are no whole number of boxes, each `{form}`")
    table = np.array(parts, dtype=object).reshape(-1, size)
    labels = table[:, 0] if has_labels(form) else np.full(len(table), ONE_LABEL, dtype=object)
    numbers = _numbers(table[:, size - 5 :], form)
    corners = numbers[:, 1:].copy()
    if form.endswith("w h"):
        corners[:, 2:] += corners[:, :2]
    wrong = np.flatnonzero((corners[:, 2:] < corners[:, :2]).any(axis=1))
    if len(wrong):
        raise ValueError(f"box {wrong[0] + 1} is `{' '.join(table[wrong[0]])}`, which ends before it begins")
    return Boxes(labels, numbers[:, 0], corners)


def _numbers(table: np.ndarray, form: Form) -> np.ndarray:
    """Confidence and four numbers of each box, float64 (n, 5)."""
    found = np.empty(table.shape)
    for i, row in enumerate(table):
        for j, part in enumerate(row):
            try:
                found[i, j] = float(part)
            except ValueError:
                found[i, j] = math.nan
            if not math.isfinite(found[i, j]):
                raise ValueError(f"`{form.split()[j - 5]}` of box {i + 1} is `{part}`, which is no number") from None
    return found


def write_boxes(boxes: Boxes, form: Form = FORM) -> str:
    """The string of some boxes: edges to a tenth of a pixel.

    >>> write_boxes(parse_boxes("cat 0.9 10 20 30.04 60"), "conf x y w h")
    '0.9 10 20 20 40'
    """
    edges = np.round(boxes.corners, 1)
    if form.endswith("w h"):
        edges = np.concatenate([edges[:, :2], np.round(edges[:, 2:] - edges[:, :2], 1)], axis=1)
    parts = []
    for label, score, row in zip(boxes.labels, boxes.scores, edges, strict=True):
        named = [str(label)] if has_labels(form) else []
        parts.append(" ".join([*named, f"{score:.5g}", *(f"{edge:.7g}" for edge in row)]))
    return " ".join(parts)


def overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of each box with each other one.

    Args:
        a: Corners, (n, 4).
        b: Corners, (m, 4).

    Returns:
        float64 (n, m), from 0 to 1; 0 where both are empty.

    >>> overlaps(np.array([[0, 0, 2, 2.0]]), np.array([[1, 0, 3, 2.0]]))  # 2 of 6
    array([[0.33333333]])
    """
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    union = areas(a)[:, None] + areas(b)[None, :] - shared
    return np.asarray(shared / np.where(union > 0, union, 1))


def areas(corners: np.ndarray) -> np.ndarray:
    """Area of each box, (n,)."""
    return np.asarray((corners[:, 2:] - corners[:, :2]).prod(axis=1))


def joined_boxes(several: Sequence[Boxes]) -> Boxes:
    """The boxes of all, in their order."""
    labels, scores, corners = (
        np.concatenate([getattr(boxes, name) for boxes in several]) for name in ("labels", "scores", "corners")
    )
    return Boxes(labels, scores, corners)
