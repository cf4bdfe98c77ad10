"""Columns as a few levels each: categories as they are, numbers, times and lengths of texts in parts of equal size."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aicomp.data.columns import Column
from aicomp.data.dates import parse_dates
from aicomp.diagnosis.rows import Derived, Validated, text_lengths
from aicomp.pages.render import number

MIN_ROWS = 30
"""A level of fewer rows says too little to be shown; of few rows in all, one with fewer than an eighth of them."""

_PARTS = 5
_FEW_VALUES = 8
_MOST_LEVELS = 12


@dataclass(frozen=True)
class Levels:
    """A column, or something derived, as levels.

    Attributes:
        column: Its name.
        names: Name of each level, in order.
        codes: Level of each row, -1 for none of them, int64 (n,).
    """

    column: str
    names: tuple[str, ...]
    codes: np.ndarray


def all_levels(validated: Validated) -> Iterator[Levels]:
    """Levels of what is derived, then of each column that has at least two of enough rows."""
    for derived in validated.derived:
        yield from _useful(number_levels(derived))
    for column in validated.columns:
        yield from _useful(_of_column(column, validated.table[column.name]))


def _useful(levels: Levels | None) -> Iterator[Levels]:
    if levels is not None and len(levels.names) > 1:
        yield levels


def _of_column(column: Column, values: pd.Series) -> Levels | None:
    if column.kind in ("number", "code"):
        numbers = pd.to_numeric(values, errors="coerce")
        if column.kind == "code" and numbers.nunique() > _FEW_VALUES:
            return category_levels(column.name, values)
        return number_levels(Derived(column.name, numbers.to_numpy(np.float64, na_value=np.nan)))
    if column.kind in ("category", "boolean"):
        return category_levels(column.name, values)
    if column.kind == "text":
        return number_levels(text_lengths(values, column.name))
    if column.kind == "datetime":
        parsed = parse_dates(values.dropna().astype(str).str.strip())
        if parsed is None:
            return None
        seconds = np.full(len(values), np.nan)
        seconds[values.notna().to_numpy()] = parsed[0]
        return number_levels(Derived(column.name, seconds), is_time=True)
    return None  # images, sounds, and what was left out


def number_levels(derived: Derived, *, is_time: bool = False) -> Levels:
    """Each of up to eight values, or parts of about the same number of rows; missing values are a level.

    >>> made = number_levels(Derived("age", np.array([*np.arange(150.0), *[np.nan] * 30])))
    >>> made.names, np.bincount(made.codes).tolist()
    (('0 to 29', '30 to 59', '60 to 89', '90 to 119', '120 to 149', 'missing'), [30, 30, 30, 30, 30, 30])
    """
    values = derived.values
    present = np.isfinite(values)
    codes = np.full(len(values), -1, dtype=np.int64)
    distinct = np.unique(values[present])
    write = _day if is_time else number
    if len(distinct) <= _FEW_VALUES:
        codes[present] = np.searchsorted(distinct, values[present])
        names = [write(value) for value in distinct]
    else:
        edges = np.unique(np.quantile(values[present], np.arange(1, _PARTS) / _PARTS))
        codes[present] = np.searchsorted(edges, values[present], side="left")
        codes[present] = np.unique(codes[present], return_inverse=True)[1]  # ties may leave a part without rows
        names = []
        for k in range(int(codes.max()) + 1):
            part = values[codes == k]
            low, high = write(part.min()), write(part.max())
            names.append(low if low == high else f"{low} to {high}")
    if not present.all():
        codes[~present] = len(names)
        names.append("missing")
    return _frequent(derived.name, names, codes)


def _day(seconds: float) -> str:
    return str(np.datetime64(int(seconds), "s"))[:10]


def category_levels(column: str, values: pd.Series) -> Levels:
    """The most frequent levels; those of too few rows, and missing values, together.

    >>> made = category_levels("color", pd.Series(["red"] * 40 + ["blue"] * 30 + ["grey", "green"] * 15 + [None] * 30))
    >>> made.names
    ('red', 'blue', 'missing', '2 others')
    """
    codes, uniques = pd.factorize(values.astype("object"))
    codes = np.asarray(codes, dtype=np.int64)
    counts = np.bincount(codes[codes >= 0], minlength=len(uniques))
    order = np.argsort(-counts, kind="stable")
    kept = [int(i) for i in order[:_MOST_LEVELS] if counts[i] >= _least(len(codes))]
    place = np.full(len(uniques) + 1, len(kept) + 1, dtype=np.int64)  # others
    place[kept] = np.arange(len(kept))
    place[-1] = len(kept)  # missing, whose code is -1
    n_others = len(uniques) - len(kept)
    names = [*(_level_name(uniques[i]) for i in kept), "missing", f"{n_others} others" if n_others != 1 else "1 other"]
    return _frequent(column, names, place[codes])


def _level_name(value: object) -> str:
    if isinstance(value, float):
        return number(value)
    return str(value)


def _frequent(column: str, names: list[str], codes: np.ndarray) -> Levels:
    """Only levels of enough rows."""
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    kept = np.flatnonzero(counts >= _least(len(codes)))
    place = np.full(len(names) + 1, -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    return Levels(column, tuple(names[i] for i in kept), place[codes])


def _least(n: int) -> int:
    return min(MIN_ROWS, max(4, n // 8))
