"""`torchrun ... -m aicomp train`: one process on each of two machines, here two starters on one."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from aicomp.cli.main import main
from aicomp.engine.launch import launched_place
from aicomp.errors import UsageError
from aicomp.run import Run, list_runs

SETTINGS = [
    "model.name=mlp", "workers=2", "split.n_splits=2", "training.epochs=10", "training.batch_size=16",
    "training.amp=false", "training.layout=processes", 'training.shard="ddp"', "training.checkpoint=0.001",
    "regularization.dropout=0.1", "regularization.early_stopping=0",
]  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    assert main(["init", "iris", "--into", str(folder), "--json"]) == 0
    return folder


def command(folder: Path, *more: str) -> list[str]:
    settings = [part for entry in SETTINGS for part in ("--set", entry)]
    return ["-m", "aicomp", "train", "--project", str(folder), "--json", *settings, *more]


def launch(folder: Path) -> list["subprocess.Popen[str]"]:
    """The same command on two machines."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    loopback = "lo" if sys.platform == "linux" else "lo0"
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": loopback, "OMP_NUM_THREADS": "1"}
    words = ["-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
    words += ["--master-addr", "127.0.0.1", "--master-port", str(port)]
    return [
        subprocess.Popen(
            [sys.executable, *words, "--node-rank", str(rank), *command(folder)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )
        for rank in range(2)
    ]  # fmt: skip


def checkpoints(folder: Path) -> list[Path]:
    """States of the second process that lie in the run now."""
    return sorted(folder.glob("runs/*/*/checkpoint-0.rank-1-of-2.*.safetensors"))


def weights(run: Run) -> list[bytes]:
    return [(run.fold(k) / "weights.safetensors").read_bytes() for k in range(2)]


@pytest.mark.slow
def test_a_process_dies_and_the_same_command_goes_on_to_the_same_bits(project: Path) -> None:
    machines = launch(project)
    deadline = time.monotonic() + 240
    while not checkpoints(project):
        assert time.monotonic() < deadline, [m.communicate() for m in machines if m.poll() is not None]
        time.sleep(0.02)
    [worker] = psutil.Process(machines[1].pid).children()
    worker.send_signal(signal.SIGKILL)
    (_, first_said), _ = (machine.communicate(timeout=240) for machine in machines)
    assert all(machine.returncode for machine in machines)
    assert "error: another process of this training has ended, or cannot be reached" in first_said
    [cut] = list_runs(project / "runs")
    assert not cut.fold_is_done(0)
    assert checkpoints(project)

    machines = launch(project)
    said = [machine.communicate(timeout=400) for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], said
    assert said[1][0] == ""
    assert json.loads(said[0][0])["run"] == cut.id

    done = subprocess.run(
        [sys.executable, *command(project, "--fresh")], capture_output=True, text=True, check=False
    )  # by processes of one machine, without a cut
    assert done.returncode == 0, done.stderr
    continued, whole = list_runs(project / "runs")
    assert continued.id == cut.id
    assert weights(continued) == weights(whole)
    assert (continued.folder / "oof.csv").read_bytes() == (whole.folder / "oof.csv").read_bytes()


def test_the_variables_of_torchrun_say_which_process_this_is(monkeypatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        assert launched_place() is None
        monkeypatch.setenv(name, "1")
    assert launched_place() is None  # alone
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert launched_place() == (1, 2)
    monkeypatch.setenv("RANK", "one")
    with pytest.raises(UsageError, match="`RANK` and `WORLD_SIZE` are to be numbers"):
        launched_place()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--set", "training.shard=false"], "torchrun started 2 processes, and `training.shard` is off"),
        (["--time-limit", "10s", "--set", "training.shard=false"], "start it without torchrun"),
    ],
)
def test_what_several_processes_cannot_do_is_refused(project, monkeypatch, capsys, more, message) -> None:
    place = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    assert main([*command(project)[2:], *more]) == 2
    error = capsys.readouterr().err
    assert message in error
