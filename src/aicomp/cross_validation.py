"""From a project to a Run: prepare, train the folds, put the parts together."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from filelock import FileLock, Timeout

from aicomp.assembly import assemble
from aicomp.data.columns import Column, infer_columns, joined
from aicomp.data.table import Table
from aicomp.data.values import time_format
from aicomp.dataset import Dataset, load_dataset
from aicomp.engine.events import Event
from aicomp.engine.local import run_folds
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.files import atomic_write, partial_file, writing
from aicomp.fold_choice import choose_folds
from aicomp.project import Project
from aicomp.provenance import describe
from aicomp.raw_data import check_manifest
from aicomp.recording.write import save_arrays, write_folds_csv, write_ids
from aicomp.run import Run, create_run, unfinished_run


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
        return assemble(project, plan.run)


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
    name, reason, made = choose_folds(project, dataset)
    folds = made.folds
    train, test = Table.build_pair(dataset.train, dataset.test, columns)
    run = create_run(project.runs, info)
    run.write("columns.json", [msgspec.to_builtins(c) for c in columns])
    run.write(
        "plan.json",
        {
            "splitter": name,
            "splitter_reason": reason,
            "notes": made.notes,
            "n_folds": len(folds),
            "n_rows": [train.n_rows, test.n_rows],
        },
    )
    _write_reading(run, dataset, columns)
    write_folds_csv(run, dataset.train_ids, len(dataset.train), [fold.valid for fold in folds])
    for name, table in (("train", train), ("test", test)):
        with partial_file(run.work / f"{name}.safetensors") as temporary:
            table.save(temporary)
    save_arrays(run.work / "target.safetensors", {"y": dataset.y})
    for k, fold in enumerate(folds):
        save_arrays(run.work / f"fold-{k}.safetensors", {"train": fold.train, "valid": fold.valid})
    write_ids(run, dataset.train_ids, dataset.test_ids)
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


def _write_reading(run: Run, dataset: Dataset, columns: list[Column]) -> None:
    """How the files were read, so that the run can predict other rows."""
    both = {c.name: joined(dataset.train[c.name], dataset.test[c.name]) for c in columns if c.kind == "datetime"}
    times = {name: msgspec.to_builtins(time_format(values)) for name, values in both.items()}
    run.write("reading.json", {"texts": dataset.texts, "hidden": dataset.hidden, "times": times})


def train_folds(project: Project, plan: Plan, on_event: Callable[[Event], None] = lambda event: None) -> None:
    """Train the folds that are left; each is saved as soon as it is done."""
    if plan.folds_left:
        config = project.config
        run_folds(plan.run, project.folder, plan.folds_left, config.workers, config.device, on_event)


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
