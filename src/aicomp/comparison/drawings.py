"""Drawings of a comparison: folds, predictions, segments, blends."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from aicomp.comparison.alike import Gain
from aicomp.comparison.compare import SURE, ByRows
from aicomp.comparison.segments import Segment
from aicomp.pages.drawing import COLORS, FAINT, INK, Drawing, new_figure

_MOST_SEGMENTS = 15
_MANY_POINTS = 300
_LONGEST_NAME = 30


def fold_drawing(facts: dict[str, Any]) -> Drawing | None:
    """Scores of both runs in each fold; none where they are measured by different metrics."""
    if facts["verdict"] is None:
        return None
    folds = facts["folds"]
    with new_figure(6, 2.6) as figure:
        axes = figure.subplots()
        for side, color, marker in (("a", COLORS[0], "o"), ("b", COLORS[1], "s")):
            points = [(f["fold"] + 1, f[side]) for f in folds if f[side] is not None]
            axes.plot(*zip(*points, strict=True), marker, color=color, markersize=5, label=side)
            axes.axhline(facts[side]["mean"], color=color, linewidth=0.8, linestyle="--")
        for f in folds if facts["same_folds"] else ():
            axes.plot([f["fold"] + 1] * 2, [f["a"], f["b"]], color=FAINT, zorder=0)
        axes.set_xticks([f["fold"] + 1 for f in folds] if len(folds) <= 20 else [1, len(folds)])
        axes.set_xlabel("fold")
        axes.set_ylabel(facts["metric"])
        axes.grid(axis="y")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    alt = f"{facts['metric']} of {len(folds)} folds: mean {facts['a']['mean']:.5g} of a, {facts['b']['mean']:.5g} of b"
    return Drawing("folds", alt, figure, f"{alt[0].upper()}{alt[1:]}. Dashed lines are the means.")


def prediction_drawing(rows: ByRows) -> Drawing | None:
    """Predictions of both runs against each other; of several columns the loss of the truth; none of strings."""
    a, b, what = rows.sides.a.oof, rows.sides.b.oof, "prediction"
    if a.dtype == object:
        return None
    if a.ndim == 2:
        a, b, what = rows.losses.a, rows.losses.b, "loss"
    with new_figure(4.6, 4) as figure:
        axes = figure.subplots()
        low, high = float(min(a.min(), b.min())), float(max(a.max(), b.max()))
        axes.plot([low, high], [low, high], color=INK, linewidth=0.8, linestyle=":")
        if len(a) <= _MANY_POINTS:
            axes.plot(a, b, ".", color=COLORS[0], alpha=0.6)
        else:
            _density(axes, a, b)
        axes.set_xlabel(f"{what} of a")
        axes.set_ylabel(f"{what} of b")
    found = rows.alike.predictions
    alt = f"{what}s of {len(a):,} rows by a and by b" + ("" if found is None else f": they correlate {found:.3f}")
    return Drawing("predictions", alt, figure, f"{alt[0].upper()}{alt[1:]}. On the dotted line both say the same.")


def _density(axes: Any, a: np.ndarray, b: np.ndarray) -> None:
    from matplotlib.colors import LinearSegmentedColormap, LogNorm, to_rgb

    counts, x, y = np.histogram2d(a, b, bins=48)
    # From nearly transparent to the colour itself: it shows on a light and on a dark page.
    color = to_rgb(COLORS[0])
    shades = LinearSegmentedColormap.from_list("shades", [(*color, 0.15), (*color, 1.0)])
    masked = np.ma.masked_equal(counts.T, 0)
    axes.pcolormesh(x, y, masked, cmap=shades, norm=LogNorm(1, max(2.0, counts.max())), rasterized=True)


def segment_drawing(segments: Sequence[Segment]) -> Drawing:
    """The gain of b in the segments that differ most surely, with intervals."""
    shown = segments[:_MOST_SEGMENTS]
    with new_figure(5.6, 0.8 + 0.26 * len(shown)) as figure:
        axes = figure.subplots()
        for place, segment in enumerate(shown):
            sure = segment.p_value < SURE
            color = COLORS[2] if segment.gain > 0 else COLORS[1]
            axes.plot([segment.low, segment.high], [place, place], color=color, alpha=1.0 if sure else 0.45)
            axes.plot(segment.gain, place, "o" if sure else ".", color=color, markersize=5)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(range(len(shown)), [_name(segment) for segment in shown])
        axes.invert_yaxis()
        axes.set_xlabel("loss of a less loss of b: right of the line, b is better")
        axes.grid(axis="x")
    n_sure = sum(segment.p_value < SURE for segment in shown)
    first = shown[0]
    alt = (
        f"the {len(shown)} segments that differ most surely, {n_sure} of them beyond luck; first {first.column} "
        f"{first.level}, where b costs {abs(first.gain):.3g} {'less' if first.gain > 0 else 'more'} a row"
    )
    caption = "95 % intervals of each segment alone; large dots are those that differ beyond luck, corrected for all."
    return Drawing("segments", alt, figure, caption)


def _name(segment: Segment) -> str:
    name = f"{segment.column}: {segment.level}"
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def blend_drawing(gain: Gain, metric: str) -> Drawing:
    """Score of weighted means by the weight of b."""
    with new_figure(6, 2.4) as figure:
        axes = figure.subplots()
        axes.plot(gain.weights, gain.scores, color=COLORS[0])
        best = gain.best
        axes.plot(gain.weight, best, "o", color=COLORS[1])
        axes.set_xlabel("weight of b")
        axes.set_ylabel(metric)
        axes.grid()
    alone = f"{gain.scores[0]:.5g} for a alone, {gain.scores[-1]:.5g} for b alone"
    alt = f"{metric} of a blend: {alone}, {best:.5g} with {gain.weight:.2g} of b"
    return Drawing("blend", alt, figure, f"{alt[0].upper()}{alt[1:]}, on all rows and without a last step.")
