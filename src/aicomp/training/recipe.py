"""The default recipe: every "auto" of the config as a number, from the task and the size of the data."""

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from aicomp.config import Config
from aicomp.errors import UsageError
from aicomp.task import Task
from aicomp.training.aims import Asked, choose_aim
from aicomp.training.model_recipes import ModelRecipe, numbers_for, recipe_of

if TYPE_CHECKING:
    import torch

N_BINS = 48
"""Most bins of a numeric column's piecewise-linear embedding."""

_MANY_ROWS = 20_000

_LEARNING_RATES = {
    "adamw": 0.008,
    "adam": 0.008,  # the same step
    "muon": 0.008,  # scaled to the length of AdamW's steps (Liu et al. 2025, arXiv 2502.16982)
    "lion": 0.002,  # 3 to 10 times less than AdamW (Chen et al. 2023, arXiv 2302.06675, section 5)
    "schedule-free": 0.008,  # 1 to 10 times AdamW's, says the README of the authors' `schedulefree`
    "sgd": 0.02,
}
"""Peak learning rate of each optimizer."""

_WEIGHT_DECAYS = {
    "adam": 0.0,  # there it is part of the gradient, whose size Adam takes out again (arXiv 1711.05101)
    "lion": 0.08,  # learning rate times decay as with AdamW (arXiv 2302.06675, section 5)
}
"""Weight decay of the optimizers that want another one than 0.02."""


@dataclass(frozen=True)
class Settings:
    """A recipe without an "auto": what one fold is trained with.

    The names are those of `aicomp.config.TrainingConfig` and `RegularizationConfig`. Zero, or False, is off.

    Attributes:
        target: Kind of a regression's `TargetTransform`; "auto" follows from the fold's targets.
        quantile: Level of the loss "quantile".
        micro_batch: Rows of a step that are in memory at once.
    """

    optimizer: str
    learning_rate: float
    batch_size: int
    micro_batch: int
    epochs: int
    schedule: str
    amp: bool
    compile: bool
    shard: str
    loss: str
    target: Asked
    numbers: str
    quantile: float
    weight_decay: float
    dropout: float
    dropout_schedule: str
    label_smoothing: float
    mixup: float
    clip_norm: float
    early_stopping: int
    ema: float
    swa: float
    sam: float
    input_noise: float

    def to_dict(self) -> dict[str, Any]:
        """The settings as a plain dict, for the run's folder."""
        return asdict(self)


def resolve_settings(config: Config, task: Task, *, n_rows: int, device: "torch.device | None") -> Settings:
    """Turn the config into a recipe for a fold.

    Args:
        config: The project's config.
        task: What is learned.
        n_rows: Training rows of the fold.
        device: Where it is trained; None if `training.amp` is off.

    Raises:
        UsageError: A value out of range, options that contradict each other, or one that cannot have an
            effect.
    """
    training, regularization = config.training, config.regularization
    aim = choose_aim(training, task)
    recipe = recipe_of(config.model.name)
    optimizer = _or(training.optimizer, recipe.optimizer)
    settings = Settings(
        optimizer=optimizer,
        learning_rate=_or(training.learning_rate, _learning_rate(optimizer, recipe)),
        batch_size=_or(training.batch_size, _batch_size(recipe, n_rows)),
        micro_batch=_or(training.micro_batch, 0),
        epochs=_or(training.epochs, recipe.epochs or min(recipe.most_epochs, _epochs(n_rows))),
        schedule=_or(training.schedule, _schedule(config, optimizer, recipe)),
        amp=_has_bfloat16(device) if training.amp == "auto" else training.amp,
        compile=training.compile,
        shard=training.sharding,
        loss=aim.loss,
        target=aim.target,
        numbers=numbers_for(config),
        quantile=aim.quantile,
        weight_decay=_or(regularization.weight_decay, _weight_decay(optimizer, recipe)),
        dropout=_or(regularization.dropout, recipe.dropout),
        dropout_schedule=_or(regularization.dropout_schedule, recipe.dropout_schedule),
        label_smoothing=_or(regularization.label_smoothing, _label_smoothing(task, recipe)),
        mixup=regularization.mixup,
        clip_norm=_or(regularization.clip_norm, 1.0),
        early_stopping=_or(regularization.early_stopping, 0 if regularization.swa else 16),
        ema=_or(regularization.ema, 0.0),
        swa=regularization.swa,
        sam=regularization.sam,
        input_noise=regularization.input_noise,
    )
    _check_ranges(settings)
    if training.shard and training.layout == "stacked":
        raise UsageError(
            "`training.layout` is `stacked`, but `training.shard` trains one fold at a time",
            "write `--set training.layout=processes`",
        )
    _check_effects(settings, task, device)
    return settings


def _learning_rate(optimizer: str, recipe: ModelRecipe) -> float:
    is_own = recipe.learning_rate is not None and optimizer == recipe.optimizer
    return recipe.learning_rate if is_own and recipe.learning_rate is not None else _LEARNING_RATES[optimizer]


