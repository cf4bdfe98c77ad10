"""Many series over regular steps: which series and which step each row of train and test is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aicomp.data.reading import line_numbers
from aicomp.data.steps import Steps, plural, read_times
from aicomp.data.values import as_strings
from aicomp.errors import DataError

SERIES_FILE = "series.safetensors"
"""In a run's `work/`: series and step of each row of train and test, where something is forecast."""


@dataclass(frozen=True)
class Panel:
    """Series and their steps.

    Attributes:
        names: Columns that name a series; none if there is one series.
        time: Column of the times.
        keys: What these columns hold for each series; series are numbered in this order.
        steps: The grid of times.
        last: Last step of train.
        gap: Steps between the last one of train and the first one that is asked for.
        horizon: Steps that are asked for.
        seasons: Steps after which a series is expected to come round, the most important first.
    """

    names: tuple[str, ...]
    time: str
    keys: tuple[tuple[str, ...], ...]
    steps: Steps
    last: int
    gap: int
    horizon: int
    seasons: tuple[float, ...]

    @classmethod
    def of(
        cls,
        train: tuple[pd.DataFrame, Path],
        test: tuple[pd.DataFrame, Path],
        *,
        names: tuple[str, ...],
        time: str,
        horizon: int,
        gap: int,
        period: int | None = None,
    ) -> "Panel":
        """Number the series and steps of a competition.

        Args:
            train: The table and its file.
            test: The table and its file.
            names: Columns that name a series.
            time: Column of the times.
            horizon: Steps that are asked for.
            gap: Steps between train and the first of them.
            period: Steps after which a series comes round; None follows from the step.

        Raises:
            DataError: A time is missing, is none or lies on no regular grid.
        """
        hint = "correct it, or `time` in competition.toml"
        read = [read_times(table[time], path, hint) for table, path in (train, test)]
        both = read_times(pd.concat([train[0][time], test[0][time]], ignore_index=True), train[1], hint)
        if len({r.written for r in (*read, both)}) > 1:
            raise DataError(
                f"`{time}` is written as {read[0].written} in `{train[1].name}` and as {read[1].written} in "
                f"`{test[1].name}`",
                "write all times alike",
            )
        steps = Steps.fit(both, time)
        keys = list(dict.fromkeys([*_keys(train[0], names), *_keys(test[0], names)]))
        seasons = steps.seasons if period is None else (float(period), *(s for s in steps.seasons if s > period))
        last = int(steps.read(train[0][time], train[1]).max())
        return cls(names, time, tuple(keys), steps, last, gap, horizon, seasons)

    def place(self, table: pd.DataFrame, path: Path) -> np.ndarray:
        """Number of the series and of the step of each row, int64 (n, 2).

        A series that is not known gets a number from `len(keys)` on.

        Raises:
            DataError: A time is wrong, or a series has one twice.
        """
        keys = _keys(table, self.names)
        number = {key: i for i, key in enumerate(self.keys)}
        for key in keys:
            number.setdefault(key, len(number))
        places = np.column_stack([[number[key] for key in keys], self.steps.read(table[self.time], path)])
        twice = np.flatnonzero(pd.DataFrame(places).duplicated().to_numpy())
        if len(twice):
            row = int(twice[0])
            of = f"the series {', '.join(map(repr, keys[row]))}" if self.names else "the only series"
            raise DataError(
                f"`{path.name}` line {line_numbers(path)[row]}: {of} has the time `{table[self.time].iloc[row]}` twice",
                "name all columns that tell series apart as `series` in competition.toml",
            )
        return places.astype(np.int64)

    def check_future(self, places: np.ndarray, path: Path) -> None:
        """Refuse rows that no model predicts: those that train knows, and those beyond the horizon.

        Raises:
            DataError: With the first such row.
        """
        ahead = places[:, 1] - self.last
        bad = np.flatnonzero((ahead <= self.gap) | (ahead > self.gap + self.horizon))
        if len(bad):
            row = int(bad[0])
            raise DataError(
                f"`{path.name}` line {line_numbers(path)[row]} is {ahead[row]} {plural(self.steps.name)} after train, "
                f"but {self.gap + 1} to {self.gap + self.horizon} are asked for",
                "correct `horizon` and `gap` in competition.toml, or the row",
            )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "names": list(self.names),
            "time": self.time,
            "keys": [list(key) for key in self.keys],
            "steps": self.steps.as_dict(),
            "last": self.last,
            "gap": self.gap,
            "horizon": self.horizon,
            "seasons": list(self.seasons),
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Panel":
        """What `as_dict` gave."""
        return cls(
            names=tuple(stored["names"]),
            time=stored["time"],
            keys=tuple(tuple(key) for key in stored["keys"]),
            steps=Steps(**stored["steps"]),
            last=stored["last"],
            gap=stored["gap"],
            horizon=stored["horizon"],
            seasons=tuple(stored["seasons"]),
        )


def _keys(table: pd.DataFrame, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """What names the series of each row; "" where it is missing."""
    if not names:
        return [()] * len(table)
    columns = [as_strings(table[name]).fillna("").map(str) for name in names]
    return list(zip(*columns, strict=True))
