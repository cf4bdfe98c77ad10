"""Models that forecast each series by itself: the simple ones that others have to beat.

Hyndman, Athanasopoulos, "Forecasting: principles and practice", 3rd ed., section 5.2.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.models.estimator import Goal, Numbers, Round, State, Watch, mean_loss, refuse_quantile
from aicomp.models.history import History, period_of, series_of, similar, steps_ahead
from aicomp.models.space import Int
from aicomp.models.spec import ModelSpec, SeriesSpec


class Local(ABC):
    """A model without anything in common between series; a new series gets the mean of those that share most keys.

    Args:
        spec: The inputs, with series.

    Attributes:
        series: The horizon, the gap and the seasons.

    Raises:
        UsageError: Nothing is forecast.
    """

    numbers: ClassVar[Numbers] = "raw"
    forecasts: ClassVar[bool] = True
    name: ClassVar[str]

    def __init__(self, spec: ModelSpec) -> None:
        self.series = series_of(spec, self.name)
        self._forecasts = np.zeros((0, 0))
        self._keys = np.zeros((0, 0), dtype=np.int64)
        self._origin = 0

    @abstractmethod
    def forecast(self, history: History, goal: Goal) -> np.ndarray:
        """The steps of the horizon, float64 (n_series, horizon); any number for a series without history."""

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Forecaster`; one round."""
        refuse_quantile(goal, self.name)
        self._take(History.of(train, y, self.series), goal)
        predictions = self.predict(valid)
        watch(Round(1, 1, predictions, float("nan"), mean_loss(goal, valid_y, predictions)))
        return 1

    def extend(self, known: Rows, y: np.ndarray, goal: Goal, watch: Watch) -> None:
        """See `Forecaster`."""
        self._take(History.of(known, y, self.series), goal)

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`."""
        assert rows.places is not None
        at, ahead = rows.places[:, 0], steps_ahead(rows.places[:, 1], self._origin, self.series)
        table = self._forecasts
        begun = np.asarray(~np.isnan(table).any(axis=1))
        inside = at < len(table)
        has = inside & begun[np.where(inside, at, 0)]
        predictions = np.empty(len(at))
        predictions[has] = table[at[has], ahead[has]]
        for number in np.unique(at[~has]):
            of_series = at == number
            key = rows.x_cat[np.argmax(of_series), : self.series.n_keys]
            predictions[of_series] = table[similar(self._keys, begun, key)].mean(axis=0)[ahead[of_series]]
        return predictions

    def state_dict(self) -> State:
        """The forecasts."""
        return {"forecasts": self._forecasts, "keys": self._keys, "origin": np.array([self._origin])}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._forecasts, self._keys = state["forecasts"], state["keys"]
        self._origin = int(state["origin"][0])

    def _take(self, history: History, goal: Goal) -> None:
        with np.errstate(invalid="ignore"):
            forecasts = self.forecast(history, goal)
        self._forecasts = np.where(history.begun[:, None], forecasts, np.nan)
        self._keys, self._origin = history.keys, history.origin


class Naive(Local):
    """The last value."""

    name = "naive"

    def forecast(self, history: History, goal: Goal) -> np.ndarray:
        """See `Local`."""
        return np.repeat(history.values[:, -1:], self.series.horizon, axis=1)


class Drift(Local):
    """The line through the first and the last value."""

    name = "drift"

    def forecast(self, history: History, goal: Goal) -> np.ndarray:
        """See `Local`."""
        values = history.values
        start = (~np.isnan(values)).argmax(axis=1)
        length = np.maximum(values.shape[1] - 1 - start, 1)
        slope = (values[:, -1] - values[np.arange(len(values)), start]) / length
        ahead = self.series.gap + 1 + np.arange(self.series.horizon)
        return np.asarray(values[:, -1:] + slope[:, None] * ahead)


class SeasonalNaive(Local):
    """The value of the same season, the last time that it was."""

    name = "seasonal-naive"

    def forecast(self, history: History, goal: Goal) -> np.ndarray:
        """See `Local`."""
        return seasonal_mean(history.values, 1, self.series)


_WINDOWS = 3
_MOST_YEARS = 10


class SeasonalMean(Local):
    """The mean of the last values of the same season.

    Args:
        spec: The inputs, with series.
        years: How many; None takes the number that was best for the last three windows before the origin.

    Raises:
        UsageError: Nothing is forecast, or `years` is no number above 0.
    """

    name = "seasonal-mean"
    SPACE: ClassVar[tuple[Int, ...]] = (Int("model.params.years", 1, 10),)

    def __init__(self, spec: ModelSpec, *, years: int | None = None) -> None:
        super().__init__(spec)
        if years is not None and not (isinstance(years, int) and years > 0):
            raise UsageError(f"`model.params.years` is {years!r}, but it must be a whole number above 0")
        self._years = years

    def forecast(self, history: History, goal: Goal) -> np.ndarray:
        """See `Local`."""
        years = self._years or best_years(history, self.series, goal)
        return seasonal_mean(history.values, years, self.series)


def best_years(history: History, series: SeriesSpec, goal: Goal) -> int:
    """Seasons whose mean has the least loss on the last windows before the origin; 1 if there is no room for one."""
    n_steps, losses = history.values.shape[1], np.zeros(_MOST_YEARS)
    for back in range(_WINDOWS):
        stop = n_steps - back * series.horizon
        origin = stop - series.horizon - series.gap
        if origin < 2 * period_of(series):
            break
        target = history.values[:, stop - series.horizon : stop]
        known = history.known[:, stop - series.horizon : stop] & ~np.isnan(history.values[:, origin - 1 : origin])
        if not known.any():
            continue
        for years in range(1, _MOST_YEARS + 1):
            forecasts = seasonal_mean(history.values[:, :origin], years, series)
            losses[years - 1] += mean_loss(goal, target[known], forecasts[known])
    return int(losses.argmin()) + 1


def seasonal_mean(values: np.ndarray, years: int, series: SeriesSpec) -> np.ndarray:
    """Mean over the last seasons, (n_series, n_steps) without holes -> (n_series, horizon); at least the last value.

    >>> spec = SeriesSpec(n_series=1, n_keys=0, horizon=3, gap=0, seasons=(2,))
    >>> seasonal_mean(np.array([[1.0, 2.0, 3.0, 6.0]]), 2, spec)
    array([[2., 4., 2.]])
    """
    of_season = last_seasons(values, period_of(series), years)
    counts = (~np.isnan(of_season)).sum(axis=1)
    means = np.nansum(of_season, axis=1) / np.maximum(counts, 1)
    means = np.where(counts > 0, means, values[:, -1:])
    ahead = series.gap + np.arange(series.horizon)
    return np.asarray(means[:, ahead % period_of(series)])


def last_seasons(values: np.ndarray, period: int, years: int) -> np.ndarray:
    """The last `years * period` steps, (n_series, years, period), the oldest first, NaN before the beginning."""
    lacking = years * period - values.shape[1]
    if lacking > 0:
        values = np.concatenate([np.full((len(values), lacking), np.nan), values], axis=1)
    return values[:, values.shape[1] - years * period :].reshape(len(values), years, period)


def floors() -> dict[str, Any]:
    """These models by name."""
    return {model.name: model for model in (SeasonalNaive, SeasonalMean, Naive, Drift)}
