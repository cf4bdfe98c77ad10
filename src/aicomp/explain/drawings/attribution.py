"""Attributions: of many rows as a shape for each column, of one row as steps from the mean to its prediction."""

from typing import Any

import numpy as np

from aicomp.explain.attribution import ColumnSpread, RowParts, Spread
from aicomp.explain.drawings.importance import shortened
from aicomp.pages.drawing import COLORS, FAINT, INK, Drawing, new_figure
from aicomp.pages.render import number

_MOST_COLUMNS = 12
_MOST_STEPS = 8
_N_BINS = 40
_LOW, _HIGH = COLORS[0], COLORS[1]


def draw_spread(found: Spread) -> Drawing:
    """The twelve columns that add most: how many rows get how much, low values below, high ones above."""
    columns = found.columns[:_MOST_COLUMNS]
    every = np.concatenate([column.attributions for column in columns])
    low, high = float(every.min()), float(every.max())
    edges = np.linspace(low, high, _N_BINS + 1) if high > low else np.array([low - 1, low + 1])
    with new_figure(4.9, 0.9 + 0.42 * len(columns)) as figure:
        panel = figure.subplots()
        for place, column in enumerate(columns):
            _shape(panel, column, edges, place)
        panel.axvline(0, color=INK, linewidth=0.7)
        panel.set_yticks(range(len(columns)), [shortened(column.column) for column in columns])
        panel.set_ylim(len(columns) - 0.4, -0.7)
        panel.tick_params(axis="y", length=0)
        panel.locator_params(axis="x", nbins=6)
        panel.set_xlabel(f"added to the {found.of}")
        for color, label in ((_HIGH, "high values"), (_LOW, "low values"), (COLORS[2], "without order")):
            panel.fill_between([], [], [], color=color, label=label)
        figure.legend(loc="outside upper right", ncols=3, fontsize=8, handlelength=1, columnspacing=1)
    first = columns[0]
    alt = (
        f"What {len(columns)} columns add to the {found.of}, over {found.n_rows} rows. {first.column} adds most: "
        f"{number(first.size, 3)} in the mean, from {number(float(first.attributions.min()), 3)} to "
        f"{number(float(first.attributions.max()), 3)}."
    )
    return Drawing("spread", alt, figure, "Height: how many rows, in steps of a fortieth of the width.")


def _shape(panel: Any, column: ColumnSpread, edges: np.ndarray, place: int) -> None:
    """Two hills back to back: rows above the column's middle, and below it; one of those without order."""
    high, low = column.places >= 0.5, column.places < 0.5
    groups = [(high, _HIGH, -1.0), (low, _LOW, 1.0)]
    if not (high | low).any():
        groups = [(np.ones(len(column.places), dtype=bool), COLORS[2], -1.0), (high, _LOW, 1.0)]
    counts = [np.histogram(column.attributions[rows], edges)[0] for rows, _, _ in groups]
    tallest = max(1, *(int(count.max()) for count in counts))
    panel.axhline(place, color=FAINT, linewidth=0.7)
    for (_, color, sign), count in zip(groups, counts, strict=True):
        # The root keeps single rows visible beside a column that adds nothing to most.
        heights = place + sign * 0.44 * np.sqrt(count / tallest)
        if count.any():
            panel.stairs(heights, edges, baseline=place, fill=True, color=color)


def draw_row(parts: RowParts) -> Drawing:
    """Steps from the mean of the compared rows to the prediction of one row; the smallest ones together."""
    shown = list(parts.parts[:_MOST_STEPS])
    rest = sum(part.attribution for part in parts.parts[_MOST_STEPS:])
    n_rest = len(parts.parts) - len(shown)
    steps = [(f"{shortened(p.column, 18)} = {shortened(p.value, 16)}", p.attribution, p.error) for p in shown]
    if n_rest:
        steps.append((f"{n_rest} other column{'s' if n_rest > 1 else ''}", rest, np.nan))
    with new_figure(4.9, 0.85 + 0.27 * len(steps)) as figure:
        panel = figure.subplots()
        at = parts.base
        reach = [at]
        for place, (_, step, _) in enumerate(steps):
            color = COLORS[1] if step >= 0 else COLORS[0]
            panel.barh(place, step, left=at, color=color, height=0.62)
            if place < len(steps) - 1:
                panel.plot([at + step, at + step], [place - 0.31, place + 1.31], color=INK, linewidth=0.5)
            at += step
            reach.append(at)
        width = max(reach) - min(reach) or 1.0
        for place, (_, step, _) in enumerate(steps):
            end = max(reach[place], reach[place + 1])
            panel.text(end + 0.015 * width, place, _signed(step), va="center", fontsize=8)
        panel.set_xlim(min(reach) - 0.05 * width, max(reach) + 0.22 * width)
        panel.set_yticks(range(len(steps)), [label for label, _, _ in steps])
        panel.set_ylim(len(steps) - 0.3, -0.7)
        panel.axvline(parts.base, color=FAINT, zorder=0)
        panel.tick_params(axis="y", length=0)
        panel.locator_params(axis="x", nbins=5)
        panel.set_xlabel(parts.of)
    first = parts.parts[0]
    alt = (
        f"From {number(parts.base, 3)}, the mean, to {number(parts.prediction, 3)}: {first.column} = {first.value} "
        f"adds {_signed(first.attribution)}, the most."
    )
    largest = max((part.error for part in shown if part.error == part.error), default=0.0)
    caption = f"Standard error of a step: {number(largest, 2)} at most."
    return Drawing(f"row-{parts.row}-{parts.fold}", alt, figure, caption)


def _signed(value: float) -> str:
    """A number with its sign.

    >>> _signed(99321.0), _signed(-0.25)
    ('+99,321', '-0.25')
    """
    return ("-" if value < 0 else "+") + number(float(f"{abs(value):.3g}") if abs(value) < 1000 else abs(value), 3)
