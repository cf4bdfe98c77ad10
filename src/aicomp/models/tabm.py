"""TabM: many small networks that share almost all weights, trained side by side.

Gorishniy, Kotelnikov, Babenko, "TabM: Advancing Tabular Deep Learning with Parameter-Efficient Ensembling"
(ICLR 2025, arXiv 2410.24210). The layers are BatchEnsemble's (Wen, Tran, Ba, ICLR 2020, arXiv 2002.06715).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from aicomp.models.dropout import SharedDropout
from aicomp.models.embeddings import FeatureEmbedding
from aicomp.models.space import DROPOUT, NETWORK, Int
from aicomp.models.spec import ModelSpec

SPACE = (
    *NETWORK,
    DROPOUT,
    Int("model.params.n_blocks", 1, 4),
    Int("model.params.d_block", 128, 512, step=64),
    Int("model.params.d_embedding", 8, 32, step=4),
)
"""Near the ranges of the paper's appendix, narrower in width."""


class BatchEnsembleLinear(nn.Module):
    """k linear layers with one shared weight; member i scales its inputs by a vector of its own.

    y_i = (x_i * scale_i) @ weight + bias_i. BatchEnsemble scales the outputs too; before a ReLU that is
    nearly the same as scaling the next layer's inputs, and costs as much again.

    Shape: (k, batch, d_in) -> (k, batch, d_out).

    Args:
        d_in: Inputs.
        d_out: Outputs.
        k: Members.
        widths: For the first layer, which has to make the members differ: the inputs come in groups of these
            widths (one per column) and `scale` starts as one random number per group and member. None
            starts at 1.
    """

    def __init__(self, d_in: int, d_out: int, k: int, widths: Sequence[int] | None = None) -> None:
        super().__init__()
        bound = d_in**-0.5
        self.weight = nn.Parameter(torch.empty(d_in, d_out).uniform_(-bound, bound))
        self.scale = nn.Parameter(torch.ones(k, d_in))
        self.bias = nn.Parameter(torch.empty(k, d_out).uniform_(-bound, bound))
        if widths is not None:
            groups = torch.randn(k, len(widths)).repeat_interleave(torch.tensor(widths), dim=1)
            self.scale = nn.Parameter(groups)

    def forward(self, x: Tensor) -> Tensor:
        """Apply member i's layer to x[i], (k, batch, d_in) -> (k, batch, d_out)."""
        # Scaling the weight (d_in x d_out) is cheaper than scaling the inputs (batch x d_in) as soon as the
        # batch has a few hundred rows.
        weight = self.scale.unsqueeze(2) * self.weight
        return torch.baddbmm(self.bias.unsqueeze(1), x, weight)


class EnsembleLinear(nn.Module):
    """k linear layers that share nothing.

    Shape: (k, batch, d_in) -> (k, batch, d_out).
    """

    def __init__(self, d_in: int, d_out: int, k: int) -> None:
        super().__init__()
        bound = d_in**-0.5
        self.weight = nn.Parameter(torch.empty(k, d_in, d_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(k, d_out).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Apply member i's layer to x[i], (k, batch, d_in) -> (k, batch, d_out)."""
        return torch.baddbmm(self.bias.unsqueeze(1), x, self.weight)


class TabM(nn.Module):
    """An ensemble of k perceptrons with shared weights on embedded columns.

    Shape: (batch, n_num), (batch, n_cat) -> (batch, k, n_outputs).

    Args:
        spec: Inputs and outputs.
        k: Members.
        n_blocks: Hidden layers.
        d_block: Units of a hidden layer.
        d_embedding: Length of a column's embedding.
    """

    def __init__(self, spec: ModelSpec, k: int, n_blocks: int, d_block: int, d_embedding: int) -> None:
        super().__init__()
        self.k = k
        self.embedding = FeatureEmbedding(spec, d_embedding)
        first = BatchEnsembleLinear(self.embedding.d_out, d_block, k, widths=self.embedding.widths)
        others = [BatchEnsembleLinear(d_block, d_block, k) for _ in range(n_blocks - 1)]
        self.blocks = nn.ModuleList([first, *others])
        self.dropout = SharedDropout(spec.dropout)
        self.head = EnsembleLinear(d_block, spec.n_outputs, k)

    def forward(self, x_num: Tensor, x_cat: Tensor) -> Tensor:
        """Predict with every member, (batch, n_num) and (batch, n_cat) -> (batch, k, n_outputs)."""
        x = self.embedding(x_num, x_cat).expand(self.k, -1, -1)
        for block in self.blocks:
            x = self.dropout(F.relu(block(x)))
        outputs: Tensor = self.head(x)
        return outputs.transpose(0, 1)


def build_tabm(spec: ModelSpec, *, k: int = 8, n_blocks: int = 2, d_block: int = 256, d_embedding: int = 12) -> TabM:
    """TabM with piecewise-linear embeddings; for the arguments see `TabM`."""
    return TabM(spec, k, n_blocks, d_block, d_embedding)
