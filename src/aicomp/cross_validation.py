"""From a project to a Run: prepare, train the folds, put the parts together."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from safetensors.numpy import load_file, save_file

from aicomp.data.columns import Column, infer_columns
from aicomp.data.table import Table
from aicomp.dataset import Dataset, load_dataset
from aicomp.engine.events import Event
from aicomp.engine.local import run_folds
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.files import atomic_write, partial_file, writing
from aicomp.folds import Fold
from aicomp.predictions import prediction_frame
from aicomp.project import Project
from aicomp.provenance import describe
from aicomp.raw_data import check_manifest
from aicomp.report.curves import draw_curves, write_curves_csv
from aicomp.run import Run, create_run, unfinished_run
from aicomp.splitters import choose_splitter, make_folds


@dataclass(frozen=True)
class Plan:
    """What a run is about to do, for whoever watches it.

    Attributes:
        run: The run's folder.
        columns: How each column is taken.
        splitter: Name of the splitter.
        splitter_reason: Why this one, as a sentence.
        notes: What is worth knowing about the folds, such as a class with fewer rows than folds.
        n_folds: Number of folds.
        folds_left: Numbers of the folds that are still to train; fewer than all when a cut run continues.
        n_rows: Rows of train and of test.
    """

    run: Run
    columns: list[Column]
    splitter: str
    splitter_reason: str
    notes: list[str]
    n_folds: int
    folds_left: list[int]
    n_rows: tuple[int, int]


def cross_validate(
    project: Project,
    *,
    fresh: bool = False,
    on_plan: Callable[[Plan], None] = lambda plan: None,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Run:
    """Train the project's model on every fold and write a Run.

    A run that was cut short and has the same config, data and code is continued with the folds that are left.

    Args:
        project: The project.
        fresh: Begin anew even if a cut run could be continued.
        on_plan: Called once, before training.
        on_event: Called with each epoch and each finished fold.

    Raises:
        UsageError: The config or the project's code is wrong.
        DataError: The data breaks the contract.
        AicompError: Training failed, or another training runs in this project.
    """
    with _only_training(project):
        plan = prepare(project, fresh=fresh)
        on_plan(plan)
        with _nothing_left_of_a_mistake(plan):
            train_folds(project, plan, on_event)
        return finish(project, plan.run)


def prepare(project: Project, *, fresh: bool = False) -> Plan:
    """Read the data, choose column kinds and folds, and lay out a run that workers can train; or find a cut one."""
    check_manifest(project.folder)
    project.task  # noqa: B018 - a wrong metric is an error now, not after reading the data
    info = describe(project)
    run = None if fresh else unfinished_run(project.runs, info["fingerprint"])
    if run is not None:
        return _plan(run)
    dataset = load_dataset(project)
    columns = infer_columns(dataset.train, dataset.test, project.config.columns)
    name, reason, folds, notes = _choose_folds(project, dataset)
    train, test = Table.build_pair(dataset.train, dataset.test, columns)
    run = create_run(project.runs, info)
    run.write("columns.json", [msgspec.to_builtins(c) for c in columns])
    run.write(
        "plan.json",
        {
            "splitter": name,
            "splitter_reason": reason,
            "notes": notes,
            "n_folds": len(folds),
            "n_rows": [train.n_rows, test.n_rows],
        },
    )
    _write_folds_csv(run, dataset, folds)
    for name, table in (("train", train), ("test", test)):
        with partial_file(run.work / f"{name}.safetensors") as temporary:
            table.save(temporary)
    _save_arrays(run.work / "target.safetensors", {"y": dataset.y})
    for k, fold in enumerate(folds):
        _save_arrays(run.work / f"fold-{k}.safetensors", {"train": fold.train, "valid": fold.valid})
    _save_ids(run, dataset)
    atomic_write(run.work / "READY", "")
    return _plan(run)


def _plan(run: Run) -> Plan:
    stored: dict[str, Any] = run.read("plan.json")
    return Plan(
        run=run,
        columns=[msgspec.convert(c, Column) for c in run.read("columns.json")],
        splitter=stored["splitter"],
        splitter_reason=stored["splitter_reason"],
        notes=stored["notes"],
        n_folds=stored["n_folds"],
        folds_left=[k for k in range(stored["n_folds"]) if not run.fold_is_done(k)],
        n_rows=(stored["n_rows"][0], stored["n_rows"][1]),
    )


def _choose_folds(project: Project, dataset: Dataset) -> tuple[str, str, list[Fold], list[str]]:
    split, task = project.config.split, project.task
    name, reason = split.splitter, "set in the config"
    if name == "auto" and project.competition.splitter != "auto":
        name, reason = project.competition.splitter, "named by the competition's contract"
    if name == "auto":
        name, reason = choose_splitter(
            problem_type=task.problem_type,
            has_groups=dataset.groups is not None,
            has_time=dataset.time is not None,
            has_fold_column=dataset.fold_column is not None,
            y=dataset.y,
        )
    made = make_folds(
        name,
        y=dataset.y,
        problem_type=task.problem_type,
        groups=dataset.groups,
        time=dataset.time,
        fold_column=dataset.fold_column,
        n_splits=split.n_splits,
        n_repeats=split.n_repeats,
        seed=project.config.seed,
        folder=project.folder,
        labels=task.labels or project.competition.target,
    )
    return name, reason, made.folds, made.notes


def _write_folds_csv(run: Run, dataset: Dataset, folds: list[Fold]) -> None:
    """One line per train row; a row of several validation folds (repeats) lists them, -1 is never validated."""
    of_row: list[list[str]] = [[] for _ in range(len(dataset.train))]
    for k, fold in enumerate(folds):
        for row in fold.valid:
            of_row[row].append(str(k))
    frame = dataset.train_ids.copy() if dataset.train_ids.shape[1] else pd.DataFrame({"row": range(len(of_row))})
    frame["fold"] = [" ".join(k) or "-1" for k in of_row]
    atomic_write(run.folder / "folds.csv", frame.to_csv(index=False, lineterminator="\n"))


def _save_ids(run: Run, dataset: Dataset) -> None:
    for name, ids in (("train", dataset.train_ids), ("test", dataset.test_ids)):
        atomic_write(run.folder / f"{name}_ids.json", json.dumps(ids.to_dict(orient="list")) + "\n")


def _save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with partial_file(path) as temporary:
        save_file({name: np.ascontiguousarray(a) for name, a in arrays.items()}, temporary)


def train_folds(project: Project, plan: Plan, on_event: Callable[[Event], None] = lambda event: None) -> None:
    """Train the folds that are left; each is saved as soon as it is done."""
    if plan.folds_left:
        config = project.config
        run_folds(plan.run, project.folder, plan.folds_left, config.workers, config.device, on_event)


def finish(project: Project, run: Run) -> Run:
    """Put the folds together: OOF and test predictions, scores, curves, and `DONE` last."""
    n_folds = run.read("plan.json")["n_folds"]
    task = project.task
    y = load_file(run.work / "target.safetensors")["y"]
    parts = [run.predictions(k) for k in range(n_folds)]
    oof, validated = _pool(parts, len(y))
    fold_scores = [task.score(y[p["valid_rows"]], p["valid"]) for p in parts]
    rows = np.flatnonzero(validated)
    scores = {
        "metric": task.metric.name,
        "greater_is_better": task.metric.greater_is_better,
        "folds": fold_scores,
        "mean": float(np.mean(fold_scores)),
        "std": float(np.std(fold_scores)),
        "pooled": task.score(y[rows], oof[rows]),
        "n_validated": len(rows),
    }
    _check_predictions(parts, run)
    competition = project.competition
    train_ids, test_ids = (pd.DataFrame(run.read(f"{name}_ids.json")) for name in ("train", "test"))
    frame = prediction_frame(competition, train_ids, oof)
    frame.insert(train_ids.shape[1], "fold", pd.read_csv(run.folder / "folds.csv", dtype=str)["fold"].to_numpy())
    atomic_write(run.folder / "oof.csv", frame.to_csv(index=False, lineterminator="\n"))
    mean = np.mean([p["test"] for p in parts], axis=0)
    test = prediction_frame(competition, test_ids, mean)
    atomic_write(run.folder / "test.csv", test.to_csv(index=False, lineterminator="\n"))
    histories = [
        json.loads((run.fold(k) / "result.json").read_text(encoding="utf-8"))["history"] for k in range(n_folds)
    ]
    write_curves_csv(histories, run.folder / "curves.csv")
    draw_curves(
        histories,
        run.folder / "curves.png",
        metric_name=task.metric.name,
        greater_is_better=task.metric.greater_is_better,
    )
    run.write("scores.json", scores)
    atomic_write(run.folder / "DONE", "")
    shutil.rmtree(run.work)
    return run


def _pool(parts: list[dict[str, np.ndarray]], n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each row's validation predictions, NaN where a row was never validated."""
    shape = (n_rows, *parts[0]["valid"].shape[1:])
    total, count = np.zeros(shape), np.zeros(n_rows)
    for part in parts:
        total[part["valid_rows"]] += part["valid"]
        count[part["valid_rows"]] += 1
    divisor = np.where(count > 0, count, np.nan).reshape(-1, *[1] * (len(shape) - 1))
    return total / divisor, count > 0


def _check_predictions(parts: list[dict[str, np.ndarray]], run: Run) -> None:
    for k, part in enumerate(parts):
        bad = np.flatnonzero(~np.isfinite(part["test"].reshape(len(part["test"]), -1)).all(axis=1))
        if len(bad):
            raise DataError(
                f"run `{run.id}`: fold {k} predicts NaN or infinity for test row {bad[0]}", "check features.py"
            )


@contextmanager
def _nothing_left_of_a_mistake(plan: Plan) -> Iterator[None]:
    """Remove a run whose config or data turned out to be wrong before any fold was trained: it holds nothing."""
    try:
        yield
    except (UsageError, DataError):
        if not any(plan.run.fold_is_done(k) for k in range(plan.n_folds)):
            shutil.rmtree(plan.run.folder)
        raise


@contextmanager
def _only_training(project: Project) -> Iterator[None]:
    """Hold the project's lock; the operating system frees it when the process ends, however it ends."""
    path = project.runs / ".lock"
    with writing(path):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise AicompError(
            f"another training is running in `{project.folder}`",
            "wait for it, or copy the project to train side by side",
        ) from None
    try:
        yield
    finally:
        lock.release()
