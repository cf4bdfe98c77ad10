"""How sure the difference of two scores on the same rows is."""

from collections.abc import Callable

import numpy as np

from aicomp.last_step.counts import COUNT_SCORES
from aicomp.task import Task

N_BLOCKS = 25


def blocks_of(rows: np.ndarray) -> np.ndarray:
    """A block for each row, 0 to 24; the same row is always in the same one.

    Args:
        rows: Row numbers, (n,).
    """
    order = np.random.default_rng(0).permutation(int(rows.max()) + 1)
    return np.asarray(order[rows] % N_BLOCKS)


def standard_error(task: Task, y: np.ndarray, a: np.ndarray, b: np.ndarray, blocks: np.ndarray) -> float:
    """Standard error of the score of `b` minus that of `a`, by the jackknife over blocks of rows.

    Args:
        task: The task, with its metric.
        y: Targets of n rows.
        a: What the metric takes, see `Task.final`.
        b: The same, made otherwise.
        blocks: The block of each row, from 0 on.

    Raises:
        DataError: The metric is not defined without one of the blocks.
    """
    n_blocks = int(blocks.max()) + 1
    if n_blocks < 2:
        return float("inf")
    score = _leaving_out(task, y, blocks, n_blocks)
    differences = score(b) - score(a)
    return float(np.sqrt((n_blocks - 1) * np.mean((differences - differences.mean()) ** 2)))


def _leaving_out(task: Task, y: np.ndarray, blocks: np.ndarray, n_blocks: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function from what the metric takes to its scores without each of the blocks."""
    from_counts = COUNT_SCORES.get(task.metric.name)
    if from_counts is None or y.ndim == 2:
        return lambda final: np.array([task.score_final(y[blocks != g], final[blocks != g]) for g in range(n_blocks)])
    codes = y.astype(np.int64)

    def score(final: np.ndarray) -> np.ndarray:
        # One pass over the rows for all blocks.
        size = max(int(codes.max()), int(final.max()), 1) + 1
        tables = [
            np.bincount(blocks[keep] * size + values[keep], minlength=n_blocks * size).reshape(n_blocks, size)
            for values, keep in ((codes, slice(None)), (final, slice(None)), (codes, codes == final))
        ]
        return from_counts(*(table.sum(axis=0) - table for table in tables))

    return score
