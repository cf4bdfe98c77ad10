"""Scores that compare groups of rows: whether a model is as good, or as severe, with one as with another."""

import numpy as np

from aicomp.metrics.checks import check_groups, check_scores, check_two_classes
from aicomp.metrics.probability import area, check_both_classes

_POWER = -5.0


def bias_auc(y_true: np.ndarray, y_pred: np.ndarray, *, groups: np.ndarray) -> float:
    """Overall area under the ROC and its generalized means over subgroups, of Kaggle's Jigsaw (2019); higher is better.

    (overall + M(subgroup) + M(BPSN) + M(BNSP)) / 4 with M(x) = mean(x^-5)^(-1/5) over the groups. Of each group the
    three areas are those of its rows, of its negatives with the positives outside (BPSN), and of its positives with
    the negatives outside (BNSP): Borkan et al., "Nuanced Metrics for Measuring Unintended Bias with Real Data for Text
    Classification", 2019. Jigsaw takes nine identities, and a row is toxic, or of an identity, from 0.5 on; in a file,
    shares of both are to be rounded so before.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: Probabilities or any scores, (n,).
        groups: 1 where a row is of a group, a column for each, (n, n_groups).

    Raises:
        ValueError: The shapes do not fit, a value is wrong, or one of the sets of a group is of one class.

    >>> y, p = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.3, 0.8])
    >>> bias_auc(y, p, groups=np.array([[1], [1], [0], [0]]))  # all four are 1
    1.0
    """
    true, pred = check_scores(y_true, y_pred, ndim=1)
    flags = np.asarray(groups)
    if flags.ndim != 2 or len(flags) != len(true) or not flags.shape[1]:
        raise ValueError(f"`groups` has shape {flags.shape}, but ({len(true)}, n_groups) is needed")
    check_both_classes(true)
    areas = []
    for k in range(flags.shape[1]):
        inside = flags[:, k] == 1
        parts = (inside, (inside & ~true) | (~inside & true), (inside & true) | (~inside & ~true))
        for rows, part in zip(parts, ("its own rows", "BPSN", "BNSP"), strict=True):
            if not true[rows].any() or true[rows].all():
                raise ValueError(f"column {k} of `groups` has no area ({part}): the rows are of one class")
        areas.append([area(true[rows], pred[rows]) for rows in parts])
    # An area of 0 to a negative power is infinite, and so the mean is 0.
    with np.errstate(divide="ignore"):
        means = np.mean(np.array(areas) ** _POWER, axis=0) ** (1 / _POWER)
    return float((area(true, pred) + means.sum()) / 4)


def demographic_parity_difference(y_true: np.ndarray, y_pred: np.ndarray, *, group: np.ndarray) -> float:
    """Largest difference between groups of the share that is predicted positive; lower is better, 0 is parity.

    Dwork et al., "Fairness Through Awareness", 2012. The true labels are checked and not read.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: 0 or 1, (n,).
        group: Which rows belong together, (n,).

    Raises:
        ValueError: The shapes differ, or a value is neither 0 nor 1.

    >>> group = np.array(["a", "a", "b", "b"], object)
    >>> demographic_parity_difference(np.array([1, 0, 1, 0]), np.array([1, 1, 1, 0]), group=group)  # 1 and 1/2
    0.5
    """
    true, pred = check_two_classes(y_true, y_pred)
    codes, _ = check_groups("group", group, len(true))
    return float(np.ptp(np.bincount(codes, pred) / np.bincount(codes)))


def equalized_odds_difference(y_true: np.ndarray, y_pred: np.ndarray, *, group: np.ndarray) -> float:
    """Largest difference between groups of true-positive or of false-positive rates; lower is better, 0 is equality.

    Hardt, Price, Srebro, "Equality of Opportunity in Supervised Learning", NeurIPS 2016.

    Args:
        y_true: 0 or 1, (n,).
        y_pred: 0 or 1, (n,).
        group: Which rows belong together, (n,).

    Raises:
        ValueError: The shapes differ, a value is neither 0 nor 1, or a group is of one class.

    >>> group = np.array(["a", "a", "b", "b"], object)
    >>> equalized_odds_difference(np.array([1, 0, 1, 0]), np.array([1, 1, 1, 0]), group=group)  # 1 - 1 and 1 - 0
    1.0
    """
    true, pred = check_two_classes(y_true, y_pred)
    codes, names = check_groups("group", group, len(true))
    differences = []
    for label in (0, 1):
        n = np.bincount(codes, true == label)
        if not n.all():
            raise ValueError(f"`group` {names[int(np.argmin(n))]} has no row of class {label}, so that it has no rate")
        differences.append(np.ptp(np.bincount(codes, pred * (true == label)) / n))
    return float(max(differences))
