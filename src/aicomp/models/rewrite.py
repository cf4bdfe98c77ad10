"""Model `rewrite`: takes `extract` where targets are made of their sources' own sentences, and else `seq2seq`."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from aicomp.data.rows import Rows
from aicomp.models.estimator import Estimator, Goal, Numbers, State, Watch, with_prefix
from aicomp.models.extract import Extract
from aicomp.models.sentences import check_has_text, plain_words, source_column, split_sentences
from aicomp.models.seq2seq import Seq2Seq
from aicomp.models.spec import ModelSpec

KINDS = ("extract", "seq2seq")

_ROWS = 300
_RUN = 3
"""Words in a row that are copied, and not met by chance."""

_COPIED = 0.8
_SHORTER = 0.8
_FEWEST_SENTENCES = 2


class Rewrite:
    """Chooses by the training rows whether to take sentences or to write.

    Taken are sentences where 80 % of the targets' runs of three words stand in their sources, targets have less than
    80 % of the sources' words, and sources have more than two sentences. `notes` says what was found.

    Args:
        spec: The inputs; at least one is a text.

    Raises:
        UsageError: There is no text.
    """

    numbers: ClassVar[Numbers] = "normal"
    reads_texts: ClassVar[bool] = True
    learns_strings: ClassVar[bool] = True

    def __init__(self, spec: ModelSpec) -> None:
        check_has_text(spec, "rewrite")
        self._spec = spec
        self._kind = KINDS[0]
        self._model: Estimator = Extract(spec)
        self.notes: list[str] = []

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`; rounds are those of the model that is chosen."""
        assert train.texts is not None
        rows = np.random.default_rng(goal.seed).permutation(len(train))[:_ROWS]
        sources = train.texts[rows, source_column(train)]
        self._kind, note = choose_kind(list(sources), list(y[rows]))
        self.notes = [note]
        self._model = self._new()
        return self._model.fit(train, y, valid, valid_y, goal, watch)

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`."""
        return self._model.predict(rows)

    def state_dict(self) -> State:
        """What was chosen, and what that model learned."""
        learned = {f"model.{name}": array for name, array in self._model.state_dict().items()}
        return {**learned, "kind": np.array([KINDS.index(self._kind)])}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._kind = KINDS[int(state["kind"][0])]
        self._model = self._new()
        self._model.load_state_dict(with_prefix(state, "model."))

    def _new(self) -> Estimator:
        return Extract(self._spec) if self._kind == "extract" else Seq2Seq(self._spec)


def choose_kind(sources: Sequence[str], targets: Sequence[str]) -> tuple[str, str]:
    """Name of the model for some sources and targets, and why, as a sentence."""
    cut = [[[plain_words(s) for s in split_sentences(text)] for text in texts] for texts in (sources, targets)]
    runs = [[set().union(*map(_runs, sentences)) for sentences in texts] for texts in cut]
    n_copied = sum(len(source & target) for source, target in zip(*runs, strict=True))
    copied = n_copied / max(1, sum(map(len, runs[1])))
    of_sources, of_targets = (sum(len(words) for sentences in texts for words in sentences) for texts in cut)
    length = of_targets / max(1, of_sources)
    n_sentences = float(np.mean([len(sentences) for sentences in cut[0]]))
    is_taken = copied >= _COPIED and length < _SHORTER and n_sentences > _FEWEST_SENTENCES
    kind = "extract" if is_taken else "seq2seq"
    return kind, (
        f"`{kind}`: {copied:.0%} of the targets' runs of {_RUN} words stand in their sources, which have "
        f"{n_sentences:.1f} sentences; targets are {length:.2f} times as long"
    )


def _runs(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[i : i + _RUN]) for i in range(len(words) - _RUN + 1)}
