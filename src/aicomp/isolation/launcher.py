"""The process between the caller and the foreign code: `python -P -m aicomp.isolation.launcher`, a request on stdin.

    launcher      limits of time, memory and log; outside the new file system, so it sees all processes
      first       process 1 of the new pid namespace: makes the mounts; when it ends, the kernel kills all below it
        program   the foreign code, without capabilities

Each dies with the one above it.
"""

import contextlib
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NoReturn

from aicomp.isolation.request import Answer, Request
from aicomp.isolation.tree import descendants, resident_bytes, shared_bytes, written_bytes

TICK_SECONDS = 0.05
SLOW_TICK_SECONDS = 1.0  # for what takes longer to find out
MAX_PROCESSES = 512
SHARED_MEMORY_BYTES = 256 * 2**20
_NO_PROGRAM = 127


def main() -> None:
    """Read a request, run it, write the answer."""
    request = Request.from_json(sys.stdin.readline())  # one line: others may hold the pipe open
    on_linux = sys.platform == "linux"
    if on_linux:
        from aicomp.isolation import linux

        linux.die_with_parent()
        linux.adopt_orphans()
    if os.getppid() != request.parent:
        sys.exit("the process that asked has ended")
    print(run(request).to_json())


def run(request: Request) -> Answer:
    """Run the program to its end or to its limit."""
    reader, writer = os.pipe()
    fault_reader, fault_writer = os.pipe()
    alive_reader, alive_writer = os.pipe()
    if request.namespace:
        fault = _leave_namespaces()
        if fault:
            return Answer(_NO_PROGRAM, fault=fault)
    child = os.fork()
    if child == 0:
        os.close(alive_writer)
        _be_first(request, writer, fault_writer, alive_reader)
    os.close(writer)
    os.close(fault_writer)
    with Path(request.log).open("ab") as log:
        answer = _watch(request, child, reader, Log(log, request.log_bytes))
    with open(fault_reader, "rb") as faults:  # noqa: PTH123 - a descriptor
        fault = faults.read().decode()
    return answer if not fault else Answer(answer.code, fault=fault)


class Log:
    """A file that takes so many bytes and then says that there were more."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file = file
        self._left = limit
        self._limit = limit

    def write(self, chunk: bytes) -> None:
        """Add bytes, or drop them."""
        kept = chunk[: max(self._left, 0)]
        self._file.write(kept)
        if len(kept) < len(chunk) and self._left >= 0:
            self._file.write(f"\n[cut: the output is longer than {self._limit:,} bytes]\n".encode())
            self._left = -1
        elif self._left >= 0:
            self._left -= len(kept)
        self._file.flush()

    def note(self, text: str) -> None:
        """Add a line of the launcher's own."""
        self._file.write(f"\n[{text}]\n".encode())
        self._file.flush()


def _leave_namespaces() -> str:
    """Enter a new user namespace, and have the next child start a pid namespace; the reason if that is not allowed."""
    from aicomp.isolation import linux

    user, group = os.geteuid(), os.getegid()
    try:
        linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWPID)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        linux.die_with_parent()  # new credentials have cleared it
    except OSError as e:
        return str(e)
    return ""


def _watch(request: Request, child: int, reader: int, log: Log) -> Answer:
    """Copy output until the program ends, or kill everything where a limit is passed."""
    ends = time.monotonic() + request.seconds
    next_look = time.monotonic() + SLOW_TICK_SECONDS
    while True:
        _copy(reader, log, TICK_SECONDS)
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            _kill_all()
            _drain(reader, log)
            late = _wrote_too_much(request)
            return Answer(os.waitstatus_to_exitcode(status), wrote_too_much=late is not None)
        stop = _passed_limit(request, ends)
        if stop is None and time.monotonic() > next_look:
            stop = _wrote_too_much(request) or _holds_too_much(request, descendants(os.getpid()), shared=True)
            next_look = time.monotonic() + SLOW_TICK_SECONDS
        if stop is not None:
            _kill_all()
            _drain(reader, log)
            log.note(stop.fault)
            return replace(stop, fault="")


