"""What a section of the page holds."""

from dataclasses import dataclass, field

from aicomp.eda.drawings.media import Sheet
from aicomp.eda.gallery import Shown

MOST_ROWS = 100
"""Of a table on the page."""


@dataclass(frozen=True)
class Rows:
    """A table.

    Attributes:
        caption: Its name.
        headings: Of its columns; the first one names a row.
        rows: Values, as they are shown.
        right: Places of columns of numbers.
    """

    caption: str
    headings: list[str]
    rows: list[list[str]]
    right: list[int]


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        id: Of its heading.
        heading: It.
        texts: Sentences under it.
        facts: Names and values.
        drawings: As SVG.
        sheets: Pictures.
        tables: Below them.
    """

    id: str
    heading: str
    texts: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    drawings: list[Shown] = field(default_factory=list)
    sheets: list[Sheet] = field(default_factory=list)
    tables: list[Rows] = field(default_factory=list)
