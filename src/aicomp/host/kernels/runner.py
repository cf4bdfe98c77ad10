"""Runs kernels: one thread takes them from the queue, one after another; each runs in namespaces of its own."""

import logging
import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aicomp.errors import AicompError
from aicomp.host.data_files import is_withheld
from aicomp.host.datasets import Datasets
from aicomp.host.folder import HostedCompetition
from aicomp.host.kernels.notebook import NotebookError, notebook_code
from aicomp.host.kernels.store import Kernel, Kernels
from aicomp.host.teams import Team
from aicomp.host.wire import ApiError
from aicomp.isolation import Mount, Outcome, isolation_fault, run_isolated

INPUT = Path("/kaggle/input")
WORKING = Path("/kaggle/working")
SCRIPT = Path("/kaggle/src/script.py")
_PAUSE_SECONDS = 5.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What a kernel may use.

    Attributes:
        seconds: Wall time.
        memory_bytes: Memory of all its processes.
        output_bytes: What it may write.
        n_files: Files that it may write.
    """

    seconds: float = 3600
    memory_bytes: int = 4 * 2**30
    output_bytes: int = 2 * 2**30
    n_files: int = 500


class Runner:
    """Runs the kernels of a host, once it is started.

    Args:
        store: The kernels.
        datasets: What they may read.
        competitions: What they may read, by slug.
        state: The host's state folder, which no kernel sees.
        limits: What one may use.
    """

    def __init__(
        self,
        store: Kernels,
        datasets: Datasets,
        competitions: Mapping[str, HostedCompetition],
        state: Path,
        limits: Limits | None = None,
    ) -> None:
        self.store = store
        self.limits = limits or Limits()
        self._datasets = datasets
        self._competitions = competitions
        self._state = state
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Queue again what ran when the host was ended, and begin to run what waits."""
        assert self._thread is None, "the runner was started before"
        self.store.requeue()
        self._stop.clear()
        self._wake.set()
        self._thread = threading.Thread(target=self._work, name="kernels", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the kernel that runs; it runs again after the next start."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """Look into the queue: there is something new."""
        self._wake.set()

    def output_file(self, owner: str, slug: str, version: int, file_name: str) -> Path:
        """A file that a finished version of a kernel wrote; version 0 is the newest.

        Raises:
            ApiError: There is no such kernel or file (404), or it has not ended well (400).
        """
        kernel = self.store.find(owner, slug, version)
        if kernel is None:
            raise ApiError(404, "Notebook not found.")
        if kernel.status != "COMPLETE":
            raise ApiError(400, f"Version {kernel.version} of the notebook is not complete: it is {kernel.status}.")
        path = self.store.outputs(kernel).get(file_name)
        if path is None:
            raise ApiError(404, f"Version {kernel.version} of the notebook wrote no file `{file_name[:200]}`.")
        return path

    def _work(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                while not self._stop.is_set() and (kernel := self.store.take()) is not None:
                    self._run_noted(kernel)
            except sqlite3.Error:  # such as a full disk, which may pass
                _LOG.exception("the queue of kernels cannot be read or written")
                self._stop.wait(_PAUSE_SECONDS)
            else:
                self._wake.wait()

    def _run_noted(self, kernel: Kernel) -> None:
        """Run a version and note its end; a fault of the host is noted too, and the next one runs."""
        try:
            failure = self.run(kernel)
        except Exception:
            _LOG.exception("kernel %s/%s version %s", kernel.owner, kernel.slug, kernel.version)
            failure = "This host failed to run the notebook; its log says why."
        while failure is not None:
            try:
                self.store.end(kernel, failure)
                break
            except sqlite3.Error:  # such as a full disk, which may pass; else the kernel runs again after a restart
                _LOG.exception("the end of a kernel cannot be written")
                if self._stop.wait(_PAUSE_SECONDS):
                    break

    def run(self, kernel: Kernel) -> str | None:
        """Run a version now: "" if it ended well, else why not; None if it was stopped and is to run again."""
        if isolation_fault():
            return f"This machine cannot isolate kernels, so it runs none: {isolation_fault()}"
        folder = self.store.folder(kernel)
        _remove(folder)
        for name in ("working", "scratch"):
            (folder / name).mkdir(parents=True)
        try:
            (folder / "script.py").write_text(_code(kernel), encoding="utf-8")
            mounts = [*self._inputs(kernel), *_places(folder)]
        except (NotebookError, ApiError) as e:
            return f"The notebook cannot be run: {e}"
        try:
            outcome = self._isolated(kernel, folder, mounts)
        except AicompError as e:
            return f"This machine cannot isolate kernels: {e.message}"
        finally:
            _remove(folder / "scratch")
        if outcome.stopped:
            return None
        untidy = _tidy(folder / "working", self.limits)  # what a failed one wrote can be downloaded too
        return self._failure(kernel, outcome) or untidy

    def _isolated(self, kernel: Kernel, folder: Path, mounts: list[Mount]) -> Outcome:
        wanted = kernel.seconds or self.limits.seconds
        return run_isolated(
            [sys.executable, str(SCRIPT)],
            folder=folder / "working",
            cwd=WORKING,
            environment=_environment(),
            seconds=min(wanted, self.limits.seconds),
            memory_bytes=self.limits.memory_bytes,
            file_size_bytes=self.limits.output_bytes,
            written_bytes=self.limits.output_bytes,
            log=folder / "log.txt",
            hidden=[self._state, *(c.folder for c in self._competitions.values())],
            mounts=mounts,
            stop=self._stop,
            isolation="namespace",
        )

    def _inputs(self, kernel: Kernel) -> Iterator[Mount]:
        """What the kernel reads, at the places where Kaggle has it."""
        team = Team(kernel.team_id, kernel.owner, kernel.owner)
        for slug in kernel.sources.competitions:
            if slug in self._competitions:
                yield from _competition_files(self._competitions[slug])
        for name in kernel.sources.datasets:
            owner, slug, version = [*name.split("/"), "0"][:3]
            dataset = self._datasets.get(team, owner, slug, int(version))
            yield from (Mount(INPUT / slug / path, blob.path) for path, blob in dataset.files.items())
        for name in kernel.sources.kernels:
            owner, slug = name.split("/")[:2]
            source = self.store.get(team, owner, slug)
            yield from (Mount(INPUT / slug / path, file) for path, file in self.store.outputs(source).items())

    def _failure(self, kernel: Kernel, outcome: Outcome) -> str:
        if outcome.timed_out:
            wanted = min(kernel.seconds or self.limits.seconds, self.limits.seconds)
            return f"The notebook ran longer than {wanted:g} seconds and was stopped."
        if outcome.out_of_memory:
            return f"The notebook needed more than {self.limits.memory_bytes / 2**20:,.0f} MiB of memory."
        if outcome.wrote_too_much:
            return f"The notebook wrote more than {self.limits.output_bytes / 2**20:,.0f} MiB."
        if outcome.code != 0:
            lines = self.store.log(kernel).strip().splitlines()
            last = f": {lines[-1][:500]}" if lines else ""
            return f"The notebook ended with exit code {outcome.code}{last}"
        return ""


def _code(kernel: Kernel) -> str:
    return notebook_code(kernel.text) if kernel.kernel_type == "notebook" else kernel.text


def _places(folder: Path) -> list[Mount]:
    return [
        Mount(SCRIPT, folder / "script.py"),
        Mount(WORKING, folder / "working", writable=True),
        Mount(Path("/tmp"), folder / "scratch", writable=True),
    ]


def _competition_files(competition: HostedCompetition) -> Iterator[Mount]:
    """Its files, each by itself: what is withheld lies in the same folder, and what is not named is not seen."""
    folder = competition.folder
    tops = {file.name.partition("/")[0] for file in competition.files}
    for name in sorted(tops):
        if not (folder / name).is_dir() or any(is_withheld(p.name) for p in (folder / name).rglob("*")):
            inside = [f.name for f in competition.files if f.name == name or f.name.startswith(f"{name}/")]
            yield from (Mount(INPUT / competition.slug / n, folder / n) for n in inside)
        else:
            yield Mount(INPUT / competition.slug / name, folder / name)


def _environment() -> dict[str, str]:
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "KAGGLE_KERNEL_RUN_TYPE": "Batch",
        "AICOMP_INPUT": str(INPUT),
        "KAGGLE_INPUT": str(INPUT),
        "KAGGLE_WORKING": str(WORKING),
    }


def _remove(folder: Path) -> None:
    """Remove a folder that a kernel wrote to: it may have closed folders in it, even to itself."""
    if folder.is_dir():
        folder.chmod(0o700)
        for root, folders, _ in os.walk(folder):
            for name in folders:
                if not (Path(root) / name).is_symlink():
                    (Path(root) / name).chmod(0o700)
        shutil.rmtree(folder)


def _tidy(working: Path, limits: Limits) -> str:
    """Remove what is no plain file: a link could name any file of this machine. What is wrong with the rest, or ""."""
    n_files = 0
    working.chmod(0o700)
    for root, folders, names in os.walk(working):
        for name in folders:
            path = Path(root) / name
            if path.is_symlink() or not _is_printable(name):
                _remove(path) if not path.is_symlink() else path.unlink()
            else:
                path.chmod(0o700)
        folders[:] = [name for name in folders if (Path(root) / name).is_dir()]
        for name in names:
            path = Path(root) / name
            if path.is_symlink() or not path.is_file() or not _is_printable(name):
                path.unlink()
            else:
                path.chmod(0o600)
                n_files += 1
    if n_files > limits.n_files:
        _remove(working)
        return f"The notebook wrote {n_files} files; the most allowed is {limits.n_files}."
    return ""


def _is_printable(name: str) -> bool:
    """Whether a name can be sent: one that is no UTF-8, or holds a line break, cannot."""
    return name.isprintable() and name.encode(errors="replace").decode() == name
