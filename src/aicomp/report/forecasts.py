"""A figure of some series: what is known of them, what each fold predicted of its window, and the forecast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aicomp.data.panel import Panel
from aicomp.files import partial_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 6
_ROUNDS_BEFORE = 2
_LEAST_SHOWN = 40
_KNOWN, _VALID, _TEST = "#555555", "#0072B2", "#D55E00"


@dataclass(frozen=True)
class Forecasts:
    """What is drawn.

    Attributes:
        panel: The series.
        places: Numbers of series and step of the rows of train and test, int64 (n, 2) each.
        y: Targets of train.
        folds: Of each fold "valid_rows" and "valid", what it predicts for them.
        test: Predictions of test, (n_test,).
    """

    panel: Panel
    places: Mapping[str, np.ndarray]
    y: np.ndarray
    folds: Sequence[Mapping[str, np.ndarray]]
    test: np.ndarray


def draw_forecasts(forecasts: Forecasts, path: Path, target: str) -> None:
    """Draw up to six series, from the largest to the smallest that test asks for.

    Args:
        forecasts: What is drawn.
        path: The file; it appears whole or not at all.
        target: Name of the target.

    Raises:
        AicompError: The file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = _chosen(forecasts)
    n_columns = min(2, len(shown))
    n_rows = -(-len(shown) // n_columns)
    figure = Figure(figsize=(6.5 * n_columns, 2.6 * n_rows + 0.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes: list[Axes] = list(np.atleast_1d(figure.subplots(n_rows, n_columns)).ravel())
    for axis, number in zip(axes, shown, strict=False):
        _draw(axis, forecasts, number)
        axis.set_title(", ".join(forecasts.panel.keys[number]) or target, fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="#e5e5e5", linewidth=0.8)
    for axis in axes[len(shown) :]:
        axis.set_visible(False)
    axes[0].set_ylabel(target)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False, fontsize=9)
    with partial_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _chosen(forecasts: Forecasts) -> list[int]:
    """Series that are drawn, evenly from the largest to the smallest."""
    sizes = np.zeros(len(forecasts.panel.keys))
    np.add.at(sizes, forecasts.places["train"][:, 0], abs(forecasts.y))
    asked = np.unique(forecasts.places["test"][:, 0])
    ordered = asked[np.argsort(-sizes[asked], kind="stable")]
    picks = np.unique(np.linspace(0, len(ordered) - 1, min(_MOST, len(ordered))).round().astype(int))
    return [int(number) for number in ordered[picks]]


def _draw(axis: "Axes", forecasts: Forecasts, number: int) -> None:
    panel, train = forecasts.panel, forecasts.places["train"]
    valid = np.concatenate([fold["valid_rows"] for fold in forecasts.folds])
    earliest = train[valid, 1].min() if len(valid) else panel.last
    first = min(earliest - _ROUNDS_BEFORE * max(1, int(panel.seasons[0])), panel.last - _LEAST_SHOWN)
    known = np.flatnonzero((train[:, 0] == number) & (train[:, 1] >= first))
    _line(axis, panel, train[known, 1], forecasts.y[known], color=_KNOWN, label="known", linewidth=1.2)
    for k, fold in enumerate(forecasts.folds):
        own = train[fold["valid_rows"], 0] == number
        steps = train[fold["valid_rows"][own], 1]
        if len(steps):
            axis.axvline(panel.steps.axis(steps.min() - 0.5), color="#cccccc", linewidth=0.8)
        label = "predicted by a fold" if k == 0 else None
        _line(axis, panel, steps, fold["valid"][own], color=_VALID, label=label, linewidth=1.4)
    axis.axvline(panel.steps.axis(np.float64(panel.last + 0.5)), color=_KNOWN, linewidth=1.0, linestyle=":")
    own = forecasts.places["test"][:, 0] == number
    _line(
        axis, panel, forecasts.places["test"][own, 1], forecasts.test[own], color=_TEST, label="forecast", linewidth=1.8
    )


def _line(axis: "Axes", panel: Panel, steps: np.ndarray, values: np.ndarray, **style: Any) -> None:
    order = np.argsort(steps)
    marker = "." if len(steps) < 2 else ""
    axis.plot(panel.steps.axis(steps[order]), values[order], marker=marker, **style)
