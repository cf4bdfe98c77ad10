"""Scores of items that a string holds: in which order they stand, and which of them are there."""

import numpy as np

from aicomp.metrics.checks import check_groups, check_strings
from aicomp.metrics.pairs import count_smaller_before

_OTTO = {"clicks": 0.1, "carts": 0.3, "orders": 0.6}
_OTTO_K = 20

_ITEMS = 20_000
"""Items whose pairs are counted at once: few enough to stay in the processor's cache."""


def kendall_of_orders(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """1 - 4 * swaps of neighbours / (sum of n * (n - 1)) of all rows together; higher is better, from -1 to 1.

    The swaps are those that make the true order of the predicted one, n are the items of a row: the rank correlation of
    Kaggle's Google AI4Code (2022).

    Args:
        y_true: Items between blanks in their true order, each once, object (n,).
        y_pred: The same items in another order, object (n,).

    Raises:
        ValueError: The shapes differ, a value is no string, an item is there twice, the items of a row differ, or no
            row has two.

    >>> truth = np.array(["a b c", "x y"], object)
    >>> kendall_of_orders(truth, np.array(["c a b", "x y"], object))  # two swaps: 1 - 4 * 2 / (6 + 2)
    0.0
    """
    truth, predicted = check_strings(y_true, y_pred)
    orders: list[list[int]] = []
    held = swaps = most = 0
    for i, (one, other) in enumerate(zip(truth, predicted, strict=True)):
        orders.append(_places(one, other, i))
        n = len(orders[-1])
        most += n * (n - 1)
        held += n
        if held > _ITEMS or i == len(truth) - 1:
            swaps += _swaps(orders)
            orders, held = [], 0
    if not most:
        raise ValueError("no row of `y_true` has two items")
    return 1 - 4 * swaps / most


def _places(truth: str, text: str, i: int) -> list[int]:
    """Places in the true order of the items of the predicted one."""
    items, given = truth.split(), text.split()
    place = {item: k for k, item in enumerate(items)}
    if len(place) < len(items):
        raise ValueError(f"`y_true[{i}]` has an item twice")
    if len(given) != len(items) or set(given) != set(items):
        wrong = next((item for item in given if item not in place), None)
        count = f"{len(given)} items and not {len(items)}, each once"
        raise ValueError(
            f"`y_pred[{i}]` has {count if wrong is None else f'`{wrong[:40]}`, which is none of its items'}"
        )
    return [place[item] for item in given]


def _swaps(orders: list[list[int]]) -> int:
    """Pairs that stand the wrong way round, in rows that are put one behind the other so that no two of them cross."""
    sizes = np.array([len(row) for row in orders], dtype=np.int64)
    n = int(sizes.sum())
    if not n:
        return 0
    before = np.repeat(sizes.cumsum() - sizes, sizes)
    places = np.array([place for row in orders for place in row]) + before
    return n * (n - 1) // 2 - int(count_smaller_before(places).sum())


def jaccard_of_sets(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over rows of (items in common) / (items of both); higher is better, 1 is perfect.

    Two empty strings score 1. The measure of Kaggle's Foursquare - Location Matching (2022).

    Args:
        y_true: Items between blanks, object (n,).
        y_pred: Likewise.

    Raises:
        ValueError: The shapes differ, or a value is no string.

    >>> jaccard_of_sets(np.array(["1 2"], object), np.array(["2 3"], object))
    0.333...
    """
    truth, predicted = check_strings(y_true, y_pred)
    sets = ((set(a.split()), set(b.split())) for a, b in zip(truth, predicted, strict=True))
    return float(np.mean([len(a & b) / len(a | b) if a | b else 1.0 for a, b in sets]))


def otto_recall(y_true: np.ndarray, y_pred: np.ndarray, *, kind: np.ndarray) -> float:
    """0.1, 0.3 and 0.6 times the recall of clicks, carts and orders among the first 20; higher is better, 1 is perfect.

    The recall of a kind is the number of its true items that are found in all its rows together, divided by the sum of
    min(20, true items) of each row: the measure of Kaggle's OTTO - Multi-Objective Recommender System (2023).

    Args:
        y_true: Items between blanks, object (n,).
        y_pred: Ranked lists, object (n,); an item that a list names twice counts where it comes first.
        kind: `clicks`, `carts` or `orders`, (n,).

    Raises:
        ValueError: The shapes differ, a value is no string, a kind is another one, or a kind has no true item.

    >>> truth, listed = np.array(["1", "2", "3"], object), np.array(["1", "9 2", "7"], object)
    >>> otto_recall(truth, listed, kind=np.array(["clicks", "carts", "orders"], object))  # 0.1 + 0.3
    0.4
    """
    truth, predicted = check_strings(y_true, y_pred)
    codes, names = check_groups("kind", kind, len(truth))
    unknown = next((name for name in names if name not in _OTTO), None)
    if unknown is not None:
        row = int(np.flatnonzero(codes == list(names).index(unknown))[0])
        raise ValueError(f"`kind[{row}]` is {unknown}, but a kind is {', '.join(_OTTO)}")
    found, there = np.zeros(len(truth)), np.zeros(len(truth))
    for i, (one, other) in enumerate(zip(truth, predicted, strict=True)):
        items = set(one.split())
        there[i] = min(_OTTO_K, len(items))
        found[i] = len(items.intersection(list(dict.fromkeys(other.split()))[:_OTTO_K]))
    score = 0.0
    for name, share in _OTTO.items():
        rows = codes == (list(names).index(name) if name in names else -1)
        if not there[rows].sum():
            raise ValueError(f"no row of the `kind` {name} has a true item")
        score += share * float(found[rows].sum() / there[rows].sum())
    return score
