"""Any encoder of Hugging Face Transformers, fine-tuned on texts, beside the other columns.

Devlin et al., "BERT" (arXiv 1810.04805); lower layers, which know the language, move less than upper ones: the
layer-wise rates of Howard, Ruder, "Universal Language Model Fine-tuning" (arXiv 1801.06146).
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aicomp.errors import UsageError
from aicomp.models.dropout import Dropout
from aicomp.models.embeddings import FeatureEmbedding
from aicomp.models.encoder import PACKAGE, Encoder, mean_state
from aicomp.models.space import Float, Int
from aicomp.models.spec import ModelSpec
from aicomp.models.texts import reading_texts

SPACE = (
    Float("training.learning_rate", 1e-5, 5e-4, log=True),
    Float("regularization.weight_decay", 1e-3, 0.3, log=True),
    Float("regularization.dropout", 0.0, 0.3),
    Float("model.params.layer_decay", 0.6, 1.0),
    Int("training.epochs", 1, 6),
)
"""Around the usual settings of fine-tuning, arXiv 1810.04805, appendix A.3."""


class Transformer(nn.Module):
    """The mean of an encoder's last states, embedded columns, a linear head.

    Shape: (batch, n_num), (batch, n_cat), (batch, length) -> (batch, n_outputs).

    Args:
        spec: Inputs and outputs; at least one input is a text.
        encoder: The encoder.
        layer_decay: Learning rate of each layer over that of the one above it.
    """

    def __init__(self, spec: ModelSpec, encoder: Encoder, layer_decay: float) -> None:
        super().__init__()
        self._layer_decay = layer_decay
        self.encoder = encoder
        self.columns = FeatureEmbedding(spec) if spec.n_num or spec.n_cat else None
        d_in = encoder.d_out + (self.columns.d_out if self.columns is not None else 0)
        self.head = nn.Sequential(Dropout(spec.dropout), nn.Linear(d_in, spec.n_outputs))

    def tokens(self, texts: np.ndarray) -> Tensor:
        """See `ReadsTexts` and `Encoder`."""
        return self.encoder.tokens(texts)

    def forward(self, x_num: Tensor, x_cat: Tensor, tokens: Tensor) -> Tensor:
        """Predict, (batch, n_num), (batch, n_cat) and (batch, length) -> (batch, n_outputs)."""
        mean = mean_state(self.encoder(tokens), tokens)
        parts = [mean] if self.columns is None else [mean, self.columns(x_num, x_cat)]
        outputs: Tensor = self.head(torch.cat(parts, dim=1))
        return outputs

    def rates(self) -> dict[str, float]:
        """Learning rate of each parameter, over that of the head."""
        return dict.fromkeys((name for name, _ in self.named_parameters()), 1.0) | self.encoder.rates(self._layer_decay)


@reading_texts
def build_transformer(
    spec: ModelSpec, *, encoder: str = "auto", revision: str | None = None, max_length: int = 128,
    layer_decay: float = 0.85, checkpointing: bool = False, lora: int = 0, lora_alpha: float | None = None,
    lora_modules: Any = "auto", weights: Any = "float32",
) -> Transformer:  # fmt: skip
    """A fine-tuned encoder; for the arguments see `Encoder`.

    Raises:
        UsageError: There is no text, or what `Encoder` refuses.
    """
    if not spec.n_text:
        raise UsageError(
            "model `transformer` reads columns of text, and there is none",
            'name one under [columns] in aicomp.toml, such as `"review" = "text"`, or take another model',
        )
    loaded = Encoder(
        encoder, revision, max_length, checkpointing=checkpointing, lora=lora, lora_alpha=lora_alpha,
        lora_modules=lora_modules, weights=weights,
    )  # fmt: skip
    return Transformer(spec, loaded, layer_decay)


build_transformer.package = PACKAGE  # type: ignore[attr-defined]
