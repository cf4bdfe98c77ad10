"""A tower for the user and one for the item: two vectors, whose product is what both make of each other.

Covington, Adams, Sargin, "Deep Neural Networks for YouTube Recommendations" (RecSys 2016) and Yi et al.,
"Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations" (RecSys 2019) have towers of this kind.
An id that is left out in training teaches the towers what to make of one that they have never seen: Volkovs, Yu,
Poutanen, "DropoutNet: Addressing Cold Start in Recommender Systems" (NeurIPS 2017).
"""

import torch
from torch import Tensor, nn

from aicomp.data.encoders import UNSEEN
from aicomp.models.dropout import Dropout
from aicomp.models.embeddings import FeatureEmbedding
from aicomp.models.sides import Side, required
from aicomp.models.space import DROPOUT, Float, Int
from aicomp.models.spec import ModelSpec

SPACE = (
    Float("training.learning_rate", 1e-3, 3e-2, log=True),
    Float("regularization.weight_decay", 1e-2, 2.0, log=True),
    DROPOUT,
    Int("model.params.d_vector", 8, 64, step=8),
    Float("model.params.id_dropout", 0.0, 0.3),
)

_START = 0.1


class Tower(nn.Module):
    """Vectors of users, or of items: one of the id itself, and what a hidden layer makes of its columns.

    Shape: (batch, n_num), (batch, n_cat) -> (batch, k, d_out).

    Args:
        spec: All inputs.
        side: Those that this tower looks at.
        k: Members side by side.
        d_out: Length of each vector.
        d_block: Units of the hidden layer.
        id_dropout: Probability with which an id is taken for an unknown one in training.
    """

    def __init__(self, spec: ModelSpec, side: Side, k: int, d_out: int, d_block: int, id_dropout: float) -> None:
        super().__init__()
        self.code, self.k, self.id_dropout = side.code, k, id_dropout
        self.num, self.cat = list(side.num), list(side.cat)
        self.ids = nn.Embedding(spec.cardinalities[side.code], k * d_out)
        nn.init.normal_(self.ids.weight, std=_START)
        self.columns = _columns(spec, self.num, self.cat, d_block, k * d_out)

    def forward(self, x_num: Tensor, x_cat: Tensor) -> Tensor:
        """Vectors of a batch."""
        codes = x_cat[:, self.code]
        if self.training and self.id_dropout:
            codes = torch.where(torch.rand(codes.shape, device=codes.device) < self.id_dropout, UNSEEN, codes)
        vectors: Tensor = self.ids(codes)
        if self.columns is not None:
            vectors = vectors + _of_columns(self.columns, x_num, x_cat, self.num, self.cat)
        return vectors.view(len(vectors), self.k, -1)


def _columns(spec: ModelSpec, num: list[int], cat: list[int], d_block: int, d_out: int) -> nn.ModuleList | None:
    """Embedded columns, and a hidden layer on them; None where there are none."""
    if not num and not cat:
        return None
    own = ModelSpec(
        len(num), tuple(spec.cardinalities[j] for j in cat), d_out, tuple(spec.bins[j] for j in num), spec.dropout
    )
    embedding = FeatureEmbedding(own)
    last = nn.Linear(d_block, d_out)
    nn.init.normal_(last.weight, std=_START / d_block**0.5)
    layers = nn.Sequential(nn.Linear(embedding.d_out, d_block), nn.ReLU(), Dropout(spec.dropout), last)
    return nn.ModuleList([embedding, layers])


def _of_columns(columns: nn.ModuleList, x_num: Tensor, x_cat: Tensor, num: list[int], cat: list[int]) -> Tensor:
    embedding, layers = columns
    found: Tensor = layers(embedding(x_num[:, num], x_cat[:, cat]))
    return found


class TwoTower(nn.Module):
    """The product of two towers' vectors, their biases, and a term of the columns that are about neither.

    Members are trained side by side, each on its own loss, and averaged: vectors that start elsewhere end elsewhere.

    Shape: (batch, n_num), (batch, n_cat) -> (batch, k, n_outputs).

    Args:
        spec: Inputs and outputs, with the columns of users and items.
        k: Members.
        d_vector: Length of the vectors.
        d_block: Units of the hidden layers.
        id_dropout: Probability with which an id is taken for an unknown one in training.

    Raises:
        UsageError: Which columns name users and items is not known.
    """

    def __init__(self, spec: ModelSpec, k: int, d_vector: int, d_block: int, id_dropout: float) -> None:
        super().__init__()
        sides, self.n_outputs, self.d_vector = required(spec.sides, "two-tower"), spec.n_outputs, d_vector
        d_out = spec.n_outputs * (1 + d_vector)
        self.user = Tower(spec, sides.user, k, d_out, d_block, id_dropout)
        self.item = Tower(spec, sides.item, k, d_out, d_block, id_dropout)
        self.num, self.cat = sides.others(spec.n_num, spec.n_cat)
        self.rest = _columns(spec, self.num, self.cat, d_block, k * spec.n_outputs)
        self.bias = nn.Parameter(torch.zeros(k, spec.n_outputs))
        self.dropout = Dropout(spec.dropout)

    def forward(self, x_num: Tensor, x_cat: Tensor) -> Tensor:
        """Predict, (batch, n_num) and (batch, n_cat) -> (batch, k, n_outputs)."""
        user, item = (
            tower(x_num, x_cat).view(len(x_num), -1, self.n_outputs, 1 + self.d_vector)
            for tower in (self.user, self.item)
        )
        product = self.dropout(user[..., 1:]) * item[..., 1:]
        outputs: Tensor = self.bias + user[..., 0] + item[..., 0] + product.sum(dim=-1)
        if self.rest is not None:
            rest = _of_columns(self.rest, x_num, x_cat, self.num, self.cat)
            outputs = outputs + rest.view(len(rest), -1, self.n_outputs)
        return outputs


def build_two_tower(
    spec: ModelSpec, *, k: int = 8, d_vector: int = 16, d_block: int = 64, id_dropout: float = 0.05
) -> TwoTower:
    """Two towers; for the arguments see `TwoTower`."""
    return TwoTower(spec, k, d_vector, d_block, id_dropout)