def _weight_decay(optimizer: str, recipe: ModelRecipe) -> float:
    if recipe.weight_decay is not None and optimizer == recipe.optimizer:
        return recipe.weight_decay
    return _WEIGHT_DECAYS.get(optimizer, 0.02)


def _batch_size(recipe: ModelRecipe, n_rows: int) -> int:
    if n_rows < _MANY_ROWS:
        return recipe.batch_size or 256
    return recipe.large_batch_size or recipe.batch_size or 512


def _has_bfloat16(device: "torch.device | None") -> bool:
    assert device is not None
    from aicomp.training.device import has_bfloat16

    return has_bfloat16(device)


def _or(value: Any, default: Any) -> Any:
    return default if value == "auto" else value


def _schedule(config: Config, optimizer: str, recipe: ModelRecipe) -> str:
    if optimizer == "schedule-free":
        return "warmup"
    return "constant" if config.regularization.swa else recipe.schedule


def _label_smoothing(task: Task, recipe: ModelRecipe) -> float:
    reads_labels = task.is_classification and task.metric.needs == "label"
    return recipe.label_smoothing if reads_labels else 0.0


def _epochs(n_rows: int) -> int:
    """Passes over the data: fewer over more rows, so that steps grow with the square root of the rows."""
    return min(70, max(8, round(28 * math.sqrt(10_000 / n_rows))))


def _check_ranges(s: Settings) -> None:
    above_zero = {"learning_rate": s.learning_rate, "batch_size": s.batch_size, "epochs": s.epochs}
    for name, value in above_zero.items():
        if not value > 0:
            raise UsageError(f"`training.{name}` is {value}, but it must be above 0", f"remove `{name}` or set `auto`")
    if not 0 <= s.micro_batch <= s.batch_size:
        raise UsageError(
            f"`training.micro_batch` is {s.micro_batch}, but a part of a batch has 1 to {s.batch_size} rows",
            f"write `--set training.micro_batch={max(1, s.batch_size // 4)}`, or `auto` for all rows at once",
        )
    shares = {"dropout": s.dropout, "label_smoothing": s.label_smoothing, "ema": s.ema, "swa": s.swa}
    for name, value in shares.items():
        if not 0 <= value < 1:
            raise UsageError(f"`regularization.{name}` is {value}, but it must be at least 0 and below 1", _off(name))
    for name in ("weight_decay", "mixup", "clip_norm", "early_stopping", "sam", "input_noise"):
        if getattr(s, name) < 0:
            raise UsageError(f"`regularization.{name}` is {getattr(s, name)}, but it must not be negative", _off(name))


def _check_effects(s: Settings, task: Task, device: "torch.device | None") -> None:
    """Refuse what contradicts itself or could not do anything."""
    if s.label_smoothing and not task.is_classification:
        raise UsageError(
            f"`regularization.label_smoothing` is {s.label_smoothing}, but {task.problem_type} has no class",
            _off("label_smoothing"),
        )
    if s.ema and s.swa:
        raise UsageError(
            f"`regularization.ema` ({s.ema}) and `swa` ({s.swa}) both average the weights; one can be saved",
            _off("ema"),
        )
    if s.optimizer == "schedule-free":
        _check_schedule_free(s)
    if s.swa and s.early_stopping:
        raise UsageError(
            f"`regularization.swa` averages the last epochs; `early_stopping` ({s.early_stopping}) cuts them",
            _off("early_stopping"),
        )
    if s.shard:
        _check_shard(s)
    if s.amp and device is not None and not _has_bfloat16(device):
        raise UsageError(
            f"`training.amp` is true, but this {device.type} does not multiply in bfloat16",
            "write `--set training.amp=false`",
        )


def _check_shard(s: Settings) -> None:
    """Refuse what needs whole weights where each process has a share of them."""
    if s.compile:
        raise UsageError(
            "`training.compile` does not go with `training.shard`",
            "write `--set training.compile=false`",
        )
    if s.shard == "ddp":
        return
    for name in ("ema", "swa", "sam"):
        value = getattr(s, name)
        if value:
            raise UsageError(
                f"`training.shard` divides the weights, and `regularization.{name}` ({value}) needs the whole",
                f'{_off(name)}, or `--set training.shard="ddp"`',
            )
    if s.optimizer in ("muon", "schedule-free"):
        raise UsageError(
            f"`training.shard` divides the weights, and `training.optimizer` `{s.optimizer}` needs the whole",
            'write `--set training.optimizer="adamw"`',
        )


def _check_schedule_free(s: Settings) -> None:
    """Refuse what a schedule-free optimizer does by itself: to average weights, instead of a falling learning rate."""
    for name in ("ema", "swa"):
        if getattr(s, name):
            raise UsageError(
                f"`training.optimizer` is `schedule-free`, which averages the weights itself; "
                f"`regularization.{name}` is {getattr(s, name)}",
                _off(name),
            )
    if s.schedule not in ("constant", "warmup"):
        raise UsageError(
            f"`training.optimizer` is `schedule-free`, but `training.schedule` is `{s.schedule}`",
            'write `--set training.schedule="warmup"`',
        )


def _off(name: str) -> str:
    return f"write `--set regularization.{name}=0`"
