"""LightGBM (Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NeurIPS 2017)."""

from typing import Any, ClassVar

import numpy as np

from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.models.boosting import (
    FOLLOWS_COLUMNS,
    FOLLOWS_METRIC,
    FOLLOWS_MONOTONE,
    FOLLOWS_SEED,
    FOLLOWS_WORKERS,
    as_array,
    as_bytes,
    check_params,
    check_rounds,
    refuse_monotone,
    require,
)
from aicomp.models.estimator import Goal, Numbers, Round, State, Watch
from aicomp.models.space import Float, Int
from aicomp.models.spec import ModelSpec
from aicomp.models.tree_inputs import TreeInputs

SPACE = (
    Float("model.params.learning_rate", 0.01, 0.1, log=True, default=0.03),
    Int("model.params.num_leaves", 4, 200, log=True),
    Int("model.params.min_data_in_leaf", 1, 64, log=True),
    Float("model.params.feature_fraction", 0.4, 1.0, default=0.8),
    Float("model.params.bagging_fraction", 0.6, 1.0, default=0.8),
    Float("model.params.lambda_l1", 1e-4, 1.0, log=True),
    Float("model.params.lambda_l2", 1e-4, 2.0, log=True),
    Float("model.params.cat_smooth", 1e-3, 100.0, log=True, default=10.0),
)
"""Near the ranges of TabArena (arXiv 2506.16791); learning rates that end within the rounds."""

_OBJECTIVES: dict[str, dict[str, Any]] = {
    "binary": {"objective": "binary", "metric": "binary_logloss"},
    "multiclass": {"objective": "multiclass", "metric": "multi_logloss"},
    "mse": {"objective": "l2", "metric": "rmse"},
    "mae": {"objective": "l1", "metric": "l1"},
    "huber": {"objective": "huber", "metric": "huber", "alpha": 1.0},
    "quantile": {"objective": "quantile", "metric": "quantile"},
}
_OWN = {
    **dict.fromkeys(("objective", "metric", "num_class"), FOLLOWS_METRIC),
    "seed": FOLLOWS_SEED,
    "num_threads": FOLLOWS_WORKERS,
    "categorical_feature": FOLLOWS_COLUMNS,
    "monotone_constraints": FOLLOWS_MONOTONE,
    "num_iterations": "write `--set model.params.n_estimators=...`",
    "early_stopping_round": "write `--set model.params.patience=...`",
}


class LightGBM:
    """Boosted trees of the package `lightgbm`, stopped by the validation loss.

    Args:
        spec: The inputs.
        n_estimators: Most trees.
        patience: Trees without a lower validation loss before it stops; 0 never stops.
        params: Any other of LightGBM's parameters.
    """

    numbers: ClassVar[Numbers] = "raw"
    package: ClassVar[str] = "lightgbm"
    takes_monotone: ClassVar[bool] = True

    def __init__(self, spec: ModelSpec, *, n_estimators: int = 2000, patience: int = 100, **params: Any) -> None:
        require("lightgbm")
        aliases = _aliases()
        check_rounds(n_estimators, patience, "n_estimators")
        own = {alias: _OWN[name] for alias, name in aliases.items() if name in _OWN and alias != "n_estimators"}
        check_params(params, {*aliases, "n_estimators", "patience"}, own)
        self._spec, self._n_rounds, self._patience = spec, n_estimators, patience
        self._params = {aliases[name]: value for name, value in params.items()}
        self._booster: Any = None
        self._inputs: TreeInputs | None = None

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`."""
        lightgbm = require("lightgbm")
        refuse_monotone(self._spec.monotone, goal.loss, "lightgbm")

        self._inputs, x = TreeInputs.fit(train, y, goal, self._spec.cardinalities)
        categorical = self._inputs.categorical(self._spec.n_num)
        fitted = lightgbm.Dataset(x, y, categorical_feature=categorical, free_raw_data=True)
        held_out = lightgbm.Dataset(self._inputs(valid), valid_y, reference=fitted)
        seen: dict[str, np.ndarray] = {}

        def keep(predictions: np.ndarray, data: Any) -> list[Any]:
            if data is held_out:
                seen["valid"] = predictions
            return []

        def tell(env: Any) -> None:
            done = env.iteration + 1
            if Round.is_due(done, self._n_rounds) or done == self._n_rounds:
                train_loss, valid_loss = (result[2] for result in env.evaluation_result_list[:2])
                watch(Round(done, self._n_rounds, seen["valid"].copy(), train_loss, valid_loss))

        callbacks: list[Any] = [tell]
        if self._patience:
            callbacks.append(lightgbm.early_stopping(self._patience, verbose=False))
        try:
            self._booster = lightgbm.train(
                {**self._defaults(len(y)), **self._params, **self._task_params(goal), **self._monotone(x.shape[1])},
                fitted, self._n_rounds, [fitted, held_out], ["training", "valid"], feval=keep, callbacks=callbacks,
            )  # fmt: skip
        except lightgbm.basic.LightGBMError as e:
            raise UsageError(f"LightGBM refuses: {e}", "correct `[model] params`") from e
        kept = self._booster.best_iteration or self._booster.current_iteration()
        self._booster = lightgbm.Booster(model_str=self._booster.model_to_string(num_iteration=kept))
        return int(kept)

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`."""
        assert self._inputs is not None
        return np.asarray(self._booster.predict(self._inputs(rows), num_threads=1))

    def state_dict(self) -> State:
        """The model in LightGBM's own text format, and the statistics of categories."""
        assert self._inputs is not None
        text = self._booster.model_to_string().encode()
        return {"model.txt": as_array(text), **self._inputs.state_dict()}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        lightgbm = require("lightgbm")

        self._booster = lightgbm.Booster(model_str=as_bytes(state["model.txt"]).decode())
        self._inputs = TreeInputs.restore(state, self._spec.cardinalities)

    @staticmethod
    def _defaults(n_rows: int) -> dict[str, Any]:
        """Small and random trees: each is to add a little, and few rows fill few leaves."""
        return {
            "learning_rate": 0.03,
            "num_leaves": int(np.clip(n_rows // 40, 8, 31)),
            "feature_fraction": 0.8,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
        }

    def _monotone(self, n_inputs: int) -> dict[str, Any]:
        """Numbers come first among the inputs."""
        asked = self._spec.monotone
        return {"monotone_constraints": [*asked, *[0] * (n_inputs - len(asked))]} if any(asked) else {}

    def _task_params(self, goal: Goal) -> dict[str, Any]:
        classes = {"num_class": goal.n_classes} if goal.loss == "multiclass" else {}
        common = {"num_threads": goal.threads, "seed": goal.seed, "deterministic": True, "verbosity": -1}
        return {**_objective(goal), **classes, **common}


def _objective(goal: Goal) -> dict[str, Any]:
    level = {"alpha": goal.level} if goal.loss == "quantile" else {}
    return {**_OBJECTIVES[goal.loss], **level}


def _aliases() -> dict[str, str]:
    """Every name that LightGBM knows -> the one that it means."""
    groups = require("lightgbm").basic._ConfigAliases._get_all_param_aliases()
    return {alias: name for name, aliases in groups.items() for alias in (name, *aliases)}
