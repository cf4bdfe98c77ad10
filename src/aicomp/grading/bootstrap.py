"""How far a score may be from that of other rows like these: the percentiles of scores of resampled rows."""

from dataclasses import dataclass

import numpy as np

from aicomp.errors import DataError
from aicomp.grading.grade import Rows
from aicomp.grading.metric_columns import units
from aicomp.metrics.base import Metric

N_RESAMPLES = 1000
"""Resamples where nobody says another number."""

_LEAST_DEFINED = 0.5
_SEED = 0


@dataclass(frozen=True)
class Interval:
    """A 95 % interval of a score.

    Attributes:
        low: Percentile 2.5.
        high: Percentile 97.5.
        n_resamples: Resamples drawn.
        n_undefined: Of these, the ones of which there is no score, such as those of one class.
        unit: What was drawn with replacement: "row", or the metric's name of a column whose rows stay together.
        n_units: How many there are.
        within: Rows of what are as many in each resample as in the submission: "class", or the metric's name of a
            column; empty where rows are drawn from all.
    """

    low: float
    high: float
    n_resamples: int
    n_undefined: int
    unit: str
    n_units: int
    within: str = ""


def bootstrap(rows: Rows, metric: Metric, n_resamples: int = N_RESAMPLES) -> Interval:
    """Draw rows (or groups, queries, series) with replacement, and score them again and again.

    Where the metric compares groups that are no units (races, types), or ranks rows of classes against each other and
    so has no score of one class alone, rows are drawn within each of them, as the package pROC does for the area under
    the ROC (Robin et al., BMC Bioinformatics 2011). The percentile interval of Efron, "Bootstrap Methods: Another Look
    at the Jackknife", 1979. The same rows give the same interval: the seed is fixed. What cannot be scored is counted
    and left out.

    Args:
        rows: The rows of a submission, which the metric has scored.
        metric: The metric.
        n_resamples: How often.

    Raises:
        DataError: More than half of the resamples have no score.
    """
    random = np.random.default_rng(_SEED)
    groups = units(rows.columns, metric)
    unit = next((c.name for c in metric.columns if c.is_unit), "row") if groups is not None else "row"
    n_units = len(rows.y_true) if groups is None else int(groups.max()) + 1
    within, strata = _strata(rows, metric) if groups is None else ("", None)
    if groups is not None:
        scores = _of_units(rows, metric, groups, n_units, n_resamples, random)
    elif metric.is_mean:
        scores = _of_means(rows, metric, n_resamples, random)
    else:
        scores = _of_rows(rows, metric, strata, n_resamples, random)
    defined = scores[np.isfinite(scores)]
    n_undefined = n_resamples - len(defined)
    if len(defined) < _LEAST_DEFINED * n_resamples:
        raise DataError(
            f"metric `{metric.name}` has no score for {n_undefined} of {n_resamples} resamples of {n_units} {unit}s",
            "score more rows, or leave `--bootstrap` out",
        )
    low, high = np.percentile(defined, [2.5, 97.5])
    return Interval(float(low), float(high), n_resamples, n_undefined, unit, n_units, within)


def _of_means(rows: Rows, metric: Metric, n_resamples: int, random: np.random.Generator) -> np.ndarray:
    """Scores of resamples of a metric that is a mean: each row is scored once."""
    of_row = np.array([_score(rows.take(np.array([i])), metric) for i in range(len(rows.y_true))])
    of_row = of_row[np.isfinite(of_row)]
    return np.array([of_row[random.integers(0, len(of_row), len(of_row))].mean() for _ in range(n_resamples)])


def _strata(rows: Rows, metric: Metric) -> tuple[str, np.ndarray | None]:
    """Within what rows are drawn, and its code of each row, (n,); None where they are drawn from all."""
    import pandas as pd

    for column in metric.columns:
        if column.kind == "string" and not column.is_unit and column.name in rows.columns:
            return column.name, np.asarray(pd.factorize(rows.columns[column.name])[0], dtype=np.int64)
    if metric.needs == "probability" and rows.y_true.ndim == 1:
        of_one = np.flatnonzero(rows.y_true == rows.y_true[0])
        if len(of_one) < len(rows.y_true) and np.isnan(_score(rows.take(of_one), metric)):
            return "class", np.asarray(pd.factorize(rows.y_true)[0], dtype=np.int64)
    return "", None


def _of_rows(
    rows: Rows, metric: Metric, strata: np.ndarray | None, n_resamples: int, random: np.random.Generator
) -> np.ndarray:
    sorting = _sorted(rows.y_pred)
    rows = rows.take(sorting)  # resamples of sorted predictions are sorted, which makes ranking fast
    n = len(sorting)
    codes = np.zeros(n, dtype=np.int64) if strata is None else strata[sorting]
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    first, of_stratum = (np.repeat(values, sizes) for values in (sizes.cumsum() - sizes, sizes))
    draws = (order[first + random.integers(0, of_stratum)] for _ in range(n_resamples))
    return np.array([_score(rows.take(np.sort(drawn)), metric) for drawn in draws])


def _of_units(
    rows: Rows, metric: Metric, groups: np.ndarray, n_units: int, n_resamples: int, random: np.random.Generator
) -> np.ndarray:
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups, minlength=n_units)
    starts = np.cumsum(sizes) - sizes
    scores = np.empty(n_resamples)
    for i in range(n_resamples):
        drawn = np.sort(random.integers(0, n_units, n_units))
        n = sizes[drawn]
        within = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
        taken = rows.take(order[np.repeat(starts[drawn], n) + within])
        # A unit that is drawn twice is two units, not one of twice the rows.
        scores[i] = _score(_renamed(taken, metric, np.repeat(np.arange(n_units), n)), metric)
    return scores


def _renamed(rows: Rows, metric: Metric, codes: np.ndarray) -> Rows:
    name = next(c.name for c in metric.columns if c.is_unit)
    return Rows(rows.y_true, rows.y_pred, {**rows.columns, name: codes})


def _sorted(y_pred: np.ndarray) -> np.ndarray:
    if y_pred.dtype == object:
        return np.arange(len(y_pred))
    return np.argsort(y_pred if y_pred.ndim == 1 else y_pred[:, 0], kind="stable")


def _score(rows: Rows, metric: Metric) -> float:
    """The score, NaN where these rows have none."""
    try:
        return metric(rows.y_true, rows.y_pred, **rows.columns)
    except ValueError:
        return float("nan")
