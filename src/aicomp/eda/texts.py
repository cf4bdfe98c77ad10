"""Columns of text: how long they are, which words are frequent, and which set classes apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aicomp.data.text import is_written_without_blanks
from aicomp.eda.target import Target

_MOST_ROWS = 20_000
_MOST_TERMS = 20_000
_SHOWN = 15
_MOST_GROUPS = 8
_PRIOR = 0.01
_SURE = 3.0


@dataclass(frozen=True)
class Term:
    """A word, or a run of characters where no blanks stand between words.

    Attributes:
        text: It.
        share: Share of the group's texts that hold it; likewise `elsewhere`.
        elsewhere: Share of the other texts; NaN where there are no others.
    """

    text: str
    share: float
    elsewhere: float


@dataclass(frozen=True)
class TermGroup:
    """Terms of some texts: the frequent ones of all, or those that set a class apart, the surest first."""

    name: str
    n_texts: int
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class TextColumn:
    """A column of text.

    Attributes:
        name: The column.
        characters: Of each text of train and of test, 0 where it is missing.
        words: As `characters`; parts between blanks.
        repeated: Share of train's texts that repeat another one.
        by_words: Whether terms are words; else runs of two and three characters.
        frequent: The terms that most texts hold.
        groups: Terms that classes (of values, the upper and the lower half) have more often than the others.
        n_rows: Texts that terms were counted in.
    """

    name: str
    characters: tuple[np.ndarray, np.ndarray]
    words: tuple[np.ndarray, np.ndarray]
    repeated: float
    by_words: bool
    frequent: TermGroup
    groups: tuple[TermGroup, ...]
    n_rows: int


def read_texts(name: str, train: Sequence[str], test: Sequence[str], target: Target | None) -> TextColumn:
    """Look at a column of text.

    Args:
        name: The column.
        train: Its texts in train, "" where missing.
        test: Likewise.
        target: Of the rows of train; None where texts are not to be set apart by it.
    """
    looked = np.random.default_rng(0).permutation(len(train))[:_MOST_ROWS]
    shown = [train[i] for i in looked]
    by_words = not is_written_without_blanks(shown)
    terms, counts = _count(shown, by_words)
    groups = [] if target is None else _groups(target.take(looked), terms, counts)
    n_all = np.asarray(counts.sum(axis=0)).ravel() if terms else np.empty(0)
    order = np.argsort(-n_all, kind="stable")[:_SHOWN]
    frequent = tuple(Term(terms[i], float(n_all[i] / len(shown)), np.nan) for i in order)
    present = [t for t in train if t]
    return TextColumn(
        name=name,
        characters=(_sizes(train, len), _sizes(test, len)),
        words=(_sizes(train, _n_words), _sizes(test, _n_words)),
        repeated=1 - len(set(present)) / len(present) if present else 0.0,
        by_words=by_words,
        frequent=TermGroup("all texts", len(shown), frequent),
        groups=tuple(groups),
        n_rows=len(shown),
    )


def _n_words(text: str) -> int:
    return len(text.split())


def _sizes(texts: Sequence[str], size: Any) -> np.ndarray:
    return np.array([size(t) for t in texts], dtype=np.int64)


def _count(texts: Sequence[str], by_words: bool) -> tuple[list[str], Any]:
    """Terms, and whether each text holds each of them as a sparse matrix of 0 and 1."""
    from sklearn.feature_extraction.text import CountVectorizer

    if by_words:
        vectorizer = CountVectorizer(token_pattern=r"(?u)\w\w+", max_features=_MOST_TERMS, binary=True)
    else:
        vectorizer = CountVectorizer(analyzer="char", ngram_range=(2, 3), max_features=_MOST_TERMS, binary=True)
    try:
        counts = vectorizer.fit_transform(texts)
    except ValueError:  # scikit-learn's way to say that there is no term
        return [], None
    terms = [str(term) for term in vectorizer.get_feature_names_out()]
    kept = [i for i, term in enumerate(terms) if by_words or term.isalpha()]
    return [terms[i] for i in kept], counts[:, kept]


def _groups(target: Target, terms: list[str], counts: Any) -> list[TermGroup]:
    if not terms:
        return []
    if target.form == "classes":
        names = list(target.counts)
        common = sorted(range(len(names)), key=lambda i: -target.counts[names[i]])[:_MOST_GROUPS]
        parts = [(names[i], target.y == i) for i in sorted(common)]
    elif target.form == "labels":
        parts = [(name, target.numbers[:, j] == 1) for j, name in enumerate(target.names)]
    elif target.form == "values" and len(target.names) == 1:
        middle = np.median(target.y)
        parts = [("upper half of the target", target.y > middle), ("lower half of the target", target.y <= middle)]
    else:
        return []
    return [_apart(name, rows, terms, counts) for name, rows in parts if 0 < rows.sum() < len(rows)]


def _apart(name: str, rows: np.ndarray, terms: list[str], counts: Any) -> TermGroup:
    """Terms that some texts have more often than the others.

    By the log-odds ratio over its standard deviation, with a prior of a hundredth of all texts: Monroe, Colaresi,
    Quinn, "Fightin' Words", Political Analysis 16, 2008.
    """
    inside = np.asarray(counts[rows].sum(axis=0)).ravel()
    outside = np.asarray(counts[~rows].sum(axis=0)).ravel()
    n_in, n_out = int(rows.sum()), int((~rows).sum())
    prior = _PRIOR * (inside + outside) + 0.01
    a, b = inside + prior, outside + prior
    odds = [np.log(x / (n + _PRIOR * len(rows) + 0.02 - x)) for x, n in ((a, n_in), (b, n_out))]
    z = (odds[0] - odds[1]) / np.sqrt(1 / a + 1 / b)
    order = [i for i in np.argsort(-z, kind="stable")[:_SHOWN] if z[i] > _SURE]
    return TermGroup(
        name, n_in, tuple(Term(terms[i], float(inside[i] / n_in), float(outside[i] / n_out)) for i in order)
    )
