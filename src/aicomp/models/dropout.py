"""Dropout whose random numbers cost a third of torch's on a CPU, where they are up to a sixth of a training step.

Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: A Simple Way to Prevent Neural Networks from
Overfitting" (JMLR 2014).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

_LEVELS = 256
"""Values of a byte: on a CPU, probabilities are rounded to a multiple of 1/256, so that one draw serves four units."""

_HAS_NO_VIEW = tuple(int(part) for part in torch.__version__.split(".")[:2]) < (2, 13)
"""Whether `torch.func.vmap` may not know a view of words as bytes."""


def keep_mask(like: Tensor, p: float) -> Tensor:
    """0 with probability p, else what keeps the mean at 1; random numbers come from torch's generator.

    Args:
        like: Gives shape, type and device.
        p: Probability, from 0 to below 1.

    >>> keep_mask(torch.empty(2, 3), 0.0)
    tensor([[1., 1., 1.],
            [1., 1., 1.]])
    """
    silenced = round(p * _LEVELS)
    is_stacked_by_old = _HAS_NO_VIEW and torch._C._functorch.is_batchedtensor(like)
    if like.device.type != "cpu" or not 0 < silenced < _LEVELS or is_stacked_by_old:
        return F.dropout(torch.ones_like(like), p)
    words = torch.randint(-(2**31), 2**31, (-(-like.numel() // 4),), dtype=torch.int32)
    keep = words.view(torch.uint8)[: like.numel()].view(like.shape) >= silenced
    return keep.to(like.dtype).mul_(_LEVELS / (_LEVELS - silenced))


class DropoutCourse:
    """Moves the probability of every dropout layer of a model over the epochs, as a share of what it begins with.

    Args:
        model: The network.
        course: From progress in training, 0 to 1, to that share.
    """

    def __init__(self, model: nn.Module, course: Callable[[float], float]) -> None:
        layers = (m for m in model.modules() if isinstance(m, nn.modules.dropout._DropoutNd))
        self._peaks = [(layer, layer.p) for layer in layers]
        self._course = course

    def set(self, progress: float) -> None:
        """Take the probability of this progress."""
        share = self._course(progress)
        for layer, peak in self._peaks:
            layer.p = share * peak


class Dropout(nn.Dropout):
    """Silences units with probability p and scales the rest, in training only.

    Shape: any -> the same.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name in nn.Dropout
        """Multiply by a mask."""
        return input * keep_mask(input, self.p) if self.training and self.p else input


class SharedDropout(nn.Dropout):
    """Dropout with one mask for all members of an ensemble: k times fewer random numbers.

    Shape: (k, batch, d) -> (k, batch, d).
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name in nn.Dropout
        """Multiply every member by the same mask."""
        return input * keep_mask(input[:1], self.p) if self.training and self.p else input
