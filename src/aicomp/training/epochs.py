"""The course of a training loop of an estimator: epochs and steps, and what it takes to go on after it was killed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from aicomp.training.checkpoints import Checkpoints
from aicomp.training.regularization import Average, load_trained, trained_state

T = TypeVar("T")


class Epochs:
    """Counts epochs and steps, and keeps checkpoints; a loop that was killed begins in the middle of an epoch.

    ```python
    loop = Epochs(goal.checkpoints, model, optimizer, random=random)
    for epoch in loop.left(n_epochs):
        for step, rows in loop.steps(lambda: np.array_split(random.permutation(n), n_batches)):
            loop.losses.append(...)
        ...  # validate
    ```

    Args:
        checkpoints: Where the state is kept; what is there is taken up at once.
        model: Its weights that are trained are part of the state, and its buffers.
        optimizer: So is what it knows,
        random: and the generator that draws the order of rows, if that is not torch's;
        average: and an average of the weights,
        schedule: and a schedule, if it counts steps by itself.

    Attributes:
        step: Steps done, over all epochs.
        losses: Of the steps of this epoch so far.
        best: What tells how good the best epoch was; None before the first.
        best_epoch: Its number, from 1; 0 before the first.
        kept: Its weights, see `keep_best`.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        random: np.random.Generator | None = None,
        average: Average | None = None,
        schedule: LRScheduler | None = None,
    ) -> None:
        self.step = 0
        self.losses: list[float] = []
        self.best: Any = None
        self.best_epoch = 0
        self.kept: dict[str, Tensor] = {}
        self._checkpoints, self._model, self._optimizer = checkpoints, model, optimizer
        self._random, self._average, self._schedule = random, average, schedule
        self._epoch: int | None = None
        self._began = self._generators()
        state = checkpoints.resume()
        if state is not None:
            self._restore(state)

    def left(self, last: int, *, first: int = 1) -> Iterator[int]:
        """Numbers of the epochs that are left, `last` included; a loop that leaves earlier calls `end`."""
        self._epoch = first if self._epoch is None else self._epoch
        while self._epoch <= last:
            yield self._epoch
            self._next()
            self._checkpoints.keep(self._state)

    def steps(self, draw: Callable[[], Sequence[T]]) -> Iterator[tuple[int, T]]:
        """Batches of this epoch that are left, with their numbers from 0; append to `losses` in each.

        Args:
            draw: Makes all batches of the epoch, by the generator or torch's; called again after a kill.
        """
        if self.losses:
            now = self._generators()
            self._set(self._began)
            batches = draw()
            self._set(now)
        else:
            self._began = self._generators()
            batches = draw()
        for number in range(len(self.losses), len(batches)):
            yield number, batches[number]
            self.step += 1
            self._checkpoints.keep(self._state)

    def keep_best(self, best: Any, weights: Callable[[], dict[str, Tensor]]) -> None:
        """This epoch is the best so far."""
        assert self._epoch is not None
        self.best, self.best_epoch = best, self._epoch
        self.kept = {name: t.detach().clone() for name, t in weights().items()}

    def end(self, last: int) -> None:
        """No epoch is left, and this is kept at once: what was trained is not trained again."""
        self._epoch = last
        self._next()
        self._checkpoints.keep(self._state, now=True)

    def _next(self) -> None:
        assert self._epoch is not None
        self._epoch, self.losses = self._epoch + 1, []

    def _generators(self) -> dict[str, Any]:
        own = None if self._random is None else self._random.bit_generator.state
        return {"torch": torch.get_rng_state(), "own": own}

    def _set(self, states: dict[str, Any]) -> None:
        torch.set_rng_state(states["torch"])
        if self._random is not None:
            self._random.bit_generator.state = states["own"]

    def _state(self) -> dict[str, Any]:
        return {
            "counts": {"epoch": self._epoch, "step": self.step, "losses": self.losses},
            "began": self._began,
            "now": self._generators(),
            "model": trained_state(self._model),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average and self._average.state(),
            "schedule": self._schedule and self._schedule.state_dict(),
            "best": {"value": self.best, "epoch": self.best_epoch, "weights": self.kept},
        }

    def _restore(self, state: dict[str, Any]) -> None:
        counts, best = state["counts"], state["best"]
        self._epoch, self.step, self.losses = counts["epoch"], counts["step"], counts["losses"]
        self._began = state["began"]
        self._set(state["now"])
        load_trained(self._model, state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        if self._average is not None:
            self._average.restore(state["average"])
        if self._schedule is not None:
            self._schedule.load_state_dict(state["schedule"])
        self.best, self.best_epoch, self.kept = best["value"], best["epoch"], best["weights"]
