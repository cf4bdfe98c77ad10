"""Numbers that stand in a metric's name behind an @, such as a quantile's level or the beta of an F-score."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from aicomp.errors import UsageError
from aicomp.metrics.base import Metric


@dataclass(frozen=True)
class Level:
    """What may stand behind the @ of a metric's name.

    Attributes:
        argument: Of the metric's function.
        default: Its value without an @.
        is_right: Whether a number is one.
        what: What it has to be, for people.
        example: For people.
    """

    argument: str
    default: float
    is_right: Callable[[float], bool]
    what: str
    example: str


def _share(argument: str, default: float, example: str) -> Level:
    return Level(argument, default, lambda x: 0 < x < 1, "number between 0 and 1", example)


def _positive(argument: str, default: float, example: str) -> Level:
    return Level(argument, default, lambda x: 0 < x < math.inf, "number above 0", example)


def _count(argument: str, default: int, example: str) -> Level:
    return Level(argument, default, lambda x: x >= 1 and x == math.floor(x), "whole number from 1", example)


LEVELS: dict[str, Level] = {
    "pinball": _share("level", 0.5, "0.9"),
    "f_beta": _positive("beta", 2.0, "0.5"),
    "f_beta_macro": _positive("beta", 2.0, "0.5"),
    "f_beta_micro": _positive("beta", 2.0, "0.5"),
    "f_beta_samples": _positive("beta", 2.0, "0.5"),
    "top_accuracy": _count("k", 5, "3"),
    "lift": _share("share", 0.1, "0.2"),
    "huber": _positive("delta", 1.0, "2"),
    "tweedie_deviance": Level("power", 1.5, lambda x: 1 < x < 2, "number between 1 and 2", "1.3"),
    "expected_calibration_error": _count("bins", 15, "10"),
    "ndcg_by_query": _count("k", 10, "38"),
    "winkler": _share("alpha", 0.1, "0.05"),
    "interval_coverage_error": _share("alpha", 0.1, "0.05"),
}
"""By the metric's name; the lengths of ranked lists ("map@12") are in `builtin.OF_LISTS`."""


def with_level(metric: Metric, text: str) -> Metric:
    """A metric with another number behind the @.

    Raises:
        UsageError: The text is no such number.
    """
    level = LEVELS[metric.name]
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and level.is_right(number)):
        raise UsageError(
            f"metric `{metric.name}@{text}` has the level `{text}`, which is no {level.what}",
            f"write for example `{metric.name}@{level.example}`",
        )
    if number == level.default:
        return metric
    value = int(number) if isinstance(level.default, int) else number
    changed = replace(metric, name=f"{metric.name}@{number:g}", fn=partial(metric.fn, **{level.argument: value}))
    # Only a quantile's level is what a training aims at.
    return replace(changed, level=number) if metric.level is not None else changed
