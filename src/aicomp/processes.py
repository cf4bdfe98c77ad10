"""What processes need to know of each other: how many cores there are, how they keep memory, how they are started."""

import os
import sys

KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "33000000",
    "MALLOC_TRIM_THRESHOLD_": "1000000000",
    "MALLOC_TOP_PAD_": "67108864",
}
"""Environment by which glibc keeps what is freed for the next time; getting it anew takes up to a fifth of a training
step, and a third of decoding an image."""


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


CREDENTIALS = ("AICOMP_TOKEN", "KAGGLE_API_TOKEN", "KAGGLE_KEY", "KAGGLE_USERNAME")
"""Variables of the environment that name who asks: only the process that talks to a server needs them."""

_SHORTEST_SECRET = 8  # a shorter text may be part of any word


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
