"""The learning problem behind a competition: targets as arrays, predictions as what a metric or a submission wants."""

from dataclasses import dataclass

import numpy as np

from aicomp.errors import DataError
from aicomp.metrics.base import Metric, ProblemType


@dataclass(frozen=True)
class Task:
    """What is learned and how it is scored.

    Attributes:
        problem_type: See `Competition.problem_type`.
        labels: Class labels in the order of the class codes; empty for values.
        n_targets: Number of target columns.
        metric: The competition's metric.
    """

    problem_type: ProblemType
    labels: tuple[str, ...]
    n_targets: int
    metric: Metric

    @property
    def n_outputs(self) -> int:
        """Outputs of a network: classes for multiclass, one logit for binary, else the number of targets."""
        return len(self.labels) if self.problem_type == "multiclass" else self.n_targets

    @property
    def is_classification(self) -> bool:
        """Whether predictions are probabilities."""
        return self.problem_type in ("binary", "multiclass", "multilabel")

    def decide(self, y_pred: np.ndarray) -> np.ndarray:
        """Class codes (or 0/1 per label) from probabilities: the likeliest class, 0.5 as threshold.

        Args:
            y_pred: Probabilities, (n,), (n, n_classes) or (n, n_labels).

        Returns:
            int64 codes, (n,) or (n, n_labels).
        """
        if self.problem_type == "multiclass":
            return np.asarray(y_pred.argmax(axis=1), dtype=np.int64)
        return np.asarray(y_pred >= 0.5, dtype=np.int64)

    def score(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        """Score predictions with the competition's metric, in its own unit.

        Args:
            y_true: Targets as arrays, see the module `aicomp.task` and docs/architecture.md for shapes.
            y_pred: Probabilities, or values in the target's unit.

        Raises:
            DataError: The metric is not defined for these rows, such as an area under the ROC of one class.
        """
        decided = self.decide(y_pred) if self.metric.needs == "label" else y_pred
        try:
            return self.metric(y_true.astype(np.int64) if self.metric.needs == "label" else y_true, decided)
        except ValueError as e:
            raise DataError(
                f"metric `{self.metric.name}` cannot score {len(y_true)} rows: {e}",
                "if a fold lacks a class, take fewer with `--set split.n_splits=3`; else correct metric or rows",
            ) from e
