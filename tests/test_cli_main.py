"""The command line's frame: exit codes, what goes to which stream, and JSON for every outcome."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_architecture import COMMANDS

from aicomp import __version__, errors
from aicomp.cli import main as cli
from aicomp.cli.main import main

KINDS = {
    errors.AicompError: 1,
    errors.UsageError: 2,
    errors.DataError: 3,
    errors.CredentialsError: 4,
    errors.RefusedError: 5,
    errors.NetworkError: 6,
}


@pytest.fixture
def failing(monkeypatch):
    """Makes every command raise what it is given."""

    def fail_with(error):
        def app(*arguments, **keywords):
            raise error

        monkeypatch.setattr(cli, "app", app)

    return fail_with


@pytest.mark.parametrize(("kind", "code"), KINDS.items())
def test_each_error_has_its_exit_code_and_both_forms(failing, capsys, kind, code):
    failing(kind("`x` is wrong", "write `y`"))
    assert main(["train"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: `x` is wrong\n\nhint: write `y`\n"
    assert main(["train", "--json"]) == code
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"error": {"code": code, "message": "`x` is wrong", "hint": "write `y`"}}
    assert captured.out.count("\n") == 1


def test_no_hint_leaves_no_empty_line(failing, capsys):
    failing(errors.AicompError("it failed"))
    assert main(["train"]) == 1
    assert capsys.readouterr().err == "error: it failed\n"


def test_an_interrupt_ends_with_130(failing, capsys):
    failing(KeyboardInterrupt())
    assert main(["train", "--json"]) == 130
    assert json.loads(capsys.readouterr().out)["error"] == {"code": 130, "message": "interrupted", "hint": ""}


def test_a_bug_shows_its_traceback_without_locals(failing, capsys):
    def broken(token):
        raise ZeroDivisionError("division by zero")

    try:
        broken("sesame")
    except ZeroDivisionError as e:
        failing(e)
    assert main(["train", "--json"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["message"] == "ZeroDivisionError: division by zero"
    assert "Traceback" in captured.err
    assert "in broken" in captured.err
    assert "'sesame'" not in captured.err.replace('broken("sesame")', "")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["tarin"], "no such command `tarin`", "did you mean `train`? `aicomp --help` shows what it takes"),
        (["--bogus"], "no such option `--bogus`", "`aicomp --help` shows what it takes"),
        (["train", "--epochs", "3"], "no such option `--epochs`", "`aicomp train --help` shows what it takes"),
        (
            ["runs", "--jsn"],
            "no such option `--jsn`",
            "did you mean `--csv`, `--json` or `--png`? `aicomp runs --help` shows what it takes",
        ),
        (["train", "--set"], "option `--set` requires an argument", "`aicomp train --help` shows what it takes"),
        (["score", "a.csv"], "missing argument `submission`", "`aicomp score --help` shows what it takes"),
        (["train", "it's"], "got unexpected extra argument(s) (it's)", "`aicomp train --help` shows what it takes"),
    ],
)
def test_wrong_usage_is_exit_code_2_in_the_same_form(capsys, arguments, message, hint):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"error: {message}\n\nhint: {hint}\n"


def test_without_arguments_it_shows_its_help(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    for command in COMMANDS:
        assert f" {command} " in text


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"aicomp {__version__}\n"


def run(*arguments, **environment):
    command = [sys.executable, "-m", "aicomp", *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def test_the_exit_code_reaches_the_shell():
    assert run("tarin").returncode == 2
    assert run("--version").returncode == 0


def test_help_has_no_colour_in_a_pipe_or_where_it_is_unwanted():
    assert "\x1b[" not in run("--help", NO_COLOR="1").stdout
    assert "\x1b[" not in run("--help").stdout


def test_json_is_ascii_so_that_it_can_be_printed_under_any_locale():
    done = run("trän", "--json", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert done.stdout.isascii()
    assert json.loads(done.stdout)["error"]["message"] == "no such command `trän`"


def shell(redirection):
    command = f'"{sys.executable}" -m aicomp {redirection}'
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("arguments", ["list metrics", "list metrics --json"])
def test_a_full_disk_behind_stdout_is_said_once_and_without_a_traceback(arguments):
    done = shell(f"{arguments} > /dev/full")
    assert done.returncode == 1
    assert done.stderr == ("error: cannot write to standard output: No space left on device\n\nhint: free some space\n")


@pytest.mark.parametrize(
    ("redirection", "code"),
    [("list metrics >&-", 0), ("list metrics <&-", 0), ("tarin 2>&-", 2), ("tarin --json >&-", 2)],
)
def test_closed_streams_change_nothing_else(redirection, code):
    done = shell(redirection)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_is_no_error():
    command = f"{sys.executable} -m aicomp list metrics | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_the_shell_completes_commands():
    done = run(_AICOMP_COMPLETE="complete_bash", COMP_WORDS="aicomp tr", COMP_CWORD="1")
    assert done.stdout.split() == ["train"]


def test_numbers_that_json_does_not_know_are_written_as_what_it_knows(capsys):
    from aicomp.cli.output import write_json

    write_json({"mean": float("nan"), "clamp": [float("-inf"), 5.0], "few": (float("inf"),)})
    out = capsys.readouterr().out
    assert out == '{"mean": null, "clamp": ["-inf", 5.0], "few": ["inf"]}\n'
