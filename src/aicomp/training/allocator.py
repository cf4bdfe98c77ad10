"""What the C library does with the memory of tensors that are freed."""

import ctypes
import platform

LARGE = 30_000_000
"""Weights from which a network counts as large: what it takes to get memory anew is then little beside a step."""

_MMAP_THRESHOLD, _TRIM_THRESHOLD, _TOP_PAD = -3, -1, -2  # names of glibc's malloc.h
_LARGE_TENSOR = 1 << 20
_MOST_ON_TOP = 16 << 20


def gives_back(n_weights: int) -> bool:
    """Whether memory of large tensors goes back to the system when a network of so many weights is trained here."""
    return n_weights >= LARGE and platform.libc_ver()[0] == "glibc"


def give_back(n_weights: int) -> None:
    """Let the system have the memory of each large tensor of a large network as soon as it is freed.

    glibc keeps it otherwise, in pieces of which few fit the next tensor: up to a third of what comes and goes in a step
    (docs/benchmarks.md). Small networks need it kept, or getting it anew takes a fifth of a step.

    Args:
        n_weights: Of the network that will be trained in this process.
    """
    if not gives_back(n_weights):
        return
    libc = ctypes.CDLL(None)
    for name, value in (
        (_MMAP_THRESHOLD, _LARGE_TENSOR), (_TRIM_THRESHOLD, _MOST_ON_TOP), (_TOP_PAD, _LARGE_TENSOR)
    ):  # fmt: skip
        libc.mallopt(name, value)
    libc.malloc_trim(0)
