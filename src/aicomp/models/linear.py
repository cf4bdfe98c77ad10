"""A linear model: the floor that a network has to beat, and one that explains itself.

Least squares or logistic regression (Cox, "The Regression Analysis of Binary Sequences", 1958), by gradient
descent.
"""

import torch
from torch import Tensor, nn

from aicomp.models.space import NETWORK
from aicomp.models.spec import ModelSpec

SPACE = NETWORK


class Linear(nn.Module):
    """A weighted sum of the numbers plus one term per category.

    Shape: (batch, n_num), (batch, n_cat) -> (batch, n_outputs).

    Args:
        spec: Inputs and outputs.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.numbers = nn.Linear(spec.n_num, spec.n_outputs) if spec.n_num else None
        # Looking up a row of a table is the product with a one-hot vector.
        self.categories = nn.ModuleList(nn.Embedding(n, spec.n_outputs) for n in spec.cardinalities)
        for table in self.categories:
            nn.init.zeros_(table.weight)  # type: ignore[arg-type]
        self.n_outputs = spec.n_outputs

    def forward(self, x_num: Tensor, x_cat: Tensor) -> Tensor:
        """Predict, (batch, n_num) and (batch, n_cat) -> (batch, n_outputs)."""
        y = torch.zeros(len(x_num), self.n_outputs, device=x_num.device)
        if self.numbers is not None:
            y = y + self.numbers(x_num)
        for j, table in enumerate(self.categories):
            y = y + table(x_cat[:, j])
        return y


def build_linear(spec: ModelSpec) -> Linear:
    """A linear model without hidden units; it takes no parameters."""
    return Linear(spec)
