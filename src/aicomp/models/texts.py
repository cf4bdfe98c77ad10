"""Networks that read texts: what training does for them, and texts as numbers of hashed terms.

A function marked by `reading_texts` builds a network with the method `tokens`. Its `forward` gets, beside numbers and
codes, a batch of what `tokens` made of the rows' texts, cut to the longest of the batch.
"""

import re
import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol, TypeGuard, TypeVar, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from aicomp.data.text import is_written_without_blanks

_Build = TypeVar("_Build", bound=Callable[..., nn.Module])

_WORD = re.compile(r"\w+|[^\w\s]")
_RUNS_OF_CHARACTERS = (1, 2, 3)
_RUNS_WITHIN_WORDS = (3, 4, 5)


@runtime_checkable
class ReadsTexts(Protocol):
    """What a network has that reads texts; it is an `nn.Module` all the same."""

    def tokens(self, texts: np.ndarray) -> Tensor:
        """Texts as numbers.

        Args:
            texts: Strings, object (n, n_text).

        Returns:
            int (n, length): numbers from 1, then zeros to the length of the longest row.
        """

    def forward(self, x_num: Tensor, x_cat: Tensor, tokens: Tensor) -> Tensor:
        """Outputs of a batch.

        Args:
            x_num: Numbers, (batch, n_num).
            x_cat: Codes, (batch, n_cat).
            tokens: Numbers of its texts, (batch, length).
        """


def reading_texts(build: _Build) -> _Build:
    """Mark a function that builds a network with the method `tokens`: columns of text are left to it."""
    build.reads_texts = True  # type: ignore[attr-defined]
    return build


def has_tokens(model: object) -> TypeGuard[ReadsTexts]:
    """Whether a network reads texts."""
    return isinstance(model, ReadsTexts)


def trimmed(tokens: Tensor) -> Tensor:
    """Tokens without the columns that are zero in every row, at least one column."""
    longest = int((tokens != 0).sum(1).max()) if len(tokens) else 0
    return tokens[:, : max(1, longest)]


def hashed_terms(texts: Sequence[str], n_buckets: int, most: int) -> Tensor:
    """Words, pairs of words and runs of characters of texts, each as one of some buckets.

    Of texts that blanks do not divide into words, runs of one to three characters (Bojanowski, Grave, Joulin, Mikolov,
    "Enriching Word Vectors with Subword Information", arXiv 1607.04606, and Joulin et al., arXiv 1607.01759, hash terms
    like this).

    Args:
        texts: The texts.
        n_buckets: Numbers that there are; terms that share one are not told apart.
        most: Terms of a text that are kept, the first ones.

    Returns:
        int32 (n, length): buckets from 1 to `n_buckets`, then zeros.
    """
    terms = _runs if is_written_without_blanks(texts) else _words
    return _hashed([terms(text) for text in texts], n_buckets, most)


def hashed_words(texts: Sequence[str], n_buckets: int, most: int) -> Tensor:
    """Words and signs of texts in their order, each as one of some buckets; characters where no blanks divide words.

    Args:
        texts: The texts.
        n_buckets: Numbers that there are.
        most: Words of a text that are kept, the first ones.

    Returns:
        int32 (n, length): buckets from 1 to `n_buckets`, then zeros.
    """
    cut = list if is_written_without_blanks(texts) else _WORD.findall
    return _hashed([cut(text.lower()) for text in texts], n_buckets, most)


def _hashed(terms: Sequence[Sequence[str]], n_buckets: int, most: int) -> Tensor:
    rows = [[zlib.crc32(t.encode("utf-8", "replace")) % n_buckets + 1 for t in row[:most]] for row in terms]
    found = np.zeros((len(rows), max([1, *map(len, rows)])), dtype=np.int32)
    for i, row in enumerate(rows):
        found[i, : len(row)] = row
    return torch.from_numpy(found)


def _words(text: str) -> list[str]:
    words = _WORD.findall(text.lower())
    within = [run for word in words if len(word) > 1 for run in _cut(f"<{word}>", _RUNS_WITHIN_WORDS)]
    pairs = [f"{first} {second}" for first, second in pairwise(words)]
    return [*words, *pairs, *within]


def _runs(text: str) -> list[str]:
    return _cut(text.lower(), _RUNS_OF_CHARACTERS)


def _cut(text: str, lengths: Sequence[int]) -> list[str]:
    return [text[i : i + n] for n in lengths for i in range(len(text) - n + 1)]
