"""How good a weighted mean of the members is: by the metric itself, or from products of their errors."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from aicomp.ensemble.averaging import weighted_mean
from aicomp.ensemble.members import Part
from aicomp.metrics import METRICS
from aicomp.task import Task

_FITTED_ROWS = 24_000
"""Rows that metrics other than those of squared errors are computed on while weights are sought; scores take all."""

_SCREENED_ROWS = 4000
"""Rows of these on which candidates are compared first."""

_VERIFIED = 3
"""Candidates of that comparison which are scored on all rows to fit on."""

_SHORTLIST = 12
_REFRESHED = 4
"""Between comparisons of all candidates, every few additions, only the best of the last one are compared."""

_SQUARED = frozenset({"rmse", "mse", "r2", "brier"})


class Objective(Protocol):
    """Score of weights on some parts; the higher, the better, whatever the metric's direction."""

    def single(self) -> np.ndarray:
        """Score of each member alone, (n_members,)."""

    def best_addition(self, counts: np.ndarray, candidates: np.ndarray) -> tuple[int, float]:
        """The member whose addition scores best, and that score.

        Args:
            counts: How often each member is in already, (n_members,).
            candidates: Numbers of the members that may be added.
        """


def make_objective(task: Task, parts: Sequence[Part]) -> Objective:
    """The mean over parts of the metric: exactly from products of errors where it is one of squared errors."""
    metric = task.metric
    flat = parts[0].y.ndim == 1 or metric.name in ("rmse", "mse")
    if metric.name in _SQUARED and METRICS[metric.name].fn is metric.fn and flat:
        return SquaredErrors(task, parts)
    return AnyMetric(task, parts)


class SquaredErrors:
    """Metrics of squared errors, from the members' products of errors: a candidate costs no pass over the rows.

    As weights sum to 1, the error of the mean is the mean of the errors, and its square a quadratic form of weights.

    Args:
        task: The learning problem, with rmse, mse, r2 or brier.
        parts: The rows.
    """

    def __init__(self, task: Task, parts: Sequence[Part]) -> None:
        self._name = task.metric.name
        products, spreads = [], []
        for part in parts:
            errors = (part.predictions - part.y).reshape(len(part.predictions), -1)
            products.append(errors @ errors.T / errors.shape[1])
            spreads.append(np.var(part.y) or 1.0)
        self._products = np.stack(products)
        self._spreads = np.array(spreads)[:, None]

    def single(self) -> np.ndarray:
        """See `Objective`."""
        return self._scores(np.einsum("kmm->km", self._products))

    def best_addition(self, counts: np.ndarray, candidates: np.ndarray) -> tuple[int, float]:
        """See `Objective`."""
        with_all = self._products @ counts
        diagonal = np.einsum("kmm->km", self._products)
        squared = ((with_all @ counts)[:, None] + 2 * with_all + diagonal) / (counts.sum() + 1) ** 2
        scores = self._scores(squared)[candidates]
        best = int(np.argmax(scores))
        return int(candidates[best]), float(scores[best])

    def _scores(self, squared: np.ndarray) -> np.ndarray:
        """Scores of mean squared errors (n_parts, n_members), (n_members,)."""
        if self._name == "rmse":
            return np.asarray(-np.sqrt(squared).mean(axis=0))
        if self._name == "r2":
            return np.asarray(1 - (squared / self._spreads).mean(axis=0))
        return np.asarray(-squared.mean(axis=0))


class AnyMetric:
    """Any metric: many candidates are compared on some rows of each part, the best few of them on more.

    Args:
        task: The learning problem.
        parts: The rows.
    """

    def __init__(self, task: Task, parts: Sequence[Part]) -> None:
        self._task = task
        self._parts = [_thinned(part, _FITTED_ROWS // len(parts)) for part in parts]
        self._screen = [_thinned(part, _SCREENED_ROWS // len(parts)) for part in parts]
        self._shortlist = np.array([], dtype=np.int64)
        self._n_additions = 0

    def single(self) -> np.ndarray:
        """See `Objective`."""
        n_members = len(self._parts[0].predictions)
        return np.array([self._score(self._parts, np.eye(n_members)[m]) for m in range(n_members)])

    def best_addition(self, counts: np.ndarray, candidates: np.ndarray) -> tuple[int, float]:
        """See `Objective`."""
        if len(candidates) > _VERIFIED and sum(len(part.y) for part in self._parts) > 2 * _SCREENED_ROWS:
            candidates = self._screened(counts, candidates)
        scores = self._additions(self._parts, counts, candidates)
        best = int(np.argmax(scores))
        return int(candidates[best]), float(scores[best])

    def _screened(self, counts: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """The few candidates that are worth a score on all rows to fit on."""
        if counts.sum() == 1:
            self._n_additions = 0  # another climb
        if self._n_additions % _REFRESHED:
            candidates = self._shortlist
        scores = self._additions(self._screen, counts, candidates)
        ordered = candidates[np.argsort(-scores, kind="stable")]
        self._shortlist = ordered[:_SHORTLIST]
        self._n_additions += 1
        return ordered[:_VERIFIED]

    def _additions(self, parts: Sequence[Part], counts: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        total = np.zeros(len(candidates))
        for part in parts:
            mixed = weighted_mean(part.predictions, counts)
            for c, m in enumerate(candidates):
                total[c] += self._task.score(part.y, (mixed + part.predictions[m]) / (counts.sum() + 1))
        return self._signed(total / len(parts))

    def _score(self, parts: Sequence[Part], weights: np.ndarray) -> float:
        scores = [self._task.score(part.y, weighted_mean(part.predictions, weights)) for part in parts]
        return float(self._signed(np.array(np.mean(scores))))

    def _signed(self, scores: np.ndarray) -> np.ndarray:
        return scores if self._task.metric.greater_is_better else -scores


def _thinned(part: Part, n_rows: int) -> Part:
    """Rows at even distances along the sorted target: each class, and each range of values, has its share."""
    if len(part.y) <= n_rows:
        return part
    order = np.argsort(part.y.reshape(len(part.y), -1).sum(axis=1), kind="stable")
    rows = order[np.linspace(0, len(order) - 1, n_rows).astype(np.int64)]
    return Part(part.y[rows], part.predictions[:, rows])
