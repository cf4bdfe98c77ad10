"""How far the values of a column in test are from those in train, and how far chance alone would put them."""

import math
from dataclasses import dataclass

import numpy as np

from aicomp.eda.columns import Values

_ALPHA = 0.01


@dataclass(frozen=True)
class Drift:
    """Train against test for one column.

    Attributes:
        measure: "KS", the largest difference of the shares of rows up to a value, for numbers; "TV", the share of rows
            that would have to get another level, for levels.
        distance: It, from 0 to 1, missing values aside.
        bound: What it stays below in 99 of 100 pages if test is drawn from the same rows as train, each by itself.
        missing: Share missing in test less that in train, of the rows that were looked at.
        missing_bound: As `bound`, of the size of `missing`.
    """

    measure: str
    distance: float
    bound: float
    missing: float
    missing_bound: float

    @property
    def is_beyond(self) -> bool:
        """Whether chance does not explain it."""
        return self.distance > self.bound

    @property
    def is_missing_beyond(self) -> bool:
        """Whether chance does not explain that more or less is missing."""
        return abs(self.missing) > self.missing_bound


def drift(values: Values, n_columns: int) -> Drift | None:
    """Compare train and test.

    Args:
        values: The column.
        n_columns: How many are compared: with more of them, chance reaches further.

    Returns:
        None where train or test has no value.
    """
    parts = [values.train, values.test]
    absent = [np.isnan(p) if values.is_number else p < 0 for p in parts]
    train, test = (p[~a] for p, a in zip(parts, absent, strict=True))
    if not len(train) or not len(test):
        return None
    alpha = _ALPHA / max(n_columns, 1)
    more = float(absent[1].mean() - absent[0].mean())
    pooled = float(np.concatenate(absent).mean())
    spread = math.sqrt(pooled * (1 - pooled) * (1 / len(absent[0]) + 1 / len(absent[1])))
    limit = _normal_quantile(1 - alpha / 2) * spread
    if values.is_number:
        return Drift("KS", ks(train, test), ks_bound(len(train), len(test), alpha), more, limit)
    counts = [np.bincount(p, minlength=len(values.levels or ())) for p in (train, test)]
    return Drift("TV", total_variation(counts[0], counts[1]), tv_bound(counts[0], counts[1], alpha), more, limit)


def ks(train: np.ndarray, test: np.ndarray) -> float:
    """Kolmogorov's and Smirnov's distance: the largest difference of both distribution functions.

    >>> ks(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6]))
    0.5
    """
    train, test = np.sort(train), np.sort(test)
    both = np.concatenate([train, test])
    below = [np.searchsorted(part, both, side="right") / len(part) for part in (train, test)]
    return float(np.abs(below[0] - below[1]).max())


def ks_bound(n_train: int, n_test: int, alpha: float) -> float:
    """What `ks` of two samples of one distribution exceeds with probability `alpha` at most, for large samples.

    Smirnov's limit: sqrt(ln(2 / alpha) / 2 * (1 / n_train + 1 / n_test)); exact in the limit, where values are
    continuous, and an upper bound where they are not.

    >>> round(ks_bound(100, 100, 0.05), 3)  # 1.358 * sqrt(2 / 100)
    0.192
    """
    return min(1.0, math.sqrt(math.log(2 / alpha) / 2 * (1 / n_train + 1 / n_test)))


def total_variation(train: np.ndarray, test: np.ndarray) -> float:
    """Half of the summed differences of shares.

    >>> total_variation(np.array([5, 5, 0]), np.array([5, 0, 5]))
    0.5
    """
    return float(np.abs(train / train.sum() - test / test.sum()).sum() / 2)


def tv_bound(train: np.ndarray, test: np.ndarray, alpha: float) -> float:
    """What `total_variation` of two samples of one distribution exceeds with probability `alpha` at most.

    Its mean, as the sum of the mean sizes of normal differences of shares, and by how much it exceeds its mean by
    McDiarmid's inequality: one row changes it by 1 / n.

    Args:
        train: Rows of each level.
        test: The same of test.
        alpha: The probability.
    """
    n_train, n_test = train.sum(), test.sum()
    share = (train + test) / (n_train + n_test)
    both = 1 / n_train + 1 / n_test
    mean = float(np.sqrt(share * (1 - share) * both).sum() * math.sqrt(2 / math.pi) / 2)
    return min(1.0, mean + math.sqrt(both * math.log(1 / alpha) / 2))


def _normal_quantile(probability: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(probability)
