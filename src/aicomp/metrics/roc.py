"""Areas under ROC and precision-recall curves, and other scores that look at the order of rows alone."""

import numpy as np

from aicomp.metrics.checks import check_class_scores, check_groups, check_scores, check_weights
from aicomp.metrics.probability import area, average_precision, check_both_classes
from aicomp.metrics.ranks import average_ranks


def roc_auc_weighted(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over classes of the area under the ROC against the rest, weighted by their rows; higher is better.

    The mean goes over the classes that `y_true` holds; 0.5 is chance.

    Args:
        y_true: Class codes, (n,).
        y_pred: Scores, (n, n_classes).

    Raises:
        ValueError: The shapes do not fit, a score is NaN or infinite, or `y_true` holds one class only.

    >>> y_pred = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.3, 0.4, 0.3], [0.1, 0.2, 0.7]])
    >>> roc_auc_weighted(np.array([0, 1, 1, 2]), y_pred)  # (1 * 1 + 2 * 1 + 1 * 1) / 4
    1.0
    """
    true, pred = check_class_scores(y_true, y_pred)
    held, n = np.unique(true, return_counts=True)
    if len(held) == 1:
        raise ValueError(f"`y_true` is {held[0]} in all {len(true)} rows, but the area needs two classes")
    return float(np.average([area(true == k, pred[:, k]) for k in held], weights=n))


def roc_auc_micro(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Area under the ROC of all labels of all rows together; higher is better, 0.5 is chance.

    Args:
        y_true: 0 and 1, (n, n_labels).
        y_pred: Scores, (n, n_labels).

    Raises:
        ValueError: The shapes differ, a score is NaN or infinite, or all labels are the same.

    >>> roc_auc_micro(np.array([[0, 1], [1, 0]]), np.array([[0.2, 0.9], [0.1, 0.3]]))  # pairs: 1, 1, 0, 0
    0.5
    """
    true, pred = check_scores(y_true, y_pred, ndim=2)
    check_both_classes(true.ravel())
    return area(true.ravel(), pred.ravel())


