"""How far predictions stand in the order of their targets."""

import numpy as np

from aicomp.metrics.checks import check_values, require
from aicomp.metrics.pairs import count_smaller_before, count_tied
from aicomp.metrics.ranks import average_ranks
from aicomp.metrics.regression import check_varies, correlation


def kendall(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Kendall's rank correlation tau-b; higher is better, from -1 to 1. Equal predictions in all rows score 0.

    (pairs in the same order - pairs in the opposite one) / sqrt((pairs not tied in the target) * (pairs not tied in the
    prediction)): Kendall, "The treatment of ties in ranking problems", 1945.

    Args:
        y_true: Targets, (n,).
        y_pred: Predictions, (n,).

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or the target is the same in every row.

    >>> kendall(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))  # (2 - 1) / 3
    0.333...
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    check_varies(true)
    n_pairs = len(true) * (len(true) - 1) // 2
    tied_true, tied_pred, tied_both = count_tied(true), count_tied(pred), count_tied(true, pred)
    if tied_pred == n_pairs:
        return 0.0
    opposite = int(count_smaller_before(-pred[np.lexsort((pred, true))]).sum())
    same = n_pairs - tied_true - tied_pred + tied_both - opposite
    return float((same - opposite) / np.sqrt(float(n_pairs - tied_true) * float(n_pairs - tied_pred)))


def pearson_mean(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over targets (columns) of Pearson's correlation; higher is better, from -1 to 1.

    A column of equal predictions scores 0.

    Args:
        y_true: Targets, (n, n_targets).
        y_pred: Predictions, same shape.

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or a target is the same in every row.

    >>> pearson_mean(np.array([[1.0, 1.0], [2.0, 2.0]]), np.array([[5.0, 9.0], [6.0, 8.0]]))  # (1 - 1) / 2
    0.0
    """
    true, pred = check_values(y_true, y_pred, ndim=2)
    check_varies(true)
    return float(np.mean([correlation(true[:, k], pred[:, k]) for k in range(true.shape[1])]))


def spearman_mean(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over targets (columns) of Spearman's rank correlation; higher is better, from -1 to 1.

    The measure of Kaggle's Google QUEST Q&A Labeling (2019-20). A column of equal predictions scores 0 here; Kaggle
    has no score for a submission with one.

    Args:
        y_true: Targets, (n, n_targets).
        y_pred: Predictions, same shape.

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, or a target is the same in every row.

    >>> spearman_mean(np.array([[1.0, 1.0], [2.0, 2.0]]), np.array([[5.0, 9.0], [99.0, 9.5]]))
    1.0
    """
    true, pred = check_values(y_true, y_pred, ndim=2)
    check_varies(true)
    columns = range(true.shape[1])
    return float(np.mean([correlation(average_ranks(true[:, k]), average_ranks(pred[:, k])) for k in columns]))


def normalized_gini_of_values(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Gini coefficient of amounts in the predicted order, divided by that of the perfect one; higher is better.

    1 is perfect, 0 is chance. The measure of Kaggle's Allstate Claim Prediction and Liberty Mutual competitions; for a
    target of 0 and 1 it is `gini`. Rows of equal predictions share their targets, so that their order in the file
    makes no difference; in Kaggle's function, they count in that order.

    Args:
        y_true: Amounts, (n,), >= 0.
        y_pred: Predictions, (n,).

    Raises:
        ValueError: As `gini_of_values`.

    >>> normalized_gini_of_values(np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.3, 0.2]))  # 1/18 and 1/9 in all
    0.5...
    """
    return gini_of_values(y_true, y_pred) / gini_of_values(y_true, y_true)


def gini_of_values(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Gini coefficient of amounts in the order of falling predictions; higher is better, 0 is chance.

    mean over places i of (share of the amounts in the first i rows - i / n), with the rows of equal predictions sharing
    their amounts. Its greatest value depends on the amounts: `normalized_gini_of_values` divides by it.

    Args:
        y_true: Amounts, (n,), >= 0.
        y_pred: Predictions, (n,).

    Raises:
        ValueError: The shapes differ, a value is NaN or infinite, an amount is negative, or all are the same.

    >>> gini_of_values(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))  # (3/6 - 1/3 + 5/6 - 2/3 + 0) / 3
    0.111...
    """
    true, pred = check_values(y_true, y_pred, ndim=1)
    require("y_true", true, true >= 0, "the Gini coefficient takes amounts of 0 or more")
    check_varies(true)
    order = np.argsort(-pred, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(pred[order]) != 0))
    n = np.diff(np.append(starts, len(true)))
    shared = np.repeat(np.add.reduceat(true[order], starts) / n, n)
    return float(np.mean(np.cumsum(shared) / true.sum() - np.arange(1, len(true) + 1) / len(true)))
