"""Metrics of predicted probabilities.

Those that only look at the order of rows (areas under curves, Gini) take any finite scores, as Kaggle does; the others
refuse what lies outside [0, 1].
"""

import numpy as np

from aicomp.metrics.checks import check_class_scores, check_probabilities, check_scores, require
from aicomp.metrics.ranks import average_ranks

_EPSILON = 1e-15
"""Distance that the logarithmic loss keeps from 0 and 1; Kaggle's."""

SUM_TOLERANCE = 0.01 + 1e-9
"""How far a row of probabilities may be from 1, as files hold rounded numbers: 0.33, 0.33, 0.33 is still right."""


def roc_auc(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Area under the receiver operating characteristic; higher is better, 1 is perfect, 0.5 is chance.

    The share of (positive, negative) pairs in which the positive row has the higher score, ties counting half; computed
    from ranks: (sum of the positives' ranks - p * (p + 1) / 2) / (p * q) for p positives and q negatives (Mann and
    Whitney, 1947).

    Args:
        y_true: 0 or 1, (n,).
        y_pred: Probabilities or any scores, (n,).

    Raises:
        ValueError: The shapes differ, a score is NaN or infinite, or `y_true` holds one class only.

    >>> roc_auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]))  # pairs: 1, 1/2, 1, 1
    0.875
    """
    true, pred = check_scores(y_true, y_pred, ndim=1)
    check_both_classes(true)
    return area(true, pred)


def roc_auc_ovr_macro(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over classes of the area under the ROC of that class against the rest; higher is better, 0.5 is chance.

    The mean goes over the classes that `y_true` holds: for one without rows the area is not defined.

    Args:
        y_true: Class codes, (n,).
        y_pred: Scores, (n, n_classes).

    Raises:
        ValueError: The shapes do not fit, a score is NaN or infinite, or `y_true` holds one class only.

    >>> y_pred = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.3, 0.4, 0.3], [0.1, 0.2, 0.7]])
    >>> roc_auc_ovr_macro(np.array([0, 1, 0, 2]), y_pred)  # (4/4 + 3/3 + 3/3) / 3
    1.0
    """
    true, pred = check_class_scores(y_true, y_pred)
    held = np.unique(true)
    if len(held) == 1:
        raise ValueError(f"`y_true` is {held[0]} in all {len(true)} rows, but the area needs two classes")
    return float(np.mean([area(true == k, pred[:, k]) for k in held]))


