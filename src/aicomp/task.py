"""The learning problem behind a competition: targets as arrays, predictions as what a metric or a submission wants."""

from dataclasses import dataclass

import numpy as np

from aicomp.errors import DataError
from aicomp.last_step.steps import PLAIN, Step
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

    def decide(self, y_pred: np.ndarray, step: Step = PLAIN) -> np.ndarray:
        """Class codes (or 0/1 per label) from probabilities, or whole numbers from values.

        Args:
            y_pred: Probabilities, (n,), (n, n_classes) or (n, n_labels), or values, (n,).
            step: The last step; the plain one takes the likeliest class and 0.5 as threshold, and rounds values.

        Returns:
            int64 codes, (n,) or (n, n_labels).
        """
        if not self.is_classification:
            return step.whole(y_pred)
        return step.decide(y_pred, exclusive=self.problem_type == "multiclass")

    def final(self, y_pred: np.ndarray, step: Step = PLAIN) -> np.ndarray:
        """What the metric takes, made of predictions by a run's last step: codes, probabilities or values."""
        return self.decide(y_pred, step) if self.metric.needs == "label" else step.adjust(y_pred)

    def score(self, y_true: np.ndarray, y_pred: np.ndarray, step: Step = PLAIN) -> float:
        """Score predictions with the competition's metric, in its own unit.

        Args:
            y_true: Targets as arrays, see the module `aicomp.task` and docs/architecture.md for shapes.
            y_pred: Probabilities, or values in the target's unit.
            step: The last step.

        Raises:
            DataError: The metric is not defined for these rows, such as an area under the ROC of one class.
        """
        return self.score_final(y_true, self.final(y_pred, step))

    def score_final(self, y_true: np.ndarray, final: np.ndarray) -> float:
        """Score what `final` gives; see `score`."""
        try:
            return self.metric(y_true.astype(np.int64) if self.metric.needs == "label" else y_true, final)
        except ValueError as e:
            raise DataError(
                f"metric `{self.metric.name}` cannot score {len(y_true)} rows: {e}",
                "if a fold lacks a class, take fewer with `--set split.n_splits=3`; else correct metric or rows",
            ) from e
