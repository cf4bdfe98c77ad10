"""What processes that work side by side need to know: how many cores there are, how they keep memory, and on what."""

import os
import platform
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
