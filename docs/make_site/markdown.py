"""Docstrings and tables as Markdown."""

import inspect
import re
from collections.abc import Iterable, Sequence

_SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises|Shape|Example|Examples):(.*)$")
_ITEM = re.compile(r"^(\*{0,2}\w[\w, *.`]*): (.*)$")
_CODE = re.compile(r"(`[^`]*`)")
_FLAG = re.compile(r"(?<![\w`-])(--[a-z][\w-]*)")


def plain(text: str) -> str:
    r"""Text in which nothing but code between backticks is Markdown.

    >>> print(plain("a * b <c> `d*e` f_g"))
    a \* b &lt;c> `d*e` f\_g
    """
    return "".join(part if part.startswith("`") else _escaped(part) for part in _CODE.split(text))


def _escaped(text: str) -> str:
    text = re.sub(r"([\\*_\[\]$~])", r"\\\1", text)
    return re.sub(r"^(\s*)([#>+]|\d+\.(?=\s))", r"\1\\\2", text.replace("<", "&lt;"), flags=re.MULTILINE)


def people(text: str) -> str:
    """What is said to people: plain, with options as code.

    >>> people("`a` or --into")
    '`a` or `--into`'
    """
    parts = _CODE.split(text)
    return plain("".join(part if part.startswith("`") else _FLAG.sub(r"`\1`", part) for part in parts))


def code(text: str) -> str:
    r"""A span of code, whatever is in it, that may stand in a table.

    >>> print(code("a | b"))
    `a \| b`
    """
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}".replace("|", "\\|")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""A table; cells are Markdown, in one line each.

    >>> print(table(["a", "b"], [["1", "x\ny"]]))
    | a | b |
    |---|---|
    | 1 | x y |
    <BLANKLINE>
    """
    lines = [header, ["---"] * len(header), *rows]
    cells = [[" ".join(str(cell).split()) for cell in line] for line in lines]
    bars = [f"| {' | '.join(line)} |" for line in cells]
    bars[1] = f"|{'---|' * len(header)}"
    return "\n".join(bars) + "\n"


def cell(text: str) -> str:
    """Text of people as a cell of a table."""
    return people(text).replace("|", "\\|")


def docstring(text: str | None) -> str:
    r"""A docstring in Google style as Markdown.

    >>> print(docstring("Mean of x.\n\nArgs:\n    x: Numbers,\n        any."))
    Mean of x.
    <BLANKLINE>
    **Args**
    <BLANKLINE>
    - `x`: Numbers, any.
    <BLANKLINE>
    """
    blocks = re.split(r"\n\s*\n", inspect.cleandoc(text or ""))
    return "\n".join(part for block in blocks for part in _block(block))


def attributes(text: str | None) -> dict[str, str]:
    r"""What the section `Attributes` says of each name.

    >>> attributes("A.\n\nAttributes:\n    x: One\n        more.\n    y: Two.")
    {'x': 'One more.', 'y': 'Two.'}
    """
    found: dict[str, str] = {}
    for block in re.split(r"\n\s*\n", inspect.cleandoc(text or "")):
        head, _, body = block.partition("\n")
        if head == "Attributes:":
            found.update(_items(inspect.cleandoc("\n" + body)))
    return found


def without_sections(text: str | None) -> str:
    """What a docstring says before `Args`, `Attributes` and the like."""
    blocks = re.split(r"\n\s*\n", inspect.cleandoc(text or ""))
    return "\n\n".join(block for block in blocks if not _SECTION.match(block.splitlines()[0]))


def _block(block: str) -> Iterable[str]:
    """One paragraph, or one section, and the empty line after it."""
    if not block.strip():
        return
    head, _, body = block.partition("\n")
    section = _SECTION.match(head)
    if section is not None:
        yield from _section(section[1], section[2].strip(), inspect.cleandoc("\n" + body))
    elif head.lstrip().startswith(">>>"):
        yield from ("```pycon", *inspect.cleandoc("\n" + block).splitlines(), "```", "")
    elif head.startswith("    "):
        yield from (*block.splitlines(), "")
    elif head.startswith("|"):
        yield from (*(cell_line(line) for line in block.splitlines()), "")
    else:
        before, doctest, rest = block.partition("\n>>>")
        yield people(before)
        yield ""
        if doctest:
            yield from _block(f">>>{rest}")


def cell_line(line: str) -> str:
    """A line of a table that stands in a docstring: bars stay, the rest is plain."""
    return line if set(line) <= set("|-: ") else plain(line)


def _section(name: str, rest: str, body: str) -> Iterable[str]:
    if name in ("Args", "Attributes", "Raises"):
        yield from (f"**{name}**", "")
        yield from (f"- `{item}`: {people(said)}" for item, said in _items(body).items())
        yield ""
    else:
        yield from (f"**{name}** {plain(' '.join([rest, *body.split()]).strip())}", "")


def _items(body: str) -> dict[str, str]:
    """`name: text` with what is indented below it."""
    found: dict[str, str] = {}
    name = ""
    for line in body.splitlines():
        item = _ITEM.match(line)
        if item is not None:
            name = item[1]
            found[name] = item[2].strip()
        elif name and line.strip():
            found[name] += f" {line.strip()}"
    return found
