"""Short text as a few numbers: the directions in which the training rows' words differ most."""

import re
from typing import Any

import numpy as np

from aicomp.data.table import Table

N_COMPONENTS = 16
"""Numbers that a column of text becomes, besides its length."""

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class TextEncoder:
    """TF-IDF of words, or of runs of characters, reduced by a truncated singular value decomposition.

    Latent semantic analysis: Deerwester et al., "Indexing by Latent Semantic Analysis", 1990. Runs of characters are
    taken where texts are a word long (cabins, tickets) or are written without blanks.

    Args:
        name: The column, of kind "text".
        table: The train table.
        rows: The fold's training rows, the only ones that are looked at.

    Attributes:
        names: Names of the numbers that come out.
    """

    def __init__(self, name: str, table: Table, rows: np.ndarray) -> None:
        self._name = name
        texts = _texts(table, name, rows)
        self._components = _fit_components(texts)
        components = self._transform(texts)
        self._scale = 1 / np.maximum(components.std(axis=0), 1e-6)
        self._center = components.mean(axis=0)
        self.names = [f"{name} {kind}" for kind in (*(f"#{j + 1}" for j in range(components.shape[1] - 2)), *_SIZES)]

    def _transform(self, texts: list[str]) -> np.ndarray:
        distinct, inverse = np.unique(np.array(texts, dtype=object), return_inverse=True)
        parts = [_sizes(distinct)]
        if self._components is not None:
            parts.insert(0, self._components.transform(distinct))
        encoded: np.ndarray = np.hstack(parts)[inverse]
        return encoded

    def __call__(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """Encode rows: float64 (n, len(names)), each column with mean 0 and deviation 1 in the training rows."""
        z = (self._transform(_texts(table, self._name, rows)) - self._center) * self._scale
        return np.asarray(np.clip(z, -5, 5))


_SIZES = ("characters", "words")


def _sizes(texts: np.ndarray) -> np.ndarray:
    """log(1 + characters) and log(1 + words) of each text, (n, 2)."""
    return np.asarray(np.log1p([[len(t), len(t.split())] for t in texts]))


def _texts(table: Table, name: str, rows: np.ndarray) -> list[str]:
    levels = [*table.levels[name], ""]  # the code -1 of a missing text takes the last
    return [levels[code] for code in table.codes[name][rows]]


def _fit_components(texts: list[str]) -> Any:
    """A scikit-learn pipeline from texts to components; None if no word or run of characters is in two texts."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    n_words = np.mean([len(t.split()) for t in texts if t] or [0])
    characters = n_words < 2.5 or np.mean([bool(_CJK.search(t)) for t in texts]) > 0.3
    size: dict[str, object] = {"min_df": 2, "max_features": 20_000, "sublinear_tf": True, "lowercase": True}
    vectorizer = (
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3), **size)
        if characters
        else TfidfVectorizer(ngram_range=(1, 1), token_pattern=r"(?u)\w+", **size)
    )
    try:
        n_terms = vectorizer.fit_transform(texts).shape[1]
    except ValueError:  # scikit-learn's way to say that no term is left
        return None
    if n_terms < 2:
        return None
    svd = TruncatedSVD(n_components=min(N_COMPONENTS, n_terms - 1), random_state=0)
    return make_pipeline(vectorizer, svd).fit(texts)
