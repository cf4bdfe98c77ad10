"""A network that says, for each series and each step, what simple forecasts are worth, and adds what covariates do."""

import torch
from torch import Tensor, nn

_LONGEST_EMBEDDING = 6
_DROPPED_KEYS = 0.1
"""Share of keys that are hidden in training, so that a key which was never seen is nothing new."""


class MemberLinear(nn.Module):
    """A linear layer of several networks side by side: (k, batch, d_in) or (batch, d_in) -> (k, batch, d_out).

    Args:
        k: Networks.
        d_in: Inputs.
        d_out: Outputs.
        gain: Of the weights at the start.
    """

    def __init__(self, k: int, d_in: int, d_out: int, gain: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(k, d_in, d_out) * gain / max(d_in, 1) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(k, 1, d_out))

    def forward(self, x: Tensor) -> Tensor:
        """Apply each network's own weights."""
        return x @ self.weight + self.bias


class CombinationNet(nn.Module):
    """Weights of simple forecasts by series, origin and step, for k members side by side.

    Montero-Manso et al., "FFORMA: Feature-based forecast model averaging", 2020, learn weights from features by
    boosting; here a network learns them from the past itself, directly for every step of the horizon as N-BEATS and
    TiDE do (arXiv 1905.10437, 2304.08424). Covariates go through a decoder of their own, as in TiDE.

    Args:
        n_context: Numbers that are known at the origin.
        cardinalities: Codes of each key.
        shape: Steps of the horizon, and simple forecasts of each.
        n_numbers: Numbers that are known in advance of each step.
        step_cardinalities: Codes that are.
        d_hidden: Width.
        k: Members.
        dropout: Of hidden units.
        adds: Whether something is added to the weighted mean, as covariates and quantiles need it.
    """

    def __init__(
        self,
        n_context: int,
        cardinalities: tuple[int, ...],
        shape: tuple[int, int],
        n_numbers: int,
        step_cardinalities: tuple[int, ...],
        *,
        d_hidden: int,
        k: int,
        dropout: float,
        adds: bool,
    ) -> None:
        super().__init__()
        self._shape = shape
        self.keys = _embeddings(cardinalities)
        self.codes = _embeddings(step_cardinalities)
        d_in = n_context + sum(map(_length, cardinalities))
        d_step = n_numbers + sum(map(_length, step_cardinalities))
        self.first = MemberLinear(k, d_in, d_hidden)
        self.second = MemberLinear(k, d_hidden, d_hidden)
        self.weights = MemberLinear(k, d_hidden, shape[0] * shape[1], gain=0.1)
        self.dropout = nn.Dropout(dropout)
        self.steps = MemberLinear(k, d_hidden, shape[0] * d_hidden, gain=0.5) if adds else None
        self.inputs = MemberLinear(k, d_step, d_hidden) if adds else None
        self.added = MemberLinear(k, d_hidden, 1, gain=0.1) if adds else None

    def forward(self, context: Tensor, keys: Tensor, simple: Tensor, numbers: Tensor, codes: Tensor) -> Tensor:
        """Forecast in the windows' unit.

        Args:
            context: (batch, n_context).
            keys: Codes from 1, 0 where unknown, (batch, n_keys).
            simple: (batch, horizon, n_simple).
            numbers: (batch, horizon, n_numbers).
            codes: (batch, horizon, n_codes).

        Returns:
            (k, batch, horizon).
        """
        if self.training:
            keys = keys * (torch.rand(keys.shape) >= _DROPPED_KEYS)
        x = torch.cat([context, *(e(keys[:, j]) for j, e in enumerate(self.keys))], dim=1)
        hidden = self.dropout(torch.relu(self.first(x)))
        hidden = hidden + self.dropout(torch.relu(self.second(hidden)))
        n, (horizon, n_simple) = len(context), self._shape
        weights = torch.softmax(self.weights(hidden).view(-1, n, horizon, n_simple), dim=3)
        forecasts = (weights * simple).sum(dim=3)
        if self.steps is None or self.inputs is None or self.added is None:
            return forecasts
        step = torch.cat([numbers, *(e(codes[..., j]) for j, e in enumerate(self.codes))], dim=2)
        step = self.inputs(step.reshape(n * horizon, -1)).view(-1, n, horizon, hidden.shape[2])
        step = self.dropout(torch.relu(step + self.steps(hidden).view(step.shape)))
        added: Tensor = self.added(step.flatten(1, 2)).view(-1, n, horizon)
        return forecasts + added


def _embeddings(cardinalities: tuple[int, ...]) -> nn.ModuleList:
    return nn.ModuleList([nn.Embedding(c + 1, _length(c)) for c in cardinalities])


def _length(cardinality: int) -> int:
    return min(_LONGEST_EMBEDDING, cardinality)
