"""What checks draw: bars of columns, a histogram, scores of folds with their noise."""

from collections.abc import Mapping

import numpy as np

from aicomp.pages.drawing import COLORS, Drawing, new_figure

_WIDTH = 4.4
"""Inches: two stand side by side on a desk, and one can be read on a phone."""
_LONGEST = 24


def bars(name: str, values: Mapping[str, float], caption: str, label: str) -> Drawing:
    """A bar for each name, the largest on top.

    Args:
        name: Of the drawing.
        values: At least one.
        caption: What stands below it.
        label: Of the axis.
    """
    names, lengths = list(values)[::-1], list(values.values())[::-1]
    with new_figure(_WIDTH, 0.9 + 0.26 * len(names)) as figure:
        panel = figure.subplots()
        places = np.arange(len(names))
        panel.barh(places, lengths, color=COLORS[0], height=0.65)
        panel.set_yticks(places, [_short(n) for n in names])
        panel.set_xlabel(label)
        panel.grid(axis="x")
    said = ", ".join(f"{n} {values[n]:.3g}" for n in list(values)[:5])
    return Drawing(name, f"Bars of {label}: {said}", figure, caption)


def pairs(name: str, values: Mapping[str, tuple[float, float]], caption: str, label: str) -> Drawing:
    """Two bars for each name: validation rows and test rows."""
    names = list(values)[::-1]
    places = np.arange(len(names))
    with new_figure(_WIDTH, 1.2 + 0.5 * len(names)) as figure:
        panel = figure.subplots()
        for i, (part, above) in enumerate((("validation rows", 0.18), ("test rows", -0.18))):
            panel.barh(places + above, [100 * values[n][i] for n in names], height=0.34, color=COLORS[i], label=part)
        panel.set_yticks(places, names)
        panel.set_xlabel(label)
        panel.grid(axis="x")
        figure.legend(loc="outside upper right", ncols=2)
    said = "; ".join(f"{n}: {a:.1%} of validation rows, {b:.1%} of test rows" for n, (a, b) in values.items())
    return Drawing(name, said, figure, caption)


def histogram(name: str, values: np.ndarray, caption: str, label: str) -> Drawing:
    """How often values between 0 and 1 occur; rows on a logarithmic axis."""
    counts, edges = np.histogram(values, bins=25, range=(0, 1))
    with new_figure(_WIDTH, 2.2) as figure:
        panel = figure.subplots()
        panel.stairs(counts, edges, fill=True, color=COLORS[0], baseline=0.5)
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        panel.set_ylim(bottom=0.5)
        panel.set_xlabel(label)
        panel.set_ylabel("rows")
        panel.grid(axis="y")
    said = f"{label} of {len(values)} rows: {counts[:5].sum()} below 0.2, {counts[-5:].sum()} above 0.8"
    return Drawing(name, said, figure, caption)


def fold_scores(scores: np.ndarray, errors: np.ndarray, metric: str) -> Drawing:
    """The score of each fold with an interval of two standard errors, and their mean."""
    folds = np.arange(len(scores))
    with new_figure(_WIDTH, 1.0 + 0.24 * max(4, len(scores))) as figure:
        panel = figure.subplots()
        panel.axvline(float(scores.mean()), color=COLORS[1], linewidth=1)
        panel.errorbar(scores, folds, xerr=errors, fmt="o", color=COLORS[0], markersize=4, linewidth=1.2, capsize=0)
        panel.set_yticks(folds, [f"fold {k}" for k in folds])
        panel.invert_yaxis()
        panel.set_xlabel(metric)
        panel.grid(axis="x")
    said = f"{metric} of {len(scores)} folds from {scores.min():.4g} to {scores.max():.4g}, mean {scores.mean():.4g}"
    caption = "Each fold's score with two standard errors of the choice of its rows, and the mean of all folds."
    return Drawing("fold-scores", said, figure, caption)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
