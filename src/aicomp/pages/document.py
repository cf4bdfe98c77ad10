"""What stands on a page, whatever it is written as: HTML by `blocks.html`, Markdown by `pages.markdown`."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from aicomp.pages.drawing import Drawing
from aicomp.pages.render import data_uri

Severity = Literal["high", "medium", "low", "ok"]


@dataclass(frozen=True)
class Link:
    """Words that lead to another file.

    Attributes:
        text: The words.
        href: A path relative to the page, quoted as an address.
    """

    text: str
    href: str


Cell = str | Link


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Paragraph:
    """A sentence or some.

    Attributes:
        text: The words.
        is_soft: Whether they are a remark.
    """

    kind: ClassVar[str] = "paragraph"
    text: str
    is_soft: bool = False


@dataclass(frozen=True)
class Items:
    """A list."""

    kind: ClassVar[str] = "items"
    entries: tuple[Cell, ...]


@dataclass(frozen=True)
class Facts:
    """Short facts by name."""

    kind: ClassVar[str] = "facts"
    pairs: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        caption: What it shows.
        headings: Of the columns; the first column names the row.
        rows: As many cells as headings each.
        right: Places of columns that hold numbers.
        summary: If there is one, the table is folded away under these words on a page.
    """

    kind: ClassVar[str] = "table"
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    right: tuple[int, ...] = ()
    summary: str = ""


@dataclass(frozen=True)
class Figures:
    """Drawings that stand side by side where there is room."""

    kind: ClassVar[str] = "figures"
    drawings: tuple[Drawing, ...]


@dataclass(frozen=True)
class Picture:
    """A picture that is a file already.

    Attributes:
        name: Of its file, with the ending; unique on its page.
        alt: What there is to see.
        content: The file.
        media: Its type.
        caption: What stands below it.
    """

    kind: ClassVar[str] = "picture"
    name: str
    alt: str
    content: bytes
    media: str = "image/png"
    caption: str = ""

    @property
    def uri(self) -> str:
        """The picture itself as an address."""
        return data_uri(self.content, self.media)


@dataclass(frozen=True)
class Finding:
    """Something that was found, how bad it is, and what to do."""

    kind: ClassVar[str] = "finding"
    severity: Severity
    title: str
    evidence: str
    advice: str = ""


@dataclass(frozen=True)
class Code:
    """Lines to be typed or pasted."""

    kind: ClassVar[str] = "code"
    text: str
    language: str = ""


Block = Heading | Paragraph | Items | Facts | Table | Figures | Picture | Finding | Code


@dataclass(frozen=True)
class Section:
    """A part of a page with a heading.

    Attributes:
        id: Where links lead to: lower letters, digits, dashes.
        heading: For people.
        blocks: What stands in it.
    """

    id: str
    heading: str
    blocks: tuple[Block, ...]
