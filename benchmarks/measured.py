"""A command, timed, with the memory of its whole process tree, and stopped whole when patience is at its end."""

import contextlib
import json
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

MB = 2**20
SECONDS_BETWEEN_LOOKS = 0.2
REST = 30  # so many times longer than a look took is the time to the next one: what is measured is hardly slowed down


@dataclass(frozen=True)
class Measured:
    """What became of a command.

    Attributes:
        answer: The JSON object that it printed; None if it crashed or was stopped.
        seconds: Wall time, the interpreter's start included.
        peak_mb: Largest proportional set size of its processes together: pages that they share count once.
        problem: Last line of what it had to say where it crashed; "" otherwise.
        stopped: Whether it was stopped because it took too long.
    """

    answer: dict[str, Any] | None
    seconds: float
    peak_mb: float
    problem: str = ""
    stopped: bool = False


class Tree:
    """A process and all the descendants that it ever had, looked at from a thread until `close`."""

    def __init__(self, pid: int) -> None:
        self.peak_mb = 0.0
        self._root = psutil.Process(pid)
        self._seen: set[psutil.Process] = {self._root}
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()

    def close(self) -> None:
        """Look no more, and kill what is left: after a normal end, that is what the command forgot."""
        self._ended.set()
        self._watcher.join()
        self._look()
        for process in self._seen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(self._seen, timeout=10)

    def _watch(self) -> None:
        pause = SECONDS_BETWEEN_LOOKS
        while not self._ended.wait(pause):
            started = time.thread_time()
            self.peak_mb = max(self.peak_mb, sum(map(memory_mb, self._look())))
            pause = max(SECONDS_BETWEEN_LOOKS, REST * (time.thread_time() - started))

    def _look(self) -> list[psutil.Process]:
        """Processes that live now; a child whose parent has ended is no longer below the root, but was seen before."""
        living = {process.pid: process for process in self._seen if process.is_running()}
        parents = {process: process.info["ppid"] for process in psutil.process_iter(["ppid"])}
        n_known = 0
        while n_known != len(living):
            n_known = len(living)
            living |= {process.pid: process for process, parent in parents.items() if parent in living}
        self._seen.update(living.values())
        return list(living.values())


def memory_mb(process: psutil.Process) -> float:
    """Proportional set size; 0 for a process that ended meanwhile."""
    try:
        return float(process.memory_full_info().pss) / MB
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # it ended, or is about to
        return 0.0


def run_measured(command: list[str], folder: Path, patience: float | None = None) -> Measured:
    """Run a command that prints one JSON object, and measure it.

    Args:
        command: Program and arguments.
        folder: Where it runs.
        patience: Seconds after which it is stopped, with all its processes; None waits for ever.
    """
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        tree = Tree(process.pid)
        try:
            process.wait(patience)
            seconds, stopped = time.perf_counter() - started, False
        except subprocess.TimeoutExpired:
            seconds, stopped = time.perf_counter() - started, True
        finally:
            tree.close()
        process.wait()
        for file in (stdout, stderr):
            file.seek(0)
        if stopped:
            return Measured(None, seconds, tree.peak_mb, stopped=True)
        if process.returncode:
            problem = last_line(stderr.read()) or last_line(stdout.read()) or "it printed nothing"
            return Measured(None, seconds, tree.peak_mb, f"{problem} (exit code {process.returncode})")
        return Measured(json.loads(stdout.read()), seconds, tree.peak_mb)


def last_line(text: str) -> str:
    """The last line that says something; of a line that was written over in place, what was left of it."""
    lines = [line.split("\r")[-1].strip() for line in text.strip().splitlines()]
    telling = [line for line in lines if line and not line.startswith("hint:")]
    return telling[-1][:300] if telling else ""
