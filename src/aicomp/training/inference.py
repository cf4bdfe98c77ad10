"""Predict rows with a trained network."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from aicomp.data.rows import Rows
from aicomp.training.extra_inputs import Picked, View, Viewed, extra_input
from aicomp.training.losses import Objective
from aicomp.training.out_of_memory import Portion, give_back_all, is_out_of_memory
from aicomp.training.regularization import Batch
from aicomp.training.share import ALONE, Share

CHUNK = {"cpu": 1024, "cuda": 65_536, "mps": 65_536}
"""Rows that are predicted at once: on a CPU few enough that their activations stay in its cache."""

_TOKENS = {"cpu": 16_384, "cuda": 262_144, "mps": 65_536}
"""Tokens that are read at once: a layer of 1024 numbers holds 64 MB of 16,384."""
_MOST_PIXELS = {"cpu": 200_000, "cuda": 20_000_000, "mps": 20_000_000}
"""Pixels of images, or points of sounds, that are predicted at once: their activations are many times as large."""


def outputs_of(model: nn.Module, x_num: Tensor, x_cat: Tensor, *more: Tensor, amp: bool) -> Tensor:
    """Outputs of all members in float32, (n, k, n_outputs); a single model has k = 1.

    Args:
        model: On the device of the rows.
        x_num: Numbers.
        x_cat: Codes.
        more: The extra input, for a model that reads texts or files; for one that remembers rows, in training, which
            rows these are.
        amp: Whether products are made in bfloat16.
    """
    with torch.autocast(x_num.device.type, dtype=torch.bfloat16, enabled=amp):
        outputs: Tensor = model(x_num, x_cat, *more)
    return (outputs if outputs.ndim == 3 else outputs.unsqueeze(1)).float()


def evaluate(
    model: nn.Module,
    objective: Objective,
    rows: Batch,
    *,
    amp: bool,
    share: Share = ALONE,
    portion: Portion | None = None,
) -> tuple[np.ndarray, float]:
    """Predictions and, where targets are known, the mean loss over rows and members (else 0).

    Args:
        model: On the device of the rows.
        objective: Turns outputs into predictions.
        rows: Rows; an empty tensor of targets says that they are unknown.
        amp: Whether products are made in bfloat16.
        share: Which part of the rows is predicted by this process; the result is that of all rows.
        portion: How many rows are predicted at once, where all of a part did not fit; by default a warning says so.

    Raises:
        AicompError: Not even one row fits into memory.
    """
    model.eval()
    if not share.is_all and len(rows.x_num):
        return _evaluate_together(model, objective, rows, amp, share)
    parts, total = [], 0.0
    for chunk, outputs in _outputs(model, rows, amp, portion=portion or Portion(warnings.warn)):
        parts.append(objective.predict(outputs.cpu()))  # in float64, which not every device has
        if len(rows.targets):
            total += float(objective.loss(outputs, rows.targets[chunk])) * len(outputs)
    return torch.cat(parts).numpy(), total / max(1, len(rows.x_num))


@torch.no_grad()
def _evaluate_together(
    model: nn.Module, objective: Objective, rows: Batch, amp: bool, share: Share
) -> tuple[np.ndarray, float]:
    n = len(rows.x_num)
    own = share.equal_rows(n).to(rows.x_num.device)
    source = None if rows.source is None else Picked(rows.source, own)
    mine = Batch(rows.x_num[own], rows.x_cat[own], rows.targets[:0], source=source)
    # What is gathered in inference mode would be of no use to the next training step.
    parts = [outputs for _, outputs in _outputs(model, mine, amp, mode=torch.no_grad)]
    outputs = share.gather(torch.cat(parts), n)
    loss = float(objective.loss(outputs, rows.targets)) if len(rows.targets) else 0.0
    return objective.predict(outputs.cpu()).numpy(), loss


def _outputs(
    model: nn.Module,
    rows: Batch,
    amp: bool,
    mode: Callable[[], AbstractContextManager[None]] = torch.inference_mode,
    portion: Portion | None = None,
) -> Iterator[tuple[slice, Tensor]]:
    """Outputs of some rows after the other, and which they are; without a portion what does not fit is an error.

    Processes that predict together have none: each would have to halve when one does.
    """
    size = CHUNK[rows.x_num.device.type]
    if rows.source is not None and len(rows.x_num):
        size = chunk_rows(rows.x_num.device, rows.source.sample())
    if portion is not None and portion.most is not None:
        size = min(size, portion.most)
    start, n = 0, len(rows.x_num)
    while start < max(1, n):
        chunk = slice(start, start + size)
        outputs = None
        try:
            more = () if rows.source is None else (rows.source(chunk),)
            with mode():
                outputs = outputs_of(model, rows.x_num[chunk], rows.x_cat[chunk], *more, amp=amp)
        except (RuntimeError, MemoryError) as e:
            if portion is None or not is_out_of_memory(e):
                raise
        if outputs is None:  # here and not above, where the error still holds what was computed
            assert portion is not None
            give_back_all(rows.x_num.device)
            size = portion.halve(min(size, n - start))
            continue
        yield chunk, outputs
        start += size


def chunk_rows(device: torch.device, sample: Tensor | None) -> int:
    """Rows that are predicted at once.

    Args:
        device: Where.
        sample: Extra input of the largest row, (1, ...): its tokens, or its files; None for a model that takes none.
    """
    most = CHUNK[device.type]
    if sample is None:
        return most
    limits = _MOST_PIXELS if sample.is_floating_point() else _TOKENS
    return min(most, max(1, limits[device.type] // sample.numel()))


def predict(
    model: nn.Module,
    objective: Objective,
    rows: Rows,
    *,
    device: torch.device,
    amp: bool,
    views: Sequence[View] = (),
    share: Share = ALONE,
    portion: Portion | None = None,
) -> np.ndarray:
    """Predict encoded rows: probabilities, or values in the target's unit, float64.

    Args:
        model: On the device.
        objective: Turns outputs into predictions.
        rows: The rows.
        device: Where the model lies.
        amp: Whether products are made in bfloat16.
        views: Further views of a row's files, such as mirror images: the mean of all is what comes out.
        share: Which part of the rows is predicted by this process.
        portion: See `evaluate`.
    """
    batch = batch_of(model, rows, torch.empty(0), device)
    seen = [batch, *(replace(batch, source=Viewed(batch.source, v)) for v in views if batch.source is not None)]
    parts = [evaluate(model, objective, one, amp=amp, share=share, portion=portion)[0] for one in seen]
    return parts[0] if len(parts) == 1 else np.asarray(np.mean(parts, axis=0))


def batch_of(model: nn.Module, rows: Rows, targets: Tensor, device: torch.device) -> Batch:
    """All of some rows as one batch, with the extra input that the model takes."""
    x_num, x_cat = tensors_of(rows, device)
    return Batch(x_num, x_cat, targets.to(device), source=extra_input(model, rows, device))


def tensors_of(rows: Rows, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Numbers and codes as tensors; on the CPU they share the arrays' memory."""
    return torch.from_numpy(rows.x_num).to(device), torch.from_numpy(rows.x_cat).to(device)
