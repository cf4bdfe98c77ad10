"""What says that a run's tables are read in parts."""

from aicomp.run import Run

STREAM_FILE = "streamed.json"
"""In a run's `work/`: says that its tables are read in parts, and which rows have extreme values."""


def is_streamed(run: Run) -> bool:
    """Whether a run's tables are read in parts."""
    return (run.work / STREAM_FILE).is_file()
