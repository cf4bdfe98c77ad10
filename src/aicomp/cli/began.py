"""When this command began, for those that have a time limit."""

import time

from aicomp.portfolio.clock import process_start

_began = time.monotonic()


def mark_process() -> None:
    """The command began with this process, imports included."""
    global _began
    _began = process_start(time.monotonic())


def mark_now() -> None:
    """The command begins now: it is called by a program that has been running for a while."""
    global _began
    _began = time.monotonic()


def began() -> float:
    """When the command began, by `time.monotonic`."""
    return _began
