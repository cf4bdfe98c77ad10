"""Columns as trees want them: codes of few levels as they are, those of many levels as statistics of the target.

The statistics of a training row come from the other rows alone: those of its own target would tell it. Means are drawn
towards that of all rows (Micci-Barreca, "A Preprocessing Scheme for High-Cardinality Categorical Attributes", 2001).
"""

from dataclasses import dataclass

import numpy as np

from aicomp.data.rows import Rows
from aicomp.models.estimator import Goal, State

MAX_NATIVE = 64
"""Most levels of a category that a tree splits by itself."""

_INNER_FOLDS = 5
_PRIOR_ROWS = 10
"""Rows that the mean over all levels counts for in the mean of one level."""

_MOST_CLASSES = 10
"""Most classes that get a share each."""


@dataclass(frozen=True)
class TreeInputs:
    """Rows as one matrix: numbers, codes (or one-hot columns), statistics.

    Attributes:
        cardinalities: Levels of each column of codes.
        one_hot: Whether codes of few levels become a column per level.
        max_native: Most levels that count as few.
        tables: Statistics of each column of many levels, float32 (n_levels, n_statistics), in the columns' order.
    """

    cardinalities: tuple[int, ...]
    one_hot: bool
    max_native: int
    tables: list[np.ndarray]

    @classmethod
    def fit(
        cls, train: Rows, y: np.ndarray, goal: Goal, cardinalities: tuple[int, ...], *,
        one_hot: bool = False, max_native: int = MAX_NATIVE,
    ) -> "tuple[TreeInputs, np.ndarray]":  # fmt: skip
        """Learn from training rows; returns the matrix of these rows as well, see the module for why it differs."""
        shares = _targets(y, goal)
        inner = np.random.default_rng(goal.seed).integers(0, _INNER_FOLDS, len(y))
        tables, blocks = [], []
        for j, n_levels in enumerate(cardinalities):
            if n_levels <= max_native:
                continue
            codes = train.x_cat[:, j]
            tables.append(_table(codes, shares, n_levels))
            block = np.empty((len(codes), tables[-1].shape[1]), dtype=np.float32)
            for k in range(_INNER_FOLDS):
                block[inner == k] = _table(codes[inner != k], shares[inner != k], n_levels)[codes[inner == k]]
            blocks.append(block)
        inputs = cls(cardinalities, one_hot, max_native, tables)
        return inputs, np.concatenate([inputs._direct(train), *blocks], axis=1)

    def __call__(self, rows: Rows) -> np.ndarray:
        """The matrix of rows that were not fitted, float32 (n, n_inputs)."""
        many = [j for j, n in enumerate(self.cardinalities) if n > self.max_native]
        blocks = [table[rows.x_cat[:, j]] for j, table in zip(many, self.tables, strict=True)]
        return np.concatenate([self._direct(rows), *blocks], axis=1)

    def _direct(self, rows: Rows) -> np.ndarray:
        few = [j for j, n in enumerate(self.cardinalities) if n <= self.max_native]
        if not self.one_hot:
            return np.concatenate([rows.x_num, rows.x_cat[:, few].astype(np.float32)], axis=1)
        eyes = [np.eye(self.cardinalities[j], dtype=np.float32)[rows.x_cat[:, j]] for j in few]
        return np.concatenate([rows.x_num, *eyes], axis=1)

    def categorical(self, n_num: int) -> list[int]:
        """Columns of the matrix that hold codes."""
        n_few = 0 if self.one_hot else sum(n <= self.max_native for n in self.cardinalities)
        return list(range(n_num, n_num + n_few))

    def state_dict(self) -> State:
        """The statistics."""
        return {f"inputs.{i}": table for i, table in enumerate(self.tables)}

    @classmethod
    def restore(
        cls, state: State, cardinalities: tuple[int, ...], *, one_hot: bool = False, max_native: int = MAX_NATIVE
    ) -> "TreeInputs":
        """The inputs whose `state_dict` this is."""
        n_many = sum(n > max_native for n in cardinalities)
        return cls(cardinalities, one_hot, max_native, [state[f"inputs.{i}"] for i in range(n_many)])


def _targets(y: np.ndarray, goal: Goal) -> np.ndarray:
    """What is averaged over the rows of a level: float64 (n, n_targets)."""
    if goal.loss != "multiclass":
        return y.astype(np.float64)[:, None]
    if goal.n_classes > _MOST_CLASSES:
        return np.empty((len(y), 0))
    return np.asarray(np.eye(goal.n_classes)[y])


def _table(codes: np.ndarray, targets: np.ndarray, n_levels: int) -> np.ndarray:
    """Means of the targets, and the share of the rows, of each level."""
    counts = np.bincount(codes, minlength=n_levels).astype(np.float64)
    columns = []
    for column in targets.T:
        total = np.bincount(codes, weights=column, minlength=n_levels)
        columns.append((total + _PRIOR_ROWS * column.mean()) / (counts + _PRIOR_ROWS))
    return np.stack([*columns, counts / len(codes)], axis=1).astype(np.float32)
