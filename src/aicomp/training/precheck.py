"""Refuse settings before any fold starts, without importing torch."""

from importlib.util import find_spec
from typing import Any

import msgspec

from aicomp.config import Config, ModelConfig, RegularizationConfig, TrainingConfig
from aicomp.errors import UsageError
from aicomp.model_names import ESTIMATOR_NAMES, FORECASTER_NAMES, MONOTONE_NAMES, STRING_MODEL_NAMES
from aicomp.task import Task
from aicomp.training.aims import choose_aim
from aicomp.training.ranges import check_ranges
from aicomp.training.recipe import resolve_settings

_ANY = 1000  # no refusal hangs on the number of rows


def check_settings(config: Config, task: Task) -> None:
    """Refuse what the folds would refuse; any model that is none of aicomp's own estimators is taken for a network.

    Args:
        config: The project's config.
        task: What is learned.

    Raises:
        UsageError: A value out of range, options that contradict each other, or one that cannot have an effect.
    """
    if not 0 <= config.training.checkpoint < float("inf"):
        raise UsageError(
            f"`training.checkpoint` is {config.training.checkpoint}, but it is seconds from 0",
            "write `--set training.checkpoint=60`",
        )
    check_ranges(config)
    if config.model.name in FORECASTER_NAMES:
        _check_forecast(config, task)
    _check_strings(config, task)
    _check_controls(config, task)
    if task.is_string or not config.model.is_network:
        check_sections(config)
        choose_aim(config.training, task)
    elif config.training.amp is True:
        from aicomp.training.device import choose_device

        resolve_settings(config, task, n_rows=_ANY, device=choose_device(config.device))
    else:
        plain = msgspec.structs.replace(config, training=msgspec.structs.replace(config.training, amp=False))
        resolve_settings(plain, task, n_rows=_ANY, device=None)


def _check_controls(config: Config, task: Task) -> None:
    """Refuse monotone columns and clamps where they would do nothing, or something else than they say."""
    model, clamp = config.model, config.features.clamp
    if model.monotone and task.problem_type in ("multiclass", "string"):
        what = "of several classes each has a direction of its own" if task.labels else "strings neither rise nor fall"
        raise UsageError(
            f"`model.monotone.{next(iter(model.monotone))}`: {what}",
            "remove it; two classes, labels and values can be held",
        )
    if ":" not in model.name:
        check_takes_monotone(model, takes=model.name in MONOTONE_NAMES)
    if clamp and config.pseudo.run:
        raise UsageError(
            f"`features.clamp.{next(iter(clamp))}` is for predictions, and pseudo-labels make it learn from test",
            "leave out `--pseudo`, or change the column in features.py",
        )
    if clamp and model.name in (*FORECASTER_NAMES, "ease"):
        raise UsageError(
            f"`features.clamp.{next(iter(clamp))}`: `{model.name}` predicts from what came before, not from columns",
            "change the column in features.py",
        )


def check_takes_monotone(model: ModelConfig, *, takes: bool) -> None:
    """Refuse monotone columns for a model that would not keep to them.

    Args:
        model: The model of the config.
        takes: Whether it does.

    Raises:
        UsageError: It does not, and there are some.
    """
    if model.monotone and not takes:
        known = ", ".join(f"`{name}`" for name in MONOTONE_NAMES)
        raise UsageError(
            f"`model.monotone.{next(iter(model.monotone))}`: `{model.name}` cannot be held monotone",
            f"take one of {known}, or a class of your own with `takes_monotone = True` that keeps to `spec.monotone`",
        )


def _check_forecast(config: Config, task: Task) -> None:
    """Refuse what would tear holes into series, or mix them with rows of test."""
    model = config.model.name
    if task.problem_type != "regression":
        raise UsageError(
            f"model `{model}` forecasts numbers, and the problem is {task.problem_type}", "take another model"
        )
    if config.split.train_rows != "auto":
        raise UsageError(
            f"`split.train_rows` is {config.split.train_rows}, and `{model}` needs all rows of a series",
            "remove it, or take the model `seasonal-mean`, which is quick",
        )
    if config.pseudo.run:
        raise UsageError(f"`{model}` learns no pseudo-labels: test is the future of its series", "leave `--pseudo` out")


def _check_strings(config: Config, task: Task) -> None:
    """Refuse what cannot mean anything for strings, a model that predicts none, and a score that cannot be computed."""
    name, package = config.model.name, task.metric.package
    if name in ESTIMATOR_NAMES:
        check_learns(name, task, learns_strings=name in STRING_MODEL_NAMES)
    if package is not None and find_spec(package) is None:
        raise UsageError(
            f"metric `{task.metric.name}` needs the package `{package.replace('_', '-')}`",
            "pip install 'aicomp[seq2seq]'",
        )


def check_learns(name: str, task: Task, *, learns_strings: bool) -> None:
    """Refuse a model of numbers and classes for targets that are strings, and the other way round.

    Args:
        name: The model.
        task: What is learned.
        learns_strings: Whether the model predicts strings.

    Raises:
        UsageError: They do not go together.
    """
    if learns_strings == task.is_string:
        return
    known = ", ".join(f"`{n}`" for n in STRING_MODEL_NAMES)
    if task.is_string:
        raise UsageError(
            f"model `{name}` predicts no strings, which the targets of this competition are",
            f"take one of {known}, or a class of your own with `learns_strings = True`",
        )
    raise UsageError(
        f"model `{name}` predicts strings, which the targets of this competition are not",
        "`aicomp list models` shows others",
    )


def check_sections(config: Config) -> None:
    """Refuse settings of networks for a model that is none: they could not do anything.

    Raises:
        UsageError: The first such setting.
    """
    training = config.training
    usual_training = TrainingConfig(
        loss=training.loss, target=training.target, quantile=training.quantile, checkpoint=training.checkpoint
    )
    sections: list[tuple[str, Any, Any]] = [
        ("training", training, usual_training),
        ("regularization", config.regularization, RegularizationConfig()),
    ]
    for section, chosen, default in sections:
        for name, value in msgspec.structs.asdict(chosen).items():
            usual = getattr(default, name)
            if value != usual:
                raise UsageError(
                    f"`{section}.{name}` is {value!r}, which is for networks and not for `{config.model.name}`",
                    f"remove it or write `--set {section}.{name}={usual}`; this model takes `--set model.params...`",
                )
