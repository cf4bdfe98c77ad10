"""Typed tables of more rows than memory holds: written column by column in parts, and read in parts."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from aicomp.data.table import Table

_NAMES = {"float64": "F64", "float32": "F32", "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8"}
_DTYPES = {short: np.dtype(name) for name, short in _NAMES.items()}

READ_ROWS = 2**18
"""Rows that are read at once."""


class TableWriter:
    """Writes a table as `Table.save` does, in parts; numbers may be float32 and codes int16 or int8.

    Args:
        file: Opened for writing.
        n_rows: Rows of the table.
        numbers: Type of each column of numbers.
        codes: Type of each column of codes.
        levels: Levels of these.
    """

    def __init__(
        self,
        file: IO[bytes],
        n_rows: int,
        numbers: Mapping[str, np.dtype[Any]],
        codes: Mapping[str, np.dtype[Any]],
        levels: Mapping[str, list[str]],
    ) -> None:
        self._file = file
        raw_levels = json.dumps(dict(levels), ensure_ascii=False).encode()
        columns = {f"number:{name}": dtype for name, dtype in numbers.items()}
        columns |= {f"code:{name}": dtype for name, dtype in codes.items()}
        header: dict[str, Any] = {"__metadata__": {"n_rows": str(n_rows)}}
        at = 0
        # The widest first, so that each column begins at a multiple of its type's size.
        for key, dtype in sorted(columns.items(), key=lambda item: -item[1].itemsize):
            size = dtype.itemsize * n_rows
            header[key] = {"dtype": _NAMES[dtype.name], "shape": [n_rows], "data_offsets": [at, at + size]}
            at += size
        header["levels"] = {"dtype": "U8", "shape": [len(raw_levels)], "data_offsets": [at, at + len(raw_levels)]}
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        self._begin = 8 + len(text)
        self._columns = {key: (columns[key], header[key]["data_offsets"][0]) for key in columns}
        file.write(len(text).to_bytes(8, "little") + text)
        file.seek(self._begin + at)
        file.write(raw_levels)

    def write(self, key: str, start: int, values: np.ndarray) -> None:
        """Write some rows of a column.

        Args:
            key: "number:" or "code:" and the column's name.
            start: Number of the first row.
            values: Of these rows.
        """
        dtype, offset = self._columns[key]
        self._file.seek(self._begin + offset + dtype.itemsize * start)
        self._file.write(np.ascontiguousarray(values, dtype=dtype).tobytes())


class TableFile:
    """A saved table that is read in parts, and never mapped: pages of a mapped file count as memory of a process.

    Args:
        path: The file.

    Attributes:
        n_rows: Rows of the table.
        levels: See `Table.levels`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            n_header = int.from_bytes(file.read(8), "little")
            header: dict[str, Any] = json.loads(file.read(n_header))
            self.n_rows = int(header.pop("__metadata__")["n_rows"])
            entry = header.pop("levels")
            file.seek(8 + n_header + entry["data_offsets"][0])
            self.levels: dict[str, list[str]] = json.loads(file.read(entry["shape"][0]))
        self._columns = {
            key: (_DTYPES[entry["dtype"]], 8 + n_header + entry["data_offsets"][0]) for key, entry in header.items()
        }

    def chunk(self, start: int, stop: int) -> Table:
        """Some rows that follow each other, with numbers as float64 and codes as int32."""
        return self._table({key: self._read(key, start, stop) for key in self._columns}, stop - start)

    def chunks(self, size: int = READ_ROWS) -> Iterator[tuple[int, Table]]:
        """All rows, some at a time, with the number of the first."""
        for start in range(0, self.n_rows, size):
            yield start, self.chunk(start, min(start + size, self.n_rows))

    def codes(self, column: str, start: int, stop: int) -> np.ndarray:
        """Codes of some rows of one column."""
        return self._read(f"code:{column}", start, stop)

    def take(self, rows: np.ndarray) -> Table:
        """Some rows by their numbers, which rise."""
        arrays: dict[str, list[np.ndarray]] = {key: [] for key in self._columns}
        for start in range(0, self.n_rows, READ_ROWS):
            stop = min(start + READ_ROWS, self.n_rows)
            first, last = np.searchsorted(rows, [start, stop])
            for key in self._columns if last > first else ():
                arrays[key].append(self._read(key, start, stop)[rows[first:last] - start])
        joined = {key: np.concatenate(parts) if parts else np.empty(0) for key, parts in arrays.items()}
        return self._table(joined, len(rows))

    def _read(self, key: str, start: int, stop: int) -> np.ndarray:
        dtype, offset = self._columns[key]
        return np.fromfile(self._path, dtype=dtype, count=stop - start, offset=offset + dtype.itemsize * start)

    def _table(self, arrays: dict[str, np.ndarray], n_rows: int) -> Table:
        numbers, codes = {}, {}
        for key, values in arrays.items():
            kind, _, name = key.partition(":")
            if kind == "number":
                numbers[name] = values.astype(np.float64)
            else:
                codes[name] = values.astype(np.int32)
        return Table(n_rows, numbers, codes, self.levels)


def smallest_integer(n_levels: int) -> np.dtype[Any]:
    """The smallest type that holds -1 and codes below `n_levels`.

    >>> smallest_integer(128), smallest_integer(129)
    (dtype('int8'), dtype('int16'))
    """
    return next(np.dtype(t) for t in (np.int8, np.int16, np.int32) if n_levels - 1 <= np.iinfo(t).max)
