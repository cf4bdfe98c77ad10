"""The mean of a network and of two floors that follow a moving level.

Means of unlike forecasts are hard to beat: Makridakis et al., "The M4 Competition: 100,000 time series and 61
forecasting methods", 2020.
"""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from aicomp.data.rows import Rows
from aicomp.models.estimator import Forecaster, Goal, Numbers, Round, State, Watch, mean_loss, with_prefix
from aicomp.models.forecast_net import SPACE as NETWORK_SPACE
from aicomp.models.forecast_net import ForecastNet
from aicomp.models.smoothed import SeasonalGrowth, Theta
from aicomp.models.spec import ModelSpec

SPACE = NETWORK_SPACE


class ForecastMean:
    """`forecast-net`, `seasonal-growth` and `theta`, of which each counts the same; for quantiles the network alone.

    Args:
        spec: The inputs, with series.
        params: Parameters of `forecast-net`.

    Raises:
        UsageError: Nothing is forecast, or a parameter is wrong.
    """

    numbers: ClassVar[Numbers] = "normal"
    forecasts: ClassVar[bool] = True

    def __init__(self, spec: ModelSpec, **params: Any) -> None:
        self._network = ForecastNet(spec, **params)
        self._floors: list[Forecaster] = [SeasonalGrowth(spec), Theta(spec)]

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Forecaster`; rounds are the network's."""
        if goal.loss == "quantile" and goal.level != 0.5:
            self._floors = []
        for floor in self._floors:
            floor.fit(train, y, valid, valid_y, goal, lambda step: None)
        others = [floor.predict(valid) for floor in self._floors]

        def tell(step: Round) -> None:
            both = np.mean([step.valid_pred, *others], axis=0) if step.valid_pred is not None else None
            loss = step.valid_loss if both is None else mean_loss(goal, valid_y, both)
            watch(replace(step, valid_pred=both, valid_loss=loss))

        return self._network.fit(train, y, valid, valid_y, goal, tell)

    def extend(self, known: Rows, y: np.ndarray, goal: Goal, watch: Watch) -> None:
        """See `Forecaster`."""
        for member in (*self._floors, self._network):
            member.extend(known, y, goal, watch)

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`."""
        return np.asarray(np.mean([m.predict(rows) for m in (self._network, *self._floors)], axis=0))

    def state_dict(self) -> State:
        """What the members learned."""
        members: dict[str, Forecaster] = {"network": self._network}
        members |= {f"floor{i}": floor for i, floor in enumerate(self._floors)}
        return {f"{name}.{key}": a for name, m in members.items() for key, a in m.state_dict().items()}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._network.load_state_dict(with_prefix(state, "network."))
        self._floors = [f for i, f in enumerate(self._floors) if with_prefix(state, f"floor{i}.")]
        for i, floor in enumerate(self._floors):
            floor.load_state_dict(with_prefix(state, f"floor{i}."))
