"""Metrics of predicted labels: class codes, (n,), or 0 and 1 per label, (n, n_labels).

All are computed from three counts per class: rows of the class, rows predicted as it, and rows where both hold. So
their cost grows with the rows plus the classes, and no table of classes by classes is needed.
"""

from dataclasses import dataclass

import numpy as np

from aicomp.metrics.checks import check_labels, check_two_classes, check_values, require


def accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Share of rows with the right class; higher is better, 1 is perfect.

    Args:
        y_true: Class codes, (n,).
        y_pred: Class codes, (n,).

    Raises:
        ValueError: The shapes differ, or a value is no class code.

    >>> accuracy(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]))  # 3 of 4
    0.75
    """
    true, pred = check_labels(y_true, y_pred)
    if true.ndim == 2:
        raise ValueError(f"`y_true` has shape {true.shape}: several labels per row are for `subset_accuracy`")
    return float(np.mean(true == pred))


def balanced_accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over the classes of the share of their rows that is found; higher is better, 1 is perfect.

    Each class counts the same, however many rows it has. The mean goes over the classes that `y_true` holds. Defined by
    Brodersen et al., "The balanced accuracy and its posterior distribution", ICPR 2010.

    Args:
        y_true: Class codes, (n,).
        y_pred: Class codes, (n,).

    Raises:
        ValueError: The shapes differ, or a value is no class code.

    >>> balanced_accuracy(np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 1]))  # (3/4 + 1/1) / 2
    0.875
    """
    c = _count_classes(y_true, y_pred)
    held = c.n_true > 0
    return float(np.mean(c.n_both[held] / c.n_true[held]))


