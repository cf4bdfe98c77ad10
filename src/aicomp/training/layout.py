"""Whether folds train faster as one network of stacked weights or one by one: a few timed steps of both."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from aicomp.task import Task
from aicomp.training.allocator import LARGE
from aicomp.training.device import reproducible
from aicomp.training.fit import Prepared
from aicomp.training.inference import batch_of
from aicomp.training.regularization import Batch
from aicomp.training.stacked import choose_stack
from aicomp.training.stacked_trainer import StackedTrainer, n_batches_of
from aicomp.training.trainer import Trainer

_STEPS = 3
"""Timed steps of each kind; the fastest counts."""

_SHARE = 0.02
"""Most of a run's training that measuring may take."""

_SETTING_UP = 0.05
"""Seconds that it takes to stack and check small models."""

_SLOW_STEP = 0.004
"""Seconds of a step on a CPU beyond which its arithmetic, which stacking does not spare, is nearly all of it."""


_GAIN = 0.85
"""What stacking has to take at most of the time it takes without: not to change sides by chance."""

_SMALL = 1_000_000
"""Weights of a network that is stacked on a GPU without a measurement."""


@dataclass(frozen=True)
class Layout:
    """How folds are trained.

    Attributes:
        stacked: As one network, or one by one.
        reason: Why, with milliseconds a step where they were measured.
    """

    stacked: bool
    reason: str


def choose_layout(
    fold: Prepared, task: Task, device: torch.device, *, n_folds: int, n_stacked: int, n_processes: int
) -> Layout:
    """Measure both ways where the difference can matter.

    Args:
        fold: One of the folds; it is left as it is.
        task: What is learned.
        device: Where it is trained.
        n_folds: Folds to train.
        n_stacked: Those of them that would be stacked; the rest begins in other processes meanwhile.
        n_processes: Processes that would train them one by one.
    """
    rounds = -(-n_folds // n_processes)
    n_weights = sum(p.numel() for p in fold.model.parameters())
    if device.type == "cpu" and n_weights >= LARGE:
        return Layout(False, f"{n_weights} weights are many: their steps leave nothing to spare")
    with reproducible(0, device):
        alone = _fastest(_step_alone(_copied(fold), task, device), device)
        n_steps = n_batches_of(fold) * fold.settings.epochs
        if device.type == "cpu" and alone > _SLOW_STEP:
            return Layout(False, f"a step of one fold takes {alone * 1e3:.1f} ms, too much for stacking to spare any")
        if _SETTING_UP + (1 + _STEPS) * n_stacked * alone > _SHARE * rounds * alone * n_steps:
            if device.type != "cpu" and n_weights <= _SMALL:
                return Layout(
                    True, f"{n_weights} weights are few: starting their kernels takes longer than running them"
                )
            return Layout(False, f"{n_steps} steps of {alone * 1e3:.1f} ms are over before both ways are measured")
        refusal = choose_stack({0: fold, 1: fold})[1]
        if refusal:
            return Layout(False, refusal)
        stacked = _fastest(_step_stacked(fold, task, device, n_stacked), device)
    measured = f"{stacked * 1e3:.1f} ms a step of {n_stacked} folds stacked, {alone * 1e3:.1f} ms of one fold"
    if n_processes > 1:
        measured += f", {n_processes} at a time in as many processes"
    return Layout(stacked < _GAIN * rounds * alone, measured)


def _copied(fold: Prepared) -> Prepared:
    return replace(fold, model=copy.deepcopy(fold.model))


def _fastest(step: Callable[[], object], device: torch.device) -> float:
    """Seconds of one step; the first, in which memory is taken, does not count."""
    seconds = []
    # The time of this process alone, where it is one thread's: others on the same cores do not count.
    clock = time.process_time if device.type == "cpu" and torch.get_num_threads() == 1 else time.perf_counter
    for _ in range(1 + _STEPS):
        started = clock()
        step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        elif device.type == "mps":
            torch.mps.synchronize()
        seconds.append(clock() - started)
    return min(seconds[1:])


def _step_alone(fold: Prepared, task: Task, device: torch.device) -> Callable[[], object]:
    model = fold.model.to(device).train()
    trainer = Trainer(model, task, fold.objective, fold.settings, device)
    batch = _batch(fold, device)
    return lambda: trainer.step(batch)


def _step_stacked(fold: Prepared, task: Task, device: torch.device, n: int) -> Callable[[], object]:
    folds = {i: _copied(fold) for i in range(n)}
    trainer = StackedTrainer(folds, task, device, dict.fromkeys(folds, 0))
    one = _batch(fold, device)
    x_num, x_cat, targets = (t.expand(n, *t.shape) for t in (one.x_num, one.x_cat, one.targets))
    batch = Batch(x_num, x_cat, targets)
    return lambda: trainer.step(batch, [len(one.targets)] * n)


def _batch(fold: Prepared, device: torch.device) -> Batch:
    data, n = fold.data, -(-len(fold.data.y) // n_batches_of(fold))
    batch = batch_of(fold.model, data.train.take(slice(n)), fold.objective.encode(data.y[:n]), device)
    return batch if batch.source is None else replace(batch, extra=batch.source(slice(None)))
