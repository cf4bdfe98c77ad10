"""XGBoost (Chen, Guestrin, "XGBoost: A Scalable Tree Boosting System", KDD 2016)."""

import inspect
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
    Int("model.params.max_depth", 3, 10, default=6),
    Float("model.params.min_child_weight", 1e-3, 20.0, log=True, default=1.0),
    Float("model.params.subsample", 0.6, 1.0, default=0.8),
    Float("model.params.colsample_bytree", 0.4, 1.0, default=0.8),
    Float("model.params.reg_alpha", 1e-4, 5.0, log=True),
    Float("model.params.reg_lambda", 1e-4, 5.0, log=True, default=1.0),
)
"""Near the ranges of TabArena (arXiv 2506.16791); learning rates that end within the rounds."""

_OBJECTIVES: dict[str, dict[str, Any]] = {
    "binary": {"objective": "binary:logistic", "eval_metric": "logloss"},
    "multiclass": {"objective": "multi:softprob", "eval_metric": "mlogloss"},
    "mse": {"objective": "reg:squarederror", "eval_metric": "rmse"},
    "mae": {"objective": "reg:absoluteerror", "eval_metric": "mae"},
    "huber": {"objective": "reg:pseudohubererror", "eval_metric": "mphe", "huber_slope": 1.0},
    "quantile": {"objective": "reg:quantileerror", "eval_metric": "quantile"},
}
_NATIVE = {
    "eta", "alpha", "lambda", "min_split_loss", "refresh_leaf", "process_type", "max_cached_hist_node", "rate_drop",
    "skip_drop", "one_drop", "sample_type", "normalize_type", "updater", "huber_slope",
}  # fmt: skip
_OWN = {
    **dict.fromkeys(("objective", "eval_metric", "num_class"), FOLLOWS_METRIC),
    **dict.fromkeys(("random_state", "seed"), FOLLOWS_SEED),
    **dict.fromkeys(("n_jobs", "nthread", "device"), FOLLOWS_WORKERS),
    "monotone_constraints": FOLLOWS_MONOTONE,
    **dict.fromkeys(("enable_categorical", "feature_types", "missing"), FOLLOWS_COLUMNS),
    "early_stopping_rounds": "write `--set model.params.patience=...`",
    **dict.fromkeys(("callbacks", "verbosity", "validate_parameters", "importance_type", "kwargs", "feature_weights"),
                    "aicomp takes care of it; remove it"),
}  # fmt: skip


class XGBoost:
    """Boosted trees of the package `xgboost` (or the smaller `xgboost-cpu`), stopped by the validation loss.

    Args:
        spec: The inputs.
        n_estimators: Most trees.
        patience: Trees without a lower validation loss before it stops; 0 never stops.
        params: Any other of XGBoost's parameters.
    """

    numbers: ClassVar[Numbers] = "raw"
    package: ClassVar[str] = "xgboost"
    takes_monotone: ClassVar[bool] = True

    def __init__(self, spec: ModelSpec, *, n_estimators: int = 2000, patience: int = 100, **params: Any) -> None:
        xgboost = require("xgboost")
        known = inspect.signature(xgboost.XGBModel.__init__).parameters.keys() - {"self"}
        check_rounds(n_estimators, patience, "n_estimators")
        check_params(params, {*known, *_NATIVE, "patience"}, _OWN)
        self._spec, self._n_rounds, self._patience, self._params = spec, n_estimators, patience, params
        self._booster: Any = None
        self._inputs: TreeInputs | None = None

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`."""
        xgboost = require("xgboost")
        refuse_monotone(self._spec.monotone, goal.loss, "xgboost")

        self._inputs, x = TreeInputs.fit(train, y, goal, self._spec.cardinalities)
        fitted, held_out = self._matrix(x, y), self._matrix(self._inputs(valid), valid_y)
        n_rounds = self._n_rounds

        base: Any = xgboost.callback.TrainingCallback

        class Tell(base):  # type: ignore[misc]
            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                if Round.is_due(epoch + 1, n_rounds) or epoch + 1 == n_rounds:
                    train_loss, valid_loss = (next(iter(evals_log[name].values()))[-1] for name in ("train", "valid"))
                    predictions = np.array(model.predict(held_out), dtype=np.float64)
                    watch(Round(epoch + 1, n_rounds, predictions, train_loss, valid_loss))
                return False

        callbacks: list[Any] = [Tell()]
        if self._patience:
            callbacks.append(xgboost.callback.EarlyStopping(rounds=self._patience, data_name="valid", save_best=True))
        params = {**self._defaults(), **self._params, **self._task_params(goal), **self._monotone(x.shape[1])}
        try:
            self._booster = xgboost.train(
                params, fitted, n_rounds, evals=[(fitted, "train"), (held_out, "valid")],
                callbacks=callbacks, verbose_eval=False,
            )  # fmt: skip
        except xgboost.core.XGBoostError as e:
            raise UsageError(f"XGBoost refuses: {str(e).splitlines()[0]}", "correct `[model] params`") from e
        self._booster.set_param({"nthread": 1})
        return int(self._booster.num_boosted_rounds())

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`."""
        assert self._inputs is not None
        return np.asarray(self._booster.predict(self._matrix(self._inputs(rows))), dtype=np.float64)

    def state_dict(self) -> State:
        """The model in XGBoost's own format (`ubj`), and the statistics of categories."""
        assert self._inputs is not None
        return {"model.ubj": as_array(bytes(self._booster.save_raw("ubj"))), **self._inputs.state_dict()}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        xgboost = require("xgboost")

        self._booster = xgboost.Booster({"nthread": 1})
        self._booster.load_model(bytearray(as_bytes(state["model.ubj"])))
        self._inputs = TreeInputs.restore(state, self._spec.cardinalities)

    def _matrix(self, x: np.ndarray, y: np.ndarray | None = None) -> Any:
        xgboost = require("xgboost")

        assert self._inputs is not None
        kinds = ["q"] * x.shape[1]
        for j in self._inputs.categorical(self._spec.n_num):
            kinds[j] = "c"
        return xgboost.DMatrix(x, y, feature_types=kinds, enable_categorical=True, nthread=1)

    @staticmethod
    def _defaults() -> dict[str, Any]:
        return {"learning_rate": 0.03, "max_depth": 6, "subsample": 0.8, "colsample_bytree": 0.8, "tree_method": "hist"}

    def _monotone(self, n_inputs: int) -> dict[str, Any]:
        """Numbers come first among the inputs."""
        asked = self._spec.monotone
        return {"monotone_constraints": (*asked, *[0] * (n_inputs - len(asked)))} if any(asked) else {}

    @staticmethod
    def _task_params(goal: Goal) -> dict[str, Any]:
        classes = {"num_class": goal.n_classes} if goal.loss == "multiclass" else {}
        return {**_objective(goal), **classes, "nthread": goal.threads, "seed": goal.seed, "verbosity": 0}


def _objective(goal: Goal) -> dict[str, Any]:
    level = {"quantile_alpha": goal.level} if goal.loss == "quantile" else {}
    return {**_OBJECTIVES[goal.loss], **level}
