"""Metrics of strings that count edits: words or characters that are put in, left out or replaced."""

from collections.abc import Sequence

import numpy as np

from aicomp.metrics.checks import check_strings
from aicomp.metrics.edits import edit_distances


def wer(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Word error rate; lower is better, 0 is perfect, and it may exceed 1.

    Edits of words over all rows, divided by the words of all truths. Words stand between blanks; nothing is
    lowercased, and signs are parts of words.

    Args:
        y_true: Strings, (n,).
        y_pred: Strings, (n,).

    Raises:
        ValueError: The shapes differ, a value is no string, or no truth has a word.

    >>> wer(np.array(["the cat sat"], object), np.array(["the bat sat down"], object))  # one replaced, one too many
    0.6666666666666666
    """
    truth, predicted = check_strings(y_true, y_pred)
    return _rate([text.split() for text in truth], [text.split() for text in predicted], "word")


def cer(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Character error rate; lower is better, 0 is perfect, and it may exceed 1.

    Edits of characters over all rows, blanks included, divided by the characters of all truths.

    Args:
        y_true: Strings, (n,).
        y_pred: Strings, (n,).

    Raises:
        ValueError: The shapes differ, a value is no string, or no truth has a character.

    >>> cer(np.array(["kitten"], object), np.array(["sitting"], object))
    0.5
    """
    truth, predicted = check_strings(y_true, y_pred)
    return _rate(truth, predicted, "character")


def _rate(truth: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], unit: str) -> float:
    total = sum(map(len, truth))
    if not total:
        raise ValueError(f"no string of `y_true` has a {unit}")
    return int(edit_distances(truth, predicted).sum()) / total
