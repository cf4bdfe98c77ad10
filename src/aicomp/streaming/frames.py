"""The rows of a table's file in parts, each column of one type in all of them."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aicomp.data.parts import text_parts
from aicomp.data.reading import clean_parquet, read_table
from aicomp.errors import DataError, UsageError

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

PART_ROWS = 2**17
"""Rows of a part of a parquet file, of as many columns as `PART_VALUES` allows."""

PART_VALUES = 2**22
FEWEST_ROWS = 1000


def parquet_file(path: Path, coded: Collection[str] = ()) -> "ParquetFile":
    """An opened parquet file.

    Args:
        path: The file.
        coded: Columns of strings that are read as codes of their distinct values.

    Raises:
        DataError: It is none.
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise UsageError(f"`{path.name}` needs the package pyarrow", "run `pip install 'aicomp[parquet]'`") from None
    if not path.is_file():
        raise DataError(f"`{path}` does not exist", "put the file there, or correct its name in competition.toml")
    try:
        return parquet.ParquetFile(path, memory_map=False, pre_buffer=False, read_dictionary=list(coded) or None)
    except (pyarrow.ArrowException, OSError) as e:
        raise DataError(f"`{path.name}` cannot be read as parquet: {e}", "download it again") from e


def frames(
    path: Path, encoding: str, strings: Collection[str], texts: Collection[str], *, only: Collection[str] = ()
) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
    """Rows of a file in parts, as `read_table` would read each alone, and the line of each row.

    A text that cannot be cut into parts is one part.

    Args:
        path: The file.
        encoding: Of a text.
        strings: See `read_table`.
        texts: See `read_table`.
        only: Columns that are read; none for all.
    """
    if path.suffix == ".parquet":
        yield from _parquet_frames(path, strings, texts, only)
        return
    parts = text_parts(path, encoding)
    if parts is not None:
        yield from parts.frames(strings, texts, only=only)
        return
    frame = read_table(path, strings=strings, texts=texts, encoding=encoding)
    yield frame[list(only)] if only else frame, np.arange(len(frame)) + 2


def _parquet_frames(
    path: Path, strings: Collection[str], texts: Collection[str], only: Collection[str]
) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
    import pyarrow

    file = parquet_file(path)
    words = [field.name for field in file.schema_arrow if pyarrow.types.is_string(field.type)]
    file = parquet_file(path, [name for name in words if name not in strings])
    rows = max(FEWEST_ROWS, min(PART_ROWS, PART_VALUES // max(1, len(only) or file.metadata.num_columns)))
    start = 0
    try:
        # One group after the other: read together, what was read of them stays in memory to the end.
        for group in range(file.metadata.num_row_groups):
            for batch in file.iter_batches(rows, [group], list(only) or None, use_threads=False):
                frame = batch.to_pandas().reset_index(drop=True)
                lines = np.arange(start, start + len(frame)) + 2
                yield clean_parquet(frame, strings, texts), lines
                start += len(frame)
    except (pyarrow.ArrowException, OSError) as e:
        raise DataError(f"`{path.name}` cannot be read as parquet: {e}", "download it again") from e
