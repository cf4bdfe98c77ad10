"""`aicomp guide`: the page, the keys of a command, and its schema."""

import json
from pathlib import Path

from aicomp.cli.guide import names, schema, version
from aicomp.cli.main import main

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"


def test_it_prints_the_page_as_it_is(capsys):
    assert main(["guide"]) == 0
    captured = capsys.readouterr()
    assert captured.out == PAGE.read_text(encoding="utf-8")
    assert captured.err == ""


def test_programs_get_page_and_all_schemas(capsys):
    assert main(["guide", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    content = json.loads(out)
    assert set(content) == {"version", "page", "schemas"}
    assert content["version"] == version() >= 1
    assert list(content["schemas"]) == list(names())


def test_a_command_has_its_help_and_a_line_for_each_key(capsys):
    assert main(["guide", "runs", "tag"]) == 0
    said, keys = capsys.readouterr().out.rsplit("\n\n", maxsplit=1)
    assert said.startswith("Tag a run, ")
    assert "With --json the keys are: " in said
    assert keys.splitlines() == [
        "run: string", "note: string", "tags: array", "tags[]: string", "before: array", "before[]: string"
    ]  # fmt: skip
    assert main(["guide", "error"]) == 0
    assert "error.code: integer" in capsys.readouterr().out
    assert main(["guide", "train"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[lines.index("run: string") - 1] == "either:"
    assert "folds[]: number" in lines
    assert 'kind?: string ("blend", "member", "floor")' in lines


def test_the_schema_alone_can_be_kept(capsys):
    assert main(["guide", "--schema", "train"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == schema("train")
    assert captured.err == ""
    assert main(["guide", "--schema", "runs", "compare", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content.pop("help").startswith("Compare run B with run A: ")
    assert content == {"version": version(), "command": "runs compare", "schema": schema("runs compare")}


def test_what_is_no_command_names_the_nearest(capsys):
    assert main(["guide", "tarin", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["message"].startswith("unknown command `tarin`")
    assert "`train`" in error["hint"]
    assert main(["guide", "--schema"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "error: `--schema` is not told of which command\n\nhint: write `aicomp guide --schema train`\n"
    )
