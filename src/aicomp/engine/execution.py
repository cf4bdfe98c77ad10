"""Threads and processes that the folds of a run are trained with: settled once, as other numbers give other bits."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from aicomp.engine.engine import Engine
from aicomp.processes import n_cores
from aicomp.run import Run

EXECUTION_FILE = "execution.json"
"""In a run's folder, from the moment when its training begins."""


class Execution(msgspec.Struct, frozen=True):
    """What a run's folds are trained with. Sums of several threads are added up in an order that follows their number.

    Attributes:
        cores: Cores of the machine that the process might use.
        processes: Folds that are trained at the same time; 0 trains them in the calling process.
        threads: Threads of a fold.
        stack_threads: Threads of folds that are trained as one network.
        start_threads: Threads that a process is started with, which libraries read once.
        device: Kind of the device, such as "cpu"; "" where that was not told.
        device_name: Its model.
    """

    cores: int
    processes: int
    threads: int
    stack_threads: int
    start_threads: int
    device: str = ""
    device_name: str = ""


def stored_execution(run: Run) -> Execution | None:
    """What a run was, or is, trained with; None before its training, and of runs of older versions."""
    if not (run.folder / EXECUTION_FILE).is_file():
        return None
    return msgspec.convert(run.read(EXECUTION_FILE), Execution)


def write_execution(run: Run, execution: Execution) -> None:
    """Write it into the run's folder."""
    run.write(EXECUTION_FILE, msgspec.to_builtins(execution))


def settle(run: Run, pool: Engine | None) -> Execution:
    """What a run is trained with from now on: what it began with if it was cut short, else what this machine has.

    Args:
        run: A run that is laid out.
        pool: The processes, None for this one; they are started anew if they have begun with other threads.
    """
    execution = stored_execution(run)
    if execution is None:
        execution = _here() if pool is None else _of_pool(run, pool)
        write_execution(run, execution)
    if pool is not None:
        pool.begin_with(execution.start_threads)
    return execution


def note_device(run: Run, device: str, name: str) -> None:
    """Add to what a run is trained with where that is, when a process has said so."""
    execution = stored_execution(run)
    if execution is not None and not execution.device:
        write_execution(run, msgspec.structs.replace(execution, device=device, device_name=name))


@contextmanager
def using_threads(n: int) -> Iterator[None]:
    """Let torch use so many threads in this process, inside the block."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _of_pool(run: Run, pool: Engine) -> Execution:
    """By all folds of the run, whether or not some of them are trained already."""
    n_folds: int = run.read("plan.json")["n_folds"]
    training = run.info["config"]["training"]
    processes = max(1, min(pool.n_local, n_folds))
    threads = max(1, n_cores() // processes)
    on_gpu = run.info["config"]["device"] != "cpu" and not pool.shares_gpu and pool.accelerator != "cpu"
    alone = on_gpu or training.get("layout") == "stacked"
    return Execution(
        cores=n_cores(),
        processes=processes,
        threads=threads,
        stack_threads=n_cores() if alone else threads,
        start_threads=pool.start_threads,
    )


def _here() -> Execution:
    import torch

    threads = torch.get_num_threads()
    return Execution(
        cores=n_cores(),
        processes=0,
        threads=threads,
        stack_threads=threads,
        start_threads=started_with(),
    )


def started_with() -> int:
    """Threads that this process was started with."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdigit() else n_cores()
