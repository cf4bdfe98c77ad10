"""`aicomp init` as a user meets it: what is printed where, and the exit code."""

import json
import shlex
import zipfile

import pytest
from contract_cases import write_tables

from aicomp.cli.main import main
from aicomp.cli.output import Output
from aicomp.competition import load_competition


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


FINDINGS = """\
train file         train.csv              by its name
test file          test.csv               by its name
sample submission  sample_submission.csv  by its name
id                 id                     in test.csv and in sample_submission.csv
target             paid                   in train.csv and sample_submission.csv
metric             roc_auc                given with --metric
problem type       binary                 2 values, No and Yes
labels             No, Yes                `Yes` is a word for the positive class; the last one is positive
submission         probability            metric roc_auc needs it
"""


def test_for_people_reasons_go_to_stderr_and_the_next_commands_to_stdout(here, capsys):
    write_tables(here / "downloads" / "bills")
    assert main(["init", "downloads/bills", "--metric", "roc_auc"]) == 0
    said = capsys.readouterr()
    assert said.err == FINDINGS
    assert said.out == ("created the project `bills`\n\nnext:\n  cd bills\n  aicomp train\n  aicomp submit --dry-run\n")
    assert (here / "bills" / "data" / "manifest.json").is_file()


def test_for_programs_one_object(here, capsys):
    write_tables(here / "bills")
    with zipfile.ZipFile(here / "bills.zip", "w") as archive:
        for path in (here / "bills").iterdir():
            archive.write(path, f"wrapped/{path.name}")
    assert main(["init", "bills.zip", "--metric", "accuracy", "--into", "my bills", "--json"]) == 0
    said = capsys.readouterr()
    content = json.loads(said.out)
    assert set(content) == {"project", "slug", "competition", "findings", "files", "next"}
    assert (content["project"], content["slug"]) == (str(here / "my bills"), "bills")
    assert content["competition"]["labels"] == ["No", "Yes"]
    assert content["findings"][4] == {
        "what": "target",
        "value": "paid",
        "because": "in train.csv and sample_submission.csv",
    }
    assert content["next"][0] == "cd 'my bills'"
    assert said.out.count("\n") == 1


def test_flags_reach_the_contract(here, capsys):
    write_tables(here / "bills")
    flags = "--target paid --id id --problem-type multiclass --group color --time size --slug paid-bills"
    files = "--train train.csv --test test.csv --sample sample_submission.csv --encoding ascii --template first-network"
    assert main(["init", "bills", "--metric", "acc", "--into", "p", *shlex.split(flags), *shlex.split(files)]) == 0
    c = load_competition(here / "p" / "competition.toml")
    assert (c.slug, c.problem_type, c.group, c.time, c.metric) == (
        "paid-bills",
        "multiclass",
        "color",
        "size",
        "accuracy",
    )
    assert (c.files.encoding, c.template) == ("ascii", "first-network")
    reasons = capsys.readouterr().err
    for flag in (
        "--target",
        "--id",
        "--problem-type",
        "--group",
        "--time",
        "--train",
        "--test",
        "--sample",
        "--metric",
    ):
        assert f"given with {flag}\n" in reasons


def test_an_embedded_competition(here, capsys):
    assert main(["init", "iris"]) == 0
    said = capsys.readouterr()
    assert (said.out.splitlines()[0], said.err) == ("created the project `iris`", "")


@pytest.mark.parametrize(
    ("arguments", "code", "message", "hint"),
    [
        ([], 2, "missing SOURCE", "write `aicomp init SLUG` or `aicomp init PATH --metric NAME`"),
        (["bills"], 2, "the files do not say which metric scores the submissions", "add `--metric NAME`, which is on"),
        (["bills", "--metric", "rmse"], 3, "`train.csv` line 2: `paid` is `No`, which is no number", "correct that"),
        (["bills", "--metric", "auc", "--data-only"], 2, "`--data-only` follows the contract", "give only SOURCE"),
        (["bills", "--data-only", "--into", "bills"], 2, "`bills` is no project: it has no `aicomp.toml`", "leave"),
    ],
)  # fmt: skip
def test_errors(here, capsys, arguments, code, message, hint):
    write_tables(here / "bills")
    assert main(["init", *arguments]) == code
    said = capsys.readouterr()
    assert said.out == ""
    error, empty, hint_line = said.err.splitlines()
    assert error.startswith(f"error: {message}")
    assert (empty, hint_line.startswith(f"hint: {hint}")) == ("", True)
    assert sorted(p.name for p in here.iterdir()) == ["bills"]


def test_a_second_init_tells_what_else_to_do(here, capsys):
    write_tables(here / "bills")
    arguments = ["init", "bills", "--metric", "roc_auc"]
    assert main(arguments) == 0
    assert main([*arguments, "--json"]) == 2
    error = json.loads(capsys.readouterr().out.splitlines()[-1])["error"]
    assert error["message"] == f"`{here}/bills-project` is a project already"
    (here / "bills-project" / "data" / "manifest.json").unlink()
    command = error["hint"].split("`")[3]
    assert main([*shlex.split(command)[1:], "--json"]) == 0
    assert (here / "bills-project" / "data" / "manifest.json").is_file()


def test_on_a_terminal_the_metric_is_asked(here, capsys, monkeypatch):
    write_tables(here / "bills")
    monkeypatch.setattr(Output, "can_ask", property(lambda self: True))
    asked = []
    monkeypatch.setattr(Output, "ask", lambda self, question: asked.append(question) or "12")
    assert main(["init", "bills", "--into", "p"]) == 0
    said = capsys.readouterr()
    assert asked == ["number or name:"]
    assert said.err.startswith("Which metric scores the submissions?\n   1  roc_auc\n   2  log_loss\n")
    chosen = next(line.split()[1] for line in said.err.splitlines() if line.strip().startswith("12 "))
    assert load_competition(here / "p" / "competition.toml").metric == chosen


def test_the_help_names_every_flag(capsys):
    assert main(["init", "--help"]) == 0
    text = capsys.readouterr().out
    flags = (
        "--metric --id --target --problem-type --train --test --sample --group --time --slug --encoding --template "
        "--into --file --host --data-only --json"
    )
    assert [flag for flag in flags.split() if flag not in text] == []
