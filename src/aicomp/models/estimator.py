"""The second kind of model: anything that learns a whole fold at once and is no network, such as boosted trees.

A model of this kind is a class. `aicomp` makes an instance with the fold's `ModelSpec` and the `[model] params`, hands
it the fold's rows, and keeps its `state_dict` as the fold's weights. A project's own class is named like a network:
`name = "model:MyEstimator"`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol, TypeGuard, cast, get_args

import numpy as np

from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.models.spec import ModelSpec
from aicomp.training.checkpoints import Checkpoints

State = dict[str, np.ndarray]
"""What an estimator learned: arrays by name. Files of a library's own format are uint8 arrays."""

Numbers = Literal["raw", "normal"]
"""How an estimator wants its numbers: in their own unit with NaN where missing, or as a network gets them."""


LossName = Literal["binary", "multiclass", "mse", "mae", "huber", "quantile", "string"]


@dataclass(frozen=True)
class Goal:
    """What is learned, and with what.

    Attributes:
        loss: "binary" and "multiclass" (cross-entropy), "mse", "mae", "huber" (quadratic up to 1) or "quantile";
            "string" for targets that are strings, which the model learns as it sees fit.
        n_classes: Classes of "multiclass", else 1.
        seed: Of everything random.
        threads: Threads that this process may use.
        level: Of "quantile", between 0 and 1.
        n_listed: Of "string", where the metric scores ranked lists: items of each that count; else 0.
        device: Where networks are to be trained: "cpu", "cuda" or "mps".
        checkpoints: Where the state of the training is kept, from which one that was killed goes on.
    """

    loss: LossName
    n_classes: int
    seed: int
    threads: int
    level: float = 0.5
    device: str = "cpu"
    n_listed: int = 0
    checkpoints: Checkpoints = field(default_factory=Checkpoints)


