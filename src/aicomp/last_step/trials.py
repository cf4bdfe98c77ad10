"""Candidates tried on rows that they were not fitted on, and the one that brings more than noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from aicomp.errors import DataError
from aicomp.last_step.candidates import Candidate
from aicomp.last_step.noise import N_BLOCKS, blocks_of, standard_error
from aicomp.last_step.steps import PLAIN, Step
from aicomp.task import Task

MIN_ROWS = 2 * N_BLOCKS
"""Fewest validated rows by which a step is chosen."""


class FoldPredictions(NamedTuple):
    """Rows that one fold validated, (n,), and the predictions of them, (n,) or (n, n_columns)."""

    rows: np.ndarray
    valid: np.ndarray


@dataclass(frozen=True)
class Trial:
    """What a candidate does on rows that it was not fitted on.

    Attributes:
        nested: For each fold, the step as fitted on the other folds.
        scores: Of each fold by that step.
        candidate: None for the plain step.
    """

    nested: tuple[Step, ...]
    scores: tuple[float, ...]
    candidate: Candidate | None = None


@dataclass(frozen=True)
class Data:
    """What the trials share; `y_rows` and `blocks` are of all folds' rows, one after the other."""

    task: Task
    y: np.ndarray
    folds: Sequence[FoldPredictions]
    y_rows: np.ndarray
    blocks: np.ndarray

    def finals(self, steps: Sequence[Step]) -> np.ndarray:
        """What the metric takes, of all folds."""
        return np.concatenate([self.task.final(f.valid, step) for f, step in zip(self.folds, steps, strict=True)])


def best_trial(
    task: Task, y: np.ndarray, folds: Sequence[FoldPredictions], found: Sequence[Candidate]
) -> tuple[Trial, list[dict[str, Any]]]:
    """Beginning with the plain step, each candidate that beats the best so far takes its place.

    Args:
        task: The task.
        y: Targets of train.
        folds: At least two.
        found: The candidates, the simplest first.

    Returns:
        The best trial, and what each brought, for JSON.

    Raises:
        DataError: A fold cannot be scored.
    """
    rows = np.concatenate([f.rows for f in folds])
    data = Data(task, y, folds, y[rows], blocks_of(rows))
    best, tried = plain_trial(task, y, folds), []
    for candidate in found:
        trial, report = _try(data, candidate, best)
        tried.append(report)
        best = trial or best
    return best, tried


def plain_trial(task: Task, y: np.ndarray, folds: Sequence[FoldPredictions]) -> Trial:
    """The trial of the plain step."""
    return Trial((PLAIN,) * len(folds), tuple(task.score(y[f.rows], f.valid) for f in folds))


def fit_step(y: np.ndarray, folds: Sequence[FoldPredictions], candidate: Candidate | None) -> Step:
    """The candidate fitted on the predictions of these folds; the plain step where there is none of either."""
    if candidate is None or not folds:
        return PLAIN
    return candidate.fit(y[np.concatenate([f.rows for f in folds])], np.concatenate([f.valid for f in folds]))


def without(folds: Sequence[FoldPredictions], k: int) -> list[FoldPredictions]:
    """All folds but `k`, without the rows that `k` validated too, in another repetition."""
    inside = np.zeros(max(int(f.rows.max()) for f in folds) + 1, dtype=bool)
    inside[folds[k].rows] = True
    others = [(f, ~inside[f.rows]) for j, f in enumerate(folds) if j != k]
    return [FoldPredictions(f.rows[keep], f.valid[keep]) for f, keep in others if keep.any()]


def _try(data: Data, candidate: Candidate, best: Trial) -> tuple[Trial | None, dict[str, Any]]:
    """The candidate's trial if it beats the best so far, else None; and what is told of it."""
    task = data.task
    nested = tuple(fit_step(data.y, without(data.folds, k), candidate) for k in range(len(data.folds)))
    try:
        scores = tuple(task.score(data.y[f.rows], f.valid, step) for f, step in zip(data.folds, nested, strict=True))
        gain, error = _gain(data, best, nested)
    except DataError as e:
        return None, {"name": candidate.label, "kept": False, "error": e.message}
    sign = 1 if task.metric.greater_is_better else -1
    by_fold = sign * (np.array(scores) - np.array(best.scores))
    kept = bool(by_fold.mean() > 0 and gain > candidate.n_errors * error)
    report = {
        "name": candidate.label,
        "kept": kept,
        "mean": float(np.mean(scores)),
        "gain": gain,
        "standard_error": error if np.isfinite(error) else None,
    }
    return Trial(nested, scores, candidate) if kept else None, report


def _gain(data: Data, best: Trial, nested: tuple[Step, ...]) -> tuple[float, float]:
    """How much better the score over all rows is than the best so far, and the standard error of that."""
    task = data.task
    before, after = data.finals(best.nested), data.finals(nested)
    if np.array_equal(before, after):
        return 0.0, 0.0
    difference = task.score_final(data.y_rows, after) - task.score_final(data.y_rows, before)
    error = standard_error(task, data.y_rows, before, after, data.blocks)
    return (difference if task.metric.greater_is_better else -difference), error
