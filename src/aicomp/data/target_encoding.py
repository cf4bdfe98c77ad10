"""Which categories and pairs of categories get statistics of the target, and their numbers."""

from collections.abc import Sequence

import numpy as np

from aicomp.data.columns import MANY_LEVELS
from aicomp.data.encoders import UNSEEN
from aicomp.data.level_screen import LevelScreen, is_beyond_chance
from aicomp.data.statistics import INNER_FOLDS, Levels, LevelStatistics, count_table, level_means, mean_table
from aicomp.data.targets import TargetColumns

MOST_PAIRS = 8
"""Most pairs of columns, over the number of targets."""


def fit_statistics(
    x_num: np.ndarray,
    x_cat: np.ndarray,
    cardinalities: Sequence[int],
    names: Sequence[str],
    targets: TargetColumns,
    seed: int,
    *,
    single: bool,
) -> tuple[list[LevelStatistics], np.ndarray]:
    """Choose and learn statistics.

    Args:
        x_num: Numbers of the training rows, float32 (n, n_num): pairs must help beside them too.
        x_cat: Codes of the training rows, int64 (n, n_cat).
        cardinalities: Codes of each column.
        names: Of the columns.
        targets: Of the training rows.
        seed: Of the inner folds.
        single: Whether columns get statistics, and not pairs alone.

    Returns:
        The statistics, and their numbers for the training rows, float64 (n, n_numbers).
    """
    n, n_targets = len(x_cat), targets.values.shape[1]
    if not n_targets or not len(cardinalities) or n < 2 * INNER_FOLDS:
        return [], np.empty((n, 0))
    inner = np.random.default_rng(seed).permutation(n) % INNER_FOLDS
    screen = LevelScreen(x_num, x_cat, cardinalities, targets, inner)
    chosen: list[tuple[int, int]] = []
    if single:
        many = [j for j, n_levels in enumerate(cardinalities) if n_levels - 2 > MANY_LEVELS]
        chosen += [(j, -1) for j in many if screen.helps(j)]
    chosen += screen.pairs(max(1, MOST_PAIRS // n_targets))
    fitted = [_fit(x_cat, cardinalities, names, targets, inner, first, second) for first, second in chosen]
    blocks = [block for _, block in fitted]
    return [statistics for statistics, _ in fitted], np.hstack([*blocks, np.empty((n, 0))])


def _fit(
    x_cat: np.ndarray,
    cardinalities: Sequence[int],
    names: Sequence[str],
    targets: TargetColumns,
    inner: np.ndarray,
    first: int,
    second: int,
) -> tuple[LevelStatistics, np.ndarray]:
    """Statistics of one column or pair, and the numbers of the training rows."""
    width = cardinalities[second] if second >= 0 else 1
    levels = Levels.of(x_cat, first, second, width)
    found = levels.means(targets.values, inner)
    means = mean_table(found, are_shares=targets.are_shares)
    label = names[first] if second < 0 else f"{names[first]} x {names[second]}"
    called = [f"{label} mean of {name}" if name else f"{label} mean" for name in targets.names]
    table, block = means[-1], means[inner, levels.of_row]
    counts = found.counts[-1]
    if second < 0:  # rare levels share the code, but none of them has as many rows as they have together
        counts = np.where(levels.keys == UNSEEN, 1, counts)
    logs = count_table(counts)
    if _count_helps(counts, levels.of_row, targets.values, inner):
        called.append(f"{label} count")
        table = np.column_stack([table, logs])
        block = np.column_stack([block, logs[levels.of_row]])
    return LevelStatistics(called, first, second, width, levels.keys, np.ascontiguousarray(table)), block


def _count_helps(counts: np.ndarray, of_row: np.ndarray, targets: np.ndarray, inner: np.ndarray) -> bool:
    """Whether how often a level occurs, in powers of 2, says something about the targets."""
    sizes = np.log2(np.maximum(counts, 1)).astype(np.int64)[of_row]
    found = level_means(sizes, int(sizes.max()) + 1, targets, inner)
    return is_beyond_chance(targets, found.prior[inner], found.oof(sizes, inner))
