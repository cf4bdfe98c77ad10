"""A head of your own on a pretrained encoder, used where `aicomp.toml` says `name = "model:build_model"`."""

from typing import Literal

import numpy as np
import torch
from aicomp.models import Encoder, FeatureEmbedding, ModelSpec, reading_texts
from torch import Tensor, nn


class AttentionPooling(nn.Module):
    """A mean of the tokens' states whose weights are learned: some words say more than others.

    Shape: (batch, length, d), (batch, length) -> (batch, d).

    Args:
        d: Length of a state.
    """

    def __init__(self, d: int) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.Linear(d, d), nn.Tanh(), nn.Linear(d, 1))

    def forward(self, states: Tensor, tokens: Tensor) -> Tensor:
        """Weigh the states of a row's tokens; padding, which is 0, weighs nothing."""
        scores = self.score(states).squeeze(2).float().masked_fill(tokens == 0, -1e4)
        pooled: Tensor = (scores.softmax(dim=1).unsqueeze(2) * states).sum(dim=1)
        return pooled


class Reader(nn.Module):
    """Encoder, pooling, the other columns beside it, a head with one hidden layer.

    Args:
        spec: What the data is like: numbers of columns, texts and outputs, and the dropout of `aicomp.toml`.
        encoder: The encoder; with `lora` its adapters alone are trained.
        layer_decay: Learning rate of each layer of the encoder over that of the one above it.
        d_hidden: Width of the head.
    """

    def __init__(self, spec: ModelSpec, encoder: Encoder, layer_decay: float, d_hidden: int) -> None:
        super().__init__()
        self.encoder, self.layer_decay = encoder, layer_decay
        self.pooling = AttentionPooling(encoder.d_out)
        self.columns = FeatureEmbedding(spec) if spec.n_num or spec.n_cat else None
        d_in = encoder.d_out + (self.columns.d_out if self.columns else 0)
        self.head = nn.Sequential(
            nn.Linear(d_in, d_hidden), nn.GELU(), nn.Dropout(spec.dropout), nn.Linear(d_hidden, spec.n_outputs)
        )

    def tokens(self, texts: np.ndarray) -> Tensor:
        """Texts (n, n_text) -> numbers of their tokens, (n, length), then zeros."""
        return self.encoder.tokens(texts)

    def forward(self, x_num: Tensor, x_cat: Tensor, tokens: Tensor) -> Tensor:
        """Predict, (batch, n_num), (batch, n_cat) and (batch, length) -> (batch, n_outputs)."""
        parts = [self.pooling(self.encoder(tokens), tokens)]
        if self.columns is not None:
            parts.append(self.columns(x_num, x_cat))
        outputs: Tensor = self.head(torch.cat(parts, dim=1))
        return outputs

    def rates(self) -> dict[str, float]:
        """Learning rate of each parameter over that of `aicomp.toml`: what is new, 1; the encoder, less by layer."""
        return dict.fromkeys((name for name, _ in self.named_parameters()), 1.0) | self.encoder.rates(self.layer_decay)


@reading_texts
def build_model(
    spec: ModelSpec,
    *,
    encoder: str = "auto",
    revision: str | None = None,
    max_length: int = 128,
    layer_decay: float = 0.85,
    d_hidden: int = 128,
    checkpointing: bool = False,
    lora: int = 0,
    weights: Literal["float32", "bfloat16"] = "float32",
) -> Reader:
    """Called once per fold; keyword arguments come from `[model.params]` in `aicomp.toml`."""
    loaded = Encoder(encoder, revision, max_length, checkpointing=checkpointing, lora=lora, weights=weights)
    return Reader(spec, loaded, layer_decay, d_hidden)
