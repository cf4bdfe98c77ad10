"""Dates and times in common formats, told strictly from ordinary text and codes."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

_TIME = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}(?:\.\d{1,9})?))?"
    r"(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?(?:\s?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = (
    r"(?P<name>(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?))\.?"
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s)?"
_YEAR = r"(?P<year>(?:1[5-9]|2[0-2])\d{2})"
_SHORT_YEAR = r"(?P<short_year>\d{2})"


@dataclass(frozen=True)
class DateFormat:
    """One way to write a date.

    Attributes:
        shown: The format for people.
        pattern: Regular expression of a whole value, with the parts as named groups.
    """

    shown: str
    pattern: re.Pattern[str]


def _date_format(shown: str, date: str, *, time: bool = True) -> DateFormat:
    clock = rf"(?:(?:T|,?\s){_TIME})?" if time else ""
    return DateFormat(shown, re.compile(rf"{_WEEKDAY}{date}{clock}", re.IGNORECASE))


# Where a value fits several formats, the first that fits the whole column wins: 03/04/2012 is the 4th of March unless a
# value such as 13/03/2012 shows that days come first; with dots, days come first.
_FORMATS = (
    _date_format("YYYY-MM-DD", rf"{_YEAR}(?P<s>[-/.])(?P<month>\d{{1,2}})(?P=s)(?P<day>\d{{1,2}})"),
    _date_format("MM/DD/YYYY", rf"(?P<month>\d{{1,2}})(?P<s>[-/])(?P<day>\d{{1,2}})(?P=s){_YEAR}"),
    _date_format("DD/MM/YYYY", rf"(?P<day>\d{{1,2}})(?P<s>[-/])(?P<month>\d{{1,2}})(?P=s){_YEAR}"),
    _date_format("DD.MM.YYYY", rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.{_YEAR}"),
    _date_format("MM.DD.YYYY", rf"(?P<month>\d{{1,2}})\.(?P<day>\d{{1,2}})\.{_YEAR}"),
    _date_format("MM/DD/YY", rf"(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/{_SHORT_YEAR}"),
    _date_format("DD/MM/YY", rf"(?P<day>\d{{1,2}})/(?P<month>\d{{1,2}})/{_SHORT_YEAR}"),
    _date_format("DD Mon YYYY", rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[-/\s]{_MONTH_NAME}[-/,]?\s?{_YEAR}"),
    _date_format("DD-Mon-YY", rf"(?P<day>\d{{1,2}})-{_MONTH_NAME}-{_SHORT_YEAR}"),
    _date_format("Mon DD, YYYY", rf"{_MONTH_NAME}\s(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s{_YEAR}"),
    _date_format("YYYYMMDD", rf"{_YEAR}(?P<month>\d{{2}})(?P<day>\d{{2}})"),
    _date_format("YYYY-MM", rf"{_YEAR}[-/](?P<month>\d{{2}})", time=False),
    _date_format("MM/YYYY", rf"(?P<month>\d{{1,2}})/{_YEAR}", time=False),
    _date_format("Mon YYYY", rf"{_MONTH_NAME}[-\s]{_YEAR}", time=False),
    _date_format("YYYY Qn", rf"{_YEAR}[-\s]?Q(?P<quarter>[1-4])", time=False),
    _date_format("Qn YYYY", rf"Q(?P<quarter>[1-4])[-\s]?{_YEAR}", time=False),
    _date_format("YYYY-Www", rf"{_YEAR}[-\s]?W(?P<week>\d{{2}})(?:-(?P<weekday>[1-7]))?", time=False),
    DateFormat("HH:MM", re.compile(_TIME)),
)


def parse_dates(values: pd.Series) -> tuple[np.ndarray, str] | None:
    """Read strings as dates or times, all in one format.

    Args:
        values: Strings, missing ones NaN.

    Returns:
        Seconds since 1970-01-01 as float64 (n,), NaN where missing, and the format for people; None if a value does not
        fit. Times of day alone count from 1970-01-01. A zone that all values share is left out, so that the hour stays
        the local one; where zones differ all are taken to UTC.

    >>> parse_dates(pd.Series(["1970-01-02", "1970-01-01 00:10"]))
    (array([86400.,   600.]), 'YYYY-MM-DD')
    """
    parsed = parse_times(values)
    return None if parsed is None else parsed[:2]


def parse_times(values: pd.Series) -> tuple[np.ndarray, str, bool] | None:
    """As `parse_dates`; also whether times were taken to UTC, as not all of them share a zone."""
    codes, distinct = pd.factorize(values)
    texts = [str(v).strip() for v in distinct]
    if not texts:
        return None
    for date_format in _FORMATS:
        if not all(date_format.pattern.fullmatch(t) for t in texts[:20]):
            continue
        matches = [m for t in texts if (m := date_format.pattern.fullmatch(t))]
        if len(matches) == len(texts):
            to_utc = _zones_differ(matches)
            seconds = _seconds(matches, to_utc=to_utc)
            if not np.isnan(seconds).any():
                return np.append(seconds, np.nan)[codes], date_format.shown, to_utc
    return None


def read_dates(values: pd.Series, shown: str, *, to_utc: bool) -> np.ndarray:
    """Read strings in a format that is already known.

    Args:
        values: Strings, missing ones NaN.
        shown: The format, as `parse_dates` names it.
        to_utc: Whether times are taken to UTC; else a zone is left out.

    Returns:
        Seconds since 1970-01-01, float64 (n,), NaN where missing and where a value does not fit the format.
    """
    [pattern] = [f.pattern for f in _FORMATS if f.shown == shown]
    codes, distinct = pd.factorize(values)
    matches = [pattern.fullmatch(str(v).strip()) for v in distinct]
    seconds = np.full(len(matches) + 1, np.nan)
    fitting = [i for i, match in enumerate(matches) if match]
    if fitting:
        seconds[fitting] = _seconds([match for match in matches if match], to_utc=to_utc)
    return np.asarray(seconds[codes])


def find_misfit(values: pd.Series) -> int | None:
    """Where times that are not all in one format leave the one that most of them have.

    Args:
        values: Strings, missing ones NaN.

    Returns:
        Number of the first row that is missing or does not fit the format of at least half of the rows; None if all
        fit, or no format is that common.

    >>> find_misfit(pd.Series(["1998 Q1", "1998 Q2", "1998 Q5"]))
    2
    """
    texts = values.astype(object).where(values.notna(), "").map(lambda v: str(v).strip())
    for date_format in _FORMATS:
        fits = texts.map({t: date_format.pattern.fullmatch(t) is not None for t in texts.unique()})
        if fits.mean() >= 0.5:
            known = np.isnan(read_dates(texts, date_format.shown, to_utc=False))
            return int(known.argmax()) if known.any() else None
    return None


def _zones_differ(matches: list[re.Match[str]]) -> bool:
    return "zone" in matches[0].re.groupindex and len({_offset(m["zone"]) for m in matches}) > 1


def parse_date_numbers(values: pd.Series) -> np.ndarray | None:
    """Read integers such as 20120313 as dates.

    Returns:
        Seconds since 1970-01-01, float64 (n,), NaN where missing; None if a value is no such date.
    """
    present = values.dropna()
    if not len(present) or present.min() < 1900_01_01 or present.max() > 2100_01_01 or (present % 1 != 0).any():
        return None
    texts = values.map(lambda v: str(int(v)), na_action="ignore")
    parsed = parse_dates(texts.astype(object))
    return None if parsed is None else parsed[0]


def to_seconds(values: pd.Series) -> np.ndarray:
    """Seconds since 1970-01-01 of a datetime column, in its own zone; float64 (n,), NaN where missing."""
    if getattr(values.dt, "tz", None) is not None:
        values = values.dt.tz_localize(None)
    stamps = values.to_numpy(dtype="datetime64[ns]")
    return np.where(np.isnat(stamps), np.nan, stamps.astype(np.int64) / 1e9)


def _seconds(matches: list[re.Match[str]], *, to_utc: bool) -> np.ndarray:
    """Seconds since 1970-01-01 of matched values, NaN for a date that the calendar does not have."""
    groups = matches[0].re.groupindex

    def part(name: str, default: float) -> np.ndarray:
        if name not in groups:
            return np.full(len(matches), default)
        return np.array([default if m[name] is None else float(m[name]) for m in matches])

    year, month, day = part("year", 1970), part("month", 1), part("day", 1)
    if "short_year" in groups:
        short = part("short_year", 0)
        year = np.where(short < 69, 2000 + short, 1900 + short)  # the pivot of POSIX
    if "name" in groups:
        month = np.array([_MONTHS.index(m["name"][:3].lower()) + 1.0 for m in matches])
    if "quarter" in groups:
        month = 3 * part("quarter", 1) - 2
    if "week" in groups:
        return _iso_weeks(year.astype(np.int64), part("week", 1), part("weekday", 1))
    hour, valid_half = _hour_of_day(part("hour", 0), [m["half"] if "half" in groups else None for m in matches])
    minute, second = part("minute", 0), part("second", 0)
    months = (year.astype(np.int64) - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1).astype(
        np.int64
    )
    days = months.astype("datetime64[D]") + (day - 1).astype(np.int64)
    valid = (month >= 1) & (month <= 12) & (day >= 1) & (days.astype("datetime64[M]") == months)
    valid &= valid_half & (hour < 24) & (minute < 60) & (second < 61)
    seconds = days.astype(np.int64) * 86400.0 + hour * 3600 + minute * 60 + second
    if to_utc and "zone" in groups:
        seconds = seconds - np.array([_offset(m["zone"]) for m in matches])
    return np.where(valid, seconds, np.nan)


def _iso_weeks(year: np.ndarray, week: np.ndarray, weekday: np.ndarray) -> np.ndarray:
    """Seconds since 1970-01-01 of days of ISO 8601 weeks, Mondays where none is named; NaN for a wrong week."""

    def first_monday(year: np.ndarray) -> np.ndarray:
        # Week 1 holds the 4th of January; 1970-01-01 was a Thursday.
        fourth = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 3
        return np.asarray(fourth - (fourth + 3) % 7)

    first = first_monday(year)
    days = first + 7 * (week - 1)
    valid = (week >= 1) & (days < first_monday(year + 1))
    return np.where(valid, (days + weekday - 1) * 86400.0, np.nan)


def _hour_of_day(hour: np.ndarray, halves: list[str | None]) -> tuple[np.ndarray, np.ndarray]:
    """Hours 0 to 23 from hours with AM or PM, and whether each fits its half of the day."""
    named = np.array([half is not None for half in halves])
    afternoon = np.array([half is not None and half in "Pp" for half in halves])
    valid = ~named | ((hour >= 1) & (hour <= 12))
    return np.where(named, hour % 12 + 12 * afternoon, hour), valid


def _offset(zone: str | None) -> float:
    """Seconds that a zone such as "+02:00" is ahead of UTC."""
    if zone is None or zone[0] not in "+-":
        return 0.0
    sign = -1 if zone[0] == "-" else 1
    return sign * (int(zone[1:3]) * 3600.0 + int(zone[-2:]) * 60)
