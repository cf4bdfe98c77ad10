"""The Python of a notebook: its code cells, one after another."""

import ast
import json
import re
from typing import Any

_MAGIC_LINE = re.compile(r"^(\s*)([%!])(.*)$")


class NotebookError(ValueError):
    """The notebook cannot be run; the message says where and why."""


def notebook_code(text: str) -> str:
    """The code cells of a notebook as one script.

    IPython's own lines have no meaning without it: `%...` is left out, `!command` runs in a shell, and of the cell
    magics `%%time`, `%%timeit`, `%%capture` and `%%writefile` are understood.

    Args:
        text: JSON of the notebook, format 4.

    Raises:
        NotebookError: It is no notebook, or a cell begins with another magic.
    """
    try:
        cells = json.loads(text)["cells"]
        codes = [(n, _source(cell)) for n, cell in enumerate(cells, 1) if cell.get("cell_type") == "code"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise NotebookError("it is no Jupyter notebook of format 4") from e
    return "\n\n".join(f"# cell {n}\n{_plain(n, source)}" for n, source in codes) + "\n"


def _source(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return "".join(source) if isinstance(source, list) else str(source)


def _plain(number: int, source: str) -> str:
    first, _, rest = source.lstrip().partition("\n")
    if first.startswith("%%"):
        name, _, argument = first[2:].strip().partition(" ")
        if name == "writefile":
            return f"with open({argument.strip()!r}, 'w', encoding='utf-8') as _file:\n    _file.write({rest!r})"
        if name not in ("time", "timeit", "capture"):
            raise NotebookError(f"cell {number} begins with `%%{name}`, which this host does not run")
        source = rest
    try:
        ast.parse(source)
    except SyntaxError:
        # Only then: a line of a string may begin with `%` or `!` too.
        return "\n".join(_plain_line(line) for line in source.split("\n"))
    except (ValueError, RecursionError, MemoryError) as e:
        raise NotebookError(f"cell {number} cannot be read as Python: {e}") from e
    return source


def _plain_line(line: str) -> str:
    match = _MAGIC_LINE.match(line)
    if match is None:
        return line
    indent, kind, rest = match.groups()
    if kind == "%":
        return f"{indent}pass  # %{rest}"
    return f"{indent}__import__('subprocess').run({rest.strip()!r}, shell=True)"
