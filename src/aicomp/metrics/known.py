"""All built-in metrics by name, and the names and spellings by which they are found."""

from collections.abc import Collection
from difflib import SequenceMatcher

from aicomp.metrics import ranking
from aicomp.metrics.aliases import ALIASES, spelling_key
from aicomp.metrics.base import Metric
from aicomp.metrics.builtin import OF_LISTS, TRAINED, metric_of_lists
from aicomp.metrics.graded import GRADED_ONLY

METRICS: dict[str, Metric] = {
    metric.name: metric for metric in (*TRAINED, *(metric_of_lists(name, ranking.DEFAULT_K) for name in OF_LISTS))
}
"""Built-in metrics that a training can follow, by name."""

GRADED: dict[str, Metric] = {metric.name: metric for metric in GRADED_ONLY}
"""Built-in metrics that only grade files, see `Metric.why_graded_only`, by name."""

ALL_METRICS: dict[str, Metric] = {**METRICS, **GRADED}
"""Both."""

NAMES = {spelling_key(text): name for text, name in (*ALIASES.items(), *((name, name) for name in ALL_METRICS))}
"""Of every spelling without case, spaces and punctuation, the name that it means."""

BOX_METRICS = ("map50", "map50_95", "coco_map", "box_precision")
"""Those that score boxes, see `aicomp.boxes`."""


def canonical_name(text: str) -> str | None:
    """Name of the built-in metric that a spelling means, None if it means none.

    >>> canonical_name("Area Under ROC Curve"), canonical_name("RMSLE"), canonical_name("world peace")
    ('roc_auc', 'rmsle', None)
    """
    return NAMES.get(spelling_key(text))


def nearest_metrics(text: str, n: int = 3, among: Collection[str] | None = None) -> list[str]:
    """Names of the built-in metrics whose spellings are nearest to a text that means none of them, the nearest first.

    Args:
        text: Such as a competition's page has it.
        n: How many at most.
        among: Names to choose from; None takes all.

    >>> nearest_metrics("Root Mean Squared Log Scaled Error")[0]
    'rmsse'
    """
    key = spelling_key(text)
    ratios = sorted(NAMES, key=lambda known: -SequenceMatcher(None, key, known).ratio())
    return [name for name in dict.fromkeys(NAMES[k] for k in ratios) if among is None or name in among][:n]
