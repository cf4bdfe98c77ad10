"""How far cross-validation can be trusted in a project: what its scores said of the public scores that came."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from aicomp.submission.history import Record
from aicomp.submission.selection import Agreement, agreement, one_per_file

_QUANTILE = 1.959964
"""Of the normal distribution, for 95 %."""


@dataclass(frozen=True)
class Point:
    """A submitted file.

    Attributes:
        name: Its run, or "blend of 3".
        cv: Mean score in cross-validation.
        public: Public score, or the score on the hidden part of a built-in competition.
    """

    name: str
    cv: float
    public: float


@dataclass(frozen=True)
class Trust:
    """Cross-validation beside the public scores, over different files.

    Attributes:
        points: Files with both scores.
        agreement: Correlation of the two; None with fewer than four points.
        interval: 95 % interval of the rank correlation, None where there is none.
        same_order: Pairs of points that both scores put in the same order.
        n_pairs: Pairs of points that differ in both.
    """

    points: tuple[Point, ...]
    agreement: Agreement | None
    interval: tuple[float, float] | None
    same_order: int
    n_pairs: int

    @property
    def meaning(self) -> str:
        """What follows from it, as a phrase; empty with too few files."""
        if self.agreement is None:
            return ""
        if self.interval is not None and self.interval[0] <= 0 <= self.interval[1]:
            return "whether CV can be trusted here is not known yet, as chance alone may order the files so"
        return self.agreement.meaning

    @property
    def sentences(self) -> list[str]:
        """What it says, for people."""
        n = len(self.points)
        if n == 0:
            return []
        if self.agreement is None:
            files = "1 file has" if n == 1 else f"{n} files have"
            return [f"{files} both a CV and a public score: too few to say whether CV can be trusted here, 4 at least"]
        lines = [f"over {n} files: {self.meaning}"]
        if self.agreement.spearman is not None:
            known = "" if self.interval is None else f", 95 % interval {self.interval[0]:.2f} to {self.interval[1]:.2f}"
            lines.append(f"rank correlation {self.agreement.spearman:.2f}{known}")
        if self.n_pairs:
            lines.append(f"of {self.n_pairs} pairs of files, {self.same_order} stand in the same order by both scores")
        return lines


def trust_in_cv(records: Sequence[Record]) -> Trust:
    """Put the two scores of each file side by side.

    Args:
        records: Submissions to one host; of a file that was sent several times the one with a score counts.
    """
    points = [
        Point(" + ".join(r.runs) if len(r.runs) < 2 else f"blend of {len(r.runs)}", r.cv, r.public_score)
        for r in one_per_file(records)
        if r.cv is not None and r.public_score is not None
    ]
    found = agreement(records)
    interval = None
    if found is not None and found.spearman is not None:
        interval = spearman_interval(found.spearman, found.n)
    apart = [(a, b) for a, b in combinations(points, 2) if a.cv != b.cv and a.public != b.public]
    same = sum((a.cv < b.cv) == (a.public < b.public) for a, b in apart)
    return Trust(tuple(points), found, interval, same, len(apart))


def spearman_interval(correlation: float, n: int) -> tuple[float, float] | None:
    """95 % interval of a rank correlation of n pairs; None with fewer than four, and of a perfect one.

    Fisher's z with the standard error sqrt((1 + r**2 / 2) / (n - 3)) of Bonett and Wright, "Sample size requirements
    for estimating Pearson, Kendall and Spearman correlations", Psychometrika 2000.

    >>> [round(end, 2) for end in spearman_interval(0.0, 28)]  # tanh(1.96 / sqrt(25))
    [-0.37, 0.37]
    """
    if n < 4 or abs(correlation) >= 1:
        return None
    z, width = math.atanh(correlation), _QUANTILE * math.sqrt((1 + correlation**2 / 2) / (n - 3))
    return math.tanh(z - width), math.tanh(z + width)
