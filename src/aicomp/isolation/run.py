"""`run_isolated`: what a caller asks for, turned into a request to the launcher, and its answer."""

import functools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aicomp.errors import AicompError
from aicomp.isolation.request import Answer, Request
from aicomp.isolation.rooms import SETTINGS, SYSTEM, Step, plan

Isolation = Literal["namespace", "socket block"]

_PATIENCE_SECONDS = 15.0  # that the launcher gets to end what it was told to end
_TAIL_BYTES = 4096
_LAUNCHER_NEEDS = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "HOME", "LANG", "LC_ALL")
"""Variables that the launcher gets: its others could hold secrets, and foreign code could read them in /proc."""


@dataclass(frozen=True)
class Mount:
    """Something to show at another place than where it lies; in namespaces only.

    Attributes:
        target: Absolute path that the code sees.
        source: File or folder that lies there.
        writable: Whether the code may change it.
    """

    target: Path
    source: Path
    writable: bool = False


@dataclass(frozen=True)
class Outcome:
    """How isolated code ended.

    Attributes:
        code: Exit code; 128 + the number of the signal that ended it.
        timed_out: It took longer than it may, and was killed.
        seconds: Wall time.
        isolation: What kept it from the network.
        wrote_too_much: It wrote more than it may, and was killed.
        out_of_memory: It needed more memory than it may hold.
        stopped: The caller's `stop` was set, and it was killed.
    """

    code: int
    timed_out: bool
    seconds: float
    isolation: Isolation
    out_of_memory: bool
    stopped: bool = False
    wrote_too_much: bool = False


def network_isolation() -> Isolation:
    """The strongest isolation that this system allows; found out by trying it once."""
    return "socket block" if isolation_fault() else "namespace"


def can_hide() -> bool:
    """Whether `hidden` files really cannot be read: in namespaces alone."""
    return not isolation_fault()


@functools.cache
def isolation_fault() -> str:
    """Why this system allows no namespaces, "" if it does."""
    if sys.platform != "linux":
        return f"namespaces are Linux's; this is {sys.platform}"
    with tempfile.TemporaryDirectory(prefix="aicomp-") as name:
        folder = Path(name)
        request = _request(
            [sys.executable, "-c", "pass"],
            folder=folder,
            environment={},
            log=folder / "log",
            seconds=60,
            steps=_steps(folder, (), (), (), ()),
        )
        answer, _ = _ask(request, None)
        if answer.fault:
            return answer.fault
        if answer.code:
            text = (folder / "log").read_text(encoding="utf-8", errors="replace").strip()
            return text or f"a program that does nothing ended with exit code {answer.code}"
    return ""


def run_isolated(
    argv: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    seconds: float,
    memory_bytes: int | None,
    log: Path,
    hidden: Sequence[Path] = (),
    read_only: Sequence[Path] = (),
    writable: Sequence[Path] = (),
    mounts: Sequence[Mount] = (),
    cwd: Path | None = None,
    file_size_bytes: int | None = None,
    written_bytes: int | None = None,
    log_bytes: int = 10 * 2**20,
    stop: threading.Event | None = None,
    isolation: Isolation | None = None,
) -> Outcome:
    """Run a program without network, and wait for its end.

    In namespaces it sees programs and libraries of the system, this Python, `folder`, `read_only`, `writable` and
    `mounts`, and nothing else. It is killed, with all that it started, when it passes a limit or this process ends.

    Args:
        argv: Program and arguments.
        folder: Where it starts; it may write here and nowhere else.
        environment: All of its environment.
        seconds: Wall time it may take.
        memory_bytes: Most memory that it and all that it starts hold together; None for no limit.
        log: File that takes its standard output and error; must not lie in `folder`.
        hidden: Files and folders that it must not see although they lie in something that it sees; where namespaces
            are not allowed they are not hidden, see `can_hide`.
        read_only: Files and folders that it sees.
        writable: Folders besides `folder` that it may change.
        mounts: What it sees at another place than where it lies.
        cwd: Where it starts, if not in `folder`: a path as it sees it.
        file_size_bytes: Most bytes of a file that it writes; None for no limit.
        written_bytes: Most bytes that may lie where it writes, looked at once a second; None for no limit.
        log_bytes: What it prints beyond this is dropped.
        stop: Once set, the program is killed.
        isolation: Which isolation to take; by default the strongest that the system allows.

    Raises:
        AicompError: The isolation that was asked for is not possible here.
    """
    kind = isolation or network_isolation()
    if kind == "namespace" and isolation_fault():
        raise AicompError(f"this system allows no namespaces: {isolation_fault()}", "run it on another machine")
    in_namespace = kind == "namespace"
    request = _request(
        argv,
        folder=folder if cwd is None else cwd,
        environment=environment if in_namespace else _blocked(environment),
        log=log,
        seconds=seconds,
        steps=_steps(folder, hidden, read_only, writable, mounts) if in_namespace else None,
        memory_bytes=memory_bytes,
        file_size_bytes=file_size_bytes,
        written_bytes=written_bytes,
        written=[folder, *writable, *(m.source for m in mounts if m.writable)],
        log_bytes=log_bytes,
    )
    log.touch()  # there is one even if it is stopped at once
    started = time.monotonic()
    answer, stopped = _ask(request, stop)
    if answer.fault:
        raise AicompError(f"cannot isolate `{argv[0]}`: {answer.fault}", "check that its files and folders exist")
    failed = answer.code != 0 and not stopped and memory_bytes is not None
    out_of_memory = answer.out_of_memory or (failed and _lacked_memory(log))
    return Outcome(
        code=answer.code,
        timed_out=answer.timed_out,
        seconds=time.monotonic() - started,
        isolation=kind,
        out_of_memory=out_of_memory,
        stopped=stopped,
        wrote_too_much=answer.wrote_too_much,
    )


