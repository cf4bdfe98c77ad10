"""Where a run is better or worse than elsewhere, beyond what few rows would show by chance."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from aicomp.diagnosis.levels import Levels, all_levels
from aicomp.diagnosis.losses import row_scores
from aicomp.diagnosis.noise import (
    N_BLOCKS,
    Score,
    ScoreInterval,
    blocks_of,
    error_of,
    holm,
    interval,
    jackknife,
    replicates,
)
from aicomp.diagnosis.rows import Validated
from aicomp.errors import DataError

BELIEVED = 0.05
"""Corrected p-values below this are beyond noise."""

_Cut = Callable[[ScoreInterval], ScoreInterval]

_MOST_SHARE = 0.95
"""A level of more rows than this is the whole, and has nothing to be compared with."""

_MOST_SCORED = {True: 200_000, False: 100_000_000}
"""Rows that are scored in all, strings or not: of more rows, some are drawn."""

_LEAST_DRAWN = 2_000


@dataclass(frozen=True)
class Segment:
    """The rows at one level of a column.

    Attributes:
        column: The column, or what is derived from several.
        level: The level.
        n: Its rows.
        score: Their score by the competition's metric.
        low: Lower end of its interval of 95 %.
        high: Upper end.
        expected: Mean score of the levels of this column, by their rows, which it is compared with.
        distance: From that, in standard errors; below 0 is worse.
        p_value: How likely chance alone brings one as far away, among all that were looked at.
        bias: Mean prediction less mean truth, where both are numbers of one column; else None.
    """

    column: str
    level: str
    n: int
    score: float
    low: float
    high: float
    expected: float
    distance: float
    p_value: float
    bias: float | None

    @property
    def is_believed(self) -> bool:
        """Whether it is beyond noise."""
        return self.p_value < BELIEVED

    @property
    def is_worse(self) -> bool:
        """Whether its score is worse than that of the other levels."""
        return self.distance < 0


@dataclass(frozen=True)
class Segments:
    """Segments, and what they are compared with.

    Attributes:
        overall: Score of all rows.
        n: Rows that were looked at.
        n_of: Rows that there are.
        n_columns: Columns, and what is derived from them, that were looked at.
        ranked: All segments, the furthest beyond noise first.
        along: Of what is derived, such as the step of the horizon: its segments in order.
        n_unscored: Segments for which the metric is not defined.
    """

    overall: ScoreInterval
    n: int
    n_of: int
    n_columns: int
    ranked: tuple[Segment, ...]
    along: dict[str, tuple[Segment, ...]]
    n_unscored: int

    @property
    def believed(self) -> tuple[Segment, ...]:
        """Those beyond noise, furthest first."""
        return tuple(s for s in self.ranked if s.is_believed)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def find_segments(validated: Validated) -> Segments:
    """Score each level of each column by itself, with an interval, and compare it with the other levels.

    It is compared with the mean over the levels of its column, not with the score of all rows: inside a level, a metric
    of ranks cannot earn what tells the levels apart, and that is no fault of the model. Standard errors, of segments
    and of their differences, come from the jackknife over blocks of rows, or, if that is larger, from what so many rows
    would have if they were like all: a segment without a single error is not surer than that. P-values are those of
    Student, corrected for the number of segments.

    Raises:
        DataError: All rows together cannot be scored.
    """
    levels, n_all = list(all_levels(validated)), len(validated)
    n = _affordable(validated, len(levels))
    if n < n_all:
        validated = validated.take(np.sort(np.random.default_rng(0).permutation(n_all)[:n]))
        levels = list(all_levels(validated))
    score, cut = _scorer(validated), _cutter(validated)
    blocks = blocks_of(len(validated), validated.clusters)
    overall = cut(jackknife(score, np.arange(len(validated)), blocks))
    found: list[Segment] = []
    n_unscored = 0
    for column in levels:
        scored = [_scored(column, k, score, blocks, overall) for k in range(len(column.names))]
        n_unscored += scored.count(None)
        found += _compared(validated, column, scored, cut)
    p_values = holm([s.p_value for s in found])
    corrected = [replace(s, p_value=float(p)) for s, p in zip(found, p_values, strict=True)]
    ranked = [corrected[i] for i in sorted(range(len(found)), key=lambda i: (p_values[i], -abs(found[i].distance)))]
    along = {d.name: tuple(s for s in corrected if s.column == d.name) for d in validated.derived}
    return Segments(overall, n, n_all, len(levels), tuple(ranked), {k: v for k, v in along.items() if v}, n_unscored)


def _affordable(validated: Validated, n_columns: int) -> int:
    budget = _MOST_SCORED[validated.task.is_string]
    return min(len(validated), max(_LEAST_DRAWN, budget // (N_BLOCKS * max(1, n_columns))))


def _scorer(validated: Validated) -> Score:
    """Scores of rows by their places; of a metric of strings that is a mean over rows, each row is scored once."""
    y, final, task = validated.y, validated.final, validated.task
    if task.is_string and validated.competition.boxes is None:
        single = row_scores(y, final, task)
        if abs(np.nanmean(single) - task.score_final(y, final)) < 1e-9:
            return lambda rows: _mean(single[rows])
    return lambda rows: task.score_final(y[rows], final[rows])


def _mean(values: np.ndarray) -> float:
    present = values[~np.isnan(values)]
    if not len(present):
        raise DataError("no row has a score")
    return float(present.mean())


def _cutter(validated: Validated) -> _Cut:
    """Takes from an interval what is better than predictions that are the truth."""
    y, final, task = validated.y, validated.final, validated.task
    perfect = np.eye(final.shape[1])[y] if final.ndim == 2 and y.ndim == 1 else y
    best = None
    with suppress(DataError):  # a metric of one's own may take no truth as prediction: then nothing is cut
        best = task.score_final(y, perfect.astype(final.dtype))
    return partial(ScoreInterval.within, best=best, greater_is_better=task.metric.greater_is_better)


@dataclass(frozen=True)
class _Scored:
    """A level's score.

    Attributes:
        rows: Places of its rows.
        score: Their score.
        left: That without each block of rows.
        freedom: Degrees of freedom of an error made of these.
        floor: The standard error of so many rows that are like all.
    """

    rows: np.ndarray
    score: float
    left: np.ndarray
    freedom: int
    floor: float


def _scored(column: Levels, k: int, score: Score, blocks: np.ndarray, overall: ScoreInterval) -> _Scored | None:
    """None where the metric is not defined for the rows, or for all but a block of them."""
    rows = np.flatnonzero(column.codes == k)
    try:
        whole, left, freedom = replicates(score, rows, blocks)
    except DataError:
        return None
    return _Scored(rows, whole, left, freedom, overall.error * float(np.sqrt(len(blocks) / len(rows))))


def _compared(validated: Validated, column: Levels, scored: Sequence[_Scored | None], cut: _Cut) -> list[Segment]:
    """The levels of a column that are no more than most of it, each against the mean of all."""
    from scipy.special import stdtr

    known = [(name, s) for name, s in zip(column.names, scored, strict=True) if s is not None]
    if len(known) < 2:
        return []
    weights = np.array([len(s.rows) for _, s in known], dtype=np.float64)
    weights /= weights.sum()
    expected = float(weights @ [s.score for _, s in known])
    expected_left = weights @ np.array([s.left for _, s in known])
    floors = np.array([s.floor for _, s in known])
    sign = 1 if validated.task.metric.greater_is_better else -1
    found = []
    for i, (name, level) in enumerate(known):
        if weights[i] > _MOST_SHARE:
            continue
        # In score - expected, the level's own part has the weight 1 - w and the others theirs.
        parts = np.where(np.arange(len(known)) == i, 1 - weights, weights)
        apart = _error(level.left - expected_left, float(np.sqrt(((parts * floors) ** 2).sum())), validated)
        distance = sign * (level.score - expected) / apart if apart > 0 else 0.0
        p_value = 2 * float(stdtr(level.freedom, -abs(distance)))
        own = cut(interval(level.score, _error(level.left, level.floor, validated), level.freedom))
        found.append(
            Segment(
                column.column, name, len(level.rows), own.score, own.low, own.high, expected, float(distance), p_value,
                _bias(validated, level.rows),
            )
        )  # fmt: skip
    return found


def _error(left: np.ndarray, floor: float, validated: Validated) -> float:
    """By the jackknife, and no smaller than the floor; where rows belong together, their number gives no floor."""
    error = error_of(left)
    return max(error, floor) if validated.clusters is None or error == 0 else error


def _bias(validated: Validated, rows: np.ndarray) -> float | None:
    if validated.task.problem_type not in ("binary", "regression"):
        return None
    return float(validated.y_pred[rows].mean() - validated.y[rows].mean())
