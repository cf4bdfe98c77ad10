"""What two runs predicted of the same rows: targets, out-of-fold predictions, and what the metric takes."""

from dataclasses import dataclass

import numpy as np

from aicomp.ensemble.members import check_members, read_targets
from aicomp.errors import UsageError
from aicomp.last_step.choice import apply_nested, choose_last_step
from aicomp.last_step.steps import PLAIN, load_step
from aicomp.last_step.trials import FoldPredictions
from aicomp.predictions import pool_folds, without_prediction
from aicomp.project import Project
from aicomp.run import Run


@dataclass(frozen=True)
class Side:
    """One run on the rows that both validated.

    Attributes:
        run: The run.
        oof: Out-of-fold predictions as its models made them, (n,) or (n, n_columns).
        final: What the metric takes of them, by last steps that were fitted on other folds.
    """

    run: Run
    oof: np.ndarray
    final: np.ndarray


@dataclass(frozen=True)
class Sides:
    """Two runs on the rows that both validated.

    Attributes:
        rows: Numbers of these rows in train, ascending.
        y: Their targets.
        ids: Their ids, as one string each.
        fold: The first fold of b that validates each.
        a: The first run.
        b: The second run.
    """

    rows: np.ndarray
    y: np.ndarray
    ids: list[str]
    fold: np.ndarray
    a: Side
    b: Side


def read_sides(project: Project, a: Run, b: Run) -> Sides:
    """Read what two runs predicted.

    Raises:
        UsageError: They cannot be compared row by row: one was made on other data or by another metric than the
            project has now, or they validate no row in common.
        DataError: A run is damaged.
    """
    check_members(project, [a, b])
    y = read_targets(project)
    read = [_read(project, run, y) for run in (a, b)]
    both = ~without_prediction(read[0].oof) & ~without_prediction(read[1].oof)
    rows = np.flatnonzero(both)
    if not len(rows):
        raise UsageError("the two runs validate no row in common", "train both with the same `[split]`")
    left, right = (Side(side.run, side.oof[rows], side.final[rows]) for side in read)
    return Sides(rows, y[rows], _ids(a, rows), _folds(b, len(y))[rows], left, right)


def _read(project: Project, run: Run, y: np.ndarray) -> Side:
    arrays = [run.predictions(k) for k in range(len(run.scores["folds"]))]
    task = project.task
    oof = pool_folds(task, len(y), arrays)
    step = load_step(run.folder)
    folds = [FoldPredictions(fold["valid_rows"], fold["valid"]) for fold in arrays]
    if step == PLAIN:
        known = ~without_prediction(oof)
        first = task.final(oof[known])
        final = np.full((len(oof), *first.shape[1:]), None if first.dtype == object else 0, dtype=first.dtype)
        final[known] = first
        return Side(run, oof, final)
    # What a run keeps is fitted on all rows; its scores are those of steps that were fitted without each fold.
    choice = choose_last_step(task, y, folds)
    return Side(run, oof, apply_nested(oof, folds, choice, task.final))


def _ids(run: Run, rows: np.ndarray) -> list[str]:
    """Ids of some train rows; their numbers, counted from 0, where train has none."""
    ids = run.ids("train").frame()
    if not ids.shape[1]:
        return [str(row) for row in rows]
    return [", ".join(map(str, values)) for values in ids.iloc[rows].itertuples(index=False, name=None)]


def _folds(run: Run, n_rows: int) -> np.ndarray:
    first = np.full(n_rows, -1)
    for k in reversed(range(len(run.scores["folds"]))):
        first[run.predictions(k)["valid_rows"]] = k
    return first
