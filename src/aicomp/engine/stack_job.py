"""Train several folds of a run as one network of stacked weights in one process, or say why not."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aicomp.engine.fold_job import MEMORY_HINT, Folds
from aicomp.engine.layouts import LAYOUT_FILE, stored_layout
from aicomp.engine.series_fold import EncodedFold
from aicomp.errors import DataError
from aicomp.run import Run
from aicomp.training.device import choose_device, reproducible
from aicomp.training.fit import Prepared, prepare_fold
from aicomp.training.fold import EpochReport, FoldResult
from aicomp.training.layout import Layout, choose_layout
from aicomp.training.out_of_memory import give_back_all, is_out_of_memory, memory_errors
from aicomp.training.stacked import choose_stack, fit_stacked


def run_stack(
    run: Run,
    project_folder: Path,
    numbers: list[int],
    *,
    n_folds: int,
    n_processes: int,
    on_layout: Callable[[dict[str, Any]], None],
    report: Callable[[int, EpochReport], None],
    on_fold: Callable[[int], None],
) -> None:
    """Choose how to train folds, tell of it, and train those that fell to this process; each is saved when it ends.

    A choice that the run made before it was cut stands, and what was stacked is stacked again as a whole: the folds
    that are left then get the weights that they would have got.

    Args:
        run: A run whose `work/` is ready.
        project_folder: The user's project.
        numbers: Folds that can be stacked.
        n_folds: Folds that are to be trained in all.
        n_processes: Processes that train them if they are not stacked.
        on_layout: Called once, with "folds", the numbers that this process trains; others should train the rest of
            `numbers`. "stacked" says whether they are stacked, and "reason" why, "" where nobody needs to know.
        report: Called with a fold's number after each of its epochs.
        on_fold: Called with a fold's number when it is saved.
    """
    folds = Folds(run, project_folder)
    asked = folds.config.training.layout == "stacked"
    before = stored_layout(run)
    if not folds.is_network or (n_folds <= n_processes and not asked and before is None):
        on_layout({"stacked": False, "folds": numbers[:1], "reason": ""})
        _train_alone(folds, numbers[0], folds.encode(numbers[0]), report, on_fold)
        return
    first = numbers[0]
    ready = {first: _ready(folds, first)}
    if before is not None:
        layout = Layout(True, before["reason"])
    elif asked:
        layout = Layout(True, "`training.layout` is `stacked`")
    else:
        layout = choose_layout(
            ready[first].prepared, folds.task, choose_device(folds.config.device),
            n_folds=n_folds, n_stacked=len(numbers), n_processes=n_processes,
        )  # fmt: skip
    chosen = [first]
    if layout.stacked:
        ready |= {k: _ready(folds, k) for k in numbers[1:]}
        stackable, refusal = choose_stack({k: ready[k].prepared for k in numbers})
        layout = Layout(bool(stackable), "; ".join(part for part in (layout.reason, refusal) if part))
        chosen = stackable or chosen
    told = {"stacked": layout.stacked, "folds": chosen, "reason": layout.reason}
    if before is None:
        run.write(LAYOUT_FILE, told)
    on_layout(told if layout.stacked or asked else told | {"reason": ""})
    if layout.stacked:
        stack = {k: ready[k] for k in chosen}
        ready.clear()
        if not _fits(lambda: _train_stacked(folds, stack, layout, report, on_fold)):
            told = {"stacked": False, "folds": numbers, "reason": "their stack did not fit into memory"}
            run.write(LAYOUT_FILE, told)  # what is left is trained one by one from now on, also after a kill
            on_layout(told)
            _train_one_by_one(folds, stack, report, on_fold)
    else:
        encoded = ready.pop(first).encoded  # the network that steps were timed on is not kept beside the one to train
        _train_alone(folds, first, encoded, report, on_fold)


@dataclass(frozen=True)
class _Ready:
    """A fold that is encoded, and its network as it starts."""

    encoded: EncodedFold
    prepared: Prepared


def _ready(folds: Folds, k: int) -> _Ready:
    device = choose_device(folds.config.device)
    try:
        encoded = folds.encode(k)
        with reproducible(folds.seed(k), device):
            return _Ready(encoded, prepare_fold(encoded.data, folds.task, folds.config, folds.build, device=device))
    except DataError as e:
        raise DataError(f"fold {k}: {e.message}", e.hint) from e


def _train_stacked(
    folds: Folds,
    ready: dict[int, _Ready],
    layout: Layout,
    report: Callable[[int, EpochReport], None],
    on_fold: Callable[[int], None],
) -> None:
    done = {k for k in ready if folds.run.fold_is_done(k)}

    def tell(k: int, epoch: EpochReport) -> None:
        if k not in done:
            report(k, epoch)

    def save(k: int, result: FoldResult) -> None:
        if k not in done:
            result.notes.insert(0, f"trained as one network with {len(ready) - 1} other folds: {layout.reason}")
            folds.save(k, ready[k].encoded, result)
            on_fold(k)

    fit_stacked(
        {k: fold.prepared for k, fold in ready.items()},
        folds.task,
        seeds={k: folds.seed(k) for k in ready},
        device=choose_device(folds.config.device),
        report=tell,
        on_result=save,
        checkpoints=folds.checkpoints("stack"),
    )


def _fits(train: Callable[[], None]) -> bool:
    """Whether there was enough memory; where not, what was computed is gone when this returns."""
    try:
        train()
    except (RuntimeError, MemoryError) as e:
        if not is_out_of_memory(e):
            raise
        return False
    return True


def _train_one_by_one(
    folds: Folds,
    ready: dict[int, _Ready],
    report: Callable[[int, EpochReport], None],
    on_fold: Callable[[int], None],
) -> None:
    """Train the folds of a stack that was too large, from their beginning."""
    folds.checkpoints("stack").drop()
    left = {k: ready[k].encoded for k in ready if not folds.run.fold_is_done(k)}
    ready.clear()  # networks too
    give_back_all(choose_device(folds.config.device))
    for k, encoded in left.items():
        with memory_errors(f"fold {k}", MEMORY_HINT):
            result = folds.fit(k, encoded, partial(report, k))
        result.notes.insert(0, "trained alone: a stack with the other folds did not fit into memory")
        folds.save(k, encoded, result)
        on_fold(k)


def _train_alone(
    folds: Folds,
    k: int,
    encoded: EncodedFold,
    report: Callable[[int, EpochReport], None],
    on_fold: Callable[[int], None],
) -> None:
    with memory_errors(f"fold {k}", MEMORY_HINT):
        result = folds.fit(k, encoded, lambda epoch: report(k, epoch))
    folds.save(k, encoded, result)
    on_fold(k)
