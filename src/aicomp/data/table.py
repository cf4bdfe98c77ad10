"""The noun Table: typed columns that are written once and mapped by every process that trains."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from aicomp.data.columns import Column, joined
from aicomp.data.values import CONVERT, TimeFormat, as_seconds, as_strings
from aicomp.errors import DataError


@dataclass(frozen=True)
class Table:
    """Columns of one table, without those of kind "drop".

    Attributes:
        n_rows: Number of rows.
        numbers: Numbers, codes, booleans (0 and 1) and times (seconds since 1970-01-01): float64 (n_rows,), NaN is
            missing.
        codes: Categories, texts and names of files: int32 (n_rows,), an index into `levels`, -1 is missing.
        levels: Distinct strings of each column of `codes`, sorted; train and test share them.
        media: Decoded files that the columns of a kind name, see `Media.files`, by kind; where they are needed.
        sides: See `Media.sides`, by kind.
    """

    n_rows: int
    numbers: dict[str, np.ndarray]
    codes: dict[str, np.ndarray]
    levels: dict[str, list[str]]
    media: Mapping[str, np.ndarray] = field(default_factory=dict)
    sides: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def build(
        cls, frame: pd.DataFrame, columns: Sequence[Column], times: Mapping[str, TimeFormat] | None = None
    ) -> "Table":
        """Convert a frame.

        Args:
            frame: The rows.
            columns: Columns that are wanted.
            times: How times are written, by column; those that are not named are found out.

        Raises:
            DataError: A column is absent, or a value does not fit the kind of its column.
        """
        absent = [c.name for c in columns if c.kind != "drop" and c.name not in frame.columns]
        if absent:
            raise DataError(
                f"the table has no column `{absent[0]}`", f"its columns: {', '.join(map(str, frame.columns))}"
            )
        series = {c.name: frame[c.name] for c in columns if c.kind != "drop"}
        return cls._from_series(series, columns, len(frame), times or {})

    @classmethod
    def build_pair(cls, train: pd.DataFrame, test: pd.DataFrame, columns: Sequence[Column]) -> tuple["Table", "Table"]:
        """Convert train and test with levels in common, so that a code means the same string in both.

        Raises:
            DataError: A value does not fit the kind of its column.
        """
        both = {c.name: joined(train[c.name], test[c.name]) for c in columns if c.kind != "drop"}
        table = cls._from_series(both, columns, len(train) + len(test), {})
        return table._slice(0, len(train)), table._slice(len(train), table.n_rows)

    @classmethod
    def _from_series(
        cls, series: dict[str, pd.Series], columns: Sequence[Column], n_rows: int, times: Mapping[str, TimeFormat]
    ) -> "Table":
        table = cls(n_rows, {}, {}, {})
        for column in columns:
            if column.name in times:
                table.numbers[column.name] = as_seconds(series[column.name], times[column.name])
            elif column.kind in CONVERT:
                table.numbers[column.name] = CONVERT[column.kind](series[column.name])
            elif column.kind != "drop":
                codes, levels = pd.factorize(as_strings(series[column.name]), sort=True)
                table.codes[column.name] = codes.astype(np.int32)
                table.levels[column.name] = [str(level) for level in levels]
        return table

    def take(self, rows: np.ndarray) -> "Table":
        """Some of the rows, by their numbers; levels stay."""
        numbers = {name: a[rows] for name, a in self.numbers.items()}
        codes = {name: a[rows] for name, a in self.codes.items()}
        return replace(self, n_rows=len(rows), numbers=numbers, codes=codes)

    def values(self, column: str) -> np.ndarray:
        """A column's numbers or codes, (n_rows,)."""
        return self.numbers[column] if column in self.numbers else self.codes[column]

    def with_values(self, changed: Mapping[str, np.ndarray]) -> "Table":
        """The table with other numbers, or other codes of its levels, in some columns."""
        numbers = {name: changed.get(name, a) for name, a in self.numbers.items()}
        codes = {name: changed.get(name, a) for name, a in self.codes.items()}
        return replace(self, numbers=numbers, codes=codes)

    def _slice(self, start: int, stop: int) -> "Table":
        numbers = {name: a[start:stop] for name, a in self.numbers.items()}
        codes = {name: a[start:stop] for name, a in self.codes.items()}
        return Table(stop - start, numbers, codes, self.levels)

    def save(self, path: Path) -> None:
        """Write a safetensors file: a tensor per column, and the levels as a tensor of UTF-8 JSON."""
        levels = np.frombuffer(json.dumps(self.levels, ensure_ascii=False).encode(), dtype=np.uint8)
        tensors = {f"number:{name}": np.ascontiguousarray(a) for name, a in self.numbers.items()}
        tensors |= {f"code:{name}": np.ascontiguousarray(a) for name, a in self.codes.items()}
        save_file({**tensors, "levels": levels}, path, metadata={"n_rows": str(self.n_rows)})

    @classmethod
    def load(cls, path: Path) -> "Table":
        """Map a saved table into memory: columns are read-only views of the file, shared by all processes."""
        # safetensors' own loader copies. Its format is a length, a JSON header with offsets, and the raw tensors.
        raw = np.memmap(path, mode="r", dtype=np.uint8)
        n_header = int(raw[:8].view("<u8")[0])
        header: dict[str, Any] = json.loads(raw[8 : 8 + n_header].tobytes())
        n_rows = int(header.pop("__metadata__")["n_rows"])
        dtypes = {"F64": np.float64, "I32": np.int32, "U8": np.uint8}  # what `save` writes
        arrays = {}
        for key, entry in header.items():
            start, stop = (8 + n_header + offset for offset in entry["data_offsets"])
            arrays[key] = raw[start:stop].view(dtypes[entry["dtype"]])
        levels: dict[str, list[str]] = json.loads(arrays.pop("levels").tobytes())
        return cls(n_rows, _with_prefix(arrays, "number:"), _with_prefix(arrays, "code:"), levels)


def _with_prefix(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {key.removeprefix(prefix): a for key, a in arrays.items() if key.startswith(prefix)}
