"""Pairs of rows, counted without looking at each: what rank correlations and concordance are made of."""

import numpy as np


def count_smaller_before(values: np.ndarray) -> np.ndarray:
    """For each place, how many of the values before it are smaller.

    The values' ranks are sorted bit by bit, from the highest: where two ranks first differ, the one with a 0 is the
    smaller. Each bit is a pass over the rows, so that a million take about twenty passes.

    Args:
        values: Numbers, (n,).

    Returns:
        int64, (n,).

    >>> count_smaller_before(np.array([2.0, 1.0, 3.0, 2.0])).tolist()
    [0, 0, 2, 1]
    """
    n = len(values)
    _, ranks = np.unique(values, return_inverse=True)
    counts = np.zeros(n, dtype=np.int64)
    places = np.arange(n)  # rows in the order of the bits seen so far, and among equal ones as they came
    for bit in range(int(ranks.max()).bit_length() - 1, -1, -1):
        of_place = ranks[places]
        ones = (of_place >> bit) & 1
        prefix = of_place >> (bit + 1)
        starts = np.flatnonzero(np.append(True, prefix[1:] != prefix[:-1]))
        lengths = np.diff(np.append(starts, n))
        zeros_to = np.cumsum(1 - ones)
        before_group = np.append(0, zeros_to)[starts]
        zeros_in_group = zeros_to - np.repeat(before_group, lengths)  # up to and with this place
        counts[places] += np.where(ones == 1, zeros_in_group, 0)
        n_zeros = np.append(zeros_to[starts[1:] - 1], zeros_to[-1]) - before_group
        first = np.repeat(starts, lengths)
        within = np.arange(n) - first
        moved = first + np.where(ones == 1, np.repeat(n_zeros, lengths) + within - zeros_in_group, zeros_in_group - 1)
        following = np.empty(n, dtype=np.int64)
        following[moved] = places
        places = following
    return counts


def count_equal_before(values: np.ndarray) -> np.ndarray:
    """For each place, how many of the values before it are equal to its own.

    >>> count_equal_before(np.array([2.0, 1.0, 2.0, 2.0])).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(values[order]) != 0))
    lengths = np.diff(np.append(starts, len(values)))
    counts = np.empty(len(values), dtype=np.int64)
    counts[order] = np.arange(len(values)) - np.repeat(starts, lengths)
    return counts


def count_tied(*columns: np.ndarray) -> int:
    """Pairs of rows that are equal in all columns.

    >>> count_tied(np.array([1, 1, 1, 2])), count_tied(np.array([1, 1, 1, 2]), np.array([5, 5, 6, 6]))
    (3, 1)
    """
    order = np.lexsort(columns)
    differs = np.zeros(len(order) - 1, dtype=bool)
    for column in columns:
        differs |= np.diff(column[order]) != 0
    n = np.diff(np.append(np.flatnonzero(np.append(True, differs)), len(order)))
    return int((n * (n - 1) // 2).sum())
