"""Deal rows to folds evenly: by stratum, by group, by label, by time.

scikit-learn's splitters do less than folds here need: `StratifiedKFold` refuses data whose classes are all smaller
than the number of folds, `StratifiedGroupKFold` may leave a fold empty, `TimeSeriesSplit` cuts between rows of the same
time, and none of them stratifies several labels.
"""

import numpy as np


def deal(strata: np.ndarray, n_splits: int, rng: np.random.Generator) -> np.ndarray:
    """Deal rows that are sorted by stratum, and shuffled within, like cards.

    The size of a fold and its rows of one stratum are then both within one row of the ideal.

    Args:
        strata: Stratum of each row, (n,).
        n_splits: Number of folds.
        rng: Shuffles.

    Returns:
        Fold of each row, int64 (n,).
    """
    order = rng.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    folds = np.empty(len(strata), dtype=np.int64)
    folds[order] = np.arange(len(strata)) % n_splits
    return folds


def deal_groups(groups: np.ndarray, strata: np.ndarray, n_splits: int, rng: np.random.Generator) -> np.ndarray:
    """Deal whole groups so that folds are alike in size and in their share of each stratum.

    Groups, large ones first, go one by one to the fold where the sum over folds and strata of the squared share of the
    stratum grows least; all rows count as one more stratum. No fold stays empty, as rows in an empty one cost nothing.

    Args:
        groups: Code of each row's group, 0 to n_groups - 1, int64 (n,), with n_groups >= n_splits.
        strata: Stratum of each row, (n,).
        n_splits: Number of folds.
        rng: Orders groups of the same size.

    Returns:
        Fold of each row, int64 (n,).
    """
    levels, codes = np.unique(strata, return_inverse=True)
    counts = np.zeros((int(groups.max()) + 1, len(levels) + 1))
    np.add.at(counts, (groups, codes), 1)
    counts[:, -1] = counts[:, :-1].sum(axis=1)
    shares = counts / counts.sum(axis=0)
    order = rng.permutation(len(shares))
    order = order[np.argsort(-np.square(shares[order]).sum(axis=1), kind="stable")]
    held = np.zeros((n_splits, shares.shape[1]))
    folds = np.empty(len(shares), dtype=np.int64)
    for g in order:
        # The sum of (held + share)² over all folds grows by 2 held·share + share²; only held·share tells folds apart.
        folds[g] = np.argmin(held @ shares[g])
        held[folds[g]] += shares[g]
    return np.asarray(folds[groups])


def deal_labels(y: np.ndarray, n_splits: int, rng: np.random.Generator) -> np.ndarray:
    """Deal rows by iterative stratification: rows of the rarest label first, to the fold that lacks it most.

    Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-Label Data", ECML PKDD 2011, algorithm 1.

    Args:
        y: Whether a row has a label, bool (n, n_labels), n >= n_splits.
        n_splits: Number of folds.
        rng: Shuffles, and breaks ties.

    Returns:
        Fold of each row, int64 (n,).
    """
    n = len(y)
    lacks_rows = np.full(n_splits, n / n_splits)
    lacks = np.tile(y.sum(axis=0) / n_splits, (n_splits, 1))
    sizes = np.zeros(n_splits, dtype=np.int64)
    folds = np.full(n, -1)
    for row, label in _rarest_first(y, rng.permutation(n)):
        wish = lacks_rows if label < 0 else lacks[:, label]
        # The paper's algorithm may leave a fold empty where rows are few: the last rows are kept for such folds.
        n_empty = np.count_nonzero(sizes == 0)
        closed = (sizes > 0) & (n - sizes.sum() <= n_empty)
        k = np.lexsort((rng.random(n_splits), -lacks_rows, -wish, closed))[0]
        folds[row] = k
        sizes[k] += 1
        lacks_rows[k] -= 1
        lacks[k] -= y[row]
    return folds


def _rarest_first(y: np.ndarray, order: np.ndarray) -> list[tuple[int, int]]:
    """Rows with the label for which each is dealt: the rarest among the rows that are left; -1 for rows without any."""
    dealt: list[tuple[int, int]] = []
    left = order
    while (counts := y[left].sum(axis=0)).any():
        label = int(np.argmin(np.where(counts > 0, counts, len(y) + 1)))
        has = y[left, label]
        dealt += [(int(row), label) for row in left[has]]
        left = left[~has]
    return dealt + [(int(row), -1) for row in left]


def cut_times(counts: np.ndarray, n_splits: int) -> np.ndarray:
    """Cut distinct times into n_splits + 1 stretches of about equally many rows.

    Args:
        counts: Rows of each distinct time, in order, (n_times,) with n_times > n_splits.
        n_splits: Number of folds.

    Returns:
        First time of each stretch but the first, then n_times; strictly increasing, int64 (n_splits + 1,).

    >>> cut_times(np.array([1, 1, 1, 1, 1, 1]), 2)
    array([2, 4, 6])
    >>> cut_times(np.array([9, 1, 1]), 2)  # most rows have the first time
    array([1, 2, 3])
    """
    rows_before = np.concatenate([[0], np.cumsum(counts)])
    ideal = np.arange(1, n_splits + 1) * rows_before[-1] / (n_splits + 1)
    steps = np.arange(n_splits)
    cuts = _nearest(rows_before, ideal)
    cuts = np.maximum.accumulate(np.maximum(cuts, 1) - steps) + steps  # a cut lies at least one time after the last
    cuts = np.minimum(cuts, len(counts) - n_splits + steps)  # and leaves a time to each that follows
    return np.append(cuts, len(counts))


def _nearest(ascending: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Position in `ascending` of the entry nearest to each value."""
    right = np.clip(np.searchsorted(ascending, values), 1, len(ascending) - 1)
    left_is_nearer = values - ascending[right - 1] <= ascending[right] - values
    return np.where(left_is_nearer, right - 1, right)
