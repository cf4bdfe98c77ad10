"""Which encoded columns are about a row's user, which about its item: for models of pairs of the two."""

from dataclasses import dataclass

import numpy as np

from aicomp.data.rows import Rows
from aicomp.errors import UsageError


@dataclass(frozen=True)
class Side:
    """The columns of users, or of items; numbers of columns of `Rows`.

    Attributes:
        code: Column of `x_cat` that names the user, or the item.
        num: Columns of `x_num` that have one value for each of them.
        cat: Columns of `x_cat` that have, without `code`.
    """

    code: int
    num: tuple[int, ...] = ()
    cat: tuple[int, ...] = ()


@dataclass(frozen=True)
class Sides:
    """The columns of users and those of items; what is in neither is about the pair, such as the time."""

    user: Side
    item: Side

    def others(self, n_num: int, n_cat: int) -> tuple[list[int], list[int]]:
        """Numbers of the columns of `x_num` and of `x_cat` that are about the pair."""
        taken_num = {*self.user.num, *self.item.num}
        taken_cat = {self.user.code, self.item.code, *self.user.cat, *self.item.cat}
        return [j for j in range(n_num) if j not in taken_num], [j for j in range(n_cat) if j not in taken_cat]


def find_sides(train: Rows, user: int, item: int) -> Sides:
    """Sort columns by whether they are constant for each user, or for each item, among the training rows.

    Args:
        train: Training rows.
        user: Column of `x_cat` that names users.
        item: Column of `x_cat` that names items.
    """
    user_num, user_cat = _constant(train, user)
    item_num, item_cat = _constant(train, item)
    return Sides(
        Side(user, tuple(user_num), tuple(j for j in user_cat if j not in (user, item))),
        Side(
            item,
            tuple(j for j in item_num if j not in user_num),
            tuple(j for j in item_cat if j not in (user, item, *user_cat)),
        ),
    )


def _constant(train: Rows, code: int) -> tuple[list[int], list[int]]:
    """Columns of `x_num` and of `x_cat` that have one value for each code; rare levels that share one are left out."""
    codes = train.x_cat[:, code]
    rows = np.flatnonzero(codes >= FIRST_LEVEL)
    levels, first, which = np.unique(codes[rows], return_index=True, return_inverse=True)
    if len(levels) == len(rows):  # a row each: anything would be constant
        return [], []
    found = []
    for x in (train.x_num, train.x_cat):
        found.append([j for j in range(x.shape[1]) if (x[rows, j] == x[rows[first], j][which]).all()])
    return found[0], found[1]


FIRST_LEVEL = 2
"""The first code of a level that is known; before it are rare or unseen levels and missing values."""


def required(sides: Sides | None, model: str) -> Sides:
    """The sides, for a model that cannot do without.

    Raises:
        UsageError: The contract names no user and item, or one of them is no feature.
    """
    if sides is None:
        raise UsageError(
            f"model `{model}` learns from pairs of a user and an item, and the columns of both are not known",
            'write `user = "COLUMN"` and `item = "COLUMN"` above [files] in competition.toml (and take neither as '
            "`split.group`), or take another model",
        )
    return sides
