"""A network of your own, used where `aicomp.toml` says `name = "model:build_model"` under `[model]`."""

from aicomp.models import FeatureEmbedding, ModelSpec
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """A hidden layer that adds to its input instead of replacing it, so that deep networks still learn.

    Shape: (batch, d_block) -> (batch, d_block).
    """

    def __init__(self, d_block: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.LayerNorm(d_block), nn.Linear(d_block, d_block), nn.ReLU(), nn.Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        """Add the layer's output to its input."""
        outputs: Tensor = x + self.layers(x)
        return outputs


class ResNet(nn.Module):
    """Embedded columns, a layer to the width of the blocks, residual blocks, a linear head.

    Args:
        spec: What the data is like: numbers of columns and outputs, bins, and the dropout of `aicomp.toml`.
        n_blocks: Residual blocks.
        d_block: Units of a block.
    """

    def __init__(self, spec: ModelSpec, n_blocks: int, d_block: int) -> None:
        super().__init__()
        self.embedding = FeatureEmbedding(spec)
        self.layers = nn.Sequential(
            nn.Linear(self.embedding.d_out, d_block),
            *(ResidualBlock(d_block, spec.dropout) for _ in range(n_blocks)),
            nn.LayerNorm(d_block),
            nn.Linear(d_block, spec.n_outputs),
        )

    def forward(self, x_num: Tensor, x_cat: Tensor) -> Tensor:
        """Predict, (batch, n_num) numbers and (batch, n_cat) codes -> (batch, n_outputs).

        Outputs are logits of classes, or targets with mean 0 and standard deviation 1: the library scales them back.
        """
        outputs: Tensor = self.layers(self.embedding(x_num, x_cat))
        return outputs


def build_model(spec: ModelSpec, *, n_blocks: int = 2, d_block: int = 128) -> ResNet:
    """Called once per fold; keyword arguments come from `params` under `[model]` in `aicomp.toml`."""
    return ResNet(spec, n_blocks, d_block)
