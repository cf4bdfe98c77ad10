"""Worker processes that stay alive over any number of runs, one queue of jobs, and one of what is said."""

import contextlib
import json
import logging
import os
import queue
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

import msgspec

from aicomp import errors, stopping
from aicomp.engine.engine import Said
from aicomp.engine.jobs import Job
from aicomp.errors import AicompError
from aicomp.files import atomic_write
from aicomp.processes import KEEP_MEMORY, child_environment, n_cores, python_module

_LOG = logging.getLogger(__name__)  # unless a program sets it up otherwise, its warnings go to stderr


class Worker:
    """One process.

    Args:
        project: The project's folder.
        threads: Threads that it may start with.
        trains: See `Pool`.
        folder: Where it starts; None takes the current directory.
    """

    def __init__(self, project: Path, threads: int, trains: bool, folder: Path | None = None) -> None:
        variables = {
            **KEEP_MEMORY,
            **child_environment(),
            "OMP_NUM_THREADS": str(threads),
            "MKL_NUM_THREADS": str(threads),
            # Threads that spin while they wait take the core from the other worker; read when torch is imported.
            "OMP_WAIT_POLICY": "PASSIVE",
            "PYTHONUNBUFFERED": "1",
        }
        command = python_module("aicomp.engine.worker", str(project), *([] if trains else ["--light"]))
        self.log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process lives
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env=variables,
            cwd=folder,
        )  # fmt: skip
        self.job: Job | None = None
        self.began = 0.0
        self.is_ready = False

    def give(self, job: Job) -> None:
        """Begin a job; a process that has just died says so itself."""
        self.job, self.began = job, time.monotonic()
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(msgspec.json.encode(job).decode() + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def end(self) -> None:
        """Stop the process now."""
        self.process.kill()
        self.process.wait()

    def words(self) -> bytes:
        """What it wrote to standard error."""
        self.log.seek(0)
        return self.log.read()


class Pool:
    """Processes that take jobs from one queue as soon as they are free.

    Jobs are handed out by the threads that listen, so that no core waits for the one who reads `get`.

    Args:
        project: The project's folder.
        size: Number of processes; they start now.
        share_gpu: Whether several processes may use one GPU.
        trains: Whether it will train folds, and shall import torch for it at once.
        threads: Threads that each may start with; None shares out the cores.
        said: Where what is said is put, to be heard with what others say; None keeps it apart.
    """

    is_here = True

    def __init__(
        self,
        project: Path,
        size: int,
        *,
        share_gpu: bool = False,
        trains: bool = True,
        threads: int | None = None,
        said: "queue.Queue[Said] | None" = None,
    ) -> None:
        self.shares_gpu = share_gpu
        self._project, self._trains = project, trains
        self._accelerator = "cpu"
        self._first_word = threading.Event()
        self._threads = threads or max(1, n_cores() // size)
        self._lock = threading.RLock()
        self._waiting: deque[Job] = deque()
        self._said: queue.Queue[Said] = queue.Queue() if said is None else said
        self._closed = False
        self._workers = [self._start(i) for i in range(size)]

    @property
    def size(self) -> int:
        """Number of processes."""
        return len(self._workers)

    @property
    def start_threads(self) -> int:
        """Threads that each process is started with."""
        return self._threads

    def begin_with(self, threads: int) -> None:
        """Start the processes anew with other threads, if they have others; libraries read this once."""
        with self._lock:
            if threads == self._threads:
                return
            self._threads = threads
            for i in range(len(self._workers)):
                self._replace(i)

    def shrink(self, size: int) -> None:
        """End all processes but so many; call it before they have jobs."""
        with self._lock:
            ended, self._workers = self._workers[size:], self._workers[:size]
            for worker in ended:
                worker.end()
                worker.log.close()

    @property
    def accelerator(self) -> str:
        """Kind of the fastest device that networks can use, "cpu" if no process came to say; waits for the first."""
        self._first_word.wait()
        return self._accelerator

    def n_at_once(self, *, on_cpu: bool) -> int:
        """How many jobs are done at the same time: one if they need a GPU that is not shared; waits as `accelerator`.

        Args:
            on_cpu: Whether the jobs leave a GPU alone.
        """
        return self.size if on_cpu or self.shares_gpu or self.accelerator == "cpu" else 1

    @property
    def n_local(self) -> int:
        """As in `Engine`: the processes that there are."""
        return self.size

    @property
    def n_waiting(self) -> int:
        """Jobs that no process has begun."""
        with self._lock:
            return len(self._waiting)

    @property
    def running(self) -> list[tuple[Job, float]]:
        """Jobs that processes are doing, and for how many seconds they have been at it."""
        with self._lock:
            now = time.monotonic()
            return [(w.job, now - w.began) for w in self._workers if w.job is not None]

    @property
    def pids(self) -> list[int]:
        """Of the processes."""
        with self._lock:
            return [w.process.pid for w in self._workers]

    def put(self, jobs: Iterable[Job], *, first: bool = False) -> None:
        """Add jobs to the end of the queue, or to its beginning."""
        with self._lock:
            if first:
                self._waiting.extendleft(reversed(list(jobs)))
            else:
                self._waiting.extend(jobs)
            for worker in self._workers:
                self._feed(worker)

    def get(self, timeout: float | None = None) -> Said | None:
        """What was said next; None after `timeout` seconds of silence."""
        try:
            return self._said.get(timeout=timeout)
        except queue.Empty:
            return None

    def get_now(self) -> Said | None:
        """What was said already and not yet heard, None if there is nothing."""
        try:
            return self._said.get_nowait()
        except queue.Empty:
            return None

    def cancel(self, belongs: Callable[[Job], bool]) -> None:
        """Forget the waiting jobs of a kind, and end the processes that are doing one; new ones take their place."""
        with self._lock:
            self._waiting = deque(job for job in self._waiting if not belongs(job))
            for i, worker in enumerate(self._workers):
                if worker.job is not None and belongs(worker.job):
                    self._replace(i)

    def forget(self, belongs: Callable[[Job], bool]) -> None:
        """Forget the waiting jobs of a kind."""
        with self._lock:
            self._waiting = deque(job for job in self._waiting if not belongs(job))

    def close(self, folder: Path | None = None) -> None:
        """End every process; what they wrote to standard error is kept in `folder`, a file each.

        On a full disk it is said that it could not be kept: that must not hide why the training ended.
        Where this process was told to end, they may keep the state of their trainings first.
        """
        with self._lock:
            self._closed = True
            self._waiting.clear()
        if stopping.is_asked() and os.name != "nt":  # Windows knows no other end than a kill
            self._stop_softly()
        for i, worker in enumerate(self._workers):
            worker.end()
            if folder is not None and folder.is_dir() and (words := worker.words()):
                try:
                    atomic_write(folder / f"worker-{i}.log", words)
                except AicompError as e:
                    _LOG.warning("%s", e.message)
            worker.log.close()

    def _stop_softly(self) -> None:
        """Tell processes that do something to end, and wait for them as long as `stopping` allows."""
        busy = [worker.process for worker in self._workers if worker.job is not None]
        for process in busy:
            process.terminate()
        until = time.monotonic() + stopping.SECONDS
        for process in busy:
            with contextlib.suppress(subprocess.TimeoutExpired):  # it is killed then
                process.wait(max(0.0, until - time.monotonic()))

    def _start(self, i: int) -> Worker:
        worker = Worker(self._project, self._threads, self._trains)
        threading.Thread(target=self._listen, args=(i, worker), daemon=True).start()
        return worker

    def _replace(self, i: int) -> None:
        self._workers[i].end()
        self._workers[i].log.close()
        self._workers[i] = self._start(i)

    def _listen(self, i: int, worker: Worker) -> None:
        assert worker.process.stdout is not None
        for line in worker.process.stdout:
            content = json.loads(line)
            with self._lock:
                if self._closed or worker not in self._workers:
                    return
                self._hear(worker, content)
        with self._lock:
            if self._closed or worker not in self._workers:
                return
            code = worker.process.wait()
            job, worker.job = worker.job, None
            tail = worker.words().decode(errors="replace").splitlines()[-15:]
            self._said.put(Said(job, "died", {"code": code, "tail": "\n".join(tail)}))
            self._first_word.set()
            if worker.is_ready:
                self._replace(i)

    def _hear(self, worker: Worker, content: dict[str, Any]) -> None:
        event, job = content.pop("event"), worker.job
        if event == "ready":
            worker.is_ready = True
            self._accelerator = content["accelerator"]
            self._first_word.set()
        if event in ("done", "slow", "error", "crash"):
            content["seconds"] = time.monotonic() - worker.began
            worker.job = None
        self._said.put(Said(job, event, content))
        self._feed(worker)

    def _feed(self, worker: Worker) -> None:
        """Give a free process the first job that it may do."""
        if worker.job is not None or not worker.is_ready or not self._waiting:
            return
        job = self._waiting[0]
        if self._accelerator != "cpu" and not self.shares_gpu:  # the first process has the GPU to itself
            is_first = worker is self._workers[0]
            others = (j for j in self._waiting if j.on_cpu)
            found = next((j for j in self._waiting if not j.on_cpu), job) if is_first else next(others, None)
            if found is None:
                return
            job = found
        self._waiting.remove(job)
        worker.give(job)


def failure(said: Said) -> AicompError:
    """The error of a job that failed, as it is shown to people."""
    content = said.content
    place = f"fold {said.job.fold}" if said.job is not None and said.job.task in ("fold", "stack") else ""
    if said.event == "error":
        # What is wrong with a config or with code is so in every fold.
        is_placed = not place or content["kind"] == "UsageError" or content["message"].startswith("fold ")
        message = content["message"] if is_placed else f"{place}: {content['message']}"
        error: AicompError = getattr(errors, content["kind"])(message, content["hint"])
        return error
    if said.event == "crash":
        return AicompError(
            f"{place or 'training'} failed\n{content['traceback'].rstrip()}",
            "`aicomp train --set workers=0` runs it in one process, where a debugger works",
        )
    killed = " (killed: perhaps out of memory)" if content["code"] == -9 else ""
    return AicompError(
        f"a training process ended with code {content['code']}{killed}\n{content['tail']}".rstrip(),
        "`aicomp train` continues with the folds that are left; `--set workers=1` needs less memory",
    )
