"""Several runs as one submission: the weighted mean of their predictions, or of their ranks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from aicomp.data.reading import read_table
from aicomp.dataset import encode_target
from aicomp.errors import UsageError
from aicomp.metrics.ranks import average_ranks
from aicomp.project import Project
from aicomp.raw_data import data_hash
from aicomp.run import Run

_RANKING = frozenset({"roc_auc", "roc_auc_mean", "average_precision", "gini", "spearman"})
"""Metrics that only see the order of one column's values. `roc_auc_ovr_macro` also wants rows that sum to 1, which
ranks do not."""

Method = Literal["mean of ranks", "mean of probabilities", "mean of values"]


@dataclass(frozen=True)
class Blend:
    """Several runs taken together.

    Attributes:
        runs: The runs.
        weights: Weight of each, summing to 1.
        method: What is averaged.
        test: Test predictions, in the form of `Run.test_predictions`; ranks are scaled into (0, 1).
        cv: Mean, std and pooled score of the blended out-of-fold predictions.
    """

    runs: tuple[Run, ...]
    weights: tuple[float, ...]
    method: Method
    test: np.ndarray
    cv: dict[str, Any]


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
    test = average([run.test_predictions() for run in runs], shares, method)
    return Blend(tuple(runs), tuple(map(float, shares)), method, test, _cv(project, runs, shares, method))


def average(predictions: Sequence[np.ndarray], weights: np.ndarray, method: Method) -> np.ndarray:
    """Weighted mean of predictions of the same rows, column by column.

    Args:
        predictions: Of each run, all (n,) or all (n, n_columns).
        weights: Of each run, summing to 1.
        method: Whether to average values or ranks; a rank r of n becomes (r - 0.5) / n.

    >>> average([np.array([0.1, 0.9]), np.array([0.2, 0.3])], np.array([0.5, 0.5]), "mean of ranks").tolist()
    [0.25, 0.75]
    """
    arrays = [_scaled_ranks(p) if method == "mean of ranks" else p for p in predictions]
    return np.asarray(np.tensordot(weights, np.stack(arrays), axes=1))


def _scaled_ranks(values: np.ndarray) -> np.ndarray:
    columns = values.reshape(len(values), -1).T
    ranks = np.stack([(average_ranks(column) - 0.5) / len(values) for column in columns], axis=1)
    return ranks.reshape(values.shape)


def _method(project: Project) -> Method:
    # A label is decided by a threshold on probabilities, which ranks are not.
    if project.task.metric.name in _RANKING and project.competition.submission.wants != "label":
        return "mean of ranks"
    return "mean of probabilities" if project.task.is_classification else "mean of values"


def _check(project: Project, runs: Sequence[Run], weights: Sequence[float]) -> np.ndarray:
    """The weights, summing to 1."""
    ids = [run.id for run in runs]
    twice = next((i for i in ids if ids.count(i) > 1), None)
    if twice is not None:
        raise UsageError(f"run `{twice}` is named twice", "name each run once; `--weight` gives one more of a say")
    if weights and len(weights) != len(runs):
        raise UsageError(f"{len(weights)} weights for {len(runs)} runs", "give each `--run` its `--weight`, or none")
    bad = next((w for w in weights if not (np.isfinite(w) and w > 0)), None)
    if bad is not None:
        raise UsageError(f"a weight is {bad:g}", "a weight is a number above 0; leave out the run that shall not count")
    current = data_hash(project.folder)
    for run in runs:
        if run.info.get("data_hash") != current:
            raise UsageError(f"run `{run.id}` was trained on other data than `{project.raw}` holds", "train it again")
        metric = run.scores["metric"]
        if metric != project.task.metric.name:
            raise UsageError(
                f"run `{run.id}` was scored by `{metric}`, not `{project.task.metric.name}`", "train again"
            )
    shares = np.array(weights or [1.0] * len(runs), dtype=np.float64)
    return np.asarray(shares / shares.sum())


def _cv(project: Project, runs: Sequence[Run], weights: np.ndarray, method: Method) -> dict[str, Any]:
    y = _targets(project)
    oof = [_out_of_fold(run, len(y)) for run in runs]
    validated = np.all([np.isfinite(o.reshape(len(y), -1)).all(axis=1) for o in oof], axis=0)
    scores = []
    for k in range(len(runs[0].scores["folds"])):
        rows = runs[0].predictions(k)["valid_rows"]
        rows = rows[validated[rows]]
        if len(rows):
            scores.append(project.task.score(y[rows], average([o[rows] for o in oof], weights, method)))
    if not scores:
        raise UsageError("the runs have validated no row in common", "train them on the same folds")
    rows = np.flatnonzero(validated)
    pooled = project.task.score(y[rows], average([o[rows] for o in oof], weights, method))
    return {"mean": float(np.mean(scores)), "std": float(np.std(scores)), "pooled": pooled}


def _targets(project: Project) -> np.ndarray:
    competition = project.competition
    path = project.raw / competition.files.train
    columns = {*competition.id, *competition.target}
    return encode_target(read_table(path, strings=columns, encoding=competition.files.encoding), competition, path)


def _out_of_fold(run: Run, n_rows: int) -> np.ndarray:
    """Mean of each train row's validation predictions, NaN where a row was never validated."""
    folds: list[dict[str, Any]] = [run.predictions(k) for k in range(len(run.scores["folds"]))]
    shape = (n_rows, *folds[0]["valid"].shape[1:])
    total, count = np.zeros(shape), np.zeros(n_rows)
    for fold in folds:
        total[fold["valid_rows"]] += fold["valid"]
        count[fold["valid_rows"]] += 1
    divisor = np.where(count > 0, count, np.nan).reshape(-1, *[1] * (len(shape) - 1))
    return np.asarray(total / divisor)
