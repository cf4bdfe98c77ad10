"""Folds on a real Ray cluster of two nodes, both on this machine: processes and nodes are killed in the middle."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from synthetic import init_project

from aicomp.cli.main import main
from aicomp.cross_validation import cross_validate
from aicomp.engine.events import EpochEvent, FoldEvent, PlaceEvent, RetryEvent
from aicomp.errors import AicompError
from aicomp.project import Project
from aicomp.run import Run, list_runs

pytest.importorskip("ray", reason="ray is not installed: `make test-all` has it")
psutil = pytest.importorskip("psutil")

pytestmark = [pytest.mark.heavy, pytest.mark.slow, pytest.mark.timeout(400)]

SETTINGS = [
    'model.name="tabm"', "training.epochs=25", "regularization.early_stopping=0", "split.n_splits=3", "workers=2",
    "device=cpu", 'training.layout="processes"',
]  # fmt: skip
RAY = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus=1", "--disable-usage-stats"]
STORE = "--object-store-memory=100000000"


class Nodes:
    """A head and another node, each with one CPU and a folder of its own."""

    def __init__(self) -> None:
        self._folders = [Path(tempfile.mkdtemp(prefix="ray", dir=tempfile.gettempdir())) for _ in range(2)]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self._start("--head", f"--port={port}", "--include-dashboard=false")
        self._start(f"--address={self.address}")

    def _start(self, *options: str) -> None:
        folder = self._folders[len(self.processes)]
        command = [*RAY, STORE, "--node-ip-address=127.0.0.1", f"--temp-dir={folder}", *options]
        environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "TMPDIR": str(folder)}
        with (folder / "log").open("wb") as log:
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))
        for _ in range(600):
            if b"--block" in (folder / "log").read_bytes():
                return
            time.sleep(0.1)
        raise AssertionError((folder / "log").read_text())

    def workers(self, node: int) -> list[Any]:
        """Ray's processes that run a task of ours on a node."""
        children = psutil.Process(self.processes[node].pid).children(recursive=True)
        return [p for p in children if p.is_running() and "ray::_on_node" in " ".join(_command_of(p))]

    def scratch(self) -> list[Path]:
        return [path for folder in self._folders for path in folder.glob("aicomp-*/*")]

    def kill(self, node: int) -> None:
        """Everything of a node at once, as when its power goes."""
        for process in [*_children(self.processes[node].pid), psutil.Process(self.processes[node].pid)]:
            process.kill()
        self.processes[node].wait()

    def close(self) -> None:
        for process in reversed(self.processes):
            if process.poll() is None:
                left = _children(process.pid)
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                _, alive = psutil.wait_procs(left, timeout=5)
                for child in alive:
                    child.kill()
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)


def _children(pid: int) -> list[Any]:
    children: list[Any] = psutil.Process(pid).children(recursive=True)
    return children


def _command_of(process: Any) -> list[str]:
    try:
        command: list[str] = process.cmdline()
    except psutil.Error:
        return []
    return command


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    started = Nodes()
    try:
        yield started
    finally:
        started.close()


def open_there(folder: Path, nodes: Nodes, *more: str) -> Project:
    return Project.open(folder, [*SETTINGS, 'engine.name="ray"', f'engine.address="{nodes.address}"', *more])


def check_equal(here: Run, there: Run) -> None:
    """OOF, test predictions and weights of two runs, bit by bit, and the files that there are."""
    names = ["oof.csv", "test.csv", "folds.csv"]
    names += [f"folds/{k}/{name}.safetensors" for k in range(3) for name in ("weights", "predictions")]
    for name in names:
        assert (here.folder / name).read_bytes() == (there.folder / name).read_bytes(), name
    assert here.scores == there.scores
    assert here.info["fingerprint"] == there.info["fingerprint"]
    files = [
        {p.relative_to(r.folder).as_posix() for p in r.folder.rglob("*") if p.suffix != ".log"} for r in (here, there)
    ]
    assert files[0] == files[1]


def once(act: Callable[[], None], told: list[Any]) -> Callable[[Any], None]:
    """Act when the first epoch is told."""

    def on_event(event: Any) -> None:
        if isinstance(event, EpochEvent) and not any(isinstance(e, EpochEvent) for e in told):
            act()
        told.append(event)

    return on_event


