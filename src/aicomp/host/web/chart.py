"""The score chart of a team's submissions: numbers for `templates/chart.html`, which draws them as inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from aicomp.host.submissions import Submission
from aicomp.metrics import Metric

WIDTH, HEIGHT = 600, 200
_MARGIN = 8.0


@dataclass(frozen=True)
class Point:
    """A scored submission: its number, score, place in the drawing, and whether it is the best of all."""

    ref: int
    score: float
    x: float
    y: float
    is_best: bool


@dataclass(frozen=True)
class Chart:
    """Public scores in the order of submission; better is higher up, whatever the metric's direction.

    Attributes:
        points: Oldest first.
        best: The best score.
        best_at: Which of the points it is, from 1.
        best_path: SVG path of the best score so far, a line with steps.
        marks: Scores at the top, the middle and the bottom of the axis; one if all scores are equal.
        lines: Heights at which they stand.
        greater_is_better: Direction of the metric.
    """

    points: tuple[Point, ...]
    best: float
    best_at: int
    best_path: str
    marks: tuple[float, ...]
    lines: tuple[float, ...]
    greater_is_better: bool
    width: int = WIDTH
    height: int = HEIGHT


def score_chart(submissions: Sequence[Submission], metric: Metric) -> Chart | None:
    """Lay out the scores of a team's submissions.

    Args:
        submissions: In any order; those without a score are left out.
        metric: What they were scored by.

    Returns:
        The chart; None for fewer than two scores, which are no course.
    """
    scored = sorted((s.ref, s.public) for s in submissions if s.public is not None)
    if len(scored) < 2:
        return None
    scores = [score for _, score in scored]
    best = max(scores) if metric.greater_is_better else min(scores)
    worst = min(scores) if metric.greater_is_better else max(scores)
    places = [(_across(i, len(scores)), _height(score, best, worst)) for i, score in enumerate(scores)]
    first_best = scores.index(best)
    points = tuple(
        Point(ref, score, x, y, i == first_best)
        for i, ((ref, score), (x, y)) in enumerate(zip(scored, places, strict=True))
    )
    marks = (best, (best + worst) / 2, worst) if best != worst else (best,)
    lines = tuple(_height(mark, best, worst) for mark in marks)
    return Chart(points, best, first_best + 1, _best_path(places), marks, lines, metric.greater_is_better)


def _across(i: int, n: int) -> float:
    return round(_MARGIN + i * (WIDTH - 2 * _MARGIN) / (n - 1), 2)


def _height(score: float, best: float, worst: float) -> float:
    share = (best - score) / (best - worst) if best != worst else 0.5
    return round(share * HEIGHT, 2) + 0.0  # never -0.0


def _best_path(places: Sequence[tuple[float, float]]) -> str:
    """Steps through the highest place so far, to the right edge."""
    x, y = places[0]
    path, highest = f"M{x} {y}", y
    for x, y in places[1:]:
        path += f"H{x}"
        if y < highest:
            path, highest = f"{path}V{y}", y
    return path
