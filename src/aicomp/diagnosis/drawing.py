"""Drawings of a diagnosis; each says in words what there is to see."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aicomp.diagnosis.by_fold import ByFold
from aicomp.diagnosis.calibration import Calibration
from aicomp.diagnosis.confusion import Confusion
from aicomp.diagnosis.residuals import Residuals
from aicomp.diagnosis.segments import Segment
from aicomp.pages.drawing import COLORS, FAINT, INK, Drawing, new_figure
from aicomp.pages.render import number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSES = 12
"""Of more classes the matrix is not drawn: its numbers could not be read."""

_LONGEST = 30


def shortened(text: str, longest: int = _LONGEST) -> str:
    r"""A name that fits beside a drawing, on one line.

    >>> shortened("a long name that nobody can read at a glance", 20), shortened("a\nb")
    ('a long name that no…', 'a b')
    """
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def draw_calibration(found: Calibration, name: str) -> Drawing:
    """What was observed against what was predicted, with intervals; below it how often each was predicted."""
    predicted, observed = [b.predicted for b in found.bins], [b.observed for b in found.bins]
    below, above = [b.observed - b.low for b in found.bins], [b.high - b.observed for b in found.bins]
    with new_figure(4.4, 3.6) as figure:
        panel = figure.subplots()
        ends = (0.0, 1.0) if found.kind == "probability" else _ends([*predicted, *observed])
        panel.plot(ends, ends, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        panel.errorbar(predicted, observed, yerr=[below, above], fmt="o-", color=COLORS[0], markersize=4, elinewidth=1)
        what = "share that is true" if found.kind == "probability" else "mean truth"
        panel.set(xlabel="mean prediction", ylabel=what, xlim=_wider(ends), ylim=_wider(ends))
        panel.grid(linewidth=0.5)
        panel.set_title(shortened(found.of, 48), loc="left")
    worst = max(found.bins, key=lambda b: abs(b.predicted - b.observed))
    alt = (
        f"{found.of}: predictions of {number(worst.predicted, 3)} on average came out as {number(worst.observed, 3)}, "
        f"the largest difference of {len(found.bins)} parts"
    )
    return Drawing(name, alt, figure)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _wider(ends: tuple[float, float]) -> tuple[float, float]:
    reach = 0.04 * (ends[1] - ends[0])
    return ends[0] - reach, ends[1] + reach


def draw_confusion(found: Confusion) -> Drawing:
    """A field for each true and predicted label, the darker the larger its share of the true label."""
    from matplotlib.patches import Rectangle

    n = len(found.labels)
    side = max(2.6, 0.62 * n + 1.4)
    names = [shortened(label, 14) for label in found.labels]
    with new_figure(min(side + 0.8, 9.5), min(side, 8.5)) as figure:
        panel = figure.subplots()
        for i, row in enumerate(found.counts):
            total = max(1, sum(row))
            for j, count in enumerate(row):
                share = count / total
                color = COLORS[0] if i == j else COLORS[1]
                panel.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=color, alpha=0.55 * share, linewidth=0))
                if count:
                    words = f"{count:,}\n{percent(share)}" if n <= 7 else f"{count:,}"
                    panel.text(j, i, words, ha="center", va="center", fontsize=8)
        panel.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), xlabel="predicted", ylabel="true")
        panel.set_xticks(range(n), names, rotation=35 if n > 4 else 0, ha="right" if n > 4 else "center")
        panel.set_yticks(range(n), names)
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
    right = sum(row[i] for i, row in enumerate(found.counts)) / max(1, sum(map(sum, found.counts)))
    alt = f"{percent(right)} of the rows get their label"
    if found.mistaken:
        true, predicted, count = found.mistaken[0]
        alt += f"; the most frequent mistake: {predicted} for {true}, {count:,} times"
    return Drawing("confusion", alt, figure)


def draw_segments(segments: Sequence[Segment], overall: float, metric: str) -> Drawing:
    """Score of each segment with its interval, and the score of all rows as a line."""
    names = [f"{shortened(s.column, 24)}: {shortened(s.level, 22)}" for s in segments]
    with new_figure(7.0, 0.27 * len(segments) + 0.9) as figure:
        panel = figure.subplots()
        panel.axvline(overall, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        for i, s in enumerate(segments):
            color = COLORS[1] if s.is_worse else COLORS[0]
            panel.plot([s.low, s.high], [i, i], color=color, linewidth=1.4)
            panel.plot(s.score, i, "o", color=color, markersize=4.5)
            panel.plot(s.expected, i, "|", color=INK, markersize=8)
        panel.set_yticks(range(len(segments)), names)
        panel.set(ylim=(len(segments) - 0.5, -0.5), xlabel=metric)
        panel.grid(axis="x", linewidth=0.5)
        panel.tick_params(axis="y", length=0)
    first = segments[0]
    alt = (
        f"{metric} of {len(segments)} segments; furthest from the others: {first.column} {first.level} with "
        f"{number(first.score)} where its column has {number(first.expected)} on average"
    )
    return Drawing("segments", alt, figure)


def draw_along(name: str, segments: Sequence[Segment], overall: float, metric: str, number_: int) -> Drawing:
    """Score along something that has an order, with intervals."""
    with new_figure(6.0, 2.6) as figure:
        panel = figure.subplots()
        panel.axhline(overall, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        places = list(range(len(segments)))
        panel.fill_between(places, [s.low for s in segments], [s.high for s in segments], color=COLORS[0], alpha=0.2,
                           linewidth=0)  # fmt: skip
        panel.plot(places, [s.score for s in segments], "o-", color=COLORS[0], markersize=4)
        panel.set_xticks(
            places, [s.level for s in segments], rotation=20 if sum(len(s.level) for s in segments) > 60 else 0
        )
        panel.set(xlabel=shortened(name, 60), ylabel=metric)
        panel.grid(axis="y", linewidth=0.5)
    first, last = segments[0], segments[-1]
    alt = f"{metric} by {name}: {number(first.score)} at {first.level}, {number(last.score)} at {last.level}"
    return Drawing(f"along-{number_}", alt, figure)


def draw_residuals(found: Residuals, name: str) -> Drawing:
    """Left: how residuals lie along the prediction. Right: how often each occurs."""
    unit = f"log(1 + {shortened(found.target, 20)})" if found.is_log else shortened(found.target, 24)
    with new_figure(8.6, 2.9) as figure:
        along, how_often = figure.subplots(1, 2, width_ratios=[1.5, 1])
        _bands(along, found)
        along.set(xlabel=f"predicted {unit}", ylabel="truth less prediction")
        how_often.stairs(found.counts, found.edges, fill=True, color=COLORS[0], alpha=0.75)
        how_often.axvline(0, color=INK, linewidth=0.9)
        how_often.set(xlabel="truth less prediction", ylabel="rows")
    alt = (
        f"residuals of {found.target}: mean {number(found.mean, 3)}, half of them from "
        f"{number(found.quantiles['25 %'], 3)} to {number(found.quantiles['75 %'], 3)}"
    )
    return Drawing(name, alt, figure)


def _bands(panel: "Axes", found: Residuals) -> None:
    x = [b.predicted for b in found.bands]
    wide, narrow = ([b.quantiles[i] for b in found.bands] for i in (0, 1))
    high, top = ([b.quantiles[i] for b in found.bands] for i in (3, 4))
    panel.axhline(0, color=INK, linewidth=0.9)
    panel.fill_between(x, wide, top, color=COLORS[0], alpha=0.18, linewidth=0, label="four fifths")
    panel.fill_between(x, narrow, high, color=COLORS[0], alpha=0.35, linewidth=0, label="half of the rows")
    panel.plot(x, [b.quantiles[2] for b in found.bands], color=COLORS[1], label="median")
    panel.grid(axis="y", linewidth=0.5)
    panel.legend(loc="best", fontsize=8)


def draw_folds(found: ByFold, metric: str) -> Drawing:
    """Score of each fold with its interval."""
    with new_figure(6.0, 0.3 * len(found.folds) + 0.9) as figure:
        panel = figure.subplots()
        panel.axvline(found.mean, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        for i, fold in enumerate(found.folds):
            if fold.error is not None:
                ends = [fold.score - 1.96 * fold.error, fold.score + 1.96 * fold.error]
                panel.plot(ends, [i, i], color=COLORS[0])
            panel.plot(fold.score, i, "o", color=COLORS[0], markersize=4.5)
        panel.set_yticks(range(len(found.folds)), [f"fold {fold.fold}" for fold in found.folds])
        panel.set(ylim=(len(found.folds) - 0.5, -0.5), xlabel=metric)
        panel.grid(axis="x", linewidth=0.5, color=FAINT)
        panel.tick_params(axis="y", length=0)
    scores = [fold.score for fold in found.folds]
    alt = f"{metric} of {len(scores)} folds, from {number(min(scores))} to {number(max(scores))}"
    return Drawing("folds", alt, figure)