def test_a_killed_process_and_the_run_is_that_of_this_machine(tmp_path: Path, nodes: Nodes) -> None:
    folder = init_project(tmp_path)
    here = cross_validate(Project.open(folder, SETTINGS))

    def kill() -> None:
        found = next(p for i in (1, 0) for p in nodes.workers(i))
        found.kill()

    told: list[Any] = []
    there = cross_validate(open_there(folder, nodes), fresh=True, on_event=once(kill, told))
    check_equal(here, there)
    retried = [e for e in told if isinstance(e, RetryEvent)]
    assert len(retried) == 1
    assert "begun anew (1 of at most 2 times)" in retried[0].reason
    places = {e.node for e in told if isinstance(e, PlaceEvent)}
    assert len(places) == 2  # both nodes, by name
    assert sorted(e.fold for e in told if isinstance(e, FoldEvent)) == [0, 1, 2]
    assert nodes.scratch() == []


def test_a_killed_node_and_the_run_is_that_of_this_machine(tmp_path: Path, nodes: Nodes) -> None:
    folder = init_project(tmp_path)
    here = cross_validate(Project.open(folder, SETTINGS))
    told: list[Any] = []

    def kill() -> None:
        for _ in range(300):
            if nodes.workers(1):
                break
            time.sleep(0.1)
        nodes.kill(1)

    there = cross_validate(open_there(folder, nodes), fresh=True, on_event=once(kill, told))
    check_equal(here, there)
    assert [e for e in told if isinstance(e, RetryEvent)]


def test_an_error_of_the_users_code_looks_as_it_does_here(tmp_path: Path, nodes: Nodes, capsys: Any) -> None:
    folder = init_project(tmp_path)
    (folder / "metric.py").write_text(
        "from aicomp.metrics import Metric\n\n\ndef broken(y_true, y_pred):\n"
        "    raise ValueError('mine is broken')\n\n\n"
        "mine = Metric('mine', broken, True, 'probability', frozenset({'binary'}))\n"
    )
    contract = folder / "competition.toml"
    contract.write_text(contract.read_text().replace('metric = "roc_auc"', 'metric = "metric:mine"'))
    said = []
    for more in ([], ["--engine", "ray", "--address", nodes.address]):
        arguments = [part for entry in SETTINGS for part in ("--set", entry)]
        assert main(["train", "--project", str(folder), "--fresh", *arguments, *more]) == 3
        lines = capsys.readouterr().err.splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith("error: "))
        said.append([re.sub(r"fold \d", "fold", line) for line in lines[at:]])
        assert not [line for line in lines if "begun anew" in line]
    assert said[0][0] == "error: fold: metric `mine` cannot score 30 rows: mine is broken"
    assert said[0] == said[1]


def test_an_interrupted_run_is_continued(tmp_path: Path, nodes: Nodes) -> None:
    folder = init_project(tmp_path)
    project = open_there(folder, nodes)

    def interrupt(event: Any) -> None:
        if isinstance(event, FoldEvent):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cross_validate(project, on_event=interrupt)
    (cut,) = list_runs(project.runs)
    done = [k for k in range(3) if cut.fold_is_done(k)]
    assert done
    for _ in range(100):
        if not nodes.workers(0) and not nodes.workers(1):
            break
        time.sleep(0.1)
    assert not nodes.workers(0) + nodes.workers(1)  # nobody trains on
    told: list[Any] = []
    run = cross_validate(project, on_event=told.append)
    assert run.id == cut.id
    assert sorted(e.fold for e in told if isinstance(e, FoldEvent)) == [k for k in range(3) if k not in done]
    check_equal(cross_validate(Project.open(folder, SETTINGS), fresh=True), run)


def test_members_within_a_time_limit_and_trials_are_tasks_too(tmp_path: Path, nodes: Nodes, capsys: Any) -> None:
    pytest.importorskip("optuna")
    folder = init_project(tmp_path, n_train=200)
    there = ["--engine", "ray", "--address", nodes.address, "--project", str(folder), "--json"]
    quick = [part for entry in (*SETTINGS, "training.epochs=3") for part in ("--set", entry)]
    capsys.readouterr()
    assert main(["tune", "--model", "linear", "--trials", "2", *quick[2:], *there]) == 0
    tuned = json.loads(capsys.readouterr().out)
    assert [trial["state"] for trial in tuned["trials"]] == ["done", "done"] or tuned["trials"][1]["state"] == "cut"
    assert (
        main(["train", "--time-limit", "40", "--set", 'model.name="linear"', "--set", "split.n_splits=3", *there]) == 0
    )
    limited = json.loads(capsys.readouterr().out)
    assert limited["kind"] in ("blend", "member")
    assert [m["member"] for m in limited["plan"] if m["status"] == "done"]


def test_an_address_at_which_nobody_listens(tmp_path: Path) -> None:
    folder = init_project(tmp_path)
    project = Project.open(folder, [*SETTINGS, 'engine.name="ray"', 'engine.address="127.0.0.1:1"'])
    with pytest.raises(AicompError, match=r"no Ray cluster at `127\.0\.0\.1:1`"):
        cross_validate(project)
    assert not list_runs(project.runs)
