"""What the folds of a run hold at least, beside what is free: by counting rows and columns, in no time.

`engine.memory_plan` counts what a network holds too, by a step without numbers, which takes seconds.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from aicomp.checkup import size_text
from aicomp.engine.engine import Engine
from aicomp.errors import UsageError
from aicomp.model_names import is_network
from aicomp.run import Run
from aicomp.streaming.files import is_streamed

PROCESS = 200_000_000
"""Bytes that a process has for itself when Python, torch and what trains are imported; measured, 183 MB."""

_COPIES = 2
"""How often a fold's rows are there while they are encoded and trained on. Peaks of 300,000 rows of 35 columns were 3.1
times their size with LightGBM, 3.1 with a linear network, 9 with TabM: what does not fit twice does not fit."""

_WIDTHS = {"number": 1, "boolean": 1, "datetime": 4, "text": 8}
"""Fewest numbers that a column of a kind becomes; images and sounds are mapped, and count for all processes once."""


def fit_into_memory(run: Run, pool: Engine | None) -> str:
    """Have fewer processes train at a time if all of them would clearly not fit.

    Args:
        run: A run that is laid out.
        pool: The processes, None for this one alone.

    Returns:
        What was done, as a sentence; "" where everything fits, rows are read from disk, or the system does not say
        what is free.

    Raises:
        UsageError: Not even one fold would fit.
    """
    if pool is not None and not pool.is_here:
        return ""  # nodes have memory of their own
    free = free_memory()
    if free is None or (is_streamed(run) and is_network(run.info["config"]["model"]["name"])):
        return ""  # rows that are read from disk need no memory
    each = fold_bytes(run)
    if pool is None:
        if each > free:
            raise _too_large(run, each, free)
        return ""
    room = free + sum(own_bytes(pid) for pid in pool.pids)  # what they hold already is part of what they need
    most = max(1, min(pool.size, run.read("plan.json")["n_folds"]))
    fitting = min(most, room // (PROCESS + each))
    if fitting < 1:
        raise _too_large(run, PROCESS + each, room)
    if fitting == most:
        return ""
    pool.shrink(fitting)
    needed, there = size_text(most * (PROCESS + each)), size_text(room)
    return f"{most} processes would need at least {needed} of memory, and {there} are free: {fitting} at a time"


def fold_bytes(run: Run) -> int:
    """Fewest bytes that a fold's encoded rows take while it is trained."""
    n_train, n_test = _n_rows(run)
    most = run.info["config"]["split"].get("train_rows", "auto")
    return _COPIES * _row_bytes(run) * (n_test + (n_train if most == "auto" else min(n_train, int(most))))


def _row_bytes(run: Run) -> int:
    kinds = [column["kind"] for column in run.read("columns.json")]
    number = 4 if is_network(run.info["config"]["model"]["name"]) else 8
    n_codes = kinds.count("category") + kinds.count("code")
    return 8 * n_codes + number * sum(_WIDTHS.get(kind, 0) for kind in kinds)


def _n_rows(run: Run) -> tuple[int, int]:
    """Rows of train and of test."""
    n_train, n_test = run.read("plan.json")["n_rows"]
    return int(n_train), int(n_test)


def _too_large(run: Run, needed: int, free: int) -> UsageError:
    n_train, n_test = _n_rows(run)
    rows = max(0, free // max(1, _COPIES * _row_bytes(run)) - n_test) // 2
    shown = f"train on fewer rows, `--set split.train_rows={rows}`, or free some memory" if rows > 100 else ""
    return UsageError(
        f"a fold would need at least {size_text(needed)} of memory for its {n_train + n_test:,} rows, and "
        f"{size_text(free)} are free",
        shown or "free some memory, or take a machine with more",
    )


def free_memory() -> int | None:
    """Bytes that the system and its limits leave to processes; None where the system does not say."""
    return min([*_available(), *_limits()], default=None)


def own_bytes(pid: int) -> int:
    """Memory that a process shares with no other; 0 where the system does not say."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE")


def _available() -> Iterator[int]:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        lines = []
    yield from (int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    if not lines and "SC_PHYS_PAGES" in os.sysconf_names:  # macOS: all there is
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _limits() -> Iterator[int]:
    """What a container's limit leaves (control groups, version 2)."""
    group = Path("/sys/fs/cgroup")
    try:
        most = (group / "memory.max").read_text().strip()
        used = int((group / "memory.current").read_text())
        cache = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except OSError:
        return
    if most != "max":
        yield int(most) - used + int(cache.get("inactive_file", 0))
