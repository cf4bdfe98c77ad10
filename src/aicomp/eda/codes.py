"""Columns of many levels: how thin they are, and how many of test's train has never seen."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aicomp.data.values import as_numbers, as_strings

MANY_LEVELS = 32
"""Levels from above which on a column is among them."""


@dataclass(frozen=True)
class Levels:
    """The levels of one column, in all rows.

    Attributes:
        name: The column.
        train: Levels in train; likewise `test`.
        test: Levels in test.
        rows_each: Rows of train per level, the median.
        single: Share of train's rows whose level has no other row.
        unseen_levels: Share of test's levels that are not in train.
        unseen_rows: Share of test's rows with such a level.
        commonest: The commonest level and its share of train.
    """

    name: str
    train: int
    test: int
    rows_each: float
    single: float
    unseen_levels: float
    unseen_rows: float
    commonest: tuple[str, float]


def count_levels(train: pd.Series, test: pd.Series) -> Levels:
    """Count the levels of a column.

    >>> found = count_levels(pd.Series(["a", "a", "b"]), pd.Series(["a", "c", "c", None]))
    >>> found.train, found.single, found.unseen_levels, found.unseen_rows, found.commonest[0]
    (2, 0.3333333333333333, 0.5, 0.6666666666666666, 'a')
    """
    if all(pd.api.types.is_numeric_dtype(s) for s in (train, test)):
        parts = [pd.Series(as_numbers(s)) for s in (train, test)]
    else:
        parts = [as_strings(s) for s in (train, test)]
    counts, of_test = (p.value_counts() for p in parts)
    unseen = ~of_test.index.isin(counts.index)
    n_train, n_test = int(counts.sum()), int(of_test.sum())
    first = str(as_strings(pd.Series([counts.index[0]])).iloc[0]) if len(counts) else ""
    return Levels(
        name=str(train.name),
        train=len(counts),
        test=len(of_test),
        rows_each=float(counts.median()) if len(counts) else 0.0,
        single=float((counts == 1).sum() / max(n_train, 1)),
        unseen_levels=float(unseen.mean()) if len(of_test) else 0.0,
        unseen_rows=float(of_test[unseen].sum() / max(n_test, 1)),
        commonest=(first, float(counts.max() / n_train) if n_train else np.nan),
    )
