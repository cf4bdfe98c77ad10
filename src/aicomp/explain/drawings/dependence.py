"""Partial dependence: curve, single rows, and where the rows lie; one column a drawing."""

from typing import Any

import numpy as np

from aicomp.explain.dependence import Dependence
from aicomp.explain.drawings.importance import shortened
from aicomp.explain.wording import moment
from aicomp.pages.drawing import COLORS, FAINT, INK, Drawing, new_figure
from aicomp.pages.render import number

_WIDTH, _HEIGHT = 3.7, 2.7
_MOST_OUTPUTS = len(COLORS)


def draw_dependence(found: Dependence, place: int, before: Dependence | None = None, *, kind: str = "curve") -> Drawing:
    """A column's curve.

    Args:
        found: The column.
        place: Its number on the page.
        before: Its curve without a control, dashed.
        kind: Begins the drawing's name.
    """
    draw = _draw_levels if found.kind == "levels" else _draw_numbers
    with new_figure(_WIDTH, _height(found)) as figure:
        draw(figure, found, before)
    return Drawing(f"{kind}-{place}", _alt(found), figure, _caption(found, before))


def _height(found: Dependence) -> float:
    return 0.9 + 0.24 * len(found.grid) if found.kind == "levels" else _HEIGHT


def _draw_numbers(figure: Any, found: Dependence, before: Dependence | None) -> None:
    panel, below = figure.subplots(2, 1, sharex=True, height_ratios=[6, 1])
    x = np.array(found.grid, dtype=np.float64)
    if found.kind == "times":
        x = x.astype("datetime64[s]")
    if len(found.outputs) == 1:
        # At the height of the mean, so that what differs is the shape. One path for all, which a gap divides.
        lines = found.lines - found.lines.mean(axis=1, keepdims=True) + found.mean.mean()
        gap = np.full((len(lines), 1), np.nan)
        panel.plot(
            np.tile(np.append(x, x[-1:]), len(lines)), np.hstack([lines, gap]).ravel(), color=FAINT, linewidth=0.6
        )
    for j in range(min(_MOST_OUTPUTS, len(found.outputs))):
        _curve(panel, x, found.mean[:, j], found.is_few, COLORS[j])
        label = shortened(found.outputs[j], 16)
        panel.plot([], [], color=COLORS[j], label=label)
        if before is not None and before.kind == found.kind:
            at = np.array(before.grid, dtype=np.float64)
            panel.plot(at.astype(x.dtype), before.mean[:, j], color=INK, linestyle=(0, (2, 2)), linewidth=1.2)
    if len(found.outputs) > 1:
        panel.legend(fontsize=7, handlelength=1)
    panel.set_title(shortened(found.column, 40), loc="left")
    panel.set_ylabel(_unit(found))
    panel.grid(axis="y", color=FAINT)
    edges = found.bins.astype("datetime64[s]") if found.kind == "times" else found.bins
    below.stairs(found.counts, edges, fill=True, color=COLORS[5])
    below.set_yticks([])
    below.spines["left"].set_visible(False)
    below.set_xlabel("rows of train")
    if found.kind == "times":
        below.tick_params(axis="x", labelrotation=30)


def _curve(panel: Any, x: np.ndarray, y: np.ndarray, is_few: tuple[bool, ...], color: str) -> None:
    """A line that is dotted where there are few rows."""
    if not any(is_few[1:]):
        panel.plot(x, y, color=color, linewidth=2)
        return
    for i in range(1, len(x)):
        style: Any = (0, (1, 1.5)) if is_few[i] else "-"
        panel.plot(x[i - 1 : i + 1], y[i - 1 : i + 1], color=color, linewidth=2, linestyle=style)


def _draw_levels(figure: Any, found: Dependence, before: Dependence | None) -> None:
    panel, beside = figure.subplots(1, 2, sharey=True, width_ratios=[5, 1])
    places = np.arange(len(found.grid))
    few = np.array(found.is_few)
    for j in range(min(_MOST_OUTPUTS, len(found.outputs))):
        for k in range(len(found.folds) if len(found.outputs) == 1 else 0):
            panel.plot(found.folds[k, :, j], places, "|", color=FAINT, markersize=8, markeredgewidth=1.5)
        panel.plot(found.mean[~few, j], places[~few], "o", color=COLORS[j], markersize=6)
        panel.plot(found.mean[few, j], places[few], "o", color=COLORS[j], markersize=6, markerfacecolor="none")
        panel.plot([], [], "o", color=COLORS[j], label=shortened(found.outputs[j], 16))
        if before is not None and before.grid == found.grid:
            panel.plot(before.mean[:, j], places, "x", color=INK, markersize=6)
    if len(found.outputs) > 1:
        panel.legend(fontsize=7, handlelength=1)
    panel.set_yticks(places, [shortened(str(level), 18) for level in found.grid])
    panel.set_ylim(len(places) - 0.4, -0.6)
    panel.tick_params(axis="y", length=0)
    panel.set_title(shortened(found.column, 34), loc="left")
    panel.set_xlabel(_unit(found))
    panel.grid(axis="x", color=FAINT)
    beside.barh(places, found.rows, color=COLORS[5], height=0.7)
    beside.set_xticks([])
    beside.tick_params(axis="y", length=0)
    beside.spines["bottom"].set_visible(False)
    beside.set_xlabel("rows")


def _unit(found: Dependence) -> str:
    if found.unit == "deviations":
        return "change, deviations"
    if len(found.outputs) > 1:
        return "probability"
    name = shortened(found.outputs[0], 18)
    return f"probability of {name}" if found.unit == "probability" else name


def _caption(found: Dependence, before: Dependence | None) -> str:
    parts = []
    few = [level for level, is_few in zip(found.grid, found.is_few, strict=True) if is_few]
    if found.kind == "levels" and few:
        parts.append(f"Few rows: {', '.join(map(str, few[:4]))}.")
    if found.kind != "levels" and any(found.is_few[1:]):
        parts.append("Dotted: hardly any rows there.")
    if len(found.missing):
        parts.append(f"Missing: {', '.join(number(float(value), 3) for value in found.missing[:3])}.")
    if len(found.outputs) > _MOST_OUTPUTS:
        parts.append(f"{_MOST_OUTPUTS} of {len(found.outputs)} outputs.")
    if before is not None:
        parts.append("Crosses: without it." if found.kind == "levels" else "Black and dotted: without it.")
    return " ".join(parts)


def _alt(found: Dependence) -> str:
    j = int(np.ptp(found.mean, axis=0).argmax())
    curve = found.mean[:, j]
    low, high = int(curve.argmin()), int(curve.argmax())
    at = [moment(float(v)) if found.kind == "times" else number(v) if isinstance(v, float) else v for v in found.grid]
    return (
        f"{found.column}: {_unit(found)} of {found.outputs[j]} is least, {number(float(curve[low]), 3)}, at {at[low]} "
        f"and greatest, {number(float(curve[high]), 3)}, at {at[high]}."
    )
