"""Scores of masks that are written as run-length codes, see `aicomp.metrics.run_length`.

Where an image has several objects, their codes stand in one string, with a semicolon between them.
"""

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from aicomp.metrics.checks import check_column, check_strings
from aicomp.metrics.run_length import common, parse_runs, read_mask, size

_THRESHOLDS = np.round(np.arange(0.5, 1.0, 0.05), 2)


def dice(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over images of 2 * common / (pixels of both); higher is better, 1 is perfect.

    Dice, "Measures of the amount of ecologic association between species", 1945. Two empty masks score 1, as in most of
    Kaggle's competitions (Ultrasound Nerve, Carvana, Severstal, Pneumothorax).

    Args:
        y_true: Run-length codes, object (n,).
        y_pred: Likewise.

    Raises:
        ValueError: The shapes differ, or a string is no run-length code.

    >>> dice(np.array(["1 4"], object), np.array(["3 4"], object))  # 2 * 2 / 8
    0.5
    """
    return _mean(y_true, y_pred, lambda a, b, both: 2 * both / (a + b) if a + b else 1.0)


def iou(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over images of common / (pixels of either); higher is better, 1 is perfect. Two empty masks score 1.

    Args:
        y_true: Run-length codes, object (n,).
        y_pred: Likewise.

    Raises:
        ValueError: As `dice`.

    >>> iou(np.array(["1 4"], object), np.array(["3 4"], object))  # 2 / 6
    0.333...
    """
    return _mean(y_true, y_pred, lambda a, b, both: both / (a + b - both) if a + b else 1.0)


def dice_global(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """2 * common / (pixels of both) of all images together; higher is better, 1 is perfect.

    The measure of Kaggle's Google Research - Identify Contrails (2023) and of Vesuvius' kin with beta = 1.

    Args:
        y_true: Run-length codes, object (n,).
        y_pred: Likewise.

    Raises:
        ValueError: As `dice`, or no mask has a pixel.

    >>> dice_global(np.array(["1 4", ""], object), np.array(["1 4", "1 8"], object))  # 2 * 4 / 16
    0.5
    """
    counts = np.array([(a, b, both) for a, b, both in _counts(y_true, y_pred)]).sum(axis=0)
    if not counts[0] + counts[1]:
        raise ValueError("no mask of `y_true` or `y_pred` has a pixel")
    return float(2 * counts[2] / (counts[0] + counts[1]))


def mask_precision(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over images and thresholds 0.5, 0.55 ... 0.95 of tp / (tp + fp + fn) of objects; higher is better.

    An object is found if a predicted one overlaps it by more than the threshold (intersection over union): the
    measure of Kaggle's 2018 Data Science Bowl and, with one object per image, of TGS Salt. Objects of an image do not
    overlap, so that above 0.5 at most one fits. An image without objects scores 1 where none is predicted, else 0.

    Args:
        y_true: Run-length codes of the objects with semicolons between them, object (n,).
        y_pred: Likewise.

    Raises:
        ValueError: As `dice`.

    >>> mask_precision(np.array(["1 10"], object), np.array(["1 8"], object))  # 0.8: above six of ten thresholds
    0.6
    """

    def of_image(tp: np.ndarray, n_true: int, n_pred: int) -> np.ndarray:
        return np.asarray(tp / (n_true + n_pred - tp))

    return _mean_of_objects(y_true, y_pred, of_image)


def mask_f2(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over images and thresholds 0.5, 0.55 ... 0.95 of the F2 of objects; higher is better, 1 is perfect.

    5 * tp / (5 * tp + 4 * fn + fp), with objects found as in `mask_precision`: the measure of Kaggle's Airbus Ship
    Detection (2018). An image without ships scores 1 where none is predicted, else 0.

    Args:
        y_true: Run-length codes of the objects with semicolons between them, object (n,).
        y_pred: Likewise.

    Raises:
        ValueError: As `dice`.

    >>> mask_f2(np.array(["1 10; 21 10"], object), np.array(["1 10"], object))  # 5 / (5 + 4)
    0.555...
    """

    def of_image(tp: np.ndarray, n_true: int, n_pred: int) -> np.ndarray:
        return np.asarray(5 * tp / (4 * n_true + n_pred))

    return _mean_of_objects(y_true, y_pred, of_image)


def hausdorff(y_true: np.ndarray, y_pred: np.ndarray, *, height: np.ndarray, width: np.ndarray) -> float:
    """Mean over images of the Hausdorff distance of masks, in pixels; lower is better, 0 is perfect.

    The greatest distance of a pixel of one mask to the nearest of the other. Two empty masks are 0 apart, an empty one
    and another the diagonal of the image.

    Args:
        y_true: Run-length codes, object (n,).
        y_pred: Likewise.
        height: Of each image, (n,).
        width: Of each image, (n,).

    Raises:
        ValueError: As `dice`, or a run ends outside its image.

    >>> hausdorff(np.array(["1 1"], object), np.array(["4 1"], object), height=np.array([4]), width=np.array([4]))
    3.0
    """
    return float(np.mean([distance for distance, _, _ in _distances(y_true, y_pred, height, width)]))


def dice_hausdorff(y_true: np.ndarray, y_pred: np.ndarray, *, height: np.ndarray, width: np.ndarray) -> float:
    """Mean over images of 0.4 * Dice + 0.6 * (1 - Hausdorff distance / diagonal); higher is better, 1 is perfect.

    These are the weights of Kaggle's UW-Madison GI Tract Segmentation (2022), whose distances are those of the whole
    scan in three dimensions, slices one apart; of single images, as here, the number is another one. As there, Dice is
    0 where both masks are empty.

    Args:
        y_true: Run-length codes, object (n,).
        y_pred: Likewise.
        height: Of each image, (n,).
        width: Of each image, (n,).

    Raises:
        ValueError: As `hausdorff`.

    >>> truth, guess = np.array(["1 1"], object), np.array(["1 1"], object)
    >>> dice_hausdorff(truth, guess, height=np.array([4]), width=np.array([4]))
    1.0
    """
    scores = [
        0.4 * of_dice + 0.6 * (1 - far / most) for far, most, of_dice in _distances(y_true, y_pred, height, width)
    ]
    return float(np.mean(scores))


def _mean(y_true: np.ndarray, y_pred: np.ndarray, of_row: Callable[[int, int, int], float]) -> float:
    return float(np.mean([of_row(*counts) for counts in _counts(y_true, y_pred)]))


def _counts(y_true: np.ndarray, y_pred: np.ndarray) -> list[tuple[int, int, int]]:
    """Pixels of the truth, of the prediction, and of both, of each image."""
    truth, predicted = check_strings(y_true, y_pred)
    counts = []
    for i, (one, other) in enumerate(zip(truth, predicted, strict=True)):
        a, b = _runs(one, "y_true", i), _runs(other, "y_pred", i)
        counts.append((size(a), size(b), common(a, b)))
    return counts


def _runs(text: str, name: str, i: int) -> np.ndarray:
    try:
        return parse_runs(text)
    except ValueError as e:
        raise ValueError(f"`{name}[{i}]`: {e}") from None


def _mean_of_objects(
    y_true: np.ndarray, y_pred: np.ndarray, of_image: Callable[[np.ndarray, int, int], np.ndarray]
) -> float:
    truth, predicted = check_strings(y_true, y_pred)
    scores = []
    for i, (one, other) in enumerate(zip(truth, predicted, strict=True)):
        a, b = (_objects(text, name, i) for text, name in ((one, "y_true"), (other, "y_pred")))
        if not a:
            scores.append(0.0 if b else 1.0)
            continue
        best = [max((_overlap(x, y) for y in b), default=0.0) for x in a]
        tp = (np.array(best)[:, None] > _THRESHOLDS).sum(axis=0)
        scores.append(float(of_image(tp, len(a), len(b)).mean()))
    return float(np.mean(scores))


def _objects(text: str, name: str, i: int) -> Sequence[np.ndarray]:
    objects = [runs for part in text.split(";") if len(runs := _runs(part, name, i))]
    together = sorted((int(start), int(end)) for runs in objects for start, end in runs)
    for (_, end), (start, _) in itertools.pairwise(together):
        if start < end:
            raise ValueError(f"`{name}[{i}]`: pixel {start + 1} is in two objects")
    return objects


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    if a[0, 0] >= b[-1, 1] or b[0, 0] >= a[-1, 1]:
        return 0.0
    both = common(a, b)
    return both / (size(a) + size(b) - both)


def _distances(
    y_true: np.ndarray, y_pred: np.ndarray, height: np.ndarray, width: np.ndarray
) -> list[tuple[float, float, float]]:
    """Hausdorff distance, its greatest value, and Dice (0 of two empty masks), of each image."""
    from scipy.ndimage import distance_transform_edt

    truth, predicted = check_strings(y_true, y_pred)
    heights, widths = (check_column(n, v, len(truth), least=1) for n, v in (("height", height), ("width", width)))
    found = []
    for i, texts in enumerate(zip(truth, predicted, strict=True)):
        shape = int(heights[i]), int(widths[i])
        a, b = (_mask(text, name, i, shape) for text, name in zip(texts, ("y_true", "y_pred"), strict=True))
        # Of opposite corners; an image of one pixel has no distance, and is divided by 1.
        most = max(float(np.hypot(shape[0] - 1, shape[1] - 1)), 1.0)
        if not a.any() or not b.any():
            found.append((most if a.any() or b.any() else 0.0, most, 0.0))
            continue
        # Outside the smallest rectangle around both there is nothing to be near to or far from.
        filled = [np.flatnonzero(np.any(a | b, axis=axis)) for axis in (1, 0)]
        within = tuple(slice(edges[0], edges[-1] + 1) for edges in filled)
        near_a, near_b = a[within], b[within]
        far = max(distance_transform_edt(~near_a)[near_b].max(), distance_transform_edt(~near_b)[near_a].max())
        found.append((float(far), most, float(2 * (a & b).sum() / (a.sum() + b.sum()))))
    return found


def _mask(text: str, name: str, i: int, shape: tuple[int, int]) -> np.ndarray:
    try:
        return read_mask(text, *shape)
    except ValueError as e:
        raise ValueError(f"`{name}[{i}]`: {e}") from None
