"""From a project to a Run: prepare, train the folds, put the parts together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from filelock import FileLock, Timeout

from aicomp.data.columns import Column
from aicomp.engine.events import Event
from aicomp.engine.local import start_pool, train_and_assemble
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.files import writing
from aicomp.layout import Layout
from aicomp.leftovers import clear_left_over, clear_work, remove_run, untold_run
from aicomp.project import AnyProject, Project
from aicomp.provenance import describe
from aicomp.pseudo import Source, write_labels
from aicomp.raw_data import check_manifest
from aicomp.run import Run, create_run, unfinished_run
from aicomp.storage.following import Following
from aicomp.streaming.choice import streams
from aicomp.streaming.layout import lay_out_in_parts
from aicomp.training.precheck import check_settings


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

    A run that was cut short and has the same config, data and code is continued with the folds that are left. One that
    was whole, but was cut before anybody was told of it, is the outcome.

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
    with only_training(project):
        following = Following(project.config.storage.mirror, on_event)
        # The processes import what they need while the data is read here.
        pool = start_pool(project.folder, project.config)
        run = None
        try:
            plan = prepare(project, fresh=fresh)
            run = plan.run
            on_plan(plan)
            if not run.is_done:
                with _nothing_left_of_a_mistake(plan):
                    following.begin(run)
                    train_and_assemble(run, project.folder, plan.folds_left, pool, following.on_event)
            clear_work(project.runs)
        finally:
            if pool is not None:
                pool.close(None if run is None else run.folder)
        following.finish()
        return run


def prepare(project: Project, *, fresh: bool = False) -> Plan:
    """Read the data, choose column kinds and folds, and lay out a run that workers can train; or find a cut one."""
    info, source = fingerprinted(project)
    run = None
    if not fresh:
        run = unfinished_run(project.runs, info["fingerprint"]) or untold_run(project.runs, info["fingerprint"])
    if run is None:
        run = lay_out(project, project.runs, info, source)
    return plan_of(run)


def lay_out(project: Project, runs: Path, info: dict[str, Any], source: Source | None) -> Run:
    """Read the data, choose column kinds and folds, and write what workers need into a new run of the folder `runs`."""
    in_parts, note = streams(project)
    if in_parts:
        return lay_out_in_parts(project, create_run(runs, info), note)
    layout = Layout.of(project).noting(note)
    labels: list[dict[str, np.ndarray]] = []
    if source is not None:
        layout, labels = source.label(layout, project.task)
    run = create_run(runs, info)
    write_labels(run, labels)
    layout.write(run.folder)
    return run


def fingerprinted(project: Project) -> tuple[dict[str, Any], Source | None]:
    """What `run.json` will hold, and the run whose pseudo-labels are learned, if any."""
    info, source = check(project), Source.of(project)
    return (info if source is None else source.described(info)), source


def check(project: Project) -> dict[str, Any]:
    """Refuse damaged data and a wrong config before anything is read; returns what `run.json` will hold."""
    check_manifest(project.folder)
    check_settings(project.config, project.task)  # a wrong metric too is an error now, not after reading the data
    return describe(project)


def plan_of(run: Run) -> Plan:
    """What a run that is laid out is about to do."""
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


@contextmanager
def _nothing_left_of_a_mistake(plan: Plan) -> Iterator[None]:
    """Remove a run whose config or data turned out to be wrong before any fold was trained: it holds nothing."""
    try:
        yield
    except (UsageError, DataError):
        if not any(plan.run.fold_is_done(k) for k in range(plan.n_folds)):
            remove_run(plan.run)
        raise


@contextmanager
def only_training(project: AnyProject) -> Iterator[None]:
    """Hold the project's lock; the operating system frees it when the process ends, however it ends.

    What killed commands left is removed first.
    """
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
        clear_left_over(project.runs)
        yield
    finally:
        lock.release()
