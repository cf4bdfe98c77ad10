"""Drawings of series in time: some of them, their total, their season."""

import numpy as np

from aicomp.eda.drawings.axes import HEIGHT, WIDE, WIDTH, cut, few_dates, legend
from aicomp.eda.series import SeriesSet
from aicomp.eda.times import Span, moment
from aicomp.pages.drawing import COLORS, INK, Drawing, new_figure
from aicomp.pages.render import number


def draw_series(series: SeriesSet) -> list[Drawing]:
    """One drawing for each series that is shown."""
    drawings = []
    for k, (name, axis, values) in enumerate(series.shown):
        with new_figure(WIDTH, HEIGHT) as figure:
            panel = figure.subplots()
            panel.plot(axis, values, color=COLORS[0], linewidth=1)
            if axis.dtype.kind == "M":
                few_dates(panel)
        alt = f"{cut(name, 80)}: {len(values)} {series.step}s, from {_range(values)}"
        drawings.append(Drawing(f"series-{k}", alt, figure, cut(name, 80)))
    return drawings


def _range(values: np.ndarray) -> str:
    return f"{number(float(values.min()))} to {number(float(values.max()))}, median {number(float(np.median(values)))}"


def draw_total(series: SeriesSet, target: str) -> Drawing:
    """The sum over all series at each step."""
    axis, values = series.total
    with new_figure(WIDE, HEIGHT + 0.2) as figure:
        panel = figure.subplots()
        panel.plot(axis, values, color=COLORS[0], linewidth=1)
        panel.set_ylabel(cut(f"sum of {target}", 30))
        if axis.dtype.kind == "M":
            few_dates(panel)
    return Drawing("total", f"Sum over all series at each {series.step}: from {_range(values)}", figure)


def draw_season(series: SeriesSet) -> list[Drawing]:
    """The season's profile and the autocorrelation; what is not known is left out."""
    drawings = []
    season = series.season
    if season is not None:
        with new_figure(WIDTH, HEIGHT) as figure:
            panel = figure.subplots()
            panel.plot(np.arange(1, season.period + 1), season.profile, marker="o", markersize=3, color=COLORS[2])
            panel.axhline(1 if season.is_ratio else 0, color=INK, linewidth=0.8, linestyle=":")
            panel.locator_params(axis="x", integer=True)
            panel.set(
                xlabel=f"{cut(series.step)} of the round, the first one of train is 1",
                ylabel="over the trend" if season.is_ratio else "less the trend",
            )
        told = ", ".join(number(float(v), 3) for v in season.profile[:24])
        drawings.append(Drawing("season", f"Season of {season.period} {series.step}s: {told}", figure))
    if len(series.autocorrelation):
        lags = np.arange(1, len(series.autocorrelation) + 1)
        limit = 1.96 / np.sqrt(len(series.total[1]))
        with new_figure(WIDTH, HEIGHT) as figure:
            panel = figure.subplots()
            panel.vlines(lags, 0, series.autocorrelation, color=COLORS[0], linewidth=1.6)
            for level in (-limit, limit):
                panel.axhline(level, color=COLORS[1], linewidth=0.8, linestyle="--")
            panel.axhline(0, color=INK, linewidth=0.7)
            panel.set(xlabel=f"lag in {series.step}s", ylabel="autocorrelation")
        best = np.argsort(-series.autocorrelation)[:3]
        told = ", ".join(f"lag {lags[i]}: {series.autocorrelation[i]:.2f}" for i in best)
        drawings.append(
            Drawing(
                "autocorrelation",
                f"Autocorrelation of the total's differences, the largest at {told}",
                figure,
                "Of the total's differences; beyond the dashed lines lies one in twenty by chance.",
            )
        )
    return drawings


def draw_span(span: Span, name: str) -> Drawing:
    """Rows of train and test over time."""
    with new_figure(WIDE, HEIGHT) as figure:
        panel = figure.subplots()
        edges = span.edges.astype("datetime64[s]")
        panel.stairs(span.counts[0], edges, fill=True, color=COLORS[0], alpha=0.45, label="train")
        panel.stairs(span.counts[1], edges, color=COLORS[1], label="test")
        panel.set_ylabel("rows")
        few_dates(panel)
        legend(panel)
    told = [f"{role} from {moment(a)} to {moment(b)}" for role, (a, b) in (("train", span.train), ("test", span.test))]
    return Drawing(name, f"Rows over {cut(span.name, 60)}: {'; '.join(told)}", figure)
