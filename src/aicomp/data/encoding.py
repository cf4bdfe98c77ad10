"""From typed columns to what a network takes: numbers near 0 and codes from 0, fitted on training rows alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from aicomp.data.columns import Column, Kind
from aicomp.data.table import Table
from aicomp.data.text import TextEncoder
from aicomp.errors import DataError

MIN_LEVEL_ROWS = 2
"""Rows that a category must have among the training rows to get a code of its own; the others share one."""

UNSEEN, MISSING = 0, 1
"""Codes of a category's rare or unseen levels, and of missing values. Known levels follow."""


@dataclass(frozen=True)
class Encoded:
    """Encoded rows.

    Attributes:
        x_num: Numbers, float32 (n, n_num), without NaN, each column near mean 0 and standard deviation 1.
        x_cat: Codes, int64 (n, n_cat), each from 0 to the column's cardinality - 1.
    """

    x_num: np.ndarray
    x_cat: np.ndarray


class _ColumnEncoder(Protocol):
    """Encodes one column; fitted when it is built, on training rows."""

    names: list[str]
    """Names of the numbers, or of the one column of codes, that come out."""

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """Encode rows: (n, len(names)) of float64 or int64."""


class Encoder:
    """Encodes every column of a table by its kind.

    Args:
        columns: The columns with their kinds.

    Attributes:
        num_names: Names of the numbers, in the order of `Encoded.x_num`.
        cat_names: Names of the codes, in the order of `Encoded.x_cat`.
        cardinalities: Number of codes of each categorical column.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = list(columns)
        self._numbers: list[_ColumnEncoder] = []
        self._categories: list[_Levels] = []

    @property
    def num_names(self) -> list[str]:
        """Names of the numbers that come out."""
        return [name for encoder in self._numbers for name in encoder.names]

    @property
    def cat_names(self) -> list[str]:
        """Names of the codes that come out."""
        return [name for encoder in self._categories for name in encoder.names]

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of distinct codes of each categorical column."""
        return tuple(encoder.cardinality for encoder in self._categories)

    def fit(self, table: Table, rows: np.ndarray) -> "Encoder":
        """Learn from the training rows of a fold, and from no other row.

        Args:
            table: The train table.
            rows: Indices of the fold's training rows.

        Raises:
            DataError: Every column is constant among these rows.
        """
        self._numbers, self._categories = [], []
        for column in self.columns:
            if column.kind in ("number", "boolean", "code"):
                self._numbers += _fit_numbers(column.name, _NumberOf(column.name), table, rows)
            if column.kind == "datetime":
                for part, values in _time_parts(column.name, table, rows).items():
                    self._numbers += _fit_numbers(part, values, table, rows)
            if column.kind == "text":
                self._numbers.append(TextEncoder(column.name, table, rows))
            if column.kind in ("category", "code"):
                levels = _Levels(column.name, column.kind, table, rows)
                if levels.varies:
                    self._categories.append(levels)
        if not self._numbers and not self._categories:
            names = ", ".join(f"`{c.name}`" for c in self.columns if c.kind != "drop")
            raise DataError(
                f"every column ({names}) is constant among the training rows of a fold",
                "take fewer folds with `--set split.n_splits=3`, or add a feature in features.py",
            )
        return self

    def transform(self, table: Table, rows: np.ndarray) -> Encoded:
        """Encode rows of train or test.

        Args:
            table: A table with the columns that were fitted.
            rows: Indices of the rows.
        """
        x_num = np.empty((len(rows), len(self.num_names)), dtype=np.float32)
        at = 0
        for encoder in self._numbers:
            x_num[:, at : at + len(encoder.names)] = encoder(table, rows)
            at += len(encoder.names)
        x_cat = np.empty((len(rows), len(self._categories)), dtype=np.int64)
        for j, levels in enumerate(self._categories):
            x_cat[:, j] = levels(table, rows)[:, 0]
        return Encoded(x_num, x_cat)


def _as_it_is(values: np.ndarray) -> np.ndarray:
    return values


@dataclass(frozen=True)
class _NumberOf:
    """Takes a table and returns one number per row, float64 (n_rows,), NaN where missing."""

    name: str
    function: Callable[[np.ndarray], np.ndarray] = _as_it_is

    def __call__(self, table: Table) -> np.ndarray:
        return self.function(table.numbers[self.name])


def _fit_numbers(name: str, values: _NumberOf, table: Table, rows: np.ndarray) -> list[_ColumnEncoder]:
    """Encoders of one numeric column: the number, and where some are missing whether it is."""
    fitted = values(table)[rows]
    missing = np.isnan(fitted)
    encoders: list[_ColumnEncoder] = []
    present = np.unique(fitted[~missing])
    if len(present) > 1:
        is_flag = len(present) == 2
        encoders.append(_Flag(name, values, present) if is_flag else _QuantileNormal(name, values, fitted[~missing]))
    if missing.any() and len(present):
        encoders.append(_IsMissing(name, values))
    return encoders


