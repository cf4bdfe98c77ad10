"""Scores that are made within groups of rows, such as those of a day or of a query, and then averaged."""

import numpy as np

from aicomp.metrics.checks import check_groups, check_values, require
from aicomp.metrics.ranks import average_ranks

_LEAST_ERROR = 1e-9


def log_mae(y_true: np.ndarray, y_pred: np.ndarray, *, group: np.ndarray) -> float:
    """Mean over groups of the logarithm of their mean absolute error; lower is better, a perfect one counts -20.7.

    The measure of Kaggle's Predicting Molecular Properties (CHAMPS, 2019), where the groups are types of coupling; as
    there, no group's error counts less than 1e-9.

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).
        group: Which rows belong together, (n,).

    Raises:
        ValueError: The shapes differ, or a value is NaN or infinite.

    >>> group = np.array(["a", "a", "b"], object)
    >>> log_mae(np.array([0.0, 0.0, 0.0]), np.array([1.0, 3.0, 1.0]), group=group)  # (log(2) + log(1)) / 2
    0.346...
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    codes, _ = check_groups("group", group, len(true))
    means = np.bincount(codes, abs(pred - true)) / np.bincount(codes)
    return float(np.mean(np.log(np.maximum(means, _LEAST_ERROR))))


def pearson_by_group(y_true: np.ndarray, y_pred: np.ndarray, *, group: np.ndarray) -> float:
    """Mean over groups of Pearson's correlation within each; higher is better, from -1 to 1.

    The measure of Kaggle's Ubiquant Market Prediction (2022), where groups are times. A group of equal predictions
    scores 0; groups of equal targets are left out.

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).
        group: Which rows belong together, (n,).

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or the target varies in no group.

    >>> group = np.array(["a", "a", "b", "b"], object)
    >>> pearson_by_group(np.array([1.0, 2.0, 1.0, 2.0]), np.array([1.0, 9.0, 3.0, 3.0]), group=group)  # (1 + 0) / 2
    0.5
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    codes, _ = check_groups("group", group, len(true))
    return _mean_correlation(true, pred, codes)


def spearman_by_group(y_true: np.ndarray, y_pred: np.ndarray, *, group: np.ndarray) -> float:
    """Mean over groups of Spearman's rank correlation within each; higher is better, from -1 to 1.

    As `pearson_by_group`, of ranks within the group, ties sharing theirs.

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).
        group: Which rows belong together, such as those of a day, (n,).

    Raises:
        ValueError: As `pearson_by_group`.

    >>> group = np.array(["a", "a", "a"], object)
    >>> spearman_by_group(np.array([1.0, 2.0, 30.0]), np.array([-5.0, 9.0, 8.0]), group=group)
    0.5...
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    codes, _ = check_groups("group", group, len(true))
    return _mean_correlation(_ranks_within(true, codes), _ranks_within(pred, codes), codes)


def ndcg_by_query(y_true: np.ndarray, y_pred: np.ndarray, k: int = 10, *, query: np.ndarray) -> float:
    """Mean over queries of the normalized discounted cumulative gain of their first k rows; higher is better.

    Of a query: sum over the rows in the order of falling predictions, up to k, of (2^relevance - 1) / log2(1 + place),
    divided by that of the best order (Burges et al., "Learning to Rank using Gradient Descent", ICML 2005). Kaggle's
    Personalize Expedia Hotel Searches (2013) takes it with k = 38. Equal predictions count in the order of their rows.
    Queries without a relevant row are left out.

    Args:
        y_true: Relevance, (n,), >= 0.
        y_pred: Scores, (n,).
        k: Rows that count.
        query: Which rows belong together, (n,).

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, a relevance is negative, or no row is relevant.

    >>> query = np.array(["a", "a"], object)
    >>> ndcg_by_query(np.array([1.0, 0.0]), np.array([0.1, 0.9]), query=query)  # 1 / log2(3)
    0.630...
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    require("y_true", true, (true >= 0) & (true <= 64), "a relevance lies in [0, 64]")
    codes, names = check_groups("query", query, len(true))
    got, best = (_discounted(true, by, codes, len(names), k) for by in (pred, true))
    if not (best > 0).any():
        raise ValueError(f"`y_true` is 0 in all {len(true)} rows, but the gain needs a relevant one")
    return float(np.mean(got[best > 0] / best[best > 0]))


def mrr_by_query(y_true: np.ndarray, y_pred: np.ndarray, *, query: np.ndarray) -> float:
    """Mean over queries of 1 / (place of the first relevant row); higher is better, 1 is perfect.

    Rows stand in the order of falling predictions, equal ones as in the file; queries without a relevant row count 0
    (Voorhees, "The TREC-8 Question Answering Track Report", 1999).

    Args:
        y_true: Relevance, (n,), >= 0; above 0 is relevant.
        y_pred: Scores, (n,).
        query: Which rows belong together, (n,).

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or a relevance is negative.

    >>> query = np.array(["a", "a", "b"], object)
    >>> mrr_by_query(np.array([1.0, 0.0, 1.0]), np.array([0.1, 0.9, 0.5]), query=query)  # (1/2 + 1) / 2
    0.75
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    require("y_true", true, true >= 0, "a relevance is 0 or more")
    codes, names = check_groups("query", query, len(true))
    order, places = _places(pred, codes)
    reciprocal = np.zeros(len(names))
    np.maximum.at(reciprocal, codes[order], (true[order] > 0) / places)
    return float(reciprocal.mean())


def _places(by: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows sorted by group and falling scores, and the place of each in its group, from 1."""
    order = np.lexsort((-by, codes))
    starts = np.searchsorted(codes[order], np.arange(codes.max() + 1))
    return order, np.arange(len(by)) - starts[codes[order]] + 1


def _discounted(gain_of: np.ndarray, by: np.ndarray, codes: np.ndarray, n_groups: int, k: int) -> np.ndarray:
    order, places = _places(by, codes)
    gains = np.where(places <= k, (2 ** gain_of[order] - 1) / np.log2(1 + places), 0.0)
    return np.bincount(codes[order], gains, minlength=n_groups)


def _ranks_within(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Rank of each value in its group, ties sharing theirs, (n,)."""
    order = np.lexsort((values, codes))
    differs = (np.diff(codes[order]) != 0) | (np.diff(values[order]) != 0)
    ranks = np.empty(len(values))
    ranks[order] = average_ranks(np.append(0, differs.cumsum()).astype(np.float64))
    return ranks  # those of a group are moved by the rows of the groups before, which no correlation sees


def _mean_correlation(a: np.ndarray, b: np.ndarray, codes: np.ndarray) -> float:
    n = np.bincount(codes)
    varies = [np.zeros(len(n), dtype=bool) for _ in range(2)]
    first = np.zeros(len(n), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    centred = []
    for of_side, values in zip(varies, (a, b), strict=True):
        differs = values != values[first[codes]]
        of_side |= np.bincount(codes, differs) > 0
        centred.append(values - (np.bincount(codes, values) / n)[codes])
    products = np.bincount(codes, centred[0] * centred[1])
    squares = np.bincount(codes, centred[0] ** 2) * np.bincount(codes, centred[1] ** 2)
    if not varies[0].any():
        raise ValueError("`y_true` is the same in all rows of each `group`, but it has to vary in one")
    scores = np.divide(products, np.sqrt(squares), out=np.zeros(len(n)), where=varies[1] & (squares > 0))
    return float(np.mean(np.clip(scores[varies[0]], -1, 1)))
