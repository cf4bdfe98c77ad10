"""FT-Transformer: every column is a token, and attention mixes the columns of a row.

Gorishniy, Rubachev, Khrulkov, Babenko, "Revisiting Deep Learning Models for Tabular Data" (NeurIPS 2021,
arXiv 2106.11959), with piecewise-linear tokens for numbers instead of linear ones, as in "On Embeddings for Numerical
Features in Tabular Deep Learning" (arXiv 2203.05556). Smaller than the papers' by default, and with the layers of
`ScaledLinear`, so that it learns at the trainer's learning rate.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from aicomp.errors import UsageError
from aicomp.models.dropout import Dropout
from aicomp.models.embeddings import PiecewiseLinearEmbedding
from aicomp.models.scaled import ScaledLinear
from aicomp.models.space import DROPOUT, NETWORK, Int
from aicomp.models.spec import ModelSpec

SPACE = (
    *NETWORK,
    DROPOUT,
    Int("model.params.n_blocks", 1, 4),
    Int("model.params.d_token", 16, 64, step=16),
    Int("model.params.d_hidden", 32, 128, step=16),
)
"""Near the ranges of arXiv 2106.11959, with smaller tokens: its time grows with their size."""


class FeatureTokenizer(nn.Module):
    """A row as tokens: one that stands for the row, one per number, one per category.

    Shape: (batch, n_num), (batch, n_cat) -> (batch, 1 + n_num + n_cat, d_token).

    Args:
        spec: The inputs.
        d_token: Length of a token.
    """

    def __init__(self, spec: ModelSpec, d_token: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, d_token))
        self.numbers = PiecewiseLinearEmbedding(spec.bins, d_token) if spec.n_num else None
        self.table = nn.Embedding(sum(spec.cardinalities), d_token) if spec.n_cat else None
        self.bias = nn.Parameter(torch.randn(spec.n_cat, d_token))
        self.register_buffer("offset", torch.tensor([0, *spec.cardinalities]).cumsum(0)[:-1])

    offset: Tensor

    def forward(self, x_num: Tensor, x_cat: Tensor) -> Tensor:
        """Make tokens, (batch, n_num) and (batch, n_cat) -> (batch, 1 + n_num + n_cat, d_token)."""
        parts = [self.weight.expand(len(x_num), 1, -1)]
        if self.numbers is not None:
            parts.append(self.numbers(x_num).to(self.weight.dtype))
        if self.table is not None:
            parts.append(self.table(x_cat + self.offset) + self.bias)
        return torch.cat(parts, dim=1)


class Attention(nn.Module):
    """Some tokens of a row look at all of them.

    Shape: (batch, n_asking, d_token), (batch, n_tokens, d_token) -> (batch, n_asking, d_token).

    Args:
        d_token: Length of a token.
        n_heads: Heads; they share the token's entries equally.
    """

    def __init__(self, d_token: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query = ScaledLinear(d_token, d_token)
        self.key_value = ScaledLinear(d_token, 2 * d_token)
        self.out = ScaledLinear(d_token, d_token)

    def forward(self, asking: Tensor, tokens: Tensor) -> Tensor:
        """Attend, (batch, n_asking, d_token) and (batch, n_tokens, d_token) -> (batch, n_asking, d_token)."""
        key, value = self.key_value(tokens).chunk(2, dim=2)
        query, key, value = (self._heads(x) for x in (self.query(asking), key, value))
        mixed = F.scaled_dot_product_attention(query, key, value)
        outputs: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return outputs

    def _heads(self, x: Tensor) -> Tensor:
        """Split tokens, (batch, n, d_token) -> (batch, n_heads, n, d_token / n_heads)."""
        return x.view(*x.shape[:2], self.n_heads, -1).transpose(1, 2)


class Block(nn.Module):
    """Attention and a gated (ReGLU) layer, each behind a norm and added to what came in.

    Shape: (batch, n_tokens, d_token) -> (batch, n_tokens, d_token); (batch, 1, d_token) where `is_last`.

    Args:
        d_token: Length of a token.
        n_heads: Heads of the attention.
        d_hidden: Units of the gated layer.
        dropout: Probability with which one of them, or an entry of the attention's output, is silenced.
        is_first: Leaves out the norm in front of the attention, which hinders the optimizer there.
        is_last: Works out the row's token alone: the others have no reader.
    """

    def __init__(
        self, d_token: int, n_heads: int, d_hidden: int, dropout: float, *, is_first: bool, is_last: bool
    ) -> None:
        super().__init__()
        self.is_last = is_last
        self.attention_norm = nn.Identity() if is_first else nn.LayerNorm(d_token)
        self.attention = Attention(d_token, n_heads)
        self.hidden_norm = nn.LayerNorm(d_token)
        self.hidden = ScaledLinear(d_token, 2 * d_hidden)
        self.out = ScaledLinear(d_hidden, d_token)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Mix tokens, (batch, n_tokens, d_token) -> (batch, n_tokens or 1, d_token)."""
        normed = self.attention_norm(x)
        n_asking = 1 if self.is_last else x.shape[1]
        x = x[:, :n_asking] + self.dropout(self.attention(normed[:, :n_asking], normed))
        value, gate = self.hidden(self.hidden_norm(x)).chunk(2, dim=2)
        added: Tensor = self.out(self.dropout(value * F.relu(gate)))
        return x + added


class FTTransformer(nn.Module):
    """Tokens of columns, blocks of attention, and a head on the row's token that starts at zero.

    Shape: (batch, n_num), (batch, n_cat) -> (batch, n_outputs).

    Args:
        spec: Inputs and outputs.
        n_blocks: Blocks.
        d_token: Length of a token, a multiple of `n_heads`.
        n_heads: Heads of each attention.
        d_hidden: Units of a block's gated layer.

    Raises:
        UsageError: A token that the heads cannot share equally, or no block.
    """

    def __init__(self, spec: ModelSpec, n_blocks: int, d_token: int, n_heads: int, d_hidden: int) -> None:
        super().__init__()
        if d_token % n_heads:
            raise UsageError(
                f"`model.params.d_token` is {d_token}, which {n_heads} heads (`n_heads`) cannot share equally",
                f"write `--set model.params.d_token={-(-d_token // n_heads) * n_heads}`",
            )
        if n_blocks < 1:
            raise UsageError(
                f"`model.params.n_blocks` is {n_blocks}, but without a block no column is seen",
                "write `--set model.params.n_blocks=2`",
            )
        self.tokenizer = FeatureTokenizer(spec, d_token)
        self.blocks = nn.Sequential(
            *(
                Block(d_token, n_heads, d_hidden, spec.dropout, is_first=i == 0, is_last=i == n_blocks - 1)
                for i in range(n_blocks)
            )
        )
        self.norm = nn.LayerNorm(d_token)
        self.head = ScaledLinear(d_token, spec.n_outputs, gain=0)

    def forward(self, x_num: Tensor, x_cat: Tensor) -> Tensor:
        """Predict, (batch, n_num) and (batch, n_cat) -> (batch, n_outputs)."""
        tokens = self.blocks(self.tokenizer(x_num, x_cat))
        outputs: Tensor = self.head(F.relu(self.norm(tokens[:, 0])))
        return outputs


def build_ft_transformer(
    spec: ModelSpec, *, n_blocks: int = 2, d_token: int = 32, n_heads: int = 4, d_hidden: int = 48
) -> FTTransformer:
    """FT-Transformer; for the arguments see `FTTransformer`."""
    return FTTransformer(spec, n_blocks, d_token, n_heads, d_hidden)
