"""Drawings of all columns at once: the target, what is missing, what goes together."""

import numpy as np

from aicomp.eda.boxes import BoxSet
from aicomp.eda.dependence import Dependence
from aicomp.eda.drawings.axes import HEIGHT, TEST, TRAIN, WIDE, WIDTH, cut, draw_distribution, legend, tick_levels
from aicomp.eda.exploration import Study
from aicomp.eda.missing import Missing
from aicomp.eda.pairs import Pairs
from aicomp.eda.target import Target
from aicomp.pages.drawing import COLORS, Drawing, new_figure
from aicomp.pages.render import number, percent

_MOST_BARS = 25


def draw_target(target: Target) -> Drawing | None:
    """Rows of each class or label, or the distribution of the values; None for several targets."""
    if target.counts:
        return _draw_counts(target)
    values = target.y if target.form == "values" and target.y.ndim == 1 else target.numbers[:, 0]
    if target.form == "values" and target.y.ndim > 1:
        return None
    label = target.what.replace("`", "").removeprefix("mean of ")
    with new_figure(WIDE, HEIGHT + 0.3) as figure:
        panel = figure.subplots()
        draw_distribution(panel, values.astype(np.float64), np.empty(0))
        panel.set_xlabel(cut(label, 60))
    quartiles = ", ".join(number(float(q)) for q in np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))
    return Drawing(
        "target",
        f"Distribution of {cut(label, 60)}; least value, quartiles and largest: {quartiles}",
        figure,
        "The outer bars hold what lies beyond them.",
    )


def _draw_counts(target: Target) -> Drawing:
    names = (
        sorted(target.counts, key=lambda n: -target.counts[n]) if len(target.counts) > _MOST_BARS else [*target.counts]
    )
    names = names[:_MOST_BARS]
    counts = [target.counts[n] for n in names]
    with new_figure(WIDE, 0.7 + 0.22 * len(names)) as figure:
        panel = figure.subplots()
        bars = panel.barh(range(len(names)), counts, height=0.7, color=TRAIN, alpha=0.6)
        panel.bar_label(bars, [f"{n:,} ({percent(n / len(target.y))})" for n in counts], padding=3, fontsize=8)
        tick_levels(panel, names)
        panel.set_xlim(right=max(counts) * 1.25)
        panel.set_xlabel("rows of train")
    shown = "; ".join(f"{cut(n, 40)} {target.counts[n]:,}" for n in names)
    more = len(target.counts) - len(names)
    return Drawing("target", f"Rows of each class: {shown}", figure, f"{more:,} further ones not drawn" if more else "")


def draw_associations(studies: list[Study]) -> Drawing:
    """What each column tells of the target by itself, the most telling first, with intervals."""
    shown = [(s.name, s.association) for s in studies if s.association is not None][:_MOST_BARS]
    share = np.array([score.share for _, score in shown])
    error = 1.96 * np.array([score.error for _, score in shown])
    with new_figure(WIDE, 0.7 + 0.2 * len(shown)) as figure:
        panel = figure.subplots()
        panel.barh(range(len(shown)), np.maximum(share, 0), height=0.7, color=COLORS[2], alpha=0.55)
        panel.errorbar(share, range(len(shown)), xerr=error, fmt="none", color=COLORS[2], linewidth=1.2)
        tick_levels(panel, [name for name, _ in shown])
        panel.set_xlim(left=max(-0.05, min(0.0, float((share - error).min(initial=0)))))
        panel.set_xlabel("share of the target that is told")
    told = "; ".join(f"{cut(name, 40)} {percent(max(score.share, 0.0))}" for name, score in shown[:8])
    return Drawing("associations", f"Share of the target that each column tells by itself: {told}", figure)


def draw_missing(missing: Missing) -> Drawing:
    """Share missing of each column in train and test."""
    names = missing.columns[:_MOST_BARS]
    train = [missing.train.get(n, np.nan) for n in names]
    test = [missing.test.get(n, np.nan) for n in names]
    with new_figure(WIDE, 0.75 + 0.2 * len(names)) as figure:
        panel = figure.subplots()
        panel.barh(range(len(names)), train, height=0.7, color=TRAIN, alpha=0.45, label="train")
        panel.plot(test, range(len(names)), "D", color=TEST, markersize=4, label="test")
        tick_levels(panel, names)
        panel.set_xlim(0, 1.02)
        panel.set_xlabel("share of rows in which it is missing")
        legend(panel)
    told = "; ".join(f"{cut(n, 40)} {percent(a)} and {percent(b)}" for n, a, b in zip(names, train, test, strict=True))
    return Drawing("missing", f"Share missing in train and in test: {told}", figure)


