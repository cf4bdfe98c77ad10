"""The best thresholds of probabilities: exact, by one sort and cumulative counts."""

from dataclasses import dataclass

import numpy as np

from aicomp.last_step.counts import CountScore
from aicomp.metrics.base import Metric

_GRID = np.linspace(0.02, 0.98, 49)
_MOST_ROWS = 100_000
"""Rows by which one of the grid's thresholds is chosen; of more, as many at random: each threshold costs a score."""

_TIED = 1e-12  # two scores this near are the same number, computed twice
_MAX_ROUNDS = 50


@dataclass(frozen=True)
class Cuts:
    """All decisions that thresholds on one column of probabilities can make.

    Attributes:
        n_true: Rows of class 0 and of class 1, (2,).
        n_pred: Rows predicted as each by each decision, (n_cuts, 2).
        n_both: Of these the right ones, (n_cuts, 2).
        lower: Greatest probability that each decision says 0 to.
        upper: Least probability that each decision says 1 to.
    """

    n_true: np.ndarray
    n_pred: np.ndarray
    n_both: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    @classmethod
    def of(cls, y: np.ndarray, p: np.ndarray) -> "Cuts":
        """Sort once and count.

        Args:
            y: 0 or 1, (n,).
            p: Probabilities of 1, (n,).
        """
        p = p.astype(np.float64)
        order = np.argsort(-p, kind="stable")
        p, positives = p[order], np.cumsum(y[order].astype(np.int64))
        ends = np.flatnonzero(np.append(np.diff(p) != 0, True))
        k, tp = np.append(0, ends + 1), np.append(0, positives[ends])
        n, n_positive = len(y), positives[-1]
        upper = np.append(max(1.0, np.nextafter(p[0], 2)), p[ends])
        lower = np.append(p[ends], min(0.0, np.nextafter(p[-1], -1)))
        return cls(
            np.array([n - n_positive, n_positive]),
            np.stack([n - k, k], axis=1),
            np.stack([n - n_positive - (k - tp), tp], axis=1),
            lower,
            upper,
        )

    def best(self, score: CountScore) -> tuple[float, int]:
        """The threshold of the best score, of several equal ones the nearest to 0.5, and its row of counts."""
        scores = np.nan_to_num(score(self.n_true, self.n_pred, self.n_both), nan=-np.inf)
        rows = np.flatnonzero(scores >= scores.max() - _TIED)
        lower, upper = self.lower[rows], self.upper[rows]
        middle = (lower + upper) / 2
        thresholds = np.where((lower < 0.5) & (upper >= 0.5), 0.5, np.where(middle > lower, middle, upper))
        nearest = int(np.argmin(abs(thresholds - 0.5)))
        return float(thresholds[nearest]), int(rows[nearest])


def best_threshold(y: np.ndarray, p: np.ndarray, score: CountScore) -> float:
    """The threshold with the best score of all.

    Args:
        y: 0 or 1, (n,).
        p: Probabilities of 1, (n,).
        score: The score from counts; higher is better.

    >>> from aicomp.last_step.counts import f1
    >>> best_threshold(np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4]), f1)  # F1 0.8 from 0.2 on
    0.15000000000000002
    """
    return Cuts.of(y, p).best(score)[0]


def best_thresholds(y: np.ndarray, p: np.ndarray, score: CountScore) -> tuple[float, ...]:
    """The best threshold of each label, where the metric is a sum over labels.

    Args:
        y: 0 and 1, (n, n_labels).
        p: Probabilities, (n, n_labels).
        score: The score of one label from its counts; higher is better.
    """
    return tuple(best_threshold(y[:, k], p[:, k], score) for k in range(y.shape[1]))


def best_micro_thresholds(y: np.ndarray, p: np.ndarray) -> tuple[float, ...]:
    """The thresholds of all labels together with the best F1 of their counts added up.

    2 * tp / (t + k) is a ratio of sums over labels. For a given value v of it, 2 * tp - v * k is best where each label
    by itself is best, and the ratio reached there is v or more; where it is v, nothing is better: Dinkelbach, "On
    nonlinear fractional programming", 1967.

    Args:
        y: 0 and 1, (n, n_labels).
        p: Probabilities, (n, n_labels).
    """
    labels = [Cuts.of(y[:, k], p[:, k]) for k in range(y.shape[1])]
    value, thresholds = -1.0, (0.5,) * len(labels)
    reached = 0.0
    for _ in range(_MAX_ROUNDS):
        if reached <= value:
            break
        value = reached
        found = [cuts.best(_gained(value)) for cuts in labels]
        thresholds = tuple(threshold for threshold, _ in found)
        right = sum(cuts.n_both[row, 1] for cuts, (_, row) in zip(labels, found, strict=True))
        total = sum(cuts.n_true[1] + cuts.n_pred[row, 1] for cuts, (_, row) in zip(labels, found, strict=True))
        reached = float(2 * right / total) if total else 0.0
    return thresholds


def _gained(value: float) -> CountScore:
    return lambda n_true, n_pred, n_both: 2 * n_both[..., 1] - value * n_pred[..., 1]


def shared_threshold(y: np.ndarray, p: np.ndarray, metric: Metric) -> float:
    """The best of 49 thresholds for all labels alike; of several equal ones the nearest to 0.5.

    Args:
        y: 0 and 1, (n, n_labels).
        p: Probabilities, (n, n_labels).
        metric: Of labels.
    """
    if len(y) > _MOST_ROWS:
        rows = np.random.default_rng(0).choice(len(y), _MOST_ROWS, replace=False)
        y, p = y[rows], p[rows]
    p = p.astype(np.float64)
    scores = np.array([metric(y, (p >= t).astype(np.int64)) for t in _GRID])
    signed = scores if metric.greater_is_better else -scores
    tied = _GRID[signed >= signed.max() - _TIED]
    return float(tied[np.argmin(abs(tied - 0.5))])
