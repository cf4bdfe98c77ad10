"""A network of your own on pairs of a user and an item: `name = "model:build_model"` in `aicomp.toml`."""

import torch
from aicomp.errors import UsageError
from aicomp.models import ModelSpec
from torch import Tensor, nn


class Pairs(nn.Module):
    """Both vectors, their product and both biases, through a hidden layer.

    After He, Liao, Zhang, Nie, Hu, Chua, "Neural Collaborative Filtering" (arXiv 1708.05031). Other columns are not
    looked at: `x_num` holds the numbers, `x_cat` the codes of each row, and `spec.sides` says which are about whom.

    Args:
        spec: What the data is like: its columns, the number of outputs, and the dropout of `aicomp.toml`.
        d_vector: Length of the vectors.
        d_block: Units of the hidden layer.
    """

    def __init__(self, spec: ModelSpec, d_vector: int, d_block: int) -> None:
        super().__init__()
        if spec.sides is None:
            raise UsageError("no user and item are known", "name both in competition.toml: `user` and `item`")
        self.user, self.item = spec.sides.user.code, spec.sides.item.code
        self.users = nn.Embedding(spec.cardinalities[self.user], d_vector)
        self.items = nn.Embedding(spec.cardinalities[self.item], d_vector)
        self.user_bias = nn.Embedding(spec.cardinalities[self.user], spec.n_outputs)
        self.item_bias = nn.Embedding(spec.cardinalities[self.item], spec.n_outputs)
        for table in (self.users, self.items, self.user_bias, self.item_bias):
            nn.init.normal_(table.weight, std=0.1)
        self.layers = nn.Sequential(
            nn.Linear(3 * d_vector, d_block), nn.ReLU(), nn.Dropout(spec.dropout), nn.Linear(d_block, spec.n_outputs)
        )

    def forward(self, x_num: Tensor, x_cat: Tensor) -> Tensor:
        """Predict, (batch, n_num) and (batch, n_cat) -> (batch, n_outputs)."""
        user, item = x_cat[:, self.user], x_cat[:, self.item]
        u, v = self.users(user), self.items(item)
        outputs: Tensor = self.layers(torch.cat([u, v, u * v], dim=1)) + self.user_bias(user) + self.item_bias(item)
        return outputs


def build_model(spec: ModelSpec, *, d_vector: int = 16, d_block: int = 64) -> Pairs:
    """Called once per fold; keyword arguments come from `params` under `[model]` in `aicomp.toml`."""
    return Pairs(spec, d_vector, d_block)
