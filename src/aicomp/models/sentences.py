"""Texts cut into sentences, and what of them goes into a summary: the first ones, as the floor."""

import re
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from aicomp.data.arrays import as_objects
from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.metrics.rouge import lcs_f
from aicomp.models.estimator import Goal, Numbers, Round, State, Watch
from aicomp.models.space import Int
from aicomp.models.spec import ModelSpec

SPACE = (Int("model.params.k", 1, 10),)

_END = re.compile(r"(?<=[.!?])[\"'’”)\]]*\s+(?=[\"'‘“(\[]*[A-ZÀ-ÞА-Я\d])|(?<=[。！？])")
"""Where a sentence may end: a sign, and behind the blank a capital or a digit; in Chinese and Japanese the sign."""

_TITLES = "Mr Mrs Ms Dr Prof Sir St No Nr vs etc Jr Sr Inc Ltd Co Gen Col"
_ABBREVIATION = re.compile(rf"(?:^|[\s(])(?:[A-Z]|{_TITLES.replace(' ', '|')})\.$")
_WORD = re.compile(r"\w+")
_MOST_SENTENCES = 12
_MOST_ROWS = 1000


def split_sentences(text: str) -> list[str]:
    r"""Sentences of a text; a line is never part of the same sentence as the one before.

    >>> split_sentences("Results are out\n\nMr. Smith won. He said: 'No.' Then he left!")
    ['Results are out', 'Mr. Smith won.', "He said: 'No.'", 'Then he left!']
    """
    found: list[str] = []
    for line in text.splitlines():
        start = 0
        for match in _END.finditer(line):
            head = line[start : match.end()].strip()
            if not _ABBREVIATION.search(head):
                found.append(head)
                start = match.end()
        found.append(line[start:].strip())
    return [sentence for sentence in found if sentence]


def plain_words(text: str) -> list[str]:
    """Words in small letters, characters where no blanks divide them; what models compare texts by.

    >>> plain_words("The U.S. team"), plain_words("你好。")
    (['the', 'u', 's', 'team'], ['你', '好'])
    """
    return [part for word in _WORD.findall(text.lower()) for part in (word if word[0] > "\u2e7f" else [word])]


class Lead:
    """The first sentences of the source: how many, and from which on, is chosen on training rows by ROUGE-L.

    Args:
        spec: The inputs; at least one is a text.
        k: Sentences; by default the best number.

    Raises:
        UsageError: There is no text.
    """

    numbers: ClassVar[Numbers] = "normal"
    reads_texts: ClassVar[bool] = True
    learns_strings: ClassVar[bool] = True

    def __init__(self, spec: ModelSpec, *, k: int | None = None) -> None:
        check_has_text(spec, "lead")
        if k is not None and k < 1:
            raise UsageError(f"`model.params.k` is {k}, it must be at least 1", "leave it out for the best number")
        self._k, self._choice = k, np.array([0, 0, 1])

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`; one round, after which everything is chosen."""
        column = source_column(train)
        rows = np.random.default_rng(goal.seed).permutation(len(train))[:_MOST_ROWS]
        cut = [split_sentences(text) for text in train.texts[rows, column]]  # type: ignore[index]
        words = [[plain_words(s) for s in sentences] for sentences in cut]
        targets = [plain_words(text) for text in y[rows]]
        counts = range(1, _MOST_SENTENCES + 1) if self._k is None else [self._k]
        scores = {(first, k): _score_of_lead(words, targets, first, k) for first in (0, 1) for k in counts}
        first, k = max(scores, key=lambda choice: (scores[choice], -choice[0], -choice[1]))
        self._choice = np.array([column, first, k])
        predicted = self.predict(valid)
        watch(Round(1, 1, predicted, 1 - scores[first, k], summary_loss(valid_y, predicted)))
        return 1

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`."""
        column, first, k = map(int, self._choice)
        assert rows.texts is not None
        return as_objects([_lead(text, first, k) for text in rows.texts[:, column]])

    def state_dict(self) -> State:
        """The column, the first sentence and their number."""
        return {"choice": self._choice}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._choice = state["choice"]


def check_has_text(spec: ModelSpec, name: str) -> None:
    """Refuse data without a text.

    Raises:
        UsageError: In the name of the model.
    """
    if not spec.n_text:
        raise UsageError(
            f"model `{name}` reads columns of text, and there is none",
            'name one under [columns] in aicomp.toml, such as `"article" = "text"`',
        )


def source_column(rows: Rows) -> int:
    """Number of the column whose texts are the longest: what targets are made of."""
    assert rows.texts is not None
    return int(np.argmax([sum(map(len, column)) for column in rows.texts.T]))


def summary_loss(y: np.ndarray, predicted: np.ndarray) -> float:
    """One less the mean ROUGE-L of plain words, over at most a thousand rows."""
    pairs = list(zip(y, predicted, strict=True))[:_MOST_ROWS]
    return 1 - float(np.mean([lcs_f(plain_words(truth), plain_words(text)) for truth, text in pairs]))


def _lead(text: str, first: int, k: int) -> str:
    """Some sentences; where there are too few the last one, and never an empty string of a text that is none."""
    sentences = split_sentences(text)
    return " ".join(sentences[first : first + k] or sentences[-1:]) or text


def _score_of_lead(words: Sequence[Sequence[list[str]]], targets: Sequence[list[str]], first: int, k: int) -> float:
    scores = []
    for sentences, target in zip(words, targets, strict=True):
        chosen = sentences[first : first + k] or sentences[-1:]
        scores.append(lcs_f(target, [word for sentence in chosen for word in sentence]))
    return float(np.mean(scores))
