"""`aicomp train --engine kaggle` against `aicomp host`, which really runs the notebook."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hosting import running_host
from synthetic import init_project, quick_arguments

from aicomp.cli.main import main
from aicomp.isolation import can_hide, isolation_fault
from aicomp.run import list_runs

pytest_plugins = ["kaggle_fixtures"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not can_hide(), reason=f"no namespaces here: {isolation_fault()}"),
]
TRAIN = ["train", "--json", *quick_arguments()]


@pytest.fixture
def project(tmp_path, no_credentials, monkeypatch):
    """A project whose competition is hosted, in the current directory, with a token in the environment."""
    folder = init_project(tmp_path)
    hosted = tmp_path / "hosted" / "binary"
    shutil.copytree(folder / "data" / "raw", hosted)
    ids = [line.partition(",")[0] for line in (hosted / "sample_submission.csv").read_text().splitlines()[1:]]
    truth = "".join(f"{row},{('No', 'Yes')[i % 2]}\n" for i, row in enumerate(ids))
    (hosted / "solution.csv").write_text(f"id,bought\n{truth}")
    (hosted / "host.toml").write_text('metric = "roc_auc"\n')
    with running_host(hosted.parent, "Ada") as host:
        monkeypatch.setenv("AICOMP_HOST", host.url)
        monkeypatch.setenv("AICOMP_TOKEN", host.tokens["Ada"])
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.chdir(folder)
        for name in ("notebook.dataset.FIRST_POLL", "remote.waiting.FIRST_POLL"):
            monkeypatch.setattr(f"aicomp.kaggle.{name}", 0.2)
        yield folder


def kernels(state: Path) -> int:
    """Versions of notebooks that the host has."""
    return sum(1 for path in (state / "kernels").glob("*/*") if path.is_dir())


def test_a_driver_that_is_killed_finds_its_notebook_and_the_run_is_the_local_one(project, capsys):
    command = [sys.executable, "-m", "aicomp", *TRAIN, "--engine", "kaggle"]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in driver.stderr:
        if line.startswith("waiting for"):
            break
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    assert list_runs(project / "runs") == []
    capsys.readouterr()

    assert main([*TRAIN, "--engine", "kaggle"]) == 0
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert "is there already" in err
    assert "3 of 3 folds done" in err  # the notebook's own log
    assert kernels(project.parent / "hosted" / ".aicomp-host") == 1

    assert main(TRAIN) == 0
    capsys.readouterr()
    there, here = sorted(list_runs(project / "runs"), key=lambda run: run.id != said["run"])
    assert there.id == said["run"]
    for name in ("oof.csv", "test.csv", "folds/2/weights.safetensors", "folds/2/predictions.safetensors"):
        assert (there.folder / name).read_bytes() == (here.folder / name).read_bytes()
    assert there.info["fingerprint"] == here.info["fingerprint"]

    for arguments in (["submit", there.id, "--dry-run"], ["runs"], ["report", there.id]):
        assert main([*arguments, "--json"]) == 0
    assert there.id in capsys.readouterr().out
    token = os.environ["AICOMP_TOKEN"].encode()
    assert not any(token in path.read_bytes() for path in (project / "runs").rglob("*") if path.is_file())


def test_what_fails_there_is_told_with_its_last_lines(project, capsys):
    (project / "features.py").write_text("def add_features(table):\n    raise ValueError('no luck with this table')\n")
    capsys.readouterr()
    assert main([*TRAIN, "--engine", "kaggle"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert "ended as ERROR: The notebook ended with exit code 1" in error["message"]
    assert "no luck with this table" in error["message"]
    assert list_runs(project / "runs") == []


def test_seeds_are_trained_there_and_all_runs_come_back(project, capsys):
    capsys.readouterr()
    assert main([*TRAIN, "--engine", "kaggle", "--seeds", "2"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [seed["seed"] for seed in said["seeds"]] == [0, 1]
    runs = {run.id: run for run in list_runs(project / "runs")}
    assert set(runs) == {said["run"], *(seed["run"] for seed in said["seeds"])}
    assert runs[said["run"]].kind == "blend"
    assert main(["submit", said["run"], "--dry-run", "--json"]) == 0
