"""The course of trainings: as a CSV for programs and as a PNG for people."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aicomp.files import partial_file
from aicomp.pages.drawing import COLORS, FAINT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

History = Sequence[Mapping[str, float]]
"""A training's course: a row per update with the keys of `COLUMNS`; updates count from 1."""

COLUMNS = (
    "epoch", "steps", "return", "score", "policy_loss", "value_loss", "entropy", "kl", "learning_rate", "seconds",
)  # fmt: skip


def write_history(histories: Sequence[History], path: Path, *, first: int = 0) -> None:
    """Write a line per seed and update: the column `fold` for the number of the seed, then `COLUMNS`.

    Raises:
        AicompError: The file cannot be written.
    """
    with partial_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["fold", *COLUMNS])
        for k, history in enumerate(histories, first):
            writer.writerows([k, *("" if _missing(row[name]) else row[name] for name in COLUMNS)] for row in history)


def draw_history(histories: Sequence[History], path: Path, *, metric: str) -> None:
    """Draw the returns of training (left) and the scores of the evaluations on the way (right) over the steps.

    Raises:
        AicompError: The file cannot be written.
    """
    # No pyplot: it keeps figures in global state and may look for a screen.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    plot_history(figure, histories, metric=metric)
    with partial_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def plot_history(figure: "Figure", histories: Sequence[History], *, metric: str) -> None:
    """Draw into an empty figure; see `draw_history`."""
    panels = figure.subplots(1, 2)
    names = {"return": "Mean return of training episodes", "score": "Evaluation of the policy (higher is better)"}
    for panel, (name, title) in zip(panels, names.items(), strict=True):
        for k, history in enumerate(histories):
            rows = [row for row in history if not _missing(row[name])]
            steps, values = [row["steps"] for row in rows], [row[name] for row in rows]
            colour, marker = COLORS[k % len(COLORS)], "o" if name == "score" else ""
            panel.plot(steps, values, label=f"seed {k}", color=colour, linewidth=1.3, marker=marker, markersize=4)
        panel.set(title=title, xlabel="steps", ylabel="return" if name == "return" else metric)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", color=FAINT, linewidth=0.8)
    panels[1].legend(frameon=False, fontsize=9)


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)
