"""A column's values as strings, numbers, booleans or seconds; a value that does not fit is an error."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aicomp.data.dates import parse_date_numbers, parse_dates, parse_times, read_dates, to_seconds
from aicomp.errors import DataError

# Words of one family may be mixed in a column ("Yes", "N"); across families only long words may, as "t" beside "y" and
# "n" is more likely a third category than a third spelling.
_FAMILIES = (("true", "t", "false", "f"), ("yes", "y", "no", "n"), ("on", "off"))
_LONG_WORDS = frozenset(w for family in _FAMILIES for w in family if len(w) > 1)
_TRUE = frozenset(["true", "t", "yes", "y", "on", "1"])


def as_strings(values: pd.Series) -> pd.Series:
    """Strings, missing ones NaN: whole numbers without a decimal point, so that 3 and 3.0 are one category."""
    if pd.api.types.is_bool_dtype(values) or isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    if pd.api.types.is_numeric_dtype(values):
        codes, distinct = pd.factorize(values)
        texts = [_number_text(v) for v in distinct] + [np.nan]
        return pd.Series(np.array(texts, dtype=object)[codes], index=values.index, name=values.name, dtype=object)
    if pd.api.types.infer_dtype(values, skipna=True) == "string":
        codes, distinct = pd.factorize(values)  # each distinct string is worked on once, and is in memory once
        texts = [text.strip() for text in distinct] + [np.nan]
        return pd.Series(np.array(texts, dtype=object)[codes], index=values.index, name=values.name, dtype=object)
    return values.map(_text, na_action="ignore").astype(object)


def _number_text(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _text(value: object) -> str:
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return _number_text(float(value))
    return str(value).strip()


def as_numbers(values: pd.Series) -> np.ndarray:
    """float64 (n,), NaN where missing; time spans in seconds. Infinity, of a division by 0, is the largest float.

    Raises:
        DataError: A value is no number.
    """
    if pd.api.types.is_numeric_dtype(values):  # numpy's and pandas' own integers, floats and booleans
        return _finite(values.to_numpy(dtype=np.float64, na_value=np.nan))
    if pd.api.types.is_timedelta64_dtype(values):
        return np.asarray(values.dt.total_seconds(), dtype=np.float64)
    if pd.api.types.is_datetime64_any_dtype(values):
        raise _misfit(values, np.ones(len(values), dtype=bool), "number")
    numbers = pd.to_numeric(as_strings(values), errors="coerce").to_numpy(dtype=np.float64)
    _check(values, numbers, "number")
    return _finite(numbers)


def _finite(numbers: np.ndarray) -> np.ndarray:
    largest = np.finfo(np.float64).max
    return numbers.clip(-largest, largest) if np.isinf(numbers).any() else numbers


def is_boolean_words(words: set[str]) -> bool:
    """Whether lowercase words are spellings of true and false; digits alone are not."""
    return bool(words - {"0", "1"}) and any(words <= {*family, "0", "1"} for family in (*_FAMILIES, _LONG_WORDS))


def as_booleans(values: pd.Series) -> np.ndarray:
    """float64 (n,): 1 for true, 0 for false, NaN where missing.

    Raises:
        DataError: A value is no spelling of true or false.
    """
    words = as_strings(values).str.lower()
    known = {*_LONG_WORDS, *(w for family in _FAMILIES for w in family), "0", "1"}
    meanings = words.map({w: float(w in _TRUE) for w in known}).to_numpy(dtype=np.float64)
    _check(values, meanings, "boolean")
    return meanings


@dataclass(frozen=True)
class TimeFormat:
    """How the times of a column are written, found once in train and test, so that later rows are read alike.

    Attributes:
        written: "times" (of pandas' own type), "dates" (numbers such as 20120313), "seconds" or "milliseconds" since
            1970, or a format of `parse_dates`.
        to_utc: Whether times are taken to UTC; else a zone is left out.
    """

    written: str
    to_utc: bool = False


def time_format(values: pd.Series) -> TimeFormat:
    """How a column's times are written.

    Numbers are dates such as 20120313 if all of them can be, else seconds since 1970 (milliseconds beyond 1e11).

    Raises:
        DataError: A value is no date or time, or the values are in more than one format.
    """
    if pd.api.types.is_datetime64_any_dtype(values):
        return TimeFormat("times")
    if pd.api.types.is_numeric_dtype(values):
        if parse_date_numbers(values) is not None:
            return TimeFormat("dates")
        largest = np.nanmax(np.abs(as_numbers(values)), initial=0)
        return TimeFormat("milliseconds" if largest > 1e11 else "seconds")
    return _text_format(values)[1]


def _text_format(values: pd.Series) -> tuple[np.ndarray, TimeFormat]:
    """Times that are written as text, as seconds, and how they are written."""
    texts = as_strings(values)
    parsed = parse_times(texts)
    if parsed is None:
        fits = texts.map({t: parse_dates(pd.Series([t])) is not None for t in texts.dropna().unique()})
        wrong = (fits == False).to_numpy(dtype=bool)  # noqa: E712 - NaN is missing, not wrong
        raise _misfit(values, wrong if wrong.any() else texts.notna().to_numpy(), "datetime")
    return parsed[0], TimeFormat(*parsed[1:])


def as_seconds(values: pd.Series, format_: TimeFormat | None = None) -> np.ndarray:
    """Seconds since 1970-01-01, float64 (n,), NaN where missing.

    Args:
        values: The column.
        format_: How its times are written; None finds it out.

    Raises:
        DataError: A value is no date or time, or is in another format.
    """
    is_text = not pd.api.types.is_datetime64_any_dtype(values) and not pd.api.types.is_numeric_dtype(values)
    if format_ is None and is_text:
        return _text_format(values)[0]
    format_ = format_ or time_format(values)
    if format_.written in ("seconds", "milliseconds"):
        return as_numbers(values) / (1000 if format_.written == "milliseconds" else 1)
    if format_.written == "times" and pd.api.types.is_datetime64_any_dtype(values):
        return to_seconds(values)
    if format_.written == "times":
        seconds = np.full(len(values), np.nan)
    else:
        shown = "YYYYMMDD" if format_.written == "dates" else format_.written
        seconds = read_dates(as_strings(values), shown, to_utc=format_.to_utc)
    _check(values, seconds, "datetime")
    return seconds


def _check(values: pd.Series, converted: np.ndarray, kind: str) -> None:
    wrong = np.isnan(converted) & values.notna().to_numpy()
    if wrong.any():
        raise _misfit(values, wrong, kind)


def _misfit(values: pd.Series, wrong: np.ndarray, kind: str) -> DataError:
    value = values.iloc[int(np.flatnonzero(wrong)[0])]
    noun = {
        "number": "number",
        "boolean": "spelling of true or false",
        "datetime": "date or time in the column's format",
    }
    return DataError(
        f"`{values.name}` is to be taken as {kind}, but its value `{value}` is no {noun[kind]}",
        f'set `"{values.name}" = "category"` under [columns] in aicomp.toml, or correct the value',
    )


CONVERT: dict[str, Callable[[pd.Series], np.ndarray]] = {
    "number": as_numbers,
    "code": as_numbers,
    "boolean": as_booleans,
    "datetime": as_seconds,
}
"""How the values of a kind become float64; the other kinds are strings."""
