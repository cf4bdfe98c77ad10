"""Where tensors live and how precisely they are multiplied."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from aicomp.errors import UsageError
from aicomp.processes import processor


def choose_device(name: str) -> torch.device:
    """The device of a name; "auto" takes CUDA, then MPS, then the CPU.

    Args:
        name: "auto", "cuda", "mps" or "cpu".

    Raises:
        UsageError: A device was asked for that this machine, or this build of torch, does not have.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, there in present.items() if there))
    if name not in present:
        raise UsageError(f"unknown device `{name}`", f"known: auto, {', '.join(present)}")
    if not present[name]:
        there = ", ".join(kind for kind, is_there in present.items() if is_there)
        raise UsageError(
            f"device `{name}` is asked for, but torch {torch.__version__} finds only: {there}",
            'write `--set device="auto"`',
        )
    return torch.device(name)


def device_name(kind: str) -> str:
    """Model of a device of a kind: of the GPU, or of the processor."""
    return torch.cuda.get_device_name() if kind == "cuda" else processor()


def has_bfloat16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are faster than in float32 on this device.

    On a CPU that takes instructions for it (AVX512-BF16 or AMX); emulated bfloat16 is slower than float32.
    On a GPU it takes the Ampere generation or later.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # absent in some builds
        return any(bool(getattr(torch.cpu, check, bool)()) for check in checks)
    return False


@contextmanager
def reproducible(seed: int, device: torch.device) -> Iterator[None]:
    """Draw all random numbers inside from `seed`, those of numpy and Python too, and flush denormals.

    The caller's generators stay as they were. Weights that decay towards zero become denormal numbers, which
    CPUs multiply many times more slowly.
    """
    ours = np.random.get_state(), random.getstate()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)
        random.seed(seed)
        torch.set_flush_denormal(True)
        try:
            yield
        finally:
            torch.set_flush_denormal(False)
            np.random.set_state(ours[0])
            random.setstate(ours[1])
