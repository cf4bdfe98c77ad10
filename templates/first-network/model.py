"""The lesson's network for any table, for `aicomp train`: every input -> 10 (sigmoid) -> every output."""

import torch
from aicomp.models.spec import ModelSpec
from torch import Tensor, nn
from torch.nn.functional import one_hot


class OneHiddenLayer(nn.Module):
    """The network of `network.py` in torch, which derives the gradient itself.

    A category enters as one input per value, 1 for the value that the row has and 0 for the others.

    Args:
        spec: Numbers of inputs and outputs, and the dropout of `aicomp.toml`.
        n_hidden: Hidden units.
    """

    def __init__(self, spec: ModelSpec, n_hidden: int) -> None:
        super().__init__()
        self.cardinalities = spec.cardinalities
        n_inputs = spec.n_num + sum(spec.cardinalities)
        # Both start with small random weights: random, so that no two units are alike, and small, so that the
        # sigmoids begin where they are steep. The numbers arrive with mean 0 and standard deviation near 1.
        self.hidden = nn.Linear(n_inputs, n_hidden)
        self.dropout = nn.Dropout(spec.dropout)
        self.output = nn.Linear(n_hidden, spec.n_outputs)

    def forward(self, x_num: Tensor, x_cat: Tensor) -> Tensor:
        """Predict, (batch, n_num) and (batch, n_cat) -> (batch, n_outputs)."""
        categories = [one_hot(x_cat[:, j], n).to(x_num) for j, n in enumerate(self.cardinalities)]
        features = torch.sigmoid(self.hidden(torch.cat([x_num, *categories], dim=1)))
        outputs: Tensor = self.output(self.dropout(features))
        return outputs


def build_model(spec: ModelSpec, *, n_hidden: int = 10) -> OneHiddenLayer:
    """Called by `aicomp train`; keyword arguments come from `[model.params]` in `aicomp.toml`."""
    return OneHiddenLayer(spec, n_hidden)
