"""What each row costs a run: as near to the competition's metric as one row alone can tell."""

import numpy as np

from aicomp.explain.choice import row_losses as losses_of_boxes
from aicomp.metrics.consensus import chrf_similarity
from aicomp.task import Task

_EPSILON = 1e-15
_SQUARED = frozenset({"rmse", "mse", "r2", "mcrmse", "brier"})
_LOGARITHMIC = frozenset({"rmsle", "msle", "mcrmsle"})
_RELATIVE = frozenset({"mape", "rmspe", "smape"})


def row_losses(task: Task, y: np.ndarray, oof: np.ndarray, final: np.ndarray) -> tuple[str, np.ndarray]:
    """Loss of each row; lower is better.

    Args:
        task: What is learned.
        y: Targets, see docs/architecture.md for shapes.
        oof: Predictions of these rows.
        final: What the metric takes of them.

    Returns:
        What it is called, and float64 (n,); of several targets or labels the mean.
    """
    name = task.metric.base_name
    if name.startswith("map50"):
        return "1 - mean average precision of the image", losses_of_boxes(y, final, task)
    if task.is_string:
        values = [1 - chrf_similarity(str(truth), str(text)) for truth, text in zip(y, final, strict=True)]
        return "1 - chrF of the row", np.array(values)
    if task.metric.needs == "label" and task.is_classification:
        return "wrong label (0 or 1)", _mean(np.asarray(final != y, dtype=np.float64))
    if name in _SQUARED:
        return "squared error", _mean((final - y) ** 2)
    if task.is_classification:
        return "minus log of the probability of the truth", log_losses(task, y, final)
    if name in _LOGARITHMIC:
        return "squared error of log(1 + value)", _mean((np.log1p(np.maximum(final, 0)) - np.log1p(y)) ** 2)
    if name in _RELATIVE:
        return "relative error", _mean(np.abs(final - y) / np.maximum(np.abs(y), _EPSILON))
    if name == "pinball":
        level = 0.5 if task.metric.level is None else task.metric.level
        return "pinball loss", _mean(np.maximum(level * (y - final), (level - 1) * (y - final)))
    return "absolute error", _mean(np.abs(final - y))


def log_losses(task: Task, y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Minus the logarithm of the probability of each row's truth, (n,); of several labels the mean.

    >>> from aicomp.metrics import METRICS
    >>> task = Task("binary", ("0", "1"), 1, METRICS["roc_auc"])
    >>> log_losses(task, np.array([1, 0]), np.array([0.5, 0.5])).round(4).tolist()
    [0.6931, 0.6931]
    """
    if task.problem_type == "multiclass":
        truth = probabilities[np.arange(len(y)), y.astype(np.int64)]
    else:
        truth = np.where(y == 1, probabilities, 1 - probabilities)
    return _mean(-np.log(np.clip(truth, _EPSILON, 1)))


def _mean(values: np.ndarray) -> np.ndarray:
    return np.asarray(values.reshape(len(values), -1).mean(axis=1), dtype=np.float64)
