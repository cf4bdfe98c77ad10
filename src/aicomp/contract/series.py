"""Whether test holds the next steps of series that train knows, and which columns tell the series apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from aicomp.contract.checks import later_in_test
from aicomp.contract.inquiry import Inquiry, listing
from aicomp.contract.tables import Tables
from aicomp.data.panel import Panel
from aicomp.data.steps import plural
from aicomp.data.values import as_strings
from aicomp.errors import DataError, UsageError
from aicomp.suggest import unknown_name

_MOST_KEYS = 3
"""Columns that it may take to tell series apart."""

_MOST_CANDIDATES = 10
_LONGEST_HORIZON = 500
_LEAST_KNOWN = 0.5
"""Share of the series of test that train must know, and of the steps within series that must have a row."""


@dataclass(frozen=True)
class Series:
    """What is forecast; see `Competition` for the members."""

    time: str
    series: tuple[str, ...]
    horizon: int
    gap: int


def find_series(tables: Tables, targets: Sequence[str], inquiry: Inquiry) -> Series | None:
    """Series whose next steps are asked for, None where rows are something else.

    Args:
        tables: The competition's tables.
        targets: Columns that are predicted.
        inquiry: Told the reason.

    Raises:
        UsageError: A flag names a column that is not there.
        DataError: `--series` is given, and the times are no series.
    """
    given = inquiry.given
    for name in given.series:
        if name not in tables.train.columns or name not in tables.test.columns:
            both = [c for c in tables.train.columns if c in tables.test.columns]
            raise unknown_name("column of train and test, given with `--series`:", name, both)
    time = given.time or later_in_test(tables)
    if time is None or time not in tables.test.columns or time not in tables.train.columns:
        if given.series:
            raise UsageError("`--series` is given, and no column is later in test than in train", "add `--time COLUMN`")
        return None
    train, test = (_read(table.frame, targets) for table in (tables.train, tables.test))
    names = given.series or _tell_apart(train, test, time)
    if names is None:
        return None
    try:
        found = _measure(tables, train, test, time, tuple(names))
    except DataError:
        if given.series:
            raise
        return None  # times without a regular step
    if found is None:
        if given.series:
            raise DataError(
                f"test does not go on where the series of {listing(given.series)} end in train",
                "leave `--series` out, or correct `--time`",
            )
        return None
    series, step, n_series = found
    gap = f", {series.gap} {plural(step)} after the last one of train" if series.gap else ""
    inquiry.found(
        "time", time, "given with --time" if given.time else "every row of test is later than every one of train"
    )
    inquiry.found(
        "series",
        ", ".join(series.series) or "one",
        f"{n_series} series of regular {plural(step)}" if n_series > 1 else f"one series of regular {plural(step)}",
    )
    inquiry.found("horizon", str(series.horizon), f"{plural(step)} that test asks for{gap}")
    return series


def _read(frame: pd.DataFrame, targets: Sequence[str]) -> pd.DataFrame:
    return frame.drop(columns=[c for c in targets if c in frame.columns])


def _tell_apart(train: pd.DataFrame, test: pd.DataFrame, time: str) -> tuple[str, ...] | None:
    """Fewest columns with which no time comes twice, and the texts that go with them; None if there are none."""
    if not train[time].duplicated().any() and not test[time].duplicated().any():
        return ()
    shared = [c for c in train.columns if c in test.columns and c != time]
    candidates = [c for c in shared if _may_be_key(train[c], test[c])][:_MOST_CANDIDATES]
    for n in range(1, min(_MOST_KEYS, len(candidates)) + 1):
        for names in combinations(candidates, n):
            columns = [*names, time]
            if not test.duplicated(columns).any() and not train.duplicated(columns).any():
                return tuple(c for c in shared if c in names or _goes_with(train, c, names))
    return None


def _may_be_key(train: pd.Series, test: pd.Series) -> bool:
    """Whether values name something that train and test have in common."""
    if pd.api.types.is_float_dtype(train) and (train.dropna() % 1 != 0).any():
        return False
    known = set(as_strings(train).dropna().unique())
    asked = set(as_strings(test).dropna().unique())
    return bool(asked) and len(asked & known) >= _LEAST_KNOWN * len(asked) and len(known) <= max(2, len(train) // 4)


def _goes_with(train: pd.DataFrame, column: str, names: tuple[str, ...]) -> bool:
    """Whether a text is the same in all rows of a series, as a state is that of its region."""
    if pd.api.types.is_numeric_dtype(train[column]):
        return False
    return bool((train.groupby(list(names), dropna=False)[column].nunique(dropna=False) <= 1).all())


def _measure(
    tables: Tables, train: pd.DataFrame, test: pd.DataFrame, time: str, names: tuple[str, ...]
) -> tuple[Series, str, int] | None:
    """Horizon and gap, the name of a step and the number of series; None if test does not go on with train's series.

    Raises:
        DataError: The times have no regular step.
    """
    paths = tables.train.path, tables.test.path
    panel = Panel.of((train, paths[0]), (test, paths[1]), names=names, time=time, horizon=1, gap=0)
    known, asked = panel.place(train, paths[0]), panel.place(test, paths[1])
    series, lengths = np.unique(known[:, 0], return_counts=True)
    n_steps = int(np.ptp(known[:, 1])) + 1
    ahead = asked[:, 1] - panel.last
    horizon = int(ahead.max() - ahead.min()) + 1
    first, last = (pd.Series(known[:, 1]).groupby(known[:, 0]).agg(which) for which in ("min", "max"))
    spans = (last - first + 1).to_numpy()
    if (
        ahead.min() < 1
        or horizon > min(_LONGEST_HORIZON, n_steps // 3)
        or lengths.sum() < _LEAST_KNOWN * spans.sum()
        or np.isin(asked[:, 0], series).mean() < _LEAST_KNOWN
    ):
        return None
    return Series(time, names, horizon, int(ahead.min()) - 1), panel.steps.name, len(series)
