"""Which validated rows are worth a look: those that a model gets most wrong, and those that it gets right."""

from dataclasses import dataclass

import numpy as np

from aicomp.boxes import parse_boxes
from aicomp.metrics.detection import map50
from aicomp.task import Task

_EPSILON = 1e-15


@dataclass(frozen=True)
class Choice:
    """A validated row.

    Attributes:
        row: Its number in train, from 0.
        fold: The fold that validated it.
        prediction: What that fold's model predicted: probabilities or values, a number or (n_columns,).
        loss: Of the prediction: minus the logarithm of the true label's probability, or the absolute error.
        is_worst: Whether it was chosen for its loss.
    """

    row: int
    fold: int
    prediction: np.ndarray
    loss: float
    is_worst: bool


def row_losses(y: np.ndarray, predictions: np.ndarray, task: Task) -> np.ndarray:
    """Loss of each row, whatever the metric: minus the log-likelihood of its label, or its absolute error.

    Of an image with boxes, one less the mean average precision of this image alone; of one without, how sure the surest
    box is that is seen there.

    Args:
        y: Targets, see docs/architecture.md for shapes.
        predictions: Of these rows.
        task: What is learned.

    Returns:
        float64 (n,); of several labels or targets the mean.
    """
    if task.is_string:
        return np.array([_loss_of_boxes(truth, text) for truth, text in zip(y, predictions, strict=True)])
    if task.problem_type == "multiclass":
        return np.asarray(-np.log(np.clip(predictions[np.arange(len(y)), y], _EPSILON, 1)))
    if task.is_classification:
        losses = -np.log(np.clip(np.where(y == 1, predictions, 1 - predictions), _EPSILON, 1))
    else:
        losses = np.abs(y - predictions)
    return np.asarray(losses.reshape(len(y), -1).mean(axis=1))


def _loss_of_boxes(truth: str, predicted: str) -> float:
    if not truth:
        return float(parse_boxes(predicted).scores.max(initial=0.0))
    return 1 - map50(np.array([truth], dtype=object), np.array([predicted], dtype=object))


def choose_rows(y: np.ndarray, folds: list[dict[str, np.ndarray]], task: Task, n: int) -> list[Choice]:
    """The rows with the largest losses, then others that show how the model works where it works.

    Those others are spread over the ranks of the loss in the better half, so that they are not all alike.

    Args:
        y: Targets of train.
        folds: Arrays of each fold, see `Run.predictions`.
        task: What is learned.
        n: Rows in all.
    """
    found = []
    for k, fold in enumerate(folds):
        rows = fold["valid_rows"]
        losses = row_losses(y[rows], fold["valid"], task)
        found += [(float(losses[i]), int(rows[i]), k, fold["valid"][i]) for i in range(len(rows))]
    found.sort(key=lambda entry: (-entry[0], entry[1], entry[2]))
    n_worst = min((n + 1) // 2, len(found))
    rest = found[max(n_worst, len(found) // 2) :]
    n_others = min(n - n_worst, len(rest))
    others = [rest[(2 * i + 1) * len(rest) // (2 * n_others)] for i in range(n_others)]
    chosen = [(entry, True) for entry in found[:n_worst]] + [(entry, False) for entry in others]
    return [Choice(row, k, np.asarray(p), loss, is_worst) for (loss, row, k, p), is_worst in chosen]
