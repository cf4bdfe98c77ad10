"""Tables of text: aligned columns that need no colour, and on a pipe one line per row."""

import shutil
import sys
import textwrap
from collections.abc import Sequence

_GAP = "  "
_LEAST_WIDTH = 24


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table with left-aligned columns.

    On a terminal the last column is wrapped to its width; elsewhere each row is one line, for `grep` and its like.

    Args:
        header: Name of each column.
        rows: Cells of each row, as many as the header has.

    >>> table_lines(["name", "better"], [["rmse", "lower"], ["roc_auc", "higher"]])
    ['name     better', 'rmse     lower', 'roc_auc  higher']
    """
    lines = [header, *rows]
    widths = [max(_width(line[k]) for line in lines) for k in range(len(header) - 1)]
    left = sum(widths) + len(_GAP) * len(widths)
    # Without room for the last column, lines that the terminal itself breaks read better than a column of syllables.
    room = shutil.get_terminal_size().columns - left
    wrap = sys.stdout.isatty() and room >= _LEAST_WIDTH
    made = []
    for line in lines:
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(line[:-1], widths, strict=True)]
        last = (_wrapped(line[-1], room) or [""]) if wrap else [line[-1]]
        made.append(_GAP.join([*cells, last[0]]).rstrip())
        made += [" " * left + more for more in last[1:]]
    return made


def prose_lines(text: str) -> list[str]:
    """Lines of a Markdown text; on a terminal too narrow for them, its paragraphs are broken anew."""
    columns = shutil.get_terminal_size().columns
    if not sys.stdout.isatty() or all(len(line) <= columns for line in text.splitlines()):
        return text.rstrip().splitlines()
    made: list[str] = []
    for block in text.strip().split("\n\n"):
        is_prose = not block.startswith(("#", "|", "- ", "* ", "1. ", "```", "!", " "))
        made += ["", *(_wrapped(block, columns) if is_prose else block.splitlines())]
    return made[1:]


def _wrapped(text: str, columns: int) -> list[str]:
    """Lines of a text; addresses and names stay in one piece, so that they can be copied."""
    return textwrap.wrap(text, columns, break_on_hyphens=False, break_long_words=False)


def _width(cell: str) -> int:
    """Cells of a terminal that a text takes."""
    if cell.isascii():
        return len(cell)
    from rich.cells import cell_len

    return cell_len(cell)
