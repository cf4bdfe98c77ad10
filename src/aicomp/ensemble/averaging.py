"""Weighted means of predictions or of their ranks, and where ranks may stand in for predictions."""

from collections.abc import Sequence

import numpy as np

from aicomp.competition import Competition
from aicomp.metrics.base import Metric
from aicomp.metrics.ranks import average_ranks

_RANKING = frozenset({"roc_auc", "roc_auc_mean", "average_precision", "gini", "spearman"})
"""Metrics that only see the order of one column's values. `roc_auc_ovr_macro` also wants rows that sum to 1, which
ranks do not."""


def sees_only_ranks(metric: Metric, competition: Competition) -> bool:
    """Whether ranks do as well as predictions; a threshold that decides a label wants probabilities."""
    return metric.name in _RANKING and competition.submission.wants != "label"


def scaled_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks within each column, a rank r of n becoming (r - 0.5) / n; same shape, (n,) or (n, n_columns).

    >>> scaled_ranks(np.array([0.1, 0.9])).tolist()
    [0.25, 0.75]
    """
    columns = values.reshape(len(values), -1).T
    ranks = np.stack([(average_ranks(column) - 0.5) / len(values) for column in columns], axis=1)
    return ranks.reshape(values.shape)


def weighted_mean(predictions: Sequence[np.ndarray] | np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of predictions of the same rows.

    Args:
        predictions: Of each member, all (n,) or all (n, n_columns).
        weights: Of each member, summing to 1.
    """
    return np.asarray(np.tensordot(weights, np.asarray(predictions), axes=1))
