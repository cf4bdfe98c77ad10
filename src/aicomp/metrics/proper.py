"""Further losses of predicted probabilities: weighted, balanced, of several classes, of distributions."""

import numpy as np

from aicomp.metrics.checks import (
    check_class_scores,
    check_probabilities,
    check_scores,
    check_values,
    check_weights,
    require,
)
from aicomp.metrics.probability import SUM_TOLERANCE, clip_probabilities

_CLOSE_TO_ONE = 1e-5


def brier_multiclass(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over rows of the sum over classes of (probability - truth)^2; lower is better, 0 is perfect, 2 is the worst.

    Brier, "Verification of forecasts expressed in terms of probability", 1950, in his own form, which for two classes
    is twice `brier`.

    Args:
        y_true: Class codes, (n,).
        y_pred: Probabilities, (n, n_classes).

    Raises:
        ValueError: The shapes do not fit, a probability is outside [0, 1], or a row is more than 0.01 away from 1.

    >>> brier_multiclass(np.array([0]), np.array([[0.5, 0.5, 0.0]]))  # 1/4 + 1/4
    0.5
    """
    true, pred = _class_probabilities(y_true, y_pred)
    squares = (pred**2).sum(axis=1)
    return float(np.mean(squares - 2 * pred[np.arange(len(true)), true] + 1))


def balanced_log_loss(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over classes of the logarithmic loss of their rows; lower is better, 0 is perfect.

    Each class counts the same, however many rows it has. Of two classes it is the measure of Kaggle's ICR -
    Identifying Age-Related Conditions (2023); probabilities are kept within [1e-15, 1 - 1e-15], as there, and rows of
    several classes are divided by their sum.

    Args:
        y_true: 0 or 1, or class codes, (n,).
        y_pred: Probabilities, (n,) or (n, n_classes).

    Raises:
        ValueError: The shapes do not fit, a probability is outside [0, 1], a row is more than 0.01 away from 1, or
            `y_true` holds one class only.

    >>> balanced_log_loss(np.array([1, 0, 0]), np.array([0.5, 0.5, 0.5]))  # (log(2) + log(2)) / 2
    0.693...
    """
    true, losses = _losses(y_true, y_pred)
    held, codes, n = np.unique(true, return_inverse=True, return_counts=True)
    if len(held) == 1:
        raise ValueError(f"`y_true` is {held[0]} in all {len(true)} rows, but each class counts the same")
    return float(np.mean(np.bincount(codes, losses) / n))


def weighted_log_loss(y_true: np.ndarray, y_pred: np.ndarray, *, weight: np.ndarray) -> float:
    """Mean of -log(probability of what happened), weighted by row; lower is better, 0 is perfect.

    sum(weight * loss) / sum(weight). With a row for each label it is the measure of several competitions of the RSNA:
    Intracranial Hemorrhage (2019; the label "any" weighs 2, others 1), Cervical Spine Fracture (2022; patients weigh 7
    and 14, vertebrae 1 and 2, without and with a fracture) and Lumbar Spine (2024; severities of three classes weigh
    1, 2 and 4; beside that, it takes the largest probability of "severe" of an exam). In 2022 the page does not say by
    what is divided; by its discussion (341854), which MLE-bench's grader follows, each patient's loss is divided by the
    weights of that patient, and the mean is over patients: for that number, divide each row's weight by their sum.

    Args:
        y_true: 0 or 1, or class codes, (n,).
        y_pred: Probabilities, (n,) or (n, n_classes).
        weight: Of each row, 0 or more, (n,).

    Raises:
        ValueError: As `log_loss`, or a weight is wrong.

    >>> weighted_log_loss(np.array([1, 0]), np.array([0.5, 0.75]), weight=np.array([2.0, 1.0]))  # (2 log 2 + log 4) / 3
    0.924...
    """
    true, losses = _losses(y_true, y_pred)
    return float(np.average(losses, weights=check_weights(weight, len(true))))


def last_twice_log_loss(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Logarithmic loss of several labels, of which the last weighs twice; lower is better, 0 is perfect.

    The measure of Kaggle's RSNA Intracranial Hemorrhage (2019) in a table with a column per label and "any" as the last
    one: of each row, (sum of the other losses + 2 * the last one) / (n_labels + 1).

    Args:
        y_true: 0 and 1, (n, n_labels).
        y_pred: Probabilities, (n, n_labels).

    Raises:
        ValueError: The shapes differ, there is one column only, or a probability is outside [0, 1].

    >>> last_twice_log_loss(np.array([[1, 1]]), np.array([[1.0, 0.5]]))  # (0 + 2 log 2) / 3
    0.462...
    """
    true, pred = check_scores(y_true, y_pred, ndim=2)
    check_probabilities(pred)
    losses = -np.log(clip_probabilities(np.where(true, pred, 1 - pred))).mean(axis=0)
    return float(np.average(losses, weights=np.append(np.ones(len(losses) - 1), 2.0)))


def expected_calibration_error(y_true: np.ndarray, y_pred: np.ndarray, bins: int = 15) -> float:
    """Mean distance of probabilities and frequencies, in bins of equal width; lower is better, 0 is perfect.

    sum over bins of (rows of the bin / n) * |mean probability - share of positives| (Naeini et al., "Obtaining Well
    Calibrated Probabilities Using Bayesian Binning", AAAI 2015), of the probability of class 1. The truth is 0, but so
    is the base rate said of every row: it tells how honest probabilities are, not how good.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: Probabilities, (n,).
        bins: How many.

    Raises:
        ValueError: The shapes differ, or a probability is outside [0, 1].

    >>> expected_calibration_error(np.array([1, 0, 1, 1]), np.array([0.75, 0.75, 0.75, 0.75]), bins=2)
    0.0
    """
    true, pred = check_scores(y_true, y_pred, ndim=1)
    check_probabilities(pred)
    codes = np.clip(np.ceil(pred * bins) - 1, 0, bins - 1).astype(np.int64)
    difference = np.bincount(codes, pred, minlength=bins) - np.bincount(codes, true, minlength=bins)
    return float(abs(difference).sum() / len(true))


def kl_divergence(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over rows of the divergence of Kullback and Leibler from truth to prediction; lower is better, 0 is perfect.

    sum over columns of t * log(t / p), 0 where t is 0, with p kept within [1e-15, 1 - 1e-15] ("On information and
    sufficiency", 1951). It is the measure of Kaggle's HMS - Harmful Brain Activity Classification (2024).

    Args:
        y_true: Shares that sum to 1, (n, n_columns).
        y_pred: Probabilities that sum to 1, (n, n_columns).

    Raises:
        ValueError: The shapes differ, a value is outside [0, 1], or a row is more than 0.00001 away from 1.

    >>> kl_divergence(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]]))  # log(1 / 0.5)
    0.693...
    """
    true, pred = check_values(y_true, y_pred, ndim=2)
    for name, values in (("y_true", true), ("y_pred", pred)):
        require(name, values, (values >= 0) & (values <= 1), "shares lie in [0, 1]")
        total = values.sum(axis=1)
        require(f"{name}.sum(axis=1)", total, abs(total - 1) <= _CLOSE_TO_ONE, "the shares of a row sum to 1")
    ratio = np.divide(true, clip_probabilities(pred), out=np.ones_like(true), where=true > 0)
    return float(np.mean((true * np.log(ratio)).sum(axis=1)))


def _class_probabilities(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    true, pred = check_class_scores(y_true, y_pred)
    check_probabilities(pred)
    total = pred.sum(axis=1)
    require("y_pred.sum(axis=1)", total, abs(total - 1) <= SUM_TOLERANCE, "the probabilities of a row sum to 1")
    return true, pred


def _losses(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class codes, and the logarithmic loss of each row."""
    if np.ndim(y_pred) == 2:
        codes, pred = _class_probabilities(y_true, y_pred)
        own = pred[np.arange(len(codes)), codes] / pred.sum(axis=1)
        return codes, -np.log(clip_probabilities(own))
    true, pred = check_scores(y_true, y_pred, ndim=1)
    check_probabilities(pred)
    return true.astype(np.int64), -np.log(clip_probabilities(np.where(true, pred, 1 - pred)))
