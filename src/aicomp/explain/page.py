"""Explanations as one page that loads nothing from anywhere."""

from collections.abc import Sequence
from pathlib import Path

from aicomp.explain.boxes import BoxRow, draw
from aicomp.explain.columns import ColumnsExplained
from aicomp.explain.drawings.attribution import draw_row, draw_spread
from aicomp.explain.drawings.dependence import draw_dependence
from aicomp.explain.drawings.importance import draw_importances
from aicomp.explain.explanation import Explanation, RunExplained, Text
from aicomp.pages.document import Section
from aicomp.pages.drawing import Drawing
from aicomp.pages.render import render


def write_page(found: RunExplained, title: str, metric: str, diagnosis: Sequence[Section] = ()) -> str:
    """HTML of a page: columns, then a row each, with its texts and pictures; everything that is given is escaped.

    Args:
        found: What is shown.
        title: Names the run.
        metric: The run's score, as a sentence.
        diagnosis: What its out-of-fold predictions tell, below the rows.
    """
    rows, columns = found.rows, found.columns
    shown = {"has_texts": any(e.texts for e in rows), "has_pictures": any(e.pictures for e in rows)}
    drawings = {} if columns is None else {d.name: d for d in draw_columns(columns)}
    sections = [("rows-0", "Most wrong"), ("rows-1", "Right")]
    if columns is not None:
        about = [("importance", "Importance"), ("dependence", "Dependence"), ("spread", "What columns add")]
        controls = [("controls", "Controls")] if columns.controls is not None else []
        sections = [*about, *controls, *sections]
    return _render(
        "explanations.html", rows, title=title, metric=metric, strength=strength, columns=columns, drawings=drawings,
        sections=sections, diagnosis=diagnosis, **shown,
    )  # fmt: skip


def draw_columns(columns: ColumnsExplained) -> list[Drawing]:
    """Drawings of columns: `importance`, `curve-0` and on, `spread`, `control-0` and on, `row-<row>-<fold>`."""
    found = [draw_importances(columns.importances), draw_spread(columns.spread)]
    found += [draw_dependence(curve, i) for i, curve in enumerate(columns.dependences)]
    controls = () if columns.controls is None else columns.controls.columns
    for i, control in enumerate(controls):
        if control.after is not None:
            found.append(draw_dependence(control.after, i, control.before, kind="control"))
    return found + [draw_row(parts) for parts in columns.rows.values()]


def write_box_page(
    rows: Sequence[BoxRow], raw: Path, title: str, metric: str, cut: float, diagnosis: Sequence[Section] = ()
) -> str:
    """HTML of a page of images with their boxes; the images are in the page itself.

    Args:
        rows: In the order in which they stand.
        raw: Folder of the image files.
        title: Names the run.
        metric: The run's score, as a sentence.
        cut: Confidence from which on boxes are shown.
        diagnosis: See `write_page`.

    Raises:
        DataError: An image cannot be read.
    """
    pictures = {row.file: draw(raw / row.file) for row in rows}
    return _render("boxes.html", rows, title=title, metric=metric, cut=cut, pictures=pictures, diagnosis=diagnosis)


def _render(template: str, rows: Sequence[Explanation] | Sequence[BoxRow], **values: object) -> str:
    groups = [("Most wrong", [r for r in rows if r.is_worst]), ("Right", [r for r in rows if not r.is_worst])]
    return render("aicomp.explain", template, groups=groups, **values)


def strength(text: Text, attribution: float) -> float:
    """How strongly a part is coloured, from -1 to 1: its attribution over the largest one of its text.

    >>> from aicomp.explain.occlusion import Part
    >>> strength(Text("sms", (Part("win ", 0.5), Part("now", -0.1))), -0.1)
    -0.2
    """
    largest = max((abs(part.attribution) for part in text.parts), default=0.0)
    return round(attribution / largest, 3) if largest else 0.0
