"""Whether rows are pairs of a user and an item, and which other files tell about users and items."""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass

import pandas as pd

from aicomp.contract.inquiry import Inquiry
from aicomp.contract.tables import RawTable, Tables
from aicomp.data.values import as_strings
from aicomp.errors import DataError
from aicomp.metrics.base import ProblemType
from aicomp.raw_data import table_suffix

_USERS = {
    *("user", "customer", "client", "member", "reader", "reviewer", "viewer", "listener", "buyer", "visitor"),
    *("player", "person", "profile", "account"),
}
_ITEMS = {
    *("item", "movie", "film", "product", "book", "isbn", "song", "track", "artist", "article", "show", "series"),
    *("anime", "game", "recipe", "restaurant", "business", "video", "course", "joke"),
}
_ABOUT = {"id", "ids", "no", "nr", "num", "number", "code", "key", "index", "uid"}
"""Words that may stand beside those above in the name of a column."""

_FEWEST_LEVELS = 20
_FEWEST_ROWS = 2.0
"""Rows per level from which ids repeat."""
_ONCE = 0.8
"""Share of the rows whose pair of user and item occurs once."""
_REPEATS = 0.5
"""Share of the rows of train whose user was there before from which they say who took what."""
_MOST_OTHERS = 4
"""Columns beside user and item up to which the pair is what a row is about."""
_MOST_DUPLICATES = 0.02
"""Share of keys that occur twice up to which a file is a side table with a fault, and beyond it something else."""


@dataclass(frozen=True)
class Pair:
    """Columns that name the user and the item of a row."""

    user: str
    item: str


def find_pair(tables: Tables, hidden: Set[str], problem_type: ProblemType, inquiry: Inquiry) -> Pair | None:
    """The columns of user and item, by their names and values; None where rows are about something else.

    Args:
        tables: The competition's tables.
        hidden: Ids of rows, and targets.
        problem_type: What is learned; ratings are values, likes yes or no.
        inquiry: Told what is found.
    """
    if problem_type not in ("regression", "binary"):
        return None
    columns = [c for c in tables.train.columns if c not in hidden and c in tables.test.columns]
    if len(columns) > 2 + _MOST_OTHERS:
        return None
    for user in (c for c in columns if _names(c, _USERS)):
        for item in (c for c in columns if _names(c, _ITEMS)):
            rows = tables.train.exact([user, item]).dropna()
            n_users, n_items, n_pairs = rows[user].nunique(), rows[item].nunique(), len(rows.drop_duplicates())
            many = min(n_users, n_items) >= _FEWEST_LEVELS
            if many and len(rows) >= _FEWEST_ROWS * max(n_users, n_items) and n_pairs >= _ONCE * len(rows):
                why = f"{n_users} and {n_items} ids that repeat, in {n_pairs} pairs of {len(rows)} rows"
                inquiry.found("user, item", f"{user}, {item}", why)
                return Pair(user, item)
    return None


def find_takers(tables: Tables, ids: Sequence[str], targets: Sequence[str]) -> Pair | None:
    """The pair where the rows of train may say who took what: each id of test once, and again and again in train."""
    train, test = tables.train, tables.test
    if len(ids) != 1 or len(targets) != 1 or not {*ids, *targets} <= set(train.columns):
        return None
    repeats = float(train.exact(ids)[ids[0]].duplicated().mean())
    return Pair(ids[0], targets[0]) if repeats > _REPEATS and test.exact(ids)[ids[0]].is_unique else None


def _names(column: str, nouns: Set[str]) -> bool:
    """Whether a column is called after one of some nouns.

    >>> _names("user_id", _USERS), _names("movieId", _ITEMS), _names("user_age", _USERS), _names("ISBN", _ITEMS)
    (True, True, False, True)
    """
    words = re.findall("[a-z]+", re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", column).lower())
    found = [word for word in words if _is_noun(word, nouns)]
    return len(found) == 1 and all(word in _ABOUT for word in words if word not in found)


def _is_noun(word: str, nouns: Set[str]) -> bool:
    return any(form in nouns for form in (word, word.removesuffix("s"), word.removesuffix("id")))


def find_side_tables(tables: Tables, pair: Pair, inquiry: Inquiry) -> dict[str, str]:
    """Other files of the folder that have a row for each user or item: name of the file -> column of the key."""
    folder = tables.train.path.parent
    taken = {t.name for t in (tables.train, tables.test, tables.sample)}
    found: dict[str, str] = {}
    for path in sorted(p for p in folder.iterdir() if p.is_file() and table_suffix(p.name) and p.name not in taken):
        table = RawTable(path, inquiry.given.encoding)
        key = _key(table, pair)
        if key is not None:
            kind = "user" if key == pair.user else "item"
            inquiry.found("side table", path.name, f"a row for each {kind}, by `{key}`")
            found[path.name] = key
    return found


def _key(table: RawTable, pair: Pair) -> str | None:
    """Which id names the rows of a table, None if neither does."""
    try:
        columns = table.columns
    except DataError:  # no table, such as a packed folder of posters
        return None
    both = [c for c in (pair.user, pair.item) if c in columns]
    if len(both) != 1 or len(columns) < 2:
        return None
    keys: pd.Series = as_strings(table.frame[both[0]])
    return both[0] if keys.duplicated().mean() <= _MOST_DUPLICATES else None
