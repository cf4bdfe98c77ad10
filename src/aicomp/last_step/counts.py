"""Metrics of exclusive classes from counts, for many decisions at once.

`n_true`, `n_pred` and `n_both` are the rows of each class, predicted as it, and both, as in
`aicomp.metrics.classification`, which has the formulas' sources. Their last axis is the classes; axes before it are
decisions to compare.
"""

from collections.abc import Callable

import numpy as np

CountScore = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(n_true, n_pred, n_both) -> scores; NaN where the score is not defined."""


def accuracy(n_true: np.ndarray, n_pred: np.ndarray, n_both: np.ndarray) -> np.ndarray:
    """Share of right rows."""
    return np.asarray(n_both.sum(axis=-1) / n_true.sum(axis=-1))


def balanced_accuracy(n_true: np.ndarray, n_pred: np.ndarray, n_both: np.ndarray) -> np.ndarray:
    """Mean share of right rows over the classes that occur."""
    return _mean(_ratio(n_both, n_true), n_true > 0)


def f1(n_true: np.ndarray, n_pred: np.ndarray, n_both: np.ndarray) -> np.ndarray:
    """F1 of class 1 of two."""
    return _f1(n_true, n_pred, n_both)[..., 1]


def f1_macro(n_true: np.ndarray, n_pred: np.ndarray, n_both: np.ndarray) -> np.ndarray:
    """Mean F1 over the classes that occur or are predicted."""
    return _mean(_f1(n_true, n_pred, n_both), n_true + n_pred > 0)


def f1_weighted(n_true: np.ndarray, n_pred: np.ndarray, n_both: np.ndarray) -> np.ndarray:
    """Mean F1 over the classes, weighted by their rows."""
    return np.asarray((_f1(n_true, n_pred, n_both) * n_true).sum(axis=-1) / n_true.sum(axis=-1))


def mcc(n_true: np.ndarray, n_pred: np.ndarray, n_both: np.ndarray) -> np.ndarray:
    """Matthews correlation coefficient; 0 where the classes or the predictions are all one."""
    n = n_true.sum(axis=-1, keepdims=True)
    true, pred, right = n_true / n, n_pred / n, (n_both / n).sum(axis=-1)
    spread = (1 - (true**2).sum(axis=-1)) * (1 - (pred**2).sum(axis=-1))
    return _ratio(right - (true * pred).sum(axis=-1), np.sqrt(np.maximum(spread, 0)))


def cohen_kappa(n_true: np.ndarray, n_pred: np.ndarray, n_both: np.ndarray) -> np.ndarray:
    """Kappa; NaN where all rows are of one class and predicted as it."""
    n = n_true.sum(axis=-1, keepdims=True)
    expected = (n_true / n * (n_pred / n)).sum(axis=-1)
    observed = (n_both / n).sum(axis=-1)
    return np.where(expected < 1, _ratio(observed - expected, 1 - expected), np.nan)


COUNT_SCORES: dict[str, CountScore] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "f1": f1,
    "f1_macro": f1_macro,
    "f1_micro": accuracy,
    "f1_weighted": f1_weighted,
    "mcc": mcc,
    "cohen_kappa": cohen_kappa,
}
"""By the metric's name. Precision and recall are not among them: each is best where the other is worst."""


def _f1(n_true: np.ndarray, n_pred: np.ndarray, n_both: np.ndarray) -> np.ndarray:
    return _ratio(2 * n_both, n_true + n_pred)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Elementwise quotient, 0 where the denominator is 0."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    quotients = np.zeros(denominator.shape)
    np.divide(numerator, denominator, out=quotients, where=denominator > 0)
    return quotients


def _mean(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    counts = np.broadcast_to(counts, values.shape)
    return np.asarray((values * counts).sum(axis=-1) / counts.sum(axis=-1))
