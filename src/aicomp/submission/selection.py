"""What public scores tell: whether cross-validation can be trusted, and which two submissions to select at the end."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aicomp.submission.history import Record

LEAST_PAIRS = 4
"""Submissions with both scores that a correlation takes."""

Similarity = Callable[[Record, Record], float | None]
"""Rank correlation of two submissions' test predictions, None if it is not known."""

_CLOSE = 0.99
"""Predictions that correlate more than this are one bet, not two."""

_OUTLYING = 3.0
"""Robust standard deviations from the usual gap between the two scores, from which on a score is not believed."""


@dataclass(frozen=True)
class Agreement:
    """How cross-validation and the public scores go together, over different files.

    Attributes:
        n: Number of files with both scores.
        pearson: Correlation of the scores, None where one of them never varies.
        spearman: Correlation of their ranks, likewise.
    """

    n: int
    pearson: float | None
    spearman: float | None

    @property
    def meaning(self) -> str:
        """What follows from it, as a phrase."""
        if self.spearman is None:
            return "one of the scores never varies: it tells nothing about the other"
        caution = "" if self.n >= 8 else f"; {self.n} pairs are few"
        if self.spearman >= 0.7:
            return f"what is better in cross-validation is better on the leaderboard: choose by CV{caution}"
        if self.spearman >= 0.3:
            return f"the two agree in part: small differences in CV mean little{caution}"
        return f"the two do not agree: see whether the folds mirror how test was split off{caution}"


@dataclass(frozen=True)
class Choice:
    """A submission to select, and why."""

    record: Record
    reason: str


def agreement(records: Sequence[Record]) -> Agreement | None:
    """Correlation of cross-validation and public score, None with fewer than `LEAST_PAIRS` files."""
    pairs = [(r.cv, r.public_score) for r in one_per_file(records) if r.cv is not None and r.public_score is not None]
    if len(pairs) < LEAST_PAIRS:
        return None
    cv, public = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    return Agreement(len(pairs), _pearson(cv, public), _pearson(_ranks(cv), _ranks(public)))


def select_two(
    records: Sequence[Record],
    *,
    greater_is_better: bool,
    similarity: Similarity = lambda a, b: None,
) -> list[Choice]:
    """Which two submissions to select for the private leaderboard.

    The first is the one with the best score in cross-validation, unless its public score falls behind that by far more
    than the others' do. The second is the one with the best public score if that is another one whose predictions
    differ; else the next best in cross-validation that differs: two bets that are one are no hedge.

    Args:
        records: All submissions; those without a public score cannot be selected.
        greater_is_better: Direction of the metric.
        similarity: Of two submissions' predictions.

    Returns:
        At most two choices; fewer where fewer have a score.
    """
    sign = 1.0 if greater_is_better else -1.0
    scored = [r for r in one_per_file(records) if r.public_score is not None and r.status == "complete"]
    by_public = sorted(scored, key=lambda r: -sign * _value(r.public_score))
    by_cv = sorted((r for r in scored if r.cv is not None), key=lambda r: -sign * _value(r.cv))
    doubtful = _unbelievable(by_cv, sign)
    believed = [r for r in by_cv if id(r) not in doubtful]
    if not scored:
        return []
    first = _first(believed, by_cv, by_public, doubtful)
    second = _second(first.record, believed, by_public, similarity)
    return [first] if second is None else [first, second]


def _first(believed: list[Record], by_cv: list[Record], by_public: list[Record], doubtful: dict[int, float]) -> Choice:
    if not believed:
        best = by_public[0]
        return Choice(best, f"best public score, {best.public_score:.5g}; no score in cross-validation is known")
    best = believed[0]
    reason = f"best in cross-validation, {_cv(best)}, public {best.public_score:.5g}"
    better = [r for r in by_cv[: by_cv.index(best)] if id(r) in doubtful]
    if better:
        passed = better[0]
        reason += (
            f"; {name_of(passed)} has {passed.cv:.5g}, but its public score {passed.public_score:.5g} falls behind "
            f"that by {doubtful[id(passed)]:.0f} times the usual deviation"
        )
    return Choice(best, reason)


