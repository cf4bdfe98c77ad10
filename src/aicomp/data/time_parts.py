"""Times taken apart: parts of the calendar, and cycles whose end is beside their beginning."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from aicomp.data.table import Table

_DAY = 86400.0


def _as_it_is(values: np.ndarray) -> np.ndarray:
    return values


def _calendar(unit: str, within: str) -> Callable[[np.ndarray], np.ndarray]:
    """Which `unit` of its `within` a time is, such as the month of the year, counted from 0."""

    def part(seconds: np.ndarray) -> np.ndarray:
        known = np.nan_to_num(seconds, nan=0.0)
        stamps = known.astype("datetime64[s]")
        count = stamps.astype(f"datetime64[{unit}]") - stamps.astype(f"datetime64[{within}]").astype(
            f"datetime64[{unit}]"
        )
        return np.where(np.isnan(seconds), np.nan, count.astype(np.float64))

    return part


def _years(seconds: np.ndarray) -> np.ndarray:
    stamps = np.nan_to_num(seconds, nan=0.0).astype("datetime64[s]").astype("datetime64[Y]")
    return np.where(np.isnan(seconds), np.nan, stamps.astype(np.float64) + 1970)


TIME_PARTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "elapsed": _as_it_is,
    "year": lambda s: np.floor(_years(s)),
    "month": _calendar("M", "Y"),
    "day of year": _calendar("D", "Y"),
    "day of month": _calendar("D", "M"),
    "weekday": lambda s: (np.floor(s / _DAY) + 3) % 7,  # 1970-01-01 was a Thursday
    "hour": lambda s: np.floor(s % _DAY / 3600),
    "minute": lambda s: np.floor(s % 3600 / 60),
}
"""Numbers that a time, in seconds since 1970-01-01, is taken apart into."""

_PERIODS = {"day": _DAY, "week": 7 * _DAY, "year": 365.2425 * _DAY}
"""Seconds of each cycle."""

_MONDAY = -3 * _DAY  # weeks are counted from a Monday: 1970-01-01 was a Thursday


def time_parts(seconds: np.ndarray) -> dict[str, np.ndarray]:
    """Parts of a time that vary among the training rows; equal parts (a year that is all that elapses) once."""
    parts: dict[str, np.ndarray] = {}
    seen: set[bytes] = set()
    for part, function in TIME_PARTS.items():
        fitted = function(seconds)
        ranks = np.unique(fitted, return_inverse=True)[1].astype(np.int32).tobytes()
        if ranks not in seen and len(np.unique(fitted[~np.isnan(fitted)])) > 1:
            seen.add(ranks)
            parts[part] = fitted
    return parts


@dataclass(frozen=True)
class Cycle:
    """Where in a day, week or year a time lies: sine and cosine, so that 23:00 is near 0:00; missing ones are 0.

    Attributes:
        column: The column.
        period: "day", "week" or "year".
    """

    column: str
    period: str

    @property
    def names(self) -> list[str]:
        """See `ColumnEncoder`."""
        return [f"{self.column} {wave} of {self.period}" for wave in ("sine", "cosine")]

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """See `ColumnEncoder`; each near mean 0 and deviation 1 where times are spread over the cycle."""
        angle = 2 * np.pi * ((table.numbers[self.column][rows] - _MONDAY) / _PERIODS[self.period])
        waves = np.sqrt(2) * np.column_stack([np.sin(angle), np.cos(angle)])
        return np.asarray(np.nan_to_num(waves, nan=0.0))


def cycles(column: str, seconds: np.ndarray) -> list[Cycle]:
    """Cycles that the times of the training rows go through at least twice, or once for years and times of day alone.

    A part of the cycle that was never seen would be predicted from its neighbours, which is what a sine is for; but
    of less than one round nothing says that it comes round at all.
    """
    present = seconds[~np.isnan(seconds)]
    if not len(present):
        return []
    span = present.max() - present.min()
    found = []
    for period, length in _PERIODS.items():
        is_clock = period == "day" and present.min() >= 0 and present.max() < _DAY
        phases = np.unique(np.floor(present % length / length * 24)) if period == "day" else present
        if len(phases) >= 3 and (is_clock or span >= (length if period == "year" else 2 * length)):
            found.append(Cycle(column, period))
    return found
