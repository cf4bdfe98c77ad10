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
_WHEAT_THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75)
_MOST_OF_IMAGE = 100
_RECALLS = np.linspace(0, 1, 101)


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


def coco_map(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """As `map50_95`, with COCO's own average precision: the mean of it at the recalls 0, 0.01 ... 1; higher is better.

    At most the 100 surest predictions of a label count in each image, as in COCO (Lin et al., arXiv 1405.0312).

    Args:
        y_true: As `map50`.
        y_pred: As `map50`.

    Raises:
        ValueError: As `map50`.

    >>> truth, guess = np.array(["a 1 0 0 10 10"], object), np.array(["a 0.9 50 50 60 60 a 0.8 0 0 10 10"], object)
    >>> coco_map(truth, guess)  # precision 1/2 at each recall
    0.5
    """
    return mean_average_precision(y_true, y_pred, _THRESHOLDS, at_recalls=True)


def box_precision(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over images and thresholds 0.5, 0.55 to 0.75 of tp / (tp + fp + fn); higher is better, 1 is perfect.

    The measure of Kaggle's Global Wheat Detection (2020); labels count alike, and predictions are matched as in
    `map50`. An image without boxes scores 0 where some are predicted; where none are, it is left out here, as the
    competition's page says nothing of it. If no image is left, there is no score.

    Args:
        y_true: As `map50`.
        y_pred: As `map50`.

    Raises:
        ValueError: As `map50`.

    >>> truth, guess = np.array(["a 1 0 0 10 10"], object), np.array(["a 0.9 50 50 60 60 a 0.8 0 0 10 10"], object)
    >>> box_precision(truth, guess)  # 1 / (1 + 1 + 0)
    0.5
    """
    true_strings, predicted_strings = check_strings(y_true, y_pred)
    scores = []
    for i, (one, other) in enumerate(zip(true_strings, predicted_strings, strict=True)):
        true, found = _parsed(one, "y_true", i), _parsed(other, "y_pred", i).ranked()
        if not len(true) and not len(found):
            continue
        overlap = overlaps(found.corners, true.corners)
        overlap = np.where(found.labels[:, None] == true.labels, overlap, -1.0)
        tp = np.array([(match(overlap, t) >= 0).sum() for t in _WHEAT_THRESHOLDS])
        scores.append(float((tp / (len(true) + len(found) - tp)).mean()))
    if not scores:
        raise ValueError("no image has a box")
    return float(np.mean(scores))


def mean_average_precision(
    y_true: np.ndarray, y_pred: np.ndarray, thresholds: Sequence[float], *, at_recalls: bool = False
) -> float:
    """Mean over labels and thresholds; see `map50`, and `coco_map` for `at_recalls`."""
    true_strings, predicted_strings = check_strings(y_true, y_pred)
    truth = [_parsed(text, "y_true", i) for i, text in enumerate(true_strings)]
    predicted = [_parsed(text, "y_pred", i).ranked() for i, text in enumerate(predicted_strings)]
    labels = sorted({str(label) for boxes in truth for label in boxes.labels})
    if not labels:
        raise ValueError("no image has a box")
    return float(np.mean([_of_label(label, truth, predicted, thresholds, at_recalls) for label in labels]))


def _parsed(text: str, name: str, i: int) -> Boxes:
    try:
        return parse_boxes(text)
    except ValueError as e:
        raise ValueError(f"`{name}[{i}]`: {e}") from None


def _of_label(
    label: str, truth: Sequence[Boxes], predicted: Sequence[Boxes], thresholds: Sequence[float], at_recalls: bool
) -> np.ndarray:
    """Average precision of one label at each threshold."""
    n_truth = 0
    scores: list[np.ndarray] = []
    hits: list[np.ndarray] = []
    for true, found in zip(truth, predicted, strict=True):
        true, found = true.take(true.labels == label), found.take(found.labels == label)
        if at_recalls:
            found = found.take(np.arange(min(len(found), _MOST_OF_IMAGE)))
        n_truth += len(true)
        overlap = overlaps(found.corners, true.corners)
        scores.append(found.scores)
        hits.append(np.array([match(overlap, t) >= 0 for t in thresholds]).reshape(len(thresholds), -1))
    of_all, are_right = np.concatenate(scores), np.concatenate(hits, axis=1)
    precision = average_precision_at_recalls if at_recalls else average_precision
    return np.array([precision(row, of_all, n_truth) for row in are_right])


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


def average_precision_at_recalls(hits: np.ndarray, scores: np.ndarray, n_truth: int) -> float:
    """Mean of the precision at 101 recalls, 0 where none is reached; see `average_precision`.

    >>> average_precision_at_recalls(np.array([True]), np.array([0.9]), 2)  # recalls 0 to 0.5: 51 of 101
    0.504...
    """
    right = hits[np.argsort(-scores, kind="stable")]
    found = right.cumsum()
    best_from_here = np.maximum.accumulate((found / np.arange(1, len(right) + 1))[::-1])[::-1]
    places = np.searchsorted(found / n_truth, _RECALLS, side="left")
    return float(np.append(best_from_here, 0.0)[np.minimum(places, len(right))].mean())
