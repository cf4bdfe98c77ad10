"""Learning curves of a run's folds: as a CSV for programs and as a PNG for people."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aicomp.files import partial_file
from aicomp.pages.drawing import COLORS, FAINT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

History = Sequence[Mapping[str, float]]
"""A fold's course: a row per epoch with the keys of `COLUMNS`; epochs count from 1."""

COLUMNS = ("epoch", "train_loss", "valid_loss", "score", "learning_rate", "seconds")

_TRAIN, _VALID = COLORS[:2]


def write_curves_csv(histories: Sequence[History], path: Path, *, first_fold: int = 0) -> None:
    """Write a line per fold and epoch: the column `fold`, then `COLUMNS`.

    Args:
        histories: A history per fold.
        path: The file; it appears whole or not at all.
        first_fold: Number of the first history's fold.

    Raises:
        AicompError: The file cannot be written.
    """
    with partial_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["fold", *COLUMNS])
        for k, history in enumerate(histories, first_fold):
            writer.writerows([k, *(row[name] for name in COLUMNS)] for row in history)


def best_row(history: History, *, greater_is_better: bool) -> Mapping[str, float] | None:
    """The epoch with the best score; of equal scores the lower validation loss, then the earlier epoch.

    Returns:
        Its row; None if no epoch has a score that is a number.

    >>> rows = [{"score": 0.7, "valid_loss": 0.5}, {"score": 0.8, "valid_loss": 0.6}]
    >>> best_row(rows, greater_is_better=True)["score"], best_row(rows, greater_is_better=False)["score"]
    (0.8, 0.7)
    """
    sign = -1 if greater_is_better else 1
    scored = [row for row in history if not math.isnan(row["score"])]
    return min(scored, key=lambda row: (sign * row["score"], row["valid_loss"]), default=None)


def draw_curves(histories: Sequence[History], path: Path, *, metric_name: str, greater_is_better: bool) -> None:
    """Draw losses (left) and validation scores (right) of all folds over the epochs, best epochs marked.

    Args:
        histories: A history per fold; one without rows is left out.
        path: The PNG; it appears whole or not at all.
        metric_name: Name of the score.
        greater_is_better: Its direction.

    Raises:
        AicompError: The file cannot be written.
    """
    # No pyplot: it keeps figures in global state and may look for a screen.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    plot_curves(figure, histories, metric_name=metric_name, greater_is_better=greater_is_better)
    with partial_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def plot_curves(figure: "Figure", histories: Sequence[History], *, metric_name: str, greater_is_better: bool) -> None:
    """Draw into an empty figure; see `draw_curves`."""
    from matplotlib.ticker import MaxNLocator

    losses, scores = figure.subplots(1, 2)
    _draw_losses(losses, histories)
    _draw_scores(scores, histories, greater_is_better)
    direction = "higher" if greater_is_better else "lower"
    losses.set(title="Loss", xlabel="epoch", ylabel="loss")
    scores.set(title=f"Validation score ({direction} is better)", xlabel="epoch", ylabel=metric_name)
    for panel in (losses, scores):
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", color=FAINT, linewidth=0.8)
        if panel.get_legend_handles_labels()[1]:
            panel.legend(frameon=False, fontsize=9)


def _draw_losses(panel: "Axes", histories: Sequence[History]) -> None:
    """Draw each fold's two losses, coloured by what they are of: the gap between them is what matters."""
    from matplotlib.ticker import FormatStrFormatter, NullFormatter

    drawn = [history for history in histories if history]
    for k, history in enumerate(drawn):
        epochs = [row["epoch"] for row in history]
        for name, label, color in (("train_loss", "training", _TRAIN), ("valid_loss", "validation", _VALID)):
            values = [row[name] for row in history]
            (line,) = panel.plot(epochs, values, label=label if k == 0 else None, marker=_marker(history))
            line.set(color=color, alpha=0.8, linewidth=1.3)
    values = [row[name] for history in drawn for row in history for name in ("train_loss", "valid_loss")]
    finite = [value for value in values if math.isfinite(value)]
    if finite and min(finite) > 0 and max(finite) > 20 * min(finite):
        panel.set_yscale("log")
        # As numbers: powers would be written as formulas, which pages do not read.
        panel.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        panel.yaxis.set_minor_formatter(NullFormatter())


def _draw_scores(panel: "Axes", histories: Sequence[History], greater_is_better: bool) -> None:
    """Draw each fold's score, with a point at its best epoch that the legend names if the folds are few."""
    for k, history in enumerate(histories):
        if not history:
            continue
        color = COLORS[k % len(COLORS)]
        epochs, scores = [row["epoch"] for row in history], [row["score"] for row in history]
        panel.plot(epochs, scores, color=color, linewidth=1.3, marker=_marker(history))
        best = best_row(history, greater_is_better=greater_is_better)
        if best is not None:
            label = f"fold {k}: {best['score']:.5g} at epoch {best['epoch']:.0f}"
            few = len(histories) <= len(COLORS)
            panel.plot(best["epoch"], best["score"], "o", color=color, label=label if few else None)


def _marker(history: History) -> str:
    """A line of one point would not be seen."""
    return "." if len(history) == 1 else ""
