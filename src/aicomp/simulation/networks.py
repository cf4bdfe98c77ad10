"""The network of policy and value, in torch for training; `player.policy.Policy` has the same numbers for play."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Normal

from aicomp.simulation.spaces import Spaces

_CONVOLUTIONS = ((16, 8, 4), (32, 4, 2), (32, 3, 1))
"""Channels, size and stride for images of 64 pixels and more: two thirds of the network of Mnih et al. (2015)."""

_SMALL_CONVOLUTIONS = ((16, 3, 2), (32, 3, 2))
"""For smaller images."""


class ActorCritic(nn.Module):
    """A policy and a value: perceptrons of their own, on convolutions that they share if observations are images.

    Weights are orthogonal, those of the policy's last layer small, so that the first actions are nearly at random
    (Andrychowicz et al., "What Matters In On-Policy Reinforcement Learning?", arXiv 2006.05990).

    Args:
        spaces: Of the environment.
        hidden: Units of each hidden layer.
        activation: "tanh" or "relu".
    """

    def __init__(self, spaces: Spaces, hidden: Sequence[int], activation: str) -> None:
        super().__init__()
        self.spaces, self.activation = spaces, activation
        self.conv = nn.ModuleList()
        d_in = spaces.shape[0]
        sizes = () if not spaces.is_image else _CONVOLUTIONS if min(spaces.shape[1:]) >= 64 else _SMALL_CONVOLUTIONS
        for channels, size, stride in sizes:
            self.conv.append(_orthogonal(nn.Conv2d(d_in, channels, size, stride), 2**0.5))
            d_in = channels
        if self.conv:
            with torch.no_grad():
                d_in = self._convolve(torch.zeros(1, *spaces.shape)).shape[1]
        self.policy = _perceptron([d_in, *hidden, spaces.d_action], gain=0.01)
        self.value = _perceptron([d_in, *hidden, 1], gain=1.0)
        if not spaces.is_discrete:
            self.log_std = nn.Parameter(torch.full((spaces.d_action,), -0.5))

    def forward(self, x: Tensor, legal: Tensor | None = None) -> tuple[Categorical | Normal, Tensor]:
        """The distribution of actions, and values (n,), of standardized observations (n, ...).

        Args:
            x: Observations.
            legal: Which discrete actions are allowed, bool (n, n_actions); None allows all.
        """
        x = self._convolve(x) if self.conv else x
        outputs, values = self._run(self.policy, x), self._run(self.value, x)[:, 0]
        if not self.spaces.is_discrete:
            return Normal(outputs, self.log_std.exp().expand_as(outputs), validate_args=False), values
        if legal is not None:
            outputs = outputs.masked_fill(~legal, -1e9)
        return Categorical(logits=outputs, validate_args=False), values

    def _convolve(self, x: Tensor) -> Tensor:
        for layer in self.conv:
            x = self._activate(layer(x))
        return x.flatten(1)

    def _run(self, layers: nn.ModuleList, x: Tensor) -> Tensor:
        for i, layer in enumerate(layers):
            x = layer(x)
            x = self._activate(x) if i < len(layers) - 1 else x
        return x

    def _activate(self, x: Tensor) -> Tensor:
        return torch.tanh(x) if self.activation == "tanh" else torch.relu(x)

    def spec(self) -> dict[str, Any]:
        """What `Policy` needs beside the weights; plain JSON."""
        found: dict[str, Any] = {
            "activation": self.activation,
            "strides": [layer.stride[0] for layer in self.conv if isinstance(layer, nn.Conv2d)],
            "scale": self.spaces.scale,
            "n_values": self.spaces.n_values,
        }
        if self.spaces.is_discrete:
            return {**found, "n_actions": self.spaces.n_actions}
        return {**found, "low": list(self.spaces.low), "high": list(self.spaces.high)}

    def arrays(self) -> dict[str, np.ndarray]:
        """A copy of the weights for `Policy`, by name."""
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in self.state_dict().items()}


def log_probability(distribution: Categorical | Normal, actions: Tensor) -> Tensor:
    """Logarithm of the probability of actions, (n,): of continuous ones, of all their parts together."""
    found: Tensor = distribution.log_prob(actions)  # type: ignore[no-untyped-call]
    return found if found.ndim == 1 else found.sum(1)


def entropy(distribution: Categorical | Normal) -> Tensor:
    """Entropy of a distribution of actions, (n,)."""
    found: Tensor = distribution.entropy()  # type: ignore[no-untyped-call]
    return found if found.ndim == 1 else found.sum(1)


def _perceptron(sizes: Sequence[int], gain: float) -> nn.ModuleList:
    layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    for i, layer in enumerate(layers):
        _orthogonal(layer, gain if i == len(layers) - 1 else 2**0.5)
    return nn.ModuleList(layers)


def _orthogonal(layer: Any, gain: float) -> Any:
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer
