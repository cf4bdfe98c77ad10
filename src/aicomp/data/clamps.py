"""Columns that are clipped or held at a value wherever a model predicts: `clamp` under `[features]`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aicomp.data.columns import Column
from aicomp.data.table import Table
from aicomp.errors import UsageError
from aicomp.suggest import unknown_name

_RANGED = ("number", "code")


@dataclass(frozen=True)
class Clamp:
    """What a column is allowed to be.

    Attributes:
        column: The column.
        low: Least number; equal to `high` where the column is held at a number.
        high: Greatest number.
        level: The category that the column is held at, None for numbers.
    """

    column: str
    low: float = -np.inf
    high: float = np.inf
    level: str | None = None

    @property
    def words(self) -> str:
        """In words, such as "held at 3".

        >>> Clamp("a", 0, 5).words, Clamp("a", high=5).words, Clamp("a", 3, 3).words, Clamp("a", level="x").words
        ('clipped to 0 … 5', 'clipped to 5 and below', 'held at 3', 'held at “x”')
        """
        if self.level is not None:
            return f"held at “{self.level}”"
        if self.low == self.high:
            return f"held at {self.low:g}"
        if np.isinf(self.low):
            return f"clipped to {self.high:g} and below"
        return (
            f"clipped to {self.low:g} and above" if np.isinf(self.high) else f"clipped to {self.low:g} … {self.high:g}"
        )

    def __call__(self, table: Table) -> np.ndarray:
        """The column's numbers or codes as they are allowed; what is missing stays so, unless the column is held."""
        values = table.values(self.column)
        if self.level is not None:
            return np.full(len(values), table.levels[self.column].index(self.level), dtype=values.dtype)
        if self.low == self.high:
            return np.full(len(values), self.low)
        return np.asarray(np.clip(values, self.low, self.high))


def clamps_of(asked: Mapping[str, Any]) -> list[Clamp]:
    """Read what stands under `clamp`.

    Raises:
        UsageError: A range without room, or one that is all numbers.

    >>> clamps_of({"a": (0.0, 5.0), "b": True, "c": "x"})[1:]
    [Clamp(column='b', low=1.0, high=1.0, level=None), Clamp(column='c', low=-inf, high=inf, level='x')]
    """
    found = []
    for column, value in asked.items():
        if isinstance(value, str):
            found.append(Clamp(column, level=value))
            continue
        low, high = (float(end) for end in (value if isinstance(value, (tuple, list)) else (value, value)))
        is_range = isinstance(value, (tuple, list))
        if np.isnan([low, high]).any() or (is_range and low >= high) or (not is_range and np.isinf(low)):
            raise UsageError(
                f"`features.clamp.{column}` is {value if not is_range else list(value)}, which leaves no number",
                "write the lower end first, such as [0, 100] or [0, inf], or the number at which it is held",
            )
        found.append(Clamp(column, low, high))
    return found


def check_clamps(clamps: Sequence[Clamp], columns: Sequence[Column], tables: Sequence[Table]) -> None:
    """Refuse what does not fit a column, or changes no row.

    Args:
        clamps: What is asked for.
        columns: How the project's columns are taken.
        tables: Train and test.

    Raises:
        UsageError: The first of them that is wrong.
    """
    kinds = {column.name: column.kind for column in columns}
    for clamp in clamps:
        if clamp.column not in kinds:
            error = unknown_name("column", clamp.column, kinds)
            raise UsageError(f"`features.clamp`: {error.message}", error.hint)
        _check_kind(clamp, kinds[clamp.column], tables)
        if not any(_changes(clamp, table) for table in tables):
            raise UsageError(
                f"`features.clamp.{clamp.column}` changes no row: {_seen(clamp.column, tables)}",
                "correct the values, or remove the line",
            )


def _check_kind(clamp: Clamp, kind: str, tables: Sequence[Table]) -> None:
    place = f"`features.clamp.{clamp.column}`"
    if clamp.level is None:
        is_held = clamp.low == clamp.high
        if kind in _RANGED or (kind == "boolean" and is_held and clamp.low in (0, 1)):
            return
        hint = "hold a category at one of its values, in quotation marks" if kind == "category" else ""
        hint = "hold a boolean at true or false" if kind == "boolean" else hint
        raise UsageError(
            f"{place} gives numbers for a column that is taken as `{kind}`",
            hint or "only numbers, codes, booleans and categories can be clamped",
        )
    if kind != "category":
        raise UsageError(
            f"{place} holds a column that is taken as `{kind}` at “{clamp.level}”",
            "write a number, or a range of numbers" if kind in _RANGED else "only categories are held at strings",
        )
    levels = {level for table in tables for level in table.levels[clamp.column]}
    if clamp.level not in levels:
        error = unknown_name("value", clamp.level, sorted(levels)[:20])
        raise UsageError(f"{place}: {error.message}", error.hint)


def _changes(clamp: Clamp, table: Table) -> bool:
    return not np.array_equal(clamp(table), table.values(clamp.column), equal_nan=clamp.level is None)


def _seen(column: str, tables: Sequence[Table]) -> str:
    if column in tables[0].levels:
        return "all have this value already"
    values = np.concatenate([table.values(column) for table in tables])
    return f"`{column}` lies between {np.nanmin(values):g} and {np.nanmax(values):g}"


def clamped(table: Table, clamps: Sequence[Clamp]) -> Table:
    """The table as a model is to see it when it predicts."""
    return table.with_values({clamp.column: clamp(table) for clamp in clamps}) if clamps else table
