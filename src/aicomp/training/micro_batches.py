"""The gradient of a batch whose rows are not all in memory at once: that of its parts, added up."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from aicomp.models.texts import trimmed
from aicomp.training.regularization import Batch
from aicomp.training.share import ALONE, Share


def accumulate(batch: Batch, most: int, loss: Callable[[Batch], Tensor], share: Share = ALONE) -> Tensor:
    """Add the gradient of the mean loss over a batch to the parameters' gradients, some rows at a time.

    Each part counts by its rows, so that the sum is the gradient of the whole batch, up to rounding.

    Args:
        batch: The rows.
        most: Most rows at a time; 0 for all.
        loss: Mean loss over the rows that it is given.
        share: This process's part of the batch; with "fsdp" gradients are averaged over processes as they are made,
            with "ddp" they are to be added up afterwards.

    Returns:
        The mean loss over the batch, without a graph.
    """
    n = len(batch.targets)
    if share.is_all and (not most or n <= most):
        value = loss(batch)
        value.backward()  # type: ignore[no-untyped-call]
        return value.detach()
    total = torch.zeros((), device=batch.targets.device)
    # As many in each process, none of them empty: all take part in each.
    n_parts = min(-(-n // (share.n * most)) if most else 1, n // share.n)
    for part in parts(take(batch, share.rows(n)), n_parts):
        value = loss(part) * (len(part.targets) / n)
        (value * share.loss_factor).backward()  # type: ignore[no-untyped-call]
        total += value.detach()
    return share.sum(total)


def parts(batch: Batch, n_parts: int) -> Iterator[Batch]:
    """A batch in parts of nearly equal numbers of rows, tokens cut to the longest row of each."""
    cuts = [n.tolist() for n in torch.arange(len(batch.targets)).tensor_split(n_parts)]
    for rows in cuts:
        yield take(batch, slice(rows[0], rows[-1] + 1) if rows else slice(0))


def take(batch: Batch, rows: slice) -> Batch:
    """Some rows of a batch."""
    values = {f.name: getattr(batch, f.name) for f in fields(batch)}
    cut: dict[str, Any] = {name: value[rows] for name, value in values.items() if isinstance(value, Tensor)}
    if "extra" in cut and not cut["extra"].is_floating_point():  # tokens
        cut["extra"] = trimmed(cut["extra"])
    return replace(batch, **cut)
