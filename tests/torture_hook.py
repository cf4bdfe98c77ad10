"""Kill, or fill the disk, at the n-th change of a folder: loaded by every process that a torture test starts.

An audit hook sees each file that Python opens for writing, renames, links or removes. All processes count together:
each change appends a byte to one file, whose length is the number of changes so far.
"""

import contextlib
import errno
import os
import signal
import sys
from pathlib import Path
from typing import Any

FOLDERS, COUNTER, AT, HOW = "TORTURE_FOLDERS", "TORTURE_COUNTER", "TORTURE_AT", "TORTURE_HOW"
"""Variables: the folders, by `os.pathsep`; the file that counts; at which change (0: never); what then."""

_CHANGES = {"os.rename": 0, "os.remove": 0, "os.rmdir": 0, "os.mkdir": 0, "os.link": 1}
"""Events of changes, and which argument tells where."""

_REMOVALS = ("os.remove", "os.rmdir")


def install() -> None:
    """Watch this process, as the variables say; it does nothing where they are not set."""
    if AT in os.environ:
        folders = tuple(f"{folder}{os.sep}" for folder in os.environ[FOLDERS].split(os.pathsep))
        counter, at, how = os.environ[COUNTER], int(os.environ[AT]), os.environ[HOW]
        sys.addaudithook(_Watch(folders, counter, at, how).see)


class _Watch:
    def __init__(self, folders: tuple[str, ...], counter: str, at: int, how: str) -> None:
        self._folders, self._counter, self._at, self._how = folders, counter, at, how
        self._is_counting = False

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        """The hook; it must not see what it does itself."""
        if self._is_counting or not self._is_change(event, arguments):
            return
        self._is_counting = True
        try:
            n = self._count()
        finally:
            self._is_counting = False
        if not self._at:
            return
        if self._how == "kill" and n == self._at:
            os.killpg(0, signal.SIGKILL)
        if self._how == "kill-parent" and n == self._at:
            _kill_first_of_group()
        # A full disk stays full, but what is there can be removed.
        if self._how == "full" and n >= self._at and event not in _REMOVALS:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _is_change(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "open":
            path, _, flags = arguments[:3]
            if not isinstance(path, (str, bytes)) or not (flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
                return False
        elif event in _CHANGES:
            path = arguments[_CHANGES[event]]
        else:
            return False
        with contextlib.suppress(TypeError):  # a number of an open file
            return str(Path(os.fsdecode(path)).absolute()).startswith(self._folders)
        return False

    def _count(self) -> int:
        file = os.open(self._counter, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(file, b".")
            return os.fstat(file).st_size
        finally:
            os.close(file)


def _kill_first_of_group() -> None:
    """Kill the process that was started, and none of those that it started."""
    os.kill(os.getpgid(0), signal.SIGKILL)


def site(folder: Path) -> Path:
    """Write what Python imports when it starts; `folder` belongs into PYTHONPATH."""
    folder.mkdir(parents=True, exist_ok=True)
    here = str(Path(__file__).parent)
    text = f"import sys\nsys.path.insert(0, {here!r})\nimport torture_hook\ntorture_hook.install()\nsys.path.pop(0)\n"
    (folder / "sitecustomize.py").write_text(text)
    return folder
