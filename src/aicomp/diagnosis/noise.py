"""How sure a score of some rows is, and which of many scores are beyond noise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aicomp.errors import DataError

N_BLOCKS = 20
"""Blocks of the jackknife: each is left out once."""

CONFIDENCE = 0.95

Score = Callable[[np.ndarray], float]
"""Score of some rows, by their places; raises DataError where it is not defined for them."""


@dataclass(frozen=True)
class ScoreInterval:
    """A score and where it would lie for other rows of the same kind, with a confidence of 95 %.

    Attributes:
        score: Of the rows.
        error: Its standard error.
        low: Lower end.
        high: Upper end.
    """

    score: float
    error: float
    low: float
    high: float

    def within(self, best: float | None, *, greater_is_better: bool) -> "ScoreInterval":
        """The interval without what lies beyond the best score that there can be; None for no such.

        >>> ScoreInterval(0.9, 0.1, 0.7, 1.1).within(1.0, greater_is_better=True).high
        1.0
        """
        if best is None:
            return self
        if greater_is_better:
            return replace(self, high=max(self.score, min(self.high, best)))
        return replace(self, low=min(self.score, max(self.low, best)))


def blocks_of(n: int, clusters: np.ndarray | None = None) -> np.ndarray:
    """A block of each row, 0 to 19, drawn once and for all; rows of one cluster are in the same one.

    Args:
        n: Number of rows.
        clusters: Number of each row's cluster, from 0; None where each row stands for itself.
    """
    if clusters is None:
        return np.asarray(np.random.default_rng(0).permutation(n) % N_BLOCKS)
    order = np.random.default_rng(0).permutation(int(clusters.max(initial=-1)) + 1)
    return np.asarray(order[clusters] % N_BLOCKS)


def jackknife(score: Score, rows: np.ndarray, blocks: np.ndarray) -> ScoreInterval:
    """Score and interval of some rows, by leaving out a block of them at a time.

    The error is sqrt((g - 1) / g * sum((s_b - mean(s_b)) ** 2)) over the g blocks that have rows, the interval that of
    Student with g - 1 degrees of freedom (Kott, "The delete-a-group jackknife", 2001).

    Args:
        score: See `Score`.
        rows: Places of the rows.
        blocks: Block of each row of all, by place.

    Raises:
        DataError: All rows lie in one block, or the score is not defined without one of the blocks.

    >>> values = np.arange(20.0)
    >>> found = jackknife(lambda rows: float(values[rows].mean()), np.arange(20), np.arange(20))
    >>> found.score, round(found.error, 4)  # of a mean the usual standard error: 5.9161 / sqrt(20)
    (9.5, 1.3229)
    """
    whole, left, freedom = replicates(score, rows, blocks)
    return interval(whole, error_of(left), freedom)


def replicates(score: Score, rows: np.ndarray, blocks: np.ndarray) -> tuple[float, np.ndarray, int]:
    """Score of some rows, their scores without each block, (20,), and the degrees of freedom of an error made of these.

    Raises:
        DataError: See `jackknife`.
    """
    of_rows = blocks[rows]
    present = np.unique(of_rows)
    if len(present) < 2:
        raise DataError("the rows belong together, so that how sure their score is cannot be told")
    whole = score(rows)
    left = np.full(N_BLOCKS, whole)  # a block of which the rows have none takes nothing away
    left[present] = [score(rows[of_rows != b]) for b in present]
    return whole, left, len(present) - 1


def error_of(left: np.ndarray) -> float:
    """Standard error by scores without each block."""
    return float(np.sqrt((len(left) - 1) / len(left) * ((left - left.mean()) ** 2).sum()))


def interval(score: float, error: float, freedom: float) -> ScoreInterval:
    """Interval of a score by Student's distribution."""
    from scipy.special import stdtrit

    reach = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    return ScoreInterval(float(score), float(error), float(score - reach), float(score + reach))


def holm(p_values: Sequence[float]) -> np.ndarray:
    """P-values corrected for how many there are (Holm, 1979): below 0.05 together in 5 % of the cases by chance alone.

    >>> holm([0.01, 0.04, 0.03]).tolist()  # 3 * 0.01, then 2 * 0.03, and no later one is smaller
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * (len(values) - np.arange(len(values)))
    found = np.empty(len(values))
    found[order] = np.minimum(1.0, np.maximum.accumulate(scaled))
    return found


def wilson(successes: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of shares (Wilson, 1927), which hold for shares of 0 and 1 too.

    >>> low, high = wilson(np.array([4.0]), np.array([4.0]))  # 4 / (4 + 1.96^2)
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (0.51, 1.0)
    """
    z = 1.959964
    share = successes / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # Rounding must not leave a share of 0 or 1 outside its own interval.
    return np.clip(middle - reach, 0.0, share), np.clip(middle + reach, share, 1.0)
