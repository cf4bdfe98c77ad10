"""Ranks, which the area under the ROC and Spearman's correlation are made of."""

import numpy as np


def average_ranks(values: np.ndarray) -> np.ndarray:
    """Rank of each value from 1 for the smallest; equal values share the mean of their ranks.

    Args:
        values: Finite numbers, (n,).

    Returns:
        float64, (n,).

    >>> average_ranks(np.array([5.0, 1.0, 5.0])).tolist()  # the two 5s hold the places 2 and 3
    [2.5, 1.0, 2.5]
    """
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(values[order]) != 0))
    lengths = np.diff(np.append(starts, len(values)))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + (lengths + 1) / 2, lengths)
    return ranks
