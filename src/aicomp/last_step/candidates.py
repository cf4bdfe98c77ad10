"""Which last steps are worth trying for a metric, the simplest first."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from aicomp.last_step.calibration import fit_platt, fit_temperature
from aicomp.last_step.counts import COUNT_SCORES, CountScore
from aicomp.last_step.cut_points import best_cuts, default_cuts
from aicomp.last_step.multipliers import best_multipliers, prior_multipliers
from aicomp.last_step.steps import (
    PLAIN,
    Clip,
    CutPoints,
    Multipliers,
    Step,
    Threshold,
    Thresholds,
    ValueCuts,
    expected_code,
)
from aicomp.last_step.thresholds import best_micro_thresholds, best_threshold, best_thresholds, shared_threshold
from aicomp.metrics import METRICS
from aicomp.task import Task

Fit = Callable[[np.ndarray, np.ndarray], Step]
"""(targets, predictions) -> the step that is best on them."""

_UNBOUNDED = frozenset({"rmse", "mse", "rmsle", "msle", "rmspe", "r2", "mcrmse", "mcrmsle"})
"""Metrics that grow with the square of an error."""

_MOST_CUTS = 100
"""Numbers between which cut points are sought; of more, rounding misses little."""

N_ERRORS = 2.0
"""How many standard errors a step must bring."""

N_ERRORS_OF_CLIPPING = 0.5
"""Few rows are wild, so that the error of what clipping brings is about as large as that, however sure it is: clipping
makes nothing worse unless a target lies outside of all that were seen."""


@dataclass(frozen=True)
class Candidate:
    """A last step that may be worth it.

    Attributes:
        label: For people.
        fit: Fits its parameters.
        n_errors: How many standard errors it must bring.
        is_luck: Whether being chosen may be luck, so that the reported scores must allow for it.
    """

    label: str
    fit: Fit
    n_errors: float = N_ERRORS
    is_luck: bool = True


def candidates(task: Task) -> list[Candidate]:
    """The last steps to try; none for a metric that they cannot help, or that is not one of aicomp's own."""
    name = task.metric.name
    if METRICS.get(name) is not task.metric:
        return []
    if task.metric.needs == "label":
        return _decisions(task, name)
    if name in ("log_loss", "brier"):
        exclusive = task.problem_type == "multiclass"
        found = [Candidate("temperature", lambda y, p: fit_temperature(y, p, exclusive=exclusive))]
        return found if exclusive else [*found, Candidate("Platt scaling", fit_platt)]
    if name in _UNBOUNDED:
        return [Candidate("clipping to the seen range", _fit_clip, N_ERRORS_OF_CLIPPING, is_luck=False)]
    return []


def _decisions(task: Task, name: str) -> list[Candidate]:
    score = COUNT_SCORES.get(name)
    if task.problem_type == "multilabel":
        return _label_decisions(task, name)
    if task.problem_type == "regression":
        return [Candidate("cut points", _fit_value_cuts)] if name == "quadratic_weighted_kappa" else []
    if name == "quadratic_weighted_kappa" and task.problem_type == "multiclass":
        cuts = CutPoints(default_cuts(len(task.labels)))
        return [Candidate("rounded expectation", lambda y, p: cuts), Candidate("cut points", _fit_cuts)]
    if task.problem_type == "binary":
        # Of two classes, the weights of the quadratic kappa are those of the plain one.
        score = COUNT_SCORES["cohen_kappa"] if name == "quadratic_weighted_kappa" else score
        return [Candidate("threshold", _fitting_threshold(score))] if score is not None else []
    if score is None:
        return []
    return [
        Candidate("priors", _fitting_multipliers(prior_multipliers, score)),
        Candidate("multipliers", _fitting_multipliers(best_multipliers, score)),
    ]


def _label_decisions(task: Task, name: str) -> list[Candidate]:
    metric = task.metric

    def shared(y: np.ndarray, p: np.ndarray) -> Step:
        return Thresholds((shared_threshold(y, p, metric),) * y.shape[1])

    found = [Candidate("one threshold for all labels", shared)]
    if name == "f1_micro":
        found.append(Candidate("thresholds", lambda y, p: Thresholds(best_micro_thresholds(y, p))))
    of_label = {"f1_macro": "f1", "f1_weighted": "f1", "hamming_loss": "accuracy"}.get(name)
    if of_label is not None:
        score = COUNT_SCORES[of_label]
        found.append(Candidate("thresholds", lambda y, p: Thresholds(best_thresholds(y, p, score))))
    return found


def _fitting_threshold(score: CountScore) -> Fit:
    return lambda y, p: Threshold(best_threshold(y, p, score))


def _fitting_multipliers(
    find: Callable[[np.ndarray, np.ndarray, CountScore], tuple[float, ...]], score: CountScore
) -> Fit:
    return lambda y, p: Multipliers(find(y, p, score))


def _fit_cuts(y: np.ndarray, p: np.ndarray) -> Step:
    return CutPoints(best_cuts(y, expected_code(p), p.shape[1]))


def _fit_value_cuts(y: np.ndarray, p: np.ndarray) -> Step:
    first, last = int(y.min()), int(y.max())
    n = last - first + 1
    if n > _MOST_CUTS:
        return PLAIN
    return ValueCuts(first, tuple(first + cut for cut in best_cuts(y - first, p - first, n)))


def _fit_clip(y: np.ndarray, p: np.ndarray) -> Step:
    columns = y.reshape(len(y), -1)
    return Clip(tuple(map(float, columns.min(axis=0))), tuple(map(float, columns.max(axis=0))))
