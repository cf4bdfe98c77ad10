"""Mean average precision of boxes; strings of `aicomp.boxes.FORM` in, one per image.

A prediction counts if it overlaps a box of its label that no surer prediction has taken. As in COCO (Lin et al., arXiv
1405.0312), each prediction, the surest first, takes of the boxes that are still free the one that it overlaps most, if
their intersection over union reaches the threshold. Average precision is the area under precision over recall at all
points, precision at a recall being the highest at that recall or any beyond it: PASCAL VOC's rule since 2010
(Everingham et al., "The PASCAL Visual Object Classes Challenge: A Retrospective", IJCV 2015). COCO itself takes the
mean over 101 recalls, which differs by some thousandths. Labels count alike; those that the truth lacks are left out.
"""

from collections.abc import Sequence

import numpy as np

from aicomp.boxes import Boxes, overlaps, parse_boxes
from aicomp.metrics.checks import check_strings

_THRESHOLDS = tuple(np.round(np.arange(0.5, 1.0, 0.05), 2).tolist())


def map50(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over labels of average precision at an intersection over union of 0.5; higher is better, 1 is perfect.

    Args:
        y_true: Boxes of each image as a string, object (n,); their confidence is not read.
        y_pred: Predicted boxes of each image as a string, object (n,).

    Raises:
        ValueError: A string holds something else, or the truth has no box.

    >>> truth, guess = np.array(["a 1 0 0 10 10"], object), np.array(["a 0.9 50 50 60 60 a 0.8 0 0 10 9"], object)
    >>> map50(truth, guess)  # the surer one is wrong: precision 1/2 where recall reaches 1
    0.5
    """
    return mean_average_precision(y_true, y_pred, (0.5,))


def map50_95(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over labels and over thresholds of 0.5, 0.55 to 0.95; see `map50`.

    >>> truth, guess = np.array(["a 1 0 0 10 10"], object), np.array(["a 0.9 0 0 10 8"], object)
    >>> map50_95(truth, guess)  # 0.8 of it: right at seven of ten thresholds
    0.7
    """
    return mean_average_precision(y_true, y_pred, _THRESHOLDS)


def mean_average_precision(y_true: np.ndarray, y_pred: np.ndarray, thresholds: Sequence[float]) -> float:
    """Mean over labels and thresholds; see `map50`."""
    true_strings, predicted_strings = check_strings(y_true, y_pred)
    truth = [_parsed(text, "y_true", i) for i, text in enumerate(true_strings)]
    predicted = [_parsed(text, "y_pred", i).ranked() for i, text in enumerate(predicted_strings)]
    labels = sorted({str(label) for boxes in truth for label in boxes.labels})
    if not labels:
        raise ValueError("no image has a box")
    return float(np.mean([_of_label(label, truth, predicted, thresholds) for label in labels]))


def _parsed(text: str, name: str, i: int) -> Boxes:
    try:
        return parse_boxes(text)
    except ValueError as e:
        raise ValueError(f"`{name}[{i}]`: {e}") from None


def _of_label(
    label: str, truth: Sequence[Boxes], predicted: Sequence[Boxes], thresholds: Sequence[float]
) -> np.ndarray:
    """Average precision of one label at each threshold."""
    n_truth = 0
    scores: list[np.ndarray] = []
    hits: list[np.ndarray] = []
    for true, found in zip(truth, predicted, strict=True):
        true, found = true.take(true.labels == label), found.take(found.labels == label)
        n_truth += len(true)
        overlap = overlaps(found.corners, true.corners)
        scores.append(found.scores)
        hits.append(np.array([match(overlap, t) >= 0 for t in thresholds]).reshape(len(thresholds), -1))
    of_all, are_right = np.concatenate(scores), np.concatenate(hits, axis=1)
    return np.array([average_precision(row, of_all, n_truth) for row in are_right])


def match(overlap: np.ndarray, threshold: float) -> np.ndarray:
    """The true box that each prediction takes, -1 for none.

    Args:
        overlap: Intersection over union of predictions, the surest first, with true boxes of the same label, (n, m).
        threshold: Least overlap.

    Returns:
        int64 (n,).

    >>> match(np.array([[0.6, 0.7], [0.1, 0.9], [0.8, 0.2]]), 0.5)
    array([ 1, -1,  0])
    """
    taken = np.full(len(overlap), -1)
    left = overlap.copy()
    for i, row in enumerate(left):
        if len(row) and row.max() >= threshold:
            taken[i] = row.argmax()
            left[:, taken[i]] = -1.0
    return taken


def average_precision(hits: np.ndarray, scores: np.ndarray, n_truth: int) -> float:
    """Area under precision over recall; equally sure predictions count in the order in which they stand.

    Args:
        hits: Whether each prediction is right, bool (n,).
        scores: How sure each is, (n,).
        n_truth: True boxes, above 0.

    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]), 2)  # 1 * 1/2 + 2/3 * 1/2
    0.8333333333333333
    """
    right = hits[np.argsort(-scores, kind="stable")]
    precision = right.cumsum() / np.arange(1, len(right) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    return float(best_from_here[right].sum() / n_truth)  # recall grows by 1 / n_truth at each hit
