"""Metrics by name: built in, a project's own, or a plugin's."""

from pathlib import Path
from typing import get_args

from aicomp.errors import UsageError
from aicomp.metrics.aliases import ALIASES
from aicomp.metrics.base import Column, Metric, Needs, ProblemType
from aicomp.metrics.builtin import OF_LISTS, metric_of_lists
from aicomp.metrics.known import ALL_METRICS, BOX_METRICS, GRADED, METRICS, canonical_name, nearest_metrics
from aicomp.metrics.levels import LEVELS, with_level
from aicomp.metrics.statement import UNKNOWN, Reading, read_statement
from aicomp.registry import plugins, resolve

__all__ = [
    "ALIASES",
    "ALL_METRICS",
    "BOX_METRICS",
    "GRADED",
    "METRICS",
    "USUAL_METRICS",
    "Column",
    "Metric",
    "Reading",
    "canonical_name",
    "get_metric",
    "guess_metric_names",
    "nearest_metrics",
    "read_statement",
]


def get_metric(name: str, folder: Path | None = None) -> Metric:
    """Look up a metric.

    Args:
        name: A name of `ALL_METRICS` or another spelling of it, an installed plugin, or `file:object`. A quantile's
            level stands behind an @, as in "pinball@0.9"; without, it is 0.5. So does the length of ranked lists, as in
            "map@12", and whatever else `LEVELS` has, as in "f_beta@0.5".
        folder: The user's project, where `file:object` is looked up.

    Raises:
        UsageError: No such metric, or the object is no `Metric` or a wrong one.
    """
    base, at, level = name.partition("@")
    if at and ":" not in name and (canonical_name(base) or base) in LEVELS:
        return with_level(ALL_METRICS[canonical_name(base) or base], level)
    is_of_boxes = canonical_name(name) in BOX_METRICS and not level.strip().isdecimal()  # such as "map@0.5"
    if at and base.lower().strip() in OF_LISTS and not is_of_boxes:
        return _of_length(base.lower().strip(), level)
    builtin = None if ":" in name and "@" not in name else canonical_name(name)
    if builtin is None and ":" not in name and name not in plugins("metric"):
        raise _unknown(name)
    found = ALL_METRICS[builtin] if builtin is not None else resolve("metric", name, ALL_METRICS, folder)
    _check_metric(found, name)
    assert isinstance(found, Metric)
    return found


def _unknown(name: str) -> UsageError:
    """The error for a name that no metric has: those that it may mean, or the three nearest ones."""
    reading = read_statement(name)
    *near, last = [f"`{n}`" for n in (reading.names or nearest_metrics(name))]
    meant = f"{', '.join(near)}{' or ' if near else ''}{last}"
    if len(reading.names) > 1:
        return UsageError(
            f"metric `{name}` may be {meant}: {reading.because}",
            f"name the one that is meant, such as `{reading.names[0]}`",
        )
    why = f": {reading.because}" if reading.because not in ("", UNKNOWN) else ""
    return UsageError(f"unknown metric `{name}`{why}", f"did you mean {meant}? `aicomp list metrics` shows all")


def _of_length(name: str, text: str) -> Metric:
    """A metric of ranked lists of another length.

    Raises:
        UsageError: The length is no whole number from 1.
    """
    if not text.strip().isdecimal() or int(text) < 1:
        raise UsageError(
            f"metric `{name}@{text}` has the length `{text}`, which is no whole number from 1",
            f"write for example `{name}@12`",
        )
    return metric_of_lists(name, int(text))


USUAL_METRICS: dict[ProblemType, tuple[str, ...]] = {
    "binary": ("roc_auc", "log_loss", "accuracy", "f1", "mcc"),
    "multiclass": ("accuracy", "log_loss", "quadratic_weighted_kappa", "f1_macro", "balanced_accuracy"),
    "regression": ("rmse", "rmsle", "mae", "smape", "r2"),
    "multilabel": ("roc_auc_mean", "log_loss", "f1_samples", "f1_micro", "f1_macro"),
    "multi-target": ("mcrmse", "mcrmsle", "rmse", "mae", "r2"),
}
"""The metrics that most competitions of the catalogue are scored by, the most frequent first."""


def guess_metric_names(problem_type: ProblemType) -> list[str]:
    """Names of the built-in metrics that can be trained for and are defined for a problem type, usual ones first."""
    usual = USUAL_METRICS.get(problem_type, ())
    return [*usual, *(m.name for m in METRICS.values() if problem_type in m.problem_types and m.name not in usual)]


def _check_metric(found: object, name: str) -> None:
    if not isinstance(found, Metric):
        what = "a function" if callable(found) else f"of type `{type(found).__name__}`"
        raise UsageError(f"metric `{name}` is {what}, but must be a `Metric`", _how_to_write(name))
    if found.needs not in get_args(Needs):
        known = ", ".join(f'"{n}"' for n in get_args(Needs))
        raise UsageError(f"metric `{name}` has `needs={found.needs!r}`", f"write one of {known}")
    if not isinstance(found.greater_is_better, bool):  # the string "lower" is true
        raise UsageError(f"metric `{name}` has `greater_is_better={found.greater_is_better!r}`", "write True or False")
    if not callable(found.fn):
        raise UsageError(f"metric `{name}` has `fn={found.fn!r}`, which is no function", _how_to_write(name))
    # A string would pass for a collection: of "binary" every letter.
    types: object = found.problem_types
    if not isinstance(types, frozenset | set) or not types or types - set(get_args(ProblemType)):
        known = ", ".join(f'"{t}"' for t in get_args(ProblemType))
        raise UsageError(
            f"metric `{name}` has `problem_types={found.problem_types!r}`",
            f'write for example `problem_types=frozenset({{"binary"}})`; known are {known}',
        )


def _how_to_write(name: str) -> str:
    """The lines that make a metric of a function named in `file:object`."""
    attribute = name.rpartition(":")[2]
    return (
        f"write `from aicomp.metrics import Metric` and "
        f'`{attribute} = Metric("{attribute}", FUNCTION, greater_is_better=True, needs="probability", '
        'problem_types=frozenset({"binary"}))` with your own FUNCTION(y_true, y_pred)'
    )
