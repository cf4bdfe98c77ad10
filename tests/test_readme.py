"""The README shows only what works: its commands are run, its tables compared with the code."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aicomp import errors

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    """Code blocks of the README in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_commands_run_in_a_fresh_folder(tmp_path):
    """Each block begins where the README's reader began; files that earlier blocks made are there."""
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    said = []
    for block in blocks("bash"):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=tmp_path, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        said.append(done)
    assert "accuracy" in said[0].stdout + said[0].stderr
    iris = tmp_path / "iris"
    run = json.loads((iris / "run.json").read_text())
    assert run["metric"] == "accuracy"
    assert run["mean"] > 0.85  # nearest centroids reach 0.93
    assert "accuracy" in (iris / "metrics.json").read_text()
    assert (tmp_path / "classroom" / "fit.png").stat().st_size > 10_000


def test_it_opens_with_the_two_targets_of_make():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    first = blocks("console")[0].splitlines()
    assert [line.split()[2] for line in first] == ["demo", "test"]
    for target in ("demo", "test"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_exit_codes_are_those_of_the_errors():
    in_table = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    kinds = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.AicompError)]
    signals = {128 + signal.SIGINT, 128 + signal.SIGTERM}
    assert in_table == {0} | signals | {e.exit_code for e in kinds}


def test_every_link_leads_to_a_file():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not link.startswith("https://")]
    assert links
    for link in links:
        assert (ROOT / link).is_file(), link
