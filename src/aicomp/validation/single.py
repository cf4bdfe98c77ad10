"""How much of a target a single column tells, out of fold: means of its bins or levels, learned on other rows."""

from dataclasses import dataclass

import numpy as np

N_PARTS = 5
_N_BINS = 64
_MOST_CLASSES = 20
_PRIOR_ROWS = 1.0
"""Rows with which the mean of all counts in the mean of a bin, so that a level of one row says little."""


@dataclass(frozen=True)
class Explained:
    """What a column tells.

    Attributes:
        share: Of the squared deviation of the targets from their mean; 0 is nothing, 1 all, below 0 is noise.
        z: The gain of a row, over its standard error: what is beyond noise is far above 3.
    """

    share: float
    z: float


def target_matrix(y: np.ndarray, problem_type: str) -> np.ndarray | None:
    """Targets as numbers whose means can be predicted, float64 (n, n_columns); None for strings.

    A column for each class, up to the twenty commonest; amounts are cut at their outermost thousandths, so that one
    row does not decide.
    """
    if problem_type == "string":
        return None
    if problem_type in ("binary", "multiclass"):
        counts = np.bincount(y)
        classes = np.argsort(-counts, kind="stable")[:_MOST_CLASSES]
        classes = classes[counts[classes] > 0]
        return np.asarray(y[:, None] == classes, dtype=np.float64)
    values = y.reshape(len(y), -1).astype(np.float64)
    low, high = np.nanquantile(values, [0.001, 0.999], axis=0)
    values = np.clip(values, low, high)
    spread = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def bins_of(values: np.ndarray) -> np.ndarray:
    """A number's bin, int64 (n,): its level where there are few, else between quantiles; missing is one of its own.

    >>> bins_of(np.array([3.0, 1.0, np.nan, 3.0])).tolist()
    [1, 0, 2, 1]
    """
    known = values[~np.isnan(values)]
    levels = np.unique(known)
    is_many = len(levels) > 4 * _N_BINS
    edges = np.unique(np.quantile(known, np.arange(1, _N_BINS) / _N_BINS)) if is_many else levels[1:]
    bins = np.searchsorted(edges, values, side="right")
    return np.where(np.isnan(values), len(edges) + 1, bins)


def most_explained(values: np.ndarray, targets: np.ndarray) -> float:
    """The larger share that a number tells by its bins and by its neighbours, so that few rows suffice to be sure."""
    return max(explained(bins_of(values), targets).share, _by_neighbours(values, targets))


def _by_neighbours(values: np.ndarray, targets: np.ndarray) -> float:
    """What is told by the mean of the rows before and behind a row, if all are sorted by a number."""
    if len(values) < 3:
        return 0.0
    shuffled = np.random.default_rng(0).permutation(len(values))  # so that equal values have no order
    sorted_ = targets[shuffled[np.argsort(values[shuffled], kind="stable")]]
    inner, total = sorted_[1:-1], ((sorted_ - sorted_.mean(axis=0)) ** 2)[1:-1].sum()
    errors = (inner - (sorted_[:-2] + sorted_[2:]) / 2) ** 2
    return float(1 - errors.sum() / total) if total else 0.0


def explained(codes: np.ndarray, targets: np.ndarray) -> Explained:
    """What bins or levels tell of targets, each row by means of rows of other parts.

    Args:
        codes: Bin or level of each row, -1 is missing; int64 (n,).
        targets: Of `target_matrix`, (n, n_columns).

    >>> y = np.repeat([[0.0], [1.0]], 50, axis=0)
    >>> round(explained(y[:, 0].astype(int), y).share, 2)
    1.0
    """
    codes = codes - codes.min()
    part = np.random.default_rng(0).permutation(len(codes)) % N_PARTS
    cells = codes * N_PARTS + part
    n_levels = int(codes.max()) + 1
    counts = np.bincount(cells, minlength=n_levels * N_PARTS).reshape(n_levels, N_PARTS)
    sizes = np.bincount(part, minlength=N_PARTS)
    gain, total = np.zeros(len(codes)), 0.0
    for target in targets.T:
        sums = np.bincount(cells, target, minlength=n_levels * N_PARTS).reshape(n_levels, N_PARTS)
        prior = (sums.sum() - sums.sum(axis=0)) / np.maximum(1, len(codes) - sizes)
        others = counts.sum(axis=1, keepdims=True) - counts
        means = (sums.sum(axis=1, keepdims=True) - sums + _PRIOR_ROWS * prior) / (others + _PRIOR_ROWS)
        before = (target - prior[part]) ** 2
        gain += before - (target - means[codes, part]) ** 2
        total += before.sum()
    error = gain.std() / np.sqrt(len(gain))
    return Explained(float(gain.sum() / total) if total else 0.0, float(gain.mean() / error) if error else 0.0)


def auc(scores: np.ndarray, is_positive: np.ndarray) -> float:
    """Area under the ROC: how often a positive row has the higher score, ties count one half.

    >>> auc(np.array([1.0, 2.0, 3.0]), np.array([False, True, True]))
    1.0
    """
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[inverse]
    n = int(is_positive.sum())
    m = len(scores) - n
    return float((ranks[is_positive].sum() - n * (n + 1) / 2) / (n * m)) if n and m else 0.5


def auc_error(n: int, m: int) -> float:
    """Standard deviation of the area under the ROC if there is no difference (Mann and Whitney, 1947).

    >>> round(auc_error(100, 100), 4)
    0.0409
    """
    return float(np.sqrt((n + m + 1) / (12 * n * m)))
