"""How the target's mean moves over the values of one column."""

from dataclasses import dataclass

import numpy as np

from aicomp.eda.columns import Values
from aicomp.eda.target import Target

MOST_BINS, MOST_LEVELS = 10, 10
MISSING, OTHERS = "missing", "others"
_Z = 1.96


@dataclass(frozen=True)
class Group:
    """Rows of train whose value is in one bin or is one level.

    Attributes:
        label: The level, `MISSING` or `OTHERS`; of a bin "".
        low: Least value of a bin, NaN for levels; likewise `high`.
        high: Largest value of a bin.
        n: Rows.
        mean: Of each of the target's numbers, (k,).
        margin: Half of the interval that holds the true mean in 95 of 100 cases, below and above `mean`, (2, k).
    """

    label: str
    low: float
    high: float
    n: int
    mean: np.ndarray
    margin: np.ndarray


@dataclass(frozen=True)
class Relation:
    """The target over a column.

    Attributes:
        is_number: Whether groups are bins in their order; else they are levels, the commonest first.
        groups: Without those that have no row.
        overall: Mean over all rows, (k,).
    """

    is_number: bool
    groups: tuple[Group, ...]
    overall: np.ndarray

    @property
    def missing(self) -> Group | None:
        """Rows where the value is missing, None if there are none."""
        return next((g for g in self.groups if g.label == MISSING and np.isnan(g.low)), None)


def relate(values: Values, target: Target) -> Relation:
    """Group the rows of train by a column and take the target's means.

    Args:
        values: The column.
        target: Of the same rows.
    """
    groups = _bins(values.train, target) if values.is_number else _level_groups(values, target)
    missing = np.isnan(values.train) if values.is_number else values.train < 0
    if missing.any():
        groups.append(_group(MISSING, missing, target))
    return Relation(values.is_number, tuple(groups), target.numbers.mean(axis=0))


def bin_edges(numbers: np.ndarray, most: int) -> np.ndarray:
    """Edges of at most so many bins with about as many rows each; the first bins hold what is below all inner edges.

    Args:
        numbers: Values, missing ones NaN.
        most: Most bins.

    Returns:
        Inner edges, rising, (n_bins - 1,): a value's bin is how many of them are not above it.

    >>> bin_edges(np.array([1.0, 1, 1, 1, 2, 3, np.nan]), 3)
    array([2., 3.])
    """
    present = numbers[~np.isnan(numbers)]
    distinct = np.unique(present)
    if len(distinct) <= most:
        return distinct[1:]
    edges = np.unique(np.quantile(present, np.linspace(0, 1, most + 1)[1:-1], method="higher"))
    return np.asarray(edges[edges > distinct[0]])


def _bins(numbers: np.ndarray, target: Target) -> list[Group]:
    places = np.searchsorted(bin_edges(numbers, MOST_BINS), numbers, side="right")
    places[np.isnan(numbers)] = -1
    groups = []
    for place in range(places.max(initial=-1) + 1):
        rows = places == place
        if rows.any():
            groups.append(_group("", rows, target, float(numbers[rows].min()), float(numbers[rows].max())))
    return groups


def _level_groups(values: Values, target: Target) -> list[Group]:
    n_levels = len(values.levels or ())
    counts = np.bincount(values.train[values.train >= 0], minlength=n_levels)
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] > 0]
    shown = order if len(order) <= MOST_LEVELS + 1 else order[:MOST_LEVELS]
    groups = [_group((values.levels or ())[i], values.train == i, target) for i in shown]
    if len(shown) < len(order):
        rows = (values.train >= 0) & ~np.isin(values.train, shown)
        groups.append(_group(f"{OTHERS} ({len(order) - len(shown):,})", rows, target))
    return groups


def _group(label: str, rows: np.ndarray, target: Target, low: float = np.nan, high: float = np.nan) -> Group:
    part = target.numbers[rows]
    n, mean = len(part), part.mean(axis=0)
    if target.are_shares:
        margin = _wilson(mean, n)
    else:
        half = _Z * part.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(part.shape[1], np.nan)
        margin = np.stack([half, half])
    return Group(label, low, high, n, mean, margin)


def _wilson(share: np.ndarray, n: int) -> np.ndarray:
    """Margins below and above a share: Wilson's interval, which stays between 0 and 1 where few rows are.

    >>> _wilson(np.array([0.0]), 4).round(2).ravel().tolist()
    [0.0, 0.49]
    """
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return np.stack([np.maximum(share - (middle - half), 0), np.maximum(middle + half - share, 0)])
