"""Targets as columns whose mean over the rows of a category says something about it."""

from dataclasses import dataclass

import numpy as np

from aicomp.task import Task

MOST_COLUMNS = 10
"""Most classes, labels or targets that get a mean each; with more of them there are none."""


@dataclass(frozen=True)
class TargetColumns:
    """What is averaged.

    Attributes:
        values: Labels 0 and 1, values with mean 0 and deviation 1, or a column 0 and 1 per class; float64
            (n, n_columns).
        are_shares: Whether their means are shares, between 0 and 1.
        names: Of the columns, empty for a single one.
    """

    values: np.ndarray
    are_shares: bool
    names: list[str]

    @classmethod
    def of(cls, y: np.ndarray, task: Task) -> "TargetColumns":
        """Columns of a task's targets.

        Args:
            y: Targets, shapes as in docs/architecture.md; values in a unit in which their mean says most.
            task: What is learned.
        """
        if task.is_string:
            values = np.empty((len(y), 0))
        elif task.problem_type == "multiclass":
            values = np.eye(len(task.labels))[y] if len(task.labels) <= MOST_COLUMNS else np.empty((len(y), 0))
        else:
            values = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        if values.shape[1] > MOST_COLUMNS:
            values = values[:, :0]
        names = [str(j + 1) for j in range(values.shape[1])]
        if task.problem_type in ("multiclass", "multilabel") and task.labels:
            names = [str(label) for label in task.labels][: values.shape[1]]
        if not task.is_classification:
            values = _standardized(values)
        return cls(values, task.is_classification, names if len(names) > 1 else [""] * len(names))


def _standardized(values: np.ndarray) -> np.ndarray:
    deviation = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(deviation > 0, deviation, 1))
