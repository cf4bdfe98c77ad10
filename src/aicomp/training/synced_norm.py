"""Batch norm whose means are those of the whole batch, of which each process has a share."""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

_BatchNorm = nn.modules.batchnorm._BatchNorm


class _Sum(torch.autograd.Function):
    """Sum over the processes; what each makes of it, flows back to all."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        """The sum, the same in each process."""
        total = value.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """The gradient of the sum of all losses."""
        [total] = (g.clone() for g in gradients)
        torch.distributed.all_reduce(total)
        return total


_sum = cast(Callable[[Tensor], Tensor], _Sum.apply)


class SyncedBatchNorm(_BatchNorm):
    """Batch norm over the rows of all processes, on a CPU too, which torch's `SyncBatchNorm` does not take.

    Mean first, then the squares of what is left, in float32: the numbers are those of one process up to rounding.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalize (n, channels, ...)."""
        if not self.training:
            return super().forward(x)
        dims = [d for d in range(x.dim()) if d != 1]
        shape = [1, -1, *([1] * (x.dim() - 2))]
        values = x.float()
        n = _sum(torch.tensor(float(x.numel() // x.shape[1]), device=x.device))
        mean = _sum(values.sum(dims)) / n
        centred = values - mean.view(shape)
        variance = _sum(centred.square().sum(dims)) / n
        self._follow(mean.detach(), (variance * n / (n - 1).clamp(min=1)).detach())
        normal = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            normal = normal * self.weight.view(shape) + self.bias.view(shape)
        return normal.to(x.dtype)

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - the name that torch gives it
        """Any number of dimensions."""

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move what is used outside of training."""
        if not self.track_running_stats or self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        momentum = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
        self.running_var.lerp_(variance.to(self.running_var.dtype), momentum)


def sync_batch_norm(model: nn.Module) -> None:
    """Let a model's layers of batch norm look at the rows of all processes, in place; their weights stay."""
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, _BatchNorm) and not isinstance(layer, SyncedBatchNorm):
                synced = SyncedBatchNorm(
                    layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats
                )
                synced._parameters, synced._buffers = layer._parameters, layer._buffers
                synced.training = layer.training
                setattr(parent, name, synced)
