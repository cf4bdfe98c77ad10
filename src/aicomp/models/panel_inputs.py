"""From rows to what models that are common to all series take, and back: windows by series, covariates by step."""

from dataclasses import dataclass

import numpy as np

from aicomp.data.rows import Rows
from aicomp.models.estimator import State
from aicomp.models.history import History, similar, steps_ahead
from aicomp.models.spec import SeriesSpec
from aicomp.models.windows import Windows, windows_at

_FEWEST_ROUNDS = 1.5
_WAVES = 2


@dataclass(frozen=True)
class Covariates:
    """What is known in advance of each row.

    Attributes:
        numbers: float32 (..., n_numbers).
        codes: int64 (..., n_codes).
    """

    numbers: np.ndarray
    codes: np.ndarray


@dataclass(frozen=True)
class Outlook:
    """All series at the origin that forecasts begin from.

    Attributes:
        windows: A window of each series that has begun.
        keys: Keys of all series, int64 (n_series, n_keys).
        origin: Number of the last known step.
        waves: Seasons of which there is enough to learn from, beside the first one.
    """

    windows: Windows
    keys: np.ndarray
    origin: int
    waves: tuple[float, ...]

    @classmethod
    def of(cls, history: History, series: SeriesSpec) -> "Outlook":
        """The outlook from the end of a history."""
        n_steps = history.values.shape[1]
        windows = windows_at(history.values, history.keys, n_steps, series)
        waves = tuple(s for s in series.seasons[1:] if n_steps >= _FEWEST_ROUNDS * s)
        return cls(windows, history.keys, history.origin, waves)

    def windows_of(self, rows: Rows, series: SeriesSpec) -> tuple[Windows, np.ndarray, np.ndarray, np.ndarray]:
        """The windows that rows are predicted from; a series without a past gets the mean of those like it.

        Returns:
            A window per series, its keys, and for each row the number of the window and of the step of the horizon.
        """
        assert rows.places is not None
        numbers, at = np.unique(rows.places[:, 0], return_inverse=True)
        place = {int(number): i for i, number in enumerate(self.windows.series)}
        begun = np.zeros(len(self.keys), dtype=bool)
        begun[self.windows.series] = True
        parts, keys = [], np.empty((len(numbers), self.keys.shape[1]), dtype=np.int64)
        for i, number in enumerate(numbers):
            keys[i] = rows.x_cat[np.argmax(at == i), : series.n_keys] if number not in place else self.keys[number]
            like = [number] if number in place else similar(self.keys, begun, keys[i])
            parts.append(np.array([place[int(n)] for n in like]))
        w = self.windows
        means = [np.stack([a[part].mean(axis=0) for part in parts]) for a in (w.context, w.simple, w.level, w.scale)]
        windows = Windows(numbers, np.full(len(numbers), 0), *means)
        return windows, keys, at, steps_ahead(rows.places[:, 1], self.origin, series)

    def covariates(self, rows: Rows, series: SeriesSpec) -> Covariates:
        """Of each row: its columns without the keys, and waves of the calendar."""
        assert rows.places is not None
        angles = [2 * np.pi * j * rows.places[:, 1] / s for s in self.waves for j in range(1, _WAVES + 1)]
        waves = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
        numbers = np.column_stack([rows.x_num, *waves]).astype(np.float32)
        return Covariates(numbers, rows.x_cat[:, series.n_keys :])

    def state_dict(self) -> State:
        """For weights."""
        w = self.windows
        return {
            "series": w.series,
            "context": w.context,
            "simple": w.simple,
            "level": w.level,
            "scale": w.scale,
            "keys": self.keys,
            "origin": np.array([self.origin]),
            "waves": np.array(self.waves, dtype=np.float64),
        }

    @classmethod
    def restore(cls, state: State) -> "Outlook":
        """What `state_dict` gave."""
        series = state["series"]
        arrays = (state[name] for name in ("context", "simple", "level", "scale"))
        windows = Windows(series, np.zeros(len(series), dtype=np.int64), *arrays)
        return cls(windows, state["keys"], int(state["origin"][0]), tuple(state["waves"].tolist()))


def on_grid(covariates: Covariates, at: np.ndarray, ahead: np.ndarray, shape: tuple[int, int]) -> Covariates:
    """Covariates of rows as a grid of windows and steps, zeros where there is no row.

    Args:
        covariates: Of rows.
        at: Number of the window of each row.
        ahead: Step of the horizon of each row.
        shape: Windows and steps.
    """
    numbers = np.zeros((*shape, covariates.numbers.shape[1]), dtype=np.float32)
    codes = np.zeros((*shape, covariates.codes.shape[1]), dtype=np.int64)
    numbers[at, ahead], codes[at, ahead] = covariates.numbers, covariates.codes
    return Covariates(numbers, codes)


def of_windows(
    covariates: Covariates, rows: Rows, windows: Windows, history: History, series: SeriesSpec
) -> Covariates:
    """Covariates of the horizons of training windows, (n, horizon, ...)."""
    assert rows.places is not None
    n_steps = history.values.shape[1] + series.gap + series.horizon
    grid = on_grid(covariates, rows.places[:, 0], rows.places[:, 1] - history.first, (len(history.values), n_steps))
    columns = windows.origins[:, None] + series.gap + np.arange(series.horizon)
    at = windows.series[:, None]
    return Covariates(grid.numbers[at, columns], grid.codes[at, columns])
