"""How much two submissions are alike, read from the very files that were sent."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from aicomp.competition import Competition
from aicomp.errors import DataError
from aicomp.grading.text_table import TextTable, match_ids, read_text_table
from aicomp.metrics.ranks import average_ranks
from aicomp.submission.history import Record
from aicomp.submission.ledger import file_hash


def similarity(competition: Competition, a: Record, b: Record) -> float | None:
    """Rank correlation of the predictions of two submissions, 1 for the same order; the mean over columns.

    None where a file is gone or has changed since it was sent, where a column never varies, and where the predictions
    are labels or strings, which have no order.
    """
    if competition.submission.wants in ("label", "string"):
        return None
    try:
        first, second = _sent_file(a), _sent_file(b)
        if first is None or second is None:
            return None
        for table in (first, second):
            table.need_columns(competition.submission.columns)
        rows = match_ids(first, second, competition.id)
        columns = [(first.numbers(c)[rows], second.numbers(c)) for c in competition.prediction_columns]
    except DataError:
        return None  # a file that was sent before the contract was changed
    found = [rank_correlation(x, y) for x, y in columns]
    known = [value for value in found if value is not None]
    return float(np.mean(known)) if len(known) == len(found) else None


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float | None:
    """Spearman's correlation of two columns, (n,) each; None if one of them never varies.

    >>> rank_correlation(np.array([1.0, 2.0, 9.0]), np.array([0.3, 0.2, 0.1]))
    -1.0
    """
    ranks = average_ranks(x), average_ranks(y)
    if min(r.std() for r in ranks) == 0:
        return None
    return round(float(np.corrcoef(*ranks)[0, 1]), 12)


def _sent_file(record: Record) -> TextTable | None:
    if record.attempt is None:
        return None
    path = Path(record.attempt.file)
    return _read(path, record.attempt.sha256) if path.is_file() else None


@lru_cache(maxsize=8)
def _read(path: Path, sha256: str) -> TextTable | None:
    """The file, if it is still the one that was sent."""
    return read_text_table(path) if file_hash(path) == sha256 else None
