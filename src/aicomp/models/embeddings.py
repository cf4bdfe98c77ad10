"""From columns to vectors: the layers between a table and a network.

Piecewise-linear embeddings follow Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features in
Tabular Deep Learning" (NeurIPS 2022, arXiv 2203.05556); the added linear part and its start follow TabM
(arXiv 2410.24210).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from aicomp.models.join import Join
from aicomp.models.spec import ModelSpec


class PiecewiseLinearEmbedding(nn.Module):
    """A vector per number that is linear within each bin and continuous over the edges.

    Shape: (batch, n_columns) -> (batch, n_columns, d_embedding). All columns are packed in one tensor, those
        with fewer bins are padded, so that no Python loop runs over columns.

    Args:
        bins: Rising edges of each column.
        d_embedding: Length of a column's vector.
    """

    def __init__(self, bins: Sequence[Tensor], d_embedding: int) -> None:
        super().__init__()
        n_columns, n_bins = len(bins), max(len(edges) - 1 for edges in bins)
        slope, offset = torch.zeros(n_columns, n_bins), torch.zeros(n_columns, n_bins)
        for j, edges in enumerate(bins):
            slope[j, : len(edges) - 1] = 1 / edges.diff()
            offset[j, : len(edges) - 1] = -edges[:-1] / edges.diff()
        self.register_buffer("slope", slope)
        self.register_buffer("offset", offset)
        self.weight = nn.Parameter(torch.zeros(n_columns, n_bins, d_embedding))  # starts as the linear part alone
        self.linear = nn.Parameter(torch.empty(n_columns, d_embedding).uniform_(-1, 1))
        self.bias = nn.Parameter(torch.empty(n_columns, d_embedding).uniform_(-1, 1))

    slope: Tensor
    offset: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Embed numbers, (batch, n_columns) -> (batch, n_columns, d_embedding)."""
        x = x.unsqueeze(2)
        # How far x is through each bin. Clipped in place by what `torch.func.vmap` knows in place too.
        share = F.hardtanh(torch.addcmul(self.offset, x, self.slope), 0.0, 1.0, inplace=True)
        bent = torch.bmm(share.transpose(0, 1), self.weight).transpose(0, 1)
        return bent + torch.addcmul(self.bias, x, self.linear).to(bent.dtype)


class CategoryEmbedding(nn.Module):
    """Categories as numbers: one-hot where they are few, a learned vector where they are many.

    Shape: (batch, n_columns) int64 -> (batch, d_out).

    Args:
        cardinalities: Number of codes of each column.
        d_embedding: Length of a learned vector.
        max_one_hot: Largest cardinality that is one-hot encoded.

    Attributes:
        widths: Numbers that each column takes of the output, one-hot columns first.
        d_out: Their sum.
    """

    def __init__(self, cardinalities: Sequence[int], d_embedding: int, max_one_hot: int = 12) -> None:
        super().__init__()
        one_hot = [j for j, n in enumerate(cardinalities) if n <= max_one_hot]
        learned = [j for j, n in enumerate(cardinalities) if n > max_one_hot]
        self.register_buffer("one_hot_columns", torch.tensor(one_hot, dtype=torch.int64))
        self.register_buffer("learned_columns", torch.tensor(learned, dtype=torch.int64))
        self.register_buffer("one_hot_offset", _offsets([cardinalities[j] for j in one_hot]))
        self.register_buffer("learned_offset", _offsets([cardinalities[j] for j in learned]))
        self.d_one_hot = sum(cardinalities[j] for j in one_hot)
        self.n_learned = len(learned)
        # One table for all columns: a single look-up per batch.
        self.table = nn.Embedding(sum(cardinalities[j] for j in learned), d_embedding)
        nn.init.normal_(self.table.weight, std=0.5)
        self.widths = [cardinalities[j] for j in one_hot] + [d_embedding] * len(learned)
        self.d_out = sum(self.widths)
        self.join = Join([self.d_one_hot, self.n_learned * d_embedding])

    one_hot_columns: Tensor
    learned_columns: Tensor
    one_hot_offset: Tensor
    learned_offset: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Encode codes, (batch, n_columns) int64 -> (batch, d_out) float32."""
        parts = []
        if self.d_one_hot:
            codes = x[:, self.one_hot_columns] + self.one_hot_offset
            parts.append(torch.zeros(len(x), self.d_one_hot, device=x.device).scatter(1, codes, 1.0))
        if self.n_learned:
            codes = x[:, self.learned_columns] + self.learned_offset
            parts.append(self.table(codes).flatten(1))
        joined: Tensor = self.join(parts)
        return joined


def _offsets(cardinalities: list[int]) -> Tensor:
    """First row of each column in a table that stacks them: [3, 2, 4] -> [0, 3, 5]."""
    return torch.tensor([0, *cardinalities], dtype=torch.int64).cumsum(0)[:-1]


class FeatureEmbedding(nn.Module):
    """A whole row as one vector: numbers with their piecewise-linear embedding, then categories.

    Numbers with a single bin (flags, constants) are passed on as they are: a line needs no embedding.

    Shape: (batch, n_num), (batch, n_cat) -> (batch, d_out).

    Args:
        spec: The inputs.
        d_embedding: Length of a number's, or a large category's, vector.

    Attributes:
        widths: Numbers of the output that stem from one column each.
        d_out: Their sum.
    """

    def __init__(self, spec: ModelSpec, d_embedding: int = 12) -> None:
        super().__init__()
        bent = [j for j, edges in enumerate(spec.bins) if len(edges) > 2]
        plain = [j for j in range(spec.n_num) if j not in set(bent)]
        self.register_buffer("bent_columns", torch.tensor(bent, dtype=torch.int64))
        self.register_buffer("plain_columns", torch.tensor(plain, dtype=torch.int64))
        self.numbers = PiecewiseLinearEmbedding([spec.bins[j] for j in bent], d_embedding) if bent else None
        self.categories = CategoryEmbedding(spec.cardinalities, d_embedding) if spec.n_cat else None
        self.widths = [d_embedding] * len(bent) + [1] * len(plain)
        self.widths += self.categories.widths if self.categories else []
        self.d_out = sum(self.widths)
        d_categories = self.categories.d_out if self.categories else 0
        self.join = Join([d_embedding * len(bent), len(plain), d_categories])

    bent_columns: Tensor
    plain_columns: Tensor

    def forward(self, x_num: Tensor, x_cat: Tensor) -> Tensor:
        """Embed rows, (batch, n_num) and (batch, n_cat) -> (batch, d_out)."""
        parts = []
        if self.numbers is not None:
            parts.append(self.numbers(x_num[:, self.bent_columns]).flatten(1))
        if len(self.plain_columns):
            parts.append(x_num[:, self.plain_columns])
        if self.categories is not None:
            parts.append(self.categories(x_cat))
        dtype = parts[0].dtype  # under autocast the embedding of numbers is bfloat16 already
        joined: Tensor = self.join([part.to(dtype) for part in parts])
        return joined
