"""Where values are missing, and which columns lack them together."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

_TOGETHER = 0.9
_LEAST_SHARE = 0.001


@dataclass(frozen=True)
class Missing:
    """What is missing.

    Attributes:
        train: Share of the rows of train in which each column is missing, by its name; all columns.
        test: The same of test, of the columns that it has.
        together: Columns that are missing in the same rows: any two neighbours share nine of ten rows in which one of
            them is missing.
        complete: Share of the rows of train in which nothing is missing.
    """

    train: dict[str, float]
    test: dict[str, float]
    together: tuple[tuple[str, ...], ...]
    complete: float

    @property
    def columns(self) -> list[str]:
        """Those that have missing values in train or in test, the emptiest first."""
        names = dict.fromkeys([*self.train, *self.test])
        found = [n for n in names if self.train.get(n, 0) > 0 or self.test.get(n, 0) > 0]
        return sorted(found, key=lambda n: -max(self.train.get(n, 0.0), self.test.get(n, 0.0)))


def find_missing(train: pd.DataFrame, test: pd.DataFrame) -> Missing:
    """Look at all rows of both tables."""
    masks = {str(name): train[name].isna().to_numpy() for name in train.columns}
    shares = {name: float(mask.mean()) for name, mask in masks.items()}
    any_missing = np.zeros(len(train), dtype=bool)
    for mask in masks.values():
        any_missing |= mask
    some = {name: mask for name, mask in masks.items() if _LEAST_SHARE <= shares[name] < 1}
    of_test = {str(name): float(test[name].isna().mean()) for name in test.columns}
    return Missing(shares, of_test, _together(some), 1 - float(any_missing.mean()))


def _together(masks: dict[str, np.ndarray]) -> tuple[tuple[str, ...], ...]:
    """Groups of columns, each of which shares its rows with another one of the group."""
    from scipy.sparse.csgraph import connected_components

    names = list(masks)
    if len(names) < 2:
        return ()
    rows = np.stack(list(masks.values())).astype(np.float32)
    both = rows @ rows.T
    alone = np.diag(both)
    either = alone[:, None] + alone[None, :] - both
    n_groups, group = connected_components(both >= _TOGETHER * either, directed=False)
    members = [tuple(names[i] for i in np.flatnonzero(group == g)) for g in range(n_groups)]
    return tuple(sorted((m for m in members if len(m) > 1), key=len, reverse=True))
