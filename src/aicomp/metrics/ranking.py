"""Scores of ranked lists: how many of a row's true items stand in its list, and how far at the top.

A list is a string whose items stand between blanks. An item that a list names twice counts where it comes first. Rows
without a true item are left out; where no row has one, there is no score.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from aicomp.metrics.checks import check_strings

DEFAULT_K = 10
"""Items of a list that count, where the metric's name says no other number."""


def mean_average_precision(y_true: np.ndarray, y_pred: np.ndarray, k: int = DEFAULT_K) -> float:
    """Mean average precision of the first k items; higher is better, 1 is perfect.

    Of a row: the mean, over the places up to k that hold a true item, of the share of true items up to there, with
    min(k, number of true items) as divisor.

    Args:
        y_true: Lists of the true items, whose order makes no difference, object (n,).
        y_pred: Ranked lists, object (n,).
        k: Items that count.

    Raises:
        ValueError: The shapes differ, a value is no string, or no row has a true item.

    >>> mean_average_precision(np.array(["a c"], object), np.array(["a b c"], object), k=3)  # (1/1 + 2/3) / 2
    0.8333333333333333
    """

    def of_row(hits: np.ndarray, n_true: int) -> float:
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        return float((precision * hits).sum() / min(k, n_true))

    return _mean(y_true, y_pred, k, of_row)


def normalized_gain(y_true: np.ndarray, y_pred: np.ndarray, k: int = DEFAULT_K) -> float:
    """Normalized discounted cumulative gain of the first k items; higher is better, 1 is perfect.

    A true item at place i counts 1 / log2(1 + i); the sum is divided by that of the best list (Järvelin, Kekäläinen,
    "Cumulated Gain-based Evaluation of IR Techniques", TOIS 2002).

    Args:
        y_true: As `mean_average_precision`.
        y_pred: Likewise.
        k: Items that count.

    Raises:
        ValueError: As `mean_average_precision`.

    >>> normalized_gain(np.array(["c"], object), np.array(["a b c"], object), k=3)  # 1 / log2(4)
    0.5
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))

    def of_row(hits: np.ndarray, n_true: int) -> float:
        return float((discounts[: len(hits)] * hits).sum() / discounts[: min(k, n_true)].sum())

    return _mean(y_true, y_pred, k, of_row)


def recall_of_lists(y_true: np.ndarray, y_pred: np.ndarray, k: int = DEFAULT_K) -> float:
    """Share of the true items among the first k; higher is better, 1 is perfect.

    A row with more than k true items is divided by k, so that 1 can be reached.

    Args:
        y_true: As `mean_average_precision`.
        y_pred: Likewise.
        k: Items that count.

    Raises:
        ValueError: As `mean_average_precision`.

    >>> recall_of_lists(np.array(["a c", ""], object), np.array(["a b c", "a"], object), k=2)
    0.5
    """
    return _mean(y_true, y_pred, k, lambda hits, n_true: float(hits.sum() / min(k, n_true)))


def _mean(y_true: np.ndarray, y_pred: np.ndarray, k: int, of_row: Callable[[np.ndarray, int], float]) -> float:
    """Mean over rows of what is made of which places up to k hold a true item, and of the number of true items."""
    scores = []
    for truth, listed in zip(*check_strings(y_true, y_pred), strict=True):
        items = set(truth.split())
        if items:
            hits = np.array([item in items for item in list(dict.fromkeys(listed.split()))[:k]], dtype=np.float64)
            scores.append(of_row(hits, len(items)))
    if not scores:
        raise ValueError("no row of `y_true` has an item")
    return float(np.mean(scores))


def merge_lists(lists: Sequence[str], weights: Sequence[float]) -> str:
    """One ranked list from several: items by the sum of weight / (60 + place), as long as the longest.

    Reciprocal rank fusion: Cormack, Clarke, Büttcher (SIGIR 2009), whose constant is 60.

    >>> merge_lists(["a b", "b c"], [1.0, 1.0])
    'b a'
    """
    found: dict[str, float] = defaultdict(float)
    split = [list(dict.fromkeys(text.split())) for text in lists]
    for items, weight in zip(split, weights, strict=True):
        for place, item in enumerate(items, start=1):
            found[item] += weight / (_FUSION + place)
    ranked = sorted(found, key=lambda item: -found[item])  # equal ones in the order in which they are met
    return " ".join(ranked[: max(map(len, split))])


_FUSION = 60
