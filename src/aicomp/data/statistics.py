"""Categories as statistics of the target: the mean of each level, and how often it occurs.

The mean of a training row comes from the other inner folds alone, so that its own target does not enter it; those of
other rows come from all training rows. A level's mean is drawn towards that of all levels, the more the fewer its rows
and the less levels differ beyond chance: empirical Bayes, with the variance between levels from the analysis of
variance (Micci-Barreca, "A Preprocessing Scheme for High-Cardinality Categorical Attributes", 2001).
"""

from dataclasses import dataclass

import numpy as np

INNER_FOLDS = 5

_PRIOR_ROWS = (1.0, 1e4)
"""Fewest and most rows that the mean of all levels counts for in the mean of one."""

_LEAST_SCALE = 0.1
"""Means that differ less are not blown up to deviation 1; in logits, or deviations of the target."""


@dataclass(frozen=True)
class Means:
    """Means of each level: row k without inner fold k, the last row with all.

    Attributes:
        means: (INNER_FOLDS + 1, n_levels, n_targets).
        counts: (INNER_FOLDS + 1, n_levels).
        prior: Means over all levels, (INNER_FOLDS + 1, n_targets).
    """

    means: np.ndarray
    counts: np.ndarray
    prior: np.ndarray

    def oof(self, levels: np.ndarray, inner: np.ndarray) -> np.ndarray:
        """Mean of each training row's level, from the other inner folds: (n, n_targets)."""
        return np.asarray(self.means[inner, levels])


def level_means(levels: np.ndarray, n_levels: int, targets: np.ndarray, inner: np.ndarray) -> Means:
    """Means of the targets over the rows of each level.

    Args:
        levels: Level of each row, (n,), from 0.
        n_levels: Number of levels.
        targets: (n, n_targets).
        inner: Inner fold of each row, (n,), from 0.
    """
    cell = inner * n_levels + levels
    counts = _but_one(np.bincount(cell, minlength=INNER_FOLDS * n_levels).reshape(INNER_FOLDS, n_levels))
    n_targets = targets.shape[1]
    means = np.empty((INNER_FOLDS + 1, n_levels, n_targets))
    prior = np.empty((INNER_FOLDS + 1, n_targets))
    for j in range(n_targets):
        y = targets[:, j]
        sums = np.bincount(cell, weights=y, minlength=INNER_FOLDS * n_levels).reshape(INNER_FOLDS, n_levels)
        squares = np.bincount(inner, weights=y * y, minlength=INNER_FOLDS)
        means[:, :, j], prior[:, j] = _shrunk(counts, _but_one(sums), _but_one(squares[:, None])[:, 0])
    return Means(means, counts, prior)


def _but_one(parts: np.ndarray) -> np.ndarray:
    """Sums over all inner folds but each, and over all: (INNER_FOLDS, m) -> (INNER_FOLDS + 1, m)."""
    total = parts.sum(axis=0)
    return np.vstack([total - parts, total])


