"""Scores of groups that rows are put into, whatever the groups are called."""

import numpy as np

from aicomp.metrics.checks import check_values, require


def adjusted_rand(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Share of the pairs of rows that are together or apart in both, less chance; higher is better, 1 is perfect.

    The adjusted Rand index: (pairs together in both - those expected) / (mean of the pairs together in each - those
    expected) (Hubert, Arabie, "Comparing partitions", Journal of Classification 1985). Kaggle's Tabular Playground of
    July 2022 takes it. 0 is chance; where both put all rows together, or all apart, it is 1.

    Args:
        y_true: Whole numbers that name groups, (n,).
        y_pred: Likewise; the numbers need not be the same ones.

    Raises:
        ValueError: The shapes differ, a value is NaN, infinite or no whole number.

    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([7, 7, 3, 3]))
    1.0
    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2]))  # (1 - 2 * 1 / 6) / ((2 + 1) / 2 - 2 * 1 / 6)
    0.571...
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    for name, array in (("y_true", true), ("y_pred", pred)):
        require(name, array, array == np.floor(array), "groups are named by whole numbers")
    of_true, of_pred = (np.unique(values, return_inverse=True)[1] for values in (true, pred))
    together = np.unique(of_true * (int(of_pred.max()) + 1) + of_pred, return_counts=True)[1]
    in_both, in_true, in_pred = (_pairs(counts) for counts in (together, np.bincount(of_true), np.bincount(of_pred)))
    all_pairs = len(true) * (len(true) - 1) // 2
    expected = in_true * in_pred / all_pairs if all_pairs else 0.0
    most = (in_true + in_pred) / 2
    return float((in_both - expected) / (most - expected)) if most != expected else 1.0


def _pairs(counts: np.ndarray) -> int:
    return int((counts * (counts - 1) // 2).sum())
