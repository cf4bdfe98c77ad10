"""How each column is taken: as a number, a code, a category, a boolean, a time, text, files, or not at all."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from aicomp.data.dates import parse_date_numbers, parse_dates
from aicomp.data.places import are_degrees, pair_names
from aicomp.data.strings import string_kind
from aicomp.data.values import CONVERT, as_numbers, as_strings, is_boolean_words
from aicomp.errors import DataError, UsageError
from aicomp.suggest import unknown_name

Kind = Literal["number", "code", "category", "boolean", "datetime", "text", "image", "audio", "drop"]
KINDS: tuple[str, ...] = get_args(Kind)

SET_BY_HAND = "set in [columns]"
"""Reason of a column whose kind was given."""

_CODE_NAME = re.compile(r"(?:^|[^a-z])(?:id|code|zip|zipcode|postcode|type|class|category|cat)s?\d?$")
_CODE_ROWS = 8
"""Rows per distinct value from which each value can have an embedding of its own."""

MANY_LEVELS = 32
"""Levels above which a category gets statistics of the target: below, a network learns each one from enough rows."""

_FEWEST_CODE_ROWS = 2.5
"""Rows per distinct value below which values hardly repeat."""

_YEARS = (1800, 2100)

_CODE_ENDING = re.compile(r"(?:class|type|code|category)$")


@dataclass(frozen=True)
class Column:
    """How one column is taken.

    Attributes:
        name: The column.
        kind: One of `KINDS`. A "code" is an integer that names something: it is given to the model both as a number
            and as a category.
        reason: Why, for people.
    """

    name: str
    kind: Kind
    reason: str


def infer_columns(
    train: pd.DataFrame,
    test: pd.DataFrame,
    overrides: Mapping[str, str],
    media: Sequence[Column] = (),
) -> list[Column]:
    """Choose a kind for each column of train, from its values in train and test and never from a target.

    Args:
        train: Features, without ids and targets.
        test: The same columns; some may be absent.
        overrides: Column name -> kind, as in `[columns]` of aicomp.toml.
        media: The columns that name files, see `data.media_files`.

    Returns:
        A column per column of train, in its order.

    Raises:
        DataError: Test has a column that train lacks, an override does not fit a value, or no column is left.
        UsageError: An override names an unknown column or kind, a column's name is no string or is there twice.
    """
    for table in (train, test):
        _check_names(table)
    known = {column.name: column for column in media}
    _check_overrides(overrides, train, test, known)
    extra = [c for c in test.columns if c not in train.columns]
    if extra:
        raise DataError(
            f"test has a column `{extra[0]}` that train lacks",
            f"remove it in features.py, or check the files; columns of train: {', '.join(map(str, train.columns))}",
        )
    seen: dict[int, str] = {}
    columns = []
    for name in train.columns:
        columns.append(known.get(name) or _infer(name, train, test, overrides.get(name), seen))
    check_usable(columns)
    return [_with_encoding(column, train, columns) for column in columns]


def _with_encoding(column: Column, train: pd.DataFrame, columns: list[Column]) -> Column:
    """The column with what its encoding adds to it, where that is more than its kind says."""
    added = ""
    if column.kind in ("category", "code") and train[column.name].nunique() > MANY_LEVELS:
        added = "as levels, target mean and count"
    for pair in pair_names([c.name for c in columns if c.kind == "number"]):
        if column.name in pair and are_degrees(*(as_numbers(train[name]) for name in pair)):
            [other] = [name for name in pair if name != column.name]
            added = f"a place with `{other}`: directions and distances"
    return replace(column, reason=f"{column.reason}; {added}") if added else column


def check_usable(columns: list[Column]) -> None:
    """Refuse a table whose columns are all dropped.

    Raises:
        DataError: With the reason of each column.
    """
    if any(c.kind != "drop" for c in columns):
        return
    reasons = "; ".join(f"`{c.name}`: {c.reason}" for c in columns[:10]) or "there are none besides ids and targets"
    raise DataError(
        f"no column is left to learn from ({reasons})",
        "set a kind under [columns] in aicomp.toml, or add a feature in features.py",
    )


def _check_names(table: pd.DataFrame) -> None:
    for name, twice in zip(table.columns, table.columns.duplicated(), strict=True):
        if twice:
            raise UsageError(f"there are two columns `{name}`", "rename one of them in features.py")
        if not isinstance(name, str):
            raise UsageError(
                f"the column `{name}` is named by {type(name).__name__}, not by a string", "rename it in features.py"
            )


def _check_overrides(
    overrides: Mapping[str, str], train: pd.DataFrame, test: pd.DataFrame, media: Collection[str]
) -> None:
    for name, kind in overrides.items():
        if kind not in KINDS:
            error = unknown_name("kind", kind, KINDS)
            raise UsageError(f"`[columns]`: {error.message} of column `{name}`", error.hint)
        if name not in train.columns:
            error = unknown_name("column", name, map(str, train.columns))
            raise UsageError(f"`[columns]`: {error.message}", error.hint)
        if name not in test.columns and kind != "drop":
            raise UsageError(
                f"`[columns]`: `{name}` is to be taken as {kind}, but test lacks it",
                f'set `"{name}" = "drop"` or remove the line',
            )
        if kind in ("image", "audio") and name not in media:
            raise UsageError(
                f"`[columns]`: `{name}` is to be taken as {kind}, but its values name no files below `data/raw/`",
                "`aicomp init` copies the files that columns name; correct the values in features.py",
            )


def _infer(name: str, train: pd.DataFrame, test: pd.DataFrame, override: str | None, seen: dict[int, str]) -> Column:
    if override == "drop":
        return Column(name, "drop", SET_BY_HAND)
    if name not in test.columns:
        return Column(name, "drop", "only in train")
    values = joined(train[name], test[name])
    if override is not None:
        if override in CONVERT:
            CONVERT[override](values)  # raises where a value does not fit
        return Column(name, override, SET_BY_HAND)  # type: ignore[arg-type]
    if train[name].nunique(dropna=False) <= 1:
        return Column(name, "drop", "constant in train" if len(train) else "no rows")
    fingerprint = _fingerprint(values)
    if fingerprint in seen:
        return Column(name, "drop", f"the same values as `{seen[fingerprint]}`")
    column = Column(name, *infer_kind(name, values))
    if column.kind != "drop":
        seen[fingerprint] = name
    return column


def joined(train: pd.Series, test: pd.Series) -> pd.Series:
    """The values of a column in train and then in test, as one series."""
    if train.dtype == test.dtype or all(pd.api.types.is_numeric_dtype(s) for s in (train, test)):
        if pd.api.types.is_bool_dtype(train) != pd.api.types.is_bool_dtype(test):
            train, test = as_strings(train), as_strings(test)
    elif not all(isinstance(s.dtype, np.dtype) and s.dtype.kind == train.dtype.kind in "mM" for s in (train, test)):
        train, test = (as_strings(s) if s.notna().any() else s.astype(object) for s in (train, test))
    values = pd.concat([train, test], ignore_index=True)
    values.name = train.name
    return values


def _fingerprint(values: pd.Series) -> int:
    if pd.api.types.is_numeric_dtype(values):
        return hash(values.to_numpy(dtype=np.float64, na_value=np.nan).tobytes())
    return hash(tuple(as_strings(values).fillna("")))


def infer_kind(name: str, values: pd.Series) -> tuple[Kind, str]:
    """Kind of one column and why.

    Args:
        name: Name of the column: endings such as "id" or "type" speak for a code.
        values: Its values, of any type that pandas reads.
    """
    if pd.api.types.is_bool_dtype(values):
        return "boolean", "true and false"
    if pd.api.types.is_numeric_dtype(values):
        return _number_kind(name, values)
    if pd.api.types.is_datetime64_any_dtype(values):
        return "datetime", "times"
    if pd.api.types.is_timedelta64_dtype(values):
        return "number", "time spans, in seconds"
    strings = as_strings(values)
    words = {w.lower() for w in strings.dropna().unique()[:9]}
    if is_boolean_words(words):
        return "boolean", " and ".join(f"`{v}`" for v in sorted(strings.dropna().unique())[:4])
    numbers = pd.to_numeric(strings, errors="coerce")
    if (numbers.isna() == strings.isna()).all():
        return _number_kind(name, numbers)
    dates = parse_dates(strings)
    if dates is not None:
        return "datetime", f"dates as {dates[1]}" if dates[1] != "HH:MM" else "times of day"
    return string_kind(strings)


def _number_kind(name: str, values: pd.Series) -> tuple[Kind, str]:
    present = values.dropna().to_numpy(dtype=np.float64)
    levels, counts = np.unique(present, return_counts=True)
    if not len(levels) or np.isinf(levels).any() or (levels % 1 != 0).any():
        return "number", "numbers"
    if parse_date_numbers(values) is not None and len(levels) > 5:
        return "datetime", "dates as YYYYMMDD"
    repeats = counts.mean()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(name)).lower()
    if len(levels) >= 3 and repeats >= 2 and (_CODE_NAME.search(words) or _CODE_ENDING.search(words)):
        return "code", f"{len(levels)} whole numbers, and the name speaks of a code"
    reason = _scattered(levels, counts)
    return ("code", reason) if reason else ("number", "whole numbers")


def _scattered(levels: np.ndarray, counts: np.ndarray) -> str:
    """Why whole numbers name something although the column's name does not say so; "" if they measure or count.

    Amounts have a smooth distribution, or are heaped at round values; years are known by their range. Codes of few rows
    each show by how much more the rows of neighbours differ than those of a smooth distribution would by chance.
    """
    if len(levels) < 20 or (levels[0] >= _YEARS[0] and levels[-1] <= _YEARS[1]):
        return ""
    # The commonest value aside: amounts are often 0 and rarely the same otherwise.
    repeats = (counts.sum() - counts.max()) / (len(levels) - 1)
    spread = (levels[-1] - levels[0] + 1) / len(levels)
    smoothness = _smoothness(counts)
    if repeats >= _CODE_ROWS and spread > 20 and smoothness < 0.5:
        return f"{len(levels)} whole numbers that repeat, scattered over a range {spread:.0f} times as wide"
    if repeats >= _CODE_ROWS and smoothness < 0.3:
        return f"{len(levels)} whole numbers that repeat without a smooth distribution"
    others = np.delete(counts, counts.argmax())
    # Differences of independent Poisson counts with the same mean have twice that mean as variance.
    dispersion = float((np.diff(others) ** 2).mean() / 2 / others.mean())
    common = np.delete(levels, counts.argmax())[np.argsort(-others, kind="stable")[: max(10, len(levels) // 10)]]
    is_heaped = (common % 10 == 0).mean() > 0.3
    is_uneven = dispersion > 10 and dispersion > 4.5 * others.mean() and smoothness < 0.3
    if len(levels) >= 50 and repeats >= _FEWEST_CODE_ROWS and is_uneven and not is_heaped:
        return f"{len(levels)} whole numbers, some of which repeat far more often than their neighbours"
    return ""


def _smoothness(counts: np.ndarray) -> float:
    """Rank correlation of how often a level occurs with how often the next one does: near 1 for a quantity."""
    ranks = pd.Series(np.log(counts)).rank().to_numpy()
    before, after = ranks[:-1], ranks[1:]
    if before.std() == 0 or after.std() == 0:
        return 1.0
    return float(np.corrcoef(before, after)[0, 1])
