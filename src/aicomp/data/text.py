"""Short text as a few numbers: the directions in which the training rows' words differ most."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from aicomp.data.table import Table

N_COMPONENTS = 16
"""Numbers that a column of text becomes, besides its length."""

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

_SIZES = ("characters", "words")

_ANALYZERS: dict[str, dict[str, Any]] = {
    "characters": {"analyzer": "char_wb", "ngram_range": (1, 3)},
    "words": {"ngram_range": (1, 1), "token_pattern": r"(?u)\w+"},
}


@dataclass(frozen=True)
class TextEncoder:
    """TF-IDF of words, or of runs of characters, reduced by a truncated singular value decomposition.

    Latent semantic analysis: Deerwester et al., "Indexing by Latent Semantic Analysis", 1990. Runs of characters are
    taken where texts are a word long (cabins, tickets) or are written without blanks.

    Attributes:
        column: The column, of kind "text".
        analyzer: "words" or "characters".
        terms: Words or runs of characters, in the order of `idf`; none if no term is in two texts.
        idf: Inverse document frequency of each term.
        components: Directions, (n_components, n_terms).
        center: Mean of each number in the training rows.
        scale: One over its standard deviation there.
    """

    column: str
    analyzer: str
    terms: list[str]
    idf: np.ndarray
    components: np.ndarray
    center: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, column: str, table: Table, rows: np.ndarray) -> "TextEncoder":
        """Learn from a fold's training rows, the only ones that are looked at."""
        texts = texts_of(table, column, rows)
        analyzer, terms, idf, components = _fit_components(texts)
        width = len(components) + len(_SIZES)
        raw = cls(column, analyzer, terms, idf, components, np.zeros(width), np.ones(width))._transform(texts)
        center, scale = raw.mean(axis=0), 1 / np.maximum(raw.std(axis=0), 1e-6)
        return cls(column, analyzer, terms, idf, components, center, scale)

    @property
    def names(self) -> list[str]:
        """Names of the numbers that come out."""
        return [f"{self.column} {kind}" for kind in (*(f"#{j + 1}" for j in range(len(self.components))), *_SIZES)]

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """Encode rows: float64 (n, len(names)), each column with mean 0 and deviation 1 in the training rows."""
        z = (self._transform(texts_of(table, self.column, rows)) - self.center) * self.scale
        return np.asarray(np.clip(z, -5, 5))

    def _transform(self, texts: list[str]) -> np.ndarray:
        distinct, inverse = np.unique(np.array(texts, dtype=object), return_inverse=True)
        parts = [_sizes(distinct)]
        if self.terms:
            parts.insert(0, self._vectorizer.transform(distinct) @ self.components.T)
        encoded: np.ndarray = np.hstack(parts)[inverse]
        return encoded

    @cached_property
    def _vectorizer(self) -> Any:
        """scikit-learn's vectorizer with the terms and frequencies that were learned."""
        vectorizer = _new_vectorizer(self.analyzer, vocabulary={term: i for i, term in enumerate(self.terms)})
        vectorizer.idf_ = self.idf
        return vectorizer


def _sizes(texts: np.ndarray) -> np.ndarray:
    """log(1 + characters) and log(1 + words) of each text, (n, 2)."""
    return np.log1p(np.array([[len(t), len(t.split())] for t in texts], dtype=np.float64).reshape(-1, 2))


def texts_of(table: Table, name: str, rows: np.ndarray) -> list[str]:
    """Strings of a column, "" where missing."""
    levels = [*table.levels[name], ""]  # the code -1 of a missing text takes the last
    return [levels[code] for code in table.codes[name][rows]]


def is_written_without_blanks(texts: Sequence[str]) -> bool:
    """Whether many of the texts are Chinese, Japanese or Korean, so that blanks do not divide them into words."""
    return len(texts) > 0 and float(np.mean([bool(_CJK.search(t)) for t in texts])) > 0.3


def _new_vectorizer(analyzer: str, **more: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(sublinear_tf=True, lowercase=True, **_ANALYZERS[analyzer], **more)


def _fit_components(texts: list[str]) -> tuple[str, list[str], np.ndarray, np.ndarray]:
    """Analyzer, terms, their idf, and components; no terms if no word or run of characters is in two texts."""
    from sklearn.decomposition import TruncatedSVD

    n_words = np.mean([len(t.split()) for t in texts if t] or [0])
    analyzer = "characters" if n_words < 2.5 or is_written_without_blanks(texts) else "words"
    vectorizer = _new_vectorizer(analyzer, min_df=2, max_features=20_000)
    try:
        matrix = vectorizer.fit_transform(texts)
    except ValueError:  # scikit-learn's way to say that no term is left
        return analyzer, [], np.empty(0), np.empty((0, 0))
    n_terms = matrix.shape[1]
    if n_terms < 2:
        return analyzer, [], np.empty(0), np.empty((0, 0))
    svd = TruncatedSVD(n_components=min(N_COMPONENTS, n_terms - 1), random_state=0).fit(matrix)
    terms = [str(term) for term in vectorizer.get_feature_names_out()]
    return analyzer, terms, np.asarray(vectorizer.idf_), np.ascontiguousarray(svd.components_)
