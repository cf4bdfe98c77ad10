"""How good a weighted mean of the members is: by the metric itself, or faster where the metric allows it."""

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

_LEAST_PROBABILITY = 1e-15
"""Distance that the logarithmic loss keeps from 0 and 1, as in `aicomp.metrics.probability`."""

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
    """The mean over parts of the metric: from products of errors, or the labels' probabilities, where these suffice."""
    metric = task.metric
    flat = parts[0].y.ndim == 1 or metric.name in ("rmse", "mse")
    is_built_in = metric.name in METRICS and METRICS[metric.name].fn is metric.fn
    if is_built_in and metric.name in _SQUARED and flat:
        return SquaredErrors(task, parts)
    if is_built_in and metric.name == "log_loss":
        return LogLosses(task, parts)
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


class LogLosses:
    """The log loss, from the probability that each member gives to what happened: other classes do not count.

    Args:
        task: The learning problem, with log_loss.
        parts: The rows.
    """

    def __init__(self, task: Task, parts: Sequence[Part]) -> None:
        thinned = [_thinned(part, _FITTED_ROWS // len(parts)) for part in parts]
        self._of_label = [_of_label(task, part) for part in thinned]

    def single(self) -> np.ndarray:
        """See `Objective`."""
        return np.asarray(np.mean([_mean_log(p) for p in self._of_label], axis=0))

    def best_addition(self, counts: np.ndarray, candidates: np.ndarray) -> tuple[int, float]:
        """See `Objective`."""
        scores = np.mean([_mean_log((p[candidates] + counts @ p) / (counts.sum() + 1)) for p in self._of_label], axis=0)
        best = int(np.argmax(scores))
        return int(candidates[best]), float(scores[best])


def _of_label(task: Task, part: Part) -> np.ndarray:
    """The members' probabilities of each row's label, of several labels one after the other: (n_members, n)."""
    n_members = len(part.predictions)
    if task.problem_type == "multiclass":
        of_class = part.predictions[:, np.arange(len(part.y)), part.y.astype(np.int64)]
        return np.asarray(of_class / part.predictions.sum(axis=2))
    return np.where(part.y == 1, part.predictions, 1 - part.predictions).reshape(n_members, -1)


def _mean_log(probabilities: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.clip(probabilities, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)).mean(axis=1))


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
        members = range(len(self._parts[0].predictions))
        scores = [[self._task.score(part.y, part.predictions[m]) for m in members] for part in self._parts]
        return self._signed(np.mean(scores, axis=0))

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
            chosen = np.flatnonzero(counts)
            mixed = weighted_mean(part.predictions[chosen], counts[chosen])
            for c, m in enumerate(candidates):
                total[c] += self._task.score(part.y, (mixed + part.predictions[m]) / (counts.sum() + 1))
        return self._signed(total / len(parts))

    def _signed(self, scores: np.ndarray) -> np.ndarray:
        return scores if self._task.metric.greater_is_better else -scores


def _thinned(part: Part, n_rows: int) -> Part:
    """Rows at even distances along the sorted target: each class, and each range of values, has its share."""
    if len(part.y) <= n_rows:
        return part
    order = np.argsort(part.y.reshape(len(part.y), -1).sum(axis=1), kind="stable")
    rows = order[np.linspace(0, len(order) - 1, n_rows).astype(np.int64)]
    # Contiguous, or each product with weights would copy all of it.
    return Part(part.y[rows], np.ascontiguousarray(part.predictions[:, rows]))
