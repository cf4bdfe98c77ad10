"""A linear layer whose step is as large as its width allows: the neural tangent parametrization."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name


class ScaledLinear(nn.Module):
    """A linear layer with weights of variance 1 that are divided by sqrt(d_in) when they are used.

    An optimizer such as Adam moves every weight by about its learning rate. Divided afterwards, a wide layer moves
    its outputs no further than a narrow one, so that one learning rate fits layers and networks of any width.

    Shape: (..., d_in) -> (..., d_out).

    Args:
        d_in: Inputs.
        d_out: Outputs.
        gain: Standard deviation of an output over that of an input, at the start; 0 starts at zero.
        speed: How many times as far a step goes: the weights are held divided by it.
    """

    def __init__(self, d_in: int, d_out: int, gain: float = 1.0, speed: float = 1.0) -> None:
        super().__init__()
        # A buffer, so that models with other numbers of inputs can be stacked; it is not saved.
        self.register_buffer("factor", torch.tensor(speed * d_in**-0.5), persistent=False)
        self.weight = nn.Parameter(gain / speed * torch.randn(d_out, d_in))
        self.bias = nn.Parameter(torch.zeros(d_out))

    factor: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer, (..., d_in) -> (..., d_out)."""
        return F.linear(x, self.factor * self.weight, self.bias)
