"""Pairs of a user and an item: how many of each, how dense, and who is new in test."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Side:
    """Users, or items.

    Attributes:
        name: The column.
        counts: Pairs of train of each one, the largest first.
        unseen: Share of test's rows whose user (or item) train does not have; NaN where test has none.
    """

    name: str
    counts: np.ndarray
    unseen: float

    @property
    def half(self) -> float:
        """Share of all users (or items), the most frequent ones, that have half of the pairs."""
        total = self.counts.cumsum()
        return float((np.searchsorted(total, total[-1] / 2) + 1) / len(self.counts))


@dataclass(frozen=True)
class Pairs:
    """All pairs of train.

    Attributes:
        user: The users.
        item: The items.
        n_pairs: Distinct pairs.
        repeated: Rows whose pair was there before.
    """

    user: Side
    item: Side
    n_pairs: int
    repeated: int

    @property
    def density(self) -> float:
        """Share of all possible pairs that are there."""
        return self.n_pairs / (len(self.user.counts) * len(self.item.counts))


def count_pairs(train: pd.DataFrame, test: pd.DataFrame, user: str, item: str) -> Pairs:
    """Count the pairs of a table.

    >>> table = pd.DataFrame({"u": ["a", "a", "b"], "i": ["x", "y", "x"]})
    >>> found = count_pairs(table, pd.DataFrame({"u": ["c", "a"], "i": ["x", "x"]}), "u", "i")
    >>> found.density, found.user.unseen, found.item.counts.tolist()
    (0.75, 0.5, [2, 1])
    """
    sides = [_side(train[name], test.get(name)) for name in (user, item)]
    repeated = int(train.duplicated([user, item]).sum())
    return Pairs(sides[0], sides[1], len(train) - repeated, repeated)


def count_lists(known: Sequence[str], held: Sequence[str], names: tuple[str, str]) -> Pairs:
    """Count the pairs of lists of items: a row each user, what is known of it and what is held out.

    >>> found = count_lists(["x y", "x"], ["z", "y"], ("u", "i"))
    >>> found.n_pairs, found.item.counts.tolist()
    (5, [2, 2, 1])
    """
    lists = [[*a.split(), *b.split()] for a, b in zip(known, held, strict=True)]
    per_user = np.sort(np.array([len(items) for items in lists]))[::-1]
    per_item = pd.Series([i for items in lists for i in items]).value_counts().to_numpy()
    return Pairs(Side(names[0], per_user, np.nan), Side(names[1], per_item, np.nan), int(per_user.sum()), 0)


def _side(train: pd.Series, test: pd.Series | None) -> Side:
    counts = train.value_counts()
    unseen = np.nan if test is None else float((~test.isin(counts.index)).mean())
    return Side(str(train.name), counts.to_numpy(), unseen)
