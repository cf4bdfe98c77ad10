"""Errors of values whose rows have weights."""

import numpy as np

from aicomp.metrics.checks import check_labels, check_values, check_weights
from aicomp.metrics.regression import logarithms


def wmae(y_true: np.ndarray, y_pred: np.ndarray, *, weight: np.ndarray) -> float:
    """Weighted mean of |prediction - target|, in the target's unit; lower is better, 0 is perfect.

    sum(weight * |error|) / sum(weight): the measure of Kaggle's Walmart Store Sales (2014), where weeks with a holiday
    weigh 5 and others 1.

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).
        weight: Of each row, 0 or more, (n,).

    Raises:
        ValueError: The shapes differ, or a value or weight is wrong.

    >>> wmae(np.array([1.0, 1.0]), np.array([2.0, 4.0]), weight=np.array([5.0, 1.0]))  # (5 * 1 + 1 * 3) / 6
    1.333...
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    return float(np.average(abs(pred - true), weights=check_weights(weight, len(true))))


def weighted_rmse(y_true: np.ndarray, y_pred: np.ndarray, *, weight: np.ndarray) -> float:
    """Root of the weighted mean squared error, in the target's unit; lower is better, 0 is perfect.

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).
        weight: Of each row, 0 or more, (n,).

    Raises:
        ValueError: As `wmae`.

    >>> weighted_rmse(np.array([0.0, 0.0]), np.array([2.0, 9.0]), weight=np.array([3.0, 0.0]))
    2.0
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    return float(np.sqrt(np.average((pred - true) ** 2, weights=check_weights(weight, len(true)))))


def nwrmsle(y_true: np.ndarray, y_pred: np.ndarray, *, weight: np.ndarray) -> float:
    """Root of the weighted mean squared logarithmic error; lower is better, 0 is perfect.

    sqrt(sum(weight * (log1p(prediction) - log1p(target))^2) / sum(weight)): the measure of Kaggle's Favorita Grocery
    Sales (2017), where perishable items weigh 1.25 and others 1.

    Args:
        y_true: Targets, (n,), >= 0.
        y_pred: Predictions, (n,), >= 0.
        weight: Of each row, 0 or more, (n,).

    Raises:
        ValueError: As `wmae`, or a value is negative.

    >>> nwrmsle(np.array([0.0, 3.0]), np.array([9.0, 7.0]), weight=np.array([0.0, 1.0]))  # log(8 / 4)
    0.693...
    """
    true, pred = logarithms(y_true, y_pred, ndim=1)
    return float(np.sqrt(np.average((pred - true) ** 2, weights=check_weights(weight, len(true)))))


def weighted_zero_mean_r2(y_true: np.ndarray, y_pred: np.ndarray, *, weight: np.ndarray) -> float:
    """1 - weighted squared errors / weighted squared targets; higher is better, 1 is perfect, 0 is predicting 0.

    The measure of Kaggle's Jane Street Real-Time Market Data Forecasting (2024).

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).
        weight: Of each row, 0 or more, (n,).

    Raises:
        ValueError: As `wmae`, or the target is 0 in all rows that have weight.

    >>> weighted_zero_mean_r2(np.array([1.0, 2.0]), np.array([1.0, 1.0]), weight=np.array([4.0, 1.0]))  # 1 - 1 / 8
    0.875
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    weights = check_weights(weight, len(true))
    size = float(weights @ true**2)
    if size == 0:
        raise ValueError("`y_true` is 0 in all rows that have weight, and the errors are divided by its squares")
    return float(1 - weights @ (pred - true) ** 2 / size)


def weighted_accuracy(y_true: np.ndarray, y_pred: np.ndarray, *, weight: np.ndarray) -> float:
    """Share of the weight on rows with the right class; higher is better, 1 is perfect.

    Args:
        y_true: Class codes, (n,).
        y_pred: Class codes, (n,).
        weight: Of each row, 0 or more, (n,).

    Raises:
        ValueError: The shapes differ, a value is no class code, or a weight is wrong.

    >>> weighted_accuracy(np.array([0, 1]), np.array([0, 0]), weight=np.array([3.0, 1.0]))  # 3 of 4
    0.75
    """
    true, pred = check_labels(y_true, y_pred)
    if true.ndim != 1:
        raise ValueError(f"`y_true` has shape {true.shape}, but the metric is for one column")
    return float(np.average(true == pred, weights=check_weights(weight, len(true))))
