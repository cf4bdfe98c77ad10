"""Choose the last step of a run by what it brings to rows that it was not fitted on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aicomp.errors import DataError
from aicomp.last_step.candidates import Candidate, candidates
from aicomp.last_step.steps import PLAIN, Step
from aicomp.last_step.trials import MIN_ROWS, FoldPredictions, Trial, best_trial, fit_step, plain_trial, without
from aicomp.task import Task

MANY_ROWS = 200_000
"""From here on the choice itself is not repeated without each fold: it is no longer a matter of luck."""


@dataclass(frozen=True)
class Choice:
    """A last step and what is known of it.

    Attributes:
        step: Fitted on the out-of-fold predictions of all folds: for rows that are yet to come.
        nested: For each fold, the step as chosen and fitted on the other folds: for the rows that this fold validated.
        scores: Of each fold by its nested step.
        plain: Of each fold without any.
        reason: Why this one, as a sentence; empty if there was no choice.
        tried: What each candidate brought, for JSON.
    """

    step: Step
    nested: tuple[Step, ...]
    scores: tuple[float, ...]
    plain: tuple[float, ...]
    reason: str
    tried: tuple[dict[str, Any], ...] = ()


def choose_last_step(task: Task, y: np.ndarray, folds: Sequence[FoldPredictions], mode: str = "auto") -> Choice:
    """Fit the steps that may help, and keep one only if it does.

    A step is fitted K times on the predictions of all folds but one (and of no row that this one validated) and scored
    on that one. Beginning with the plain step, each candidate, the simplest first, takes the place of the best so far
    if its mean score over the folds is better and its score over all rows is better by more than 2 standard errors of
    that difference (jackknife over 25 blocks of rows; for clipping half a one, see `candidates`).

    As a choice by scores favours those that were lucky, the whole of it, choice and fit, is then made again without
    each fold and scored on that one (not for clipping, which hangs on the fold that holds a wild row). These are the
    scores that are reported; if their mean is not better than that of the plain step, the plain step stays.

    Args:
        task: The task.
        y: Targets of train.
        folds: What each fold predicted.
        mode: "auto", or "none" for the plain step.

    Raises:
        DataError: A fold cannot be scored.
    """
    plain = plain_trial(task, y, folds)
    found = candidates(task) if mode == "auto" else []
    if not found:
        return _stay(plain, "set in the config" if mode != "auto" else "")
    if len(folds) < 2:
        return _stay(plain, "one fold cannot tell whether another step helps")
    if len(np.unique(np.concatenate([f.rows for f in folds]))) < MIN_ROWS:
        return _stay(plain, f"fewer than {MIN_ROWS} rows cannot tell whether another step helps")
    best, tried = best_trial(task, y, folds, found)
    if best.candidate is None:
        return _stay(plain, "no other step brings more than noise", tried)
    try:
        nested = tuple(_chosen_without(task, y, folds, k, found, best) for k in range(len(folds)))
        scores = tuple(task.score(y[f.rows], f.valid, step) for f, step in zip(folds, nested, strict=True))
    except DataError as e:  # of the plain step all folds could be scored, above
        return _stay(plain, f"the choice cannot be made again without each fold: {e.message}", tried)
    if not task.metric.better(float(np.mean(scores)), float(np.mean(plain.scores))):
        return _stay(plain, f"without one fold or another, {best.candidate.label} would not have been chosen", tried)
    reason = f"{best.candidate.label} brings more than noise"
    return Choice(fit_step(y, folds, best.candidate), nested, scores, plain.scores, reason, tuple(tried))


def _chosen_without(
    task: Task, y: np.ndarray, folds: Sequence[FoldPredictions], k: int, found: list[Candidate], best: Trial
) -> Step:
    """The step that would have been chosen and fitted without fold `k`."""
    assert best.candidate is not None
    if not best.candidate.is_luck or len(folds) < 3 or len(y) >= MANY_ROWS:
        return best.nested[k]
    others = without(folds, k)
    return fit_step(y, others, best_trial(task, y, others, found)[0].candidate) if len(others) > 1 else PLAIN


def _stay(plain: Trial, reason: str, tried: Sequence[dict[str, Any]] = ()) -> Choice:
    return Choice(PLAIN, plain.nested, plain.scores, plain.scores, reason, tuple(tried))


def apply_nested(
    oof: np.ndarray,
    folds: Sequence[FoldPredictions],
    choice: Choice,
    apply: Callable[[np.ndarray, Step], np.ndarray],
) -> np.ndarray:
    """Apply to each row of `oof` the step of the first fold that validates it: one that was fitted without it.

    Args:
        oof: Out-of-fold predictions of train, (n,) or (n, n_columns).
        folds: What `choice` was made from.
        choice: The choice.
        apply: (rows of `oof`, step) -> their values; one per row or of the rows' shape.

    Returns:
        The values of all rows; NaN or None where a row was never validated (0 where values are whole numbers).
    """
    parts, seen = [], np.zeros(len(oof), dtype=bool)
    for fold, step in zip(folds, choice.nested, strict=True):
        rows = fold.rows[~seen[fold.rows]]
        seen[rows] = True
        parts.append((rows, apply(oof[rows], step)))
    first = parts[0][1]
    filler = {"i": 0, "O": None}.get(first.dtype.kind, np.nan)
    result = np.full((len(oof), *first.shape[1:]), filler, dtype=first.dtype)
    for rows, values in parts:
        result[rows] = values
    return result


def pooled_score(
    task: Task, y: np.ndarray, rows: np.ndarray, oof: np.ndarray, folds: Sequence[FoldPredictions], choice: Choice
) -> float:
    """Score of all validated rows together, each by a step that was fitted without it.

    Args:
        task: The task.
        y: Targets of train.
        rows: The validated rows.
        oof: Their predictions, in the same order.
        folds: What `choice` was made from.
        choice: The choice.

    Raises:
        DataError: The rows cannot be scored.
    """
    missing = None if oof.dtype == object else np.nan
    of_train = np.full((len(y), *oof.shape[1:]), missing, dtype=oof.dtype)
    of_train[rows] = oof
    return task.score_final(y[rows], apply_nested(of_train, folds, choice, task.final)[rows])
