"""F-beta, Jaccard and other scores that are made of the same counts as those of `classification`."""

import numpy as np

from aicomp.metrics.checks import (
    check_class_scores,
    check_probabilities,
    check_scores,
    check_two_classes,
    check_values,
    require,
)
from aicomp.metrics.classification import check_multilabel, count, count_positives, ratio, ratios


def f_beta(y_true: np.ndarray, y_pred: np.ndarray, beta: float = 2.0) -> float:
    """F-beta of the positive class; higher is better, 1 is perfect.

    (1 + beta^2) * tp / ((1 + beta^2) * tp + beta^2 * fn + fp): recall counts beta times as much as precision (van
    Rijsbergen, "Information Retrieval", 1979). 0 if there is no positive row at all.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: 0 or 1, (n,).
        beta: Weight of recall, above 0.

    Raises:
        ValueError: The shapes differ, or a value is neither 0 nor 1.

    >>> f_beta(np.array([1, 1, 0]), np.array([1, 0, 0]), beta=2)  # 5 * 1 / (5 * 1 + 4 * 1 + 0)
    0.555...
    """
    c = count_positives(y_true, y_pred)
    return ratio((1 + beta**2) * c.n_both, beta**2 * c.n_true + c.n_pred)


def f_beta_macro(y_true: np.ndarray, y_pred: np.ndarray, beta: float = 2.0) -> float:
    """Mean of the classes' F-beta, each counting the same; higher is better, 1 is perfect.

    The mean goes over the classes that `y_true` or `y_pred` holds, or over all columns of a multilabel target.

    Args:
        y_true: Class codes, (n,), or 0 and 1, (n, n_labels).
        y_pred: The same.
        beta: Weight of recall, above 0.

    Raises:
        ValueError: The shapes differ, or a value is no class code.

    >>> f_beta_macro(np.array([0, 0, 1]), np.array([0, 1, 1]), beta=2)  # (5/(4*2+1) + 5/(4*1+2)) / 2
    0.694...
    """
    c = count(y_true, y_pred)
    scores = ratios((1 + beta**2) * c.n_both, beta**2 * c.n_true + c.n_pred)
    if np.ndim(y_true) == 1:
        scores = scores[c.n_true + c.n_pred > 0]
    return float(scores.mean())


def f_beta_micro(y_true: np.ndarray, y_pred: np.ndarray, beta: float = 2.0) -> float:
    """F-beta of all classes' counts added up; higher is better, 1 is perfect.

    Kaggle's iMet 2020 scores by it with beta = 2.

    Args:
        y_true: Class codes, (n,), or 0 and 1, (n, n_labels).
        y_pred: The same.
        beta: Weight of recall, above 0.

    Raises:
        ValueError: The shapes differ, or a value is no class code.

    >>> f_beta_micro(np.array([[1, 1], [1, 0]]), np.array([[1, 0], [1, 0]]), beta=2)  # 5 * 2 / (4 * 3 + 2)
    0.714...
    """
    c = count(y_true, y_pred)
    return ratio((1 + beta**2) * c.n_both.sum(), beta**2 * c.n_true.sum() + c.n_pred.sum())


def f_beta_samples(y_true: np.ndarray, y_pred: np.ndarray, beta: float = 2.0) -> float:
    """Mean of the rows' F-beta over their labels; higher is better, 1 is perfect. A row without any label scores 0.

    Args:
        y_true: 0 and 1, (n, n_labels).
        y_pred: The same.
        beta: Weight of recall, above 0.

    Raises:
        ValueError: The shapes differ, there is one column only, or a value is neither 0 nor 1.

    >>> f_beta_samples(np.array([[1, 0], [1, 1]]), np.array([[1, 0], [1, 0]]), beta=2)  # (1 + 5 / (4 * 2 + 1)) / 2
    0.777...
    """
    true, pred = check_multilabel(y_true, y_pred)
    both = (true & pred).sum(axis=1)
    return float(ratios((1 + beta**2) * both, beta**2 * true.sum(axis=1) + pred.sum(axis=1)).mean())


