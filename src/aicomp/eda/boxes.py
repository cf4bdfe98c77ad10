"""Boxes of images: how many, of what, and how large."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aicomp.boxes import joined_boxes, parse_boxes


@dataclass(frozen=True)
class LabelBoxes:
    """The boxes of one label.

    Attributes:
        label: It.
        n: Boxes.
        images: Share of the images that have one.
        width: Their median, in pixels; likewise `height`.
        height: Their median, in pixels.
    """

    label: str
    n: int
    images: float
    width: float
    height: float


@dataclass(frozen=True)
class BoxSet:
    """All boxes of train.

    Attributes:
        n: How many.
        per_image: Of each image, (n_images,).
        sides: Root of each box's area in pixels, (n,).
        labels: By label, the commonest first.
    """

    n: int
    per_image: np.ndarray
    sides: np.ndarray
    labels: tuple[LabelBoxes, ...]


def read_boxes(texts: Sequence[str]) -> BoxSet:
    """Look at the boxes of some images, each a string.

    >>> found = read_boxes(["cat 1 0 0 10 20 dog 1 0 0 4 4", "", "cat 1 0 0 30 20"])
    >>> found.per_image.tolist(), [(b.label, b.n, b.width) for b in found.labels]
    ([2, 0, 1], [('cat', 2, 20.0), ('dog', 1, 4.0)])
    """
    of_images = [parse_boxes(text) for text in texts]
    every = joined_boxes(of_images)
    sizes = every.corners[:, 2:] - every.corners[:, :2]
    labels = []
    for label in dict.fromkeys(every.labels):
        rows = every.labels == label
        width, height = np.median(sizes[rows], axis=0)
        share = float(np.mean([label in boxes.labels for boxes in of_images]))
        labels.append(LabelBoxes(str(label), int(rows.sum()), share, float(width), float(height)))
    labels.sort(key=lambda boxes: -boxes.n)
    per_image = np.array([len(boxes) for boxes in of_images])
    return BoxSet(len(every), per_image, np.sqrt(sizes.prod(axis=1)), tuple(labels))
