"""Folds of one run side by side on this machine: one worker process a core on a CPU, one on a GPU."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aicomp.config import Config
from aicomp.engine.engine import Engine, Said
from aicomp.engine.events import (
    DeviceEvent,
    EpochEvent,
    Event,
    FoldEvent,
    LayoutEvent,
    NoteEvent,
    PlaceEvent,
    RetryEvent,
)
from aicomp.engine.execution import Execution, note_device, settle, using_threads
from aicomp.engine.jobs import Job
from aicomp.engine.launch import launched_place
from aicomp.engine.layouts import first_jobs, fold_jobs, stackable_folds
from aicomp.engine.memory import fit_into_memory
from aicomp.engine.pool import Pool, failure
from aicomp.errors import UsageError
from aicomp.processes import n_cores
from aicomp.run import Run
from aicomp.streaming.files import is_streamed, n_side_by_side

if TYPE_CHECKING:
    from aicomp.training.fit import EpochReport


def start_pool(project: Path, config: Config) -> Engine | None:
    """Start the processes that will train: they import what they need while others read the data.

    Returns:
        None if `workers` is 0, or torchrun has started the processes: folds are trained in this process.
    """
    check_engine(config)
    if config.workers == 0 or launched_place() is not None:
        return None
    n_folds = 1 if config.split.splitter == "holdout" else config.split.n_splits * config.split.n_repeats
    return start_engine(project, config, max(1, min(n_processes(config), n_folds)))


def check_engine(config: Config) -> None:
    """Refuse what a cluster cannot do.

    Raises:
        UsageError: Training in this process, or one fold by several processes, and a cluster.
    """
    if config.engine.name == "local":
        return
    if config.workers == 0:
        raise UsageError(
            "`workers` is 0, which trains in this process, and `engine.name` asks for a cluster", "leave one out"
        )
    if launched_place() is not None:
        raise UsageError("torchrun and a cluster both say which processes train", "write `--engine local`")
    if config.training.shard:
        raise UsageError("`training.shard` divides a fold among processes of this machine", "write `--engine local`")


def start_engine(project: Path, config: Config, n_local: int) -> Engine:
    """Start the engine that a config asks for.

    Args:
        project: The project's folder.
        config: Its config.
        n_local: Processes on this machine; on a cluster, what decides how many threads a job has.
    """
    if config.engine.name == "ray":
        from aicomp.engine.cluster.start import start_on_ray

        return start_on_ray(project, config, n_local)
    return Pool(project, n_local, share_gpu=config.workers != "auto")


def n_processes(config: Config) -> int:
    """Processes that a config asks for to train folds side by side, at least 1; by `shard` they train one together."""
    if config.training.shard:
        return 1
    if config.workers == "auto":
        return 1 if config.device in ("cuda", "mps") else n_cores()
    return max(1, config.workers)


def train_and_assemble(
    run: Run,
    project: Path,
    folds: list[int],
    pool: Engine | None,
    on_event: Callable[[Event], None],
    *,
    assembles: bool = True,
) -> None:
    """Train folds of a prepared run, and put all of them together.

    Args:
        run: A run whose `work/` is ready.
        project: The project's folder.
        folds: Numbers of the folds to train.
        pool: From `start_pool`; None does everything in this process.
        on_event: Called with what happens, while it happens.
        assembles: False leaves the folds as they are.

    Raises:
        AicompError: A fold failed; folds that were saved stay.
    """
    if note := fit_into_memory(run, pool):
        on_event(NoteEvent(note))
    execution = settle(run, pool)
    if pool is None:
        with using_threads(execution.threads):
            _run_here(run, project, folds, on_event, assembles=assembles)
        return
    _train(run, folds, pool, execution, on_event)
    if not assembles:
        return
    pool.put([Job("assemble", str(run.folder), threads=n_cores())])
    _wait(pool)


def _train(run: Run, folds: list[int], pool: Engine, execution: Execution, on_event: Callable[[Event], None]) -> None:
    jobs = first_jobs(run, folds, pool, execution)
    at_once = n_side_by_side(run, pool.size) if is_streamed(run) else len(jobs)
    waiting = jobs[at_once:]
    pool.put(jobs[:at_once])
    left = len(folds)
    announced = False
    while left:
        said = pool.get()
        assert said is not None
        match said.event:
            case "device" if not announced:
                announced = True
                note_device(run, said.content["device"], said.content["name"])
                alone = said.content["device"] != "cpu" and not pool.shares_gpu
                on_event(DeviceEvent(said.content["device"], 1 if alone else min(pool.size, at_once, len(jobs))))
            case "epoch" | "placed" | "retry":
                on_event(_event_of(said))
            case "layout":
                assert said.job is not None
                rest = [k for k in said.job.folds if k not in said.content["folds"]]
                pool.put(fold_jobs(run, rest, execution.threads))
                if said.content["reason"]:
                    on_event(LayoutEvent(**said.content))
            case "fold":
                left -= 1
                on_event(FoldEvent(said.content["fold"]))
            case "done" if said.job is not None and said.job.task == "fold":
                left -= 1
                on_event(FoldEvent(said.job.fold))
                pool.put(waiting[:1])
                waiting = waiting[1:]
            case "error" | "crash" | "died":
                raise failure(said)


def _event_of(said: Said) -> Event:
    """An epoch, where a fold is trained, or why it is begun anew."""
    if said.event == "epoch":
        return EpochEvent(**said.content)
    assert said.job is not None
    fold = said.job.fold
    return (
        PlaceEvent(fold, said.content["node"]) if said.event == "placed" else RetryEvent(fold, said.content["reason"])
    )


def _wait(pool: Engine) -> None:
    """Wait for the last job."""
    while True:
        said = pool.get()
        assert said is not None
        if said.job is not None and said.job.task == "assemble":
            if said.event == "done":
                return
            raise failure(said)


def _run_here(run: Run, project: Path, folds: list[int], on_event: Callable[[Event], None], *, assembles: bool) -> None:
    from aicomp.engine.fold_job import run_fold, training_device
    from aicomp.engine.tasks import do
    from aicomp.training.device import device_name

    if folds:
        device = training_device(run.info["config"])
        note_device(run, device, device_name(device))
        on_event(DeviceEvent(device, 0))

    def report(k: int, epoch: "EpochReport") -> None:
        on_event(EpochEvent(k, **asdict(epoch)))

    left = list(folds)
    stackable = stackable_folds(run, folds, 0)
    if stackable:
        left = _stack_here(run, project, stackable, folds, report, on_event)
    for k in left:
        run_fold(run, project, k, partial(report, k))
        on_event(FoldEvent(k))
    if assembles:
        do(Job("assemble", str(run.folder)), project, lambda content: None)


def _stack_here(
    run: Run,
    project: Path,
    stackable: list[int],
    folds: list[int],
    report: "Callable[[int, EpochReport], None]",
    on_event: Callable[[Event], None],
) -> list[int]:
    """Train folds as one network if that is faster; returns those that are left."""
    from aicomp.engine.stack_job import run_stack

    trained: list[int] = []

    def on_layout(layout: dict[str, Any]) -> None:
        trained.extend(layout["folds"])
        if layout["reason"]:
            on_event(LayoutEvent(**layout))

    run_stack(
        run,
        project,
        stackable,
        n_folds=len(folds),
        n_processes=1,
        on_layout=on_layout,
        report=report,
        on_fold=lambda k: on_event(FoldEvent(k)),
    )
    return [k for k in folds if k not in trained]