def jaccard(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Jaccard index of the positive class, tp / (tp + fp + fn); higher is better, 1 is perfect.

    Jaccard, "The distribution of the flora in the alpine zone", 1912; 0 if there is no positive row at all.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: 0 or 1, (n,).

    Raises:
        ValueError: The shapes differ, or a value is neither 0 nor 1.

    >>> jaccard(np.array([1, 1, 0, 0]), np.array([1, 0, 1, 0]))  # 1 of 3
    0.333...
    """
    c = count_positives(y_true, y_pred)
    return ratio(c.n_both, c.n_true + c.n_pred - c.n_both)


def jaccard_macro(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean of the classes' Jaccard index; higher is better, 1 is perfect.

    The mean goes over the classes that `y_true` or `y_pred` holds, or over all columns of a multilabel target.

    Args:
        y_true: Class codes, (n,), or 0 and 1, (n, n_labels).
        y_pred: The same.

    Raises:
        ValueError: The shapes differ, or a value is no class code.

    >>> jaccard_macro(np.array([0, 0, 1]), np.array([0, 1, 1]))  # (1/2 + 1/2) / 2
    0.5
    """
    c = count(y_true, y_pred)
    scores = ratios(c.n_both, c.n_true + c.n_pred - c.n_both)
    if np.ndim(y_true) == 1:
        scores = scores[c.n_true + c.n_pred > 0]
    return float(scores.mean())


def jaccard_samples(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean of the rows' Jaccard index over their labels; higher is better. A row without any label scores 0.

    Args:
        y_true: 0 and 1, (n, n_labels).
        y_pred: The same.

    Raises:
        ValueError: The shapes differ, there is one column only, or a value is neither 0 nor 1.

    >>> jaccard_samples(np.array([[1, 0], [1, 1]]), np.array([[1, 0], [1, 0]]))  # (1 + 1/2) / 2
    0.75
    """
    true, pred = check_multilabel(y_true, y_pred)
    return float(ratios((true & pred).sum(axis=1), (true | pred).sum(axis=1)).mean())


def specificity(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Share of the negative rows that is predicted so; higher is better, 0 if no row is negative.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: 0 or 1, (n,).

    Raises:
        ValueError: The shapes differ, or a value is neither 0 nor 1.

    >>> specificity(np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 1]))  # 3 of 4
    0.75
    """
    true, pred = check_two_classes(y_true, y_pred)
    negative = true == 0
    return ratio((negative & (pred == 0)).sum(), negative.sum())


def linear_weighted_kappa(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Agreement of ordered classes beyond chance, weights growing by the distance; higher is better, 1 is perfect.

    1 - sum(w * observed) / sum(w * expected) over pairs of classes with w = |i - j|: Cohen, "Weighted kappa", 1968.

    Args:
        y_true: Class codes in the order of the classes, or any whole numbers, (n,).
        y_pred: The same.

    Raises:
        ValueError: The shapes differ, a value is no whole number, or both arrays hold one and the same only.

    >>> linear_weighted_kappa(np.array([0, 1, 2]), np.array([0, 2, 2]))  # 1 - (1/3) / ((0+2+2 + 1+1+1 + 2+0+0) / 9)
    0.666...
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    for name, values in (("y_true", true), ("y_pred", pred)):
        require(name, values, values == np.floor(values), "the kappa is one of whole numbers")
    levels = np.unique(np.concatenate([true, pred]))
    # Mean distance of two independent numbers, from their distribution functions: sum of F (1 - G) + G (1 - F).
    below_true = np.searchsorted(np.sort(true), levels[:-1], side="right") / len(true)
    below_pred = np.searchsorted(np.sort(pred), levels[:-1], side="right") / len(pred)
    expected = np.sum(np.diff(levels) * (below_true * (1 - below_pred) + below_pred * (1 - below_true)))
    if expected == 0:
        raise ValueError(f"kappa is not defined: `y_true` and `y_pred` are {true[0]:g} in every row")
    return float(1 - np.mean(abs(true - pred)) / expected)


def top_accuracy(y_true: np.ndarray, y_pred: np.ndarray, k: int = 5) -> float:
    """Share of rows whose class is among the k likeliest; higher is better, 1 is perfect.

    Of equal scores, the class with the smaller code comes first.

    Args:
        y_true: Class codes, (n,).
        y_pred: Scores, (n, n_classes).
        k: Classes that count.

    Raises:
        ValueError: The shapes do not fit, a score is NaN or infinite, or a code has no column.

    >>> top_accuracy(np.array([2, 0]), np.array([[0.5, 0.3, 0.2], [0.3, 0.4, 0.3]]), k=2)  # the second: 1, 0
    0.5
    """
    true, pred = check_class_scores(y_true, y_pred)
    own = pred[np.arange(len(true)), true][:, None]
    before = (pred > own).sum(axis=1) + ((pred == own) & (np.arange(pred.shape[1]) < true[:, None])).sum(axis=1)
    return float(np.mean(before < k))


def probabilistic_f1(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Probabilistic F1 of the positive class; higher is better, 1 is perfect.

    With tp = sum of the positives' probabilities and fp = that of the negatives: precision = tp / (tp + fp), recall =
    tp / positives, and their harmonic mean. It is the pF1 of Kaggle's RSNA Screening Mammography (2022-23), after
    Yacouby and Axman, "Probabilistic Extension of Precision, Recall, and F1 Score", 2020; the function on Kaggle's
    page clips predictions to [0, 1], where this one refuses others.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: Probabilities, (n,).

    Raises:
        ValueError: The shapes differ, a probability is outside [0, 1], or no row is positive.

    >>> probabilistic_f1(np.array([1, 1, 0]), np.array([0.5, 0.5, 1.0]))  # precision 1 / 2, recall 1 / 2
    0.5
    """
    true, pred = check_scores(y_true, y_pred, ndim=1)
    check_probabilities(pred)
    if not true.any():
        raise ValueError(f"`y_true` is 0 in all {len(true)} rows, but recall needs a positive one")
    return ratio(2 * pred[true].sum(), true.sum() + pred.sum())
