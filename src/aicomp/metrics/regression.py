"""Metrics of predicted values, in the target's unit."""

import numpy as np

from aicomp.metrics.checks import check_values, require, shown
from aicomp.metrics.ranks import average_ranks


def mse(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean of (prediction - target)^2, in the target's unit squared; lower is better, 0 is perfect.

    Args:
        y_true: Targets, (n,), or (n, n_targets) for the mean over all of them.
        y_pred: Predictions, same shape.

    Raises:
        ValueError: The shapes differ, or a value is NaN or infinite.

    >>> mse(np.array([1.0, 2.0]), np.array([1.0, 6.0]))  # 4^2 / 2
    8.0
    """
    true, pred = check_values(y_true, y_pred)
    return float(np.mean((pred - true) ** 2))


def rmse(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Root of the mean squared error, in the target's unit; lower is better, 0 is perfect.

    With several targets the mean goes over all numbers, before the root; `mcrmse` takes the root of each target.

    Args:
        y_true: Targets, (n,) or (n, n_targets).
        y_pred: Predictions, same shape.

    Raises:
        ValueError: The shapes differ, or a value is NaN or infinite.

    >>> rmse(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 8.0]))  # sqrt(4^2 / 4)
    2.0
    """
    return float(np.sqrt(mse(y_true, y_pred)))


def mcrmse(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over targets (columns) of the root mean squared error; lower is better, 0 is perfect.

    Args:
        y_true: Targets, (n, n_targets).
        y_pred: Predictions, same shape.

    Raises:
        ValueError: The shapes differ, there is one column only, or a value is NaN or infinite.

    >>> mcrmse(np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([[3.0, 1.0], [3.0, 1.0]]))  # (3 + 1) / 2
    2.0
    """
    true, pred = check_values(y_true, y_pred, ndim=2)
    return float(np.mean(np.sqrt(np.mean((pred - true) ** 2, axis=0))))


def mae(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean of |prediction - target|, in the target's unit; lower is better, 0 is perfect.

    Args:
        y_true: Targets, (n,), or (n, n_targets) for the mean over all of them.
        y_pred: Predictions, same shape.

    Raises:
        ValueError: The shapes differ, or a value is NaN or infinite.

    >>> mae(np.array([1.0, 2.0]), np.array([2.0, 5.0]))  # (1 + 3) / 2
    2.0
    """
    true, pred = check_values(y_true, y_pred)
    return float(np.mean(abs(pred - true)))


def medae(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Median of |prediction - target|, in the target's unit; lower is better, 0 is perfect.

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).

    Raises:
        ValueError: The shapes differ, or a value is NaN or infinite.

    >>> medae(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 9.0]))  # of 0, 1 and 6
    1.0
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    return float(np.median(abs(pred - true)))


def pinball(y_true: np.ndarray, y_pred: np.ndarray, level: float = 0.5) -> float:
    """Mean pinball loss of a quantile, in the target's unit; lower is better, 0 is perfect.

    mean(max(level * (target - prediction), (level - 1) * (target - prediction))): least where the share `level` of the
    targets lies below their predictions (Koenker & Bassett, "Regression quantiles", 1978). Half of the MAE at 0.5.

    Args:
        y_true: Targets, (n,), or (n, n_targets) for the mean over all of them.
        y_pred: Predictions, same shape.
        level: Which quantile, between 0 and 1.

    Raises:
        ValueError: The shapes differ, or a value is NaN or infinite.

    >>> pinball(np.array([1.0, 2.0]), np.array([3.0, 2.0]), level=0.75)  # 0.25 * 2 / 2
    0.25
    """
    true, pred = check_values(y_true, y_pred)
    return float(np.mean(np.maximum(level * (true - pred), (level - 1) * (true - pred))))


