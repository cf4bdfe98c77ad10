"""Two drawings of a column: train beside test, and the target over its values."""

from typing import TYPE_CHECKING

import numpy as np

from aicomp.eda.drawings.axes import (
    HEIGHT,
    TEST,
    TRAIN,
    WIDTH,
    baseline,
    cut,
    draw_distribution,
    legend,
    level_height,
    tick_levels,
)
from aicomp.eda.exploration import Study
from aicomp.eda.relation import MISSING, Group, Relation
from aicomp.eda.target import Target
from aicomp.eda.times import moment
from aicomp.pages.drawing import COLORS, Drawing, new_figure
from aicomp.pages.render import number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_LEVELS = 10


def draw_values(study: Study, name: str) -> Drawing:
    """Train beside test: shares of rows by value or by level.

    Args:
        study: The column.
        name: Of the drawing.
    """
    values, is_time = study.values, study.values.column.kind == "datetime"
    if values.is_number:
        train, test = (part[~np.isnan(part)] for part in (values.train, values.test))
        with new_figure(WIDTH, HEIGHT) as figure:
            panel = figure.subplots()
            draw_distribution(panel, train, test, are_times=is_time)
            legend(panel)
            if values.column.kind == "text":
                panel.set_xlabel("characters")
        return Drawing(name, _words_of_numbers(study, train, test, is_time=is_time), figure)
    return _draw_levels(study, name)


def _words_of_numbers(study: Study, train: np.ndarray, test: np.ndarray, *, is_time: bool) -> str:
    told = moment if is_time else number
    parts = [
        f"{role}: from {told(float(part.min()))} over the median {told(float(np.median(part)))} "
        f"to {told(float(part.max()))}"
        for role, part in (("train", train), ("test", test))
        if len(part)
    ]
    return f"Distribution of {cut(study.name, 60)}: {'; '.join(parts)}"


def _draw_levels(study: Study, name: str) -> Drawing:
    values = study.values
    levels = values.levels or ()
    of = [np.bincount(part[part >= 0], minlength=len(levels)) for part in (values.train, values.test)]
    order = [i for i in np.argsort(-of[0], kind="stable")[:_MOST_LEVELS] if of[0][i] or of[1][i]]
    parts = [counts / max(counts.sum(), 1) for counts in of]
    labels = [levels[i] for i in order]
    with new_figure(WIDTH, level_height(len(labels))) as figure:
        panel = figure.subplots()
        places = np.arange(len(labels))
        panel.barh(places, parts[0][order], height=0.7, color=TRAIN, alpha=0.45, label="train")
        if of[1].sum():
            panel.plot(parts[1][order], places, "D", color=TEST, markersize=4, label="test")
        tick_levels(panel, labels)
        panel.set_xlabel("share of rows")
        legend(panel)
    shown = "; ".join(
        f"{cut(levels[i], 30)} {percent(float(parts[0][i]))} and {percent(float(parts[1][i]))}" for i in order[:5]
    )
    more = int((of[0] + of[1] > 0).sum()) - len(order)
    caption = f"{more:,} further level{'s' * (more > 1)} not drawn" if more > 0 else ""
    return Drawing(name, f"Levels of {cut(study.name, 60)}, share in train and in test: {shown}", figure, caption)


def draw_relation(study: Study, target: Target, name: str) -> Drawing | None:
    """The target's mean over the values of a column, with the interval of each mean.

    Args:
        study: The column.
        target: Whose means they are.
        name: Of the drawing.

    Returns:
        None where there is but one group of values.
    """
    relation = study.relation
    if relation is None or len(relation.groups) < 2:
        return None
    height = HEIGHT if relation.is_number else level_height(len(relation.groups))
    with new_figure(WIDTH, height + 0.2 * (len(target.names) > 1)) as figure:
        panel = figure.subplots()
        if relation.is_number:
            _draw_bins(panel, relation, target, is_time=study.values.column.kind == "datetime")
        else:
            _draw_groups(panel, relation, target)
        if len(target.names) > 1:
            legend(panel, 3)
    return Drawing(name, _words_of_relation(study, relation, target), figure)


def _draw_bins(panel: "Axes", relation: Relation, target: Target, *, is_time: bool) -> None:
    bins = [g for g in relation.groups if not np.isnan(g.low)]
    places = np.arange(len(bins))
    for j, name in enumerate(target.names):
        color = COLORS[2] if len(target.names) == 1 else COLORS[j]
        mean = np.array([g.mean[j] for g in bins])
        margin = np.array([g.margin[:, j] for g in bins]).reshape(-1, 2)
        panel.plot(places, mean, marker="o", markersize=3, color=color, label=cut(name, 12))
        panel.fill_between(places, mean - margin[:, 0], mean + margin[:, 1], color=color, alpha=0.2, linewidth=0)
        if relation.missing is not None:
            _draw_point(panel, len(bins), relation.missing, j, color)
    if len(target.names) == 1:
        baseline(panel, float(relation.overall[0]))
    step = max(1, -(-len(bins) // 4))
    ticks = list(range(0, len(bins), step))
    labels = [moment(bins[i].low, with_time=False) if is_time else number(bins[i].low, 3) for i in ticks]
    if relation.missing is not None:
        ticks, labels = [*ticks, len(bins)], [*labels, MISSING]
        if len(bins) - ticks[-2] < 2 and len(ticks) > 2:
            del ticks[-2], labels[-2]
    panel.set_xticks(ticks, labels, fontsize=8)
    panel.set_xlabel("bins from")
    panel.set_ylabel(_axis(target))


def _draw_point(panel: "Axes", place: int, group: Group, j: int, color: str) -> None:
    panel.errorbar([place], [group.mean[j]], yerr=group.margin[:, j : j + 1], fmt="s", markersize=3, color=color)


def _draw_groups(panel: "Axes", relation: Relation, target: Target) -> None:
    groups = relation.groups
    places = np.arange(len(groups))
    for j, name in enumerate(target.names):
        color = COLORS[2] if len(target.names) == 1 else COLORS[j]
        mean, margin = np.array([g.mean[j] for g in groups]), np.array([g.margin[:, j] for g in groups]).T
        bars = margin if len(target.names) <= 2 else None
        panel.errorbar(mean, places, xerr=bars, fmt="o", markersize=4, color=color, label=cut(name, 12), linewidth=1.2)
    if len(target.names) == 1:
        baseline(panel, float(relation.overall[0]), is_vertical=True)
    tick_levels(panel, [g.label for g in groups])
    panel.grid(axis="y")
    panel.set_xlabel(_axis(target))


def _axis(target: Target) -> str:
    return cut(target.what.replace("`", ""), 30)


def _words_of_relation(study: Study, relation: Relation, target: Target) -> str:
    shown = "; ".join(
        f"{_span(g, is_time=study.values.column.kind == 'datetime')} {', '.join(number(float(m), 3) for m in g.mean)}"
        for g in relation.groups[:12]
    )
    names = "" if len(target.names) == 1 else f" ({', '.join(cut(n, 20) for n in target.names)})"
    return f"{target.what.replace('`', '')}{names} over {cut(study.name, 60)}: {shown}"


def _span(group: Group, *, is_time: bool) -> str:
    if np.isnan(group.low):
        return cut(group.label, 30)
    told = moment if is_time else number
    ends = [told(group.low), told(group.high)]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)