def _request(
    argv: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    seconds: float,
    steps: Sequence[Step] | None,
    memory_bytes: int | None = None,
    file_size_bytes: int | None = None,
    written_bytes: int | None = None,
    written: Sequence[Path] = (),
    log_bytes: int = 2**20,
) -> Request:
    return Request(
        argv=list(argv),
        cwd=str(folder),
        environment=dict(environment),
        seconds=seconds,
        memory_bytes=memory_bytes,
        file_size_bytes=file_size_bytes,
        written_bytes=written_bytes,
        written=sorted({str(path.resolve()) for path in written}),
        log=str(log.absolute()),
        log_bytes=log_bytes,
        namespace=steps is not None,
        parent=os.getpid(),
        steps=[(str(s.target), str(s.source or ""), s.writable) for s in steps or ()],
    )


def _steps(
    folder: Path, hidden: Sequence[Path], read_only: Sequence[Path], writable: Sequence[Path], mounts: Sequence[Mount]
) -> list[Step]:
    shown = [Step(path, path) for path in (*_system_places(), *read_only)]
    shown += [Step(path, path, writable=True) for path in (*writable, folder)]
    return plan([*shown, *(Step(m.target, m.source, m.writable) for m in mounts)], hidden)


def _system_places() -> Iterator[Path]:
    """What a Python program needs of this system."""
    import site
    import sysconfig

    import aicomp

    yield from (Path(place) for place in SYSTEM if Path(place).exists())
    yield from (Path("/etc") / name for name in SETTINGS if (Path("/etc") / name).exists())
    roots = [sys.prefix, sys.base_prefix, *site.getsitepackages(), site.getusersitepackages()]
    roots += [sysconfig.get_path("stdlib"), str(Path(aicomp.__path__[0]).parent)]
    yield from (Path(root) for root in roots if Path(root).is_dir() and Path(root) != Path("/"))


def _blocked(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with the socket block first on `PYTHONPATH`."""
    places = [str(Path(__file__).parent / "blocked"), environment.get("PYTHONPATH", "")]
    return {**environment, "PYTHONPATH": os.pathsep.join(place for place in places if place)}


def _ask(request: Request, stop: threading.Event | None) -> tuple[Answer, bool]:
    """Start the launcher and wait for its answer; whether it was stopped."""
    if sys.platform == "win32":
        raise AicompError("isolated runs need Linux or macOS", "run it there")
    launcher = subprocess.Popen(
        [sys.executable, "-P", "-m", "aicomp.isolation.launcher"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: os.environ[name] for name in _LAUNCHER_NEEDS if name in os.environ},
        start_new_session=True,  # an interrupt of the caller's terminal is the caller's
    )
    text: str | None = request.to_json() + "\n"
    deadline = time.monotonic() + request.seconds + _PATIENCE_SECONDS
    try:
        while True:
            try:
                output, errors = launcher.communicate(text, timeout=0.1)
                break
            except subprocess.TimeoutExpired:
                text = None
            if stop is not None and stop.is_set():
                return Answer(137), True
            if time.monotonic() > deadline:
                raise AicompError(f"`{request.argv[0]}` could not be stopped within {request.seconds:g} seconds")
    finally:
        launcher.kill()
        launcher.wait()
    if launcher.returncode != 0:
        raise AicompError(f"the launcher of `{request.argv[0]}` failed: {errors.strip()[-2000:]}")
    return Answer.from_json(output), False


def _lacked_memory(log: Path) -> bool:
    """Whether Python's last words were that an allocation failed."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").strip().splitlines()
    return bool(lines) and "MemoryError" in lines[-1]
