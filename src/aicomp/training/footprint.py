"""What a fold's training holds in memory, counted on a step without numbers before anything is trained."""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
    UnsupportedFakeTensorException,
)

from aicomp.data.rows import Media
from aicomp.models.encoder import sketching
from aicomp.models.memory import remembers_rows
from aicomp.models.texts import has_tokens
from aicomp.task import Task
from aicomp.training.fit import Prepared
from aicomp.training.inference import chunk_rows, outputs_of
from aicomp.training.live_memory import LiveMemory
from aicomp.training.regularization import Batch
from aicomp.training.share import gathered_bytes
from aicomp.training.trainer import Trainer

_NEEDS_NUMBERS = (DataDependentOutputException, DynamicOutputShapeException, UnsupportedFakeTensorException)


@dataclass(frozen=True)
class Footprint:
    """Memory of one fold's training, in bytes, and what it is counted on.

    Attributes:
        parameters: Number of weights.
        trained: Number of those that are trained.
        rows: Rows of a step that are in memory at once.
        length: Tokens of the longest row; 0 for a network that reads none.
        weights: Weights and buffers.
        gradients: Gradients.
        optimizer: The optimizer's state.
        kept: The best epoch's weights, averages of weights, and under `sam` the weights before its step.
        activations: What a step's forward pass keeps for the backward pass.
        peak: Most that is held at once: the above, of which not all is there at the same time, and what operations need
            for a moment.
        gathered: Weights that would be whole at once if processes divided them.
        is_traced: Whether it was counted without numbers; else on a real step, which took the memory that it tells.
    """

    parameters: int
    trained: int
    rows: int
    length: int
    weights: int
    gradients: int
    optimizer: int
    kept: int
    activations: int
    peak: int
    is_traced: bool
    gathered: int = 0

    def divided(self, n: int) -> "Footprint":
        """Of one of `n` processes that divide weights and what hangs on them; counted on its share of a batch."""
        whole = self.weights + self.gradients + self.optimizer + self.kept
        parts = {name: -(-getattr(self, name) // n) for name in ("weights", "gradients", "optimizer", "kept")}
        peak = sum(parts.values()) + max(0, self.peak - whole) + self.gathered
        return replace(self, **parts, peak=peak)

    def added_up(self, bucket: int) -> "Footprint":
        """Of one of several processes that hold all weights and add up their gradients, so many bytes at once."""
        whole = self.weights + self.gradients + self.optimizer + self.kept
        return replace(self, peak=max(self.peak, whole + min(self.gradients, bucket)))


def count_footprint(
    prepare: Callable[[bool], Prepared],
    task: Task,
    device: torch.device,
    longest: Callable[[nn.Module], int],
    n_shares: int = 1,
) -> Footprint:
    """Count what training a fold will hold, on a step of the longest rows and on a prediction.

    The step is the trainer's own. Its tensors have sizes and no numbers (`FakeTensorMode`), so that it takes no memory;
    a network that looks at numbers to decide what to do takes real steps instead.

    Args:
        prepare: Makes the fold; called with whether it may be a sketch, see `prepare_fold`.
        task: What is learned.
        device: Where it will be trained.
        n_shares: Processes that divide each batch.
        longest: Says how many tokens the longest row has for a network; 0 if it reads none.
    """
    with sketching():
        fold = prepare(True)
    length = longest(fold.model)
    try:
        return _count(fold, task, device, length, n_shares, FakeTensorMode(allow_non_fake_inputs=True))
    except _NEEDS_NUMBERS:
        return _count(prepare(False), task, device, length, n_shares, None)


def _count(
    fold: Prepared, task: Task, device: torch.device, length: int, n_shares: int, fake: FakeTensorMode | None
) -> Footprint:
    model = fold.model.to(device) if fake is None else _without_numbers(fold.model, fake, device)
    n_rows, n_parts = _rows_of_a_step(fold, n_shares)
    plain = replace(fold.settings, micro_batch=0, sam=0.0, mixup=0.0, ema=0.0, swa=0.0)
    live = LiveMemory()
    with fake or nullcontext():
        trainer = Trainer(model, task, fold.objective, plain, device)
        batch = _batch(fold, model, n_rows, length, device)
        held = [*model.parameters(), *model.buffers()]
        live.count(held)
        weights = live.now
        live.count(t for t in vars(batch).values() if isinstance(t, Tensor))
        with live:
            model.train()
            before = live.now
            loss = _loss(fold, model, batch)
            activations = live.now - before
            del loss
            trainer.step(batch)
            gradients = _bytes(p.grad for p in model.parameters())
            optimizer = _bytes(_state(trainer.optimizer))
            live.restart()
            if n_parts > 1:  # the gradients of the parts before are there already
                _loss(fold, model, batch).backward()  # type: ignore[no-untyped-call]
            trainer.step(batch)
            _predict(fold, model, length, device)
        trained = _bytes(p for p in model.parameters() if p.requires_grad)
        saved = _bytes(model.state_dict().values())
    kept = saved + trained * (bool(fold.settings.ema or fold.settings.swa) + bool(fold.settings.sam))
    return Footprint(
        parameters=sum(p.numel() for p in model.parameters()),
        trained=sum(p.numel() for p in model.parameters() if p.requires_grad),
        rows=n_rows,
        length=length,
        weights=weights,
        gradients=gradients,
        optimizer=optimizer,
        kept=kept,
        activations=activations,
        peak=live.peak + kept,
        gathered=gathered_bytes(model),
        is_traced=fake is not None,
    )


def _rows_of_a_step(fold: Prepared, n_shares: int) -> tuple[int, int]:
    """Most rows that are in memory at once, and in how many parts a batch is taken."""
    n = len(fold.data.y)
    largest = -(-n // (n_shares * max(1, round(n / fold.settings.batch_size))))
    n_parts = -(-largest // (fold.settings.micro_batch or largest))
    return -(-largest // n_parts), n_parts


def _without_numbers(model: nn.Module, fake: FakeTensorMode, device: torch.device) -> nn.Module:
    """Put tensors of the same sizes, without numbers, in place of a model's own; those of the meta device too."""
    made: dict[int, Any] = {}

    def sketch(tensor: Tensor) -> Tensor:
        if id(tensor) not in made:
            with fake:
                empty = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device)
            is_parameter = isinstance(tensor, nn.Parameter)
            made[id(tensor)] = nn.Parameter(empty, requires_grad=tensor.requires_grad) if is_parameter else empty
        result: Tensor = made[id(tensor)]
        return result

    originals = []  # as long as they live, no other tensor gets their id
    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is not None:
                    originals.append(tensor)
                    tensors[name] = sketch(tensor)  # type: ignore[assignment]
    return model


def _batch(fold: Prepared, model: nn.Module, n: int, length: int, device: torch.device) -> Batch:
    targets = fold.objective.encode(fold.data.y[:1])
    return Batch(
        x_num=torch.zeros(n, fold.spec.n_num, device=device),
        x_cat=torch.zeros(n, fold.spec.n_cat, dtype=torch.int64, device=device),
        targets=torch.zeros(n, *targets.shape[1:], dtype=targets.dtype, device=device),
        rows=torch.arange(n, device=device) if remembers_rows(model) else None,
        extra=_extra(fold, model, n, length, device),
    )


def _extra(fold: Prepared, model: nn.Module, n: int, length: int, device: torch.device) -> Tensor | None:
    if has_tokens(model):
        return torch.ones(n, length, dtype=torch.int32, device=device)
    media = fold.data.train.media
    return None if media is None else torch.zeros(n, *_files_of_a_row(media), device=device)


def _files_of_a_row(media: Media) -> tuple[int, ...]:
    return (media.index.shape[1], *media.files.shape[1:])


def _loss(fold: Prepared, model: nn.Module, batch: Batch) -> Tensor:
    more = [t for t in (batch.rows, batch.extra) if t is not None]
    outputs = outputs_of(model, batch.x_num, batch.x_cat, *more, amp=fold.settings.amp)
    return fold.objective.loss(outputs, batch.targets, smooth=True)


@torch.no_grad()
def _predict(fold: Prepared, model: nn.Module, length: int, device: torch.device) -> None:
    model.eval()
    n = min(chunk_rows(device, _extra(fold, model, 1, length, device)), max(len(fold.data.valid), len(fold.data.test)))
    batch = _batch(fold, model, n, length, device)
    more = [] if batch.extra is None else [batch.extra]
    outputs_of(model, batch.x_num, batch.x_cat, *more, amp=fold.settings.amp)


def _state(optimizer: Any) -> Iterable[Any]:
    parts = getattr(optimizer, "optimizers", [optimizer])
    return (value for part in parts for state in part.state.values() for value in state.values())


def _bytes(values: Iterable[Any]) -> int:
    """Of distinct storages."""
    storages = {t.untyped_storage()._cdata: t.untyped_storage() for t in values if isinstance(t, Tensor)}
    return sum(storage.nbytes() for storage in storages.values())
