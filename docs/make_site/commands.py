"""Reference of the commands, from the program itself."""

import re
from collections.abc import Iterator
from typing import Any

import typer

from aicomp.cli.main import app
from make_site.markdown import cell, code, docstring, table

_OF_EVERY_COMMAND = ("--help", "--json")


def commands() -> Iterator[tuple[str, Any]]:
    """Each command's path, such as "aicomp runs clean", and its parser; groups before what they hold."""
    root = typer.main.get_command(app)
    yield from _below(root, "aicomp")


def _below(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, child in sorted(getattr(command, "commands", {}).items()):
        yield f"{path} {name}", child
        yield from _below(child, f"{path} {name}")


def page() -> str:
    """The page `reference/commands`."""
    parts = [
        "# Commands",
        "",
        "What `aicomp COMMAND --help` says, of every command. Exit codes stand in "
        "[the overview](../readme.md#in-scripts-and-ci).",
        "",
    ]
    for path, command in commands():
        context = command.make_context(path, [], resilient_parsing=True)
        parts += [f"{'#' * path.count(' ')}# {path}", "", "```text", usage(command, context), "```", ""]
        parts.append(docstring(command.help))
        parts.append(_parameters(command, context))
    return "\n".join(parts)


def usage(command: Any, context: Any) -> str:
    """How a command is typed."""
    words = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
    words = re.sub(r"\{(\w+)\}", lambda name: name[1].upper(), words)
    return re.sub(r"\[\[(\w+)\](\.\.\.)?\]", r"[\1]", words)


def _parameters(command: Any, context: Any) -> str:
    """Arguments and options, as the program's help says them, without the options of every command."""
    records = (parameter.get_help_record(context) for parameter in command.get_params(context))
    rows = [(name, said) for name, said in filter(None, records) if name not in _OF_EVERY_COMMAND]
    return table(["argument or option", "what it does"], [[_name(name), _said(said)] for name, said in rows])


def _name(name: str) -> str:
    """An option and what it takes; of an argument its name alone.

    >>> _name("-m, --message <str>"), _name("solution <str>"), _name("[RUN] <str>")
    ('`-m, --message TEXT`', '`SOLUTION`', '`[RUN]`')
    """
    if not name.startswith("-"):
        return code(name.partition(" ")[0].upper())
    return code(re.sub(r"<(\w+)>", lambda kind: {"str": "TEXT"}.get(kind[1], kind[1].upper()), name))


def _said(text: str) -> str:
    """A help text; what is left open, such as a default, in words.

    >>> _said("Of --bootstrap.  [default: 3]")
    'Of `--bootstrap`. Default: `3`.'
    """
    text = re.sub(r"\s*\[required\]", "", text)
    text = re.sub(r"\s*\[default: (?:\(dynamic\)|None|)\]", "", text)
    text = re.sub(r"\s*\[default: ([^];]+)(?:; ([^]]+))?\]", _default, text)
    return cell(re.sub(r"\s*\[(x[<>]=?[^]]*|[^]]*<=?x[^]]*)\]", r" `\1`.", text))


def _default(found: re.Match[str]) -> str:
    return f" Default: `{found[1]}`." + (f" `{found[2]}`." if found[2] else "")