def average_precision_macro(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over labels (columns) of the average precision; higher is better, 1 is perfect.

    The mean goes over the labels of which `y_true` holds a 1: for the others there is none.

    Args:
        y_true: 0 and 1, (n, n_labels).
        y_pred: Scores, (n, n_labels).

    Raises:
        ValueError: The shapes differ, a score is NaN or infinite, or no label is 1.

    >>> average_precision_macro(np.array([[0, 1], [1, 0]]), np.array([[0.2, 0.9], [0.1, 0.3]]))  # (1/2 + 1) / 2
    0.75
    """
    true, pred = check_scores(y_true, y_pred, ndim=2)
    held = np.flatnonzero(true.any(axis=0))
    if not len(held):
        raise ValueError(f"`y_true` is 0 in all {len(true)} rows, but the average precision needs a positive one")
    return float(np.mean([average_precision(true[:, k], pred[:, k]) for k in held]))


def average_precision_micro(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Average precision of all labels of all rows together; higher is better, 1 is perfect.

    Args:
        y_true: 0 and 1, (n, n_labels).
        y_pred: Scores, (n, n_labels).

    Raises:
        ValueError: The shapes differ, a score is NaN or infinite, or no label is 1.

    >>> average_precision_micro(np.array([[0, 1], [1, 0]]), np.array([[0.2, 0.9], [0.1, 0.3]]))  # 1/2 + 1/2 * 2/4
    0.75
    """
    true, pred = check_scores(y_true, y_pred, ndim=2)
    return average_precision(true.ravel(), pred.ravel())


def weighted_roc_auc(y_true: np.ndarray, y_pred: np.ndarray, *, weight: np.ndarray) -> float:
    """Area under the ROC of rows with weights; higher is better, 0.5 is chance.

    The share of the (positive, negative) pairs, each weighing the product of its rows' weights, in which the positive
    row has the higher score, ties counting half.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: Probabilities or any scores, (n,).
        weight: Of each row, 0 or more, (n,).

    Raises:
        ValueError: The shapes differ, a score or weight is wrong, or a class has no weight.

    >>> weighted_roc_auc(np.array([1, 0, 0]), np.array([0.5, 0.4, 0.6]), weight=np.array([1.0, 3.0, 1.0]))  # 3 / 4
    0.75
    """
    true, pred = check_scores(y_true, y_pred, ndim=1)
    weights = check_weights(weight, len(true))
    check_both_classes(true)
    _, codes = np.unique(pred, return_inverse=True)
    p, q = np.bincount(codes, weights * true), np.bincount(codes, weights * ~true)
    if not p.any() or not q.any():
        raise ValueError(f"`weight` is 0 in all rows where `y_true` is {0 if p.any() else 1}")
    below = np.cumsum(q) - q
    return float((p * (below + q / 2)).sum() / (p.sum() * q.sum()))


def alaska2_auc(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Area under the ROC in which true-positive rates below 0.4 count twice; higher is better, 1 is perfect.

    (2 * A(0, 0.4) + 1 * A(0.4, 1)) / (2 * 0.4 + 1 * 0.6), with A(a, b) the area right of the curve between these
    true-positive rates. It is the measure of Kaggle's ALASKA2 (2020). Between two points of the curve it is a straight
    line, also where it crosses 0.4. Kaggle's own function is not public: the one that circulates in notebooks leaves
    out the points at 0, 0.4 and 1, and differs in the digits that these make.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: Probabilities or any scores, (n,).

    Raises:
        ValueError: As `roc_auc`.

    >>> alaska2_auc(np.array([1, 0, 1]), np.array([0.9, 0.5, 0.1]))  # up to 1/2: A = 0.4 and 0.1; the rest is 0
    0.642...
    """
    fpr, tpr = curve(y_true, y_pred)
    return (2 * _area_between(fpr, tpr, 0.0, 0.4) + _area_between(fpr, tpr, 0.4, 1.0)) / 1.4


def pauc_80_tpr(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Area under the ROC above a true-positive rate of 0.8; higher is better, 0.2 is perfect, 0.02 is chance.

    The measure of Kaggle's ISIC 2024 (Skin Cancer Detection with 3D-TBP): the part of the area below the curve that
    lies above the line at 0.8, not scaled, so that it goes from 0 to 0.2.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: Probabilities or any scores, (n,).

    Raises:
        ValueError: As `roc_auc`.

    >>> pauc_80_tpr(np.array([1, 0, 0]), np.array([0.5, 0.4, 0.6]))  # right of 0.5, where the curve rises
    0.0999...
    """
    return _area_between(*curve(y_true, y_pred), 0.8, 1.0)


def ks_statistic(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Largest distance of true-positive and false-positive rate; higher is better, 1 is perfect, 0 is chance.

    The statistic of Kolmogorov and Smirnov between the scores of positives and of negatives, as credit scoring uses
    it; Youden's J at the best threshold.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: Probabilities or any scores, (n,).

    Raises:
        ValueError: As `roc_auc`.

    >>> ks_statistic(np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.5, 0.1]))  # above 0.5: 1/2 and 0
    0.5
    """
    fpr, tpr = curve(y_true, y_pred)
    return float(np.max(tpr - fpr))


def lift(y_true: np.ndarray, y_pred: np.ndarray, share: float = 0.1) -> float:
    """Share of positives among the rows with the highest scores, divided by that of all; higher is better, 1 is chance.

    `share` of the rows count, at least one. Where equal scores stand at the border, each of them counts in part.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: Probabilities or any scores, (n,).
        share: Of the rows, between 0 and 1.

    Raises:
        ValueError: The shapes differ, a score is NaN or infinite, or no row is positive.

    >>> lift(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.3, 0.1]), share=0.25)  # (1/1) / (2/4)
    2.0
    """
    true, pred = check_scores(y_true, y_pred, ndim=1)
    if not true.any():
        raise ValueError(f"`y_true` is 0 in all {len(true)} rows, but the lift needs a positive one")
    n_taken = max(1, round(share * len(true)))
    _, codes, n = np.unique(-pred, return_inverse=True, return_counts=True)
    positives = np.bincount(codes, true)
    taken = np.clip(n_taken - (np.cumsum(n) - n), 0, n)
    return float((positives * taken / n).sum() / n_taken / true.mean())


def amex(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean of normalized Gini and default rate captured at 4 %, of Kaggle's American Express (2022); higher is better.

    Negatives weigh 20, as they were sampled so. G: the Gini coefficient of the weighted rows, divided by that of a
    perfect order. D: the share of positives among the rows that are, in the order of falling predictions, within
    the first int(0.04 * sum of weights). M = (G + D) / 2; a perfect order scores 1 if the positives fit into D. Equal
    predictions count in the order of their rows.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: Probabilities or any scores, (n,).

    Raises:
        ValueError: As `roc_auc`.

    >>> amex(np.array([1, 0, 0, 0]), np.array([0.9, 0.1, 0.2, 0.3]))  # within int(0.04 * 61) lies the 1
    1.0
    """
    true, pred = check_scores(y_true, y_pred, ndim=1)
    check_both_classes(true)
    order = np.argsort(-pred, kind="stable")
    weights = np.where(true[order], 1.0, 20.0)
    within = np.cumsum(weights) <= int(0.04 * weights.sum())
    captured = true[order][within].sum() / true.sum()
    perfect = np.sort(true)[::-1]
    return float((_weighted_gini(true[order]) / _weighted_gini(perfect) + captured) / 2)


