"""A model that learns a fold as a whole: the nearest mean of a class."""

from typing import ClassVar

import numpy as np

from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.models import Goal, ModelSpec, Round, State, Watch
from aicomp.models.estimator import Numbers


class Centroids:
    """Classes by the distance to their means; categories are not looked at.

    Args:
        spec: What the data is like.
        sharpness: How fast a probability falls with the squared distance.
    """

    numbers: ClassVar[Numbers] = "normal"  # standardized, none missing

    def __init__(self, spec: ModelSpec, *, sharpness: float = 1.0) -> None:
        self.sharpness = sharpness
        self.means = np.zeros((0, spec.n_num))

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """Take the mean of each class: one round, which `watch` is told of."""
        if goal.loss not in ("binary", "multiclass"):
            raise UsageError("the model `centroids` learns classes alone", "take another of `aicomp list models`")
        n_classes = 2 if goal.loss == "binary" else goal.n_classes
        self.means = np.stack([train.x_num[y == k].mean(axis=0, dtype=np.float64) for k in range(n_classes)])
        predicted = self.predict(valid)
        watch(Round(1, 1, predicted, _cross_entropy(y, self.predict(train)), _cross_entropy(valid_y, predicted)))
        return 1

    def predict(self, rows: Rows) -> np.ndarray:
        """Probabilities, (n, n_classes); of class 1, (n,), where there are two."""
        distances = ((rows.x_num[:, None, :].astype(np.float64) - self.means) ** 2).mean(axis=2)
        weights = np.exp(-self.sharpness * (distances - distances.min(axis=1, keepdims=True)))
        shares = weights / weights.sum(axis=1, keepdims=True)
        return shares[:, 1] if len(self.means) == 2 else shares

    def state_dict(self) -> State:
        """The means."""
        return {"means": self.means}

    def load_state_dict(self, state: State) -> None:
        """Take the means of another instance."""
        self.means = state["means"]


def _cross_entropy(y: np.ndarray, predicted: np.ndarray) -> float:
    shares = np.stack([1 - predicted, predicted], axis=1) if predicted.ndim == 1 else predicted
    return float(-np.log(np.maximum(shares[np.arange(len(y)), y.astype(np.int64)], 1e-15)).mean())
