"""Who took what, as rows that can be folded: for each user a list of items that are known, and one to be predicted."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

HISTORY = "history"
"""The column of a user's known items, in the order in which they were taken, between blanks."""

_HELD_OUT = 0.2
"""Share of each user's items that is to be predicted, the last ones, at least one."""


@dataclass(frozen=True)
class Interactions:
    """Items of users.

    Attributes:
        items: All items of each user in order, by user.
    """

    items: dict[str, list[str]]

    @classmethod
    def of(cls, users: pd.Series, items: pd.Series, time: np.ndarray | None, seed: int) -> "Interactions":
        """Collect them.

        Args:
            users: User of each row, strings.
            items: Item of each row, strings.
            time: When it was taken; None where that is not known: the order is then drawn.
            seed: Of that.
        """
        order = np.random.default_rng(seed).permutation(len(users)) if time is None else np.argsort(time, kind="stable")
        found: dict[str, dict[str, None]] = {}
        for user, item in zip(users.iloc[order].str.strip(), items.iloc[order].str.strip(), strict=True):
            found.setdefault(user, {})[item] = None  # a dict keeps the order, and each item once
        return cls({user: list(taken) for user, taken in sorted(found.items())})

    def split(self) -> tuple[list[str], list[str], list[str]]:
        """Users of two items or more, what is known of each, and the list that is to be predicted."""
        users = [user for user, taken in self.items.items() if len(taken) > 1]
        n_held = [max(1, int(_HELD_OUT * len(self.items[user]))) for user in users]
        known = [" ".join(self.items[user][:-n]) for user, n in zip(users, n_held, strict=True)]
        held = [" ".join(self.items[user][-n:]) for user, n in zip(users, n_held, strict=True)]
        return users, known, held

    def histories(self, users: pd.Series) -> pd.DataFrame:
        """All items of some users as a table with the column `HISTORY`, "" for a user of whom nothing is known."""
        return pd.DataFrame({HISTORY: [" ".join(self.items.get(user, [])) for user in users.str.strip()]}, dtype=object)
