"""Where two runs differ: on which levels of a category, in which range of a number."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from aicomp.competition import Competition
from aicomp.data.dates import parse_dates
from aicomp.data.values import as_numbers, as_strings

N_BINS = 4
MOST_LEVELS = 10
"""Levels of a category; what is rarer is one segment together."""

LEAST_ROWS = 20
"""Rows below which a segment is not looked at."""

MOST_COLUMNS = 300


@dataclass(frozen=True)
class Grouping:
    """The rows sorted by one column.

    Attributes:
        column: What they are sorted by, in words.
        levels: Name of each segment.
        codes: Segment of each row, (n,).
    """

    column: str
    levels: tuple[str, ...]
    codes: np.ndarray


@dataclass(frozen=True)
class Segment:
    """Two runs on some of the rows.

    Attributes:
        column: What the rows have in common, with `level`.
        level: Which of its segments.
        n: Rows.
        loss_a: Mean loss of the first run.
        loss_b: Mean loss of the second run.
        gain: The first less the second: above 0 where b is better.
        low: Lower end of the 95 % interval of the gain, of this segment alone.
        high: Its upper end.
        p_value: Chance of a gain this far from 0 where there is none, corrected for all segments that were looked at.
    """

    column: str
    level: str
    n: int
    loss_a: float
    loss_b: float
    gain: float
    low: float
    high: float
    p_value: float


def compare_segments(groupings: Sequence[Grouping], loss_a: np.ndarray, loss_b: np.ndarray) -> list[Segment]:
    """Compare two runs on every segment of at least 20 rows, the surest differences first.

    Of losses that are 0 or 1 the test is McNemar's exact one, of others a paired t-test over the rows. As many segments
    are looked at, some differ by luck: p-values are Holm's ("A simple sequentially rejective multiple test procedure",
    1979), which hold for all of them together, however they overlap.

    Args:
        groupings: The rows, sorted by one column after the other.
        loss_a: Of each row.
        loss_b: Of each row.
    """
    found = [segment for grouping in groupings for segment in _of_grouping(grouping, loss_a, loss_b)]
    corrected = holm([segment.p_value for segment in found])
    found = [Segment(**{**vars(s), "p_value": p}) for s, p in zip(found, corrected, strict=True)]
    return sorted(found, key=lambda s: (s.p_value, -abs(s.gain) * s.n**0.5, s.column, s.level))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's corrected p-values, in the order given.

    >>> holm([0.01, 0.04, 0.03])  # 3 * 0.01; then 2 * 0.03; then 0.04, but not below the one before
    [0.03, 0.06, 0.06]
    """
    corrected, least = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = least
    return corrected


def _of_grouping(grouping: Grouping, loss_a: np.ndarray, loss_b: np.ndarray) -> Iterator[Segment]:
    from scipy.stats import binom, t

    n_levels = len(grouping.levels)
    n = np.bincount(grouping.codes, minlength=n_levels)
    gain = loss_a - loss_b
    sums = [np.bincount(grouping.codes, values, minlength=n_levels) for values in (loss_a, loss_b, gain, gain**2)]
    better, worse = (np.bincount(grouping.codes, wins, minlength=n_levels) for wins in (gain > 0, gain < 0))
    is_counted = bool(np.isin(loss_a, (0, 1)).all() and np.isin(loss_b, (0, 1)).all())
    for k in np.flatnonzero(n >= LEAST_ROWS):
        mean = sums[2][k] / n[k]
        variance = max(sums[3][k] / n[k] - mean**2, 0.0) * n[k] / (n[k] - 1)
        error = (variance / n[k]) ** 0.5
        width = float(t.ppf(0.975, n[k] - 1)) * error
        if is_counted:
            p_value = min(1.0, 2 * float(binom.cdf(min(better[k], worse[k]), better[k] + worse[k], 0.5)))
        else:
            p_value = 2 * float(t.sf(abs(mean) / error, n[k] - 1)) if error > 0 else float(mean == 0)
        yield Segment(
            grouping.column, grouping.levels[k], int(n[k]), float(sums[0][k] / n[k]), float(sums[1][k] / n[k]),
            float(mean), float(mean - width), float(mean + width), p_value,
        )  # fmt: skip


