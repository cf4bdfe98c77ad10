"""Has submissions graded, in a process of its own, each exactly once.

That process (`grade_job.py`) forks a child with limits for each submission. A submission is PENDING in the database
until its score is, so that whatever dies is done again after the next start.
"""

import contextlib
import json
import logging
import os
import queue
import sqlite3
import subprocess
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from aicomp.host.folder import HostedCompetition
from aicomp.host.limits import landlock_version
from aicomp.host.submissions import Submissions
from aicomp.host.uploads import Uploads
from aicomp.isolation import isolation_fault
from aicomp.processes import python_module

_log = logging.getLogger("aicomp.host")
_NEEDED = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
"""Variables that grading gets: others could hold secrets, and a metric of a competition's own could read them."""

PAUSE_SECONDS = 5.0
"""How long grading waits where a score cannot be written down."""

_MOST_TRIES = 3
_UNGRADED = "Evaluation Exception: the submission could not be graded. Its host can read why."


class Grader:
    """The queue of submissions to grade.

    Args:
        competitions: By slug.
        submissions: Where scores are written.
        uploads: Where the files lie.
        n_workers: Most submissions that are graded side by side.
        seconds: Most seconds that one may take, of processor and of wall time.
        memory: Most bytes that one may take.
    """

    def __init__(
        self,
        competitions: Mapping[str, HostedCompetition],
        submissions: Submissions,
        uploads: Uploads,
        *,
        n_workers: int,
        seconds: float,
        memory: int,
    ) -> None:
        self._competitions = competitions
        self._submissions = submissions
        self._uploads = uploads
        self._limits = {"seconds": seconds, "memory": memory}
        self._n_workers = n_workers
        self._queue: queue.Queue[int | None] = queue.Queue()
        self._free = threading.Semaphore(n_workers)
        self._tries: dict[int, int] = {}
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def put(self, ref: int) -> None:
        """Queue a submission."""
        self._queue.put(ref)

    def start(self, pending: Iterable[int] = ()) -> None:
        """Start grading, first what is pending."""
        if landlock_version() < 1:
            _log.warning("this system has no Landlock: what grades is limited in time and memory alone")
        if any(":" in c.metric_name for c in self._competitions.values()) and isolation_fault():
            _log.warning("this system has no namespaces: of the network, what grades is denied TCP at most")
        for ref in pending:
            self.put(ref)
        with self._lock:
            self._start_process()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._feed, self._collect)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop grading; what is under way stays PENDING."""
        self._stopping.set()
        self._queue.put(None)
        self._free.release()
        with self._lock:
            if self._process is not None:
                self._process.kill()
        for thread in self._threads:
            thread.join()
        if self._process is not None:
            self._process.wait()

    def _start_process(self) -> None:
        """Start the process that grades; the caller holds the lock."""
        if self._stopping.is_set():
            return
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            python_module("aicomp.host.grade_job"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={name: os.environ[name] for name in _NEEDED if name in os.environ} | one_thread,
        )

    def _feed(self) -> None:
        """Send jobs to the process, as many as it has workers for."""
        while (ref := self._queue.get()) is not None:
            self._free.acquire()
            if self._stopping.is_set():
                return
            try:
                job = self._job(ref)
            except Exception as e:  # the others must not wait for what is wrong with this one
                self._record({"ref": ref, "fault": f"{type(e).__name__}: {e}"})
                continue
            if job is None:
                self._free.release()
            else:
                self._send(ref, job)

    def _send(self, ref: int, job: dict[str, Any]) -> None:
        with self._lock:  # a job is sent to the process that `_collect` counts it for, and to no other
            self._tries[ref] = self._tries.get(ref, 0) + 1
            assert self._process is not None
            assert self._process.stdin is not None
            with contextlib.suppress(OSError):  # it has died: `_collect` sees that, and queues the job again
                self._process.stdin.write(json.dumps(job) + "\n")
                self._process.stdin.flush()

    def _job(self, ref: int) -> dict[str, Any] | None:
        submission = self._submissions.get(ref)
        if submission is None or submission.status != "PENDING":
            return None
        competition = self._competitions.get(submission.slug)
        if competition is None:
            _log.warning("submission %d stays pending: `%s` is not hosted any more", ref, submission.slug)
            return None
        return {
            "ref": ref,
            "slug": submission.slug,
            "folder": str(competition.folder),
            "metric": competition.metric_name,
            "roles": asdict(competition.roles),
            "solution": str(competition.solution),
            "public_share": competition.public_share,
            "encoding": competition.encoding,
            "submission": str(self._uploads.get(submission.blob_token).path),
            "file_name": submission.file_name,
            **self._limits,
        }

    def _collect(self) -> None:
        """Write down what the process answers; where it dies, start another one."""
        while not self._stopping.is_set():
            assert self._process is not None
            assert self._process.stdout is not None
            for line in self._process.stdout:
                self._record(json.loads(line))
            if self._stopping.is_set():
                return
            _log.error("the process that grades has ended with exit code %s; starting another", self._process.wait())
            with self._lock:
                lost = list(self._tries)
                self._start_process()
            for ref in lost:
                self._retry(ref)

    def _retry(self, ref: int) -> None:
        if self._tries.get(ref, 0) >= _MOST_TRIES:
            self._record({"ref": ref, "fault": f"the process that grades died {_MOST_TRIES} times"})
            return
        self._free.release()
        self.put(ref)

    def _record(self, answer: dict[str, Any]) -> None:
        ref = int(answer["ref"])
        if "fault" in answer:
            _log.error("submission %d cannot be graded: %s", ref, answer["fault"])
        while True:
            try:
                self._write_down(ref, answer)
                break
            except sqlite3.Error:  # such as a full disk, which may pass; else it is graded after the next start
                _log.exception("the score of submission %d cannot be written down", ref)
                if self._stopping.wait(PAUSE_SECONDS):
                    break
        self._tries.pop(ref, None)
        self._free.release()

    def _write_down(self, ref: int, answer: dict[str, Any]) -> None:
        if "fault" in answer:
            self._submissions.record_error(ref, _UNGRADED)
        elif "error" in answer:
            self._submissions.record_error(ref, answer["error"])
        else:
            self._submissions.record_scores(ref, answer["public"], answer["private"])
