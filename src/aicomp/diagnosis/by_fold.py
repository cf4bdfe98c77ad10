"""Whether the folds differ by more than chance."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from aicomp.diagnosis.noise import blocks_of, jackknife
from aicomp.diagnosis.rows import Validated
from aicomp.errors import DataError
from aicomp.run import Run

_MOST_ROWS = 20_000


@dataclass(frozen=True)
class FoldScore:
    """One fold.

    Attributes:
        fold: Its number, from 0.
        n: Rows that it validated.
        score: As the run recorded it.
        error: Standard error of that, by its rows; None where they do not tell.
        loss: Mean loss of its rows.
    """

    fold: int
    n: int
    score: float
    error: float | None
    loss: float | None


@dataclass(frozen=True)
class ByFold:
    """The folds.

    Attributes:
        folds: Each of them.
        mean: Mean score.
        p_value: How likely folds of like rows differ as much by chance (chi squared, weighted by their errors); None
            where that cannot be told.
    """

    folds: tuple[FoldScore, ...]
    mean: float
    p_value: float | None

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def find_folds(validated: Validated, run: Run) -> ByFold:
    """Scores of the folds beside how sure each is."""
    recorded = run.scores
    found = []
    for k, score in enumerate(recorded["folds"]):
        rows = np.flatnonzero(validated.fold == k)
        losses = validated.losses[rows]
        known = losses[np.isfinite(losses)]
        n = len(run.predictions(k)["valid_rows"])
        found.append(FoldScore(k, n, score, _error(validated, rows, n), float(known.mean()) if len(known) else None))
    return ByFold(tuple(found), recorded["mean"], spread(found))


def _error(validated: Validated, rows: np.ndarray, n: int) -> float | None:
    if len(rows) < n:  # rows that were validated more than once count for another fold here
        return None
    most = _MOST_ROWS if not validated.task.is_string else 500
    drawn = rows[np.random.default_rng(0).permutation(len(rows))[:most]]
    task, y, final = validated.task, validated.y, validated.final
    try:
        error = jackknife(
            lambda of: task.score_final(y[of], final[of]), drawn, blocks_of(len(validated), validated.clusters)
        ).error
    except DataError:
        return None
    return error * float(np.sqrt(len(drawn) / len(rows)))


def spread(folds: list[FoldScore]) -> float | None:
    """P-value of the folds' differences.

    >>> spread([FoldScore(k, 9, s, 0.1, 0.0) for k, s in enumerate((1.0, 1.2))])  # chi squared 2 of 1 degree
    0.157...
    """
    from scipy.special import chdtrc

    if len(folds) < 2 or any(f.error is None or f.error == 0 for f in folds):
        return None
    scores, errors = np.array([f.score for f in folds]), np.array([f.error for f in folds], dtype=np.float64)
    weights = 1 / errors**2
    middle = (weights @ scores) / weights.sum()
    return float(chdtrc(len(folds) - 1, weights @ (scores - middle) ** 2))
