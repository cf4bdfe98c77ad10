"""The time limit of a training: from the start of the process until it has to be over."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Clock:
    """Time that has passed and that is left.

    Attributes:
        limit: Seconds in all.
        began: When the limit began, by `now`.
        now: Seconds, in fractions.
    """

    limit: float
    began: float
    now: Callable[[], float] = time.monotonic

    @property
    def used(self) -> float:
        """Seconds since the limit began."""
        return self.now() - self.began

    @property
    def left(self) -> float:
        """Seconds until the limit, below 0 after it."""
        return self.limit - self.used


def process_start(now: float) -> float:
    """When this process began, by `time.monotonic`; `now` where the system does not say.

    Args:
        now: The present, by `time.monotonic`.
    """
    if sys.platform != "linux":
        return now
    try:
        # Field 22, counted behind the name, which may hold spaces: ticks since the machine was started.
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return now
    return now - age if 0 <= age < 60 else now  # a sandbox may count from another moment
