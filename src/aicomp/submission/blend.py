"""Several runs as one submission: the weighted mean of their predictions, or of their ranks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from aicomp.ensemble.averaging import sees_only_ranks
from aicomp.ensemble.members import check_members, read_targets
from aicomp.ensemble.methods import Average
from aicomp.errors import UsageError
from aicomp.last_step.choice import choose_last_step, pooled_score
from aicomp.last_step.steps import PLAIN, Step
from aicomp.last_step.trials import FoldPredictions
from aicomp.predictions import pool_folds, without_prediction
from aicomp.project import Project
from aicomp.run import Run
from aicomp.task import Task

Method = Literal["mean of ranks", "mean of probabilities", "mean of values", "consensus"]


@dataclass(frozen=True)
class Blend:
    """Several runs taken together.

    Attributes:
        runs: The runs.
        weights: Weight of each, summing to 1.
        method: What is averaged.
        test: Test predictions, in the form of `Run.test_predictions`; ranks are scaled into (0, 1).
        cv: Mean, std and pooled score of the blended out-of-fold predictions.
        step: The last step, fitted on these.
    """

    runs: tuple[Run, ...]
    weights: tuple[float, ...]
    method: Method
    test: np.ndarray
    cv: dict[str, Any]
    step: Step = PLAIN


def blend_runs(project: Project, runs: Sequence[Run], weights: Sequence[float] = ()) -> Blend:
    """Blend runs of one project.

    The score is computed on the folds of the first run from the out-of-fold predictions of all: whatever folds the
    others had, no row is predicted by a model that was trained on it.

    Args:
        project: The project.
        runs: At least two different runs that are done, on the project's data.
        weights: One positive number per run; empty weighs all the same.

    Raises:
        UsageError: The runs or weights do not go together.
    """
    shares = _check(project, runs, weights)
    method = _method(project)
    test = _together(project.task, [run.test_predictions() for run in runs], shares, method)
    cv, step = _cv(project, runs, shares, method)
    return Blend(tuple(runs), tuple(map(float, shares)), method, test, cv, step)


def _together(task: Task, predictions: Sequence[np.ndarray], weights: np.ndarray, method: Method) -> np.ndarray:
    if method == "consensus":
        return task.combine(predictions, weights.tolist())
    return average(predictions, weights, method)


def average(predictions: Sequence[np.ndarray], weights: np.ndarray, method: Method) -> np.ndarray:
    """Weighted mean of predictions of the same rows, column by column.

    Args:
        predictions: Of each run, all (n,) or all (n, n_columns).
        weights: Of each run, summing to 1.
        method: Whether to average values or ranks; a rank r of n becomes (r - 0.5) / n.

    >>> average([np.array([0.1, 0.9]), np.array([0.2, 0.3])], np.array([0.5, 0.5]), "mean of ranks").tolist()
    [0.25, 0.75]
    """
    return Average(weights, of_ranks=method == "mean of ranks").combine(np.stack(predictions))


def _method(project: Project) -> Method:
    if project.task.is_string:
        return "consensus"
    if sees_only_ranks(project.task.metric, project.competition):
        return "mean of ranks"
    return "mean of probabilities" if project.task.is_classification else "mean of values"


def _check(project: Project, runs: Sequence[Run], weights: Sequence[float]) -> np.ndarray:
    """The weights, summing to 1."""
    check_members(project, runs)
    if weights and len(weights) != len(runs):
        raise UsageError(
            f"`--weight` is given {len(weights)} times, and there are {len(runs)} runs",
            "give each `--run` its `--weight`, or none",
        )
    bad = next((w for w in weights if not (np.isfinite(w) and w > 0)), None)
    if bad is not None:
        raise UsageError(f"a weight is {bad:g}", "a weight is a number above 0; leave out the run that shall not count")
    shares = np.array(weights or [1.0] * len(runs), dtype=np.float64)
    return np.asarray(shares / shares.sum())


def _cv(project: Project, runs: Sequence[Run], weights: np.ndarray, method: Method) -> tuple[dict[str, Any], Step]:
    y = read_targets(project)
    oof = [_out_of_fold(project.task, run, len(y)) for run in runs]
    validated = ~np.any([without_prediction(o) for o in oof], axis=0)
    folds = []
    for k in range(len(runs[0].scores["folds"])):
        rows = runs[0].predictions(k)["valid_rows"]
        rows = rows[validated[rows]]
        if len(rows):
            folds.append(FoldPredictions(rows, _together(project.task, [o[rows] for o in oof], weights, method)))
    if not folds:
        raise UsageError("the runs have validated no row in common", "train them on the same folds")
    choice = choose_last_step(project.task, y, folds, project.config.output.last_step)
    rows = np.flatnonzero(validated)
    together = _together(project.task, [o[rows] for o in oof], weights, method)
    pooled = pooled_score(project.task, y, rows, together, folds, choice)
    return {"mean": float(np.mean(choice.scores)), "std": float(np.std(choice.scores)), "pooled": pooled}, choice.step


def _out_of_fold(task: Task, run: Run, n_rows: int) -> np.ndarray:
    """Validation predictions of each train row, see `pool_folds`."""
    return pool_folds(task, n_rows, [run.predictions(k) for k in range(len(run.scores["folds"]))])
