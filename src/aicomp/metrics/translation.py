"""Metrics of translations as sacrebleu has them, and the share of rows that are right."""

from typing import Any

import numpy as np

from aicomp.errors import UsageError
from aicomp.metrics.character_runs import count_runs
from aicomp.metrics.checks import check_strings

PACKAGE = "sacrebleu"

_BETA = 2


def bleu(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """BLEU of all rows together, 0 to 100; higher is better.

    Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL 2002, with sacrebleu's
    defaults (Post, "A Call for Clarity in Reporting BLEU Scores", WMT 2018): words as mteval-v13a cuts them, case kept,
    one reference. Languages that are written without blanks want `chrf`.

    Args:
        y_true: References, strings (n,).
        y_pred: Translations, strings (n,).

    Raises:
        ValueError: The shapes differ, or a value is no string.
        UsageError: The package sacrebleu is not installed.
    """
    truth, predicted = check_strings(y_true, y_pred)
    # `force`: it would warn of texts that are cut into words already, as if by mistake.
    return float(_sacrebleu().corpus_bleu(predicted, [truth], force=True).score)


def chrf(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """chrF2 of all rows together, 0 to 100; higher is better.

    F-score of runs of up to six characters, recall twice as heavy (Popović, WMT 2015), as sacrebleu computes it, to the
    last digit: for any language. Precision and recall are means over the lengths of which both sides have runs.

    Args:
        y_true: References, strings (n,).
        y_pred: Translations, strings (n,).

    Raises:
        ValueError: The shapes differ, or a value is no string.

    >>> chrf(np.array(["abcd"], object), np.array(["abce"], object))  # (3/4 + 2/3 + 1/2 + 0) / 4
    47.91...
    """
    truth, predicted = check_strings(y_true, y_pred)
    shares = [
        (hits / n_pred, hits / n_true) for n_pred, n_true, hits in count_runs(truth, predicted) if n_pred and n_true
    ]
    if not shares:
        return 0.0
    precision, recall = (sum(map(float, side)) / len(shares) for side in zip(*shares, strict=True))
    if not precision + recall:
        return 0.0
    return 100 * ((1 + _BETA**2) * precision * recall / (_BETA**2 * precision + recall))


def exact_match(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Share of rows whose string is exactly the true one, 0 to 1; higher is better. Blanks at the ends do not count.

    Raises:
        ValueError: The shapes differ, or a value is no string.

    >>> exact_match(np.array(["a b", "c"], object), np.array(["a b ", "C"], object))
    0.5
    """
    truth, predicted = check_strings(y_true, y_pred)
    return float(np.mean([a.strip() == b.strip() for a, b in zip(truth, predicted, strict=True)]))


def _sacrebleu() -> Any:
    try:
        import sacrebleu
    except ImportError:
        raise UsageError("metric `bleu` needs the package `sacrebleu`", "pip install 'aicomp[seq2seq]'") from None
    return sacrebleu
