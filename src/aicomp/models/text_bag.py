"""The mean of the vectors of a text's terms, beside the other columns, and a hidden layer on both.

Joulin, Grave, Bojanowski, Mikolov, "Bag of Tricks for Efficient Text Classification" (arXiv 1607.01759); terms that are
left out at random in training are the word dropout of Iyyer et al., "Deep Unordered Composition Rivals Syntactic
Methods for Text Classification" (ACL 2015).
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from aicomp.errors import UsageError
from aicomp.models.dropout import Dropout
from aicomp.models.embeddings import FeatureEmbedding
from aicomp.models.space import Float, Int
from aicomp.models.spec import ModelSpec
from aicomp.models.texts import hashed_terms, reading_texts

SPACE = (
    Float("training.learning_rate", 2e-4, 1e-2, log=True),
    Float("regularization.weight_decay", 1e-3, 0.3, log=True),
    Float("regularization.dropout", 0.1, 0.7),
    Int("model.params.d_term", 32, 128, step=16),
    Int("model.params.d_block", 64, 256, step=64),
    Float("model.params.term_dropout", 0.1, 0.7),
)
"""Around what suits some thousand texts."""

_MOST_TERMS = 1024
_SCALE = 0.02


class TextBag(nn.Module):
    """Means of vectors of hashed terms, one for each column of text, and embedded columns; then a hidden layer.

    Shape: (batch, n_num), (batch, n_cat), (batch, length) -> (batch, n_outputs).

    Args:
        spec: Inputs and outputs; at least one input is a text.
        d_term: Length of a term's vector.
        d_block: Units of the hidden layer.
        n_buckets: Vectors of each column of text.
        term_dropout: Probability with which a term is left out in training.

    Raises:
        UsageError: There is no text.
    """

    def __init__(self, spec: ModelSpec, d_term: int, d_block: int, n_buckets: int, term_dropout: float) -> None:
        super().__init__()
        if not spec.n_text:
            raise UsageError(
                "model `text-bag` reads columns of text, and there is none",
                'name one under [columns] in aicomp.toml, such as `"review" = "text"`, or take another model',
            )
        self.n_text, self.n_buckets, self.term_dropout = spec.n_text, n_buckets, term_dropout
        self.terms = nn.Embedding(spec.n_text * n_buckets + 1, d_term, padding_idx=0)
        nn.init.normal_(self.terms.weight, std=_SCALE)
        self.columns = FeatureEmbedding(spec) if spec.n_num or spec.n_cat else None
        d_in = spec.n_text * d_term + (self.columns.d_out if self.columns is not None else 0)
        self.layers = nn.Sequential(
            nn.LayerNorm(d_in), nn.Linear(d_in, d_block), nn.ReLU(), Dropout(spec.dropout),
            nn.Linear(d_block, spec.n_outputs),
        )  # fmt: skip

    def tokens(self, texts: np.ndarray) -> Tensor:
        """See `ReadsTexts`; the terms of each column have numbers of their own."""
        parts = []
        for j, column in enumerate(texts.T):
            terms = hashed_terms(column, self.n_buckets, _MOST_TERMS // self.n_text)
            parts.append(torch.where(terms > 0, terms + j * self.n_buckets, 0))
        joined = torch.cat(parts, dim=1)
        order = (joined == 0).to(torch.int8).argsort(dim=1, stable=True)  # zeros to the end
        return joined.gather(1, order)

    def forward(self, x_num: Tensor, x_cat: Tensor, tokens: Tensor) -> Tensor:
        """Predict, (batch, n_num), (batch, n_cat) and (batch, length) -> (batch, n_outputs)."""
        if self.training and self.term_dropout:
            tokens = tokens * (torch.rand(tokens.shape, device=tokens.device) >= self.term_dropout)
        column_of = (tokens - 1).div(self.n_buckets, rounding_mode="floor")
        parts = [
            F.embedding_bag(torch.where(column_of == j, tokens, 0), self.terms.weight, mode="mean", padding_idx=0)
            for j in range(self.n_text)
        ]
        if self.columns is not None:
            parts.append(self.columns(x_num, x_cat))
        outputs: Tensor = self.layers(torch.cat(parts, dim=1))
        return outputs


@reading_texts
def build_text_bag(
    spec: ModelSpec, *, d_term: int = 64, d_block: int = 128, n_buckets: int = 2**16, term_dropout: float = 0.5
) -> TextBag:
    """A bag of terms; for the arguments see `TextBag`."""
    return TextBag(spec, d_term, d_block, n_buckets, term_dropout)
