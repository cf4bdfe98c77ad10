"""A forecast of your own, used where `aicomp.toml` says `name = "model:SmoothedSeasons"`."""

import numpy as np
from aicomp.models import Goal, History, Local, ModelSpec, seasonal_mean


class SmoothedSeasons(Local):
    """The mean season, moved to a level that is smoothed exponentially.

    A class of this kind sees each series up to an origin and says what comes next; folds, scores and new series are
    aicomp's part. After "Forecasting: principles and practice", 3rd ed., section 8.1.

    Args:
        spec: What the data is like; `spec.series` has the horizon, the gap and the seasons.
        years: Seasons whose mean is taken.
        smoothing: What the newest step counts in the level, from 0 to 1.
    """

    name = "smoothed-seasons"

    def __init__(self, spec: ModelSpec, *, years: int = 6, smoothing: float = 0.15) -> None:
        super().__init__(spec)
        self.years, self.smoothing = years, smoothing

    def forecast(self, history: History, goal: Goal) -> np.ndarray:
        """Forecast every series: `history.values` (n_series, n_steps) -> (n_series, horizon)."""
        values, period = history.values, int(self.series.seasons[0])
        level = values[:, 0]
        for step in values.T[1:]:  # a series is NaN before it begins
            level = np.where(np.isnan(level), step, level + self.smoothing * (step - level))
        recent = values[:, -self.years * period :]
        usual = np.where(np.isnan(recent), level[:, None], recent).mean(axis=1)
        moved: np.ndarray = seasonal_mean(values, self.years, self.series) + (level - usual)[:, None]
        return moved
