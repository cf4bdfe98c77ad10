"""Raw files into a `pandas.DataFrame`, or an error with file, line, column and value."""

import io
import warnings
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.data.source import Layout, decode, decode_leniently, find_layout, read_bytes
from aicomp.errors import DataError, UsageError

MISSING = frozenset(
    ["", "?", "-", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL", "Null", "None", "none"]
)
"""Spellings of a missing value, blanks around them aside."""

# Ids and labels are read as they stand: "NA" may be a country and "None" a class.
_MISSING_STRINGS = ["", "NaN", "nan"]


def read_pair(
    train: Path, test: Path, *, strings: Collection[str] = (), encoding: str = "utf-8"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read train and test as `read_table` does, and a column that holds strings in one as strings in both.

    Else "007" would be the number 7 in the file where that column happens to hold digits alone, and no longer the
    category that it is in the other.

    Args:
        train: File of train.
        test: File of test.
        strings: Columns kept as the exact strings of the files.
        encoding: Of both texts.

    Raises:
        DataError: As `read_table`.
        UsageError: As `read_table`.
    """
    frames = {path: read_table(path, strings=strings, encoding=encoding) for path in (train, test)}
    for path, other in ((train, test), (test, train)):
        shared = [name for name in frames[path].columns if name in frames[other].columns]
        texts = [name for name in shared if _is_numbers(frames[path][name]) and is_strings(frames[other][name])]
        if texts and path.suffix != ".parquet":  # parquet knows its types
            frames[path] = read_table(path, strings=strings, texts=texts, encoding=encoding)
    return frames[train], frames[test]


def _is_numbers(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and column.notna().any())


def is_strings(column: pd.Series) -> bool:
    """Whether a column was read as strings, and not all of it is missing."""
    return bool(column.dtype == object or isinstance(column.dtype, pd.StringDtype)) and bool(column.notna().any())


def read_table(
    path: Path,
    *,
    strings: Collection[str] = (),
    texts: Collection[str] = (),
    encoding: str = "utf-8",
    need_rows: bool = True,
) -> pd.DataFrame:
    """Read a .csv, .tsv (also as .gz or .zip) or .parquet file.

    Values are stripped of blanks, the spellings in `MISSING` become missing, and a column whose other values are all
    numbers is one of numbers. The delimiter is a comma, or a tab or semicolon if the header has no comma.

    Args:
        path: The file.
        strings: Columns kept as the exact strings of the file ("007", "True", "1.0"); only blank and NaN are missing.
            Names that the file does not have are ignored.
        texts: Columns of a text file kept as strings, stripped and without the spellings in `MISSING`, even if all of
            them are numbers.
        encoding: Of the text.
        need_rows: Whether a file with a header alone is an error.

    Returns:
        The rows in the order of the file, with a RangeIndex.

    Raises:
        DataError: The file is missing, empty, ragged, of another encoding, unreadable, or repeats a column name.
        UsageError: A parquet file without pyarrow, or an unknown encoding.
    """
    frame = _read_parquet(path, strings) if path.suffix == ".parquet" else _read_text(path, strings, texts, encoding)
    if need_rows and not len(frame):
        raise DataError(f"`{path.name}` has a header and no rows", "download it again")
    return frame


def _read_text(path: Path, strings: Collection[str], texts: Collection[str], encoding: str) -> pd.DataFrame:
    text = decode(read_bytes(path), path, encoding)
    layout = find_layout(text, path)
    raw = text.encode(errors="surrogatepass")
    del text  # of a large file it is as large as the table
    return parse_text(raw, layout, path, strings, texts)


def parse_text(
    raw: bytes,
    layout: Layout,
    path: Path,
    strings: Collection[str],
    texts: Collection[str] = (),
    only: Collection[str] = (),
) -> pd.DataFrame:
    """The table in a text, or in a part of it.

    Args:
        raw: The text as UTF-8.
        layout: How it is cut into fields.
        path: Its file, for messages.
        strings: See `read_table`.
        texts: See `read_table`.
        only: Columns that are read; none for all.

    Raises:
        DataError: It cannot be read.
    """
    wanted = [name for name in layout.header if not only or name in set(only)]
    kept = [name for name in wanted if name in set(strings)]
    others = [name for name in wanted if name not in set(strings)]
    try:
        frame = _parse(raw, layout, kept, others, texts)
    except pd.errors.ParserError as e:
        raise DataError(f"`{path.name}` cannot be read: {e}", "open it in an editor and correct it") from e
    if len(frame) != len(layout.lines):
        raise DataError(
            f"`{path.name}` reads as {len(frame)} rows but has {len(layout.lines)}",
            "look for rows of blanks and for quotes that are not closed",
        )
    for name in kept:
        frame[name] = _without_blanks(frame[name])
    for name in others:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            decimals = None if name in texts else "," if layout.delimiter == ";" else "."
            frame[name] = _clean(frame[name], decimals)
    return frame


def _parse(
    raw: bytes, layout: Layout, kept: list[str], others: list[str], texts: Collection[str], again: Collection[str] = ()
) -> pd.DataFrame:
    """The table in a text, each column of one type.

    pandas reads a part of the rows after the other, which takes a quarter of the memory. A column that holds numbers in
    one part and strings in another is read again, as strings.

    Args:
        raw: The text as UTF-8.
        layout: How it is cut into fields.
        kept: Columns that are read as they stand.
        others: The other columns.
        texts: Those of them that are strings even if all are numbers.
        again: Columns to read alone, as strings; none for all that are named.
    """
    strings = [*kept, *(name for name in others if name in set(texts)), *again]
    read = set(again) or {*kept, *others}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)
        frame = pd.read_csv(
            io.BytesIO(raw),
            sep=layout.delimiter,
            header=0,
            names=layout.header,
            usecols=[name for name in layout.header if name in read] if len(read) < len(layout.header) else None,
            index_col=False,
            dtype=dict.fromkeys(strings, str),
            keep_default_na=False,
            na_values={**dict.fromkeys(kept, _MISSING_STRINGS), **dict.fromkeys(others, sorted(MISSING))},
            skipinitialspace=layout.skip_blanks,
            encoding_errors="surrogatepass",
        )
    read -= set(strings)
    mixed = [name for name in others if name in read and _is_mixed(frame[name])]
    if mixed:
        as_strings = _parse(raw, layout, kept, others, texts, mixed)
        for name in mixed:
            frame[name] = as_strings[name]
    return frame


def _is_mixed(column: pd.Series) -> bool:
    """Whether a column holds values of several types."""
    if column.dtype != object:
        return False
    return pd.api.types.infer_dtype(column, skipna=True) not in ("string", "boolean", "empty")


def _without_blanks(column: pd.Series) -> pd.Series:
    """Take blank and NaN out of strings that otherwise stay as they are."""
    return column.mask(column.str.strip().isin(_MISSING_STRINGS))


def _clean(column: pd.Series, decimals: str | None = ".") -> pd.Series:
    """Strip strings and take missing spellings out; numbers if all of them are, unless `decimals` is None."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, levels = column.cat.codes.to_numpy(), column.cat.categories.astype(object)
    else:  # each distinct string is looked at once, and is in memory once
        codes, levels = pd.factorize(column.astype(object))
    distinct = pd.Series(levels).map(str, na_action="ignore").astype(object).str.strip()
    distinct = distinct.mask(distinct.isin(MISSING))
    if decimals is not None:
        distinct = _numbers_if_all(distinct, decimals)
    values = distinct.to_numpy()
    values = values[codes] if (codes >= 0).all() else np.append(values, [np.nan])[codes]
    return pd.Series(values, index=column.index, name=column.name, dtype=values.dtype)


def _numbers_if_all(column: pd.Series, decimals: str = ".") -> pd.Series:
    """Turn strings into numbers if all of them are."""
    as_text = column if decimals == "." else column.str.replace(decimals, ".", regex=False)
    numbers = pd.to_numeric(as_text, errors="coerce")
    return numbers if (numbers.isna() == column.isna()).all() else column


def _read_parquet(path: Path, strings: Collection[str]) -> pd.DataFrame:
    if not path.exists():
        raise DataError(f"`{path}` does not exist", "put the file there, or correct its name in competition.toml")
    if not path.stat().st_size:
        raise DataError(f"`{path.name}` is empty", "download it again")
    try:
        import pyarrow
    except ImportError:
        raise UsageError(f"`{path.name}` needs the package pyarrow", "run `pip install 'aicomp[parquet]'`") from None
    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except (pyarrow.ArrowException, OSError) as e:
        raise DataError(f"`{path.name}` cannot be read as parquet: {e}", "download it again") from e
    return clean_parquet(frame.reset_index(drop=True), strings)


def clean_parquet(frame: pd.DataFrame, strings: Collection[str], texts: Collection[str] = ()) -> pd.DataFrame:
    """Columns of a parquet file as those of a text file would be read; see `read_table`."""
    for name in frame.columns:
        if name in strings:
            frame[name] = _without_blanks(frame[name].map(str, na_action="ignore").astype(object))
        elif frame[name].dtype == object or isinstance(frame[name].dtype, pd.StringDtype | pd.CategoricalDtype):
            frame[name] = _clean(frame[name], None if name in texts else ".")
    return frame


def line_numbers(path: Path) -> np.ndarray:
    """Line on which each data row of a file begins, as an editor shows it; the header of a CSV is line 1.

    A parquet file has no lines: its rows are counted as if a header stood before them.

    Returns:
        int64, (n_rows,).
    """
    if path.suffix == ".parquet":
        return np.arange(len(_read_parquet(path, ()))) + 2
    return find_layout(decode_leniently(read_bytes(path)), path).lines


def check_finite(frame: pd.DataFrame, path: Path, lines: np.ndarray | None = None) -> None:
    """Refuse infinite numbers.

    Args:
        frame: A table with the rows of the file, in its order.
        path: The file, for messages.
        lines: Line of each row; None looks them up in the file.

    Raises:
        DataError: With line, column and value of the first one.
    """
    for name in frame.columns:
        if not pd.api.types.is_float_dtype(frame[name]):
            continue
        infinite = np.flatnonzero(np.isinf(frame[name].to_numpy(dtype=np.float64, na_value=np.nan)))
        if len(infinite):
            row = infinite[0]
            line = (line_numbers(path) if lines is None else lines)[row]
            raise DataError(
                f"`{path.name}` line {line}: `{name}` is `{frame[name].iloc[row]}`, which is not finite",
                "write a number there, or leave the field empty",
            )


def parse_numbers(series: pd.Series, *, file: Path, column: str, lines: np.ndarray | None = None) -> np.ndarray:
    """Numbers of a column that was read as strings, such as a target.

    Args:
        series: Strings of the file, in its order; missing ones become NaN.
        file: The file, for messages.
        column: The column, for messages.
        lines: Line of each row; None looks them up in the file.

    Returns:
        float64, (n,).

    Raises:
        DataError: A value is no finite number, with its line.
    """
    numbers = pd.to_numeric(series.str.strip(), errors="coerce").to_numpy(dtype=np.float64)
    bad = np.flatnonzero((np.isnan(numbers) & series.notna().to_numpy()) | np.isinf(numbers))
    if len(bad):
        raise DataError(
            f"`{file.name}` line {(line_numbers(file) if lines is None else lines)[bad[0]]}: "
            f"`{column}` is `{series.iloc[bad[0]]}`, "
            "which is no number",
            "write a number there; if the values are classes, correct `problem_type` in competition.toml",
        )
    return numbers