def groupings_of(
    train: pd.DataFrame, kinds: Mapping[str, str], competition: Competition, y: np.ndarray, fold: np.ndarray
) -> list[Grouping]:
    """Sort rows by each column of the data, by their target and by their fold.

    Args:
        train: Features of the rows.
        kinds: Kind of each column, see `data.columns`.
        competition: The contract.
        y: Targets of the rows.
        fold: Fold of each row.
    """
    found = [] if y.ndim == 2 else [_of_target(competition, y)]
    names = np.unique(fold)
    found.append(Grouping("fold", tuple(str(k + 1) for k in names), np.searchsorted(names, fold)))
    for column in list(train.columns)[:MOST_COLUMNS]:
        kind = kinds.get(column, "drop")
        if kind == "text":
            lengths = as_strings(train[column]).fillna("").str.len().to_numpy(dtype=np.float64)
            found.append(by_ranges(f"length of {column}", lengths))
        elif kind == "datetime":
            found.append(_by_times(column, train[column]))
        elif kind == "number" and train[column].nunique() > MOST_LEVELS:
            found.append(by_ranges(column, as_numbers(train[column])))
        elif kind in ("number", "code", "category", "boolean"):
            found.append(by_levels(column, as_strings(train[column])))
    return [grouping for grouping in found if len(grouping.levels) > 1]


def by_levels(column: str, values: pd.Series) -> Grouping:
    """Sort rows by the levels of a category: the ten commonest, the rest together, and those without one.

    >>> by_levels("port", pd.Series(["S", "C", "S", np.nan])).levels
    ('S', 'C', 'missing')
    """
    counts = values.value_counts()
    named = list(counts.index[:MOST_LEVELS])
    places = {level: k for k, level in enumerate(named)}
    n_rest = len(counts) - len(named)
    levels = [str(level) for level in named] + ([f"{n_rest} rarer ones"] if n_rest else [])
    is_missing = values.isna().to_numpy()
    codes = values.map(places).fillna(len(named)).to_numpy(dtype=np.float64)
    return Grouping(column, *_with_missing(levels, codes, is_missing))


def by_ranges(column: str, values: np.ndarray) -> Grouping:
    """Sort rows by four ranges of a number that hold about as many rows each, and those without one.

    >>> by_ranges("age", np.array([1.0, 2.0, 3.0, 4.0, np.nan])).levels
    ('1 to 1.75', 'above 1.75 to 2.5', 'above 2.5 to 3.25', 'above 3.25 to 4', 'missing')
    """
    is_missing = ~np.isfinite(values)
    known = values[~is_missing]
    if not len(known):
        return Grouping(column, ("missing",), np.zeros(len(values), dtype=np.int64))
    ends = np.unique(np.quantile(known, np.linspace(0, 1, N_BINS + 1)))
    if len(ends) < 2:
        levels, codes = [f"{ends[0]:.4g}"], np.zeros(len(values))
    else:
        levels = [
            f"{'' if k == 0 else 'above '}{low:.4g} to {high:.4g}" for k, (low, high) in enumerate(pairwise(ends))
        ]
        codes = np.searchsorted(ends[1:-1], np.where(is_missing, ends[0], values), side="left").astype(np.float64)
    return Grouping(column, *_with_missing(levels, codes, is_missing))


def _by_times(column: str, values: pd.Series) -> Grouping:
    parsed = parse_dates(as_strings(values))
    if parsed is None:
        return Grouping(column, ("all",), np.zeros(len(values), dtype=np.int64))
    seconds = parsed[0]
    ranges = by_ranges(column, seconds)
    known = [k for k, level in enumerate(ranges.levels) if level != "missing"]
    names = list(ranges.levels)
    for k in known:
        inside = seconds[ranges.codes == k]
        if len(inside):
            first, last = (
                pd.Timestamp(moment, unit="s").strftime("%Y-%m-%d") for moment in (inside.min(), inside.max())
            )
            names[k] = first if first == last else f"{first} to {last}"
    return Grouping(column, tuple(names), ranges.codes)


def _of_target(competition: Competition, y: np.ndarray) -> Grouping:
    name = f"target {competition.target[0]}"
    if competition.labels and y.dtype != object:
        return by_levels(name, pd.Series(np.array(competition.labels, dtype=object)[y.astype(np.int64)]))
    if y.dtype == object:
        return by_ranges(
            f"length of {competition.target[0]}", np.array([len(str(text)) for text in y], dtype=np.float64)
        )
    return by_ranges(name, y.astype(np.float64))


def _with_missing(levels: list[str], codes: np.ndarray, is_missing: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    if is_missing.any():
        codes = np.where(is_missing, len(levels), codes)
        levels = [*levels, "missing"]
    return tuple(levels), codes.astype(np.int64)