class _QuantileNormal:
    """A number by its rank among the training rows, as the quantile of a normal distribution.

    Outliers and skew cannot reach the network this way: the n-th largest of N values lies where the n-th largest of N
    normal numbers would. Equal values share their mean rank, missing ones become 0, the median.
    """

    _MOST_KNOTS = 2000

    def __init__(self, name: str, values: _NumberOf, fitted: np.ndarray) -> None:
        from scipy.special import ndtri

        self.names = [name]
        self._values = values
        levels, counts = np.unique(fitted, return_counts=True)
        share = (np.cumsum(counts) - counts / 2) / len(fitted)
        if len(levels) > self._MOST_KNOTS:
            keep = np.unique(np.searchsorted(share, np.linspace(0, 1, self._MOST_KNOTS)).clip(0, len(levels) - 1))
            levels, share = levels[keep], share[keep]
        z = ndtri(share)
        self._levels, self._z = levels, (z - z.mean()) if len(levels) < 3 else z

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        z = np.interp(self._values(table)[rows], self._levels, self._z)
        return np.asarray(np.nan_to_num(z, nan=0.0)[:, None])


class _Flag:
    """A number that has two values: -1 and 1, missing 0."""

    def __init__(self, name: str, values: _NumberOf, present: np.ndarray) -> None:
        self.names = [name]
        self._values = values
        self._middle, self._half = present.mean(), (present[1] - present[0]) / 2

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        z = (self._values(table)[rows] - self._middle) / self._half
        return np.asarray(np.nan_to_num(np.clip(z, -1, 1), nan=0.0)[:, None])


class _IsMissing:
    """Whether a number is missing: 1 or 0."""

    def __init__(self, name: str, values: _NumberOf) -> None:
        self.names = [f"{name} is missing"]
        self._values = values

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        return np.asarray(np.isnan(self._values(table)[rows])[:, None], dtype=np.float64)


_DAY = 86400.0


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


_TIME_PARTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "elapsed": _as_it_is,
    "year": lambda s: np.floor(_years(s)),
    "month": _calendar("M", "Y"),
    "day of year": _calendar("D", "Y"),
    "day of month": _calendar("D", "M"),
    "weekday": lambda s: (np.floor(s / _DAY) + 3) % 7,  # 1970-01-01 was a Thursday
    "hour": lambda s: np.floor(s % _DAY / 3600),
    "minute": lambda s: np.floor(s % 3600 / 60),
}


def _years(seconds: np.ndarray) -> np.ndarray:
    stamps = np.nan_to_num(seconds, nan=0.0).astype("datetime64[s]").astype("datetime64[Y]")
    return np.where(np.isnan(seconds), np.nan, stamps.astype(np.float64) + 1970)


def _time_parts(name: str, table: Table, rows: np.ndarray) -> dict[str, _NumberOf]:
    """Parts of a time that vary among the training rows; equal parts (a year that is all that elapses) once."""
    parts: dict[str, _NumberOf] = {}
    seen: set[bytes] = set()
    for part, function in _TIME_PARTS.items():
        fitted = function(table.numbers[name][rows])
        ranks = np.unique(fitted, return_inverse=True)[1].astype(np.int32).tobytes()
        if ranks not in seen and len(np.unique(fitted[~np.isnan(fitted)])) > 1:
            seen.add(ranks)
            parts[f"{name} {part}"] = _NumberOf(name, function)
    return parts


class _Levels:
    """A category as a code: 0 for rare and unseen levels, 1 for missing, then each level of enough training rows.

    Attributes:
        names: The column's name.
        cardinality: Number of codes.
        varies: Whether the training rows have more than one code.
    """

    def __init__(self, name: str, kind: Kind, table: Table, rows: np.ndarray) -> None:
        self.names = [name]
        self._kind = kind
        raw = self._raw(table, rows)
        levels, counts = np.unique(raw[~np.isnan(raw)], return_counts=True)
        self._known = levels[counts >= min(MIN_LEVEL_ROWS, counts.max(initial=1))]
        self.cardinality = len(self._known) + 2
        self.varies = len(np.unique(self(table, rows))) > 1

    def _raw(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """What tells levels apart, as float64, NaN where missing."""
        if self._kind == "code":
            return np.asarray(table.numbers[self.names[0]][rows])
        codes = table.codes[self.names[0]][rows].astype(np.float64)
        return np.asarray(np.where(codes < 0, np.nan, codes))

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        raw = self._raw(table, rows)
        at = np.searchsorted(self._known, raw).clip(0, max(len(self._known) - 1, 0))
        known = self._known[at] == raw if len(self._known) else np.zeros(len(raw), dtype=bool)
        codes = np.where(known, at + 2, UNSEEN)
        return np.asarray(np.where(np.isnan(raw), MISSING, codes)[:, None], dtype=np.int64)
