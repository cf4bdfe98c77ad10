"""Train one model on one fold, from encoded rows to predictions."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from aicomp.config import Config
from aicomp.errors import UsageError
from aicomp.models.memory import remembers_rows
from aicomp.models.spec import ModelSpec, bin_edges, media_input
from aicomp.models.texts import has_tokens
from aicomp.task import Task
from aicomp.training.allocator import give_back
from aicomp.training.augmentation import Augmentation, choose_augmentation, described
from aicomp.training.checkpoints import Checkpoints
from aicomp.training.compiling import compiled
from aicomp.training.device import reproducible
from aicomp.training.fold import EpochReport, FoldData, FoldResult
from aicomp.training.inference import batch_of, tensors_of
from aicomp.training.losses import Objective, Regression, make_objective
from aicomp.training.recipe import N_BINS, Settings, resolve_settings
from aicomp.training.share import ALONE, Share
from aicomp.training.trainer import Trainer

__all__ = ["BuildModel", "EpochReport", "FoldData", "FoldResult", "fit_fold"]

BuildModel = Callable[[ModelSpec], nn.Module]


@dataclass(frozen=True)
class Prepared:
    """A fold that is ready to be trained.

    Attributes:
        data: The fold.
        settings: The recipe, without an "auto".
        objective: The loss, fitted on the training targets.
        spec: What the model was told about the data.
        model: The network as it starts, on the CPU.
        augmentation: How images or sounds are changed in training; None where there are none.
        notes: Sentences about what was decided.
    """

    data: FoldData
    settings: Settings
    objective: Objective
    spec: ModelSpec
    model: nn.Module
    augmentation: Augmentation | None = None
    notes: tuple[str, ...] = ()


def fit_fold(
    data: FoldData,
    task: Task,
    config: Config,
    build_model: BuildModel,
    *,
    seed: int,
    device: torch.device,
    report: Callable[[EpochReport], None] = lambda epoch: None,
    share: Share = ALONE,
    checkpoints: Checkpoints | None = None,
) -> FoldResult:
    """Train a model on a fold and predict its validation and test rows.

    The same seed, data and device give the same bits on a CPU, also where training was killed and went on from a
    checkpoint.

    Args:
        data: The fold.
        task: What is learned and how it is scored.
        config: The project's config; `[training]` and `[regularization]` are read here.
        build_model: Makes the network; its `forward(x_num, x_cat)` returns (batch, n_outputs) or (batch, k,
            n_outputs).
        seed: Of weights, batches and dropout.
        device: Where to train, see `choose_device`.
        report: Called after each epoch.
        share: Which part of the work is this process's; each gets the whole result.
        checkpoints: Where the training's state is kept, and taken from if it was killed; None keeps nothing.

    Raises:
        UsageError: The config contradicts itself, the task or the model.
        DataError: A target that the loss cannot take.
        AicompError: The loss became NaN or infinite, or the network cannot be compiled.
    """
    started = time.perf_counter()
    with reproducible(seed, device):
        fold = prepare_fold(data, task, config, build_model, device=device)
        _check_share(fold, share)
        model = fold.model
        if share.is_all:
            model.to(device)
        else:
            share.divide(model, device)  # block by block: the whole may be too large for the device
            checkpoints = None if checkpoints is None else _shared(checkpoints, share, model)
        trainer = Trainer(model, task, fold.objective, fold.settings, device, fold.augmentation, share, checkpoints)
        if share.rank:
            torch.manual_seed(seed + share.rank)  # other rows get other masks of dropout
        with compiled(trainer.model, asked=fold.settings.compile):
            trainer.fit(data, report)
        valid_pred = trainer.predict(data.valid)
        test_pred = trainer.predict(data.test)
        weights = share.whole(trainer.model.state_dict())
    return make_result(
        fold,
        weights,
        (valid_pred, test_pred),
        history=trainer.history,
        best_epoch=trainer.best_epoch,
        seconds=time.perf_counter() - started,
        notes=trainer.notes,
    )


def prepare_fold(
    data: FoldData,
    task: Task,
    config: Config,
    build_model: BuildModel,
    *,
    device: torch.device,
    is_sketch: bool = False,
) -> Prepared:
    """Choose the recipe, fit the loss and build the network, whose weights are the next random numbers.

    A sketch is not tried on rows: some of its weights have no numbers.

    Raises:
        UsageError, DataError: As `fit_fold`.
    """
    settings = resolve_settings(config, task, n_rows=len(data.y), device=device)
    objective = make_objective(task, settings, data.y)
    spec = _spec(data, task, settings)
    model = _build(build_model, data, spec, settings, objective, config)
    if not is_sketch:
        if device.type == "cpu":
            give_back(sum(p.numel() for p in model.parameters()))
        _check_outputs(model, data, spec, config.model.name)
    if data.train.media is None:
        return Prepared(data, settings, objective, spec, model)
    augmentation, notes = choose_augmentation(config.augmentation, data.train.media, data.y, task)
    return Prepared(data, settings, objective, spec, model, augmentation, tuple(notes))


def make_result(
    fold: Prepared,
    weights: dict[str, Tensor],
    predictions: tuple[np.ndarray, np.ndarray],
    *,
    history: list[dict[str, float]],
    best_epoch: int,
    seconds: float,
    notes: list[str],
) -> FoldResult:
    """What came of a fold; `weights` are on the CPU, `predictions` of the validation and the test rows."""
    return FoldResult(
        valid_pred=predictions[0],
        test_pred=predictions[1],
        history=history,
        state_dict=weights,
        best_epoch=best_epoch,
        n_epochs=len(history),
        seconds=seconds,
        settings=fold.settings.to_dict()
        | ({"augmentation": described(fold.augmentation)} if fold.augmentation else {}),
        spec=fold.spec,
        transform=fold.objective.transform if isinstance(fold.objective, Regression) else None,
        notes=[*fold.notes, *notes],
    )


def _shared(checkpoints: Checkpoints, share: Share, model: nn.Module) -> Checkpoints:
    from aicomp.training.shared_checkpoints import SharedCheckpoints  # imports what one process never needs

    return SharedCheckpoints.of(checkpoints, share, model)


def _check_share(fold: Prepared, share: Share) -> None:
    """Refuse batches that have no row for one of the processes."""
    n_rows = len(fold.data.y)
    least = n_rows // max(1, round(n_rows / fold.settings.batch_size))
    if least < share.n:
        raise UsageError(
            f"`training.shard` divides a batch of {least} rows by {share.n} processes",
            f"write `--set training.batch_size={8 * share.n}`",
        )
    if not share.is_all and remembers_rows(fold.model):
        raise UsageError(
            "`training.shard` does not go with a model that looks up training rows",
            "write `--set training.shard=false`",
        )


def _spec(data: FoldData, task: Task, settings: Settings) -> ModelSpec:
    return ModelSpec(
        n_num=data.train.x_num.shape[1],
        cardinalities=tuple(data.cardinalities),
        n_outputs=task.n_outputs,
        bins=tuple(bin_edges(column, N_BINS) for column in data.train.x_num.T),
        dropout=settings.dropout,
        outputs=_outputs(task),
        n_text=0 if data.train.texts is None else data.train.texts.shape[1],
        media=None if data.train.media is None else media_input(data.train.media),
        sides=data.sides,
        monotone=data.monotone,
    )


def _outputs(task: Task) -> Literal["values", "labels", "classes"]:
    if not task.is_classification:
        return "values"
    return "classes" if task.problem_type == "multiclass" else "labels"


def _build(
    build_model: BuildModel,
    data: FoldData,
    spec: ModelSpec,
    settings: Settings,
    objective: Objective,
    config: Config,
) -> nn.Module:
    model = build_model(spec)
    if not isinstance(model, nn.Module):
        raise UsageError(
            f"model `{config.model.name}` is built as {type(model).__name__}", "return a `torch.nn.Module`"
        )
    if settings.mixup and (remembers_rows(model) or has_tokens(model)):
        name = config.model.name
        reason = f"`{name}` " + ("looks up training rows, and" if remembers_rows(model) else "reads texts, where")
        raise UsageError(
            f"`regularization.mixup` is {settings.mixup}, but {reason} a blend of two rows is none",
            "write `--set regularization.mixup=0`",
        )
    if settings.micro_batch:
        _check_statistics(model, settings)
    if remembers_rows(model):
        model.remember(*tensors_of(data.train), objective.encode(data.y))
    has_dropout = any(isinstance(m, nn.modules.dropout._DropoutNd) for m in model.modules())
    if config.regularization.dropout not in ("auto", 0) and not has_dropout:
        raise UsageError(
            f"`regularization.dropout` is {settings.dropout}, but `{config.model.name}` has no dropout layer",
            "write `--set regularization.dropout=0`",
        )
    return model


def _check_statistics(model: nn.Module, settings: Settings) -> None:
    """Refuse layers whose outputs for a row hang on the other rows of the batch."""
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            layer = f"`{name}` ({type(module).__name__})"
            raise UsageError(
                f"`training.micro_batch` is {settings.micro_batch}, but {layer} takes means over all rows of a batch",
                "write `--set training.micro_batch=auto`",
            )


@torch.no_grad()
def _check_outputs(model: nn.Module, data: FoldData, spec: ModelSpec, name: str) -> None:
    """Try a project's own model on two rows, so that a wrong shape is not an error deep in a loss."""
    model.eval()
    rows = batch_of(model, data.train.take(slice(2)), torch.empty(0), torch.device("cpu"))
    more = () if rows.source is None else (rows.source(slice(None)),)
    outputs = model(rows.x_num, rows.x_cat, *more)
    n = len(rows.x_num)
    shape = tuple(getattr(outputs, "shape", ()))
    if shape[:1] + shape[-1:] != (n, spec.n_outputs) or len(shape) not in (2, 3):
        raise UsageError(
            f"model `{name}` returns shape {shape} for {n} rows, but the task has {spec.n_outputs} outputs",
            f"return ({n}, {spec.n_outputs}), or ({n}, k, {spec.n_outputs}) for an ensemble of k members",
        )
