"""Which columns are near copies of each other: what one of them says, the others say too.

Two columns of numbers by the rank correlation, two of categories by Cramér's V, one of each by the correlation ratio of
the ranks. The latter two are corrected for what chance gives where levels are many: Bergsma, "A bias-correction for
Cramér's V and Tschuprow's T" (Journal of the Korean Statistical Society 42, 2013); Kelley, "An unbiased correlation
ratio measure" (PNAS 21, 1935).
"""

from collections.abc import Sequence

import numpy as np

from aicomp.data.table import Table

NEAR_COPY = 0.9
"""Association, from 0 to 1, from which on columns are taken for copies."""

_MOST_ROWS = 3000
_MOST_LEVELS = 60


def associations(table: Table, names: Sequence[str], seed: int = 0) -> np.ndarray:
    """Association of each pair of columns, symmetric (n, n), from 0 to 1; 0 for a column with a single value.

    Numbers that are missing count as the median, categories as a level; levels beyond the commonest 60 as one.

    Args:
        table: The rows; of many some are looked at.
        names: Columns of the table.
        seed: Of the rows that are drawn.
    """
    rows = np.arange(table.n_rows)
    if len(rows) > _MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _MOST_ROWS, replace=False))
    numbers = [i for i, name in enumerate(names) if name in table.numbers]
    categories = [i for i, name in enumerate(names) if name not in table.numbers]
    ranks = np.column_stack([_ranks(table.numbers[names[i]][rows]) for i in numbers] or [np.empty((len(rows), 0))])
    levels = [_indicators(table.codes[names[i]][rows]) for i in categories]
    found = np.eye(len(names))
    found[np.ix_(numbers, numbers)] = np.abs(ranks.T @ ranks) / len(rows)
    if categories:
        ratio, cramer = _ratios(levels, ranks), _cramer(levels)
        found[np.ix_(categories, numbers)] = ratio
        found[np.ix_(numbers, categories)] = ratio.T
        found[np.ix_(categories, categories)] = cramer
    np.fill_diagonal(found, 1.0)
    return np.clip(found, 0, 1)


def near_copies(found: np.ndarray, least: float = NEAR_COPY) -> list[list[int]]:
    """Groups of two and more columns of which each pair is associated at least so much.

    >>> near_copies(np.array([[1, 0.95, 0.2], [0.95, 1, 0.1], [0.2, 0.1, 1]]))
    [[0, 1]]
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(found) < 2:
        return []
    apart = squareform(1 - found, checks=False)
    clusters = fcluster(linkage(apart, "complete"), 1 - least, "distance")
    groups = [np.flatnonzero(clusters == cluster).tolist() for cluster in np.unique(clusters)]
    return sorted(group for group in groups if len(group) > 1)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks with mean 0 and deviation 1, those of missing values 0; all 0 for a constant."""
    from scipy.stats import rankdata

    known = ~np.isnan(values)
    ranks = np.zeros(len(values))
    if known.any():
        ranks[known] = rankdata(values[known])
        ranks[known] -= ranks[known].mean()
    deviation = ranks.std()
    return ranks / deviation if deviation > 0 else ranks


def _indicators(codes: np.ndarray) -> np.ndarray:
    """A column of 0 and 1 per level, (n, n_levels)."""
    levels, counts = np.unique(codes, return_counts=True)
    common = levels[np.argsort(-counts, kind="stable")[:_MOST_LEVELS]]
    columns = [codes == level for level in common]
    rest = ~np.isin(codes, common)
    return np.column_stack([*columns, *([rest] if rest.any() else [])]).astype(np.float64)


def _ratios(levels: list[np.ndarray], ranks: np.ndarray) -> np.ndarray:
    """Correlation ratio of each category with each number, (n_categories, n_numbers)."""
    n = len(ranks)
    found = np.zeros((len(levels), ranks.shape[1]))
    for i, indicators in enumerate(levels):
        k = indicators.shape[1]
        if k < 2 or n - k < 2:
            continue
        means = (indicators.T @ ranks) / indicators.sum(axis=0)[:, None]
        explained = (means**2 * indicators.sum(axis=0)[:, None]).sum(axis=0) / n
        corrected = 1 - (1 - explained) * (n - 1) / (n - k)
        found[i] = np.sqrt(np.clip(corrected, 0, 1)) * (ranks.std(axis=0) > 0)
    return found


def _cramer(levels: list[np.ndarray]) -> np.ndarray:
    """Cramér's V of each pair of categories; all tables of counts are one product."""
    n = len(levels[0])
    joined = np.hstack(levels)
    starts = np.cumsum([0, *(part.shape[1] for part in levels)])[:-1]
    counts, total = joined.T @ joined, joined.sum(axis=0)
    expected = np.outer(total, total) / n
    cells = (counts - expected) ** 2 / expected
    phi = np.add.reduceat(np.add.reduceat(cells, starts, axis=0), starts, axis=1) / n
    k = np.array([part.shape[1] for part in levels], dtype=np.float64)
    phi = np.maximum(phi - np.outer(k - 1, k - 1) / (n - 1), 0)
    k = k - (k - 1) ** 2 / (n - 1)
    least = np.minimum.outer(k, k) - 1
    return np.asarray(np.sqrt(np.divide(phi, least, out=np.zeros_like(phi), where=least > 1e-9)))
