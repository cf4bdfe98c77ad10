"""Encoders of one column: what each learned from a fold's training rows, as plain values that can be saved.

Each is a frozen dataclass whose fields are strings, numbers, lists of strings and arrays, so that `dump` and `restore`
need to know no more about it; called with a table and rows it encodes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np

from aicomp.data.places import Places
from aicomp.data.statistics import LevelStatistics
from aicomp.data.table import Table
from aicomp.data.text import TextEncoder
from aicomp.data.time_parts import TIME_PARTS, Cycle

MIN_LEVEL_ROWS = 2
"""Rows that a category must have among the training rows to get a code of its own; the others share one."""

UNSEEN, MISSING = 0, 1
"""Codes of a category's rare or unseen levels, and of missing values. Known levels follow."""


class ColumnEncoder(Protocol):
    """Encodes one column."""

    @property
    def names(self) -> list[str]:
        """Names of the numbers, or of the one column of codes, that come out."""

    @property
    def column(self) -> str:
        """The column that is encoded."""

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """Encode rows: (n, len(names)) of float64 or int64."""


class LevelEncoder(ColumnEncoder, Protocol):
    """Encodes one column as codes."""

    @property
    def cardinality(self) -> int:
        """Number of codes."""


@dataclass(frozen=True)
class Number:
    """One number per row of a table, NaN where missing.

    Attributes:
        column: The column.
        part: One of `TIME_PARTS`; "" takes the column's number as it is.
    """

    column: str
    part: str

    @property
    def name(self) -> str:
        """What the number is called."""
        return f"{self.column} {self.part}" if self.part else self.column

    @property
    def names(self) -> list[str]:
        """See `ColumnEncoder`."""
        return [self.name]

    def values(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """float64 (n,), NaN where missing."""
        values = table.numbers[self.column][rows]
        return TIME_PARTS[self.part](values) if self.part else values


@dataclass(frozen=True)
class QuantileNormal(Number):
    """A number by its rank among the training rows, as the quantile of a normal distribution.

    Outliers and skew cannot reach the network this way: the n-th largest of N values lies where the n-th largest of N
    normal numbers would. Equal values share their mean rank, missing ones become 0, the median.

    Attributes:
        levels: Rising values of the training rows, at most `_MOST_KNOTS`.
        z: The quantile of each.
    """

    levels: np.ndarray
    z: np.ndarray

    @classmethod
    def fit(cls, column: str, part: str, fitted: np.ndarray) -> "QuantileNormal":
        """Learn from the values of the training rows that are not missing."""
        from scipy.special import ndtri

        levels, counts = np.unique(fitted, return_counts=True)
        share = (np.cumsum(counts) - counts / 2) / len(fitted)
        if len(levels) > _MOST_KNOTS:
            keep = np.unique(np.searchsorted(share, np.linspace(0, 1, _MOST_KNOTS)).clip(0, len(levels) - 1))
            levels, share = levels[keep], share[keep]
        z = ndtri(share)
        return cls(column, part, levels, (z - z.mean()) if len(levels) < 3 else z)

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """See `ColumnEncoder`."""
        z = np.interp(self.values(table, rows), self.levels, self.z)
        return np.asarray(np.nan_to_num(z, nan=0.0)[:, None])


_MOST_KNOTS = 2000


@dataclass(frozen=True)
class RobustClip(Number):
    """A number by its distance to the median of the training rows, in interquartile ranges; beyond, squeezed into ±3.

    Distances keep their proportions near the median, which ranks do not, and outliers saturate:
    z / sqrt(1 + (z / 3)^2), section 3 of Holzmüller et al. (NeurIPS 2024, arXiv 2407.04491). Missing values become 0.

    Attributes:
        median: Of the training rows.
        factor: One over the interquartile range; where that is 0, two over the range of all values.
    """

    median: float
    factor: float

    @classmethod
    def fit(cls, column: str, part: str, fitted: np.ndarray) -> "RobustClip":
        """Learn from the values of the training rows that are not missing, of which at least two differ."""
        scale = 4.0 if np.abs(fitted).max() > _NEAR_OVERFLOW else 1.0
        low, median, high = np.quantile(fitted / scale, [0.25, 0.5, 0.75])
        with np.errstate(over="ignore", divide="ignore"):  # of numbers next to each other
            factor = 1 / (high - low) if high > low else 2 / np.ptp(fitted / scale)
        return cls(column, part, float(median * scale), float(factor / scale))

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """See `ColumnEncoder`."""
        with np.errstate(over="ignore", invalid="ignore"):  # what is too far for a float is as far as anything
            z = ((self.values(table, rows) - self.median) * self.factor).clip(-_FAR, _FAR)
        z /= np.sqrt(1 + (z / _MOST_ROBUST) ** 2)
        return np.asarray(np.nan_to_num(z, nan=0.0)[:, None])


_MOST_ROBUST = 3.0
_NEAR_OVERFLOW = 1e307
"""Numbers beyond stand for "none" in some tables: their distances are more than a float holds."""

_FAR = 1e6


@dataclass(frozen=True)
class Flag(Number):
    """A number that has two values: -1 and 1, missing 0.

    Attributes:
        middle: Mean of the two.
        half: Half their distance.
    """

    middle: float
    half: float

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """See `ColumnEncoder`."""
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # as above, and next to each other
            z = (self.values(table, rows) - self.middle) / self.half
        return np.asarray(np.nan_to_num(np.clip(z, -1, 1), nan=0.0)[:, None])


@dataclass(frozen=True)
class IsMissing(Number):
    """Whether a number is missing: 1 or 0."""

    @property
    def names(self) -> list[str]:
        """See `ColumnEncoder`."""
        return [f"{self.name} is missing"]

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """See `ColumnEncoder`."""
        return np.asarray(np.isnan(self.values(table, rows))[:, None], dtype=np.float64)


@dataclass(frozen=True)
class Raw(Number):
    """A number in its own unit, NaN where missing: for trees, which look at the order alone.

    What float32 does not hold is the largest that it does.

    Attributes:
        start: Subtracted, so that large numbers close together stay apart in float32.
    """

    start: float

    @classmethod
    def fit(cls, column: str, part: str, fitted: np.ndarray) -> "Raw":
        """Learn from the values of the training rows that are not missing; float32 is exact up to 2**24."""
        return cls(column, part, float(fitted.min()) if np.abs(fitted).max() > 2**24 else 0.0)

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """See `ColumnEncoder`."""
        with np.errstate(over="ignore"):
            numbers = self.values(table, rows) - self.start
        return np.asarray(numbers.clip(-_MOST_FLOAT32, _MOST_FLOAT32)[:, None])


_MOST_FLOAT32 = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class CategoryLevels:
    """A category as a code: 0 for rare and unseen levels, 1 for missing, then each level of enough training rows.

    Attributes:
        column: The column.
        known: The strings that have a code of their own.
    """

    column: str
    known: list[str]

    @classmethod
    def fit(cls, column: str, table: Table, rows: np.ndarray) -> "CategoryLevels":
        """Learn from training rows."""
        codes = table.codes[column][rows]
        return cls(column, [table.levels[column][code] for code in _frequent(codes[codes >= 0])])

    @property
    def names(self) -> list[str]:
        """See `ColumnEncoder`."""
        return [self.column]

    @property
    def cardinality(self) -> int:
        """Number of codes."""
        return len(self.known) + 2

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """See `ColumnEncoder`; levels are told apart by their strings, so that any table will do."""
        code_of = {level: code for code, level in enumerate(self.known, start=2)}
        codes = [code_of.get(level, UNSEEN) for level in table.levels[self.column]]
        lookup = np.array([*codes, MISSING], dtype=np.int64)  # the code -1 of a missing value takes the last
        return np.asarray(lookup[table.codes[self.column][rows]][:, None])


@dataclass(frozen=True)
class CodeLevels:
    """A whole number that names something, as a code like those of `CategoryLevels`.

    Attributes:
        column: The column.
        known: The numbers that have a code of their own, rising.
    """

    column: str
    known: np.ndarray

    @classmethod
    def fit(cls, column: str, table: Table, rows: np.ndarray) -> "CodeLevels":
        """Learn from training rows."""
        values = table.numbers[column][rows]
        return cls(column, _frequent(values[~np.isnan(values)]))

    @property
    def names(self) -> list[str]:
        """See `ColumnEncoder`."""
        return [self.column]

    @property
    def cardinality(self) -> int:
        """Number of codes."""
        return len(self.known) + 2

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """See `ColumnEncoder`."""
        raw = table.numbers[self.column][rows]
        at = np.searchsorted(self.known, raw).clip(0, max(len(self.known) - 1, 0))
        known = self.known[at] == raw if len(self.known) else np.zeros(len(raw), dtype=bool)
        codes = np.where(known, at + 2, UNSEEN)
        return np.asarray(np.where(np.isnan(raw), MISSING, codes)[:, None], dtype=np.int64)


def _frequent(values: np.ndarray) -> np.ndarray:
    """Distinct values of enough rows, rising; all of them where none is frequent."""
    return frequent(*np.unique(values, return_counts=True))


def frequent(levels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Levels of enough rows, in their order; all of them where none is frequent.

    >>> frequent(np.array([3, 5]), np.array([1, 2])), frequent(np.array([3, 5]), np.array([1, 1]))
    (array([5]), array([3, 5]))
    """
    return np.asarray(levels[counts >= min(MIN_LEVEL_ROWS, counts.max(initial=1))])


_ENCODERS: dict[str, type[Any]] = {
    "quantile-normal": QuantileNormal,
    "robust-clip": RobustClip,
    "flag": Flag,
    "is-missing": IsMissing,
    "raw": Raw,
    "cycle": Cycle,
    "places": Places,
    "text": TextEncoder,
    "category-levels": CategoryLevels,
    "code-levels": CodeLevels,
    "level-statistics": LevelStatistics,
}


def dump(encoder: ColumnEncoder | LevelStatistics) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What an encoder learned: what JSON can hold, and arrays by the name of their field."""
    values = {f.name: getattr(encoder, f.name) for f in fields(encoder)}  # type: ignore[arg-type]
    name = next(name for name, kind in _ENCODERS.items() if type(encoder) is kind)
    arrays = {key: np.ascontiguousarray(v) for key, v in values.items() if isinstance(v, np.ndarray)}
    return {"encoder": name, **{key: v for key, v in values.items() if key not in arrays}}, arrays


def restore(content: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Any:
    """The encoder that `dump` took apart."""
    values = {key: v for key, v in content.items() if key != "encoder"}
    return _ENCODERS[content["encoder"]](**values, **arrays)
