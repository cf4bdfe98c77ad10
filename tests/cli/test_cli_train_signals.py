"""SIGTERM and Ctrl-C: the state is written, the command ends soon, says how to go on, and its run goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from resume_cases import states

from aicomp.cli.main import main
from aicomp.run import list_runs

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

# The next state would be written by itself seconds after the first; there are too many epochs to end before the signal.
ENDLESS = ("training.checkpoint=3", "training.epochs=100000", "regularization.early_stopping=0", "split.n_splits=2",
           "training.layout=processes", "training.schedule=constant", "check.train=false")  # fmt: skip


def arguments(folder: Path, workers: int) -> list[str]:
    entries = (*ENDLESS, f"workers={workers}")
    return ["train", "--project", str(folder), *(part for entry in entries for part in ("--set", entry))]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_the_state_is_written_when_the_process_is_told_to_end(
    tmp_path: Path, number: int, code: int, word: str, workers: int
) -> None:
    folder = tmp_path / "iris"
    assert main(["init", "iris", "--into", str(folder), "--json"]) == 0
    command = [sys.executable, "-m", "aicomp", *arguments(folder, workers), "--json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 120
        while len(states(folder)) < max(1, workers) and time.monotonic() < until:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        before = {path: path.stat().st_mtime_ns for path in states(folder)}
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    hint = "type the same command again: it goes on where this one was"
    assert json.loads(stdout) == {"error": {"code": code, "message": word, "hint": hint}}
    assert stderr.endswith(f"error: {word}\n\nhint: {hint}\n")
    assert len(before) == max(1, workers)
    assert all(path.stat().st_mtime_ns > written for path, written in before.items())
    assert [run.is_done for run in list_runs(folder / "runs")] == [False]
