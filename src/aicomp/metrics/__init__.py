"""Metrics by name: built in, a project's own, or a plugin's."""

import math
from collections.abc import Callable, Collection
from dataclasses import replace
from difflib import SequenceMatcher
from functools import partial
from pathlib import Path
from typing import get_args

from aicomp.errors import UsageError
from aicomp.metrics import (
    classification,
    detection,
    edit_distance,
    probability,
    ranking,
    regression,
    rouge,
    translation,
)
from aicomp.metrics.aliases import ALIASES, spelling_key
from aicomp.metrics.base import Metric, Needs, ProblemType, ScoreFunction
from aicomp.metrics.consensus import Similarity, consensus
from aicomp.metrics.fusion import fuse_strings
from aicomp.registry import resolve

__all__ = [
    "ALIASES",
    "BOX_METRICS",
    "METRICS",
    "Metric",
    "canonical_name",
    "get_metric",
    "guess_metric_names",
    "nearest_metrics",
]


def _metric(fn: ScoreFunction, needs: Needs, direction: str, *problem_types: ProblemType) -> Metric:
    return Metric(fn.__name__, fn, direction == "higher", needs, frozenset(problem_types))


def _of_strings(
    name: str, fn: ScoreFunction, direction: str, similarity: Similarity | None = None, package: str | None = None
) -> Metric:
    """A metric of strings; `similarity` is what it makes of one row, where it is a mean over rows."""
    combine = None if similarity is None else partial(consensus, similarity=similarity)
    types: frozenset[ProblemType] = frozenset({"string"})
    return Metric(name, fn, direction == "higher", "string", types, combine=combine, package=package)


def _fewest_words(truth: str, text: str) -> float:
    return -float(edit_distance.edit_distance(truth.split(), text.split()))


def _fewest_characters(truth: str, text: str) -> float:
    return -float(edit_distance.edit_distance(truth, text))


def _equal(truth: str, text: str) -> float:
    return float(truth.strip() == text.strip())


def _of_boxes(name: str, fn: ScoreFunction) -> Metric:
    return Metric(name, fn, True, "string", frozenset({"string"}), combine=fuse_strings)


_BUILTIN = (
    _metric(classification.accuracy, "label", "higher", "binary", "multiclass"),
    _metric(classification.balanced_accuracy, "label", "higher", "binary", "multiclass"),
    _metric(classification.f1, "label", "higher", "binary"),
    _metric(classification.f1_macro, "label", "higher", "binary", "multiclass", "multilabel"),
    _metric(classification.f1_micro, "label", "higher", "binary", "multiclass", "multilabel"),
    _metric(classification.f1_weighted, "label", "higher", "binary", "multiclass", "multilabel"),
    _metric(classification.f1_samples, "label", "higher", "multilabel"),
    _metric(classification.precision, "label", "higher", "binary"),
    _metric(classification.recall, "label", "higher", "binary"),
    _metric(classification.mcc, "label", "higher", "binary", "multiclass"),
    _metric(classification.cohen_kappa, "label", "higher", "binary", "multiclass"),
    _metric(classification.quadratic_weighted_kappa, "label", "higher", "binary", "multiclass", "regression"),
    _metric(classification.subset_accuracy, "label", "higher", "multilabel"),
    _metric(classification.hamming_loss, "label", "lower", "multilabel"),
    _metric(probability.roc_auc, "probability", "higher", "binary"),
    _metric(probability.roc_auc_ovr_macro, "probability", "higher", "multiclass"),
    _metric(probability.roc_auc_mean, "probability", "higher", "multilabel"),
    _metric(probability.average_precision, "probability", "higher", "binary"),
    _metric(probability.gini, "probability", "higher", "binary"),
    _metric(probability.log_loss, "probability", "lower", "binary", "multiclass", "multilabel"),
    _metric(probability.brier, "probability", "lower", "binary"),
    _metric(regression.rmse, "value", "lower", "regression", "multi-target"),
    _metric(regression.mse, "value", "lower", "regression", "multi-target"),
    _metric(regression.mae, "value", "lower", "regression", "multi-target"),
    _metric(regression.medae, "value", "lower", "regression"),
    Metric("pinball", regression.pinball, False, "value", frozenset({"regression", "multi-target"}), level=0.5),
    _metric(regression.rmsle, "value", "lower", "regression"),
    _metric(regression.msle, "value", "lower", "regression"),
    _metric(regression.rmspe, "value", "lower", "regression"),
    _metric(regression.mape, "value", "lower", "regression"),
    _metric(regression.smape, "value", "lower", "regression"),
    _metric(regression.wape, "value", "lower", "regression"),
    _metric(regression.r2, "value", "higher", "regression", "multi-target"),
    _metric(regression.pearson, "value", "higher", "regression"),
    _metric(regression.spearman, "value", "higher", "regression"),
    _metric(regression.mcrmse, "value", "lower", "multi-target"),
    _metric(regression.mcrmsle, "value", "lower", "multi-target"),
    _of_strings("bleu", translation.bleu, "higher", package=translation.PACKAGE),
    _of_strings("chrf", translation.chrf, "higher", package=translation.PACKAGE),
    _of_strings("rougeL", rouge.rouge_l, "higher", rouge.rouge_l_of, rouge.PACKAGE),
    _of_strings("rouge1", rouge.rouge1, "higher", rouge.rouge1_of, rouge.PACKAGE),
    _of_strings("rouge2", rouge.rouge2, "higher", rouge.rouge2_of, rouge.PACKAGE),
    _of_strings("wer", edit_distance.wer, "lower", _fewest_words),
    _of_strings("cer", edit_distance.cer, "lower", _fewest_characters),
    _of_strings("exact_match", translation.exact_match, "higher", _equal),
    _of_boxes("map50", detection.map50),
    _of_boxes("map50_95", detection.map50_95),
)

