"""One string from several: the one that is most like the others, for strings have no mean."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

Similarity = Callable[[str, str], float]
"""How good the second string would be if the first one were the truth; higher is better."""

_ORDER = 6
_BETA = 2


def consensus(candidates: Sequence[str], weights: Sequence[float], similarity: Similarity) -> str:
    """The candidate that is most like the others: minimum Bayes risk decoding.

    What scores best on average if each of the others were the truth (Kumar, Byrne, "Minimum Bayes-Risk Decoding for
    Statistical Machine Translation", NAACL 2004). Of equal ones, the heavier, then the earlier one is taken.

    Args:
        candidates: Predictions of one row, at least one.
        weights: Of each.
        similarity: Its truth comes first.

    >>> consensus(["the dog", "a cat", "a cat sat"], [1, 1, 1], chrf_similarity)  # recall counts more
    'a cat sat'
    """
    distinct = list(dict.fromkeys(candidates))
    if len(distinct) == 1:
        return distinct[0]
    mass = dict.fromkeys(distinct, 0.0)
    for candidate, weight in zip(candidates, weights, strict=True):
        mass[candidate] += weight
    best = distinct[0]
    best_gain = (-np.inf, -np.inf)
    for candidate in distinct:
        # Its own copies count as others that it matches; itself counts too, by the same weight for every candidate.
        gain = sum(mass[truth] * similarity(truth, candidate) for truth in distinct)
        if (round(gain, 12), mass[candidate]) > best_gain:
            best, best_gain = candidate, (round(gain, 12), mass[candidate])
    return best


def chrf_similarity(truth: str, text: str) -> float:
    """F-score of runs of one to six characters, blanks left out, recall twice as heavy; between 0 and 1.

    chrF of one sentence (Popović, "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015), as the mean
    of precisions and of recalls over the orders that both strings have.

    >>> chrf_similarity("cat", "cat"), chrf_similarity("cat", "dog"), chrf_similarity("", "cat")
    (1.0, 0.0, 0.0)
    """
    if truth == text:
        return 1.0
    shares = []
    for of_truth, of_text in zip(_runs(truth), _runs(text), strict=True):
        if of_truth and of_text:
            hits = sum((of_truth & of_text).values())
            shares.append((hits / sum(of_text.values()), hits / sum(of_truth.values())))
    if not shares:
        return 0.0
    precision, recall = np.mean(shares, axis=0)
    bottom = _BETA**2 * precision + recall
    return float((1 + _BETA**2) * precision * recall / bottom) if bottom else 0.0


@lru_cache(maxsize=64)
def _runs(text: str) -> tuple[Counter[str], ...]:
    """How often each run of characters is there, by length."""
    joined = "".join(text.split())
    return tuple(Counter(joined[i : i + n] for i in range(len(joined) - n + 1)) for n in range(1, _ORDER + 1))
