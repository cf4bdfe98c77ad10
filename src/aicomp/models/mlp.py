"""A multilayer perceptron on piecewise-linear embeddings (the MLP-PLR family of arXiv 2203.05556)."""

from torch import Tensor, nn

from aicomp.models.dropout import Dropout
from aicomp.models.embeddings import FeatureEmbedding
from aicomp.models.space import DROPOUT, NETWORK, Int
from aicomp.models.spec import ModelSpec

SPACE = (
    *NETWORK,
    DROPOUT,
    Int("model.params.n_blocks", 1, 5),
    Int("model.params.d_block", 128, 512, step=64),
    Int("model.params.d_embedding", 8, 32, step=4),
)
"""Near the ranges of arXiv 2203.05556 and 2410.24210, narrower in width."""


class MLP(nn.Module):
    """Embedded columns, hidden layers with ReLU and dropout, a linear head.

    Shape: (batch, n_num), (batch, n_cat) -> (batch, n_outputs).

    Args:
        spec: Inputs and outputs.
        n_blocks: Hidden layers.
        d_block: Units of a hidden layer.
        d_embedding: Length of a column's embedding.
    """

    def __init__(self, spec: ModelSpec, n_blocks: int, d_block: int, d_embedding: int) -> None:
        super().__init__()
        self.embedding = FeatureEmbedding(spec, d_embedding)
        layers: list[nn.Module] = []
        d_in = self.embedding.d_out
        for _ in range(n_blocks):
            layers += [nn.Linear(d_in, d_block), nn.ReLU(), Dropout(spec.dropout)]
            d_in = d_block
        self.layers = nn.Sequential(*layers, nn.Linear(d_in, spec.n_outputs))

    def forward(self, x_num: Tensor, x_cat: Tensor) -> Tensor:
        """Predict, (batch, n_num) and (batch, n_cat) -> (batch, n_outputs)."""
        outputs: Tensor = self.layers(self.embedding(x_num, x_cat))
        return outputs


def build_mlp(spec: ModelSpec, *, n_blocks: int = 3, d_block: int = 256, d_embedding: int = 12) -> MLP:
    """A multilayer perceptron; for the arguments see `MLP`."""
    return MLP(spec, n_blocks, d_block, d_embedding)
