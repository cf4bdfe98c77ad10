"""The training loop of several folds as one network of stacked weights; each fold learns what it would learn alone."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from aicomp.models.dropout import DropoutCourse
from aicomp.task import Task
from aicomp.training.checkpoints import Checkpoints
from aicomp.training.fit import Prepared
from aicomp.training.fold import EpochReport
from aicomp.training.inference import CHUNK
from aicomp.training.optimizers import optimizer_of, set_learning_rate, split_parameters
from aicomp.training.regularization import Batch, EarlyStopping, add_noise, mixup
from aicomp.training.schedules import DROPOUT_SCHEDULES
from aicomp.training.stacked_rows import StackedRows
from aicomp.training.stacked_weights import Stack
from aicomp.training.trainer import HISTORY, check_finite, learning_rate_at


@dataclass
class Member:
    """A fold that is trained in a stack.

    Attributes:
        number: Number of the fold.
        fold: What it is trained with; its model holds the fold's own weights after each epoch.
        stopping: Keeps the best weights.
        order: Draws the fold's batches, as a `Trainer` of the same seed does.
        history: As in `FoldResult`, as are `notes`.
        seconds: The fold's share of the time.
        done: Whether it has ended.
    """

    number: int
    fold: Prepared
    stopping: EarlyStopping
    order: torch.Generator
    history: list[dict[str, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    done: bool = False


@dataclass
class _Epoch:
    """An epoch, as far as it is done.

    Attributes:
        number: From 1.
        orders: State of each fold's generator that draws the order of its rows.
        losses: Of its steps so far, (n_folds,) each.
        rates: Learning rates of these.
        seconds: That it had taken when this was kept.
    """

    number: int
    orders: list[Tensor]
    losses: list[Tensor] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    seconds: float = 0.0


class StackedTrainer:
    """Trains folds of one recipe, with as many batches an epoch, in the same steps.

    Args:
        folds: The folds by number; their models are moved to `device`.
        task: What is learned and how it is scored.
        device: Where they are trained.
        seeds: Seed of each fold's batches.
        checkpoints: Where it keeps what it takes to go on after it was killed; None keeps nothing.
    """

    def __init__(
        self,
        folds: dict[int, Prepared],
        task: Task,
        device: torch.device,
        seeds: dict[int, int],
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self._task, self._device, self._checkpoints = task, device, checkpoints or Checkpoints()
        self._settings = next(iter(folds.values())).settings
        self._members = [
            Member(
                k, fold, EarlyStopping(task.metric, self._settings.early_stopping),
                torch.Generator().manual_seed(seeds[k]),
            )
            for k, fold in folds.items()
        ]  # fmt: skip
        models = [fold.model for fold in folds.values()]
        self._stack = Stack(models).to(device)
        self._dropout = DropoutCourse(self._stack.template, DROPOUT_SCHEDULES[self._settings.dropout_schedule])
        for model in models:
            model.to(device)
        decayed = {id(p) for p in split_parameters(self._stack.template)[0]}
        own = {name for name, p in self._stack.template.named_parameters() if id(p) in decayed}
        ours = self._stack.parameters
        self._optimizer = optimizer_of(
            [p for name, p in ours.items() if name in own], [p for name, p in ours.items() if name not in own],
            self._settings,
        )  # fmt: skip
        self._train = StackedRows([m.fold for m in self._members], "train", device)
        self._valid = StackedRows([m.fold for m in self._members], "valid", device)

    def fit(self, report: Callable[[int, EpochReport], None], on_end: Callable[[Member], None]) -> None:
        """Train until every fold has stopped or the epochs are over.

        Args:
            report: Called with a fold's number after each of its epochs; its seconds are the fold's share.
            on_end: Called with each fold that has ended; its model holds the best weights.
        """
        begun = self._resume()
        for epoch in range(begun.number, self._settings.epochs + 1):
            if epoch > begun.number:
                begun = _Epoch(epoch, self._orders())
            started = time.perf_counter() - begun.seconds
            losses, rates = self._train_epoch(begun, started)
            validated = self._validate()
            share = (time.perf_counter() - started) / len(self._members)
            for i, member in enumerate(self._members):
                self._stack.write_to(i, member.fold.model)
                self._end_epoch(member, epoch, float(losses[:, i].mean()), rates[-1], share, *validated[i], report)
            for member in self._members:
                if member.done or epoch == self._settings.epochs:
                    member.fold.model.load_state_dict(member.stopping.best_state)
                    on_end(member)
            going_on = [i for i, member in enumerate(self._members) if not member.done]
            if not going_on:
                return
            if len(going_on) < len(self._members):
                self._keep(going_on)

    def _end_epoch(
        self, member: Member, epoch: int, train_loss: float, learning_rate: float, seconds: float, score: float,
        valid_loss: float, report: Callable[[int, EpochReport], None],
    ) -> None:  # fmt: skip
        stopping = member.stopping
        member.done = stopping.update(epoch, score, valid_loss, member.fold.model)
        member.seconds += seconds
        row = (epoch, train_loss, valid_loss, score, learning_rate, member.seconds)
        member.history.append(dict(zip(HISTORY, row, strict=True)))
        n_epochs = self._settings.epochs
        report(member.number, EpochReport(epoch, n_epochs, score, stopping.best_score, train_loss, member.seconds))
        if member.done:
            member.notes.append(f"stopped after epoch {epoch}: nothing better since epoch {stopping.best_epoch}")

    def _orders(self) -> list[Tensor]:
        return [member.order.get_state() for member in self._members]

    def _train_epoch(self, epoch: "_Epoch", started: float) -> tuple[Tensor, list[float]]:
        """Pass over all rows of each fold, or over those that are left of an epoch.

        Args:
            epoch: The epoch, as far as it is done.
            started: When it began, by `time.perf_counter`.

        Returns:
            Losses (n_batches, n_folds) and learning rates of the steps.
        """
        n_batches = n_batches_of(self._members[0].fold)
        for member, order in zip(self._members, epoch.orders, strict=True):
            member.order.set_state(order)
        places, sizes = self._train.shuffled(n_batches, [member.order for member in self._members])
        losses, rates = epoch.losses, epoch.rates
        self._stack.template.train()
        self._dropout.set((epoch.number - 1) / self._settings.epochs)
        for step in range(len(rates), n_batches):
            rates.append(learning_rate_at(self._settings, epoch.number - 1 + step / n_batches))
            set_learning_rate(self._optimizer, rates[-1])
            losses.append(self.step(self._train.at(places[step]), sizes[step]))
            self._checkpoints.keep(partial(self._state, epoch, started))
        by_fold = torch.stack([loss.to(self._device) for loss in losses]).cpu()
        for i, member in enumerate(self._members):
            check_finite(by_fold[:, i], epoch.number, rates, f"fold {member.number}: ")
        return by_fold, rates

    def _state(self, epoch: "_Epoch", started: float) -> dict[str, Any]:
        """What it takes to go on from here with the folds that have not ended."""
        members = [
            {
                "number": m.number,
                "stopping": m.stopping.state(),
                "history": m.history,
                "notes": m.notes,
                "seconds": m.seconds,
            }
            for m in self._members
        ]
        return {
            "epoch": {**vars(epoch), "seconds": time.perf_counter() - started},
            "members": members,
            "parameters": dict(self._stack.parameters),
            "optimizer": self._optimizer.state_dict(),
        }

    def _resume(self) -> "_Epoch":
        """Be as the newest checkpoint is; the epoch to go on with, which is the first if there is none.

        Folds that had ended before are dropped: they were saved.
        """
        state = self._checkpoints.resume()
        if state is None:
            return _Epoch(1, self._orders())
        kept = {own["number"]: own for own in state["members"]}
        going_on = [i for i, member in enumerate(self._members) if member.number in kept]
        if len(going_on) < len(self._members):
            self._keep(going_on)
        for member in self._members:
            own = kept[member.number]
            member.stopping.restore(own["stopping"], member.fold.model)
            member.history, member.notes, member.seconds = own["history"], own["notes"], own["seconds"]
        with torch.no_grad():
            for name, parameter in self._stack.parameters.items():
                parameter.copy_(state["parameters"][name])
        self._optimizer.load_state_dict(state["optimizer"])
        return _Epoch(**state["epoch"])

    def step(self, batch: Batch, sizes: Sequence[int]) -> Tensor:
        """One step of the optimizer; returns the loss of each fold before it, (n_folds,).

        Args:
            batch: Rows of each fold, (n_folds, n, ...).
            sizes: How many of them are the fold's batch; the rest is padding.
        """
        s = self._settings
        if s.input_noise:
            batch = add_noise(batch, s.input_noise)
        mixed = None
        if s.mixup:
            batch, mixed = _mixup_each(batch, sizes, s.mixup)
        self._optimizer.zero_grad(set_to_none=True)
        losses = self._losses(batch, sizes, mixed)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        parameters = [(name, p) for name, p in self._stack.parameters.items() if p.grad is not None]
        for name, parameter in parameters:
            if name in self._stack.masks and parameter.grad is not None:
                parameter.grad.mul_(self._stack.masks[name])
        if s.clip_norm:
            clip_each([p.grad for _, p in parameters if p.grad is not None], s.clip_norm)
        self._optimizer.step()
        return losses.detach()

    def _losses(self, batch: Batch, sizes: Sequence[int], mixed: list[Batch] | None) -> Tensor:
        outputs = self._stack.outputs(batch.x_num, batch.x_cat, amp=self._settings.amp)
        losses = []
        for i, (member, n) in enumerate(zip(self._members, sizes, strict=True)):
            objective, own = member.fold.objective, outputs[i, :n]
            loss = objective.loss(own, batch.targets[i, :n], smooth=True)
            partner_targets = None if mixed is None else mixed[i].partner_targets
            if mixed is not None and partner_targets is not None:
                partner = objective.loss(own, partner_targets, smooth=True)
                loss = mixed[i].share * loss + (1 - mixed[i].share) * partner
            losses.append(loss)
        return torch.stack(losses)

    @torch.inference_mode()
    def _validate(self) -> list[tuple[float, float]]:
        """Score and mean loss of each fold on its validation rows."""
        self._stack.template.eval()
        predictions: list[list[Tensor]] = [[] for _ in self._members]
        totals = [0.0] * len(self._members)
        size = max(64, CHUNK[self._device.type] // len(self._members))
        for places, sizes in self._valid.chunks(size):
            rows = self._valid.at(places)
            outputs = self._stack.outputs(rows.x_num, rows.x_cat, amp=self._settings.amp)
            for i, (member, n) in enumerate(zip(self._members, sizes, strict=True)):
                if n:
                    predictions[i].append(member.fold.objective.predict(outputs[i, :n].cpu()))
                    totals[i] += float(member.fold.objective.loss(outputs[i, :n], rows.targets[i, :n])) * n
        scored = []
        for member, parts, total in zip(self._members, predictions, totals, strict=True):
            y = member.fold.data.valid_y
            scored.append((self._task.score(y, torch.cat(parts).numpy()), total / len(y)))
        return scored

    def _keep(self, going_on: list[int]) -> None:
        """Drop the folds that have ended: they cost nothing from here on."""
        replaced = self._stack.keep(going_on)
        for group in self._optimizer.param_groups:
            group["params"] = [replaced[p] for p in group["params"]]
        for old, new in replaced.items():
            state = self._optimizer.state.pop(old, {})
            self._optimizer.state[new] = {
                key: value[going_on] if isinstance(value, Tensor) and value.shape == old.shape else value
                for key, value in state.items()
            }
        self._members = [self._members[i] for i in going_on]
        self._train.keep(going_on)
        self._valid.keep(going_on)


def n_batches_of(fold: Prepared) -> int:
    """Batches of an epoch."""
    return max(1, round(len(fold.data.y) / fold.settings.batch_size))


def clip_each(gradients: Sequence[Tensor], max_norm: float) -> None:
    """Shorten the gradient of each model in a stack to a norm, in place; tensors are (n_models, ...)."""
    norms = torch.stack([torch.linalg.vector_norm(g.flatten(1), dim=1) for g in gradients])
    factors = (max_norm / (torch.linalg.vector_norm(norms, dim=0) + 1e-6)).clamp(max=1.0)
    torch._foreach_mul_(list(gradients), [factors.view(-1, *[1] * (g.ndim - 1)) for g in gradients])


def _mixup_each(batch: Batch, sizes: Sequence[int], alpha: float) -> tuple[Batch, list[Batch]]:
    """Mixup within each fold's own rows: the blended rows, padded again, and what each fold drew."""
    mixed = [
        mixup(Batch(batch.x_num[i, :n], batch.x_cat[i, :n], batch.targets[i, :n]), alpha) for i, n in enumerate(sizes)
    ]
    x_num, x_cat = batch.x_num.clone(), batch.x_cat.clone()
    for i, (n, own) in enumerate(zip(sizes, mixed, strict=True)):
        x_num[i, :n], x_cat[i, :n] = own.x_num, own.x_cat
    return Batch(x_num, x_cat, batch.targets), mixed