def precision(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Share of the rows predicted positive that are; higher is better, 0 if none is predicted positive.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: 0 or 1, (n,).

    Raises:
        ValueError: The shapes differ, or a value is neither 0 nor 1.

    >>> precision(np.array([1, 1, 1, 0]), np.array([1, 1, 0, 1]))  # 2 right of 3 predicted
    0.666...
    """
    c = count_positives(y_true, y_pred)
    return ratio(c.n_both, c.n_pred)


def recall(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Share of the positive rows that is predicted so; higher is better, 0 if no row is positive.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: 0 or 1, (n,).

    Raises:
        ValueError: The shapes differ, or a value is neither 0 nor 1.

    >>> recall(np.array([1, 1, 1, 1, 0]), np.array([1, 1, 1, 0, 1]))  # 3 found of 4
    0.75
    """
    c = count_positives(y_true, y_pred)
    return ratio(c.n_both, c.n_true)


def f1(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """F1 of the positive class; higher is better, 1 is perfect.

    2 * tp / (2 * tp + fp + fn): the harmonic mean of precision and recall; 0 if there is no positive row at all.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: 0 or 1, (n,).

    Raises:
        ValueError: The shapes differ, or a value is neither 0 nor 1; several classes are for `f1_macro` and its kin.

    >>> f1(np.array([1, 1, 1, 0]), np.array([1, 1, 0, 0]))  # 2 * 2 / (2 * 2 + 0 + 1)
    0.8
    """
    c = count_positives(y_true, y_pred)
    return ratio(2 * c.n_both, c.n_true + c.n_pred)


def f1_macro(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean of the classes' F1, each counting the same; higher is better, 1 is perfect.

    The mean goes over the classes that `y_true` or `y_pred` holds, or over all columns of a multilabel target.

    Args:
        y_true: Class codes, (n,), or 0 and 1, (n, n_labels).
        y_pred: The same.

    Raises:
        ValueError: The shapes differ, or a value is no class code.

    >>> f1_macro(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]))  # (2/3 + 2/3 + 1) / 3
    0.777...
    """
    c = count(y_true, y_pred)
    scores = ratios(2 * c.n_both, c.n_true + c.n_pred)
    if np.ndim(y_true) == 1:
        scores = scores[c.n_true + c.n_pred > 0]
    return float(scores.mean())


def f1_micro(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """F1 of all classes' counts added up; higher is better, 1 is perfect. For exclusive classes it is the accuracy.

    Args:
        y_true: Class codes, (n,), or 0 and 1, (n, n_labels).
        y_pred: The same.

    Raises:
        ValueError: The shapes differ, or a value is no class code.

    >>> f1_micro(np.array([[1, 0], [1, 1]]), np.array([[1, 1], [1, 0]]))  # 2 * 2 / (2 * 2 + 1 + 1)
    0.666...
    """
    c = count(y_true, y_pred)
    return ratio(2 * c.n_both.sum(), c.n_true.sum() + c.n_pred.sum())


def f1_weighted(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean of the classes' F1, weighted by their rows in `y_true`; higher is better, 1 is perfect.

    Args:
        y_true: Class codes, (n,), or 0 and 1, (n, n_labels).
        y_pred: The same.

    Raises:
        ValueError: The shapes differ, or a value is no class code.

    >>> f1_weighted(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]))  # (2 * 2/3 + 2/3 + 1) / 4
    0.75
    """
    c = count(y_true, y_pred)
    scores = ratios(2 * c.n_both, c.n_true + c.n_pred)
    return ratio((scores * c.n_true).sum(), c.n_true.sum())


def f1_samples(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean of the rows' F1 over their labels; higher is better, 1 is perfect. A row without any label scores 0.

    Args:
        y_true: 0 and 1, (n, n_labels).
        y_pred: The same.

    Raises:
        ValueError: The shapes differ, there is one column only, or a value is neither 0 nor 1.

    >>> f1_samples(np.array([[1, 0], [1, 1]]), np.array([[1, 0], [1, 0]]))  # (1 + 2/3) / 2
    0.833...
    """
    true, pred = check_multilabel(y_true, y_pred)
    return float(ratios(2 * (true & pred).sum(axis=1), true.sum(axis=1) + pred.sum(axis=1)).mean())


def subset_accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Share of rows with all labels right; higher is better, 1 is perfect.

    Args:
        y_true: 0 and 1, (n, n_labels).
        y_pred: The same.

    Raises:
        ValueError: The shapes differ, there is one column only, or a value is neither 0 nor 1.

    >>> subset_accuracy(np.array([[1, 0], [1, 1]]), np.array([[1, 0], [1, 0]]))  # 1 of 2 rows
    0.5
    """
    true, pred = check_multilabel(y_true, y_pred)
    return float(np.mean((true == pred).all(axis=1)))


def hamming_loss(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Share of wrong labels among all labels of all rows; lower is better, 0 is perfect.

    Args:
        y_true: 0 and 1, (n, n_labels).
        y_pred: The same.

    Raises:
        ValueError: The shapes differ, there is one column only, or a value is neither 0 nor 1.

    >>> hamming_loss(np.array([[1, 0], [1, 1]]), np.array([[1, 0], [1, 0]]))  # 1 of 4 labels
    0.25
    """
    true, pred = check_multilabel(y_true, y_pred)
    return float(np.mean(true != pred))


def mcc(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Matthews correlation coefficient; higher is better, 1 is perfect, 0 is chance or a constant class.

    (c * n - sum(p * t)) / sqrt((n^2 - sum(p^2)) * (n^2 - sum(t^2))) with c right rows of n, and p and t the rows
    predicted as and belonging to each class: the form for several classes of Gorodkin, "Comparing two K-category
    assignments by a K-category correlation coefficient", 2004. It is 0 where the root is 0.

    Args:
        y_true: Class codes, (n,).
        y_pred: Class codes, (n,).

    Raises:
        ValueError: The shapes differ, or a value is no class code.

    >>> mcc(np.array([1, 1, 1, 0]), np.array([1, 1, 0, 0]))  # (3*4 - (2*3 + 2*1)) / sqrt((16 - 8) * (16 - 10))
    0.577...
    """
    c = _count_classes(y_true, y_pred)
    n = float(len(y_true))
    # Divided by n, as n^4 of a million rows is past the range of int64.
    true, pred, right = c.n_true / n, c.n_pred / n, c.n_both.sum() / n
    spread = (1 - np.sum(pred**2)) * (1 - np.sum(true**2))
    return float((right - np.sum(pred * true)) / np.sqrt(spread)) if spread > 0 else 0.0


def cohen_kappa(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Agreement beyond chance; higher is better, 1 is perfect, 0 is chance.

    (p_o - p_e) / (1 - p_e), with p_o the share of right rows and p_e the share expected of independent labels: Cohen,
    "A coefficient of agreement for nominal scales", 1960.

    Args:
        y_true: Class codes, (n,).
        y_pred: Class codes, (n,).

    Raises:
        ValueError: The shapes differ, a value is no class code, or both arrays hold one and the same class only.

    >>> cohen_kappa(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]))  # p_o = 3/4, p_e = 2/4 * 3/4 + 2/4 * 1/4 = 1/2
    0.5
    """
    c = _count_classes(y_true, y_pred)
    n = len(y_true)
    observed, expected = c.n_both.sum() / n, np.sum((c.n_true / n) * (c.n_pred / n))
    if c.n_both.max() == n:
        raise ValueError(f"kappa is not defined: `y_true` and `y_pred` are {y_true[0]} in every row")
    return float((observed - expected) / (1 - expected))


def quadratic_weighted_kappa(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Agreement of ordered classes beyond chance; higher is better, 1 is perfect, 0 is chance.

    1 - sum(w * observed) / sum(w * expected) over pairs of classes with w = (i - j)^2: Cohen, "Weighted kappa", 1968.
    As the weights are squares, it is computed from means:
    1 - mean((t - p)^2) / (var(t) + var(p) + (mean(t) - mean(p))^2).

    Args:
        y_true: Class codes in the order of the classes, or any whole numbers, (n,).
        y_pred: The same.

    Raises:
        ValueError: The shapes differ, a value is no whole number, or both arrays hold one and the same only.

    >>> quadratic_weighted_kappa(np.array([0, 1, 2]), np.array([0, 2, 2]))  # 1 - (1/3) / (2/3 + 8/9 + 1/9)
    0.8
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    for name, values in (("y_true", true), ("y_pred", pred)):
        require(name, values, values == np.floor(values), "the kappa is one of whole numbers")
    expected = true.var() + pred.var() + (true.mean() - pred.mean()) ** 2
    if expected == 0:
        raise ValueError(f"kappa is not defined: `y_true` and `y_pred` are {true[0]:g} in every row")
    return float(1 - np.mean((true - pred) ** 2) / expected)


@dataclass(frozen=True)
class _Counts:
    """Rows of each class (or label): of it, predicted as it, and both. Each int64, (n_classes,)."""

    n_true: np.ndarray
    n_pred: np.ndarray
    n_both: np.ndarray


def count(y_true: np.ndarray, y_pred: np.ndarray) -> _Counts:
    """Counts of class codes, (n,), or of 0/1 columns, (n, n_labels)."""
    if np.ndim(y_true) == 1:
        return _count_classes(y_true, y_pred)
    true, pred = check_labels(y_true, y_pred)
    return _Counts(true.sum(axis=0), pred.sum(axis=0), (true & pred).sum(axis=0))


def _count_classes(y_true: np.ndarray, y_pred: np.ndarray) -> _Counts:
    true, pred = _one_column(*check_labels(y_true, y_pred))
    codes, inverse = np.unique(np.concatenate([true, pred]), return_inverse=True)
    true, pred = inverse[: len(true)], inverse[len(true) :]
    n = len(codes)
    return _Counts(*(np.bincount(rows, minlength=n) for rows in (true, pred, true[true == pred])))


def count_positives(y_true: np.ndarray, y_pred: np.ndarray) -> _Counts:
    """Counts of class 1 of two."""
    true, pred = check_two_classes(y_true, y_pred)
    return _Counts(true.sum(), pred.sum(), (true & pred).sum())


def _one_column(true: np.ndarray, pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if true.ndim != 1:
        raise ValueError(f"`y_true` has shape {true.shape}, but the metric is for one column")
    return true, pred


def check_multilabel(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both arrays as 0 and 1, int64 (n, n_labels).

    Raises:
        ValueError: As `check_labels`, or there is one column only.
    """
    true, pred = check_labels(y_true, y_pred)
    if true.ndim != 2:
        raise ValueError(f"`y_true` has shape {true.shape}, but (n, n_labels) is needed")
    return true, pred


def ratios(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Elementwise quotient, 0 where the denominator is 0: nothing to find and nothing found scores nothing."""
    quotients = np.zeros(denominator.shape)
    np.divide(numerator, denominator, out=quotients, where=denominator > 0)
    return quotients


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> float:
    """Quotient of two numbers, 0 where the denominator is 0."""
    return float(numerator / denominator) if denominator > 0 else 0.0
