"""`aicomp guide`: the page for agents and scripts, and the JSON Schema of what each command prints with --json."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

import typer

from aicomp.cli.options import Json
from aicomp.cli.output import Output
from aicomp.errors import UsageError

_FOLDER = files("aicomp") / "schemas"
ERROR = "error"
"""The name of the schema that holds for every command that fails."""


def guide(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND]", help="A command: `train`, `runs compare`, or `error`.")
    ] = None,
    as_schema: Annotated[bool, typer.Option("--schema", help="Print the command's JSON Schema.")] = False,
    as_json: Json = False,
) -> None:
    """Print the page for agents and scripts, or what a command prints with --json.

    With a command its help is printed, which says what the keys mean, and a line for each key with its types; with
    --schema the keys are printed as JSON Schema, draft 2020-12, which `aicomp guide --schema train > train.json` keeps.
    The schemas have one version number together: keys are only ever added, and keep their types. `error` is the object
    of every command that fails.

    With --json the keys are: version, page (as Markdown) and schemas (of all commands, by name); with a command
    version, command, help (its text) and schema.
    """
    output = Output(as_json)
    if not words:
        if as_schema:
            raise UsageError("`--schema` is not told of which command", "write `aicomp guide --schema train`")
        text = page()
        output.result({"version": version(), "page": text, "schemas": {n: schema(n) for n in names()}}, text.rstrip())
        return
    name = " ".join(words)
    found = schema(name)
    said = help_of(name)
    lines = json.dumps(found, indent=2).splitlines() if as_schema else [*said.splitlines(), "", *_keys(found)]
    output.result({"version": version(), "command": name, "help": said, "schema": found}, *lines)


def version() -> int:
    """The number of the set of schemas; it rises when keys are added."""
    return int((_FOLDER / "VERSION").read_text(encoding="utf-8"))


@cache
def names() -> tuple[str, ...]:
    """Commands that have a schema, such as `runs compare`, and `error`."""
    found = (place.name for place in _FOLDER.iterdir())
    return tuple(sorted(n.removesuffix(".json").replace("-", " ") for n in found if n.endswith(".json")))


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a command's object.

    Raises:
        UsageError: There is no such command; the nearest name is in the hint.
    """
    from aicomp.suggest import unknown_name

    if name not in names():
        raise unknown_name("command", name, names(), "aicomp guide")
    text = (_FOLDER / f"{name.replace(' ', '-')}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def help_of(name: str) -> str:
    """What a command's `--help` says of it, without its options."""
    from typer.main import get_command

    from aicomp.cli.main import app

    if name == ERROR:
        return "The object of every command that fails: code is the exit code, hint what to do (may be empty)."
    found: Any = get_command(app)
    for word in name.split():
        found = found.commands[word]
    return str(found.help)


def page() -> str:
    """The page for agents and scripts, `docs/agents.md`."""
    from aicomp.resources import bundled

    return (bundled("docs") / "agents.md").read_text(encoding="utf-8")


def command_of(arguments: Sequence[str]) -> str:
    """The command that arguments call, as its schema is named.

    >>> command_of(["runs", "compare", "a", "b", "--json"]), command_of(["runs", "--json"])
    ('runs compare', 'runs')
    """
    both = " ".join(arguments[:2])
    return both if both in names() else arguments[0] if arguments else ""


def _keys(found: dict[str, Any], path: str = "") -> Iterator[str]:
    """A line for each key: where it stands and what it is; `?` if it is not always there.

    >>> schema = {"properties": {"runs": {"type": "array", "items": {"type": "string"}}}, "required": ["runs"]}
    >>> list(_keys(schema))
    ['runs: array', 'runs[]: string']
    """
    for k, part in enumerate(found.get("anyOf", ())):
        yield f"{'or' if k else 'either'}:"
        yield from _keys(part, path)
    for key, part in found.get("properties", {}).items():
        inner = f"{path}.{key}" if path else key
        yield f"{inner}{'' if key in found.get('required', ()) else '?'}: {_types(part)}"
        yield from _keys(part, inner)
    if "items" in found:
        if "properties" not in found["items"]:
            yield f"{path}[]: {_types(found['items'])}"
        yield from _keys(found["items"], f"{path}[]")


def _types(part: dict[str, Any]) -> str:
    kinds = part.get("type", "anything")
    said = kinds if isinstance(kinds, str) else " or ".join(kinds)
    values = [json.dumps(value) for value in part.get("enum", ()) if value is not None]
    return f"{said} ({', '.join(values)})" if values else said
