"""How wrong single predictions are, so that rows can be ranked and compared."""

import numpy as np

from aicomp.competition import Competition
from aicomp.explain.choice import row_losses as losses_of_rows
from aicomp.task import Task

_LOG_METRICS = ("rmsle", "msle")


def has_log_scale(task: Task) -> bool:
    """Whether the metric compares logarithms of values, so that an error of a tenth counts alike everywhere."""
    return task.metric.base_name in _LOG_METRICS


def on_scale(values: np.ndarray, task: Task) -> np.ndarray:
    """Targets or predictions in the unit in which the metric takes their difference."""
    return np.asarray(np.log1p(np.maximum(values, 0.0)) if has_log_scale(task) else values)


def row_losses(y: np.ndarray, y_pred: np.ndarray, task: Task, competition: Competition) -> np.ndarray:
    """Loss of each row, lower is better, float64 (n,).

    Of labels minus the logarithm of the true one's probability, of values the absolute error (of logarithms, where the
    metric takes these), of images with boxes one less their own mean average precision. Of other strings it is the
    metric of each row alone, or one less it where higher is better; a row that it cannot score has NaN.

    Args:
        y: Targets, see docs/architecture.md for shapes.
        y_pred: Predictions of these rows.
        task: What is learned.
        competition: The contract.
    """
    if not task.is_string or competition.boxes is not None:
        return losses_of_rows(on_scale(y, task), on_scale(y_pred, task), task)
    scores = row_scores(y, y_pred, task)
    return 1 - scores if task.metric.greater_is_better else scores


def row_scores(y: np.ndarray, final: np.ndarray, task: Task) -> np.ndarray:
    """The metric of each row alone, NaN where it is not defined for one, float64 (n,)."""
    found = np.full(len(y), np.nan)
    for i in range(len(y)):
        try:
            found[i] = task.metric(y[i : i + 1], final[i : i + 1])
        except ValueError:  # such as a list without a true item: no score says anything of that row
            continue
    return found
