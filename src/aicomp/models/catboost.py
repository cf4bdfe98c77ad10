"""CatBoost (Prokhorenkova et al., "CatBoost: unbiased boosting with categorical features", NeurIPS 2018)."""

import inspect
import tempfile
from math import nan
from pathlib import Path
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
    require,
)
from aicomp.models.estimator import Goal, Numbers, Round, State, Watch, mean_loss
from aicomp.models.space import Float, Int
from aicomp.models.spec import ModelSpec

SPACE = (
    Float("model.params.learning_rate", 0.015, 0.15, log=True),
    Int("model.params.depth", 4, 8, default=6),
    Float("model.params.l2_leaf_reg", 0.1, 10.0, log=True, default=3.0),
    Float("model.params.random_strength", 0.1, 10.0, log=True, default=1.0),
    Float("model.params.colsample_bylevel", 0.6, 1.0, default=1.0),
    Int("model.params.one_hot_max_size", 2, 100, log=True),
)
"""Near the ranges of TabArena (arXiv 2506.16791); learning rates that end within the rounds."""

_LOSSES = {
    "binary": "Logloss", "multiclass": "MultiClass", "mse": "RMSE", "mae": "MAE", "huber": "Huber:delta=1",
}  # fmt: skip
_OWN = {
    **dict.fromkeys(
        ("loss_function", "objective", "eval_metric", "custom_metric", "custom_loss", "classes_count", "class_names"),
        FOLLOWS_METRIC,
    ),
    **dict.fromkeys(("random_seed", "random_state"), FOLLOWS_SEED),
    **dict.fromkeys(("thread_count", "task_type", "devices"), FOLLOWS_WORKERS),
    "monotone_constraints": FOLLOWS_MONOTONE,
    **dict.fromkeys(("cat_features", "text_features", "embedding_features"), FOLLOWS_COLUMNS),
    **dict.fromkeys(
        ("num_boost_round", "n_estimators", "num_trees"), "write `--set model.params.iterations=...`"
    ),
    **dict.fromkeys(("od_wait", "od_type", "early_stopping_rounds"), "write `--set model.params.patience=...`"),
    **dict.fromkeys(
        ("verbose", "verbose_eval", "silent", "logging_level", "train_dir", "allow_writing_files", "callback",
         "use_best_model", "save_snapshot", "snapshot_file", "snapshot_interval", "metric_period", "name"),
        "aicomp takes care of it; remove it",
    ),
}  # fmt: skip


