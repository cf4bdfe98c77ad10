"""What can be said of each sentence of a text before it is known which of them a summary takes.

Place, length, and how near a sentence is to the others: the mean of its cosines (Radev et al., "Centroid-based
summarization of multiple documents", 2004) and its rank in their graph (Erkan, Radev, "LexRank", JAIR 22, 2004).
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aicomp.models.sentences import plain_words, split_sentences

_JUMP = 0.15
_ROUNDS = 30
_LEAST_WORD = 4
"""Letters from which on a word is taken for one that says something."""

MOST_SENTENCES = 200
"""Sentences of a text that are looked at."""


@dataclass(frozen=True)
class Document:
    """A text in sentences.

    Attributes:
        sentences: As they stand in the text.
        words: Words of each, see `plain_words`.
    """

    sentences: list[str]
    words: list[list[str]]

    @classmethod
    def of(cls, text: str) -> "Document":
        """Cut a text; one that has no sentence becomes a single one."""
        sentences = split_sentences(text)[:MOST_SENTENCES] or [text]
        return cls(sentences, [plain_words(s) for s in sentences])


@dataclass(frozen=True)
class Frequencies:
    """How rare words are among the training texts.

    Attributes:
        idf: log((n + 1) / (texts with the word + 1)) + 1, of words that are in two texts at least.
        unknown: Of other words.
    """

    idf: dict[str, float]
    unknown: float

    @classmethod
    def fit(cls, documents: Sequence[Document]) -> "Frequencies":
        """Count the words of the training texts."""
        counts: Counter[str] = Counter()
        for document in documents:
            counts.update({word for words in document.words for word in words})
        n = len(documents)
        idf = {word: float(np.log((n + 1) / (k + 1)) + 1) for word, k in counts.items() if k > 1}
        return cls(idf, float(np.log((n + 1) / 2) + 1))

    def state_dict(self) -> dict[str, np.ndarray]:
        """What was counted, as arrays."""
        words = json.dumps(list(self.idf), ensure_ascii=False).encode("utf-8", "surrogatepass")
        values = np.array([*self.idf.values(), self.unknown])
        return {"words": np.frombuffer(words, dtype=np.uint8).copy(), "idf": values}

    @classmethod
    def of(cls, state: dict[str, np.ndarray]) -> "Frequencies":
        """What `state_dict` gave."""
        words = json.loads(state["words"].tobytes().decode("utf-8", "surrogatepass"))
        *values, unknown = state["idf"].tolist()
        return cls(dict(zip(words, values, strict=True)), unknown)


def describe(document: Document, frequencies: Frequencies) -> np.ndarray:
    """Features of each sentence, float32 (n_sentences, n_features): as they are, and by their rank in the text."""
    counts, terms = _counts(document.words)
    idf = np.array([frequencies.idf.get(term, frequencies.unknown) for term in terms])
    long_words = np.array([len(term) >= _LEAST_WORD for term in terms], dtype=float)
    own = np.hstack([_places(document), _contents(counts, idf)])
    near = [_nearness(counts * weights) for weights in (idf, np.ones(len(terms)), idf * long_words)]
    raw = np.hstack([own, *near, _signs(document)])
    return np.hstack([raw, _ranks(raw)]).astype(np.float32)


def _counts(words: Sequence[Sequence[str]]) -> tuple[np.ndarray, list[str]]:
    """How often each word is in each sentence, (n_sentences, n_words), and the words."""
    places: dict[str, int] = {}
    for sentence in words:
        for word in sentence:
            places.setdefault(word, len(places))
    counts = np.zeros((len(words), max(1, len(places))))
    for i, sentence in enumerate(words):
        for word in sentence:
            counts[i, places[word]] += 1
    return counts, list(places) or [""]


def _places(document: Document) -> np.ndarray:
    n = len(document.sentences)
    at = np.arange(n)
    first = (at == 0).astype(float)
    return np.column_stack([at / n, np.log1p(at), np.log1p(n - 1 - at), first, at == 1, np.full(n, np.log(n))])


def _contents(counts: np.ndarray, idf: np.ndarray) -> np.ndarray:
    """Length, and means over the words of how common they are here and how rare elsewhere."""
    length = np.maximum(counts.sum(axis=1), 1)
    here = counts.sum(axis=0)
    in_sentences = np.maximum((counts > 0).sum(axis=0), 1)
    rare_here = np.log(len(counts) / in_sentences)
    means = [counts @ weights / length for weights in (here, idf, here * idf, rare_here)]
    return np.column_stack([np.log(length), *means, np.log1p(counts @ (here * idf))])


def _nearness(weighted: np.ndarray) -> np.ndarray:
    """Cosines of each sentence: mean and largest to others, to the first two, to all together; rank in their graph."""
    norms = np.linalg.norm(weighted, axis=1, keepdims=True)
    unit = weighted / np.where(norms > 0, norms, 1)
    cosines = unit @ unit.T
    whole = weighted.sum(axis=0)
    to_whole = unit @ (whole / max(float(np.linalg.norm(whole)), 1e-12))
    to_first, to_second = cosines[:, 0].copy(), cosines[:, min(1, len(cosines) - 1)].copy()
    np.fill_diagonal(cosines, 0)
    rank = _page_rank(cosines) * len(cosines)
    return np.column_stack([cosines.mean(axis=1), cosines.max(axis=1), to_first, to_second, to_whole, rank])


def _page_rank(weights: np.ndarray) -> np.ndarray:
    """Share of a walk that follows the weights, and now and then jumps anywhere, at each node, (n,)."""
    n = len(weights)
    total = weights.sum(axis=1, keepdims=True)
    steps = np.where(total > 0, weights / np.where(total > 0, total, 1), 1 / n)
    rank = np.full(n, 1 / n)
    for _ in range(_ROUNDS):
        rank = _JUMP / n + (1 - _JUMP) * rank @ steps
    return rank


def _signs(document: Document) -> np.ndarray:
    """Shares of digits and capitals, and whether there is a quote or no sign at the end, as of headlines."""
    found = []
    for sentence in document.sentences:
        n = max(1, len(sentence))
        found.append(
            [
                sum(c.isdigit() for c in sentence) / n,
                sum(c.isupper() for c in sentence) / n,
                any(c in sentence for c in '"“”«»„'),
                not sentence.rstrip("\"'”’)").endswith((".", "!", "?", "。", "！", "？")),
            ]
        )
    return np.array(found, dtype=float)


def _ranks(features: np.ndarray) -> np.ndarray:
    """Rank of each sentence in its text, from 0 to 1, by each feature."""
    n = len(features)
    return np.asarray(features.argsort(axis=0, kind="stable").argsort(axis=0) / max(1, n - 1))
