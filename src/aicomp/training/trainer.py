"""The training loop: for each epoch, for each batch: forward, loss, backward, step; then validate."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aicomp.data.rows import Rows
from aicomp.errors import AicompError
from aicomp.models.dropout import DropoutCourse
from aicomp.models.memory import remembers_rows
from aicomp.task import Task
from aicomp.training.augmentation import Augmentation, augment
from aicomp.training.checkpoints import Checkpoints
from aicomp.training.fold import EpochReport, FoldData
from aicomp.training.inference import batch_of, evaluate, outputs_of, predict
from aicomp.training.losses import Objective
from aicomp.training.micro_batches import accumulate
from aicomp.training.optimizers import before_training, before_validation, make_optimizer, set_learning_rate
from aicomp.training.out_of_memory import Portion, memory_errors
from aicomp.training.recipe import Settings
from aicomp.training.regularization import (
    Average,
    Batch,
    EarlyStopping,
    add_noise,
    load_trained,
    mixup,
    trained_state,
    worst_point,
)
from aicomp.training.schedules import DROPOUT_SCHEDULES, SCHEDULES
from aicomp.training.share import ALONE, Share
from aicomp.training.steps import Steps

_GATHERED_ROWS = 32_768

HISTORY = ("epoch", "train_loss", "valid_loss", "score", "learning_rate", "seconds")


@dataclass
class Epoch:
    """An epoch, as far as it is done.

    Attributes:
        number: From 1.
        order: State of the generator that draws the order of its rows.
        losses: Of its steps so far, (n_steps,).
        rates: Learning rates of these.
        seconds: That training had taken when this was kept.
    """

    number: int
    order: Tensor
    losses: Tensor = field(default_factory=lambda: torch.empty(0))
    rates: list[float] = field(default_factory=list)
    seconds: float = 0.0


class Trainer:
    """Trains a model with a recipe; afterwards `model` holds the weights to predict with.

    Args:
        model: The network, on `device`.
        task: What is learned and how it is scored.
        objective: The loss, fitted on the training targets.
        settings: The recipe.
        device: Where it is trained.
        augmentation: How images or sounds are changed in training; None leaves them.
        share: Which part of the work is this process's.
        checkpoints: Where it keeps what it takes to go on after it was killed; None keeps nothing.

    Attributes:
        history: See `FoldResult`, as are `best_epoch` and `notes`.
        optimizer: What moves the weights.
    """

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        objective: Objective,
        settings: Settings,
        device: torch.device,
        augmentation: Augmentation | None = None,
        share: Share = ALONE,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self.model = model
        self.history: list[dict[str, float]] = []
        self.best_epoch = 0
        self.notes: list[str] = []
        self._task = task
        self._objective = objective
        self._settings = settings
        self._device = device
        self._augmentation = augmentation
        self._share = share
        self._checkpoints = checkpoints or Checkpoints()
        self._steps = Steps(self, settings.micro_batch, share)
        self._portion = Portion(self._steps.say)
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        self._average = Average(model) if settings.ema or settings.swa else None
        self.optimizer = make_optimizer(model, settings)
        self._dropout = DropoutCourse(model, DROPOUT_SCHEDULES[settings.dropout_schedule])
        # Apart from the other random numbers, so that batches are the same whatever else is drawn.
        self._order = torch.Generator().manual_seed(torch.initial_seed())

    def fit(self, data: FoldData, report: Callable[[EpochReport], None]) -> None:
        """Train on the fold's training rows, validating after each epoch, and keep the best weights."""
        s = self._settings
        train = self._batch(data.train, data.y)
        valid = self._batch(data.valid, data.valid_y)
        stopping = EarlyStopping(self._task.metric, s.early_stopping)
        validated = self._average.model if self._average and s.ema else self.model
        begun = self._resume(stopping)
        started = time.perf_counter() - begun.seconds
        for epoch in range(begun.number, s.epochs + 1):
            if epoch > begun.number:
                begun = Epoch(epoch, self._order.get_state())
            train_loss, learning_rate = self._train_epoch(train, begun, stopping, started)
            if self._average and s.swa and epoch > s.epochs * (1 - s.swa):
                self._average.update_swa(self.model)
            score, valid_loss = self._validate(validated, valid, data.valid_y)
            stop = stopping.update(epoch, score, valid_loss, validated)
            seconds = time.perf_counter() - started
            row = (epoch, train_loss, valid_loss, score, learning_rate, seconds)
            self.history.append(dict(zip(HISTORY, row, strict=True)))
            report(
                EpochReport(epoch, s.epochs, score, stopping.best_score, train_loss, seconds, note=self._steps.told())
            )
            if stop:
                self.notes.append(f"stopped after epoch {epoch}: nothing better since epoch {stopping.best_epoch}")
                break
        if self._average and s.swa:
            self._finish_swa(valid, data.valid_y, stopping)
        else:
            self.model.load_state_dict(stopping.best_state)
            self.best_epoch = stopping.best_epoch

    def predict(self, rows: Rows) -> np.ndarray:
        """Predict rows: probabilities, or values in the target's unit, float64."""
        views = () if self._augmentation is None else self._augmentation.views
        return predict(
            self.model,
            self._objective,
            rows,
            device=self._device,
            amp=self._settings.amp,
            views=views,
            share=self._share,
            portion=self._portion,
        )

    def _train_epoch(
        self, train: Batch, epoch: "Epoch", stopping: EarlyStopping, started: float
    ) -> tuple[float, float]:
        """Pass over all rows in batches of nearly equal size, or over those that are left of an epoch.

        Args:
            train: The training rows.
            epoch: The epoch, as far as it is done.
            stopping: What checkpoints keep beside it.
            started: When training began, by `time.perf_counter`.

        Returns:
            Mean loss and last learning rate.
        """
        s = self._settings
        n_rows = len(train.targets)
        n_batches = max(1, round(n_rows / s.batch_size))
        self._order.set_state(epoch.order)
        losses, rates = torch.empty(n_batches, device=self._device), epoch.rates
        losses[: len(rates)] = epoch.losses.to(self._device)
        self.model.train()
        self._dropout.set((epoch.number - 1) / s.epochs)
        before_training(self.optimizer)
        for step, batch in enumerate(self._batches(train, n_batches, len(rates)), len(rates)):
            rates.append(learning_rate_at(s, epoch.number - 1 + step / n_batches))
            set_learning_rate(self.optimizer, rates[-1])
            losses[step] = self._steps.take(batch)
            if self._average and s.ema:
                self._average.update_ema(self.model, s.ema)
            epoch.losses = losses[: step + 1]
            self._checkpoints.keep(partial(self._state, epoch, stopping, started))
        before_validation(self.optimizer)
        check_finite(losses, epoch.number, rates)
        return float(losses.mean()), rates[-1]

    def _batches(self, train: Batch, n_batches: int, done: int) -> Iterator[Batch]:
        """Batches of an epoch in a new order, without the first `done` of them."""
        order = torch.randperm(len(train.targets), generator=self._order).to(self._device)
        return _batches(train, order.tensor_split(n_batches)[done:])

    def _state(self, epoch: "Epoch", stopping: EarlyStopping, started: float) -> dict[str, Any]:
        """What it takes to go on from here."""
        frozen = {name for name, p in self.model.named_parameters(remove_duplicate=False) if not p.requires_grad}
        return {
            "epoch": {
                "number": epoch.number,
                "order": epoch.order,
                "losses": epoch.losses,
                "rates": epoch.rates,
                "seconds": time.perf_counter() - started,
            },
            "model": trained_state(self.model),
            "average": self._average and self._average.state(),
            "optimizer": self.optimizer.state_dict(),
            "stopping": stopping.state(frozen),
            "history": self.history,
            "notes": self.notes,
            "steps": self._steps.state(),
        }

    def _resume(self, stopping: EarlyStopping) -> "Epoch":
        """Be as the newest checkpoint is; the epoch to go on with, which is the first if there is none."""
        state = self._checkpoints.resume()
        if state is None:
            return Epoch(1, self._order.get_state())
        load_trained(self.model, state["model"])
        if self._average:
            self._average.restore(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        stopping.restore(state["stopping"], self.model)
        self.history, self.notes = state["history"], state["notes"]
        self._steps.restore(state.get("steps", {}))
        return Epoch(**state["epoch"])

    def step(self, batch: Batch) -> Tensor:
        """One step of the optimizer; returns the loss before it."""
        s = self._settings
        if self._augmentation is not None:
            batch = augment(batch, self._augmentation, with_mixup=bool(s.mixup))
        if s.input_noise:
            batch = add_noise(batch, s.input_noise)
        if s.mixup and batch.partner_targets is None:
            batch = mixup(batch, s.mixup)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._gradient(batch)
        if s.sam:
            with worst_point(self.model, s.sam):
                self._gradient(batch)
        if s.clip_norm:
            nn.utils.clip_grad_norm_(self._parameters, s.clip_norm)
        with memory_errors("the optimizer's state", "take a smaller model, or a machine with more memory"):
            self.optimizer.step()
        return loss

    def _gradient(self, batch: Batch) -> Tensor:
        """Leave the parameters the gradient of a batch; returns its loss."""
        loss = accumulate(batch, self._steps.micro_batch, self._loss, self._share)
        self._share.add_gradients(self._parameters)
        return loss

    def _loss(self, batch: Batch) -> Tensor:
        outputs = self._forward(batch)
        loss = self._objective.loss(outputs, batch.targets, smooth=True)
        if batch.partner_targets is not None:
            partner_loss = self._objective.loss(outputs, batch.partner_targets, smooth=True)
            loss = batch.share * loss + (1 - batch.share) * partner_loss
        return loss

    def _forward(self, batch: Batch) -> Tensor:
        more = batch.rows if remembers_rows(self.model) else batch.extra
        inputs = (batch.x_num, batch.x_cat) if more is None else (batch.x_num, batch.x_cat, more)
        return outputs_of(self.model, *inputs, amp=self._settings.amp)

    def _validate(self, model: nn.Module, valid: Batch, y: np.ndarray) -> tuple[float, float]:
        """Score and mean loss on the validation rows."""
        predictions, loss = self._evaluate(model, valid)
        return self._task.score(y, predictions), loss

    def _evaluate(self, model: nn.Module, rows: Batch) -> tuple[np.ndarray, float]:
        return evaluate(model, self._objective, rows, amp=self._settings.amp, share=self._share, portion=self._portion)

    def _batch(self, rows: Rows, y: np.ndarray) -> Batch:
        return batch_of(self.model, rows, self._objective.encode(y), self._device)

    def _finish_swa(self, valid: Batch, valid_y: np.ndarray, stopping: EarlyStopping) -> None:
        assert self._average is not None
        self.model = self._average.model
        self.best_epoch = len(self.history)
        score, _ = self._validate(self.model, valid, valid_y)
        metric = self._task.metric.name
        self.notes.append(
            f"weights averaged over the last {self._settings.swa:.0%} of the epochs: {metric} {score:.6g}; "
            f"the best single epoch was {stopping.best_epoch} with {stopping.best_score:.6g}"
        )


def _batches(train: Batch, parts: Sequence[Tensor]) -> Iterator[Batch]:
    """Rows of each part. Many parts are gathered at once, so that a batch is a slice; all would be the data twice."""
    at_once = max(1, _GATHERED_ROWS // len(parts[0])) if parts else 1
    for first in range(0, len(parts), at_once):
        sizes = [len(part) for part in parts[first : first + at_once]]
        rows = torch.cat(list(parts[first : first + at_once]))
        gathered = (torch.split(t, sizes) for t in (train.x_num[rows], train.x_cat[rows], train.targets[rows], rows))
        for x_num, x_cat, targets, numbers in zip(*gathered, strict=True):
            # Gathered batch by batch: tokens are cut to the longest of its rows, and files are large.
            extra = None if train.source is None else train.source(numbers)
            yield Batch(x_num, x_cat, targets, rows=numbers, extra=extra)


def learning_rate_at(settings: Settings, epochs: float) -> float:
    """Learning rate of the step that follows this many epochs."""
    return settings.learning_rate * SCHEDULES[settings.schedule](epochs / settings.epochs)


def check_finite(losses: Tensor, epoch: int, rates: list[float], place: str = "") -> None:
    """Refuse to go on after a loss of NaN or infinity.

    Args:
        losses: Of each step of the epoch.
        epoch: Its number.
        rates: Learning rates of the steps.
        place: Beginning of the message.

    Raises:
        AicompError: Names the first such step.
    """
    # Looked at once per epoch: on a GPU, reading a number every step would make the processor wait for it.
    bad = torch.nonzero(~torch.isfinite(losses)).flatten().tolist()
    if bad:
        step = bad[0]
        lower = max(rates) / 10
        raise AicompError(
            f"{place}the loss became {float(losses[step])} in epoch {epoch}, step {step + 1} of {len(losses)}, "
            f"at learning rate {rates[step]:.3g}",
            f"write `--set training.learning_rate={lower:.1g}`",
        )
