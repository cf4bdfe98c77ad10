"""The learning problem behind a competition: targets as arrays, predictions as what a metric or a submission wants."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from aicomp.errors import DataError
from aicomp.last_step.steps import PLAIN, Step
from aicomp.metrics.base import Combine, Metric, ProblemType
from aicomp.metrics.consensus import chrf_similarity, consensus


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

    @property
    def is_string(self) -> bool:
        """Whether targets and predictions are strings."""
        return self.problem_type == "string"

    def combine(self, predictions: Sequence[np.ndarray], weights: Sequence[float] | None = None) -> np.ndarray:
        """Several predictions of the same rows as one: their mean; of strings, what the metric makes of each row's.

        Args:
            predictions: Of each model, all (n,) or all (n, n_columns).
            weights: Of each model; None weighs all the same.
        """
        if not self.is_string:
            return np.asarray(np.average(predictions, axis=0, weights=weights))
        if len(predictions) == 1:
            return predictions[0]
        shares = [1.0] * len(predictions) if weights is None else list(weights)
        joined = np.empty(len(predictions[0]), dtype=object)
        for i, row in enumerate(zip(*predictions, strict=True)):
            joined[i] = self.combine_row(row, shares)
        return joined

    @property
    def combine_row(self) -> Combine:
        """Of strings: one from at least two predictions of a row and their weights."""
        return self.metric.combine or partial(consensus, similarity=chrf_similarity)

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
        """What the metric takes, made of predictions by a run's last step: codes, probabilities, values or strings."""
        return self.decide(y_pred, step) if self.metric.needs == "label" else step.adjust(y_pred)

    def score(self, y_true: np.ndarray, y_pred: np.ndarray, step: Step = PLAIN) -> float:
        """Score predictions with the competition's metric, in its own unit.

        Args:
            y_true: Targets as arrays, see the module `aicomp.task` and docs/architecture.md for shapes.
            y_pred: Probabilities, values in the target's unit, or strings.
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
