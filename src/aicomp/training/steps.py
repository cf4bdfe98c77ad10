"""Steps of a training that take fewer rows at once where memory does not suffice."""

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from aicomp.errors import AicompError
from aicomp.training.micro_batches import parts
from aicomp.training.out_of_memory import Moment, batch_norms, give_back_all, is_out_of_memory
from aicomp.training.regularization import Batch
from aicomp.training.share import Share


class Stepping(Protocol):
    """What takes the steps."""

    model: nn.Module
    notes: list[str]
    optimizer: torch.optim.Optimizer

    def step(self, batch: Batch) -> Tensor:
        """Take a step; returns the loss before it. Where rows do not fit, the weights are as they were."""


class Steps:
    """Takes steps, each anew from the same weights and random numbers when its rows did not fit.

    The rows in memory at once are halved, and the step stays that of the whole batch. A network that takes means over a
    batch sees parts as batches of their own: for it the batch itself is halved, and each half is a step.

    Args:
        trainer: What takes a step.
        micro_batch: Rows in memory at once to begin with, 0 for all.
        share: Which part of the work is this process's; of several, one that halves would leave the others waiting.

    Attributes:
        micro_batch: Rows in memory at once, 0 for all.
    """

    def __init__(self, trainer: Stepping, micro_batch: int, share: Share) -> None:
        self._trainer, self._share = trainer, share
        self._layers = batch_norms(trainer.model)
        self._most_rows = 0
        self._untold: list[str] = []
        self.micro_batch = micro_batch

    def take(self, batch: Batch) -> Tensor:
        """One step, or one for each part where the batch itself was halved; returns the mean loss.

        Raises:
            AicompError: Not even one row fits.
        """
        n = len(batch.targets)
        n_parts = min(-(-n // self._most_rows), n // 2) if self._most_rows else 1  # none of one row
        if n_parts <= 1:
            return self._take_one(batch)
        total = torch.zeros((), device=batch.targets.device)
        for part in parts(batch, n_parts):
            total += self.take(part) * (len(part.targets) / n)
        return total

    def say(self, sentence: str) -> None:
        """Keep a sentence for whoever watches, and for the fold's notes."""
        self._trainer.notes.append(sentence)
        self._untold.append(sentence)

    def told(self) -> str:
        """What was said since this was asked last."""
        said, self._untold = "; ".join(self._untold), []
        return said

    def state(self) -> dict[str, Any]:
        """What a training that is continued needs."""
        return {"micro_batch": self.micro_batch, "most_rows": self._most_rows}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be as `state` was."""
        self.micro_batch = state.get("micro_batch", self.micro_batch)
        self._most_rows = state.get("most_rows", 0)

    def _take_one(self, batch: Batch) -> Tensor:
        moment = Moment(self._layers, batch.targets.device)
        loss: Tensor | None = None
        try:
            loss = self._trainer.step(batch)
        except (RuntimeError, MemoryError) as e:
            if not is_out_of_memory(e):
                raise
        if loss is None:  # here and not above, where the error still holds what was computed
            self._trainer.optimizer.zero_grad(set_to_none=True)
            give_back_all(batch.targets.device)
            moment.restore()
            self._halve(len(batch.targets))
            return self.take(batch)
        return loss

    def _halve(self, n: int) -> None:
        rows = min(n, self.micro_batch or n)
        if not self._share.is_all:
            raise AicompError(
                f"{rows} rows did not fit into the memory of one of {self._share.n} processes",
                f"write `--set training.micro_batch={max(1, rows // 2)}`",
            )
        least = 2 if self._layers else 1  # the mean over one row is that row
        if rows <= least:
            what = "one row" if least == 1 else "a batch of two rows"
            raise AicompError(
                f"not even {what} fits into memory in training", "take a smaller model, or a machine with more memory"
            )
        half = -(-rows // 2)
        if self._layers:
            self._most_rows = half
            self.say(f"batch of {rows} did not fit into memory: continues with batches of {half}")
            return
        self.micro_batch = half
        self.say(f"batch of {rows} did not fit into memory: continues with micro-batches of {half}")
