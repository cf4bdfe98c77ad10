"""A splitter: neighbouring rows are validated together."""

from collections.abc import Iterator

import numpy as np


def blocks(*, y: np.ndarray, n_splits: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of neighbouring rows, as where rows were measured one after the other.

    >>> [valid.tolist() for _, valid in blocks(y=np.zeros(5), n_splits=2)]
    [[0, 1, 2], [3, 4]]
    """
    rows = np.arange(len(y))
    for valid in np.array_split(rows, n_splits):
        yield np.setdiff1d(rows, valid), valid
