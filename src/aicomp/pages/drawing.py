"""A drawing, made by matplotlib: as SVG in the colours of its page, and as PNG for notebooks and terminals."""

import io
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aicomp.files import atomic_write

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Colours that stay apart for colour-blind eyes (Okabe and Ito, "Color Universal Design", 2008)."""

INK, FAINT = "#1c1d1f", "#d7d8da"
"""Text and axes; lines of the grid."""

_NAMES = {INK: "ink", FAINT: "faint"} | {color: f"color-{i}" for i, color in enumerate(COLORS)}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # letters stay letters: a third of the size, and they can be found and read aloud
    "text.parse_math": False,  # a column may be called "$x$"
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
}
_LEFT_OUT = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", re.DOTALL)
_GROUP_ID = re.compile(r'<g id="[^"]*"')
_BLANKS = re.compile(r">\s+<")
_SIZE = re.compile(r'<svg ([^>]*?)width="[^"]*" height="[^"]*"')


@dataclass(frozen=True)
class Drawing:
    """A drawing and what it says in words.

    Attributes:
        name: Of its PNG, without the ending; unique on its page: lower letters, digits, dashes.
        alt: What there is to see, for who cannot see it: the finding, with its numbers.
        caption: What stands below it; empty for nothing.
        figure: As `new_figure` makes it, so that the page can give it its own colours.
    """

    name: str
    alt: str
    figure: "Figure"
    caption: str = ""

    def __post_init__(self) -> None:
        """Write the numbers of logarithmic axes out: matplotlib's own are formulas, which are not read here."""
        from matplotlib.ticker import FuncFormatter, NullFormatter

        for panel in self.figure.axes:
            for axis in (panel.xaxis, panel.yaxis):
                if axis.get_scale() == "log":
                    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
                    axis.set_minor_formatter(NullFormatter())

    @property
    def width(self) -> float:
        """Its own width, in CSS pixels; a narrow page shows it smaller."""
        return float(self.figure.get_size_inches()[0]) * 96

    def svg(self) -> "Markup":
        """An `svg` element without a width of its own; its colours are variables of the page's style sheet."""
        from markupsafe import Markup, escape

        with _style() as rc:
            rc["svg.hashsalt"] = self.name  # ids of clipping paths: the same each time, and none twice on a page
            file = io.StringIO()
            self.figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
        text = _BLANKS.sub("><", _GROUP_ID.sub("<g", _LEFT_OUT.sub("", file.getvalue()))).strip()
        for color, name in _NAMES.items():
            text = text.replace(color, f"var(--{name})")
        return Markup(_SIZE.sub(f'<svg role="img" aria-label="{escape(self.alt)}" \\1', text, count=1))

    def png(self, dpi: int = 120) -> bytes:
        """PNG on white."""
        file = io.BytesIO()
        with _style():
            self.figure.savefig(file, format="png", dpi=dpi, facecolor="white")
        return file.getvalue()


@contextmanager
def new_figure(width: float = 6.0, height: float = 2.4) -> "Iterator[Figure]":
    """An empty figure, of a size in inches (96 CSS pixels); what is drawn inside the block has the pages' style.

    >>> with new_figure() as figure:
    ...     bars = figure.subplots().bar(["$a$", "b"], [1, 2], color=COLORS[0])
    >>> drawing = Drawing("bars", "b is twice a", figure)
    >>> "$a$" in drawing.svg(), "var(--color-0)" in drawing.svg(), drawing.png()[1:4]
    (True, True, b'PNG')
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with _style():
        # No pyplot: it keeps figures in global state and may look for a screen.
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


@contextmanager
def _style() -> Iterator[Any]:
    import matplotlib as mpl

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # A page shows any letter by the reader's own fonts; in a PNG a box stands for one that matplotlib's font lacks.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from", category=UserWarning)
        yield mpl.rcParams


def write_pngs(drawings: Iterable[Drawing], folder: Path) -> list[Path]:
    """Write drawings as PNG files named after them; the files, in their order.

    Raises:
        AicompError: One cannot be written.
    """
    written = []
    for drawing in drawings:
        written.append(folder / f"{drawing.name}.png")
        atomic_write(written[-1], drawing.png())
    return written