def _shrunk(counts: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means drawn towards the prior, and the prior; arguments as `_but_one` gives them."""
    n, n_levels = counts.sum(axis=1), (counts > 0).sum(axis=1)
    prior = sums.sum(axis=1) / np.maximum(n, 1)
    plain = sums / np.maximum(counts, 1)
    explained = (plain**2 * counts).sum(axis=1)
    within = np.maximum(squares - explained, 0) / np.maximum(n - n_levels, 1)
    between = (explained - n * prior**2) / np.maximum(n_levels - 1, 1)
    typical = (n - (counts**2).sum(axis=1) / np.maximum(n, 1)) / np.maximum(n_levels - 1, 1)
    variance = np.maximum(between - within, 0) / np.maximum(typical, 1e-12)
    rows = np.clip(within / np.maximum(variance, 1e-12), *_PRIOR_ROWS)[:, None]
    return (sums + rows * prior[:, None]) / (counts + rows), prior


def gain(targets: np.ndarray, prior: np.ndarray, means: np.ndarray) -> tuple[float, float]:
    """How much smaller squared errors get: the sum over targets of the share, and how many standard errors that is.

    Args:
        targets: (n, n_targets).
        prior: Predictions without the levels, the same shape or one that broadcasts to it.
        means: Out-of-fold predictions with them.
    """
    before = (targets - prior) ** 2
    size = np.maximum(before.mean(axis=0), 1e-12)
    by_row = ((before - (targets - means) ** 2) / size).sum(axis=1)
    error = by_row.std() / np.sqrt(max(len(by_row), 1))
    mean = float(by_row.mean()) if len(by_row) else 0.0
    return mean, mean / max(float(error), 1e-12) if mean else 0.0


@dataclass(frozen=True)
class LevelStatistics:
    """Numbers that stand for a category's level, or for a pair of levels.

    Attributes:
        names: Of the numbers.
        first: Which column of `Rows.x_cat`.
        second: The other column of a pair, -1 for a single column.
        width: Codes of the second column, 1 for a single column.
        keys: `code of first * width + code of second` of each level that training rows have, rising.
        table: The numbers of each key, then those of any other: float64 (n_keys + 1, n_names).
    """

    names: list[str]
    first: int
    second: int
    width: int
    keys: np.ndarray
    table: np.ndarray

    def __call__(self, x_cat: np.ndarray) -> np.ndarray:
        """Numbers of rows that were not fitted: float64 (n, n_names)."""
        keys = joint_keys(x_cat, self.first, self.second, self.width)
        at = np.searchsorted(self.keys, keys).clip(0, len(self.keys) - 1)
        return np.asarray(self.table[np.where(self.keys[at] == keys, at, len(self.keys))])


def joint_keys(x_cat: np.ndarray, first: int, second: int, width: int) -> np.ndarray:
    """One whole number for each combination of two codes, int64 (n,)."""
    return np.asarray(x_cat[:, first] * width + (x_cat[:, second] if second >= 0 else 0))


@dataclass(frozen=True)
class Levels:
    """Rows of one column or pair as levels that are numbered from 0.

    Attributes:
        keys: See `LevelStatistics`.
        of_row: Index into `keys` of each row, (n,).
    """

    keys: np.ndarray
    of_row: np.ndarray

    @classmethod
    def of(cls, x_cat: np.ndarray, first: int, second: int, width: int) -> "Levels":
        """Levels of rows; arguments as in `LevelStatistics`."""
        keys, of_row = np.unique(joint_keys(x_cat, first, second, width), return_inverse=True)
        return cls(keys, of_row)

    def means(self, targets: np.ndarray, inner: np.ndarray) -> Means:
        """Their means, see `level_means`."""
        return level_means(self.of_row, len(self.keys), targets, inner)


def mean_table(found: Means, *, are_shares: bool) -> np.ndarray:
    """Means as numbers near 0, the unseen level's last: (INNER_FOLDS + 1, n_levels + 1, n_targets).

    Shares become logits. Each row k is centered and scaled by what it knows itself, so that fold k does not enter it.
    """
    values = np.concatenate([found.means, found.prior[:, None]], axis=1)
    if are_shares:
        values = np.clip(values, 1e-6, 1 - 1e-6)
        values = np.log(values / (1 - values))
    weight = np.concatenate([found.counts, np.zeros((len(found.counts), 1))], axis=1)[:, :, None]
    weight = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1)
    center = (weight * values).sum(axis=1, keepdims=True)
    scale = np.sqrt((weight * (values - center) ** 2).sum(axis=1, keepdims=True))
    return np.asarray(np.clip((values - center) / np.maximum(scale, _LEAST_SCALE), -5, 5))


def count_table(counts: np.ndarray) -> np.ndarray:
    """Logarithms of the levels' rows with mean 0 and deviation 1, that of an unseen level last: (n_levels + 1,)."""
    values = np.log1p(np.append(counts, 0).astype(np.float64))
    weight = np.append(counts, 0) / max(counts.sum(), 1)
    center = (weight * values).sum()
    scale = np.sqrt((weight * (values - center) ** 2).sum())
    return np.asarray(np.clip((values - center) / max(scale, 1e-6), -5, 5))
