"""The process that grades: it imports what grading needs once, and forks a child with limits for each submission.

Jobs come as lines of JSON on standard input, answers leave on standard output:
`{"ref", "public", "private"}`, `{"ref", "error"}` for the team, or `{"ref", "fault"}` for whoever runs the host.
Only data is read, and nothing of a submission is run.
"""

import gc
import json
import os
import selectors
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from aicomp.grading import Roles
from aicomp.host.limits import forbid_files, leave_network, limit_process, python_places
from aicomp.host.score import score_submission
from aicomp.host.solution import Solution, read_solution

_MOST_ANSWER_BYTES = 64 * 1024


@dataclass
class _Child:
    ref: int
    pid: int
    ends: float
    seconds: float
    answer: bytearray = field(default_factory=bytearray)
    timed_out: bool = False


def main() -> None:
    """Grade until standard input ends."""
    os.nice(5)  # requests come first
    python_places()
    gc.freeze()  # a collection in a child would touch, and so copy, every page that it shares with this process
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle; it closes our input
    _Zygote().run()


class _Zygote:
    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._children: dict[int, _Child] = {}
        self._solutions: dict[str, tuple[tuple[Any, ...], Solution]] = {}
        self._pending = b""

    def run(self) -> None:
        self._selector.register(0, selectors.EVENT_READ)
        while True:
            soonest = min((child.ends for child in self._children.values() if not child.timed_out), default=None)
            timeout = None if soonest is None else max(0.0, soonest - time.monotonic())
            for key, _ in self._selector.select(timeout):
                if key.fd != 0:
                    self._read(key.fd)
                elif not self._take_jobs():
                    self._kill_all()
                    return
            self._kill_late()

    def _take_jobs(self) -> bool:
        """Read lines of standard input; False at its end."""
        read = os.read(0, 2**16)
        *lines, self._pending = (self._pending + read).split(b"\n")
        for line in lines:
            job = json.loads(line)
            try:
                solution, roles = self._solution(job), _roles(job)
            except Exception as e:
                _answer({"ref": job["ref"], "fault": f"{job['solution']}: {e}"})
                continue
            self._fork(job, solution, roles)
        return bool(read)

    def _solution(self, job: dict[str, Any]) -> Solution:
        """A solution is read once, and again when its file changes; the children share its memory."""
        path = Path(job["solution"])
        status = path.stat()
        key = (status.st_mtime_ns, status.st_size, job["public_share"], job["encoding"], json.dumps(job["roles"]))
        known = self._solutions.get(job["solution"])
        if known is None or known[0] != key:
            solution = read_solution(path, job["slug"], _roles(job), job["public_share"], job["encoding"])
            self._solutions[job["solution"]] = known = (key, solution)
        return known[1]

    def _fork(self, job: dict[str, Any], solution: Solution, roles: Roles) -> None:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            _grade_and_exit(job, solution, roles, writer)
        os.close(writer)
        self._children[reader] = _Child(job["ref"], pid, time.monotonic() + job["seconds"], job["seconds"])
        self._selector.register(reader, selectors.EVENT_READ)

    def _read(self, reader: int) -> None:
        child = self._children[reader]
        read = os.read(reader, 2**16)
        child.answer += read
        if read and len(child.answer) <= _MOST_ANSWER_BYTES:
            return
        self._selector.unregister(reader)
        os.close(reader)
        del self._children[reader]
        _, status = os.waitpid(child.pid, 0)
        _answer(_outcome(child, os.waitstatus_to_exitcode(status)))

    def _kill_late(self) -> None:
        for child in self._children.values():
            if not child.timed_out and time.monotonic() >= child.ends:
                child.timed_out = True
                os.kill(child.pid, signal.SIGKILL)

    def _kill_all(self) -> None:
        for child in self._children.values():
            os.kill(child.pid, signal.SIGKILL)


def _grade_and_exit(job: dict[str, Any], solution: Solution, roles: Roles, writer: int) -> None:
    """The whole life of a child."""
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)  # a stray print of a metric must not look like an answer
        limit_process(seconds=job["seconds"], memory=job["memory"])
        leave_network()
        forbid_files(*_files(job))
        answer = score_submission(job, solution, roles)
        os.write(writer, json.dumps(answer).encode())
    except BaseException as e:
        os.write(writer, json.dumps({"fault": f"{type(e).__name__}: {e}"[:2000]}).encode())
    finally:
        os._exit(0)


def _files(job: dict[str, Any]) -> tuple[list[Path], list[Path]]:
    """What grading may read: the submission, and for a metric of the competition's own what lies beside it.

    Not the solution, whose rows it is given, nor what is hidden there, such as the state of the host.
    """
    readable = [*python_places(), Path(job["submission"])]
    if ":" not in job["metric"]:
        return readable, []
    folder, solution = Path(job["folder"]), Path(job["solution"])
    beside = [path for path in folder.iterdir() if path.name != solution.name and not path.name.startswith(".")]
    return [*readable, *beside], [folder]


def _outcome(child: _Child, code: int) -> dict[str, Any]:
    if child.timed_out or code == -signal.SIGXCPU:
        return {"ref": child.ref, "error": f"Evaluation Exception: grading took more than {child.seconds:g} seconds"}
    try:
        answer = json.loads(bytes(child.answer))
    except ValueError:
        return {"ref": child.ref, "fault": f"the process that graded it ended with exit code {code}"}
    return {"ref": child.ref, **answer}


def _roles(job: dict[str, Any]) -> Roles:
    return msgspec.convert(job["roles"], Roles)


def _answer(content: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
