"""Explanations as one page that loads nothing from anywhere."""

from collections.abc import Sequence
from pathlib import Path

from aicomp.explain.boxes import BoxRow, draw
from aicomp.explain.explanation import Explanation, Text
from aicomp.pages.document import Section
from aicomp.pages.render import render


def write_page(explanations: Sequence[Explanation], title: str, metric: str, diagnosis: Sequence[Section] = ()) -> str:
    """HTML of a page: a row each, with its texts and pictures; everything that is given is escaped.

    Args:
        explanations: In the order in which they stand.
        title: Names the run.
        metric: The run's score, as a sentence.
        diagnosis: What its out-of-fold predictions tell, below the rows.
    """
    shown = {"has_texts": any(e.texts for e in explanations), "has_pictures": any(e.pictures for e in explanations)}
    return _render("explanations.html", explanations, title=title, metric=metric, strength=strength,
                   diagnosis=diagnosis, **shown)  # fmt: skip


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
