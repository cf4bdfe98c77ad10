"""What drawings of values share: names cut to fit, times on an axis, shares of train and test side by side."""

from typing import TYPE_CHECKING, Any

import numpy as np

from aicomp.pages.drawing import COLORS, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRAIN, TEST = COLORS[0], COLORS[1]
WIDTH, WIDE, HEIGHT = 3.5, 4.8, 2.1
"""Inches of drawings: two or three stand side by side on a wide page; on a phone even a wide one can be read."""

_MOST_BINS = 30
_LEAST_ROOM = 3.0


def cut(text: str, most: int = 22) -> str:
    r"""A name on one line, with dots in place of its end where it is long.

    >>> cut("short"), cut("a name that is far too long"), cut("two\nlines")
    ('short', 'a name that is far to…', 'two lines')
    """
    text = " ".join(text.split()) or "(blank)"
    return text if len(text) <= most else f"{text[: most - 1]}…"


def times_or_numbers(values: np.ndarray, *, are_times: bool) -> Any:
    """Seconds since 1970 as times for an axis; other numbers as they are."""
    return np.asarray(values).astype("datetime64[s]") if are_times else values


def histogram_edges(values: np.ndarray) -> np.ndarray:
    """Edges of bins of equal width from one end of nearly all values to the other; whole numbers get one each if few.

    >>> histogram_edges(np.array([0.0, 1, 1, 2]))
    array([-0.5,  0.5,  1.5,  2.5])
    """
    distinct = np.unique(values)
    low, high = np.quantile(values, [0.005, 0.995])
    if (distinct % 1 == 0).all() and distinct[-1] - distinct[0] < _MOST_BINS:
        return np.arange(distinct[0], distinct[-1] + 2) - 0.5
    if high <= low:
        low, high = distinct[0], distinct[-1]
    if high <= low:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, _MOST_BINS + 1)


def shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Share of the values in each bin; the outer bins hold what lies beyond them.

    >>> shares(np.array([-9.0, 0.5, 1.5, 9]), np.array([0.0, 1, 2]))
    array([0.5, 0.5])
    """
    inside = np.clip(values, edges[0], edges[-1])
    return np.asarray(np.histogram(inside, edges)[0] / max(len(values), 1))


def draw_distribution(panel: "Axes", train: np.ndarray, test: np.ndarray, *, are_times: bool = False) -> None:
    """Shares of the rows of train, filled, and of test, as a line."""
    edges = histogram_edges(np.concatenate([train, test]))
    axis = times_or_numbers(edges, are_times=are_times)
    panel.stairs(shares(train, edges), axis, fill=True, color=TRAIN, alpha=0.45, label="train")
    if len(test):
        panel.stairs(shares(test, edges), axis, color=TEST, label="test")
    panel.set_ylim(bottom=0)
    if are_times:
        few_dates(panel)
    else:
        panel.locator_params(axis="x", nbins=5)
    panel.set_ylabel("share of rows")


def few_dates(panel: "Axes") -> None:
    """Ticks of dates that do not run into each other."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=2, maxticks=5)  # type: ignore[no-untyped-call]
    panel.xaxis.set_major_locator(locator)
    panel.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def legend(panel: "Axes", n_columns: int = 2) -> None:
    """Names of what is drawn, above it."""
    panel.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=n_columns,
        fontsize=8,
        borderaxespad=0.1,
        handlelength=1.2,
        columnspacing=1.0,
    )


def tick_levels(panel: "Axes", labels: list[str]) -> None:
    """Names of levels beside horizontal bars, the first one on top."""
    panel.set_yticks(range(len(labels)), [cut(label) for label in labels])
    panel.set_ylim(len(labels) - 0.4, -0.6)
    panel.tick_params(axis="y", length=0, labelsize=8)
    panel.locator_params(axis="x", nbins=4)


def level_height(n: int) -> float:
    """Inches of a drawing of so many levels."""
    return max(HEIGHT, 0.75 + 0.19 * n) if n > _LEAST_ROOM else HEIGHT


def baseline(panel: "Axes", value: float, *, is_vertical: bool = False) -> None:
    """A dotted line at the mean of all rows."""
    draw = panel.axvline if is_vertical else panel.axhline
    draw(value, color=INK, linewidth=0.8, linestyle=":")
