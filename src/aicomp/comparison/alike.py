"""How alike two runs are, and what both together could gain."""

from dataclasses import dataclass

import numpy as np

from aicomp.comparison.sides import Sides
from aicomp.ensemble.averaging import sees_only_ranks
from aicomp.ensemble.methods import Average
from aicomp.errors import DataError
from aicomp.metrics.consensus import chrf_similarity
from aicomp.metrics.ranks import average_ranks
from aicomp.project import Project
from aicomp.task import Task

_N_WEIGHTS = 21
_MOST_STRINGS = 500
"""Rows whose strings are compared, character by character."""


@dataclass(frozen=True)
class Alike:
    """Correlations of two runs, each None where one of them never varies or there is no such thing.

    Attributes:
        predictions: Pearson's, of the out-of-fold predictions, each column about its mean.
        ranks: Spearman's, of predictions that are one column.
        errors: Pearson's, of prediction less truth: below 1 there is something for a blend to gain.
        test: Pearson's, of the test predictions.
        same_label: Share of rows that get the same label, where the metric takes labels.
        similarity: Of strings, the mean chrF of one to the other.
    """

    predictions: float | None = None
    ranks: float | None = None
    errors: float | None = None
    test: float | None = None
    same_label: float | None = None
    similarity: float | None = None


@dataclass(frozen=True)
class Gain:
    """What a blend of two runs could gain at most; the weight is chosen by the very rows it is scored on.

    Attributes:
        method: What is averaged: "probabilities", "values" or "ranks".
        weights: Weights of b that were tried, from 0 to 1.
        scores: Score of each on all rows together, without a last step.
        weight: The one with the best score.
        gain: Its score above the better of the two alone: in the metric's unit, never below 0.
    """

    method: str
    weights: tuple[float, ...]
    scores: tuple[float, ...]
    weight: float
    gain: float

    @property
    def best(self) -> float:
        """The best score."""
        return self.scores[self.weights.index(self.weight)]


def alike(task: Task, sides: Sides) -> Alike:
    """Correlate two runs."""
    a, b = sides.a, sides.b
    if task.is_string:
        pairs = list(zip(a.oof, b.oof, strict=True))[:_MOST_STRINGS]
        return Alike(similarity=float(np.mean([chrf_similarity(str(x), str(y)) for x, y in pairs])))
    truth = _as_predictions(task, sides.y, a.oof)
    flat = a.oof.ndim == 1
    has_labels = task.metric.needs == "label" and task.is_classification
    return Alike(
        predictions=_correlation(a.oof, b.oof),
        ranks=_correlation(average_ranks(a.oof), average_ranks(b.oof)) if flat else None,
        errors=_correlation(a.oof - truth, b.oof - truth),
        test=_correlation(a.run.test_predictions(), b.run.test_predictions()),
        same_label=float((a.final == b.final).mean()) if has_labels else None,
    )


def most_a_blend_gains(project: Project, sides: Sides) -> Gain | None:
    """Score weighted means of two runs; None of strings, which have no mean, and where the metric is not defined."""
    task = project.task
    if task.is_string:
        return None
    of_ranks = sees_only_ranks(task.metric, project.competition)
    both = np.stack([sides.a.oof, sides.b.oof]).astype(np.float64)
    weights = np.linspace(0, 1, _N_WEIGHTS)
    try:
        scores = [task.score(sides.y, Average(np.array([1 - w, w]), of_ranks).combine(both)) for w in weights]
    except DataError:
        return None
    sign = 1 if task.metric.greater_is_better else -1
    best = int(np.argmax(sign * np.array(scores)))
    gain = sign * (scores[best] - max(scores[0], scores[-1], key=lambda score: sign * score))
    method = "ranks" if of_ranks else "probabilities" if task.is_classification else "values"
    return Gain(method, tuple(map(float, weights)), tuple(scores), float(weights[best]), float(gain))


def _as_predictions(task: Task, y: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Targets in the shape of predictions: of classes, 1 for the true one."""
    if task.problem_type != "multiclass":
        return y
    truth = np.zeros(like.shape)
    truth[np.arange(len(y)), y.astype(np.int64)] = 1
    return truth


def _correlation(x: np.ndarray, y: np.ndarray) -> float | None:
    """Pearson's correlation of all numbers, each column about its mean."""
    left, right = (np.asarray(v, dtype=np.float64).reshape(len(v), -1) for v in (x, y))
    left, right = left - left.mean(axis=0), right - right.mean(axis=0)
    scale = np.sqrt((left**2).sum() * (right**2).sum())
    return None if scale == 0 else float(np.clip((left * right).sum() / scale, -1, 1))