def _second(first: Record, believed: list[Record], by_public: list[Record], similarity: Similarity) -> Choice | None:
    """The best public score that is another bet, else the next best in cross-validation that is, else what is left."""
    leader = by_public[0]
    candidates = []
    if leader is not first:
        candidates.append((leader, f"best public score, {leader.public_score:.5g}"))
    candidates += [
        (r, f"next in cross-validation, {_cv(r)}, public {r.public_score:.5g}")
        for r in believed
        if r is not first and r is not leader
    ]
    candidates += [
        (r, f"next public score, {r.public_score:.5g}")
        for r in by_public
        if r is not first and all(r is not c for c, _ in candidates)
    ]
    if not candidates:
        return None
    likeness: list[float] = []
    for record, reason in candidates:
        alike = similarity(first, record)
        if alike is None or alike < _CLOSE:
            return Choice(record, reason + _told(alike) + _passed([c for c, _ in candidates[: len(likeness)]]))
        likeness.append(alike)
    record, reason = candidates[0]
    return Choice(record, f"{reason}{_told(likeness[0])}: hardly a hedge, and no other differs by more than 1 %")


def _passed(records: Sequence[Record]) -> str:
    """Why better ones are not taken."""
    if not records:
        return ""
    names = ", ".join(str(r.ref) for r in records)
    return f"; {names} {'predicts' if len(records) == 1 else 'predict'} nearly the same as the first"


def _told(alike: float | None) -> str:
    return "" if alike is None else f"; its predictions correlate {alike:.3f} with the first's"


def _unbelievable(records: Sequence[Record], sign: float) -> dict[int, float]:
    """Records whose public score falls behind CV by far more than usual, with how many deviations, by `id()`.

    The usual gap is the median, the deviation 1.4826 times the median distance from it, but at least the deviation over
    the folds: a lucky CV score is no leak.
    """
    gaps = [sign * (_value(r.cv) - _value(r.public_score)) for r in records]
    if len(gaps) < LEAST_PAIRS:
        return {}
    usual = statistics.median(gaps)
    spread = 1.4826 * statistics.median([abs(g - usual) for g in gaps])
    found = {}
    for record, gap in zip(records, gaps, strict=True):
        deviation = max(spread, record.cv_std or 0.0)
        if deviation > 0 and (gap - usual) / deviation > _OUTLYING:
            found[id(record)] = (gap - usual) / deviation
    return found


def name_of(record: Record) -> str:
    """What to call a submission: its runs if they are known, with the host's number."""
    runs = " + ".join(record.runs) or (record.posted.file if record.posted is not None else "")
    return f"{record.ref} ({runs})" if runs else str(record.ref)


def _cv(record: Record) -> str:
    spread = "" if record.cv_std is None else f" ± {record.cv_std:.2g}"
    return f"{record.cv:.5g}{spread}"


def _value(score: float | None) -> float:
    assert score is not None
    return score


def one_per_file(records: Sequence[Record]) -> list[Record]:
    """One record per file, the one with the score: a file that was sent twice tells nothing new."""
    kept: dict[object, Record] = {}
    for record in records:
        key = record.file_hash or record.ref
        if key not in kept or (kept[key].public_score is None and record.public_score is not None):
            kept[key] = record
    return list(kept.values())


def _pearson(x: Sequence[float], y: Sequence[float]) -> float | None:
    try:
        value = statistics.correlation(x, y)
    except statistics.StatisticsError:
        return None
    return value if math.isfinite(value) else None


def _ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1, equal values sharing the mean of theirs."""
    ordered = sorted(values)
    return [ordered.index(v) + (ordered.count(v) + 1) / 2 for v in values]
