"""One fold trained by several processes: each takes a share of every batch.

With "fsdp" each also holds a share of the weights: Zhao et al., "PyTorch FSDP: Experiences on Scaling Fully Sharded
Data Parallel" (arXiv 2304.11277), in the form of torch's `fully_shard`; the idea is that of Rajbhandari et al., "ZeRO"
(arXiv 1910.02054). With "ddp" each holds the whole weights, and gradients are added up after the last part of a batch:
torch's `DistributedDataParallel` would do so in each backward pass, of which a batch may have many, and sharpness-aware
minimization twice as many; it would also wrap the model, whose names of weights a run keeps.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from aicomp.errors import UsageError
from aicomp.training.synced_norm import sync_batch_norm

BUCKET_BYTES = 2**25
"""Gradients that are sent at once, in a copy; a larger one is sent by itself, as it lies there."""


@dataclass(frozen=True)
class Share:
    """Which share of the work is this process's; by default all of it.

    Attributes:
        rank: Number of this process, from 0.
        n: Processes that train the fold together; each has joined torch's process group.
        kind: Whether each holds a share of the weights ("fsdp") or all of them ("ddp").
    """

    rank: int = 0
    n: int = 1
    kind: Literal["fsdp", "ddp"] = "fsdp"

    @property
    def is_all(self) -> bool:
        """Whether there is no other process."""
        return self.n == 1

    def rows(self, n_rows: int) -> slice:
        """This process's rows of a batch; shares differ by one row at most."""
        return slice(self.rank * n_rows // self.n, (self.rank + 1) * n_rows // self.n)

    def equal_rows(self, n_rows: int) -> Tensor:
        """Numbers of this process's rows of a table, as many for each process: the last ones repeat the last row."""
        each = -(-n_rows // self.n)
        return (torch.arange(each) + self.rank * each).clamp(max=n_rows - 1)

    @property
    def loss_factor(self) -> int:
        """By what a process's part of a mean loss is multiplied: `fully_shard` takes the mean of the gradients."""
        return self.n if self.kind == "fsdp" else 1

    def add_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Let every process have the sum of all gradients, the same bits in each; `fully_shard` has done so itself.

        A weight that no process used has no gradient afterwards either, so that it is not decayed.
        """
        if self.is_all or self.kind == "fsdp":
            return
        used = torch.tensor([p.grad is not None for p in parameters], dtype=torch.float32, device=parameters[0].device)
        self.sum(used)
        with torch.no_grad():
            for bucket in _buckets([p for p, n in zip(parameters, used.tolist(), strict=True) if n]):
                gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in bucket]
                flat = gradients[0].reshape(-1) if len(bucket) == 1 else torch.cat([g.reshape(-1) for g in gradients])
                self.sum(flat)
                for p, gradient, total in zip(
                    bucket, gradients, torch.split(flat, [p.numel() for p in bucket]), strict=True
                ):
                    p.grad = gradient.copy_(total.view_as(p))

    def sum(self, value: Tensor) -> Tensor:
        """Sum over the processes, the same in each."""
        if not self.is_all:
            torch.distributed.all_reduce(value)
        return value

    def gather(self, rows: Tensor, n_rows: int) -> Tensor:
        """Put together what each process made of its `equal_rows`, (each, ...) -> (n_rows, ...), the same in each."""
        parts = [torch.empty_like(rows) for _ in range(self.n)]
        torch.distributed.all_gather(parts, rows.contiguous())
        return torch.cat(parts)[:n_rows]

    def divide(self, model: nn.Module, device: torch.device) -> None:
        """Leave this process its share of each weight, or with "ddp" all of them, in place and on the device.

        A layer's whole weights are there while it needs them. Layers of batch norm look at the rows of all processes.

        Raises:
            UsageError: Weights of several types, which torch does not divide together.
        """
        sync_batch_norm(model)
        if self.kind == "ddp":
            model.to(device)
            return
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        types = sorted({str(p.dtype).removeprefix("torch.") for p in model.parameters()})
        if len(types) > 1:
            raise UsageError(
                f"`training.shard` divides weights of one type, and the model has {' and '.join(types)}",
                "write `--set model.params.weights=float32`, or `--set training.shard=ddp`",
            )
        mesh = init_device_mesh(device.type, (self.n,))
        for block in _blocks(model):
            fully_shard(block, mesh=mesh)
        fully_shard(model, mesh=mesh)

    def whole(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weights as they are without shares, on the CPU; every process has to ask."""
        return {name: getattr(t, "full_tensor", lambda t=t: t)().cpu() for name, t in state.items()}


ALONE = Share()


def _buckets(parameters: Sequence[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Parameters of one type, as many as are sent at once."""
    bucket: list[nn.Parameter] = []
    size = 0
    for p in parameters:
        own = p.numel() * p.element_size()
        if bucket and (size + own > BUCKET_BYTES or p.dtype != bucket[0].dtype):
            yield bucket
            bucket, size = [], 0
        bucket.append(p)
        size += own
    if bucket:
        yield bucket


def gathered_bytes(model: nn.Module) -> int:
    """Most bytes of weights that are whole at once where a process has a share: what is in no block, and two blocks."""
    blocks = [_bytes(block) for block in _blocks(model)]
    return _bytes(model) - sum(blocks) + 2 * max(blocks, default=0)


def _bytes(model: nn.Module) -> int:
    return sum(p.numel() * p.element_size() for p in model.parameters())


def _blocks(model: nn.Module) -> list[nn.Module]:
    """Layers whose weights are gathered one by one, inner ones first: those of Transformers that say so themselves.

    A layer of another model may be used without being called, where torch would not gather its weights: such a model is
    gathered as a whole.
    """
    names = {name for module in model.modules() for name in getattr(module, "_no_split_modules", None) or ()}
    names.add("GradientCheckpointingLayer")  # what their layers are made from
    kinds = ((module, {kind.__name__ for kind in type(module).__mro__}) for module in model.modules())
    return [module for module, own in kinds if own & names][::-1]
