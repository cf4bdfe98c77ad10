"""Times as numbers of regular steps: quarters, months, weeks, days, hours, or whatever a column counts in."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from aicomp.data.dates import find_misfit, parse_date_numbers, parse_times, read_dates, to_seconds
from aicomp.data.reading import line_numbers
from aicomp.data.values import as_strings
from aicomp.errors import DataError

Unit = Literal["month", "second", "number"]

_DAY = 86400
_LEAST_PRESENT = 0.3
"""Share of the steps between the first and the last time that must occur: trading days have 0.69 of all days."""

_NAMES = {("month", 1): "month", ("month", 3): "quarter", ("month", 12): "year", ("second", _DAY): "day",
          ("second", 7 * _DAY): "week", ("second", 3600): "hour", ("second", 60): "minute"}  # fmt: skip
_LONGER = (("week", 7 * _DAY), ("day", _DAY), ("hour", 3600), ("minute", 60))
_SEASONS: dict[tuple[str, int], tuple[float, ...]] = {
    ("month", 1): (12,),
    ("month", 2): (6,),
    ("month", 3): (4,),
    ("month", 6): (2,),
    ("second", 7 * _DAY): (52,),
    ("second", _DAY): (7, 365.25),
}
"""Steps after which the calendar comes round, the one that is looked at first in front."""


@dataclass(frozen=True)
class Times:
    """Times as they are written, read.

    Attributes:
        values: Seconds or months since 1970-01-01, or the numbers of the file, float64 (n,), NaN where missing.
        written: "numbers", "YYYYMM" (such as 201103), "YYYYMMDD" (such as 20110315), "times" of pandas' own type,
            "mixed", or a format of `parse_dates`.
        to_utc: Whether times with zones were taken to UTC.
    """

    values: np.ndarray
    written: str
    to_utc: bool = False


def read_times(values: pd.Series, path: Path, hint: str) -> Times:
    """Read a column of times in whatever form it has.

    Args:
        values: The column.
        path: Its file, for messages.
        hint: What to do if a value is no time.

    Raises:
        DataError: A value is no time, with file, line, column and value.
    """
    if pd.api.types.is_datetime64_any_dtype(values):
        return Times(to_seconds(values), "times")
    if not pd.api.types.is_numeric_dtype(values):
        strings = as_strings(values)
        numbers = pd.to_numeric(strings, errors="coerce")
        if not (numbers.isna() == strings.isna()).all():
            return _read_strings(strings, path, hint)
        values = numbers
    return _read_numbers(values)


def _read_numbers(values: pd.Series) -> Times:
    seconds = parse_date_numbers(values)
    if seconds is not None:
        return Times(seconds, "YYYYMMDD")
    numbers = values.to_numpy(dtype=np.float64)
    present = numbers[~np.isnan(numbers)]
    month = present % 100
    if (
        len(present)
        and ((present > 150_000) & (present < 230_000)).all()
        and np.isin(month, np.arange(1, 13)).all()
        and month.max() > month.min()
    ):
        return Times(_months_of_numbers(numbers), "YYYYMM")
    return Times(numbers, "numbers")


def _months_of_numbers(numbers: np.ndarray) -> np.ndarray:
    return np.asarray((numbers // 100 - 1970) * 12 + numbers % 100 - 1)


def _read_strings(strings: pd.Series, path: Path, hint: str) -> Times:
    parsed = parse_times(strings)
    if parsed is not None and strings.notna().all():
        return Times(parsed[0], parsed[1], parsed[2])
    row = find_misfit(strings)
    if row is None:
        mixed = pd.to_datetime(strings, errors="coerce", format="mixed", utc=True)
        bad = np.flatnonzero(mixed.isna().to_numpy())
        if not len(bad):
            return Times(to_seconds(mixed), "mixed", to_utc=True)
        row = int(bad[0])
    raise _no_time(strings, row, path, hint)


def _no_time(values: pd.Series, row: int, path: Path, hint: str) -> DataError:
    value = "missing" if pd.isna(values.iloc[row]) else f"`{values.iloc[row]}`"
    return DataError(
        f"`{path.name}` line {line_numbers(path)[row]}: `{values.name}` is {value}, which is no time", hint
    )


@dataclass(frozen=True)
class Steps:
    """A regular grid of times, whose steps are numbered so that equal places in the year have equal remainders.

    Attributes:
        unit: "month", "second" or "number".
        size: Units from one step to the next.
        offset: Units by which the grid is shifted, from 0 to below `size`.
        written: How times are written; see `Times`.
        to_utc: Whether times with zones are taken to UTC.
    """

    unit: Unit
    size: int
    offset: int
    written: str
    to_utc: bool = False

    @classmethod
    def fit(cls, times: Times, column: str) -> "Steps":
        """The largest step that all times lie on.

        Raises:
            DataError: There are fewer than three times, or most steps between them never occur.
        """
        unit, units = _units(times)
        distinct = np.unique(units)
        if len(distinct) < 3 or (distinct % 1 != 0).any():
            what = f"{len(distinct)} times" if len(distinct) < 3 else "times between whole units"
            raise DataError(f"`{column}` holds {what}, which make no series", "name another column as `time`")
        size = int(np.gcd.reduce(np.diff(distinct).astype(np.int64)))
        present = len(distinct) / ((distinct[-1] - distinct[0]) / size + 1)
        if present < _LEAST_PRESENT:
            raise DataError(
                f"`{column}` has no regular step: only {present:.0%} of the steps of {size} {unit}s occur",
                "round the times in the files, or take another template",
            )
        return cls(unit, size, int(distinct[0]) % size, times.written, times.to_utc)

    @property
    def name(self) -> str:
        """A step for people, such as "quarter" or "20 minutes"."""
        if (self.unit, self.size) in _NAMES:
            return _NAMES[self.unit, self.size]
        longer = _LONGER if self.unit == "second" else ()
        unit, factor = next(((name, n) for name, n in longer if self.size % n == 0), (self.unit, 1))
        size = self.size // factor
        return f"{size} {unit}{'s' if size > 1 else ''}"

    @property
    def seasons(self) -> tuple[float, ...]:
        """Steps after which the calendar comes round, the usual period first; (1,) where nothing says so."""
        if self.unit == "second" and self.size < _DAY and _DAY % self.size == 0:
            return (_DAY // self.size, 7 * _DAY // self.size)
        return _SEASONS.get((self.unit, self.size), (1,))

    def read(self, values: pd.Series, path: Path) -> np.ndarray:
        """Numbers of the steps of a column that is written as the one that was fitted, int64 (n,).

        Raises:
            DataError: A value is no time, is written otherwise or lies between two steps.
        """
        hint = "correct it: all times must be written alike"
        times = self._read_alike(values, path, hint)
        numbers = (_units(times, self.unit)[1] - self.offset) / self.size
        bad = np.flatnonzero(~(numbers % 1 == 0))
        if len(bad):
            row = int(bad[0])
            raise DataError(
                f"`{path.name}` line {line_numbers(path)[row]}: `{values.name}` is `{values.iloc[row]}`, which is no "
                f"step of one {self.name} from the others",
                hint,
            )
        return numbers.astype(np.int64)

    def axis(self, numbers: np.ndarray | float) -> Any:
        """Steps as an axis shows them: times as datetime64, or the numbers of the file."""
        units = np.asarray(numbers, dtype=np.float64) * self.size + self.offset
        if self.unit == "number":
            return units
        if self.unit == "second":
            return units.astype("datetime64[s]")
        whole = np.floor(units)
        start = whole.astype("datetime64[M]").astype("datetime64[s]")
        return start + ((units - whole) * 30 * _DAY).astype("timedelta64[s]")

    def _read_alike(self, values: pd.Series, path: Path, hint: str) -> Times:
        if self.written in ("numbers", "YYYYMM", "YYYYMMDD", "times", "mixed"):
            times = read_times(values, path, hint)
            if times.written == self.written:
                return times
            if self.written == "numbers" and times.written in ("YYYYMM", "YYYYMMDD"):
                return Times(pd.to_numeric(values).to_numpy(dtype=np.float64), "numbers")
            raise _no_time(values, 0, path, hint)
        seconds = read_dates(as_strings(values), self.written, to_utc=self.to_utc)
        bad = np.flatnonzero(np.isnan(seconds))
        if len(bad):
            raise _no_time(values, int(bad[0]), path, hint)
        return Times(seconds, self.written, self.to_utc)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def _units(times: Times, unit: Unit | None = None) -> tuple[Unit, np.ndarray]:
    """Times in the unit that their steps are counted in; months where all lie on the same day of theirs."""
    if times.written == "numbers":
        return "number", times.values
    if times.written == "YYYYMM":
        return "month", times.values
    if unit is None:
        unit = "month" if _are_months(times.values) else "second"
    return unit, _months(times.values) if unit == "month" else times.values


def _months(seconds: np.ndarray) -> np.ndarray:
    stamps = np.floor(seconds).astype("datetime64[s]").astype("datetime64[M]")
    return np.asarray(stamps.astype(np.float64))


def _are_months(seconds: np.ndarray) -> bool:
    days = np.unique(seconds) / _DAY
    if len(days) < 2 or (days % 1 != 0).any() or np.diff(days).min() < 28:
        return False
    stamps = days.astype(np.int64).astype("datetime64[D]")
    first, last = (
        np.unique((s - s.astype("datetime64[M]")).astype(np.int64)) for s in (stamps, stamps + np.timedelta64(1, "D"))
    )
    return len(first) == 1 or (len(last) == 1 and last[0] == 0)


def plural(step: str) -> str:
    """Several steps in words, of the name of one.

    >>> plural("quarter"), plural("20 minutes")
    ('quarters', 'steps of 20 minutes')
    """
    return f"steps of {step}" if step[0].isdigit() else f"{step}s"
