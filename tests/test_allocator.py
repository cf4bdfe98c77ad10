"""Memory of large networks: it goes back to the system, and small ones keep theirs."""

import os
import platform
import subprocess
import sys

import pytest

from aicomp.engine.memory_plan import MemoryPlan
from aicomp.processes import KEEP_MEMORY
from aicomp.training.allocator import LARGE
from aicomp.training.footprint import Footprint

needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc is what keeps memory")

KEPT = """
import sys, torch
from aicomp.engine.memory_plan import resident_bytes
from aicomp.training.allocator import give_back

give_back(int(sys.argv[1]))
before = resident_bytes()
tensors = [torch.ones(500_000) for _ in range(100)]  # 2 MB each
while len(tensors) > 1:
    tensors.pop(0)  # the last one holds the end of the heap
print(resident_bytes() - before)
"""


def kept(n_weights: int) -> int:
    """Bytes that a process has, of 200 MB, when all but one of its tensors are freed; it starts as a worker does."""
    environment = {**os.environ, **KEEP_MEMORY}
    command = [sys.executable, "-c", KEPT, str(n_weights)]
    return int(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


@needs_glibc
def test_tensors_of_a_large_network_go_back_when_they_are_freed_and_those_of_a_small_one_stay():
    assert kept(LARGE) < 30e6
    assert kept(LARGE - 1) > 150e6


@needs_glibc
@pytest.mark.parametrize(
    ("parameters", "device", "expected"), [(LARGE, "cpu", 0), (LARGE - 1, "cpu", 30), (9, "cuda", 0)]
)
def test_a_plan_counts_what_is_kept(parameters, device, expected):
    parts = {"weights": 4, "gradients": 3, "optimizer": 2, "kept": 1}
    counted = Footprint(
        parameters=parameters, trained=1, rows=1, length=0, **parts, activations=50, peak=100, is_traced=True
    )  # fmt: skip
    plan = MemoryPlan(device=device, footprint=counted, process=7, rest=5, processes=2, free=1000)
    assert plan.allocator == expected  # a third of 100 - 10
    assert plan.total == 5 + 2 * (7 + 100 + expected)
