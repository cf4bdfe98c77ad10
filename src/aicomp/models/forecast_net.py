"""A global network that forecasts all series: `CombinationNet`, trained on windows at every origin of the past."""

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.models.combination import CombinationNet
from aicomp.models.estimator import Goal, Numbers, Round, State, Watch, mean_loss, with_prefix
from aicomp.models.history import History, series_of
from aicomp.models.panel_inputs import Covariates, Outlook, of_windows, on_grid
from aicomp.models.space import Float, Int
from aicomp.models.spec import ModelSpec
from aicomp.models.windows import Windows, training_windows
from aicomp.training.checkpoints import Checkpoints
from aicomp.training.epochs import Epochs

SPACE = (
    Int("model.params.epochs", 2, 20, log=True, default=6),
    Float("model.params.learning_rate", 3e-4, 1e-2, log=True),
    Int("model.params.d_hidden", 16, 128, log=True),
    Float("model.params.dropout", 0.0, 0.5),
    Float("model.params.size_power", 0.0, 1.0),
)

_LARGEST_TABLE = 60_000_000
"""Numbers of all windows' simple forecasts at most."""

_EPOCHS, _FEWEST_STEPS = 6, 150
_CHUNK = 4096


class ForecastNet:
    """Windows at all origins of the training rows, a loss that follows the metric, and no early stopping.

    Args:
        spec: The inputs, with series.
        epochs: Passes over the windows; None takes 6, or as many as make 150 steps.
        learning_rate: At its peak, of one cycle (AdamW).
        weight_decay: Shrinks weights.
        d_hidden: Width.
        members: Networks side by side, whose mean is taken.
        dropout: Of hidden units.
        batch_size: Windows in one step.
        size_power: What a series' size counts: 0 makes all series equal, 1 weighs errors in their own unit.
        most_windows: Windows at most; origins are left out evenly.

    Raises:
        UsageError: Nothing is forecast, or a parameter is out of range.
    """

    numbers: ClassVar[Numbers] = "normal"
    forecasts: ClassVar[bool] = True

    def __init__(
        self,
        spec: ModelSpec,
        *,
        epochs: int | None = None,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-2,
        d_hidden: int = 32,
        members: int = 4,
        dropout: float = 0.2,
        batch_size: int = 512,
        size_power: float = 0.5,
        most_windows: int = 60_000,
    ) -> None:
        self._spec, self._series = spec, series_of(spec, "forecast-net")
        counts = {
            "epochs": 1 if epochs is None else epochs,
            "d_hidden": d_hidden,
            "members": members,
            "batch_size": batch_size,
        }
        for name, value in {**counts, "epochs": 1 if epochs is None else epochs}.items():
            if not (isinstance(value, int) and value > 0):
                raise UsageError(f"`model.params.{name}` is {value!r}, but it must be a whole number above 0")
        if not 0 <= dropout < 1:
            raise UsageError(f"`model.params.dropout` is {dropout!r}, but it must be at least 0 and below 1")
        self._epochs, self._rate, self._decay = epochs, learning_rate, weight_decay
        self._d_hidden, self._members, self._dropout = d_hidden, members, dropout
        self._batch_size, self._power, self._most = batch_size, size_power, most_windows
        self._outlook: Outlook | None = None
        self._model: CombinationNet | None = None

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Forecaster`."""

        def tell(epoch: int, n_epochs: int, loss: float) -> None:
            predictions = self.predict(valid)
            # As many epochs follow when test is predicted.
            watch(Round(epoch, 2 * n_epochs, predictions, loss, mean_loss(goal, valid_y, predictions)))

        return self._learn(train, y, goal, tell, goal.checkpoints.part("fit"))

    def extend(self, known: Rows, y: np.ndarray, goal: Goal, watch: Watch) -> None:
        """See `Forecaster`: the same is learned anew from all rows."""

        def tell(epoch: int, n_epochs: int, loss: float) -> None:
            watch(Round(n_epochs + epoch, 2 * n_epochs, None, loss, float("nan")))

        self._learn(known, y, goal, tell, goal.checkpoints.part("extend"))

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`."""
        outlook, model = self._outlook, self._model
        assert outlook is not None
        assert model is not None
        windows, keys, at, ahead = outlook.windows_of(rows, self._series)
        covariates = on_grid(outlook.covariates(rows, self._series), at, ahead, (len(windows), self._series.horizon))
        inputs = _tensors(windows, keys, covariates)
        model.eval()
        with torch.no_grad():
            parts = [model(*(a[i : i + _CHUNK] for a in inputs)).mean(dim=0) for i in range(0, len(windows), _CHUNK)]
        return np.asarray(windows.unscaled(torch.cat(parts).double().numpy())[at, ahead])

    def state_dict(self) -> State:
        """Weights, and the end of the past."""
        assert self._outlook is not None
        assert self._model is not None
        weights = {f"network.{name}": t.detach().numpy().copy() for name, t in self._model.state_dict().items()}
        return {**weights, **{f"outlook.{name}": a for name, a in self._outlook.state_dict().items()}}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._outlook = Outlook.restore(with_prefix(state, "outlook."))
        weights = with_prefix(state, "network.")
        self._model = self._build(self._outlook, adds="added.weight" in weights)
        self._model.load_state_dict({name: torch.from_numpy(np.array(a)) for name, a in weights.items()})

    def _build(self, outlook: Outlook, *, adds: bool) -> CombinationNet:
        n_keys, cardinalities = self._series.n_keys, self._spec.cardinalities
        simple = outlook.windows.simple
        return CombinationNet(
            outlook.windows.context.shape[1],
            cardinalities[:n_keys],
            (simple.shape[1], simple.shape[2]),
            self._spec.n_num + 4 * len(outlook.waves),
            cardinalities[n_keys:],
            d_hidden=self._d_hidden,
            k=self._members,
            dropout=self._dropout,
            adds=adds,
        )

    def _learn(self, rows: Rows, y: np.ndarray, goal: Goal, tell: Any, checkpoints: Checkpoints) -> int:
        history = History.of(rows, y, self._series)
        outlook = self._outlook = Outlook.of(history, self._series)
        size = outlook.windows.simple.shape[1] * outlook.windows.simple.shape[2]
        windows, targets = training_windows(history, self._series, min(self._most, _LARGEST_TABLE // size))
        covariates = of_windows(outlook.covariates(rows, self._series), rows, windows, history, self._series)
        adds = bool(covariates.numbers.shape[2] or covariates.codes.shape[2]) or goal.loss == "quantile"
        inputs = _tensors(windows, history.keys[windows.series], covariates)
        z = torch.from_numpy(windows.scaled(targets))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(goal.seed)
            model = self._model = self._build(outlook, adds=adds)
            weights = _weights(windows, self._power, goal)
            return self._train(model, inputs, z, weights, goal, tell, checkpoints)

    def _train(
        self,
        model: CombinationNet,
        inputs: list[Tensor],
        z: Tensor,
        weights: Tensor,
        goal: Goal,
        tell: Any,
        checkpoints: Checkpoints,
    ) -> int:
        n = len(z)
        batch = min(self._batch_size, max(16, n // 8))
        per_epoch = -(-n // batch)
        epochs = self._epochs or max(_EPOCHS, -(-_FEWEST_STEPS // per_epoch))
        optimizer = torch.optim.AdamW(model.parameters(), lr=self._rate, weight_decay=self._decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self._rate, total_steps=epochs * per_epoch)
        loop = Epochs(checkpoints, model, optimizer, schedule=schedule)
        for epoch in loop.left(epochs):
            model.train()
            for _, rows in loop.steps(lambda: torch.split(torch.randperm(n), batch)):
                errors = _losses(model(*(a[rows] for a in inputs)), z[rows], goal)
                loss = (errors * weights[rows, None]).mean()
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                loop.losses.append(float(loss.detach()) * len(rows))
            if Round.is_due(epoch, epochs) or epoch == epochs:
                tell(epoch, epochs, sum(loop.losses) / n)
        loop.end(epochs)
        return epochs


def _tensors(windows: Windows, keys: np.ndarray, covariates: Covariates) -> list[Tensor]:
    arrays = (windows.context, keys + 1, windows.simple, covariates.numbers, covariates.codes)
    return [torch.from_numpy(np.ascontiguousarray(a)) for a in arrays]


def _weights(windows: Windows, power: float, goal: Goal) -> Tensor:
    """What each window counts: squared errors grow with the square of a series' size."""
    weights = windows.scale ** (2 * power if goal.loss == "mse" else power)
    return torch.from_numpy((weights / weights.mean()).astype(np.float32))


def _losses(outputs: Tensor, z: Tensor, goal: Goal) -> Tensor:
    """Loss of each member, window and step, (k, batch, horizon); 0 where a target is missing."""
    error = torch.nan_to_num(z - outputs)
    if goal.loss == "mse":
        return error**2
    if goal.loss == "huber":
        return torch.nn.functional.huber_loss(error, torch.zeros_like(error), reduction="none")
    if goal.loss == "quantile":
        return torch.maximum(goal.level * error, (goal.level - 1) * error)
    return error.abs()
