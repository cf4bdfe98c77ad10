"""Whether a project's tables are read in parts: what they would take in memory, and what reading in parts lacks."""

from pathlib import Path

from aicomp.data.source import find_layout
from aicomp.engine.memory import free_memory
from aicomp.errors import AicompError, UsageError
from aicomp.project import Project

BYTES_PER_VALUE = 100
"""Most memory that a training in memory takes for a value of a table, in all its processes together: 9.5 GB were
measured for ten million rows of ten columns, see docs/benchmarks.md."""

_SHARE = 0.5
_SAMPLE_BYTES = 2**20


def streams(project: Project) -> tuple[bool, str]:
    """Whether a project's tables are read in parts, and a sentence about why or why not; "" where nobody asks.

    Raises:
        UsageError: `data.streaming` is true, and something that the project wants needs the whole table.
    """
    asked = project.config.data.streaming
    if asked is False:
        return False, ""
    lacking = _lacking(project)
    if asked is True:
        if lacking is not None:
            raise UsageError(f"`data.streaming` is true, but {lacking}", "write `--set data.streaming=false`")
        return True, "tables are read from disk in parts: `data.streaming` is true"
    files = project.competition.files
    values = sum(_n_values(project.raw / name) for name in (files.train, files.test))
    free, needed = free_memory(), values * BYTES_PER_VALUE
    if free is None or needed <= _SHARE * free:  # None: this system does not say
        return False, ""
    sizes = f"in memory a training would take about {needed / 2**30:.0f} GiB, and {free / 2**30:.0f} are free"
    if lacking is not None:
        return False, f"tables are read as a whole, as {lacking}: {sizes}"
    return True, f"tables are read from disk in parts: {sizes}; `--set data.streaming=false` reads them as a whole"


def _lacking(project: Project) -> str | None:
    """What needs whole tables, None if nothing does."""
    competition, config = project.competition, project.config
    split = config.split
    found = {
        "the competition is one of lists": competition.is_of_lists,
        "the competition has boxes": competition.boxes is not None,
        "the competition is a forecast": bool(competition.horizon),
        "the targets are strings": competition.problem_type == "string",
        "side tables are joined": bool(competition.files.tables),
        "rows of test are numbered by the contract": competition.first_row_id is not None,
        "rows are split by group": (split.group or competition.group) is not None,
        "rows are split by time": (split.time or competition.time) is not None,
        "rows are split by a column": split.fold_column is not None,
        "columns name users and items": competition.user is not None or competition.item is not None,
        "`features.clamp` is set": bool(config.features.clamp),
        "`pseudo.run` is set": bool(config.pseudo.run),
        "`training.shard` is set": config.training.shard,
        "`data.pixels` is set": config.data.pixels != "none",
    }
    return next((reason for reason, holds in found.items() if holds), None)


def _n_values(path: Path) -> int:
    """About how many values a table has, by the head of its file; 0 where that says nothing."""
    try:
        if path.suffix == ".parquet":
            from aicomp.streaming.frames import parquet_file

            metadata = parquet_file(path).metadata
            return int(metadata.num_rows * metadata.num_columns)
        if path.suffix in (".gz", ".zip"):
            return 0
        with path.open("rb") as file:
            head = file.read(_SAMPLE_BYTES)
        size = path.stat().st_size
        whole = head[: head.rfind(b"\n") + 1]
        layout = find_layout(whole.decode(errors="replace"), path)
    except (OSError, AicompError):
        return 0  # what is wrong is said when it is read
    return len(layout.header) * round(len(layout.lines) * size / max(len(whole), 1))
