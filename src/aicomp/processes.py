"""What processes need to know of each other: cores, memory, how they are started, and which of them have ended."""

import os
import platform
import re
import socket
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "33000000",
    "MALLOC_TRIM_THRESHOLD_": "1000000000",
    "MALLOC_TOP_PAD_": "67108864",
}
"""Environment by which glibc keeps what is freed for the next time; getting it anew takes up to a fifth of a training
step, and a third of decoding an image."""

CREDENTIALS = ("AICOMP_TOKEN", "KAGGLE_API_TOKEN", "KAGGLE_KEY", "KAGGLE_USERNAME")
"""Variables of the environment that name who asks: only the process that talks to a server needs them."""

_SHORTEST_SECRET = 8  # a shorter text may be part of any word


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def processor() -> str:
    """Model of the processor, such as "AMD EPYC 9B14": other ones may add numbers in another order."""
    with suppress(OSError):  # not on Linux
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def process_mark() -> str:
    """Names this process among those of all machines that may share a folder: "host.number"."""
    return f"{_host()}.{os.getpid()}"


def is_gone(mark: str) -> bool:
    """Whether the process of a mark is known to have ended; of another machine's, nothing is known.

    >>> is_gone(process_mark()), is_gone("another-machine.1")
    (False, False)
    """
    host, _, number = mark.rpartition(".")
    if host != _host() or os.name != "posix":
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # another user's
    return False


def _host() -> str:
    return re.sub("[^A-Za-z0-9-]+", "-", socket.gethostname()) or "localhost"


def python_module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module of this Python's.

    With -P, as `-m` alone puts the current folder first on `sys.path`: a `pandas.py` that lies there, or a `pip.py`,
    would be run in place of the real one.
    """
    return [sys.executable, "-P", "-m", name, *arguments]


def child_environment(**more: str) -> dict[str, str]:
    """The environment for a process that needs no credentials: this one's without them, and with `more`."""
    return {**{name: value for name, value in os.environ.items() if name not in CREDENTIALS}, **more}


def without_credentials(text: str) -> str:
    """A text for people without the credentials of this process: whoever's code failed may have quoted them."""
    for name in CREDENTIALS:
        value = os.environ.get(name, "").strip()
        if name != "KAGGLE_USERNAME" and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, f"[{name}]")
    return text