@dataclass(frozen=True)
class Round:
    """How far a fit has come.

    Attributes:
        done: Rounds (trees of a boosted model) done, from 1.
        total: Most rounds that there will be.
        valid_pred: Predictions for the validation rows after this round, as `Estimator.predict` gives them; None where
            the library has none before it has ended.
        train_loss: Loss over the training rows.
        valid_loss: Loss over the validation rows.
        valid_rows: Validation rows that `valid_pred` is of, int64 (n,), where to predict all in each round would take
            too long; None for all.
    """

    done: int
    total: int
    valid_pred: np.ndarray | None
    train_loss: float
    valid_loss: float
    valid_rows: np.ndarray | None = None

    @staticmethod
    def is_due(done: int, total: int) -> bool:
        """Whether this round is to be told: every one would cost more than it says."""
        return done == 1 or done % max(1, total // 40) == 0


Watch = Callable[[Round], None]


class Estimator(Protocol):
    """A model that is fitted as a whole.

    Targets and predictions by `Goal.loss`: labels 0 or 1 and probabilities of 1, (n,), for "binary"; class codes int64
    (n,) and probabilities (n, n_classes) for "multiclass"; standardized values float32 (n,), of log(1 + y) where the
    metric is logarithmic, for the others; strings, object (n,), for "string", by a class with `learns_strings = True`.
    Several labels or targets are learned by an estimator each. Sentences in an attribute `notes` are told at the end.
    """

    numbers: ClassVar[Numbers]

    def __init__(self, spec: ModelSpec, **params: Any) -> None: ...

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """Learn from the training rows; the validation rows say when to stop, and nothing else.

        Returns:
            Rounds that are kept.
        """

    def predict(self, rows: Rows) -> np.ndarray:
        """Predict rows."""

    def state_dict(self) -> State:
        """What was learned."""

    def load_state_dict(self, state: State) -> None:
        """Take what another instance, made with the same spec and parameters, has learned."""


class Forecaster(Estimator, Protocol):
    """An estimator of series: `Rows.places` say which series and which step of time a row is, `spec.series` the rest.

    `fit` takes the rows of all steps up to an origin; `predict` may look at no target but those that it was given. The
    validation rows tell how good it is and decide nothing. Targets are in their own unit, or logarithms where the
    metric is logarithmic.
    """

    forecasts: ClassVar[bool]

    def extend(self, known: Rows, y: np.ndarray, goal: Goal, watch: Watch) -> None:
        """Move the origin on to the end of all known rows, and learn from them as well; then test is predicted.

        Args:
            known: All rows of train.
            y: Their targets.
            goal: As for `fit`.
            watch: Told of rounds, without predictions.
        """


def forecasts(model: object) -> bool:
    """Whether a model forecasts series (`forecasts = True`)."""
    return bool(getattr(model, "forecasts", False))


def is_estimator(found: object) -> TypeGuard[type[Estimator]]:
    """Whether a model is a class to be fitted as a whole, not a function that builds a network."""
    return isinstance(found, type) and all(callable(getattr(found, name, None)) for name in ("fit", "predict"))


def numbers_of(model: type[Estimator]) -> Numbers:
    """How a class wants its numbers.

    Raises:
        UsageError: It lacks a method, or wants them in a way that there is not.
    """
    for name in ("state_dict", "load_state_dict"):
        if not callable(getattr(model, name, None)):
            raise UsageError(
                f"model `{model.__name__}` has `fit` and `predict`, but no `{name}`",
                "write it, so that the run can keep what was learned (arrays by name) and predict new rows",
            )
    numbers: Any = getattr(model, "numbers", None)
    if numbers not in get_args(Numbers):
        raise UsageError(f"model `{model.__name__}` has `numbers = {numbers!r}`", 'write `numbers = "raw"` or "normal"')
    return cast(Numbers, numbers)


def reads_texts(model: object) -> bool:
    """Whether a model takes texts as they are (`reads_texts = True`), and not as numbers."""
    return bool(getattr(model, "reads_texts", False))


def reads_media(model: object) -> str | None:
    """Which files a model reads, "image" or "audio" (`reads_media = "image"`), None if none."""
    kind: str | None = getattr(model, "reads_media", None)
    return kind


def learns_strings(model: object) -> bool:
    """Whether a model predicts strings (`learns_strings = True`), and not numbers."""
    return bool(getattr(model, "learns_strings", False))


def takes_monotone(model: object) -> bool:
    """Whether a model keeps to `ModelSpec.monotone` (`takes_monotone = True`)."""
    return bool(getattr(model, "takes_monotone", False))


class PerColumn:
    """An estimator for each label of multilabel, or each target of multi-target.

    Shapes: targets and predictions are (n, n_columns).

    Args:
        columns: An estimator per column.
    """

    def __init__(self, columns: list[Estimator]) -> None:
        self.columns = columns

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """Fit one column after the other; rounds are told while the last one is fitted, when all are predicted."""
        kept = 0
        done: list[np.ndarray] = []
        n_columns = len(self.columns)
        for j, estimator in enumerate(self.columns):

            def tell(step: Round, j: int = j) -> None:
                if j == n_columns - 1:
                    both = None if step.valid_pred is None else np.stack([*done, step.valid_pred], axis=1)
                    rounds = j * step.total
                    watch(replace(step, done=rounds + step.done, total=rounds + step.total, valid_pred=both))

            column, valid_column = y[:, j].copy(), valid_y[:, j].copy()
            own = replace(goal, seed=goal.seed + j, checkpoints=goal.checkpoints.part(str(j)))
            kept += estimator.fit(train, column, valid, valid_column, own, tell)
            if j < n_columns - 1:
                done.append(estimator.predict(valid))
        return kept

    def predict(self, rows: Rows) -> np.ndarray:
        """Predict rows, (n, n_columns)."""
        return np.stack([estimator.predict(rows) for estimator in self.columns], axis=1)

    def state_dict(self) -> State:
        """What the columns learned."""
        return {f"{j}.{name}": a for j, e in enumerate(self.columns) for name, a in e.state_dict().items()}

    def load_state_dict(self, state: State) -> None:
        """Give each column what it learned."""
        for j, estimator in enumerate(self.columns):
            estimator.load_state_dict(with_prefix(state, f"{j}."))


def with_prefix(state: State, prefix: str) -> State:
    """The arrays whose name begins with a prefix, without it."""
    return {name.removeprefix(prefix): a for name, a in state.items() if name.startswith(prefix)}


def refuse_quantile(goal: Goal, name: str) -> None:
    """Refuse a quantile other than the median in the name of a model that can learn means alone.

    Raises:
        UsageError: The loss is such a quantile.
    """
    if goal.loss == "quantile" and goal.level != 0.5:
        raise UsageError(
            f"model `{name}` learns means, and not the quantile {goal.level:g}",
            'write `--set model.name="tabm"`, or "lightgbm" for trees',
        )


def mean_loss(goal: Goal, y: np.ndarray, predictions: np.ndarray) -> float:
    """Mean loss of predictions, as the boosted models report it (square roots of squares)."""
    if goal.loss in ("binary", "multiclass"):
        of_label = predictions[np.arange(len(y)), y] if goal.loss == "multiclass" else np.abs(1 - y - predictions)
        return float(-np.log(np.clip(of_label, 1e-15, 1)).mean())
    if goal.loss == "quantile":
        return float(np.maximum(goal.level * (y - predictions), (goal.level - 1) * (y - predictions)).mean())
    error = np.abs(y - predictions)
    if goal.loss == "mse":
        return float(np.sqrt((error**2).mean()))
    return float((error if goal.loss == "mae" else np.where(error < 1, error**2 / 2, error - 0.5)).mean())
