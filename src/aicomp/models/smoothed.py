"""Floors that follow a level that moves: that of all series and of those like it, or a series' own with its slope."""

import numpy as np

from aicomp.models.estimator import Goal
from aicomp.models.history import History, period_of
from aicomp.models.local import Local, last_seasons
from aicomp.models.spec import SeriesSpec
from aicomp.models.windows import BASE_YEARS, growths, nan_mean

_SMOOTHING = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9])


class SeasonalGrowth(Local):
    """The mean of the same season over eight years, grown as all series and those with the same keys did since.

    A single series is too noisy to tell how its level moves; together they do (top-down forecasts, "Forecasting:
    principles and practice", 3rd ed., section 11.2).
    """

    name = "seasonal-growth"

    def forecast(self, history: History, goal: Goal) -> np.ndarray:
        """See `Local`."""
        period = period_of(self.series)
        begun = np.flatnonzero(history.begun)
        seen = history.values[begun]
        years = max(1, min(BASE_YEARS, seen.shape[1] // period))
        base = nan_mean(last_seasons(seen, period, years), 1, seen[:, -1:])
        factors = growths(seen, history.keys[begun], base, period).mean(axis=1)
        forecasts = np.zeros((len(history.values), self.series.horizon))
        forecasts[begun] = base[:, _ahead(self.series) % period] * factors[:, None]
        return forecasts


class Theta(Local):
    """Half of the line through a series and an exponentially smoothed level, beside the mean season.

    Assimakopoulos, Nikolopoulos, "The theta model: a decomposition approach to forecasting", 2000, in the form of
    Hyndman, Billah, "Unmasking the Theta method", 2003. What the newest step counts is chosen by the squared errors
    one step ahead.
    """

    name = "theta"

    def forecast(self, history: History, goal: Goal) -> np.ndarray:
        """See `Local`."""
        values, period = history.values, period_of(self.series)
        season = _mean_season(values, period)
        n_steps = values.shape[1]
        z = values - season[:, np.arange(n_steps) % period]
        level, smoothing = _smoothed(z)
        slope = _slope(z)
        count = (~np.isnan(z)).sum(axis=1)
        ahead = _ahead(self.series)
        lag = (1 - (1 - smoothing) ** np.maximum(count, 1)) / smoothing  # how far the level is behind the line
        forecasts = level[:, None] + slope[:, None] / 2 * (ahead + lag[:, None])
        return np.asarray(forecasts + season[:, (n_steps + ahead) % period])


def _ahead(series: SeriesSpec) -> np.ndarray:
    return np.asarray(series.gap + np.arange(series.horizon))


def _mean_season(values: np.ndarray, period: int) -> np.ndarray:
    """What each place of the season is above the moving average, (n_series, period); 0 for series below two rounds."""
    n, n_steps = values.shape
    season = np.zeros((n, period))
    if period < 2 or n_steps < 2 * period:
        return season
    half = period // 2
    weights = np.ones(period + 1 - period % 2)
    if period % 2 == 0:
        weights[[0, -1]] = 0.5
    width = len(weights)
    windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=1)
    above = values[:, half : half + windows.shape[1]] - windows @ (weights / weights.sum())
    place = (np.arange(above.shape[1]) + half) % period
    for at in range(period):
        season[:, at] = nan_mean(above[:, place == at], 1)
    season -= season.mean(axis=1, keepdims=True)
    enough = (~np.isnan(values)).sum(axis=1) >= 2 * period
    return np.where(enough[:, None], season, 0.0)


def _smoothed(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The last level of each series under the smoothing with the least squared errors, and that smoothing."""
    alpha = _SMOOTHING[:, None]
    level = np.tile(z[:, 0], (len(_SMOOTHING), 1))
    errors = np.zeros_like(level)
    for step in z.T[1:]:
        error = step - level
        errors += np.nan_to_num(error) ** 2
        level = np.where(np.isnan(level), step, level + alpha * error)
    best = errors.argmin(axis=0)
    return level[best, np.arange(len(z))], _SMOOTHING[best]


def _slope(z: np.ndarray) -> np.ndarray:
    """Slope of the line of least squares through each series, 0 for a single step."""
    t = np.where(np.isnan(z), np.nan, np.arange(z.shape[1], dtype=np.float64))
    t = t - nan_mean(t, 1)[:, None]
    y = z - nan_mean(z, 1)[:, None]
    squares = np.nansum(t**2, axis=1)
    return np.asarray(np.where(squares > 0, np.nansum(t * y, axis=1) / np.maximum(squares, 1e-12), 0.0))
