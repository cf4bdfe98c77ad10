"""Commands as their users type them, killed at a moment; and what must be true of the files that are left."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torture_hook
from PIL import Image
from safetensors.numpy import load_file

import aicomp

LONGEST = 300.0

SLUG = "bought"
"""The competition of `torture_fixtures`."""


@dataclass
class Torture:
    """A place where commands are run, and killed.

    Attributes:
        root: Folder of all that the commands change.
        site: From `torture_hook.site`.
        environment: What commands find besides.
    """

    root: Path
    site: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, arguments: Sequence[str], at: int = 0, how: str = "kill") -> "subprocess.Popen[str]":
        """Begin a command in a group of processes of its own.

        Args:
            arguments: Of `aicomp`.
            at: At which change of a file something happens; 0 for none.
            how: "kill" the whole group, "kill-parent" only the first of it, or "full": the disk is full from then on.
        """
        self._counter.unlink(missing_ok=True)
        path = os.pathsep.join([str(self.site), *filter(None, [os.environ.get("PYTHONPATH", "")])])
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            **self.environment,
            "PYTHONPATH": path,
            torture_hook.FOLDERS: str(self.root),
            torture_hook.COUNTER: str(self._counter),
            torture_hook.AT: str(at),
            torture_hook.HOW: how,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "aicomp", *arguments],
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, code: int = 0, at: int = 0, how: str = "kill") -> "subprocess.CompletedProcess[str]":
        """A command until it ends, which it must do with this exit code."""
        process = self.start(arguments, at, how)
        out, err = process.communicate(timeout=LONGEST)
        assert process.returncode == code, f"exit code {process.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def kill_at_change(self, arguments: Sequence[str], at: int, how: str = "kill") -> bool:
        """Kill a command at a change of a file; whether it came so far."""
        process = self.start(arguments, at, how)
        out, err = process.communicate(timeout=LONGEST)
        assert process.returncode in (0, -signal.SIGKILL), f"exit code {process.returncode}\n{out}\n{err}"
        wait_for_group(process.pid)
        return process.returncode != 0

    def kill_after(self, arguments: Sequence[str], seconds: float) -> bool:
        """Kill a command after a time; whether it was still at it."""
        process = self.start(arguments)
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        assert process.returncode in (0, -signal.SIGKILL)
        wait_for_group(process.pid)
        return process.returncode != 0

    @property
    def n_changes(self) -> int:
        """Changes that the last command made."""
        return self._counter.stat().st_size if self._counter.is_file() else 0

    @property
    def _counter(self) -> Path:
        return self.site / "changes"


def wait_for_group(group: int, seconds: float = 30.0) -> None:
    """Wait until no process of a group is left."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError(f"processes of group {group} outlive what started them by {seconds} s")


def left_over(folder: Path) -> list[str]:
    """Files and folders of processes that were killed, which no reader takes."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if is_temporary(p))


def is_temporary(path: Path) -> bool:
    return path.name.endswith(".part") and path.name.startswith(".")


def check_whole(folder: Path) -> int:
    """Read every file that a reader would take; returns how many there are."""
    n = 0
    for path in _files(folder):
        n += 1
        match path.suffix:
            case ".json":
                json.loads(path.read_text(encoding="utf-8"))
            case ".safetensors":
                load_file(path)
            case ".csv":
                text = path.read_text(encoding="utf-8")
                assert text.endswith("\n"), path
                pd.read_csv(path)
            case ".png":
                Image.open(path).load()
            case ".sqlite":
                connection = sqlite3.connect(path)
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",), path
                connection.close()
    return n


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(is_temporary(p) for p in (path, *path.parents) if p.is_relative_to(folder))
        if path.is_file() and not hidden:
            yield path


def bits(run: Path) -> dict[str, bytes]:
    """What a run predicted and learned, byte for byte."""
    names = ["oof.csv", "test.csv", "scores.json", "folds.csv"]
    names += [p.relative_to(run).as_posix() for p in sorted(run.glob("folds/*/*.safetensors"))]
    return {name: (run / name).read_bytes() for name in names}


def runs_done(project: Path) -> dict[str, dict[str, bytes]]:
    """The runs that are done, by name."""
    return {done.parent.name: bits(done.parent) for done in sorted(project.glob("runs/*/DONE"))}


def arguments(*words: str, overrides: list[str] | None = None) -> list[str]:
    return [*words, *(word for entry in overrides or [] for word in ("--set", entry)), "--project", "p", "--json"]


def saved_runs(project: Path, n: int) -> list[str]:
    """Runs of predictions, as another framework would save them; each is another file to submit."""
    y = (np.loadtxt(project / "data/raw/train.csv", delimiter=",", dtype=str, skiprows=1)[:, -1] == "Yes").astype(float)
    names = []
    for k in range(n):
        random_ = np.random.default_rng(k)
        oof = np.clip(0.25 + 0.5 * y + random_.normal(0, 0.3, len(y)), 0, 1)
        names.append(aicomp.Run.create(f"m{k}", project).save(oof=oof, test=random_.random(40)).id)
    return names
