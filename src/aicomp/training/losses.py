"""Losses, and how targets and outputs go to the network's unit and back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from aicomp.errors import DataError
from aicomp.task import Task
from aicomp.training.recipe import Settings


class Objective(Protocol):
    """A loss with its targets and predictions; outputs of a network are (n, k, n_outputs) for k members."""

    def encode(self, y: np.ndarray) -> Tensor:
        """Targets as the loss wants them, from arrays as in docs/architecture.md."""

    def loss(self, outputs: Tensor, targets: Tensor, *, smooth: bool = False) -> Tensor:
        """Mean loss over rows and members; `smooth` applies label smoothing, which is for training alone."""

    def predict(self, outputs: Tensor) -> Tensor:
        """Mean of the members' probabilities, or values in the target's unit: float64, on the CPU."""


def make_objective(task: Task, settings: Settings, y: np.ndarray) -> Objective:
    """The loss of a task, fitted on a fold's training targets.

    Raises:
        DataError: A target that the loss cannot take.
    """
    if task.problem_type == "multiclass":
        return CrossEntropy(settings.label_smoothing)
    if task.is_classification:
        return BinaryCrossEntropy(settings.label_smoothing, is_flat=task.problem_type == "binary")
    transform = TargetTransform.fit(y, log=settings.log_target)
    return Regression(settings.loss, transform, is_flat=task.problem_type == "regression")


@dataclass(frozen=True)
class CrossEntropy:
    """Cross-entropy of exclusive classes.

    Attributes:
        label_smoothing: Share of each label that is spread over all classes.
    """

    label_smoothing: float = 0.0

    def encode(self, y: np.ndarray) -> Tensor:
        """Class codes, int64 (n,)."""
        return torch.from_numpy(y.astype(np.int64))

    def loss(self, outputs: Tensor, targets: Tensor, *, smooth: bool = False) -> Tensor:
        """Mean over rows and members of -log(probability of the label)."""
        smoothing = self.label_smoothing if smooth else 0.0
        members = outputs.shape[1]
        return F.cross_entropy(outputs.flatten(0, 1), targets.repeat_interleave(members), label_smoothing=smoothing)

    def predict(self, outputs: Tensor) -> Tensor:
        """Probabilities, (n, n_classes); rows sum to 1."""
        return outputs.double().softmax(dim=2).mean(dim=1)


@dataclass(frozen=True)
class BinaryCrossEntropy:
    """Cross-entropy of one or several yes-or-no labels.

    Attributes:
        label_smoothing: Share of each label that is spread over yes and no: with 0.1, 1 becomes 0.95.
        is_flat: Whether there is one label, and arrays are (n,) instead of (n, n_labels).
    """

    label_smoothing: float = 0.0
    is_flat: bool = True

    def encode(self, y: np.ndarray) -> Tensor:
        """Labels 0 or 1, float32 (n, n_labels)."""
        return torch.from_numpy(y.astype(np.float32).reshape(len(y), -1))

    def loss(self, outputs: Tensor, targets: Tensor, *, smooth: bool = False) -> Tensor:
        """Mean over rows, members and labels of -log(probability of the label)."""
        if smooth and self.label_smoothing:
            targets = targets * (1 - self.label_smoothing) + self.label_smoothing / 2
        return F.binary_cross_entropy_with_logits(outputs, targets.unsqueeze(1).expand_as(outputs))

    def predict(self, outputs: Tensor) -> Tensor:
        """Probabilities of 1, (n,) or (n, n_labels)."""
        p = outputs.double().sigmoid().mean(dim=1)
        return p.squeeze(1) if self.is_flat else p


@dataclass(frozen=True)
class TargetTransform:
    """Between a regression target's unit and one that a network learns well: mean 0, standard deviation 1.

    Attributes:
        log: Whether log(1 + y) is standardized instead of y.
        mean: Of each target, (n_targets,).
        std: Of each target, (n_targets,).
        low: Least value that is predicted, in the target's unit.
        high: Greatest one.
    """

    log: bool
    mean: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def fit(cls, y: np.ndarray, *, log: bool) -> "TargetTransform":
        """Learn the transform from training targets, (n,) or (n, n_targets).

        Raises:
            DataError: `log` with a negative target.
        """
        y = y.reshape(len(y), -1)
        _check_log(y, log)
        z = np.log1p(y) if log else y
        std = z.std(axis=0)
        low, high = _limits(y)
        return cls(log, z.mean(axis=0), np.where(std > 0, std, 1.0), low, high)

    def transform(self, y: np.ndarray) -> np.ndarray:
        """Targets to the network's unit: float32 (n, n_targets)."""
        y = y.reshape(len(y), -1)
        _check_log(y, self.log)
        z: np.ndarray = ((np.log1p(y) if self.log else y) - self.mean) / self.std
        return z.astype(np.float32)

    def inverse(self, z: Tensor) -> Tensor:
        """Outputs on the CPU to the target's unit, clipped to [low, high]: (..., n_targets) float64."""
        mean, std, low, high = map(torch.from_numpy, (self.mean, self.std, self.low, self.high))
        y = z * std + mean
        # Clipping before expm1 as well: a wild output must not overflow to infinity.
        y = torch.expm1(torch.minimum(y, torch.log1p(high))) if self.log else y
        return torch.maximum(torch.minimum(y, high), low)


def _limits(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Range of predictions: that of the training targets and 5 % of it beyond each end.

    An end that many rows share is a limit of the target's unit, such as counts from 0 or prices capped at
    500,000, and is not passed.
    """
    low, high = y.min(axis=0), y.max(axis=0)
    margin = 0.05 * (high - low)
    shared = max(5, len(y) // 1000)
    low_margin = np.where((y == low).sum(axis=0) >= shared, 0.0, margin)
    high_margin = np.where((y == high).sum(axis=0) >= shared, 0.0, margin)
    return np.where(low >= 0, np.maximum(low - low_margin, 0), low - low_margin), high + high_margin


def _check_log(y: np.ndarray, log: bool) -> None:
    if log and y.min() < 0:
        row, column = np.unravel_index(int(y.argmin()), y.shape)
        raise DataError(
            f"a logarithmic loss takes targets from 0 up, but the fold's row {row} has {y[row, column]:g}",
            'write `--set training.loss="mse"`',
        )


_DISTANCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "huber": F.huber_loss,
}


@dataclass(frozen=True)
class Regression:
    """Distance of standardized values.

    Attributes:
        kind: "mse", "mae" or "huber" (quadratic up to one standard deviation, linear beyond).
        transform: From the target's unit to the network's and back.
        is_flat: Whether there is one target, and arrays are (n,) instead of (n, n_targets).
    """

    kind: str
    transform: TargetTransform
    is_flat: bool = True

    def encode(self, y: np.ndarray) -> Tensor:
        """Standardized targets, float32 (n, n_targets)."""
        return torch.from_numpy(self.transform.transform(y))

    def loss(self, outputs: Tensor, targets: Tensor, *, smooth: bool = False) -> Tensor:
        """Mean distance over rows, members and targets; there are no labels to smooth."""
        return _DISTANCES[self.kind](outputs, targets.unsqueeze(1).expand_as(outputs))

    def predict(self, outputs: Tensor) -> Tensor:
        """Values in the target's unit, (n,) or (n, n_targets)."""
        values = self.transform.inverse(outputs.double().mean(dim=1))
        return values.squeeze(1) if self.is_flat else values
