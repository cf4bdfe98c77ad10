"""A metric: the recall of the class that is found worst."""

import numpy as np

from aicomp.metrics import Metric


def worst_recall(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Smallest share, over the classes, of its rows that are found.

    >>> worst_recall(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]))
    0.5
    """
    return min(float(np.mean(y_pred[y_true == k] == k)) for k in np.unique(y_true))


WORST_RECALL = Metric(
    "worst_recall",
    worst_recall,
    greater_is_better=True,
    needs="label",
    problem_types=frozenset({"binary", "multiclass"}),
)
