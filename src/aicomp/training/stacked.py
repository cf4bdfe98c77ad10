"""Train folds as one batched network of stacked weights; see `fit_stacked`."""

import time
from collections.abc import Callable

import torch

from aicomp.models.memory import remembers_rows
from aicomp.models.texts import has_tokens
from aicomp.task import Task
from aicomp.training.checkpoints import Checkpoints
from aicomp.training.device import reproducible
from aicomp.training.fit import Prepared, make_result
from aicomp.training.fold import EpochReport, FoldResult
from aicomp.training.inference import predict, tensors_of
from aicomp.training.optimizers import ELEMENTWISE
from aicomp.training.recipe import Settings
from aicomp.training.share import ALONE
from aicomp.training.stacked_trainer import Member, StackedTrainer, n_batches_of
from aicomp.training.stacked_weights import Unstackable, check_stack

_TRIED_ROWS = 16
"""Rows of each fold on which a stack is compared with its models."""


def choose_stack(folds: dict[int, Prepared]) -> tuple[list[int], str]:
    """Which folds can be trained as one network: those of one recipe and as many batches an epoch, if several.

    Args:
        folds: The folds by number.

    Returns:
        Their numbers, and why the others cannot, "" if all can.
    """
    refused = _refused(next(iter(folds.values())).settings)
    if refused:
        return [], refused
    if any(remembers_rows(fold.model) for fold in folds.values()):
        return [], "the model looks up the training rows of its own fold"
    if any(has_tokens(fold.model) for fold in folds.values()):
        return [], "the model reads texts, whose lengths differ between folds"
    if any(fold.data.train.media is not None for fold in folds.values()):
        return [], "the model reads files, which are gathered batch by batch"
    alike: dict[object, list[int]] = {}
    for k, fold in folds.items():
        alike.setdefault((tuple(fold.settings.to_dict().items()), n_batches_of(fold)), []).append(k)
    chosen = max(alike.values(), key=len)
    if len(chosen) < 2:
        return [], "no two folds have the same recipe and as many batches an epoch"
    rows = [_rows(folds[k]) for k in chosen]
    n_rows = min(len(x_num) for x_num, _ in rows)
    try:
        check_stack([folds[k].model for k in chosen], [(x_num[:n_rows], x_cat[:n_rows]) for x_num, x_cat in rows])
    except Unstackable as e:
        return [], e.message
    if len(chosen) == len(folds):
        return chosen, ""
    return chosen, "the other folds have another recipe or another number of batches an epoch"


def _rows(fold: Prepared) -> tuple[torch.Tensor, torch.Tensor]:
    return tensors_of(fold.data.train.take(slice(_TRIED_ROWS)))


def _refused(settings: Settings) -> str:
    """What of a recipe acts on a whole model and not on each number of it; "" if nothing does."""
    if settings.optimizer not in ELEMENTWISE:
        return f"the optimizer `{settings.optimizer}` works on whole matrices or keeps weights of its own"
    if settings.compile:
        return "`training.compile` is set"
    if settings.micro_batch:
        return "`training.micro_batch` is set"
    for name in ("ema", "swa", "sam"):
        if getattr(settings, name):
            return f"`regularization.{name}` is set"
    return ""


def fit_stacked(
    folds: dict[int, Prepared],
    task: Task,
    *,
    seeds: dict[int, int],
    device: torch.device,
    report: Callable[[int, EpochReport], None],
    on_result: Callable[[int, FoldResult], None],
    checkpoints: Checkpoints | None = None,
) -> None:
    """Train folds that `choose_stack` has chosen, as one network, and predict their validation and test rows.

    Weights, batches, schedule, clipping and early stopping are those of each fold alone, so that without dropout its
    results are too, up to rounding.

    Args:
        folds: The folds by number.
        task: What is learned and how it is scored.
        seeds: Of each fold.
        device: Where to train.
        report: Called with a fold's number after each of its epochs.
        on_result: Called with each fold as soon as it has ended; after a kill perhaps a second time.
        checkpoints: Where the training's state is kept, and taken from if it was killed; None keeps nothing.

    Raises:
        AicompError: The loss of a fold became NaN or infinite.
    """

    def end(member: Member) -> None:
        started = time.perf_counter()
        fold, data = member.fold, member.fold.data
        valid_pred, test_pred = (
            predict(fold.model, fold.objective, rows, device=device, amp=fold.settings.amp)
            for rows in (data.valid, data.test)
        )
        on_result(
            member.number,
            make_result(
                fold,
                ALONE.whole(fold.model.state_dict()),
                (valid_pred, test_pred),
                history=member.history,
                best_epoch=member.stopping.best_epoch,
                seconds=member.seconds + time.perf_counter() - started,
                notes=member.notes,
            ),
        )

    with reproducible(next(iter(seeds.values())), device):
        StackedTrainer(folds, task, device, seeds, checkpoints).fit(report, end)
