"""docs/agents.md says what is so: its scripts are run, its tables compared with the code."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_schemas import commands

from aicomp import errors

PAGE = (Path(__file__).parent.parent / "docs" / "agents.md").read_text(encoding="utf-8")

# Stands in the place of `aicomp`: its first call finds no network.
FLAKY = """#!/bin/sh
if [ ! -e "{marker}" ]; then touch "{marker}"; echo '{{"error": {{"code": 6, "message": "m", "hint": ""}}}}'; exit 6; fi
exec "{python}" -m aicomp "$@"
"""


def block(language):
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return found


def section(title):
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


@pytest.fixture
def run(tmp_path):
    """Runs a program in a fresh folder, where `aicomp` finds no network at first and nobody sleeps."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "aicomp").write_text(FLAKY.format(marker=tmp_path / "was-flaky", python=sys.executable))
    (programs / "sleep").write_text("#!/bin/sh\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }

    def run_program(*command):
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        assert (tmp_path / "was-flaky").exists()
        return done.stdout

    return run_program


@pytest.mark.slow
def test_the_loop_in_bash(run, tmp_path):
    said = run("bash", "-c", block("bash"))
    iris = tmp_path / "iris"
    assert Path(said.strip()).is_file()
    assert Path(said.strip()).is_relative_to(iris)
    assert json.loads((iris / "submit.json").read_text())["status"] == "valid"
    assert json.loads((iris / "tag.json").read_text())["tags"] == ["first"]


@pytest.mark.slow
def test_the_loop_in_python(run):
    script = block("python")
    assert "PAUSES = (60, 600)" in script
    said = run(sys.executable, "-c", script.replace("PAUSES = (60, 600)", "PAUSES = (0, 0)"))
    assert re.fullmatch(r"valid: accuracy (0\.\d+|1\.000), \d+ high findings\n", said)


def test_every_command_stands_in_the_table():
    told = set(re.findall(r"`([a-z ]+)(?: --[^`]*)?`", "\n".join(re.findall(r"^\| (`[^|]*) \|", PAGE, re.MULTILINE))))
    assert {name for name, _ in commands()} <= told


def test_exit_codes_are_those_of_the_errors():
    in_table = {
        int(code)
        for code in re.findall(r"^\| (\d+) \|", section("Exit codes, and what may be tried again"), re.MULTILINE)
    }
    kinds = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.AicompError)]
    assert in_table == {0, 130, 143} | {e.exit_code for e in kinds}


def test_every_option_that_it_names_is_one():
    options = (parameter.opts for _, command in commands() for parameter in command.params)
    known = {"--help"}.union(*options)
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) <= known


def test_every_variable_that_it_names_is_read():
    source = Path(errors.__file__).parent
    text = "\n".join(path.read_text(encoding="utf-8") for path in source.rglob("*.py"))
    for name in re.findall(r"`((?:AICOMP|KAGGLE)_[A-Z_]+)`", section("Environment")):
        assert f'"{name}"' in text
