"""Boxes that several models found in one image, as one: weighted boxes fusion."""

from collections.abc import Sequence

import numpy as np

from aicomp.boxes import Boxes, joined_boxes, overlaps, parse_boxes, write_boxes

_SAME = 0.55
"""Overlap from which on two boxes are of the same object, the paper's choice."""


def fuse_strings(candidates: Sequence[str], weights: Sequence[float]) -> str:
    """Predictions of one image as one string, by `fuse_boxes`.

    Args:
        candidates: Of each model, strings of `aicomp.boxes.FORM`.
        weights: Of each model, at least 0.
    """
    return write_boxes(fuse_boxes([parse_boxes(text) for text in candidates], weights))


def fuse_boxes(several: Sequence[Boxes], weights: Sequence[float], same: float = _SAME) -> Boxes:
    """Weighted boxes fusion (Solovyev, Wang, Gabruseva, arXiv 1910.13302).

    Boxes, the surest first, join the cluster of their label whose fused box they overlap most, if by more than `same`,
    or begin one. Fused edges are means of the members', weighted by their confidence times their model's weight. The
    fused confidence is the sum of these weighted confidences over the sum of all models' weights, so that what few
    models see is less sure; in a cluster of more boxes than models it is their mean.

    Args:
        several: Boxes of each model.
        weights: Of each model, at least 0 and not all 0.
        same: Least overlap.

    Returns:
        The surest first.

    >>> a, b = parse_boxes("x 0.9 0 0 10 10"), parse_boxes("x 0.3 2 0 10 10 x 0.6 50 50 60 60")
    >>> write_boxes(fuse_boxes([a, b], [1, 1]))  # left edge (0.9 * 0 + 0.3 * 2) / 1.2, confidence 1.2 / 2 and 0.6 / 2
    'x 0.6 0.5 0 10 10 x 0.3 50 50 60 60'
    """
    shares = np.asarray(weights, dtype=np.float64) * (len(weights) / float(np.sum(weights)))
    weighted = [Boxes(b.labels, b.scores * share, b.corners) for b, share in zip(several, shares, strict=True)]
    everything = joined_boxes(weighted)
    everything = everything.take(everything.scores > 0).ranked()
    found = [
        _fuse_label(everything.take(everything.labels == label), len(several), same)
        for label in sorted({str(label) for label in everything.labels})
    ]
    return joined_boxes(found).ranked() if found else everything


def _fuse_label(boxes: Boxes, n_models: int, same: float) -> Boxes:
    """Clusters of ranked boxes of one label, fused."""
    corners, mass = np.empty((len(boxes), 4)), np.zeros(len(boxes))
    count = np.zeros(len(boxes), dtype=np.int64)
    n = 0
    for box, score in zip(boxes.corners, boxes.scores, strict=True):
        overlap = overlaps(box[None], corners[:n])[0]
        k = int(overlap.argmax()) if n and overlap.max() > same else n
        if k == n:
            corners[n], n = box, n + 1
        else:
            corners[k] = (corners[k] * mass[k] + box * score) / (mass[k] + score)
        mass[k] += score
        count[k] += 1
    scores = mass[:n] / count[:n] * np.minimum(count[:n], n_models) / n_models
    return Boxes(boxes.labels[:n], scores, corners[:n])
