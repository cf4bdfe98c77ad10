"""Commands that can be killed at any moment, and what tells whether two runs came to the same."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from aicomp.run import find_run

_STATES = ("runs/*/*/checkpoint-*.safetensors", "runs/*/folds/*/checkpoint.safetensors")
_DONE = "runs/*/folds/*/result.json"

_SERVE = """
import json, os, sys
import numpy, pandas, torch, scipy.sparse, sklearn.linear_model  # what most commands import, once
import aicomp.cli.main, aicomp.engine.fold_job
for line in sys.stdin:
    folder, arguments = json.loads(line)
    child = os.fork()
    if child == 0:
        os.setsid()
        os.chdir(folder)
        log = os.open("said.txt", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        os.dup2(log, 1), os.dup2(log, 2)
        sys.path.insert(0, folder)
        code = aicomp.cli.main.main(arguments)
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Commands:
    """Runs `aicomp` in processes of their own, forked from one that has imported what takes long."""

    def __init__(self) -> None:
        # One thread: small networks are faster, and none waits for another on a busy machine.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        self._server = subprocess.Popen(
            [sys.executable, "-c", _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def close(self) -> None:
        """End the process that forks."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()

    def run(self, folder: Path, *arguments: str) -> None:
        """Run a command to its end, which has to be a good one."""
        self._begin(folder, arguments)
        code = self._read()
        assert code == 0, (folder / "said.txt").read_text()

    def kill(self, folder: Path, *arguments: str, after: int, number: int = signal.SIGKILL) -> int:
        """Run a command, and end all its processes when it has written so many states; its exit code.

        Where it takes a while to write them, an end of the first fold is enough.
        """
        before, done = _newest(folder), len(list(folder.glob(_DONE)))
        child = self._begin(folder, arguments)
        assert self._server.stdout is not None
        written = 0
        while written < after and len(list(folder.glob(_DONE))) == done:
            has_ended = select.select([self._server.stdout], [], [], 0.001)[0]
            assert not has_ended, (self._read(), (folder / "said.txt").read_text())
            newest = _newest(folder)
            written, before = written + (newest > before), max(newest, before)
        os.killpg(child, number)
        return self._read()

    def _begin(self, folder: Path, arguments: tuple[str, ...]) -> int:
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps([str(folder), list(arguments)]) + "\n")
        self._server.stdin.flush()
        return self._read()

    def _read(self) -> int:
        assert self._server.stdout is not None
        return int(self._server.stdout.readline())


def states(folder: Path) -> list[Path]:
    """The checkpoints of a project's runs."""
    return [path for pattern in _STATES for path in folder.glob(pattern)]


def _newest(folder: Path) -> int:
    """When the newest one was written."""
    times = [0]
    for path in states(folder):
        try:
            times.append(path.stat().st_mtime_ns)
        except FileNotFoundError:  # its fold has just ended
            continue
    return max(times)


def outcome(folder: Path) -> dict[str, Any]:
    """All that the newest run of a project came to, without what depends on the clock: arrays and texts by name."""
    run = find_run(folder / "runs").folder
    found: dict[str, Any] = {}
    for path in sorted(run.rglob("*.safetensors")):
        for name, tensor in load_file(path).items():
            found[f"{path.relative_to(run)}: {name}"] = tensor.numpy()
    for path in sorted(run.rglob("history.csv")):
        heading, *rows = (line.split(",") for line in path.read_text().splitlines())
        kept = [i for i, name in enumerate(heading) if "seconds" not in name]
        found[str(path.relative_to(run))] = [[row[i] for i in kept] for row in rows]
    for name in ("oof.csv", "test.csv", "episodes.json"):
        if (run / name).is_file():
            text = (run / name).read_text()
            found[name] = _without_seconds(json.loads(text)) if name.endswith("json") else text
    return found


def _without_seconds(content: Any) -> Any:
    if isinstance(content, dict):
        return {k: _without_seconds(v) for k, v in content.items() if "seconds" not in k and k != "slowest"}
    return [_without_seconds(v) for v in content] if isinstance(content, list) else content


def check_same(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Compare bits."""
    assert first.keys() == second.keys()
    assert any("weights" in name for name in first)
    for name, value in first.items():
        if isinstance(value, np.ndarray):
            assert value.dtype == second[name].dtype, name
            assert value.tobytes() == second[name].tobytes(), name
        else:
            assert value == second[name], name
