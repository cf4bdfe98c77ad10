"""RealMLP: a multilayer perceptron of which every part was chosen on many tables.

Holzmüller, Grinsztajn, Steinwart, "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular Data"
(NeurIPS 2024, arXiv 2407.04491). What the paper does to a table before the network (robust scaling, smooth clipping)
is `training.numbers=robust`, and numbers by their rank are the default (docs/benchmarks.md compares them); the recipe
(schedule, decay, label smoothing) is the trainer's. Parts whose learning rate the paper multiplies hold their values
divided by that factor.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from aicomp.errors import UsageError
from aicomp.models.dropout import Dropout
from aicomp.models.embeddings import CategoryEmbedding
from aicomp.models.join import Join
from aicomp.models.scaled import ScaledLinear
from aicomp.models.space import NETWORK, Choice, Float, Int
from aicomp.models.spec import ModelSpec
from aicomp.suggest import unknown_name

SPACE = (
    *NETWORK,
    Float("regularization.dropout", 0.0, 0.3),
    Float("regularization.label_smoothing", 0.0, 0.1, only="classification"),
    Int("model.params.n_blocks", 1, 4),
    Int("model.params.d_block", 128, 512, step=64),
    Float("model.params.sigma", 0.05, 2.0, log=True),
    Choice("model.params.activation", ("mish", "selu", "relu")),
)
"""Near the ranges of the paper's appendix (arXiv 2407.04491)."""

_ACTIVATIONS = {"mish": F.mish, "selu": F.selu, "relu": F.relu}
_SPEED = 4.0
"""Steps of the weights over the trainer's learning rate, which the other networks set; the paper's is higher."""

_SCALE_FACTOR = 6.0 * _SPEED
"""The same for the scales of the inputs, which the paper moves six times as fast as the weights."""


class PeriodicEmbedding(nn.Module):
    """A number beside a few learned mixtures of its cosines (the paper's PBLD; arXiv 2203.05556 has the idea).

    Shape: (batch, n_columns) -> (batch, n_columns, d_embedding).

    Args:
        n_columns: Numbers of a row; each has frequencies of its own.
        d_embedding: Length of a number's vector; the first entry is the number itself.
        n_waves: Cosines per number.
        sigma: Standard deviation of the frequencies at the start, in periods per unit of the input.
    """

    def __init__(self, n_columns: int, d_embedding: int, n_waves: int, sigma: float) -> None:
        super().__init__()
        # A scale by its name, for weight decay would flatten the waves.
        self.scale_waves = nn.Parameter(sigma / _SPEED * torch.randn(n_columns, n_waves))
        self.bias_waves = nn.Parameter(torch.empty(n_columns, n_waves).uniform_(-0.5, 0.5))
        bound = n_waves**-0.5
        self.weight = nn.Parameter(torch.empty(n_columns, n_waves, d_embedding - 1).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_columns, d_embedding - 1).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Embed numbers, (batch, n_columns) -> (batch, n_columns, d_embedding)."""
        x = x.unsqueeze(2)
        waves = torch.cos(2 * math.pi * torch.addcmul(self.bias_waves, x, _SPEED * self.scale_waves))
        mixed = torch.bmm(waves.transpose(0, 1), self.weight).transpose(0, 1)
        return torch.cat([x, mixed.to(x.dtype) + self.bias], dim=2)


class ParametricActivation(nn.Module):
    """Between a line and an activation, for each unit: x + share * (activation(x) - x); the share starts at 1.

    Shape: (..., d) -> (..., d).
    """

    def __init__(self, d: int, activation: str) -> None:
        super().__init__()
        self.activation = _ACTIVATIONS[activation]
        self.scale = nn.Parameter(torch.ones(d))

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to each unit, (..., d) -> (..., d)."""
        return torch.lerp(x, self.activation(x), self.scale.to(x.dtype))


class RealMLP(nn.Module):
    """Embedded columns, a learned scale for each input, hidden layers, and a head that starts at zero.

    Shape: (batch, n_num), (batch, n_cat) -> (batch, n_outputs).

    Args:
        spec: Inputs and outputs.
        n_blocks: Hidden layers.
        d_block: Units of a hidden layer.
        d_embedding: Length of a number's vector, at least 2.
        d_category: Length of the vector of a category with more than 8 levels; fewer are one-hot.
        n_waves: Cosines per number.
        sigma: Standard deviation of their frequencies at the start.
        activation: "mish", "selu" or "relu".

    Raises:
        UsageError: An unknown activation, or an embedding too short.
    """

    def __init__(
        self,
        spec: ModelSpec,
        n_blocks: int,
        d_block: int,
        d_embedding: int,
        d_category: int,
        n_waves: int,
        sigma: float,
        activation: str,
    ) -> None:
        super().__init__()
        if activation not in _ACTIVATIONS:
            raise unknown_name("activation", activation, list(_ACTIVATIONS))
        if d_embedding < 2:
            raise UsageError(
                f"`model.params.d_embedding` is {d_embedding}, but a number and its waves take at least 2",
                "write `--set model.params.d_embedding=4`",
            )
        self.numbers = PeriodicEmbedding(spec.n_num, d_embedding, n_waves, sigma) if spec.n_num else None
        self.categories = CategoryEmbedding(spec.cardinalities, d_category, max_one_hot=8) if spec.n_cat else None
        self.join = Join([spec.n_num * d_embedding, self.categories.d_out if self.categories else 0])
        d_in = sum(self.join.widths)
        self.scale = nn.Parameter(torch.full((d_in,), 1 / _SCALE_FACTOR))
        layers: list[nn.Module] = []
        for _ in range(n_blocks):
            layers += [
                ScaledLinear(d_in, d_block, speed=_SPEED),
                ParametricActivation(d_block, activation),
                Dropout(spec.dropout),
            ]
            d_in = d_block
        self.layers = nn.Sequential(*layers, ScaledLinear(d_in, spec.n_outputs, gain=0, speed=_SPEED))

    def forward(self, x_num: Tensor, x_cat: Tensor) -> Tensor:
        """Predict, (batch, n_num) and (batch, n_cat) -> (batch, n_outputs)."""
        parts = [] if self.numbers is None else [self.numbers(x_num).flatten(1)]
        if self.categories is not None:
            parts.append(self.categories(x_cat))
        outputs: Tensor = self.layers(self.join(parts) * (_SCALE_FACTOR * self.scale))
        return outputs


def build_realmlp(
    spec: ModelSpec,
    *,
    n_blocks: int = 3,
    d_block: int = 256,
    d_embedding: int = 4,
    d_category: int = 8,
    n_waves: int = 16,
    sigma: float = 0.5,
    activation: Literal["mish", "selu", "relu"] = "mish",
) -> RealMLP:
    """RealMLP; for the arguments see `RealMLP`."""
    return RealMLP(spec, n_blocks, d_block, d_embedding, d_category, n_waves, sigma, activation)
