"""What a metric wants to be learned: the loss, its level, and the function of a regression target."""

from dataclasses import dataclass
from typing import Literal

from aicomp.config import TrainingConfig
from aicomp.errors import UsageError
from aicomp.task import Task

Kind = Literal["standard", "log1p", "box-cox", "yeo-johnson"]
"""Functions of a target; see `aicomp.training.targets.TargetTransform`."""

Asked = Kind | Literal["auto"]
"""A kind, or one that follows from the targets."""

_LOSS_OF_METRIC = {"mae": "mae", "mape": "mae", "smape": "mae", "medae": "mae", "wape": "mae", "pinball": "quantile"}
_LOG_METRICS = ("rmsle", "msle", "mcrmsle", "rmspe", "mape", "smape")
"""Metrics of relative errors: on a logarithmic scale, equal ratios are equal distances."""


@dataclass(frozen=True)
class Aim:
    """What is learned.

    Attributes:
        loss: "cross-entropy", "mse", "mae", "huber", "quantile", or "string".
        target: Kind of a regression's `TargetTransform`.
        quantile: Level of "quantile".
    """

    loss: str
    target: Asked = "standard"
    quantile: float = 0.5


def choose_aim(training: TrainingConfig, task: Task) -> Aim:
    """The aim that the config names, or the metric wants.

    Raises:
        UsageError: A loss of classes for values or the other way round, or settings that contradict each other or
            could not do anything.
    """
    if task.is_string:
        return _of_strings(training)
    if task.is_classification:
        return _of_classes(training, task)
    loss = _loss(training, task)
    target: Asked = training.target
    if target == "auto" and training.loss == "log-mse":
        target = "log1p"
    if target == "auto" and task.metric.name in _LOG_METRICS:
        target = "log1p" if training.loss == "auto" else "standard"
    return Aim(loss, target, _level(training, task, loss))


def _of_strings(training: TrainingConfig) -> Aim:
    for name in ("loss", "target", "quantile"):
        value = getattr(training, name)
        if value != "auto":
            raise UsageError(
                f"`training.{name}` is `{value}`, but the targets are strings, which the model learns as it sees fit",
                f'write `--set training.{name}="auto"`',
            )
    return Aim("string")


def _of_classes(training: TrainingConfig, task: Task) -> Aim:
    if training.loss not in ("auto", "cross-entropy"):
        raise UsageError(
            f"`training.loss` is `{training.loss}`, but the problem is {task.problem_type}",
            'write `--set training.loss="cross-entropy"`',
        )
    for name in ("target", "quantile"):
        value = getattr(training, name)
        if value != "auto":
            raise UsageError(
                f"`training.{name}` is `{value}`, which is for values, but the problem is {task.problem_type}",
                f'write `--set training.{name}="auto"`',
            )
    return Aim("cross-entropy")


def _loss(training: TrainingConfig, task: Task) -> str:
    if training.loss == "cross-entropy":
        raise UsageError(
            f"`training.loss` is `cross-entropy`, but the problem is {task.problem_type}",
            'write `--set training.loss="mse"`',
        )
    if training.loss == "log-mse" and training.target not in ("auto", "log1p"):
        raise UsageError(
            f"`training.loss` is `log-mse`, but `training.target` is `{training.target}`",
            'write `--set training.loss="mse"`',
        )
    if training.loss == "auto":
        return _LOSS_OF_METRIC.get(task.metric.base_name, "mse")
    return "mse" if training.loss == "log-mse" else training.loss


def _level(training: TrainingConfig, task: Task, loss: str) -> float:
    if training.quantile == "auto":
        return 0.5 if task.metric.level is None else task.metric.level
    if loss != "quantile":
        raise UsageError(
            f"`training.quantile` is {training.quantile}, but the loss is `{loss}`",
            'write `--set training.loss="quantile"`',
        )
    if not 0 < training.quantile < 1:
        raise UsageError(
            f"`training.quantile` is {training.quantile}, but it must lie between 0 and 1",
            "write for example `--set training.quantile=0.9`",
        )
    return training.quantile