class CatBoost:
    """Boosted symmetric trees of the package `catboost`; it encodes categories of any number of levels itself.

    Args:
        spec: The inputs.
        iterations: Most trees.
        patience: Trees without a lower validation loss before it stops; 0 never stops.
        params: Any other of CatBoost's parameters; by default it chooses the learning rate by rows and trees.
    """

    numbers: ClassVar[Numbers] = "raw"
    package: ClassVar[str] = "catboost"
    takes_monotone: ClassVar[bool] = True

    def __init__(self, spec: ModelSpec, *, iterations: int = 1000, patience: int = 100, **params: Any) -> None:
        catboost = require("catboost")
        known = inspect.signature(catboost.CatBoostClassifier.__init__).parameters.keys() - {"self"}
        check_rounds(iterations, patience, "iterations")
        check_params(params, {*known, "iterations", "patience"}, _OWN)
        self._spec, self._n_rounds, self._patience, self._params = spec, iterations, patience, params
        self._model: Any = None
        self._loss = ""
        self._classes = np.zeros(0, dtype=np.int64)  # those of the training rows
        self._n_classes = 1
        self._constant: float | None = None

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`. CatBoost predicts nothing while it trains: scores of rounds are told when it has ended."""
        catboost = require("catboost")

        self._loss, self._classes, self._n_classes = goal.loss, np.unique(y), goal.n_classes
        if len(self._classes) == 1:
            return self._fit_constant(y, valid_y, goal, watch)
        if goal.loss == "multiclass":  # CatBoost knows no class that has no row
            known = np.isin(valid_y, self._classes)
            fitted = self._pool(train, np.searchsorted(self._classes, y))
            held_out = self._pool(valid.take(known), np.searchsorted(self._classes, valid_y[known]))
        else:
            fitted, held_out = self._pool(train, y), self._pool(valid, valid_y)
        stopping = {"od_type": "Iter", "od_wait": self._patience} if self._patience else {}
        model = catboost.CatBoost(
            {
                **self._params, **stopping, **self._monotone(),
                "iterations": self._n_rounds, "loss_function": _loss_function(goal), "random_seed": goal.seed,
                "thread_count": goal.threads, "allow_writing_files": False, "logging_level": "Silent",
            }
        )  # fmt: skip
        try:
            progress = _Progress(self._n_rounds, watch)
            model.fit(fitted, eval_set=held_out, use_best_model=True, callbacks=[progress])
            progress.check()
        except catboost.CatBoostError as e:
            raise UsageError(f"CatBoost refuses: {e}", "correct `[model] params`, or the columns") from e
        self._model = model
        self._tell(self._pool(valid), watch)
        return int(model.tree_count_)

    def _monotone(self) -> dict[str, Any]:
        asked = {f"n{j}": sign for j, sign in enumerate(self._spec.monotone) if sign}
        return {"monotone_constraints": asked} if asked else {}

    def _fit_constant(self, y: np.ndarray, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """Learn a target that is the same in every row, such as a label that a fold lacks: CatBoost refuses it."""
        self._constant = float(y[0])
        predictions = self._same(len(valid_y))
        losses = mean_loss(goal, y, self._same(len(y))), mean_loss(goal, valid_y, predictions)
        watch(Round(self._n_rounds, self._n_rounds, predictions, *losses))
        return 0

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`."""
        if self._constant is not None:
            return self._same(len(rows))
        return self._finish(self._model.predict(self._pool(rows), prediction_type=self._kind, thread_count=1))

    def state_dict(self) -> State:
        """The model in CatBoost's own binary format (`cbm`)."""
        about = {"loss": as_array(self._loss.encode()), "n_classes": np.array([self._n_classes])}
        if self._constant is not None:
            return {**about, "constant": np.array([self._constant])}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.cbm"
            self._model.save_model(str(path), format="cbm")
            return {**about, "model.cbm": as_array(path.read_bytes()), "classes": self._classes.astype(np.int64)}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._loss, self._n_classes = as_bytes(state["loss"]).decode(), int(state["n_classes"][0])
        if "constant" in state:
            self._constant = float(state["constant"][0])
            return
        self._classes = state["classes"]
        catboost = require("catboost")
        self._model = catboost.CatBoost()
        self._model.load_model(blob=as_bytes(state["model.cbm"]), format="cbm")

    def _pool(self, rows: Rows, y: np.ndarray | None = None) -> Any:
        import pandas as pd

        catboost = require("catboost")
        n_num, n_cat = rows.x_num.shape[1], rows.x_cat.shape[1]
        numbers = pd.DataFrame(rows.x_num, columns=[f"n{j}" for j in range(n_num)])
        codes = pd.DataFrame(rows.x_cat, columns=[f"c{j}" for j in range(n_cat)])
        return catboost.Pool(pd.concat([numbers, codes], axis=1), y, cat_features=list(codes.columns))

    def _tell(self, held_out: Any, watch: Watch) -> None:
        """Tell of the rounds that were kept, by predictions of the first trees; and of the last one that was tried."""
        losses = self._model.evals_result_
        (name,) = losses["learn"]
        learned, validated = losses["learn"][name], losses["validation"][name]
        kept = self._model.tree_count_
        period = max(1, kept // 40)
        stages = self._model.staged_predict(held_out, prediction_type=self._kind, eval_period=period, thread_count=1)
        for i, stage in enumerate(stages, start=1):
            done = min(i * period, kept)
            watch(Round(done, self._n_rounds, self._finish(stage), learned[done - 1], validated[done - 1]))

    @property
    def _kind(self) -> str:
        return "Probability" if self._loss in ("binary", "multiclass") else "RawFormulaVal"

    def _finish(self, predictions: Any) -> np.ndarray:
        array = np.asarray(predictions, dtype=np.float64)
        if self._loss == "binary":
            return array[:, 1]
        if self._loss != "multiclass":
            return array
        spread = np.zeros((len(array), self._n_classes))
        spread[:, self._classes] = array
        return spread

    def _same(self, n_rows: int) -> np.ndarray:
        """The one target that was learned, as predictions of rows."""
        assert self._constant is not None
        if self._loss == "multiclass":
            return np.asarray(np.eye(self._n_classes)[np.full(n_rows, int(self._constant))])
        return np.full(n_rows, self._constant)


class _Progress:
    """Tells how far CatBoost is, and stops it if that raises: an error would not get through its C++ code.

    Args:
        total: Most rounds.
        watch: Who is told.
    """

    def __init__(self, total: int, watch: Watch) -> None:
        self._total, self._watch = total, watch
        self._error: BaseException | None = None

    def after_iteration(self, info: Any) -> bool:
        """Whether to go on."""
        if not Round.is_due(info.iteration, self._total) or info.iteration >= self._total:
            return True
        try:
            self._watch(Round(info.iteration, self._total, None, nan, nan))
        except BaseException as e:
            self._error = e
        return self._error is None

    def check(self) -> None:
        """Raise what the one who was told has raised."""
        if self._error is not None:
            raise self._error


def _loss_function(goal: Goal) -> str:
    return f"Quantile:alpha={goal.level}" if goal.loss == "quantile" else _LOSSES[goal.loss]
