"""A network of your own that reads texts, used where `aicomp.toml` says `name = "model:build_model"`."""

import numpy as np
import torch
from aicomp.models import FeatureEmbedding, ModelSpec, hashed_words, reading_texts
from torch import Tensor, nn

N_BUCKETS = 20_000  # vectors that there are; words that share one by chance are not told apart
MOST_WORDS = 256  # of a row's texts together


class TextCNN(nn.Module):
    """Filters that look at some words in a row, and of each filter the place in the text where it answers most.

    After Kim, "Convolutional Neural Networks for Sentence Classification" (arXiv 1408.5882).

    Args:
        spec: What the data is like: numbers of columns, texts and outputs, and the dropout of `aicomp.toml`.
        d_word: Length of a word's vector.
        n_filters: Filters of each width.
        widths: How many words a filter looks at.
    """

    def __init__(self, spec: ModelSpec, d_word: int, n_filters: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.words = nn.Embedding(N_BUCKETS + 1, d_word, padding_idx=0)
        self.filters = nn.ModuleList([nn.Conv1d(d_word, n_filters, w, padding=w - 1) for w in widths])
        self.columns = FeatureEmbedding(spec) if spec.n_num or spec.n_cat else None
        d_in = n_filters * len(widths) + (self.columns.d_out if self.columns else 0)
        self.head = nn.Sequential(nn.Dropout(spec.dropout), nn.Linear(d_in, spec.n_outputs))

    def tokens(self, texts: np.ndarray) -> Tensor:
        """Texts (n, n_text) -> numbers of their words, one text behind the other, (n, length), then zeros."""
        return hashed_words([" ".join(row) for row in texts], N_BUCKETS, MOST_WORDS)

    def forward(self, x_num: Tensor, x_cat: Tensor, tokens: Tensor) -> Tensor:
        """Predict, (batch, n_num), (batch, n_cat) and (batch, length) -> (batch, n_outputs)."""
        vectors = self.words(tokens).transpose(1, 2)
        parts = [torch.relu(layer(vectors)).amax(dim=2) for layer in self.filters]
        if self.columns is not None:
            parts.append(self.columns(x_num, x_cat))
        outputs: Tensor = self.head(torch.cat(parts, dim=1))
        return outputs


@reading_texts
def build_model(
    spec: ModelSpec, *, d_word: int = 64, n_filters: int = 64, widths: tuple[int, ...] = (1, 2, 3)
) -> TextCNN:
    """Called once per fold; keyword arguments come from `params` under `[model]` in `aicomp.toml`."""
    return TextCNN(spec, d_word, n_filters, widths)
