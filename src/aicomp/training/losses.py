"""Losses, and how targets and outputs go to the network's unit and back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from aicomp.task import Task
from aicomp.training.recipe import Settings
from aicomp.training.targets import TargetTransform


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
    transform = TargetTransform.fit(y, settings.target)
    return Regression(settings.loss, transform, is_flat=task.problem_type == "regression", level=settings.quantile)


@dataclass(frozen=True)
class CrossEntropy:
    """Cross-entropy of exclusive classes.

    Attributes:
        label_smoothing: Share of each label that is spread over all classes.
    """

    label_smoothing: float = 0.0

    def encode(self, y: np.ndarray) -> Tensor:
        """Class codes, int64 (n,), or as they are probabilities of pseudo-labels, float32 (n, n_classes)."""
        return torch.from_numpy(y.astype(np.int64 if y.ndim == 1 else np.float32))

    def loss(self, outputs: Tensor, targets: Tensor, *, smooth: bool = False) -> Tensor:
        """Mean over rows and members of -log(probability of the label)."""
        smoothing = self.label_smoothing if smooth else 0.0
        members = outputs.shape[1]
        repeated = targets.repeat_interleave(members, dim=0)
        return F.cross_entropy(outputs.flatten(0, 1), repeated, label_smoothing=smoothing)

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


_DISTANCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "huber": F.huber_loss,
}


def quantile_loss(outputs: Tensor, targets: Tensor, level: float) -> Tensor:
    """Mean pinball loss, least where the share `level` of the targets lies below (Koenker & Bassett, 1978).

    >>> float(quantile_loss(torch.tensor([0.0, 0.0]), torch.tensor([1.0, -1.0]), 0.75))  # (0.75 + 0.25) / 2
    0.5
    """
    above = targets - outputs
    return torch.maximum(level * above, (level - 1) * above).mean()


@dataclass(frozen=True)
class Regression:
    """Distance of standardized values.

    Attributes:
        kind: "mse", "mae", "huber" (quadratic up to one standard deviation, linear beyond) or "quantile".
        transform: From the target's unit to the network's and back.
        is_flat: Whether there is one target, and arrays are (n,) instead of (n, n_targets).
        level: Of "quantile", between 0 and 1.
    """

    kind: str
    transform: TargetTransform
    is_flat: bool = True
    level: float = 0.5

    def encode(self, y: np.ndarray) -> Tensor:
        """Standardized targets, float32 (n, n_targets)."""
        return torch.from_numpy(self.transform.transform(y))

    def loss(self, outputs: Tensor, targets: Tensor, *, smooth: bool = False) -> Tensor:
        """Mean distance over rows, members and targets; there are no labels to smooth."""
        targets = targets.unsqueeze(1).expand_as(outputs)
        if self.kind == "quantile":
            return quantile_loss(outputs, targets, self.level)
        return _DISTANCES[self.kind](outputs, targets)

    def predict(self, outputs: Tensor) -> Tensor:
        """Values in the target's unit, (n,) or (n, n_targets)."""
        values = self.transform.inverse(outputs.double().mean(dim=1))
        return values.squeeze(1) if self.is_flat else values
