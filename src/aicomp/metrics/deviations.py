"""Further errors of predicted values: robust ones, deviances, and shares of variance."""

import numpy as np

from aicomp.metrics.checks import check_values, require
from aicomp.metrics.regression import check_varies


def huber(y_true: np.ndarray, y_pred: np.ndarray, delta: float = 1.0) -> float:
    """Mean of half the squared error up to delta, and of a straight line beyond; lower is better, 0 is perfect.

    e^2 / 2 for |e| <= delta, else delta * (|e| - delta / 2): Huber, "Robust estimation of a location parameter", 1964.

    Args:
        y_true: Targets, (n,), or (n, n_targets) for the mean over all of them.
        y_pred: Predictions, same shape.
        delta: Where the line begins, in the target's unit, above 0.

    Raises:
        ValueError: The shapes differ, or a value is NaN or infinite.

    >>> huber(np.array([0.0, 0.0]), np.array([1.0, 3.0]))  # (1/2 + (3 - 1/2)) / 2
    1.5
    """
    true, pred = check_values(y_true, y_pred)
    size = abs(pred - true)
    return float(np.mean(np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))))


def log_cosh(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean of log(cosh(prediction - target)): near half the square of small errors, near |e| - log(2) of large ones.

    Lower is better, 0 is perfect.

    Args:
        y_true: Targets, (n,), or (n, n_targets) for the mean over all of them.
        y_pred: Predictions, same shape.

    Raises:
        ValueError: The shapes differ, or a value is NaN or infinite.

    >>> log_cosh(np.array([0.0, 0.0]), np.array([0.0, 1000.0]))  # (0 + 1000 - log(2)) / 2
    499.653...
    """
    true, pred = check_values(y_true, y_pred)
    size = abs(pred - true)
    return float(np.mean(size + np.log1p(np.exp(-2 * size)) - np.log(2)))


def max_error(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Largest |prediction - target|, in the target's unit; lower is better, 0 is perfect.

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).

    Raises:
        ValueError: The shapes differ, or a value is NaN or infinite.

    >>> max_error(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 9.0]))
    6.0
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    return float(abs(pred - true).max())


def mdape(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Median of |prediction - target| / |target|, as a fraction; lower is better, 0.1 is "off by 10 %".

    Args:
        y_true: Targets, (n,), none of them 0.
        y_pred: Predictions, (n,).

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or a target is 0.

    >>> mdape(np.array([10.0, 10.0, 10.0]), np.array([10.0, 15.0, 90.0]))  # of 0, 1/2 and 8
    0.5
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    require("y_true", true, true != 0, "a relative error is divided by it")
    return float(np.median(abs((pred - true) / true)))


def explained_variance(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """1 - variance of the errors / variance of the target; higher is better, 1 is perfect.

    As `r2`, but an error that all rows have alike costs nothing. With several targets, the mean of theirs.

    Args:
        y_true: Targets, (n,) or (n, n_targets).
        y_pred: Predictions, same shape.

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or a target is the same in every row.

    >>> explained_variance(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 5.5]))  # 1 - (1/2) / 2: errors 1, 1 and 2.5
    0.25
    """
    true, pred = check_values(y_true, y_pred)
    check_varies(true)
    return float(np.mean(1 - (pred - true).var(axis=0) / true.var(axis=0)))


def ccc(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Lin's concordance correlation coefficient; higher is better, 1 is perfect, 0 is chance.

    2 * cov / (var(target) + var(prediction) + (difference of means)^2), all divided by n: Lin, "A concordance
    correlation coefficient to evaluate reproducibility", Biometrics 1989.

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or the target is the same in every row.

    >>> ccc(np.array([1.0, 3.0]), np.array([2.0, 4.0]))  # 2 * 1 / (1 + 1 + 1)
    0.666...
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    check_varies(true)
    covariance = np.mean((true - true.mean()) * (pred - pred.mean()))
    return float(2 * covariance / (true.var() + pred.var() + (true.mean() - pred.mean()) ** 2))


def poisson_deviance(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean deviance of counts; lower is better, 0 is perfect.

    2 * mean(t * log(t / p) + p - t): Nelder and Wedderburn, "Generalized Linear Models", 1972.

    Args:
        y_true: Targets, (n,), >= 0.
        y_pred: Predictions, (n,), > 0.

    Raises:
        ValueError: The shapes differ, or a value is out of its range.

    >>> poisson_deviance(np.array([0.0, 1.0]), np.array([1.0, 1.0]))  # 2 * (1 + 0) / 2
    1.0
    """
    return tweedie_deviance(y_true, y_pred, power=1.0)


def gamma_deviance(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean deviance of amounts, of relative errors alone; lower is better, 0 is perfect.

    2 * mean(log(p / t) + t / p - 1).

    Args:
        y_true: Targets, (n,), > 0.
        y_pred: Predictions, (n,), > 0.

    Raises:
        ValueError: The shapes differ, or a value is out of its range.

    >>> gamma_deviance(np.array([1.0]), np.array([2.0]))  # 2 * (log(2) + 1/2 - 1)
    0.386...
    """
    return tweedie_deviance(y_true, y_pred, power=2.0)


def tweedie_deviance(y_true: np.ndarray, y_pred: np.ndarray, power: float = 1.5) -> float:
    """Mean Tweedie deviance of a power between 1 and 2, for amounts of which many are 0; lower is better, 0 is perfect.

    2 * mean(t^(2-q) / ((1-q)(2-q)) - t * p^(1-q) / (1-q) + p^(2-q) / (2-q)) with q the power: Jørgensen, "Exponential
    dispersion models", 1987. At 1 it is Poisson's, at 2 the gamma distribution's.

    Args:
        y_true: Targets, (n,), >= 0, and > 0 at a power of 2.
        y_pred: Predictions, (n,), > 0.
        power: From 1 to 2.

    Raises:
        ValueError: The shapes differ, or a value is out of its range.

    >>> tweedie_deviance(np.array([0.0]), np.array([4.0]))  # 2 * 4^(1/2) / (1/2)
    8.0
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    require("y_pred", pred, pred > 0, "a deviance takes predictions above 0")
    if power == 2:
        require("y_true", true, true > 0, "the deviance of a gamma distribution takes targets above 0")
        return float(2 * np.mean(np.log(pred / true) + true / pred - 1))
    require("y_true", true, true >= 0, "a deviance takes targets of 0 or more")
    if power == 1:
        ratio = np.divide(true, pred, out=np.ones_like(true), where=true > 0)
        return float(2 * np.mean(true * np.log(ratio) + pred - true))
    q = power
    parts = true ** (2 - q) / ((1 - q) * (2 - q)) - true * pred ** (1 - q) / (1 - q) + pred ** (2 - q) / (2 - q)
    return float(2 * np.mean(parts))
