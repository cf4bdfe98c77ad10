"""The schemas of what commands print with --json: one for each command, and keys are only ever added."""

import re
from pathlib import Path

import typer.main
from json_schemas import close, flatten, problems, validator

from aicomp.cli import guide
from aicomp.cli.main import app

# Every key and type that was ever promised, each behind the version of the set that brought it.
PROMISES = Path(__file__).parent / "json_promises.txt"


def commands(group=None, name=""):
    """Every command with its function, subcommands too; without groups that do nothing alone, as `competition`."""
    group = typer.main.get_command(app) if group is None else group
    for own, command in group.commands.items():
        whole = f"{name} {own}".strip()
        if getattr(command, "invoke_without_command", True):
            yield whole, command
        if hasattr(command, "commands"):
            yield from commands(command, whole)


def promised():
    """Lines of the committed list: what is promised, and since which version."""
    lines = PROMISES.read_text(encoding="utf-8").splitlines()
    return {promise: int(since) for since, _, promise in (line.partition(" ") for line in lines)}


def test_every_command_has_a_schema_and_every_schema_a_command():
    assert {name for name, _ in commands()} | {guide.ERROR} == set(guide.names())


def test_every_schema_is_one():
    for name in guide.names():
        assert validator(name)
        assert guide.schema(name)["title"].endswith("--json" if name != guide.ERROR else "that fails")


def test_help_names_every_key():
    missing = {}
    for name, command in commands():
        found = guide.schema(name)
        keys = {key for part in found.get("anyOf", [found]) for key in part["properties"]}
        missing[name] = sorted(keys - set(re.findall(r"\w+", command.help)))
    assert not {name: keys for name, keys in missing.items() if keys}


def test_keys_are_only_ever_added():
    """A key that is gone, or has another type, breaks scripts: put it back. A new one is added to the list."""
    now = {line for name in guide.names() for line in flatten(name, guide.schema(name))}
    known = promised()
    assert not sorted(known.keys() - now), "was promised, and is no more"
    new = "\n".join(f"{guide.version()} {line}" for line in sorted(now - known.keys()))
    assert not new, f"add to tests/json_promises.txt, after raising src/aicomp/schemas/VERSION since a release:\n{new}"
    assert max(known.values()) == guide.version()


def test_a_key_that_is_new_gone_or_of_another_type_is_told():
    right = {"error": {"code": 1, "message": "m", "hint": ""}}
    assert problems("error", right) == []
    for wrong in (
        {"error": {**right["error"], "more": 1}},
        {"error": {"code": 1, "message": "m"}},
        {"error": {**right["error"], "code": "1"}},
    ):
        [said] = problems("error", wrong)
        assert said.startswith("error: $.error")


def test_what_is_open_stays_open():
    named = {"type": "object", "properties": {"a": {}}, "additionalProperties": True}
    assert close(named) == named
    free = {"type": "object", "additionalProperties": {"type": "number"}}
    assert close(free) == free
