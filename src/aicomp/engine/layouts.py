"""Which jobs the folds of a run begin with: a process that may stack some of them, and the others beside it."""

from typing import Any

from aicomp.engine.engine import Engine
from aicomp.engine.execution import Execution
from aicomp.engine.jobs import Job
from aicomp.model_names import takes_gpu
from aicomp.run import Run
from aicomp.streaming.files import is_streamed

LAYOUT_FILE = "layout.json"
"""Which way the folds of a run were trained, and why; absent where there was no choice."""


def stored_layout(run: Run) -> dict[str, Any] | None:
    """What a run chose before it was cut: "stacked", "folds" and "reason"; None if it had not come to that."""
    if not (run.folder / LAYOUT_FILE).is_file():
        return None
    layout: dict[str, Any] = run.read(LAYOUT_FILE)
    return layout


def stackable_folds(run: Run, folds: list[int], n_beside: int) -> list[int]:
    """Folds that one process gets, to train them as one network if that is faster.

    Args:
        run: The run.
        folds: Folds that are to be trained.
        n_beside: How many of them other processes begin meanwhile.

    Returns:
        Several, or none. If the run had stacked folds before it was cut, these, the ones that are done too.
    """
    training = run.info["config"]["training"]
    if training.get("layout", "processes") == "processes" or training.get("shard") or is_streamed(run):
        return []
    before = stored_layout(run)
    if before is not None:
        left = before["stacked"] and set(before["folds"]) & set(folds)
        return list(before["folds"]) if left else []
    first = folds[: len(folds) - n_beside]
    return first if len(first) > 1 else []


def fold_jobs(run: Run, folds: list[int], threads: int) -> list[Job]:
    """A job for each fold alone."""
    config = run.info["config"]
    on_cpu = config["device"] == "cpu" or not takes_gpu(config["model"]["name"])
    return [Job("fold", str(run.folder), fold=k, threads=threads, on_cpu=on_cpu) for k in folds]


def first_jobs(run: Run, folds: list[int], pool: Engine, execution: Execution) -> list[Job]:
    """Jobs to begin with; a "stack" job says in its "layout" event which of its folds others should train.

    On a CPU every process but one begins a fold at once; the one sees whether stacking what is left is faster than to
    train it beside them, fold by fold. On a GPU, that all processes would share, and where `training.layout` is
    `stacked`, one process gets all folds. On a cluster folds are trained one by one unless that is asked for.
    """
    config = run.info["config"]
    asked = config["training"].get("layout") == "stacked"
    n_processes = max(1, min(pool.size, len(folds)))
    alone = fold_jobs(run, folds, execution.threads)
    may_stack = asked or pool.is_here or stored_layout(run) is not None
    if not may_stack or not stackable_folds(run, folds, 0):
        return alone
    if config["device"] != "cpu" and not pool.shares_gpu and pool.accelerator != "cpu":
        n_processes = 1
    stackable = stackable_folds(run, folds, 0 if asked else n_processes - 1)
    if not stackable:
        return alone
    stack = Job(
        "stack",
        str(run.folder),
        fold=stackable[0],
        threads=execution.stack_threads,
        folds=tuple(stackable),
        n_folds=len(folds),
        n_processes=n_processes,
    )
    return [stack, *(job for job in alone if job.fold not in stackable)]
