"""Which categories, and which pairs of them, say something about the target.

Each is judged by how much smaller squared errors get out of fold: a column beside the mean of all rows, a pair beside
what all columns explain one by one. What does not help beyond chance is left out, so that a column of random codes adds
nothing.
"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from aicomp.data.statistics import Levels, gain, level_means
from aicomp.data.targets import TargetColumns

_MOST_PAIRED_COLUMNS = 24
_MOST_NUMBERS = 100
_MOST_SCREENED_ROWS = 40_000
_BINS = 32
_NEWTON_STEPS = 6

_COLUMN_ERRORS = 2.0
"""Standard errors by which a column must help."""

_CHANCE = 0.01
"""Probability that, of all pairs, one that says nothing is taken."""


class LevelScreen:
    """Judges columns and pairs on some of the training rows.

    Args:
        x_num: Numbers of the training rows, float32 (n, n_num).
        x_cat: Codes of the training rows, int64 (n, n_cat).
        cardinalities: Codes of each column.
        targets: Of the training rows.
        inner: Inner fold of each row.
    """

    def __init__(
        self,
        x_num: np.ndarray,
        x_cat: np.ndarray,
        cardinalities: Sequence[int],
        targets: TargetColumns,
        inner: np.ndarray,
    ) -> None:
        rows = np.linspace(0, len(x_cat) - 1, min(len(x_cat), _MOST_SCREENED_ROWS)).astype(np.int64)
        self._x_num, self._x_cat, self._inner = x_num[rows], x_cat[rows], inner[rows]
        self._targets, self._are_shares = targets.values[rows], targets.are_shares
        self._cardinalities = cardinalities
        self._oof: list[np.ndarray] = []
        self._gains: list[float] = []
        self._errors: list[float] = []
        for j in range(len(cardinalities)):
            oof, share, errors = self._alone(self._levels(j))
            self._oof.append(oof)
            self._gains.append(share)
            self._errors.append(errors)

    def _alone(self, levels: np.ndarray) -> tuple[np.ndarray, float, float]:
        """Out-of-fold means of levels, and their `gain` beside the mean of all rows."""
        found = level_means(levels, int(levels.max()) + 1, self._targets, self._inner)
        oof = found.oof(levels, self._inner)
        return oof, *gain(self._targets, found.prior[self._inner], oof)

    def _levels(self, j: int) -> np.ndarray:
        return Levels.of(self._x_cat, j, -1, 1).of_row

    def helps(self, j: int) -> bool:
        """Whether a column's means help."""
        return self._errors[j] > _COLUMN_ERRORS

    def pairs(self, most: int) -> list[tuple[int, int]]:
        """At most so many pairs, each of which helps beside the columns and the pairs before it."""
        columns = sorted(np.argsort(self._gains)[::-1][:_MOST_PAIRED_COLUMNS])
        if len(columns) < 2:
            return []
        threshold = NormalDist().inv_cdf(1 - _CHANCE / (len(columns) * (len(columns) - 1) / 2))
        residual = self._beside_columns()
        judged = []
        for at, first in enumerate(columns):
            for second in columns[at + 1 :]:
                share, errors, _ = self._judge(first, second, residual)
                if errors > threshold:
                    judged.append((share, first, second))
        chosen: list[tuple[int, int]] = []
        for _, first, second in sorted(judged, reverse=True):
            if len(chosen) == most:
                break
            _, errors, explained = self._judge(first, second, residual)
            if errors > threshold:
                chosen.append((int(first), int(second)))
                residual = residual - explained
        return chosen

    def _beside_columns(self) -> np.ndarray:
        """What a model without interactions, of categories and binned numbers, leaves of the targets: as these.

        A linear, or logistic, model on the columns' means, whose errors each column's levels then correct once.
        """
        levels = [self._levels(j) for j in range(len(self._cardinalities))]
        for column in self._x_num.T[:_MOST_NUMBERS]:
            bins = _bins(column)
            oof, _, errors = self._alone(bins)
            if errors > _COLUMN_ERRORS:
                levels.append(bins)
                self._oof.append(oof)
        means = np.stack(self._oof)  # (n_columns, n, n_targets)
        if self._are_shares:
            shares = np.clip(means, 1e-4, 1 - 1e-4)
            means = np.log(shares / (1 - shares))
        fit = _logistic if self._are_shares else _linear
        residual = np.column_stack([y - fit(means[:, :, j].T, y) for j, y in enumerate(self._targets.T)])
        for column in levels:
            # Not out of fold: such corrections, one upon another, would add up to what the other folds lack.
            found = level_means(column, int(column.max()) + 1, residual, self._inner)
            residual = residual - found.means[-1, column]
        return residual

    def _judge(self, first: int, second: int, residual: np.ndarray) -> tuple[float, float, np.ndarray]:
        levels = Levels.of(self._x_cat, first, second, self._cardinalities[second])
        found = levels.means(residual, self._inner)
        explained = found.oof(levels.of_row, self._inner)
        share, errors = gain(residual, found.prior[self._inner], explained)
        return share, errors, explained


def is_beyond_chance(targets: np.ndarray, prior: np.ndarray, means: np.ndarray) -> bool:
    """Whether out-of-fold means help by more than two standard errors; arguments as those of `gain`."""
    return gain(targets, prior, means)[1] > _COLUMN_ERRORS


def _bins(values: np.ndarray) -> np.ndarray:
    """Bin of each value between quantiles, missing ones in the last: int64 (n,)."""
    known = values[~np.isnan(values)]
    if not len(known):
        return np.zeros(len(values), dtype=np.int64)
    edges = np.unique(np.quantile(known[:: max(1, len(known) // 5000)], np.linspace(0, 1, _BINS + 1)[1:-1]))
    return np.asarray(np.searchsorted(edges, values, side="right"))  # NaN is sorted behind all


def _linear(inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Fitted values of least squares."""
    inputs = np.column_stack([np.ones(len(inputs)), inputs])
    gram = inputs.T @ inputs + 1e-6 * len(inputs) * np.eye(inputs.shape[1])
    return np.asarray(inputs @ np.linalg.solve(gram, inputs.T @ targets))


def _logistic(inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Fitted probabilities of a logistic regression with a weak ridge, by Newton's method; labels (n,)."""
    inputs = np.column_stack([np.ones(len(inputs)), inputs])
    weights = np.zeros(inputs.shape[1])
    ridge = 1e-3 * len(inputs) * np.eye(inputs.shape[1])
    ridge[0, 0] = 0
    for _ in range(_NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(inputs @ weights, -15, 15)))
        curvature = (inputs * np.maximum(p * (1 - p), 1e-4)[:, None]).T @ inputs + ridge
        weights = weights + np.linalg.solve(curvature, inputs.T @ (labels - p) - ridge @ weights)
    return np.asarray(1 / (1 + np.exp(-np.clip(inputs @ weights, -15, 15))))
