"""ROUGE: how many words, pairs of words, or words in their order a summary shares with the true one.

Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004. There are many variants. These are those of
Google's package rouge-score with its stemmer, F-measure, mean over rows: what summarization papers report. `rougeL`
takes a text as one sequence of words; `rougeLsum`, which cuts it at line breaks, is another metric.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

import numpy as np

from aicomp.errors import UsageError
from aicomp.metrics.checks import check_strings

PACKAGE = "rouge_score"

_Score = Callable[[Sequence[str], Sequence[str]], float]


def rouge1(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """ROUGE-1: F-measure of words, mean over rows, 0 to 1; higher is better. See the module.

    Raises:
        ValueError: The shapes differ, a value is no string, or no truth has a word of the letters a to z or a digit.
        UsageError: The package rouge-score is not installed.
    """
    return _mean(y_true, y_pred, lambda truth, text: _overlap(truth, text, 1))


def rouge2(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """ROUGE-2: F-measure of pairs of neighbouring words, mean over rows, 0 to 1; higher is better. See `rouge1`."""
    return _mean(y_true, y_pred, lambda truth, text: _overlap(truth, text, 2))


def rouge_l(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """ROUGE-L: F-measure of the longest common subsequence of words, mean over rows, 0 to 1; higher is better.

    See the module for the variant and `rouge1` for the errors.
    """
    return _mean(y_true, y_pred, lcs_f)


def rouge1_of(truth: str, text: str) -> float:
    """ROUGE-1 of one row."""
    return _overlap(words_of(truth), words_of(text), 1)


def rouge2_of(truth: str, text: str) -> float:
    """ROUGE-2 of one row."""
    return _overlap(words_of(truth), words_of(text), 2)


def rouge_l_of(truth: str, text: str) -> float:
    """ROUGE-L of one row."""
    return lcs_f(words_of(truth), words_of(text))


def lcs_f(truth: Sequence[str], text: Sequence[str]) -> float:
    """F-measure of the longest common subsequence of two lists of words.

    >>> lcs_f(["police", "killed", "the", "gunman"], ["police", "kill", "the", "gunman"])  # 3 of 4, Lin 2004
    0.75
    """
    return _f(common_subsequence(truth, text), len(truth), len(text))


def common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence, by the bits of a long integer.

    Hyyrö, "Bit-Parallel LCS-length Computation Revisited", AWOCA 2004: a row of the table is a number, so that a text
    of some hundred words takes as many additions.

    >>> common_subsequence("abcde", "badce")
    3
    """
    places: dict[str, int] = {}
    for i, item in enumerate(a):
        places[item] = places.get(item, 0) | 1 << i
    full = (1 << len(a)) - 1
    row = full
    for item in b:
        hits = row & places.get(item, 0)
        row = ((row + hits) | (row - hits)) & full
    return len(a) - row.bit_count()


@lru_cache(maxsize=200_000)
def words_of(text: str) -> tuple[str, ...]:
    """Stems of the words of a text, as rouge-score cuts them: lowercase, of the letters a to z and digits alone.

    Raises:
        UsageError: The package is not installed.
    """
    tokenize, stemmer = _rouge_score()
    return tuple(tokenize(text, stemmer))


class _Stemmer:
    """Porter's, as rouge-score uses it, which remembers the words that it has seen.

    Args:
        stem: Stems a word.
    """

    def __init__(self, stem: Callable[[str], str]) -> None:
        self.stem = cache(stem)


@cache
def _rouge_score() -> tuple[Callable[[str, _Stemmer], list[str]], _Stemmer]:
    try:
        from nltk.stem.porter import PorterStemmer  # rouge-score requires it
        from rouge_score.tokenize import tokenize
    except ImportError:
        raise UsageError("metrics of ROUGE need the package `rouge-score`", "pip install 'aicomp[seq2seq]'") from None
    return tokenize, _Stemmer(PorterStemmer().stem)


def _mean(y_true: np.ndarray, y_pred: np.ndarray, score: _Score) -> float:
    truth, predicted = check_strings(y_true, y_pred)
    of_truth = [words_of(text) for text in truth]
    if not any(of_truth):
        raise ValueError("no string of `y_true` has a word of the letters a to z: ROUGE is for English, take `chrf`")
    return float(np.mean([score(a, words_of(b)) for a, b in zip(of_truth, predicted, strict=True)]))


def _overlap(truth: Sequence[str], text: Sequence[str], n: int) -> float:
    runs = [Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1)) for words in (truth, text)]
    hits = sum((runs[0] & runs[1]).values())
    return _f(hits, sum(runs[0].values()), sum(runs[1].values()))


def _f(hits: int, n_truth: int, n_text: int) -> float:
    return 2 * hits / (n_truth + n_text) if hits else 0.0
