"""The members of a blend: runs with the same rows in the same folds, side by side as arrays."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aicomp.dataset import load_dataset, read_train_targets
from aicomp.errors import DataError, UsageError
from aicomp.files import reading
from aicomp.project import Project
from aicomp.raw_data import data_hash
from aicomp.run import Run, list_runs


@dataclass(frozen=True)
class Part:
    """Rows on which weights are fitted or scored, all of one fold.

    Attributes:
        y: Targets, (n,) or (n, n_targets).
        predictions: Of each member, (n_members, n) or (n_members, n, n_columns); of strings, object.
    """

    y: np.ndarray
    predictions: np.ndarray


@dataclass(frozen=True)
class Members:
    """Runs of one project with the same folds.

    Attributes:
        runs: The runs.
        y: Targets of train.
        valid_rows: Validation rows of each fold, int64.
        parts: Targets and out-of-fold predictions of each fold.
        test: Test predictions of each run, (n_members, n_test) or (n_members, n_test, n_columns).
    """

    runs: tuple[Run, ...]
    y: np.ndarray
    valid_rows: tuple[np.ndarray, ...]
    parts: tuple[Part, ...]
    test: np.ndarray

    def without(self, k: int) -> list[Part]:
        """The parts of the other folds, without the rows of fold `k`: with repeats these are in other folds too."""
        kept = []
        for j, (rows, part) in enumerate(zip(self.valid_rows, self.parts, strict=True)):
            if j == k:
                continue
            is_free = ~np.isin(rows, self.valid_rows[k])
            if is_free.all():
                kept.append(part)
            elif is_free.any():
                kept.append(Part(part.y[is_free], part.predictions[:, is_free]))
        return kept


def read_folds(run: Run) -> list[np.ndarray]:
    """Validation rows of each fold of a run that is done."""
    from safetensors import safe_open

    rows = []
    for k in range(len(run.scores["folds"])):
        path = run.fold(k) / "predictions.safetensors"
        with reading(path), safe_open(path, framework="numpy") as file:
            rows.append(np.asarray(file.get_tensor("valid_rows")))
    return rows


def folds_hash(folds: Sequence[np.ndarray]) -> str:
    """SHA-256 of which rows each fold validates, whatever their order in the fold."""
    digest = hashlib.sha256()
    for rows in folds:
        digest.update(len(rows).to_bytes(8, "little") + np.sort(rows).astype("<i8").tobytes())
    return digest.hexdigest()


def choose_runs(project: Project) -> tuple[list[Run], dict[str, str]]:
    """The runs that a blend takes if none is named, and why others are left out, by id.

    Blends are left out: their members are there themselves. Of runs with several foldings, the commonest is taken, and
    of two equally common ones the newer.

    Raises:
        UsageError: Fewer than two runs go together.
    """
    current, metric = data_hash(project.folder), project.task.metric.name
    fitting, left_out = [], {}
    for run in list_runs(project.runs):
        if not run.is_done:
            left_out[run.id] = "not finished"
        elif run.kind == "blend":
            left_out[run.id] = "a blend itself; name it to take it in"
        elif run.info.get("data_hash") != current:
            left_out[run.id] = "made on other data"
        elif run.scores["metric"] != metric:
            left_out[run.id] = f"scored by `{run.scores['metric']}`"
        else:
            fitting.append(run)
    hashes = {run.id: folds_hash(read_folds(run)) for run in fitting}
    count = Counter(hashes.values())
    # Runs are sorted by their age: the last of the commonest is the newest.
    chosen = max(reversed(list(hashes.values())), key=count.__getitem__, default=None)
    for run in fitting:
        if hashes[run.id] != chosen:
            left_out[run.id] = "other folds"
    runs = [run for run in fitting if hashes[run.id] == chosen]
    if len(runs) < 2:
        raise UsageError(
            f"`{project.runs}` holds {len(runs)} run{'' if len(runs) == 1 else 's'} to blend, two are needed",
            "train more, for example `aicomp train --set seed=1` or `aicomp train --set model.name=mlp`",
        )
    return runs, left_out


def load_members(project: Project, runs: Sequence[Run]) -> Members:
    """Read runs that shall be blended.

    Raises:
        UsageError: Fewer than two, one named twice, or they differ in data, metric or folds.
        DataError: The project's data is damaged, or a run's predictions do not fit it.
    """
    check_members(project, runs)
    if len(runs) < 2:
        raise UsageError(f"{len(runs)} run cannot be blended, two are needed", "name another run, or none for all")
    y = read_targets(project)
    folds = [np.sort(rows) for rows in read_folds(runs[0])]
    wanted = folds_hash(folds)
    for run in runs[1:]:
        found = read_folds(run)
        if folds_hash(found) != wanted:
            raise UsageError(
                f"runs `{runs[0].id}` and `{run.id}` have other folds: {folds_difference(folds, found)}",
                "weights are fitted and scored fold by fold: train both with the same `[split]`, or leave one out",
            )
    loaded = [[run.predictions(k) for k in range(len(folds))] for run in runs]
    shapes = {run.id: arrays[0]["valid"].shape[1:] for run, arrays in zip(runs, loaded, strict=True)}
    odd = next((i for i, shape in shapes.items() if shape != shapes[runs[0].id]), None)
    if odd is not None or folds[0].max() >= len(y):
        raise DataError(f"run `{odd or runs[0].id}` does not fit the project's contract or data", "train it again")
    parts = []
    for k, rows in enumerate(folds):
        valid = [arrays[k]["valid"][np.argsort(arrays[k]["valid_rows"])] for arrays in loaded]
        parts.append(Part(y[rows], stacked(valid)))
    test = stacked([run.test_predictions() for run in runs])
    return Members(tuple(runs), y, tuple(folds), tuple(parts), test)


def stacked(predictions: Sequence[np.ndarray]) -> np.ndarray:
    """Predictions of several members side by side, (n_members, ...): float64, or object where they are strings."""
    together = np.stack(predictions)
    return together if together.dtype == object else together.astype(np.float64)


def check_members(project: Project, runs: Sequence[Run]) -> None:
    """Refuse runs that cannot be taken together, whatever their folds.

    Raises:
        UsageError: One is named twice, or was made on other data or by another metric than the project has now.
    """
    ids = [run.id for run in runs]
    twice = next((i for i in ids if ids.count(i) > 1), None)
    if twice is not None:
        raise UsageError(f"run `{twice}` is named twice", "name each run once")
    current, metric = data_hash(project.folder), project.task.metric.name
    for run in runs:
        if run.info.get("data_hash") != current:
            raise UsageError(f"run `{run.id}` was trained on other data than `{project.raw}` holds", "train it again")
        if run.scores["metric"] != metric:
            raise UsageError(f"run `{run.id}` was scored by `{run.scores['metric']}`, not `{metric}`", "train again")
        if project.competition.is_of_lists:
            _check_held_out(project, run)


def _check_held_out(project: Project, run: Run) -> None:
    """Refuse a run that held other items out than the project does now: which ones follows `[split]`."""
    ours, theirs = project.config.split, run.info["config"]["split"]
    for key in ("time", "seed"):
        if theirs.get(key) != getattr(ours, key):
            raise UsageError(
                f"run `{run.id}` held out other items: its `split.{key}` is {theirs.get(key)}, and here it is "
                f"{getattr(ours, key)}",
                f"train it again, or set `{key}` under [split] in aicomp.toml",
            )


def read_targets(project: Project) -> np.ndarray:
    """Targets of train, see docs/architecture.md for shapes."""
    if project.competition.is_of_lists:
        return load_dataset(project).y
    return read_train_targets(project.competition, project.raw / project.competition.files.train)


def folds_difference(a: Sequence[np.ndarray], b: Sequence[np.ndarray]) -> str:
    """What differs between the folds of two runs, in a few words."""
    if len(a) != len(b):
        return f"{len(a)} and {len(b)} of them"
    rows_a, rows_b = (np.unique(np.concatenate(list(folds))) for folds in (a, b))
    if not np.array_equal(rows_a, rows_b):
        alone = np.setxor1d(rows_a, rows_b)
        return f"{len(alone)} train rows validated by one alone, row {alone[0]} first, counted from 0"
    moved = np.unique(np.concatenate([np.setxor1d(x, y) for x, y in zip(a, b, strict=True)]))
    return f"{len(moved)} of {len(rows_a)} train rows validated in another fold, row {moved[0]} first, counted from 0"