def _weighted_gini(ordered: np.ndarray) -> float:
    weights = np.where(ordered, 1.0, 20.0)
    lorentz = np.cumsum(ordered * weights) / np.sum(ordered * weights)
    return float(np.sum((lorentz - np.cumsum(weights) / weights.sum()) * weights))


def roc_auc_by_group(y_true: np.ndarray, y_pred: np.ndarray, *, group: np.ndarray) -> float:
    """Mean over groups of the area under the ROC within each; higher is better, 0.5 is chance.

    Groups whose rows are of one class are left out.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: Probabilities or any scores, (n,).
        group: Which rows belong together, such as those of a session, (n,).

    Raises:
        ValueError: The shapes differ, a score is NaN or infinite, or no group holds both classes.

    >>> group = np.array(["a", "a", "b", "b", "c"], object)
    >>> roc_auc_by_group(np.array([1, 0, 1, 0, 1]), np.array([0.9, 0.1, 0.2, 0.3, 0.5]), group=group)  # (1 + 0) / 2
    0.5
    """
    true, pred = check_scores(y_true, y_pred, ndim=1)
    codes, names = check_groups("group", group, len(true))
    areas = areas_of_groups(true, pred, codes, len(names))
    if np.isnan(areas).all():
        raise ValueError("no `group` has rows of both classes, but the area needs both")
    return float(np.mean(areas[~np.isnan(areas)]))


def areas_of_groups(true: np.ndarray, pred: np.ndarray, codes: np.ndarray, n_groups: int) -> np.ndarray:
    """Area under the ROC of each group, NaN where its rows are of one class, (n_groups,).

    Args:
        true: Labels, bool (n,).
        pred: Scores, (n,).
        codes: Group of each row, int (n,), each from 0 to n_groups - 1 at least once.
        n_groups: Number of groups.
    """
    order = np.lexsort((pred, codes))
    sorted_codes = codes[order]
    starts = np.searchsorted(sorted_codes, np.arange(n_groups))
    # Ranks of pairs (group, score) are ranks within the group, moved by the rows of the groups before.
    distinct = np.append(True, (np.diff(sorted_codes) != 0) | (np.diff(pred[order]) != 0)).cumsum().astype(np.float64)
    ranks = average_ranks(distinct) - starts[sorted_codes]
    positive = true[order]
    p = np.bincount(sorted_codes, positive, minlength=n_groups)
    q = np.bincount(sorted_codes, minlength=n_groups) - p
    sums = np.bincount(sorted_codes, ranks * positive, minlength=n_groups)
    areas: np.ndarray = np.divide(sums - p * (p + 1) / 2, p * q, out=np.full(n_groups, np.nan), where=p * q > 0)
    return areas


def curve(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False-positive and true-positive rates from (0, 0) to (1, 1), one point for each distinct score.

    Raises:
        ValueError: As `roc_auc`.

    >>> curve(np.array([1, 0]), np.array([0.9, 0.1]))
    (array([0., 0., 1.]), array([0., 1., 1.]))
    """
    true, pred = check_scores(y_true, y_pred, ndim=1)
    check_both_classes(true)
    order = np.argsort(-pred, kind="stable")
    last = np.flatnonzero(np.append(np.diff(pred[order]) != 0, True))
    tp = np.cumsum(true[order])[last]
    fp = last + 1 - tp
    return np.append(0.0, fp / fp[-1]), np.append(0.0, tp / tp[-1])


def _area_between(fpr: np.ndarray, tpr: np.ndarray, low: float, high: float) -> float:
    """Area right of the curve, between two true-positive rates: the mean of 1 - fpr over them."""
    # Each piece of the curve is a line from (f0, t0) to (f1, t1); the part of it between the rates is a trapezoid.
    t0, t1, f0, f1 = tpr[:-1], tpr[1:], fpr[:-1], fpr[1:]
    a, b = np.clip(t0, low, high), np.clip(t1, low, high)
    slope = np.divide(f1 - f0, t1 - t0, out=np.zeros(len(t0)), where=t1 > t0)
    middle = f0 + slope * ((a + b) / 2 - t0)
    return float(np.sum((b - a) * (1 - middle)))
