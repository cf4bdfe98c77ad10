"""A table as the exact strings of a file, which can say on which line each row lies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NoReturn

import numpy as np
import pandas as pd

from aicomp.data.reading import read_table
from aicomp.data.source import decode, find_layout, read_bytes
from aicomp.errors import DataError
from aicomp.grading.keys import Keys
from aicomp.labels import nearest_label


@dataclass(frozen=True)
class TextTable:
    """Strings of a file and where they come from.

    Attributes:
        frame: The rows in the order of the file; every column holds strings, missing where the field is blank or NaN.
        name: What messages call it.
        lines: Line on which each row begins, (n_rows,) int64; None if the rows come from no file, and then they are
            counted as if below a header.
        delimiter: Character between fields.
    """

    frame: pd.DataFrame
    name: str
    lines: np.ndarray | None = field(default=None, repr=False)
    delimiter: str = ","

    is_large: ClassVar[bool] = False
    """Whether its rows are read from the file whenever they are needed; see `LargeTextTable`."""

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.frame)

    @property
    def header(self) -> list[str]:
        """Names of the columns."""
        return [str(c) for c in self.frame.columns]

    def pieces(self, columns: Sequence[str]) -> Iterator[tuple[int, pd.DataFrame]]:
        """Some columns, piece by piece with the number of its first row; here in one piece."""
        yield 0, self.frame[list(columns)]

    def prepare(self, ids: Sequence[str], numbers: Sequence[str]) -> None:
        """Read at once what will be asked of a large table; here it is in memory already.

        Args:
            ids: Columns that name a row.
            numbers: Columns of numbers.
        """

    def moved(self, path: Path) -> "TextTable":
        """The table after its file got another name."""
        return self

    def row(self, row: int, columns: Sequence[str]) -> "pd.Series[str]":
        """Some columns of one row."""
        return self.frame[list(columns)].iloc[row]

    def line(self, row: int) -> int:
        """Line of a row of `frame`, as an editor shows it."""
        return int(self.lines[row]) if self.lines is not None else row + 2

    def place(self, row: int) -> str:
        """Where a row lies, for a message."""
        return f"`{self.name}` line {self.line(row)}"

    def need_columns(self, columns: Sequence[str]) -> None:
        """Refuse a table that lacks one of these columns.

        Raises:
            DataError: With the first column that is absent and those that are there.
        """
        for column in columns:
            if column not in self.header:
                there = ", ".join(self.header)
                raise DataError(f"`{self.name}` has no column `{column}`", f"its columns: {there}")

    def refuse(self, bad: np.ndarray, column: str, why: str, hint: str) -> None:
        """Refuse the first bad row, if there is one.

        Args:
            bad: Which rows are bad, (n_rows,) bool.
            column: Column whose value is at fault.
            why: End of the message: what is wrong with the value.
            hint: What to do.

        Raises:
            DataError: With line, column, value and how many more rows are bad.
        """
        if bad.any():
            self.fail(int(np.argmax(bad)), column, why, hint, n_more=int(bad.sum()) - 1)

    def fail(self, row: int, column: str, why: str, hint: str, *, n_more: int = 0) -> NoReturn:
        """Refuse one row; see `refuse`."""
        more = "" if not n_more else f" ({n_more} more {'row' if n_more == 1 else 'rows'} like it)"
        raise DataError(f"{self.place(row)}: `{column}` is `{self.row(row, [column]).iloc[0]}`, {why}{more}", hint)

    def missing(self, column: str) -> tuple[int, int]:
        """How many fields of a column are blank or NaN, and the row of the first one, or -1."""
        missing = self.frame[column].isna().to_numpy()
        return int(missing.sum()), int(np.argmax(missing)) if missing.any() else -1

    def need_values(self, column: str) -> None:
        """Refuse a column with a blank or NaN field.

        Raises:
            DataError: With the line of the first one.
        """
        n, row = self.missing(column)
        if n:
            count = "" if n == 1 else f" (and in {n - 1} more rows)"
            raise DataError(f"{self.place(row)}: `{column}` is blank or NaN{count}", "every row needs a value")

    def numbers(self, column: str) -> np.ndarray:
        """A column as float64, (n_rows,).

        Raises:
            DataError: A field is blank, no number, or infinite.
        """
        self.need_values(column)
        numbers = self._numbers(column)
        self.refuse(np.isnan(numbers), column, "which is no number", "write a number such as `0.5`")
        self.refuse(np.isinf(numbers), column, "which is not finite", "write a finite number")
        return numbers

    def _numbers(self, column: str) -> np.ndarray:
        return to_numbers(self.frame[column])

    def strings(self, column: str) -> np.ndarray:
        """A column as strings, object (n_rows,); a blank or NaN field is an empty one."""
        return self.frame[column].fillna("").map(str).to_numpy(dtype=object)

    def codes(self, column: str, labels: Sequence[str]) -> np.ndarray:
        """A column of labels as int64 codes in the order of `labels`, (n_rows,).

        Raises:
            DataError: A field is blank, or spelled like none of the labels; the nearest one is named.
        """
        self.need_values(column)
        index = pd.Index(list(labels), dtype=object)
        parts = [index.get_indexer(pd.Index(part[column])) for _, part in self.pieces([column])]
        codes = np.concatenate([*parts, []]).astype(np.int64)
        if (codes < 0).any():
            near = nearest_label(self.row(int(np.argmax(codes < 0)), [column]).iloc[0], labels)
            known = ", ".join(f"`{label}`" for label in labels[:20]) + (" ..." if len(labels) > 20 else "")
            hint = f"write the labels exactly as train does: {known}"
            self.refuse(
                codes < 0, column, "which is no label", f"did you mean `{near}`? {hint}" if near is not None else hint
            )
        return codes

    def ids(self, columns: Sequence[str]) -> pd.Index:
        """What names each row: an index of strings, or of tuples if there are several id columns.

        Raises:
            DataError: An id column is absent, a value is missing, or two rows have the same id.
        """
        self.need_columns(columns)
        for column in columns:
            self.need_values(column)
        frame = self.frame[list(columns)]
        twice = frame.duplicated().to_numpy()
        if twice.any():
            row = int(np.argmax(twice))
            self._fail_twice(columns, row, int(np.argmax((frame == frame.iloc[row]).all(axis=1).to_numpy())))
        return pd.Index(frame.iloc[:, 0]) if len(columns) == 1 else pd.MultiIndex.from_frame(frame)

    def _fail_twice(self, columns: Sequence[str], row: int, first: int) -> NoReturn:
        raise DataError(
            f"{self.place(row)}: id {show_id(self.row(row, columns))} appears a second time, first on line "
            f"{self.line(first)}",
            "keep one row per id; if several columns name a row together, all of them are ids",
        )

    def check_ids(self, columns: Sequence[str]) -> None:
        """Refuse what `ids` refuses."""
        self.ids(columns)

    def keys(self, columns: Sequence[str]) -> Keys:
        """What names each row, as numbers.

        Raises:
            DataError: As `ids`.
        """
        self.check_ids(columns)
        return Keys.of(part for _, part in self.pieces(columns))


def to_numbers(strings: "pd.Series[str]") -> np.ndarray:
    """Strings as float64, NaN where one is no number."""
    return pd.to_numeric(strings.str.strip(), errors="coerce").to_numpy(dtype=np.float64)


def read_text_table(path: Path, *, encoding: str = "utf-8", name: str | None = None) -> TextTable:
    """Read a table with every column as the strings of the file.

    Args:
        path: A .csv, .tsv (also as .gz or .zip) or .parquet file.
        encoding: Of the text.
        name: What messages call it; None takes the file's name.

    Raises:
        DataError: As `read_table`.
    """
    if path.suffix == ".parquet":
        columns = [str(c) for c in read_table(path).columns]
        return TextTable(read_table(path, strings=columns), name or path.name)
    layout = find_layout(decode(read_bytes(path), path, encoding), path)
    frame = read_table(path, strings=layout.header, encoding=encoding)
    return TextTable(frame, name or path.name, np.array(layout.lines, dtype=np.int64), layout.delimiter)


def match_ids(expected: TextTable, given: TextTable, id_columns: Sequence[str]) -> np.ndarray:
    """Find the row of `expected` that each row of `given` belongs to; the order of rows does not matter.

    Args:
        expected: The table that says which ids there are.
        given: The table to check.
        id_columns: Columns that name a row in both; without any, rows belong together by their position.

    Returns:
        Row numbers into `expected`, int64, (n_rows,).

    Raises:
        DataError: An id is missing, unknown or there twice, with its line; lost leading zeros are named as such.
    """
    if not id_columns:
        if len(expected) != len(given):
            raise DataError(
                f"`{given.name}` has {len(given)} rows, `{expected.name}` has {len(expected)}", "write one row per row"
            )
        return np.arange(len(expected))
    if expected.is_large or given.is_large:
        rows = expected.keys(id_columns).rows_of(given.keys(id_columns))
    else:
        wanted, there = expected.ids(id_columns), given.ids(id_columns)
        rows = np.asarray(wanted.get_indexer(there), dtype=np.int64)
    extra = rows < 0
    if extra.any():
        _fail_on_extra(expected, given, id_columns, int(np.argmax(extra)), int(extra.sum()))
    absent = np.ones(len(expected), dtype=bool)
    absent[rows] = False
    if absent.any():
        n, row = int(absent.sum()), int(np.argmax(absent))
        more = "" if n == 1 else f" and for {n - 1} more"
        raise DataError(
            f"`{given.name}` has {len(given)} rows, {len(expected)} are needed: there is none for the id "
            f"{show_id(expected.row(row, id_columns))}{more}",
            f"write a row for every id of `{expected.name}`",
        )
    return rows


def show_id(values: "pd.Series[str]") -> str:
    """An id for a message: its values in backticks.

    >>> show_id(pd.Series(["007", "A"]))
    '`007`, `A`'
    """
    return ", ".join(f"`{v}`" for v in values)


def _fail_on_extra(expected: TextTable, given: TextTable, columns: Sequence[str], row: int, n_extra: int) -> NoReturn:
    strange = given.row(row, columns)
    message = f"{given.place(row)}: id {show_id(strange)} is not in `{expected.name}`"
    for _, piece in expected.pieces(columns):
        plain = piece.map(_plain_id)
        similar = np.flatnonzero((plain == strange.map(_plain_id)).all(axis=1).to_numpy())
        if len(similar):
            right = piece.iloc[similar[0]]
            raise DataError(
                f"{message}, which has {show_id(right)}: {_how_it_changed(strange, right)}",
                f"keep ids as text: `pd.read_csv(path, dtype={{'{columns[0]}': str}})`",
            )
    more = f" ({n_extra - 1} more like it)" if n_extra > 1 else ""
    raise DataError(f"{message}{more}", f"write one row for each id of `{expected.name}`")


def _plain_id(text: str) -> str:
    """An id without what programs that take it for a number change: blanks, case, leading zeros and a final ".0"."""
    text = text.strip().casefold()
    head, point, tail = text.partition(".")
    text = head if point and not tail.strip("0") else text
    return text.lstrip("0") or "0"


def _how_it_changed(given: "pd.Series[str]", right: "pd.Series[str]") -> str:
    for a, b in zip(given, right, strict=True):
        if a == b:
            continue
        if a.strip() != a or b.strip() != b:
            return "blanks around the id differ"
        if "." in a and "." not in b:
            return "the id was written as a decimal number"
        if b.startswith("0") and not a.startswith("0"):
            return "its leading zeros are lost"
    return "the id is spelled differently"
