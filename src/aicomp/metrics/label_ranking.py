"""Scores of how well the true labels of a row are ranked before the others."""

import numpy as np

from aicomp.metrics.checks import check_scores


def lrap(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Label ranking average precision; higher is better, 1 is perfect.

    Mean over rows of the mean over their true labels of the share of true labels among those that are ranked at least
    as high (Tsoumakas, Katakis, Vlahavas, "Mining Multi-label Data", 2010). A row of which no label or every label is
    true scores 1, as in scikit-learn.

    Args:
        y_true: 0 and 1, (n, n_labels).
        y_pred: Scores, (n, n_labels).

    Raises:
        ValueError: The shapes differ, there is one column only, or a score is NaN or infinite.

    >>> lrap(np.array([[1, 0, 0], [0, 0, 1]]), np.array([[0.75, 0.5, 1], [1, 0.2, 0.1]]))  # (1/2 + 1/3) / 2
    0.416...
    """
    return float(np.mean(_label_precisions(y_true, y_pred)[0]))


def lwlrap(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Label-weighted label ranking average precision; higher is better, 1 is perfect.

    As `lrap`, but each true label counts the same and not each row: the measure of Kaggle's Freesound Audio Tagging
    2019.

    Args:
        y_true: 0 and 1, (n, n_labels).
        y_pred: Scores, (n, n_labels).

    Raises:
        ValueError: As `lrap`, or no label is true.

    >>> lwlrap(np.array([[1, 0, 1], [0, 0, 1]]), np.array([[0.75, 0.5, 1], [1, 0.2, 0.1]]))  # (1 + 1 + 1/3) / 3
    0.777...
    """
    means, n_true = _label_precisions(y_true, y_pred)
    if not n_true.any():
        raise ValueError(f"`y_true` is 0 in all {len(n_true)} rows, but true labels are ranked")
    return float(np.average(means, weights=n_true))


def coverage_error(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """How far down the ranked labels the last true one stands, as a mean; lower is better, the true labels are least.

    Of equal scores, the worst place counts; a row without a true label counts 0, as in scikit-learn.

    Args:
        y_true: 0 and 1, (n, n_labels).
        y_pred: Scores, (n, n_labels).

    Raises:
        ValueError: As `lrap`.

    >>> coverage_error(np.array([[1, 0, 0], [0, 0, 1]]), np.array([[0.75, 0.5, 1], [1, 0.2, 0.1]]))  # (2 + 3) / 2
    2.5
    """
    true, pred = check_scores(y_true, y_pred, ndim=2)
    lowest = np.where(true, pred, np.inf).min(axis=1, keepdims=True)
    return float(np.mean((pred >= lowest).sum(axis=1)))


def ranking_loss(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Share of the pairs of a true and a false label that stand in the wrong order, as a mean; lower is better.

    Equal scores are wrong; a row of which no label or every label is true counts 0, as in scikit-learn.

    Args:
        y_true: 0 and 1, (n, n_labels).
        y_pred: Scores, (n, n_labels).

    Raises:
        ValueError: As `lrap`.

    >>> ranking_loss(np.array([[1, 0, 0], [0, 0, 1]]), np.array([[0.75, 0.5, 1], [1, 0.2, 0.1]]))  # (1/2 + 2/2) / 2
    0.75
    """
    true, pred = check_scores(y_true, y_pred, ndim=2)
    n_labels = true.shape[1]
    wrong = np.zeros(len(true))
    for k in range(n_labels):
        wrong += true[:, k] * ((pred >= pred[:, [k]]) & ~true).sum(axis=1)
    n_pairs = true.sum(axis=1) * (n_labels - true.sum(axis=1))
    return float(np.mean(np.divide(wrong, n_pairs, out=np.zeros(len(true)), where=n_pairs > 0)))


def _label_precisions(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the true labels of each row of the precision at their place, and how many there are."""
    true, pred = check_scores(y_true, y_pred, ndim=2)
    n_labels = true.shape[1]
    sums = np.zeros(len(true))
    for k in range(n_labels):
        above = pred >= pred[:, [k]]
        sums += true[:, k] * ((above & true).sum(axis=1) / above.sum(axis=1))
    n_true = true.sum(axis=1)
    trivial = (n_true == 0) | (n_true == n_labels)
    return np.where(trivial, 1.0, sums / np.maximum(n_true, 1)), n_true
