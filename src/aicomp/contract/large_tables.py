"""A file too large to be held: columns are judged by a sample of its rows, what has to be exact is read in parts."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.archives import check_packed
from aicomp.competition import Competition
from aicomp.contract.tables import RawTable
from aicomp.data.parts import text_parts
from aicomp.data.reading import check_finite
from aicomp.errors import DataError
from aicomp.grading.keys import Keys, words_of
from aicomp.grading.text_table import show_id
from aicomp.ids_and_targets import check_classes, encode_target
from aicomp.streaming.frames import frames, parquet_file
from aicomp.streaming.sample import RowSample

MOST_VALUES = 5_000_000
"""Values of a parquet file beyond which it is read in parts; texts are by their bytes, see `data.parts`."""

MOST_DISTINCT = 1_000_000
"""Distinct values of a column that are collected beside the sample."""


def raw_table(path: Path, encoding: str) -> RawTable:
    """A file and its columns, of which a large one is read in parts."""
    if path.suffix == ".parquet" and path.is_file() and path.stat().st_size:
        metadata = parquet_file(path).metadata
        large = metadata.num_rows * metadata.num_columns > MOST_VALUES
        return LargeRawTable(path, encoding) if large else RawTable(path, encoding)
    return RawTable(path, encoding) if text_parts(path, encoding) is None else LargeRawTable(path, encoding)


class LargeRawTable(RawTable):
    """As `RawTable`, but `frame` and `strings` are a sample of the rows, the same rows in both."""

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        return self._columns

    @cached_property
    def _columns(self) -> list[str]:
        if self.path.suffix == ".parquet":
            return [str(name) for name in parquet_file(self.path).schema_arrow.names]
        parts = text_parts(self.path, self.encoding)
        return super().columns if parts is None else parts.layout.header

    @property
    def n_rows(self) -> int:
        """Number of rows of the file."""
        return self._sampled[1]

    @property
    def is_sampled(self) -> bool:
        """Whether `frame` lacks rows of the file."""
        return len(self.frame) < self.n_rows

    @cached_property
    def frame(self) -> pd.DataFrame:
        """Some of the rows."""
        return self._sampled[0]

    @cached_property
    def _sampled(self) -> tuple[pd.DataFrame, int]:
        check_packed(self.path)
        sample, n_rows = RowSample(), 0
        for part, lines in frames(self.path, self.encoding, (), ()):
            check_finite(part, self.path, lines)
            sample.add(part, n_rows, ())
            n_rows += len(part)
        return sample.frame(), n_rows

    def strings(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns of the sampled rows as the exact strings of the file."""
        sample, n_rows = RowSample(), 0
        for part, _ in self._parts(columns):
            sample.add(part, n_rows, ())
            n_rows += len(part)
        return sample.frame()

    def values(self, columns: Sequence[str]) -> pd.DataFrame:
        """The sampled rows of some columns, and behind them the values that the sample lacks, of one column all."""
        sampled = self.strings(columns)
        if len(columns) > 1:
            return sampled
        known = pd.unique(sampled.iloc[:, 0])
        further: list[pd.Series] = []
        for part, _ in self._parts(columns):
            new = part.iloc[:, 0].drop_duplicates()
            new = new[~new.isin(known)]
            known = np.concatenate([np.asarray(known, dtype=object), new.to_numpy(dtype=object)])
            further.append(new)
            if len(known) > MOST_DISTINCT:
                break
        rest = pd.concat([sampled.iloc[:, 0], *further], ignore_index=True)
        return rest.to_frame(columns[0])

    def exact(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns of all rows."""
        parts = frames(self.path, self.encoding, (), (), only=columns)
        return pd.concat([part for part, _ in parts], ignore_index=True)

    def check_ids(self, competition: Competition) -> None:
        """Refuse ids that are missing or come twice."""
        self.keys(competition)

    def keys(self, competition: Competition) -> Keys:
        """The ids of all rows, checked."""
        ids = list(competition.id)
        blocks, numbers = [], []
        for part, lines in self._parts(ids):
            missing = np.argwhere(part[ids].isna().to_numpy())
            if len(missing):
                row, column = missing[0]
                raise DataError(f"`{self.name}` line {lines[row]}: id `{ids[column]}` is missing", "fill it in")
            blocks.append(words_of(part[ids]))
            numbers.append(lines)
        keys = Keys.joined(blocks)
        twice = keys.first_twice()
        if twice is not None:
            line = np.concatenate(numbers)[twice[0]]
            value = show_id(self.id_of(ids, twice[0]))
            raise DataError(
                f"`{self.name}` line {line}: id {value} appears a second time",
                "remove the duplicate, or name all id columns with `--id`",
            )
        return keys

    def id_of(self, ids: Sequence[str], row: int) -> "pd.Series[str]":
        """The id of a row."""
        for part, _ in self._parts(ids):
            if row < len(part):
                return part[list(ids)].iloc[row]
            row -= len(part)
        raise IndexError(row)

    def line_of(self, row: int) -> int:
        """Line of a row."""
        for part, lines in self._parts(self.columns[:1]):
            if row < len(part):
                return int(lines[row])
            row -= len(part)
        raise IndexError(row)

    def check_target(self, competition: Competition) -> None:
        """Refuse targets that cannot be learned."""
        columns = [c for c in competition.target if c in self.columns]
        seen: set[int] = set()
        for part, lines in self._parts(columns or self.columns[:1]):
            y = encode_target(part, competition, self.path, lines)
            seen |= set(np.unique(y).tolist()) if competition.labels else set()
        if competition.labels:
            check_classes(np.array(sorted(seen)), competition, self.path)

    def _parts(self, columns: Sequence[str]) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        for part, lines in frames(self.path, self.encoding, columns, (), only=columns):
            yield part[list(columns)], lines


def check_same_ids(competition: Competition, test: RawTable, sample: RawTable) -> None:
    """Refuse ids of large files that are not the same in test and sample.

    Raises:
        DataError: With the line of the first one that the other lacks.
    """
    own, others = (large(table).keys(competition) for table in (sample, test))
    for table, keys, other, known in ((sample, own, test, others), (test, others, sample, own)):
        unknown = np.flatnonzero(known.rows_of(keys) < 0)
        if len(unknown):
            row, names = int(unknown[0]), " and ".join(f"`{c}`" for c in competition.id)
            value = ", ".join(large(table).id_of(competition.id, row))
            more = f", like {len(unknown) - 1} more" if len(unknown) > 1 else ""
            raise DataError(
                f"`{table.name}` line {large(table).line_of(row)}: {names} `{value}` is not in `{other.name}`{more}",
                "download both files again, or name the right ones with `--test` and `--sample`",
            )


def large(table: RawTable) -> LargeRawTable:
    """A table that is read in parts, whatever its size."""
    return table if isinstance(table, LargeRawTable) else LargeRawTable(table.path, table.encoding)
