"""What says that a run's tables are read in parts, and how many of its folds are trained at once."""

from aicomp.run import Run

STREAM_FILE = "streamed.json"
"""In a run's `work/`: says that its tables are read in parts, and which rows have extreme values."""


def is_streamed(run: Run) -> bool:
    """Whether a run's tables are read in parts."""
    return (run.work / STREAM_FILE).is_file()


def n_side_by_side(run: Run, n_processes: int) -> int:
    """Folds of a streamed run that are trained at once, at least 1: what they hold in memory stays a part of it.

    Args:
        run: The run.
        n_processes: Processes that there are.
    """
    from aicomp.engine.memory import free_memory

    free = free_memory()
    if free is None:
        return 1  # this system does not say
    n_train, n_test = run.read("plan.json")["n_rows"]
    return max(1, min(n_processes, int(_SHARE * free / fold_bytes(n_train, n_test, len(run.read("columns.json"))))))


_SHARE = 0.25
"""Of the free memory: the rest is the system's cache of the rows on disk, without which passes wait for the disk."""


def fold_bytes(n_train: int, n_test: int, n_columns: int) -> int:
    """About what the process of a streamed fold holds: itself, numbers of each row, and rows of a sample and a buffer.

    Measured are 0.9 GB for a million rows of 50 columns; see docs/benchmarks.md.
    """
    return 500_000_000 + 80 * n_train + 40 * n_test + 2**18 * n_columns * 30
