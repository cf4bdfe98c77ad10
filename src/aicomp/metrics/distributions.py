"""Scores of predictions that are several numbers: an interval, a value and its uncertainty, a distribution."""

import math

import numpy as np

from aicomp.metrics.checks import check_parts, require

NFL_YARDS = tuple(range(-99, 100))
"""What the columns of a submission to NFL Big Data Bowl 2020 say: the probability of at most that many yards."""


def winkler(y_true: np.ndarray, y_pred: np.ndarray, alpha: float = 0.1) -> float:
    """Mean interval score, in the target's unit; lower is better, 0 is perfect.

    (upper - lower) + 2 / alpha * (how far the target lies outside): Winkler, "A decision-theoretic approach to interval
    estimation", 1972; least for the central interval that holds the share 1 - alpha of the targets. Kaggle's Prediction
    Interval Competition II (2025) takes it with alpha = 0.1.

    Args:
        y_true: Targets, (n,).
        y_pred: Lower and upper bound, (n, 2).
        alpha: Share of the targets that may lie outside, between 0 and 1.

    Raises:
        ValueError: The shapes do not fit, a value is NaN or infinite, or a lower bound is above its upper one.

    >>> winkler(np.array([1.0, 5.0]), np.array([[0.0, 2.0], [1.0, 4.0]]), alpha=0.5)  # (2 + 3 + 2 / 0.5 * 1) / 2
    4.5
    """
    true, lower, upper = _interval(y_true, y_pred)
    outside = np.maximum(lower - true, 0) + np.maximum(true - upper, 0)
    return float(np.mean(upper - lower + 2 / alpha * outside))


def interval_coverage_error(y_true: np.ndarray, y_pred: np.ndarray, alpha: float = 0.1) -> float:
    """|share of the targets within their interval - (1 - alpha)|; lower is better, 0 is perfect.

    Args:
        y_true: Targets, (n,).
        y_pred: Lower and upper bound, (n, 2); targets on a bound lie within.
        alpha: Share of the targets that should lie outside, between 0 and 1.

    Raises:
        ValueError: As `winkler`.

    >>> interval_coverage_error(np.array([1.0, 5.0]), np.array([[0.0, 2.0], [1.0, 4.0]]), alpha=0.25)  # |1/2 - 3/4|
    0.25
    """
    true, lower, upper = _interval(y_true, y_pred)
    return float(abs(np.mean((lower <= true) & (true <= upper)) - (1 - alpha)))


def laplace_log_likelihood(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean of -sqrt(2) * error / sigma - log(sqrt(2) * sigma), of Kaggle's OSIC Pulmonary Fibrosis; higher is better.

    With sigma = max(confidence, 70) and error = min(|target - value|, 1000), as on its page (2020); -4.6 at best.

    Args:
        y_true: Targets in millilitres, (n,).
        y_pred: Value and confidence (a standard deviation, > 0), (n, 2).

    Raises:
        ValueError: The shapes do not fit, a value is NaN or infinite, or a confidence is not above 0.

    >>> laplace_log_likelihood(np.array([2000.0]), np.array([[2100.0, 50.0]]))  # -sqrt(2) / 0.7 - log(sqrt(2) * 70)
    -6.615...
    """
    true, pred = check_parts(y_true, y_pred, 2)
    require("y_pred", pred, (pred > 0) | (np.arange(2) == 0), "a confidence is above 0")
    sigma, error = np.maximum(pred[:, 1], 70.0), np.minimum(abs(true - pred[:, 0]), 1000.0)
    return float(np.mean(-math.sqrt(2) * error / sigma - np.log(math.sqrt(2) * sigma)))


def gaussian_log_likelihood(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean log density of the targets under normal distributions; higher is better.

    -((y - mean) / sigma)^2 / 2 - log(sigma) - log(2 * pi) / 2: without the bounds that a competition may set, as
    Kaggle's Ariel Data Challenge does, whose score also divides by that of an ideal prediction.

    Args:
        y_true: Targets, (n,).
        y_pred: Mean and standard deviation (> 0), (n, 2).

    Raises:
        ValueError: The shapes do not fit, a value is NaN or infinite, or a deviation is not above 0.

    >>> gaussian_log_likelihood(np.array([1.0]), np.array([[1.0, 1.0]]))  # -log(2 * pi) / 2
    -0.918...
    """
    true, mean, sigma = _gaussian(y_true, y_pred)
    return float(np.mean(-(((true - mean) / sigma) ** 2) / 2 - np.log(sigma) - math.log(2 * math.pi) / 2))


def crps_gaussian(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Continuous ranked probability score of normal distributions, in the target's unit; lower is better.

    sigma * (z * (2 * Phi(z) - 1) + 2 * phi(z) - 1 / sqrt(pi)) with z = (y - mean) / sigma: Gneiting et al., "Calibrated
    Probabilistic Forecasting Using Ensemble Model Output Statistics", 2005.

    Args:
        y_true: Targets, (n,).
        y_pred: Mean and standard deviation (> 0), (n, 2).

    Raises:
        ValueError: As `gaussian_log_likelihood`.

    >>> crps_gaussian(np.array([0.0]), np.array([[0.0, 1.0]]))  # (sqrt(2) - 1) / sqrt(pi)
    0.233...
    """
    from scipy.special import ndtr

    true, mean, sigma = _gaussian(y_true, y_pred)
    z = (true - mean) / sigma
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return float(np.mean(sigma * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / math.sqrt(math.pi))))


def crps_nfl(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Continuous ranked probability score of Kaggle's NFL Big Data Bowl (2020); lower is better, 0 is perfect.

    Mean over rows and over the yards from -99 to 99 of (P(at most that many) - [yards >= target])^2. As there, the
    probabilities of a row must not fall and lie in [0, 1].

    Args:
        y_true: Yards gained, whole numbers in [-99, 99], (n,).
        y_pred: Probability of at most -99, -98 ... 99 yards, (n, 199).

    Raises:
        ValueError: The shapes do not fit, or a value is out of range.

    >>> crps_nfl(np.array([98]), np.zeros((1, 199)))  # wrong at 98 and 99
    0.0100...
    """
    true, pred = check_parts(y_true, y_pred, len(NFL_YARDS))
    whole = (true == np.floor(true)) & (abs(true) <= NFL_YARDS[-1])
    require("y_true", true, whole, "yards are whole numbers in [-99, 99]")
    require("y_pred", pred, (pred >= 0) & (pred <= 1), "probabilities lie in [0, 1]")
    rising = np.column_stack([np.ones(len(pred), dtype=bool), np.diff(pred, axis=1) >= 0])
    require("y_pred", pred, rising, "the probability of more yards cannot be smaller")
    return float(np.mean((pred - (np.array(NFL_YARDS) >= true[:, None])) ** 2))


def _interval(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    true, pred = check_parts(y_true, y_pred, 2)
    ordered = pred[:, [0]] <= pred[:, [1]]
    require("y_pred", pred, np.column_stack([ordered, ordered]), "a lower bound is not above its upper one")
    return true, pred[:, 0], pred[:, 1]


def _gaussian(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    true, pred = check_parts(y_true, y_pred, 2)
    require("y_pred", pred, (pred > 0) | (np.arange(2) == 0), "a standard deviation is above 0")
    return true, pred[:, 0], pred[:, 1]
