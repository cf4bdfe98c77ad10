"""Side tables: files with one row per user, item, shop or the like, whose columns are added to train and test."""

from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.data.reading import check_finite, is_strings, line_numbers, read_table
from aicomp.errors import DataError

_DIVIDERS = ("|", ";", ",", " ")
_LEAST_DIVIDED = 0.1
"""Share of the values with a divider from which a column may hold lists."""
_MOST_WORDS = 64


def read_side_table(path: Path, key: str, encoding: str = "utf-8") -> pd.DataFrame:
    """Read a side table.

    Args:
        path: The file.
        key: Column that names its rows, read as exact strings.
        encoding: Of the file's text.

    Returns:
        Its other columns, with the keys as index. A column that lists several of a few words, such as genres, is
        followed by a column for each word.

    Raises:
        DataError: The file has no such column, a key is missing or there twice, or a number is infinite.
    """
    table = read_table(path, strings=[key], encoding=encoding)
    if key not in table.columns:
        raise DataError(
            f"`{path.name}` has no column `{key}`, by which it is joined",
            f"correct `[files.tables]` in competition.toml; its columns: {', '.join(map(str, table.columns))}",
        )
    keys = table[key].str.strip()
    for is_bad, what in ((keys.isna(), "is missing"), (keys.duplicated(), "is there a second time")):
        bad = np.flatnonzero(is_bad.to_numpy())
        if len(bad):
            value = "" if pd.isna(keys.iloc[bad[0]]) else f" `{keys.iloc[bad[0]]}`"
            raise DataError(
                f"`{path.name}` line {line_numbers(path)[bad[0]]}: the key `{key}`{value} {what}",
                "a side table has one row for each key: correct the file, or remove it from `[files.tables]`",
            )
    check_finite(table, path)
    others = table.drop(columns=key)
    return pd.concat([part for name in others for part in (others[name], *_words(others[name]))], axis=1).set_index(
        keys
    )


def _words(values: pd.Series) -> list[pd.Series]:
    """For a column that lists words, whether each word is listed: 0 or 1, NaN where the value is missing.

    A list is divided by one of `_DIVIDERS`. It is one if the words are few, and their combinations more.

    >>> [(s.name, s.tolist()) for s in _words(pd.Series(["Drama|War", "Drama", "War", "Drama|Comedy"], name="genre"))]
    [('genre Comedy', [0.0, 0.0, 0.0, 1.0]), ('genre Drama', [1.0, 1.0, 0.0, 1.0]), ('genre War', [1.0, 0.0, 1.0, 0.0])]
    """
    if not is_strings(values):
        return []
    present = values.dropna().astype(str)
    for divider in _DIVIDERS:
        if present.str.contains(divider, regex=False).mean() < _LEAST_DIVIDED:
            continue
        listed = present.str.split(divider).map(lambda words: {w.strip() for w in words} - {""})
        words = sorted(set().union(*listed))
        if len(words) <= _MOST_WORDS and len(words) < present.nunique():
            return [
                listed.map(lambda found, w=w: float(w in found)).reindex(values.index).rename(f"{values.name} {w}")
                for w in words
            ]
    return []


def add_columns(table: pd.DataFrame, key: str, side: pd.DataFrame, name: str) -> pd.DataFrame:
    """Add a side table's columns to a table; rows and their order stay.

    Args:
        table: Train or test; `key` holds exact strings.
        key: Column that names a row of the side table.
        side: What `read_side_table` returned. Keys that it lacks get missing values.
        name: What the side table is called: a column whose name the table has already becomes `<name>_<column>`.

    >>> table = pd.DataFrame({"user": ["b", "a", "c"], "age": [1, 2, 3]})
    >>> side = pd.DataFrame({"age": [30.0, 40.0]}, index=["a", "b"])
    >>> add_columns(table, "user", side, "users")["users_age"].tolist()
    [40.0, 30.0, nan]
    """
    found = side.reindex(table[key].str.strip())
    found.columns = pd.Index([f"{name}_{c}" if c in table.columns else c for c in found.columns])
    return pd.concat([table.reset_index(drop=True), found.reset_index(drop=True)], axis=1)
