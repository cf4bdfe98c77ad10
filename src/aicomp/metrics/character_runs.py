"""Runs of characters that strings have in common, counted in many rows at once: what chrF is made of."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

ORDER = 6
_BITS = 63 // ORDER
"""Of a character in a number that holds a whole run."""

_ROWS = 4096
_CELLS = 1 << 20


def count_runs(truth: Sequence[str], predicted: Sequence[str]) -> np.ndarray:
    """Runs of 1 to 6 characters, blanks left out, over all rows, int64 (6, 3).

    Of each length: runs of the predictions (of rows whose truth has one), runs of the truths, and runs in common, each
    as often as both have it: the statistics of sacrebleu's chrF.

    >>> count_runs(["ab c"], ["abd"])[:3].tolist()  # a, b, ab are shared
    [[3, 3, 2], [2, 2, 1], [1, 1, 0]]
    """
    texts = [["".join(text.split()) for text in side] for side in (truth, predicted)]
    sizes = np.array([[len(text) for text in side] for side in texts], dtype=np.int64)
    found = np.zeros((ORDER, 3), dtype=np.int64)
    for n in range(ORDER):
        runs = np.maximum(sizes - n, 0)
        found[n, :2] = (runs[1] * (runs[0] > 0)).sum(), runs[0].sum()
    order = np.argsort(sizes.max(axis=0), kind="stable")  # rows of like length share a table
    for rows in _pieces(order, sizes.max(axis=0)):
        pair = [[side[i] for i in rows] for side in texts]
        found[:, 2] += _common(pair[0], pair[1])
    return found


def _pieces(order: np.ndarray, sizes: np.ndarray) -> Iterator[np.ndarray]:
    start = 0
    while start < len(order):
        end = min(start + _ROWS, len(order))
        end = max(start + 1, min(end, start + _CELLS // max(1, int(sizes[order[end - 1]]))))
        yield order[start:end]
        start = end


def _common(truth: list[str], predicted: list[str]) -> np.ndarray:
    """Runs in common of each length, over these rows."""
    joined = "".join(truth) + "".join(predicted)
    if not joined:
        return np.zeros(ORDER, dtype=np.int64)
    flat = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    present = np.zeros(int(flat.max()) + 1, dtype=np.int64)
    present[flat] = 1
    if present.sum() >= 1 << _BITS:
        if len(truth) == 1:
            return _common_of_pair(truth[0], predicted[0])
        half = len(truth) // 2
        found = _common(truth[:half], predicted[:half])
        found += _common(truth[half:], predicted[half:])
        return found
    codes = present.cumsum()[flat]  # from 1: 0 is no character
    sizes = np.array([[len(text) for text in side] for side in (truth, predicted)])
    tables = np.zeros((2, len(truth), int(sizes.max())), dtype=np.int64)
    tables[np.arange(tables.shape[2]) < sizes[:, :, None]] = codes
    found = np.zeros(ORDER, dtype=np.int64)
    keys = tables
    for n in range(min(ORDER, tables.shape[2])):
        if n:
            keys = (keys[:, :, :-1] << _BITS) | tables[:, :, n:]
            keys[tables[:, :, n:] == 0] = 0
        found[n] = _shared(keys[0], keys[1])
    return found


def _shared(truth: np.ndarray, predicted: np.ndarray) -> int:
    """Keys that both have in their row, each as often as both have it; 0 is none."""
    # Side by side in order, with the side in the last bit: of a key with h and r copies, min(h, r) are shared, which is
    # half of h + r - |h - r|.
    both = np.sort(np.concatenate([truth << 1, (predicted << 1) | 1], axis=1), axis=1).ravel()
    width = truth.shape[1] * 2
    signs = np.where(both & 1, 1, -1) * (both > 1)
    key = both >> 1
    starts = np.flatnonzero(np.append(True, (key[1:] != key[:-1]) | (np.arange(1, len(key)) % width == 0)))
    differences = np.abs(np.add.reduceat(signs, starts)).sum()
    return int((np.count_nonzero(signs) - differences) // 2)


def _common_of_pair(truth: str, text: str) -> np.ndarray:
    found = np.zeros(ORDER, dtype=np.int64)
    for n in range(1, ORDER + 1):
        runs = [Counter(side[i : i + n] for i in range(len(side) - n + 1)) for side in (truth, text)]
        found[n - 1] = sum((runs[0] & runs[1]).values())
    return found
