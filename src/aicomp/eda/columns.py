"""The columns of train and test, typed as training types them: numbers, or codes of levels."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from aicomp.data.columns import Column
from aicomp.data.table import Table
from aicomp.data.values import as_strings
from aicomp.dataset import Dataset
from aicomp.layout import column_kinds
from aicomp.project import Project

_SEED = 0


@dataclass(frozen=True)
class Values:
    """One column in train and in test.

    Attributes:
        column: Its name, its kind and why.
        train: float64 (n,), NaN where missing; where there are levels, int64 (n,), a place in them or -1.
        test: As train.
        levels: Distinct strings, None for numbers.
    """

    column: Column
    train: np.ndarray
    test: np.ndarray
    levels: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """Of the column."""
        return self.column.name

    @property
    def is_number(self) -> bool:
        """Whether values have an order and a distance."""
        return self.levels is None

    def texts(self, role: str) -> list[str]:
        """Strings of the rows of "train" or "test", "" where missing; only where there are levels."""
        known = [*(self.levels or ()), ""]
        return [known[code] for code in (self.train if role == "train" else self.test)]


@dataclass(frozen=True)
class Sampled:
    """Rows that are looked at where all would take too long.

    Attributes:
        train: Their numbers in train, rising.
        test: The same of test.
        columns: What they hold; columns that training drops are not among them.
        dropped: These, with the reason.
    """

    train: np.ndarray
    test: np.ndarray
    columns: tuple[Values, ...]
    dropped: tuple[Column, ...]


def sample_rows(n_rows: int, most: int) -> np.ndarray:
    """Numbers of rows drawn at random, always the same, in rising order; all where they are not more.

    >>> sample_rows(3, 5).tolist(), len(sample_rows(100, 5))
    ([0, 1, 2], 5)
    """
    if n_rows <= most:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(_SEED).choice(n_rows, most, replace=False))


def sample(project: Project, dataset: Dataset, most: int) -> Sampled:
    """Type the columns of at most so many rows of train and of test.

    Raises:
        DataError: A value does not fit the kind that the config gives its column.
        UsageError: The config names an unknown column or kind.
    """
    rows = [sample_rows(len(table), most) for table in (dataset.train, dataset.test)]
    train, test = dataset.train, dataset.test
    if len(train) > most or len(test) > most:
        train, test = (table.iloc[r].reset_index(drop=True) for table, r in zip((train, test), rows, strict=True))
        dataset = replace(dataset, train=train, test=test)
    kinds = column_kinds(project, dataset)
    columns = [_typed(c, train[c.name], test[c.name]) for c in kinds if c.kind != "drop"]
    return Sampled(rows[0], rows[1], tuple(columns), tuple(c for c in kinds if c.kind == "drop"))


def _typed(column: Column, train: pd.Series, test: pd.Series) -> Values:
    name = column.name
    pair = Table.build_pair(train.to_frame(), test.to_frame(), [column])
    if name in pair[0].codes:
        codes = [table.codes[name].astype(np.int64) for table in pair]
        return Values(column, codes[0], codes[1], tuple(pair[0].levels[name]))
    numbers = [table.numbers[name] for table in pair]
    if column.kind not in ("code", "boolean"):
        return Values(column, numbers[0], numbers[1])
    both = np.concatenate(numbers)
    codes_of_both, distinct = pd.factorize(both, sort=True)
    names = tuple(as_strings(pd.Series(distinct))) if column.kind == "code" else ("false", "true")
    if column.kind == "boolean":
        codes_of_both = np.where(np.isnan(both), -1, both).astype(np.int64)
    return Values(column, codes_of_both[: len(train)], codes_of_both[len(train) :], levels=names)


def lengths(values: Values) -> Values:
    """A column of texts as their lengths in characters, NaN where missing."""
    of_level = np.array([*(len(level) for level in values.levels or ()), np.nan], dtype=np.float64)
    return replace(values, train=of_level[values.train], test=of_level[values.test], levels=None)
