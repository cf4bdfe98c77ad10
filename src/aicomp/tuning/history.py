"""The course of a study as a figure."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aicomp.files import partial_file
from aicomp.tuning.trials import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DONE, _CUT, _BEST = "#4c72b0", "#9a9a9a", "#c44e52"


def draw_history(trials: Sequence[Trial], path: Path, *, metric_name: str, greater_is_better: bool) -> None:
    """Draw the score of each trial and the best so far.

    Cut trials are crosses at what their folds lead one to expect. The axis follows the trials that are done: cut ones
    that lie far outside stand at its edge.

    Args:
        trials: The trials; the first is the config as it is.
        path: The PNG; it appears whole or not at all.
        metric_name: Name of the score.
        greater_is_better: Its direction.

    Raises:
        AicompError: The file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(8, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    panel = figure.subplots()
    _draw(panel, trials, greater_is_better)
    direction = "higher" if greater_is_better else "lower"
    panel.set(title=f"Trials, by cross-validation ({direction} is better)", xlabel="trial", ylabel=metric_name)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(axis="y", color="#e5e5e5", linewidth=0.8)
    figure.legend(*panel.get_legend_handles_labels(), frameon=False, fontsize=9, loc="outside lower center", ncols=4)
    with partial_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _draw(panel: "Axes", trials: Sequence[Trial], greater_is_better: bool) -> None:
    done = [t for t in trials if t.state == "done"]
    scores = np.array([t.score for t in done], dtype=float)
    numbers = [t.number for t in done]
    running = np.maximum.accumulate(scores) if greater_is_better else np.minimum.accumulate(scores)
    last = trials[-1].number
    panel.axhline(scores[0], color=_DONE, linewidth=1, linestyle=":", label="config as it is")
    panel.step([*numbers, last], [*running, running[-1]], where="post", color=_BEST, linewidth=1.5, label="best so far")
    panel.plot(numbers, scores, "o", color=_DONE, markersize=5, label="trial, all folds")
    best = int(scores.argmax() if greater_is_better else scores.argmin())
    panel.plot(numbers[best], scores[best], "o", color=_BEST, markersize=8)
    low, high = _span(scores)
    cut = [t for t in trials if t.state == "cut" and t.score is not None]
    if cut:
        at = np.clip(np.array([t.score for t in cut], dtype=float), low, high)
        panel.plot([t.number for t in cut], at, "x", color=_CUT, markersize=6, label="cut after some folds")
    panel.set_ylim(low - 0.04 * (high - low), high + 0.04 * (high - low))
    panel.set_xlim(-0.5, max(last, 1) + 0.5)


def _span(scores: np.ndarray) -> tuple[float, float]:
    """Lowest and highest score, with some room if they are all equal."""
    low, high = float(scores.min()), float(scores.max())
    room = 0.5 * (high - low) or 0.01 * abs(high) or 0.01
    return low - room, high + room