def msle(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean of (log1p(prediction) - log1p(target))^2; lower is better, 0 is perfect.

    Args:
        y_true: Targets in their original unit, (n,), >= 0.
        y_pred: Predictions in the same unit, (n,), >= 0.

    Raises:
        ValueError: The shapes differ, or a value is NaN, infinite or negative.

    >>> msle(np.array([1.0, 3.0]), np.array([1.0, 7.0]))  # log(8 / 4)^2 / 2
    0.240...
    """
    true, pred = logarithms(y_true, y_pred, ndim=1)
    return float(np.mean((pred - true) ** 2))


def rmsle(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Root of the mean squared logarithmic error; lower is better, 0 is perfect.

    sqrt(mean((log1p(prediction) - log1p(target))^2)); 0.10 is roughly "off by 10 %".

    Args:
        y_true: Targets in their original unit, (n,), >= 0.
        y_pred: Predictions in the same unit, (n,), >= 0.

    Raises:
        ValueError: The shapes differ, or a value is NaN, infinite or negative.

    >>> rmsle(np.array([1.0, 3.0]), np.array([1.0, 7.0]))  # sqrt(log(8 / 4)^2 / 2)
    0.490...
    """
    return float(np.sqrt(msle(y_true, y_pred)))


def mcrmsle(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over targets (columns) of the root mean squared logarithmic error; lower is better, 0 is perfect.

    Args:
        y_true: Targets in their original unit, (n, n_targets), >= 0.
        y_pred: Predictions in the same unit, same shape, >= 0.

    Raises:
        ValueError: The shapes differ, there is one column only, or a value is NaN, infinite or negative.

    >>> mcrmsle(np.array([[0.0, 3.0]]), np.array([[0.0, 7.0]]))  # (0 + log(8 / 4)) / 2
    0.346...
    """
    true, pred = logarithms(y_true, y_pred, ndim=2)
    return float(np.mean(np.sqrt(np.mean((pred - true) ** 2, axis=0))))


def mape(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean of |prediction - target| / |target|, as a fraction; lower is better, 0.1 is "off by 10 %".

    Args:
        y_true: Targets, (n,), none of them 0.
        y_pred: Predictions, (n,).

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or a target is 0.

    >>> mape(np.array([10.0, -4.0]), np.array([15.0, -4.0]))  # (5/10 + 0) / 2
    0.25
    """
    return float(np.mean(abs(_relative_errors(y_true, y_pred))))


def rmspe(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Root of the mean squared relative error, as a fraction; lower is better, 0.1 is "off by 10 %".

    sqrt(mean(((prediction - target) / target)^2)).

    Args:
        y_true: Targets, (n,), none of them 0.
        y_pred: Predictions, (n,).

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or a target is 0.

    >>> rmspe(np.array([10.0, 4.0, 1.0, 1.0]), np.array([20.0, 4.0, 1.0, 1.0]))  # sqrt(1^2 / 4)
    0.5
    """
    return float(np.sqrt(np.mean(_relative_errors(y_true, y_pred) ** 2)))


def smape(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Symmetric mean absolute percentage error, from 0 to 200 as on Kaggle; lower is better, 0 is perfect.

    100 * mean(|prediction - target| / ((|prediction| + |target|) / 2)); a row where both are 0 counts 0.

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).

    Raises:
        ValueError: The shapes differ, or a value is NaN or infinite.

    >>> smape(np.array([1.0, 0.0]), np.array([3.0, 0.0]))  # 100 * (2 / 2 + 0) / 2
    50.0
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    size = (abs(true) + abs(pred)) / 2
    return float(100 * np.mean(np.divide(abs(pred - true), size, out=np.zeros(len(size)), where=size > 0)))


def wape(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Weighted absolute percentage error, as a fraction; lower is better, 0.1 is "off by 10 %" in all.

    sum(|prediction - target|) / sum(|target|): large targets count more, and single zeros do no harm.

    Args:
        y_true: Targets, (n,), not all of them 0.
        y_pred: Predictions, (n,).

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or all targets are 0.

    >>> wape(np.array([10.0, 0.0]), np.array([8.0, 1.0]))  # (2 + 1) / 10
    0.3
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    size = float(np.sum(abs(true)))
    if size == 0:
        raise ValueError(f"`y_true` is 0 in all {len(true)} rows, and the errors are divided by their sum")
    return float(np.sum(abs(pred - true)) / size)


def r2(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Coefficient of determination; higher is better, 1 is perfect, 0 is predicting the mean.

    1 - sum((prediction - target)^2) / sum((target - mean)^2); with several targets, the mean of theirs.

    Args:
        y_true: Targets, (n,) or (n, n_targets).
        y_pred: Predictions, same shape.

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or a target is the same in every row.

    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))  # 1 - 1 / 2
    0.5
    """
    true, pred = check_values(y_true, y_pred)
    check_varies(true)
    residual = np.sum((pred - true) ** 2, axis=0)
    return float(np.mean(1 - residual / np.sum((true - true.mean(axis=0)) ** 2, axis=0)))


def pearson(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Pearson's linear correlation; higher is better, from -1 to 1. Equal predictions in all rows score 0.

    cov(target, prediction) / (std(target) * std(prediction)).

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or the target is the same in every row.

    >>> pearson(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))  # 1 / (sqrt(2) * sqrt(2))
    0.5...
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    check_varies(true)
    return correlation(true, pred)


def spearman(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Spearman's rank correlation: Pearson's of the ranks, ties sharing theirs; higher is better, from -1 to 1.

    Equal predictions in all rows score 0.

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or the target is the same in every row.

    >>> spearman(np.array([1.0, 2.0, 30.0]), np.array([-5.0, 9.0, 8.0]))  # ranks 1 2 3 and 1 3 2
    0.5...
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    check_varies(true)
    return correlation(average_ranks(true), average_ranks(pred))


def logarithms(y_true: np.ndarray, y_pred: np.ndarray, ndim: int) -> tuple[np.ndarray, np.ndarray]:
    """log1p of both arrays.

    Raises:
        ValueError: As `check_values`, or a value is negative.
    """
    true, pred = check_values(y_true, y_pred, ndim=ndim)
    for name, values in (("y_true", true), ("y_pred", pred)):
        require(name, values, values >= 0, "the logarithmic error takes values >= 0")
    return np.log1p(true), np.log1p(pred)


def _relative_errors(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    true, pred = check_values(y_true, y_pred, ndim=1)
    require("y_true", true, true != 0, "a relative error is divided by it")
    errors: np.ndarray = (pred - true) / true
    return errors


def check_varies(y_true: np.ndarray) -> None:
    """Refuse a target (or one of several columns) that is the same in every row.

    Raises:
        ValueError: Naming it.
    """
    constant = np.flatnonzero(np.atleast_1d((y_true == y_true[0]).all(axis=0)))
    if len(constant):
        column = f"column {constant[0]} of " if y_true.ndim == 2 else ""
        value = y_true[0, constant[0]] if y_true.ndim == 2 else y_true[0]
        raise ValueError(f"{column}`y_true` is {shown(value)} in all {len(y_true)} rows, but it has to vary")


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation of (n,) that varies and (n,), 0 if the latter does not."""
    if (b == b[0]).all():
        return 0.0  # no order among the predictions; a network may start so
    a, b = a - a.mean(), b - b.mean()
    # The factor cancels; without it, the squares of very great or small numbers leave the range of floats.
    a, b = a / abs(a).max(), b / abs(b).max()
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))
