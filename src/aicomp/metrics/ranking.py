"""Scores of ranked lists: how many of a row's true items stand in its list, and how far at the top.

A list is a string whose items stand between blanks. An item that a list names twice counts where it comes first, and
its second place is lost, as in Kaggle's own code (`ml_metrics`). Rows without a true item are left out; where no row
has one, there is no score.
"""

import itertools
from collections import defaultdict
from collections.abc import Sequence

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
    hits, n_true = _hits(y_true, y_pred, k)
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return float(np.mean((precision * hits).sum(axis=1) / np.minimum(k, n_true)))


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
    hits, n_true = _hits(y_true, y_pred, k)
    most = min(k, int(n_true.max()))
    best = np.cumsum(1 / np.log2(np.arange(2, most + 2)))[np.minimum(k, n_true) - 1]
    return float(np.mean(hits @ (1 / np.log2(np.arange(2, hits.shape[1] + 2))) / best))


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
    hits, n_true = _hits(y_true, y_pred, k)
    return float(np.mean(hits.sum(axis=1) / np.minimum(k, n_true)))


def mean_reciprocal_rank(y_true: np.ndarray, y_pred: np.ndarray, k: int = DEFAULT_K) -> float:
    """1 / (place of the first true item) among the first k, 0 where there is none; higher is better, 1 is perfect.

    Voorhees, "The TREC-8 Question Answering Track Report", 1999.

    Args:
        y_true: As `mean_average_precision`.
        y_pred: Likewise.
        k: Items that count.

    Raises:
        ValueError: As `mean_average_precision`.

    >>> mean_reciprocal_rank(np.array(["c", "a"], object), np.array(["a b c", "a"], object), k=3)  # (1/3 + 1) / 2
    0.666...
    """
    hits, _ = _hits(y_true, y_pred, k)
    return float(np.mean(hits.any(axis=1) / (hits.argmax(axis=1) + 1)))


def hit_rate(y_true: np.ndarray, y_pred: np.ndarray, k: int = DEFAULT_K) -> float:
    """Share of the rows that have a true item among the first k; higher is better, 1 is perfect.

    Args:
        y_true: As `mean_average_precision`.
        y_pred: Likewise.
        k: Items that count.

    Raises:
        ValueError: As `mean_average_precision`.

    >>> hit_rate(np.array(["c", "a"], object), np.array(["a b c", "a"], object), k=2)
    0.5
    """
    hits, _ = _hits(y_true, y_pred, k)
    return float(np.mean(hits.any(axis=1)))


def precision_of_lists(y_true: np.ndarray, y_pred: np.ndarray, k: int = DEFAULT_K) -> float:
    """True items among the first k, divided by k; higher is better, 1 is reached where every row has k true items.

    Args:
        y_true: As `mean_average_precision`.
        y_pred: Likewise.
        k: Items that count.

    Raises:
        ValueError: As `mean_average_precision`.

    >>> precision_of_lists(np.array(["c a"], object), np.array(["a b c"], object), k=2)  # 1 of 2
    0.5
    """
    hits, _ = _hits(y_true, y_pred, k)
    return float(np.mean(hits.sum(axis=1) / k))


def f1_of_sets(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over rows of the F1 of the items that two strings hold; higher is better, 1 is perfect.

    2 * common / (true items + predicted items), each item once; two empty strings score 1. The measure of Kaggle's
    Instacart Market Basket Analysis (2017), where a basket of nothing holds the item `None`.

    Args:
        y_true: Items between blanks, object (n,).
        y_pred: Likewise.

    Raises:
        ValueError: The shapes differ, or a value is no string.

    >>> f1_of_sets(np.array(["1 2"], object), np.array(["2 3"], object))  # 2 * 1 / 4
    0.5
    """
    truth, predicted = check_strings(y_true, y_pred)
    return float(np.mean([f1_of_set(a, b) for a, b in zip(truth, predicted, strict=True)]))


def f1_of_set(truth: str, text: str) -> float:
    """`f1_of_sets` of one row."""
    a, b = set(truth.split()), set(text.split())
    return 2 * len(a & b) / (len(a) + len(b)) if a or b else 1.0


def global_average_precision(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Average precision of one prediction per row, all rows together by confidence; higher is better, 1 is perfect.

    sum over the predictions, the surest first, of (precision so far) * [right] / (rows that have a true label): the
    GAP of Kaggle's Google Landmark Recognition. Equal confidences count in the order of their rows.

    Args:
        y_true: The label of each row, empty where there is none, object (n,).
        y_pred: "label confidence", or empty for no prediction, object (n,).

    Raises:
        ValueError: The shapes differ, a value is of another form, or no row has a true label.

    >>> truth = np.array(["a", "b"], object)
    >>> global_average_precision(truth, np.array(["b 0.9", "b 0.8"], object))  # 1/2 * 1 / 2
    0.25
    """
    truth, predicted = check_strings(y_true, y_pred)
    n_true = sum(bool(text.strip()) for text in truth)
    if not n_true:
        raise ValueError("no row of `y_true` has a label")
    confidences, is_right = [], []
    for i, (label, text) in enumerate(zip(truth, predicted, strict=True)):
        if not text.strip():
            continue
        parts = text.split()
        try:
            confidences.append(float(parts[1] if len(parts) == 2 else "?"))
        except ValueError:
            raise ValueError(f"`y_pred[{i}]` is {text!r}, but `label confidence` is needed") from None
        if not np.isfinite(confidences[-1]):
            raise ValueError(f"`y_pred[{i}]` is {text!r}, but a confidence is a finite number")
        is_right.append(parts[0] == label.strip())
    right = np.array(is_right, dtype=np.float64)[np.argsort(-np.array(confidences), kind="stable")]
    return float((np.cumsum(right) / np.arange(1, len(right) + 1) * right).sum() / n_true)


def _hits(y_true: np.ndarray, y_pred: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Which places up to k hold a true item, bool (n, places that the longest list has), and how many there are, (n,).

    Of the rows that have a true item.
    """
    found: list[list[bool]] = []
    n_true = []
    for truth, listed in zip(*check_strings(y_true, y_pred), strict=True):
        items = set(truth.split())
        if items:
            places = listed.split()[:k]
            if len(set(places)) < len(places):  # only the first place of an item counts
                first = {item: i for i, item in reversed(list(enumerate(places)))}
                places = [item if first[item] == i else "" for i, item in enumerate(places)]
            found.append([item in items for item in places])
            n_true.append(len(items))
    if not found:
        raise ValueError("no row of `y_true` has an item")
    lengths = np.array([len(row) for row in found])
    hits = np.zeros((len(found), max(1, int(lengths.max()))), dtype=bool)
    hits[np.arange(hits.shape[1]) < lengths[:, None]] = list(itertools.chain.from_iterable(found))
    return hits, np.array(n_true)


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
