"""The README shows only what works: its commands are run, its tables compared with the code."""

import json
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from doc_blocks import blocks, run_block

from aicomp import errors
from aicomp.cli.main import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_commands_run_in_a_fresh_folder(tmp_path):
    """Each block begins where the README's reader began; files that earlier blocks made are there."""
    said = []
    for block in blocks(README, "bash"):
        done = run_block(block, tmp_path)
        assert "Traceback" not in done.stderr
        said.append(done)
    assert "accuracy" in said[0].stdout + said[0].stderr
    iris = tmp_path / "iris"
    run = json.loads((iris / "run.json").read_text())
    assert run["metric"] == "accuracy"
    assert run["mean"] > 0.85  # nearest centroids reach 0.93
    assert "accuracy" in (iris / "metrics.json").read_text()
    assert (tmp_path / "classroom" / "fit.png").stat().st_size > 10_000


def test_its_block_of_python_saves_a_run(tmp_path, monkeypatch):
    """The reader's own model is one that knows nothing."""
    assert main(["init", "iris", "--into", str(tmp_path / "iris"), "--json"]) == 0
    monkeypatch.chdir(tmp_path / "iris")
    sizes = [len(Path("data", "raw", f"{name}.csv").read_text().splitlines()) - 1 for name in ("train", "test")]

    def my_predictions(folds):
        assert sorted(row for _, valid in folds for row in valid) == list(range(sizes[0]))
        return [np.full((size, 3), 1 / 3) for size in sizes]

    [code] = blocks(README, "python")
    exec(code, {"my_predictions": my_predictions})
    [done] = Path("runs").glob("*/DONE")
    assert "my-xgb" in (done.parent / "run.json").read_text()


def test_it_opens_with_the_two_targets_of_make():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    first = blocks(README, "console")[0].splitlines()
    assert [line.split()[2] for line in first] == ["demo", "test"]
    for target in ("demo", "test"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_exit_codes_are_those_of_the_errors():
    in_table = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    kinds = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.AicompError)]
    signals = {128 + signal.SIGINT, 128 + signal.SIGTERM}
    assert in_table == {0} | signals | {e.exit_code for e in kinds}


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_every_link_leads_to_a_file(page):
    for link in re.findall(r"\]\((?!https:)([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        assert (ROOT / link).is_file(), link