def draw_dependence(dependence: Dependence) -> Drawing:
    """A heat map: blue for what falls together, orange for what rises together, the stronger the fuller."""
    from matplotlib.colors import to_rgb

    k, matrix = len(dependence.names), dependence.matrix
    colors = np.where((matrix < 0)[..., None], to_rgb(COLORS[0]), to_rgb(COLORS[1]))
    image = np.concatenate([colors, np.abs(matrix)[..., None]], axis=2)
    side = max(4.2, 2.0 + 0.19 * k)
    with new_figure(side + 0.6, side) as figure:
        panel = figure.subplots()
        panel.imshow(image, interpolation="nearest")
        names = [cut(name, 16) for name in dependence.names]
        panel.set_xticks(range(k), names, rotation=90, fontsize=7)
        panel.set_yticks(range(k), names, fontsize=7)
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
        if k <= 14:
            for i, j in zip(*np.nonzero(~np.eye(k, dtype=bool)), strict=True):
                panel.text(j, i, f"{matrix[i, j]:.2f}".replace("0.", "."), ha="center", va="center", fontsize=7)
    upper = np.triu(np.abs(matrix), 1)
    order = np.dstack(np.unravel_index(np.argsort(-upper, axis=None)[:5], upper.shape))[0]
    told = "; ".join(
        f"{cut(dependence.names[i], 30)} and {cut(dependence.names[j], 30)} {matrix[i, j]:.2f}"
        for i, j in order
        if i < j
    )
    return Drawing(
        "dependence",
        f"How columns go together, the strongest: {told}",
        figure,
        "Orange rises together or goes together, blue falls as the other rises; the fuller, the stronger.",
    )


def draw_pairs(pairs: Pairs) -> Drawing:
    """How many pairs the most frequent users and items have, on logarithmic axes."""
    with new_figure(WIDE, HEIGHT + 0.3) as figure:
        panel = figure.subplots()
        for side, color, style in ((pairs.user, COLORS[0], "-"), (pairs.item, COLORS[1], "--")):
            places = np.unique(np.geomspace(1, len(side.counts), 200).astype(int))
            panel.plot(places, side.counts[places - 1], style, color=color, label=cut(side.name))
        panel.set(xscale="log", yscale="log", xlabel="place, the most frequent first", ylabel="pairs")
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_formatter(lambda value, _: number(value))
            axis.set_minor_formatter(lambda *_: "")
        legend(panel)
    told = "; ".join(
        f"{cut(s.name)}: {len(s.counts):,}, from {number(float(s.counts[-1]))} over the median "
        f"{number(float(np.median(s.counts)))} to {number(float(s.counts[0]))} pairs"
        for s in (pairs.user, pairs.item)
    )
    return Drawing("pairs", told, figure)


def draw_boxes(boxes: BoxSet) -> Drawing:
    """Sizes of boxes."""
    with new_figure(WIDE, HEIGHT + 0.3) as figure:
        panel = figure.subplots()
        draw_distribution(panel, boxes.sides, np.empty(0))
        panel.set(xlabel="root of a box's area, in pixels", ylabel="share of boxes")
    quartiles = ", ".join(number(float(q)) for q in np.quantile(boxes.sides, [0, 0.25, 0.5, 0.75, 1]))
    return Drawing("boxes", f"Root of the boxes' area in pixels; least, quartiles and largest: {quartiles}", figure)


def draw_sizes(name: str, values: np.ndarray, test: np.ndarray, label: str, what: str) -> Drawing:
    """A distribution of lengths or sizes.

    Args:
        name: Of the drawing.
        values: Of train, or of all.
        test: Of test; empty where there is one distribution.
        label: Of the axis.
        what: Whose it is, for who cannot see it.
    """
    with new_figure(WIDTH, HEIGHT) as figure:
        panel = figure.subplots()
        draw_distribution(panel, values.astype(np.float64), test.astype(np.float64))
        panel.set_xlabel(label)
        if len(test):
            legend(panel)
        else:
            panel.set_ylabel("share")
    quartiles = ", ".join(number(float(q)) for q in np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))
    return Drawing(name, f"{what}, {label}; least, quartiles and largest: {quartiles}", figure)
