"""Metrics of strings that count words in common, and mean numbers of edits."""

from collections import Counter

import numpy as np

from aicomp.metrics.checks import check_strings
from aicomp.metrics.edits import edit_distances


def levenshtein(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean number of edits of characters that make the prediction the truth; lower is better, 0 is perfect.

    The measure of Kaggle's Bristol-Myers Squibb Molecular Translation (2021).

    Args:
        y_true: Strings, (n,).
        y_pred: Strings, (n,).

    Raises:
        ValueError: The shapes differ, or a value is no string.

    >>> levenshtein(np.array(["kitten", "a"], object), np.array(["sitting", "a"], object))  # (3 + 0) / 2
    1.5
    """
    truth, predicted = check_strings(y_true, y_pred)
    return float(np.mean(edit_distances(truth, predicted)))


def normalized_total_levenshtein(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """(characters of all truths - edits of all rows) / characters of all truths; higher is better, 1 is perfect.

    The measure of Kaggle's Google ASL Fingerspelling Recognition (2023). It is 1 - `cer` and may be negative.

    Args:
        y_true: Strings, (n,).
        y_pred: Strings, (n,).

    Raises:
        ValueError: The shapes differ, a value is no string, or no truth has a character.

    >>> normalized_total_levenshtein(np.array(["kitten"], object), np.array(["sitting"], object))  # (6 - 3) / 6
    0.5
    """
    truth, predicted = check_strings(y_true, y_pred)
    total = sum(map(len, truth))
    if not total:
        raise ValueError("no string of `y_true` has a character")
    return (total - int(edit_distances(truth, predicted).sum())) / total


def word_jaccard(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over rows of (distinct words in common) / (distinct words of both); higher is better, 1 is perfect.

    Words are lowercased and stand between blanks: the measure of Kaggle's Tweet Sentiment Extraction and of chaii
    (2020, 2021). Where both strings are empty, the functions on Kaggle's pages divide 0 by 0; here such a row is right.

    Args:
        y_true: Strings, (n,).
        y_pred: Strings, (n,).

    Raises:
        ValueError: The shapes differ, or a value is no string.

    >>> word_jaccard(np.array(["A good day"], object), np.array(["good day today"], object))  # 2 of 4
    0.5
    """
    truth, predicted = check_strings(y_true, y_pred)
    return float(np.mean([word_jaccard_of(a, b) for a, b in zip(truth, predicted, strict=True)]))


def word_jaccard_of(truth: str, text: str) -> float:
    """`word_jaccard` of one row."""
    a, b = set(truth.lower().split()), set(text.lower().split())
    return len(a & b) / len(a | b) if a | b else 1.0


def word_f1(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean over rows of the F1 of words, each as often as it is there; higher is better, 1 is perfect.

    2 * common / (words of the truth + words of the prediction): the F1 of SQuAD (Rajpurkar et al., EMNLP 2016) without
    its leaving out of articles and signs; words are lowercased and stand between blanks. Two empty strings score 1.

    Args:
        y_true: Strings, (n,).
        y_pred: Strings, (n,).

    Raises:
        ValueError: The shapes differ, or a value is no string.

    >>> word_f1(np.array(["a good day"], object), np.array(["good day day"], object))  # 2 * 2 / (3 + 3)
    0.666...
    """
    truth, predicted = check_strings(y_true, y_pred)
    return float(np.mean([word_f1_of(a, b) for a, b in zip(truth, predicted, strict=True)]))


def word_f1_of(truth: str, text: str) -> float:
    """`word_f1` of one row."""
    a, b = truth.lower().split(), text.lower().split()
    return 2 * sum((Counter(a) & Counter(b)).values()) / (len(a) + len(b)) if a or b else 1.0
