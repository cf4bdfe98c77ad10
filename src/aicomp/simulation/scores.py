"""What episodes are worth together: the metric of a simulation, with an interval."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and where the true one lies with a confidence of 95 %.

    Attributes:
        mean: Of the episodes' scores.
        low: Lower end.
        high: Upper end.
        n: Number of episodes.
    """

    mean: float
    low: float
    high: float
    n: int

    def text(self) -> str:
        """For people."""
        return f"{self.mean:.5g} (95 % interval {self.low:.5g} to {self.high:.5g}, {self.n} episodes)"

    def content(self) -> dict[str, Any]:
        """For programs."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "episodes": self.n}


def interval(metric: str, scores: np.ndarray) -> Interval:
    """Mean and interval of episodes.

    Args:
        metric: See `competition_checks.SIMULATION_METRICS`.
        scores: Of the episodes, (n,): returns, or 1, 0.5 and 0 for a game won, drawn and lost.
    """
    return of_share(scores) if metric == "win_rate" else of_mean(scores)


def of_mean(scores: np.ndarray) -> Interval:
    """By the distribution of Student.

    >>> of_mean(np.array([1.0, 2.0, 3.0]))  # 4.303 is the quantile for 2 degrees of freedom, 1 / sqrt(3) the error
    Interval(mean=2.0, low=-0.484..., high=4.484..., n=3)
    """
    from scipy.stats import t

    n, mean = len(scores), float(np.mean(scores))
    error = float(np.std(scores, ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    reach = float(t.ppf((1 + CONFIDENCE) / 2, max(1, n - 1))) * error
    return Interval(mean, mean - reach, mean + reach, n)


def of_share(scores: np.ndarray) -> Interval:
    """By Wilson (1927), which holds for shares of 0 and 1 too; a draw counts as half a game won.

    >>> round(of_share(np.ones(4)).low, 3)  # 4 / (4 + 1.96^2)
    0.51
    """
    n, share, z = len(scores), float(np.mean(scores)), 1.959964
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return Interval(share, max(0.0, middle - reach), min(1.0, middle + reach), n)
