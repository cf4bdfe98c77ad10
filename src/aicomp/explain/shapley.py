"""Shapley values of a row's columns by sampling: what each adds on the way from another row to this one.

Štrumbelj, Kononenko, "An Efficient Explanation of Individual Classifications using Game Theory" (JMLR 11, 2010);
orders come in pairs, each with its reverse: Mitchell et al., "Sampling Permutations for Shapley Value Estimation"
(arXiv 2104.12199). It asks nothing of a model but predictions of a table, so that trees, networks and linear models are
explained alike, and a text, a category or a time is one column. Per row they add up to the prediction less the mean of
the rows that it is compared with, exactly, however few orders are drawn; how sure a single value is, its error says.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from aicomp.data.table import Table

Scalar = Callable[[Table], np.ndarray]
"""One number for each row of a table, (n,)."""

_ROWS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Shares:
    """What each column adds to the prediction of each row.

    Attributes:
        values: (n_rows, n_columns).
        errors: Their standard errors, for the orders that were drawn.
        base: Mean prediction of the rows that each was compared with, (n_rows,).
        predictions: Of the rows, (n_rows,).
    """

    values: np.ndarray
    errors: np.ndarray
    base: np.ndarray
    predictions: np.ndarray


def shapley(
    predict: Scalar, rows: Table, others: Table, names: Sequence[str], *, n_orders: int, seed: int = 0
) -> Shares:
    """Shapley values of some rows.

    Args:
        predict: Predicts them.
        rows: The rows.
        others: Rows of the same levels that they are compared with; some are drawn for each order.
        names: The columns.
        n_orders: Orders of the columns for each row, an even number; each costs a prediction per column.
        seed: Of orders and of the rows that are drawn.
    """
    n_pairs, d = max(1, n_orders // 2), len(names)
    random = np.random.default_rng(seed)
    per_row = 2 * n_pairs * (d + 1)
    at_once = max(1, _ROWS_AT_ONCE // per_row)
    parts = []
    for start in range(0, rows.n_rows, at_once):
        some = np.arange(start, min(start + at_once, rows.n_rows))
        taken = np.stack([_paths(d, n_pairs, random) for _ in some])  # (n, n_pairs, 2, d + 1, d)
        other = random.integers(0, others.n_rows, (len(some), n_pairs))
        found = predict(_mixed(rows, others, names, some, other, taken)).reshape(len(some), n_pairs, 2, d + 1)
        parts.append(_shares(found, taken))
    return Shares(*(np.concatenate([getattr(part, name) for part in parts]) for name in Shares.__dataclass_fields__))


def _paths(d: int, n_pairs: int, random: np.random.Generator) -> np.ndarray:
    """Which columns come from the row itself at each step: bool (n_pairs, 2, d + 1, d), an order and its reverse."""
    place = np.stack([random.permutation(d) for _ in range(n_pairs)])
    place = np.stack([place, d - 1 - place], axis=1)
    return np.asarray(place[:, :, None, :] < np.arange(d + 1)[None, None, :, None])


def _mixed(
    rows: Table, others: Table, names: Sequence[str], some: np.ndarray, other: np.ndarray, taken: np.ndarray
) -> Table:
    """All steps of all paths as one table."""
    steps = taken.shape[2] * taken.shape[3]
    own = np.repeat(some, taken[0, ..., 0].size)
    theirs = np.repeat(other.ravel(), steps)
    flat = taken.reshape(-1, len(names))
    changed = {
        name: np.where(flat[:, j], rows.values(name)[own], others.values(name)[theirs]) for j, name in enumerate(names)
    }
    return rows.take(own).with_values(changed)


def _shares(found: np.ndarray, taken: np.ndarray) -> Shares:
    """From predictions along the paths, (n, n_pairs, 2, d + 1)."""
    steps = np.diff(found, axis=3)
    added = taken[..., 1:, :] & ~taken[..., :-1, :]  # which column a step changes
    by_pair = (steps[..., None] * added).sum(axis=3).mean(axis=2)  # (n, n_pairs, d)
    n_pairs = by_pair.shape[1]
    errors = by_pair.std(axis=1, ddof=1) / np.sqrt(n_pairs) if n_pairs > 1 else np.full_like(by_pair[:, 0], np.nan)
    return Shares(by_pair.mean(axis=1), errors, found[..., 0].mean(axis=(1, 2)), found[:, 0, 0, -1])