def roc_auc_mean(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over labels (columns) of the area under the ROC; higher is better, 1 is perfect, 0.5 is chance.

    The mean goes over the labels of which `y_true` holds both 0 and 1: for the others the area is not defined.

    Args:
        y_true: 0 and 1, (n, n_labels).
        y_pred: Scores, (n, n_labels).

    Raises:
        ValueError: The shapes differ, a score is NaN or infinite, or no label has both 0 and 1.

    >>> y_true = np.array([[0, 1], [1, 0], [1, 1]])
    >>> roc_auc_mean(y_true, np.array([[0.2, 0.9], [0.1, 0.3], [0.8, 0.7]]))  # (1/2 + 2/2) / 2
    0.75
    """
    true, pred = check_scores(y_true, y_pred, ndim=2)
    defined = np.flatnonzero(true.any(axis=0) & ~true.all(axis=0))
    if not len(defined):
        raise ValueError("no column of `y_true` holds both 0 and 1, but the area needs both")
    return float(np.mean([area(true[:, k], pred[:, k]) for k in defined]))


def gini(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Normalized Gini index of a binary target; higher is better, 1 is perfect, 0 is chance.

    2 * area under the ROC - 1.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: Probabilities or any scores, (n,).

    Raises:
        ValueError: As `roc_auc`.

    >>> gini(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]))  # 2 * 7/8 - 1
    0.75
    """
    return 2 * roc_auc(y_true, y_pred) - 1


def average_precision(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Average precision, the step-wise area under precision over recall; higher is better, 1 is perfect.

    sum((recall_k - recall_{k-1}) * precision_k) over the distinct scores k from high to low. Chance is the share of
    positives.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: Probabilities or any scores, (n,).

    Raises:
        ValueError: The shapes differ, a score is NaN or infinite, or no row is positive.

    >>> average_precision(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.3, 0.8]))  # 1/2 * 1/1 + 1/2 * 2/3
    0.833...
    """
    true, pred = check_scores(y_true, y_pred, ndim=1)
    if not true.any():
        raise ValueError(f"`y_true` is 0 in all {len(true)} rows, but the average precision needs a positive one")
    order = np.argsort(-pred, kind="stable")
    is_last_of_score = np.append(np.diff(pred[order]) != 0, True)
    n_predicted = np.flatnonzero(is_last_of_score) + 1
    n_right = np.cumsum(true[order])[is_last_of_score]
    return float(np.sum(np.diff(n_right, prepend=0) * n_right / n_predicted) / true.sum())


def log_loss(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean of -log(probability of what happened); lower is better, 0 is perfect, log(2) is a coin.

    Probabilities are kept within [1e-15, 1 - 1e-15], as on Kaggle, so that a certain error costs 34.5 and not
    infinity. Rows of class probabilities are divided by their sum, as on Kaggle. For several labels it is the mean of
    the columns' losses.

    Args:
        y_true: 0 or 1, (n,) or (n, n_labels); or class codes, (n,), with one column of `y_pred` per class.
        y_pred: Probabilities, (n,), (n, n_labels) or (n, n_classes).

    Raises:
        ValueError: The shapes do not fit, a probability is outside [0, 1], or a row of class probabilities is more than
            0.01 away from 1.

    >>> log_loss(np.array([1, 0]), np.array([0.5, 0.75]))  # (log(2) + log(4)) / 2
    1.039...
    """
    if np.ndim(y_true) == 1 and np.ndim(y_pred) == 2:
        return _multiclass_log_loss(y_true, y_pred)
    true, pred = check_scores(y_true, y_pred)
    check_probabilities(pred)
    return float(-np.mean(np.log(clip_probabilities(np.where(true, pred, 1 - pred)))))


def brier(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean of (probability - label)^2; lower is better, 0 is perfect, 0.25 is a coin.

    Brier, "Verification of forecasts expressed in terms of probability", 1950, for two classes.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: Probabilities, (n,).

    Raises:
        ValueError: The shapes differ, or a probability is outside [0, 1].

    >>> brier(np.array([1, 0]), np.array([0.5, 0.5]))  # (1/4 + 1/4) / 2
    0.25
    """
    true, pred = check_scores(y_true, y_pred, ndim=1)
    check_probabilities(pred)
    return float(np.mean((pred - true) ** 2))


def check_both_classes(is_positive: np.ndarray) -> None:
    """Refuse rows that are all of one class.

    Raises:
        ValueError: Naming that class.
    """
    if is_positive.all() or not is_positive.any():
        n = len(is_positive)
        raise ValueError(f"`y_true` is {int(is_positive[0])} in all {n} rows, but the area needs both classes")


def area(is_positive: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC of checked rows of both classes."""
    p, q = int(is_positive.sum()), int((~is_positive).sum())
    return float((average_ranks(scores)[is_positive].sum() - p * (p + 1) / 2) / (p * q))


def _multiclass_log_loss(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    true, pred = check_class_scores(y_true, y_pred)
    check_probabilities(pred)
    total = pred.sum(axis=1)
    require("y_pred.sum(axis=1)", total, abs(total - 1) <= SUM_TOLERANCE, "the probabilities of a row sum to 1")
    of_class = pred[np.arange(len(true)), true] / total
    return float(-np.mean(np.log(clip_probabilities(of_class))))


def clip_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities within [1e-15, 1 - 1e-15]."""
    clipped: np.ndarray = np.clip(probabilities, _EPSILON, 1 - _EPSILON)
    return clipped
