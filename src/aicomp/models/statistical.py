"""ETS, Theta and ARIMA of the package `statsforecast`, chosen and fitted for each series by itself.

Hyndman, Khandakar, "Automatic time series forecasting: the forecast package for R", 2008 (ETS, ARIMA); Assimakopoulos,
Nikolopoulos, "The theta model: a decomposition approach to forecasting", 2000.
"""

from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np

from aicomp.errors import UsageError
from aicomp.models.estimator import Goal
from aicomp.models.history import History, period_of
from aicomp.models.local import Local, seasonal_mean
from aicomp.models.space import Int
from aicomp.models.spec import ModelSpec

INSTALL = "pip install 'aicomp[forecast]'"
_FEWEST = 5


class _Statistical(Local):
    """A model of `statsforecast`; a series that is too short for it gets its seasonal mean.

    Args:
        spec: The inputs, with series.
        most_steps: Steps before the origin that are looked at: the time grows with them.

    Raises:
        UsageError: The package is not installed, or nothing is forecast.
    """

    package: ClassVar[str] = "statsforecast"
    model: ClassVar[str]
    SPACE: ClassVar[tuple[Int, ...]] = (Int("model.params.most_steps", 50, 1000, log=True, default=500),)

    def __init__(self, spec: ModelSpec, *, most_steps: int = 500) -> None:
        if find_spec(self.package) is None:
            raise UsageError(f"model `{self.name}` needs the package `{self.package}`, which is not installed", INSTALL)
        super().__init__(spec)
        self._most_steps = most_steps

    def forecast(self, history: History, goal: Goal) -> np.ndarray:
        """See `Local`."""
        from statsforecast import models

        period, series = period_of(self.series), self.series
        forecasts = seasonal_mean(history.values, 3, series)
        build: Any = getattr(models, self.model)
        for number in np.flatnonzero(history.begun):
            values = history.values[number]
            values = values[~np.isnan(values)][-self._most_steps :]
            if len(values) < _FEWEST or values.min() == values.max():
                continue
            # With less than two rounds of it, a season cannot be told from chance.
            season = period if len(values) >= 2 * period + 1 else 1
            model = build(season_length=season)
            forecasts[number] = model.forecast(y=values, h=series.gap + series.horizon)["mean"][series.gap :]
        return forecasts


class ETS(_Statistical):
    """Exponential smoothing: level, trend and season, of errors that add or multiply, chosen by AICc."""

    name, model = "ets", "AutoETS"


class AutoTheta(_Statistical):
    """Theta: a line and an exponentially smoothed level; which of four forms, by squared errors."""

    name, model = "auto-theta", "AutoTheta"


class AutoARIMA(_Statistical):
    """Seasonal ARIMA, whose orders are chosen by AICc."""

    name, model = "auto-arima", "AutoARIMA"