def _passed_limit(request: Request, ends: float) -> Answer | None:
    """The limit that was passed; its text in `fault`."""
    killed = 128 + signal.SIGKILL
    if time.monotonic() > ends:
        return Answer(killed, timed_out=True, fault=f"killed: it ran longer than {request.seconds:g} seconds")
    below = descendants(os.getpid())
    if len(below) > MAX_PROCESSES:
        return Answer(killed, fault=f"killed: it started more than {MAX_PROCESSES} processes")
    return _holds_too_much(request, below)


def _holds_too_much(request: Request, below: Sequence[int], *, shared: bool = False) -> Answer | None:
    if request.memory_bytes is None:
        return None
    if resident_bytes(below) + (shared_bytes(below) if shared else 0) <= request.memory_bytes:
        return None
    text = f"killed: it held more than {request.memory_bytes / 2**20:,.0f} MiB of memory"
    return Answer(128 + signal.SIGKILL, out_of_memory=True, fault=text)


def _wrote_too_much(request: Request) -> Answer | None:
    if request.written_bytes is None or written_bytes(request.written) <= request.written_bytes:
        return None
    text = f"killed: it wrote more than {request.written_bytes / 2**20:,.0f} MiB"
    return Answer(128 + signal.SIGKILL, wrote_too_much=True, fault=text)


def _copy(reader: int, log: Log, wait: float) -> bool:
    """Copy what the program wrote; False where it will write no more or wrote nothing."""
    ready, _, _ = select.select([reader], [], [], wait)
    chunk = os.read(reader, 2**16) if ready else b""
    log.write(chunk)
    if ready and not chunk:
        time.sleep(wait)  # it closed its output and runs on
    return bool(chunk)


def _drain(reader: int, log: Log) -> None:
    while _copy(reader, log, 0):
        pass


def _kill_all() -> None:
    """Kill all descendants, again until there are none: while it is being killed, a program can start others."""
    while below := descendants(os.getpid()):
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.001)


def _be_first(request: Request, output: int, faults: int, alive: int) -> NoReturn:
    """The child: shut the doors, start the program, wait for it."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for own in (0, 1):  # the launcher's answer ends when the launcher does, whatever else still runs
        os.dup2(nothing, own)
    try:
        if sys.platform == "linux":
            _die_with_launcher(alive)
        if request.namespace:
            _shut_doors(request)
        program = os.fork()
    except Exception as e:  # whatever it is: a child must not go on in its parent's code
        os.write(faults, (str(e) or repr(e)).encode())
        os._exit(_NO_PROGRAM)
    os.close(faults)
    if program == 0:
        _become(request, output)
    os.close(output)
    while True:
        done, status = os.wait()
        if done == program:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _die_with_launcher(alive: int) -> None:
    from aicomp.isolation import linux

    linux.die_with_parent()
    if select.select([alive], [], [], 0)[0]:  # its only writer, the launcher, has ended before that line
        os._exit(_NO_PROGRAM)


def _shut_doors(request: Request) -> None:
    from aicomp.isolation import linux
    from aicomp.isolation.rooms import Step, build
    from aicomp.isolation.seccomp import forbid_calls

    Path("/proc/self/oom_score_adj").write_text("1000")  # where memory runs out, this goes before whoever asked for it
    linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS)
    steps = [
        Step(Path(target), Path(source) if source else None, writable) for target, source, writable in request.steps
    ]
    build(steps, SHARED_MEMORY_BYTES)
    linux.drop_privileges()
    forbid_calls()
    linux.be_unreadable()


def _become(request: Request, output: int) -> NoReturn:
    """Turn into the program; the other descriptors close by themselves, as all that Python opens."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.setsid()
    if sys.platform == "linux":
        from aicomp.isolation import linux

        linux.die_with_parent()
    _set_limits(request)
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python, and programs inherit that
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.chdir(request.cwd)
        os.execvpe(request.argv[0], request.argv, request.environment)
    except OSError as e:
        os.write(2, f"cannot run `{request.argv[0]}`: {e}\n".encode())
        os._exit(_NO_PROGRAM)


def _set_limits(request: Request) -> None:
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: request.file_size_bytes}
    if sys.platform == "linux":  # elsewhere it does not count what is mapped
        limits[resource.RLIMIT_DATA] = request.memory_bytes
    for kind, value in limits.items():
        if value is not None:
            hard = resource.getrlimit(kind)[1]
            bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (bound, bound))


if __name__ == "__main__":
    main()
