"""A table of strings that is too large to be held: read from its file, part by part, whenever something is asked."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import pandas as pd

from aicomp.data.parts import text_parts
from aicomp.data.reading import read_table
from aicomp.grading.keys import Keys, words_of
from aicomp.grading.text_table import TextTable, read_text_table, to_numbers

_PREPARED = 2**29
"""Most bytes of numbers that are kept from one reading for the checks that follow."""


class Source(Protocol):
    """Where the rows come from, part by part."""

    def frames(self, strings: Sequence[str], *, only: Sequence[str]) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """Some rows, at least one, as strings, and the line of each."""


class LargeTextTable(TextTable):
    """As `TextTable`, with the same answers and the same errors; `frame` reads the whole.

    Args:
        source: Of the rows.
        header: Names of the columns.
        name: What messages call it.
        delimiter: Character between fields.
        path: The file, None if there is none.
        encoding: Of its text.
    """

    is_large: ClassVar[bool] = True

    def __init__(
        self,
        source: Source,
        header: Sequence[str],
        name: str,
        *,
        delimiter: str = ",",
        path: Path | None = None,
        encoding: str = "utf-8",
    ) -> None:
        own = {"_source": source, "_header": list(header), "_path": path, "_encoding": encoding, "_starts": []}
        kept: dict[str, Any] = {"_keys": {}, "_values": {}, "_missing": {}, "_lines": [], "_checked": set()}
        for key, value in {**own, **kept, "name": name, "delimiter": delimiter, "lines": None}.items():
            object.__setattr__(self, key, value)  # the base is frozen

    _source: Source
    _header: list[str]
    _path: Path | None
    _encoding: str
    _starts: list[int]  # number of the first row of each part, and of all rows
    _lines: list[np.ndarray | int]  # lines of each part; where they follow each other, the first
    _keys: dict[tuple[str, ...], Keys]
    _values: dict[str, np.ndarray]
    _missing: dict[str, tuple[int, int]]
    _checked: set[tuple[str, ...]]

    @property
    def frame(self) -> pd.DataFrame:
        """All rows, which may not fit into memory."""
        if self._path is not None:
            return read_table(self._path, strings=self._header, encoding=self._encoding)
        return pd.concat([part for _, part in self.pieces(self._header)], ignore_index=True)

    def __len__(self) -> int:
        self._see()
        return self._starts[-1]

    @property
    def header(self) -> list[str]:  # noqa: D102 - as in TextTable
        return self._header

    def line(self, row: int) -> int:  # noqa: D102
        self._see()
        part = int(np.searchsorted(self._starts, row, side="right")) - 1
        lines, row = self._lines[part], row - self._starts[part]
        return int(lines[row]) if isinstance(lines, np.ndarray) else lines + row

    def pieces(self, columns: Sequence[str]) -> Iterator[tuple[int, pd.DataFrame]]:  # noqa: D102
        start = 0
        for frame, _ in self._source.frames(self._header, only=columns or self._header[:1]):
            yield start, frame[list(columns)]
            start += len(frame)

    def moved(self, path: Path) -> "LargeTextTable":  # noqa: D102
        object.__setattr__(self, "_source", replace(self._source, path=path))  # type: ignore[type-var]
        object.__setattr__(self, "_path", path)
        return self

    def row(self, row: int, columns: Sequence[str]) -> "pd.Series[str]":  # noqa: D102
        for start, piece in self.pieces(columns):
            if row < start + len(piece):
                return piece.iloc[row - start]
        raise IndexError(row)

    def prepare(self, ids: Sequence[str], numbers: Sequence[str]) -> None:
        """Read at once what will be asked: each question alone would read the file again."""
        if all(column in self._header for column in (*ids, *numbers)):
            self._scan(tuple(ids), numbers)

    def missing(self, column: str) -> tuple[int, int]:  # noqa: D102
        if column not in self._missing:
            self._scan((), (), [column])
        return self._missing[column]

    def strings(self, column: str) -> np.ndarray:  # noqa: D102
        parts = [part[column].fillna("").map(str).to_numpy(dtype=object) for _, part in self.pieces([column])]
        return np.concatenate(parts)

    def check_ids(self, columns: Sequence[str]) -> None:  # noqa: D102
        self.keys(columns)

    def keys(self, columns: Sequence[str]) -> Keys:  # noqa: D102
        names = tuple(columns)
        if names not in self._checked:
            self.need_columns(names)
            if names not in self._keys:
                self._scan(names, ())
            for column in names:
                self.need_values(column)
            twice = self._keys[names].first_twice()
            if twice is not None:
                self._fail_twice(names, *twice)
            self._checked.add(names)
        return self._keys[names]

    def ids(self, columns: Sequence[str]) -> pd.Index:  # noqa: D102
        self.check_ids(columns)
        frame = self.frame[list(columns)]
        return pd.Index(frame.iloc[:, 0]) if len(columns) == 1 else pd.MultiIndex.from_frame(frame)

    def _numbers(self, column: str) -> np.ndarray:
        if column not in self._values:
            self._scan((), [column])
        return self._values.pop(column)

    def _see(self) -> None:
        if not self._starts:
            self._scan((), ())

    def _scan(self, ids: tuple[str, ...], numbers: Sequence[str], others: Sequence[str] = ()) -> None:
        """Read all parts once, and keep what they say of rows and missing fields, and of these columns."""
        columns = [*ids, *numbers, *others] or self._header[:1]
        starts, lines, missing = [0], list[np.ndarray | int](), dict.fromkeys(columns, (0, -1))
        blocks: list[np.ndarray] = []
        values: dict[str, list[np.ndarray]] = {name: [] for name in numbers}
        for frame, of_rows in self._source.frames(self._header, only=columns):
            lines.append(int(of_rows[0]) if of_rows[-1] - of_rows[0] == len(of_rows) - 1 else of_rows)
            for name in columns:
                missing[name] = _more_missing(missing[name], frame[name], starts[-1])
            if ids and not any(missing[name][0] for name in ids):
                blocks.append(words_of(frame[list(ids)]))
            for name in [*values]:
                values[name].append(to_numbers(frame[name]))
                if 8 * starts[-1] * len(values) > _PREPARED and len(values) > 1:
                    values.popitem()  # that one will be asked for later
            starts.append(starts[-1] + len(frame))
        self._starts[:], self._lines[:] = starts, lines
        self._missing.update(missing)
        if ids and not any(missing[name][0] for name in ids):
            self._keys[ids] = Keys.joined(blocks)
        self._values.update({name: np.concatenate([*parts, np.empty(0)]) for name, parts in values.items()})


def _more_missing(seen: tuple[int, int], column: pd.Series, start: int) -> tuple[int, int]:
    missing = column.isna().to_numpy()
    n = int(missing.sum())
    first = seen[1] if seen[0] or not n else start + int(np.argmax(missing))
    return seen[0] + n, first


def open_text_table(path: Path, *, encoding: str = "utf-8", name: str | None = None) -> TextTable:
    """As `read_text_table`, but a large file is read in parts, where that is possible; see `data.parts`.

    Raises:
        DataError: As `read_text_table`.
    """
    parts = text_parts(path, encoding)
    if parts is None:
        return read_text_table(path, encoding=encoding, name=name)
    layout = parts.layout
    return LargeTextTable(
        parts, layout.header, name or path.name, delimiter=layout.delimiter, path=path, encoding=encoding
    )
