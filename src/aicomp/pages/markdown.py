"""Sections as Markdown, to be read in a terminal as well as on a code forge; nothing that is given can be markup."""

import re
import unicodedata
from collections.abc import Callable, Sequence

from aicomp.pages.document import (
    Block,
    Cell,
    Code,
    Facts,
    Figures,
    Finding,
    Heading,
    Items,
    Link,
    Paragraph,
    Picture,
    Section,
    Table,
)
from aicomp.pages.drawing import Drawing

Place = Callable[[Drawing | Picture], str | None]
"""Says where a picture's file lies, relative to the text; None for nowhere, so that its words stand alone."""

_MARKUP = re.compile(r"[\\`*\[\]<>|~$]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])|(?<=:)/(?=/)|!(?=\[)")
_AT_THE_START = re.compile(r"^(#{1,6}(?=\s|$)|[-+](?=\s|$)|=+\s*$|-{3,}\s*$)")
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")


def escape(text: str) -> str:
    r"""Text that is shown as it is: on one line, no character of it is markup or moves a terminal's cursor.

    >>> escape("a|b <b>*x*</b>"), escape("roc_auc"), escape("_x_"), escape("1. # one\n2")
    ('a\\|b \\<b\\>\\*x\\*\\</b\\>', 'roc_auc', '\\_x\\_', '1\\. # one 2')
    """
    text = " ".join(plain(text).split())
    text = _MARKUP.sub(lambda found: "\\" + found[0], text)
    return _NUMBERED.sub(r"\1\\\2", _AT_THE_START.sub(r"\\\1", text))


def inline(text: str) -> str:
    r"""As `escape`, but what stands between backticks is code.

    >>> inline("run `aicomp check *` and `"), inline("a*b")
    ('run `aicomp check *` and \\`', 'a\\*b')
    """
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one backtick is left over
        parts[-2:] = ["`".join(parts[-2:])]
    written = ""
    for i, part in enumerate(parts):
        if i % 2:
            code = " ".join(plain(part).split())
            written += f"`{code}`" if code else ""
        else:
            blank = (" " if part[:1].isspace() and i else "", " " if part[-1:].isspace() and i < len(parts) - 1 else "")
            body = escape(part) if not i else escape(f"x{part.lstrip()}")[1:]  # only the first is at a line's start
            written += blank[0] + body + (blank[1] if body else "")
    return written


def plain(text: str) -> str:
    r"""Text without characters that steer a terminal or turn its direction around; newlines and tabs stay.

    >>> plain("a\x1b[31mb\nc" + chr(0x202E))
    'a�[31mb\nc�'
    """
    return "".join("\ufffd" if _steers(c) else c for c in text)


def _steers(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in "\n\t\u200c\u200d"


def markdown(title: str, sections: Sequence[Section], place: Place) -> str:
    """A title and sections.

    Args:
        title: The title.
        sections: What follows.
        place: Where pictures are.
    """
    parts = [f"# {escape(title)}"]
    for section in sections:
        if section.heading:
            parts.append(f"## {escape(section.heading)}")
        parts += [written for block in section.blocks if (written := _block(block, place))]
    return "\n\n".join(parts) + "\n"


def _block(block: Block, place: Place) -> str:
    match block:
        case Heading():
            return f"### {escape(block.text)}"
        case Paragraph():
            return inline(block.text)
        case Items():
            return "\n".join(
                f"- {_cell(entry) if isinstance(entry, Link) else inline(entry)}" for entry in block.entries
            )
        case Facts():
            return "\n".join(f"- {escape(name)}: **{_cell(value) or '–'}**" for name, value in block.pairs)
        case Table():
            return f"{escape(block.caption)}:\n\n{_table(block)}"
        case Figures():
            return "\n\n".join(_picture(drawing, place) for drawing in block.drawings)
        case Picture():
            return _picture(block, place)
        case Finding():
            advice = f" What to do: {inline(block.advice)}" if block.advice else ""
            return f"- **{escape(block.severity)}: {escape(block.title)}.** {inline(block.evidence)}{advice}"
        case Code():
            return _code(block)


def _cell(value: Cell) -> str:
    if isinstance(value, Link):
        return f"[{escape(value.text)}]({_address(value.href)})"
    return escape(value)


def _address(href: str) -> str:
    return re.sub(r"[\s()<>\\|]", lambda found: f"%{ord(found[0]):02X}", href)


def _table(table: Table) -> str:
    """A table whose columns are as wide as their widest cell, so that it can be read as it stands."""
    from rich.cells import cell_len

    lines = [tuple(escape(h) for h in table.headings), *(tuple(_cell(v) for v in row) for row in table.rows)]
    n = len(table.headings)
    widths = [min(_WIDEST, max(3, *(cell_len(line[i]) for line in lines))) for i in range(n)]

    def line(cells: Sequence[str]) -> str:
        padded = []
        for i, cell in enumerate(cells):
            blanks = " " * max(0, widths[i] - cell_len(cell))
            padded.append(blanks + cell if i in table.right else cell + blanks)
        return f"| {' | '.join(padded)} |"

    rule = ["-" * (widths[i] - 1) + ":" if i in table.right else "-" * widths[i] for i in range(n)]
    return "\n".join([line(lines[0]), f"| {' | '.join(rule)} |", *(line(cells) for cells in lines[1:])])


_WIDEST = 66
"""Cells up to this width are padded to it; a single long one does not make all others as long."""


def _picture(picture: Drawing | Picture, place: Place) -> str:
    href = place(picture)
    alt = escape(picture.alt)
    shown = f"![{alt}]({_address(href)})" if href is not None else f"({alt})"
    return f"{shown}\n\n{escape(picture.caption)}" if picture.caption else shown


def _code(code: Code) -> str:
    text = plain(code.text)
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{code.language}\n{text}\n{fence}"
