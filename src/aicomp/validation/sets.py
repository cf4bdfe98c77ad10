"""Sets of rows that hang together by pairs."""

import numpy as np


def joined_pairs(pairs: np.ndarray, n: int) -> np.ndarray:
    """Number of the set that each of n rows is in, int64 (n,): rows of a pair are in one set.

    >>> joined_pairs(np.array([[0, 2], [2, 3]]), 5).tolist()
    [0, 1, 0, 0, 2]
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(pairs), dtype=np.int8)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def neighbours(keys: np.ndarray) -> np.ndarray:
    """Pairs of rows with the same key, one after the other, int64 (n_pairs, 2).

    >>> neighbours(np.array([7, 8, 7, 7])).tolist()
    [[0, 2], [2, 3]]
    """
    order = np.argsort(keys, kind="stable")
    equal = np.flatnonzero(keys[order][1:] == keys[order][:-1])
    return np.stack([order[equal], order[equal + 1]], axis=1)