_OF_LISTS: dict[str, Callable[..., float]] = {
    "map": ranking.mean_average_precision,
    "ndcg": ranking.normalized_gain,
    "recall": ranking.recall_of_lists,
}
"""Scores of ranked lists; the number of items that count stands behind an @."""


def _of_lists(name: str, k: int) -> Metric:
    types: frozenset[ProblemType] = frozenset({"string"})
    fn = _OF_LISTS[name] if k == ranking.DEFAULT_K else partial(_OF_LISTS[name], k=k)
    return Metric(f"{name}@{k}", fn, True, "string", types, level=k, combine=ranking.merge_lists)


METRICS: dict[str, Metric] = {
    metric.name: metric for metric in (*_BUILTIN, *(_of_lists(name, ranking.DEFAULT_K) for name in _OF_LISTS))
}
"""Built-in metrics by name."""

_WITH_LEVEL = frozenset(name for name, metric in METRICS.items() if metric.level is not None and "@" not in name)

_NAMES = {spelling_key(text): name for text, name in (*ALIASES.items(), *((name, name) for name in METRICS))}


BOX_METRICS = ("map50", "map50_95")
"""Those that score boxes, see `aicomp.boxes`."""


def canonical_name(text: str) -> str | None:
    """Name of the built-in metric that a spelling means, None if it means none.

    >>> canonical_name("Area Under ROC Curve"), canonical_name("RMSLE"), canonical_name("world peace")
    ('roc_auc', 'rmsle', None)
    """
    return _NAMES.get(spelling_key(text))


def nearest_metrics(text: str, n: int = 3, among: Collection[str] | None = None) -> list[str]:
    """Names of the built-in metrics whose spellings are nearest to a text that means none of them, the nearest first.

    Args:
        text: Such as a competition's page has it.
        n: How many at most.
        among: Names to choose from; None takes all.

    >>> nearest_metrics("Root Mean Squared Log Scaled Error")[0]
    'rmsle'
    """
    key = spelling_key(text)
    ratios = sorted(_NAMES, key=lambda known: -SequenceMatcher(None, key, known).ratio())
    return [name for name in dict.fromkeys(_NAMES[k] for k in ratios) if among is None or name in among][:n]


def get_metric(name: str, folder: Path | None = None) -> Metric:
    """Look up a metric.

    Args:
        name: A name of `METRICS` or another spelling of it, an installed plugin, or `file:object`. A quantile's level
            stands behind an @, as in "pinball@0.9"; without, it is 0.5. So does the length of ranked lists, as in
            "map@12".
        folder: The user's project, where `file:object` is looked up.

    Raises:
        UsageError: No such metric, or the object is no `Metric` or a wrong one.
    """
    base, at, level = name.partition("@")
    if at and ":" not in name and (canonical_name(base) or base) in _WITH_LEVEL:
        return _with_level(METRICS[canonical_name(base) or base], level)
    is_of_boxes = canonical_name(name) in BOX_METRICS and not level.strip().isdecimal()  # such as "map@0.5"
    if at and base.lower().strip() in _OF_LISTS and not is_of_boxes:
        return _of_length(base.lower().strip(), level)
    builtin = None if ":" in name and "@" not in name else canonical_name(name)
    found = METRICS[builtin] if builtin is not None else resolve("metric", name, METRICS, folder)
    _check_metric(found, name)
    assert isinstance(found, Metric)
    return found


def _with_level(metric: Metric, text: str) -> Metric:
    """A metric of quantiles at another level.

    Raises:
        UsageError: The level is no number between 0 and 1.
    """
    try:
        level = float(text)
    except ValueError:
        level = math.nan
    if not 0 < level < 1:
        raise UsageError(
            f"metric `{metric.name}@{text}` has the level `{text}`, which is no number between 0 and 1",
            f"write for example `{metric.name}@0.9`",
        )
    if level == metric.level:
        return metric
    return replace(metric, name=f"{metric.name}@{level:g}", fn=partial(regression.pinball, level=level), level=level)


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
    return _of_lists(name, int(text))


def guess_metric_names(problem_type: ProblemType) -> list[str]:
    """Names of the built-in metrics that are defined for a problem type, the usual ones of each kind first."""
    return [metric.name for metric in METRICS.values() if problem_type in metric.problem_types]


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
