"""Texts as sparse vectors of the words and runs of characters in them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from aicomp.data.text import is_written_without_blanks

_ANALYZERS: dict[str, dict[str, Any]] = {
    # A sign counts as a word: "!!!" and ":-)" tell something.
    "words": {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"(?u)\w+|[^\w\s]"},
    "characters within words": {"analyzer": "char_wb", "ngram_range": (2, 5)},
    "characters": {"analyzer": "char", "ngram_range": (1, 4)},
}


def analyzers_for(texts: Sequence[str]) -> list[str]:
    """Names of the analyzers that suit some texts: words mean nothing where blanks do not divide them."""
    return ["characters"] if is_written_without_blanks(texts) else ["words", "characters within words"]


@dataclass(frozen=True)
class Terms:
    """What is counted in a text, and how much each of it weighs.

    1 + log(count), times the inverse document frequency, each row then to length 1 (Salton, Buckley, "Term-weighting
    approaches in automatic text retrieval", Information Processing and Management 24, 1988).

    Attributes:
        analyzer: What terms are.
        terms: The terms, in the order of `idf`.
        idf: Inverse document frequency of each.
    """

    analyzer: str
    terms: list[str]
    idf: np.ndarray

    @classmethod
    def fit(cls, texts: Sequence[str], analyzer: str, most: int) -> tuple["Terms", Any]:
        """Learn from training texts; terms that are in one alone are left out.

        Args:
            texts: The texts.
            analyzer: One of `analyzers_for`.
            most: Most terms; the commonest are kept.

        Returns:
            The terms, and the texts as a sparse matrix (n, n_terms).
        """
        from scipy import sparse

        vectorizer = _new_vectorizer(analyzer, min_df=min(2, len(texts)), max_features=most)
        try:
            matrix = vectorizer.fit_transform(texts)
        except ValueError:  # scikit-learn's way to say that no term is left
            return cls(analyzer, [], np.empty(0)), sparse.csr_matrix((len(texts), 0))
        return cls(analyzer, [str(t) for t in vectorizer.get_feature_names_out()], np.asarray(vectorizer.idf_)), matrix

    def __call__(self, texts: Sequence[str]) -> Any:
        """Texts as a sparse matrix (n, n_terms)."""
        from scipy import sparse

        return self._vectorizer.transform(texts) if self.terms else sparse.csr_matrix((len(texts), 0))

    def state_dict(self) -> dict[str, np.ndarray]:
        """What was learned, as arrays."""
        names = json.dumps([self.analyzer, *self.terms], ensure_ascii=False).encode("utf-8", "surrogatepass")
        return {"terms": np.frombuffer(names, dtype=np.uint8).copy(), "idf": self.idf}

    @classmethod
    def of(cls, state: dict[str, np.ndarray]) -> "Terms":
        """What `state_dict` gave."""
        analyzer, *terms = json.loads(state["terms"].tobytes().decode("utf-8", "surrogatepass"))
        return cls(analyzer, terms, state["idf"])

    @cached_property
    def _vectorizer(self) -> Any:
        vectorizer = _new_vectorizer(self.analyzer, vocabulary={term: i for i, term in enumerate(self.terms)})
        vectorizer.idf_ = self.idf
        return vectorizer


def _new_vectorizer(analyzer: str, **more: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(sublinear_tf=True, lowercase=True, **_ANALYZERS[analyzer], **more)
