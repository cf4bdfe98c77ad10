"""Boosted trees common to all series, on the windows that `forecast-net` sees: a row for each step of the horizon.

Januschowski et al., "Forecasting with trees", 2022, on why such models did so well in the M5 competition.
"""

from typing import Any, ClassVar

import numpy as np

from aicomp.data.rows import Rows
from aicomp.models.boosting import as_array, as_bytes, check_rounds, require
from aicomp.models.estimator import Goal, Numbers, Round, State, Watch, mean_loss, with_prefix
from aicomp.models.history import History, period_of, series_of
from aicomp.models.panel_inputs import Covariates, Outlook, of_windows, on_grid
from aicomp.models.space import Float, Int
from aicomp.models.spec import ModelSpec
from aicomp.models.windows import Windows, training_windows

SPACE = (
    Int("model.params.n_estimators", 30, 1000, log=True),
    Float("model.params.learning_rate", 0.01, 0.2, log=True),
    Int("model.params.num_leaves", 4, 64, log=True),
    Int("model.params.min_data_in_leaf", 20, 1000, log=True),
    Float("model.params.size_power", 0.0, 1.0),
)

_OBJECTIVES = {"mae": "l1", "mse": "l2", "huber": "huber", "quantile": "quantile"}


class ForecastTrees:
    """LightGBM on scaled lags, simple forecasts, keys, covariates and the step of the horizon.

    It learns what is to be added to the mean of the simple forecasts, which is what a tree alone cannot extrapolate.

    Args:
        spec: The inputs, with series.
        n_estimators: Trees; none are held back to choose their number.
        learning_rate: What each tree adds.
        num_leaves: Leaves of a tree.
        min_data_in_leaf: Rows of a leaf.
        size_power: What a series' size counts: 0 makes all series equal, 1 weighs errors in their own unit.
        most_rows: Rows at most; origins are left out evenly.

    Raises:
        UsageError: LightGBM is not installed, or nothing is forecast.
    """

    numbers: ClassVar[Numbers] = "raw"
    forecasts: ClassVar[bool] = True
    package: ClassVar[str] = "lightgbm"

    def __init__(
        self,
        spec: ModelSpec,
        *,
        n_estimators: int = 100,
        learning_rate: float = 0.03,
        num_leaves: int = 8,
        min_data_in_leaf: int = 200,
        size_power: float = 0.5,
        most_rows: int = 400_000,
    ) -> None:
        require("lightgbm")
        check_rounds(n_estimators, 0, "n_estimators")
        self._spec, self._series = spec, series_of(spec, "forecast-trees")
        self._n_rounds, self._power, self._most = n_estimators, size_power, most_rows
        self._params = {
            "learning_rate": learning_rate,
            "num_leaves": num_leaves,
            "min_data_in_leaf": min_data_in_leaf,
            "feature_fraction": 0.5,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "cat_smooth": 50,
        }
        self._outlook: Outlook | None = None
        self._booster: Any = None

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Forecaster`."""
        loss = self._learn(train, y, goal, lambda done: watch(Round(done, 2 * self._n_rounds, None, 0.0, 0.0)))
        predictions = self.predict(valid)
        done = Round(self._n_rounds, 2 * self._n_rounds, predictions, loss, mean_loss(goal, valid_y, predictions))
        watch(done)
        return self._n_rounds

    def extend(self, known: Rows, y: np.ndarray, goal: Goal, watch: Watch) -> None:
        """See `Forecaster`: the same is learned anew from all rows."""
        n = self._n_rounds
        self._learn(known, y, goal, lambda done: watch(Round(n + done, 2 * n, None, 0.0, 0.0)))

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`."""
        outlook = self._outlook
        assert outlook is not None
        windows, keys, at, ahead = outlook.windows_of(rows, self._series)
        covariates = on_grid(outlook.covariates(rows, self._series), at, ahead, (len(windows), self._series.horizon))
        x, usual = _table(windows, keys, covariates, outlook.origin, period_of(self._series))
        added = self._booster.predict(x, num_threads=1).reshape(usual.shape)
        return np.asarray(windows.unscaled((usual + added).astype(np.float64))[at, ahead])

    def state_dict(self) -> State:
        """The model in LightGBM's own text format, and the end of the past."""
        assert self._outlook is not None
        text = self._booster.model_to_string().encode()
        return {"model.txt": as_array(text), **{f"outlook.{k}": a for k, a in self._outlook.state_dict().items()}}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        lightgbm = require("lightgbm")
        self._booster = lightgbm.Booster(model_str=as_bytes(state["model.txt"]).decode())
        self._outlook = Outlook.restore(with_prefix(state, "outlook."))

    def _learn(self, rows: Rows, y: np.ndarray, goal: Goal, tell: Any) -> float:
        lightgbm = require("lightgbm")
        history = History.of(rows, y, self._series)
        outlook = self._outlook = Outlook.of(history, self._series)
        windows, targets = training_windows(history, self._series, self._most // self._series.horizon)
        covariates = of_windows(outlook.covariates(rows, self._series), rows, windows, history, self._series)
        steps = history.first + windows.origins - 1
        x, usual = _table(windows, history.keys[windows.series], covariates, steps, period_of(self._series))
        z = (windows.scaled(targets) - usual).reshape(-1)
        weights = windows.scale ** (2 * self._power if goal.loss == "mse" else self._power)
        weights = np.repeat(weights / weights.mean(), self._series.horizon)
        has = ~np.isnan(z)
        n_keys = self._series.n_keys
        n_codes = n_keys + covariates.codes.shape[2]
        fitted = lightgbm.Dataset(
            x[has], z[has], weight=weights[has], categorical_feature=list(range(x.shape[1] - n_codes, x.shape[1]))
        )
        least = min(self._params["min_data_in_leaf"], max(1, int(has.sum()) // 20))
        fixed = {"num_threads": goal.threads, "seed": goal.seed, "deterministic": True, "verbosity": -1}
        level = {"alpha": goal.level} if goal.loss == "quantile" else {}
        own = {**self._params, "min_data_in_leaf": least, "objective": _OBJECTIVES[goal.loss], **level, **fixed}

        def called(env: Any) -> None:
            if Round.is_due(env.iteration + 1, self._n_rounds):
                tell(env.iteration + 1)

        self._booster = lightgbm.train(own, fitted, self._n_rounds, callbacks=[called])
        return mean_loss(goal, z[has], self._booster.predict(x[has], num_threads=goal.threads))


def _table(
    windows: Windows, keys: np.ndarray, covariates: Covariates, origins: np.ndarray | int, period: int
) -> tuple[np.ndarray, np.ndarray]:
    """A row for each window and step, float32, codes last; and the mean of the simple forecasts, (n, horizon)."""
    n, horizon, n_simple = windows.simple.shape
    usual = windows.simple.mean(axis=2)
    ahead = np.tile(np.arange(horizon), n)
    season = (np.repeat(np.broadcast_to(origins, n), horizon) + ahead) % period
    parts = [
        np.repeat(windows.context, horizon, axis=0),
        windows.simple.reshape(-1, n_simple),
        usual.reshape(-1, 1),
        ahead[:, None],
        season[:, None],
        covariates.numbers.reshape(n * horizon, -1),
        np.repeat(keys, horizon, axis=0),
        covariates.codes.reshape(n * horizon, -1),
    ]
    return np.concatenate(parts, axis=1).astype(np.float32), usual
