"""How columns go together: numbers with numbers, levels with levels, and one with the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aicomp.eda.columns import Values

MOST_COLUMNS = 40
_MOST_ROWS = 20_000
_STRONG = 0.95
_MOST_LEVELS = 200


@dataclass(frozen=True)
class Dependence:
    """Strengths of columns two by two.

    Attributes:
        names: The columns of `matrix`.
        matrix: (k, k): Spearman's rank correlation of two numbers, from -1 to 1; Cramér's V of two columns of levels,
            and the correlation ratio of a number's ranks over levels, from 0 to 1, both less what chance brings.
        pairs: Two columns and their strength, where its size is above 0.95; numbers among all columns.
        n_rows: Rows that it was computed from.
    """

    names: tuple[str, ...]
    matrix: np.ndarray
    pairs: tuple[tuple[str, str, float], ...]
    n_rows: int


def depend(columns: Sequence[Values], ranked: Sequence[str]) -> Dependence | None:
    """Compare columns of train.

    Args:
        columns: Numbers, times, codes, categories and booleans among them are taken.
        ranked: Names, those first that are to be in the matrix if there are more than 40.

    Returns:
        None where fewer than two columns can be compared.
    """
    usable = [c for c in columns if c.column.kind not in ("text", "image", "audio") and _varies(c.train)]
    if len(usable) < 2:
        return None
    order = {name: i for i, name in enumerate(ranked)}
    first = {c.name for c in sorted(usable, key=lambda c: order.get(c.name, len(order)))[:MOST_COLUMNS]}
    shown = [c for c in usable if c.name in first]
    rows = slice(None, None, max(1, len(usable[0].train) // _MOST_ROWS))
    matrix = np.eye(len(shown))
    for i, a in enumerate(shown):
        for j in range(i):
            matrix[i, j] = matrix[j, i] = strength(a, shown[j], rows)
    pairs = {(shown[j].name, shown[i].name): matrix[i, j] for i in range(len(shown)) for j in range(i)}
    numbers = [c for c in usable if c.is_number]
    ranks = {c.name: c.train[rows] for c in numbers}
    pairs |= _pairs_of_numbers(ranks)
    strong = [(a, b, float(value)) for (a, b), value in pairs.items() if abs(value) > _STRONG]
    strong.sort(key=lambda pair: -abs(pair[2]))
    return Dependence(tuple(c.name for c in shown), matrix, tuple(strong), len(usable[0].train[rows]))


def _varies(values: np.ndarray) -> bool:
    present = values[~np.isnan(values)] if values.dtype.kind == "f" else values[values >= 0]
    return len(present) > 1 and bool((present != present[0]).any())


def strength(a: Values, b: Values, rows: slice = slice(None)) -> float:
    """How two columns go together, on the rows that have both; 0 where fewer than three do."""
    x, y = a.train[rows], b.train[rows]
    there = ~(np.isnan(x) if a.is_number else x < 0) & ~(np.isnan(y) if b.is_number else y < 0)
    x, y = x[there], y[there]
    if len(x) < 3:
        return 0.0
    if a.is_number and b.is_number:
        return spearman(x, y)
    if a.is_number or b.is_number:
        return correlation_ratio(_fewer(y), x) if a.is_number else correlation_ratio(_fewer(x), y)
    return cramers_v(_fewer(x), _fewer(y))


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Correlation of ranks; 0 where one of them is constant.

    >>> spearman(np.array([1.0, 2, 3]), np.array([1.0, 4, 9]))
    1.0
    """
    from scipy.stats import rankdata

    a, b = rankdata(x) - (len(x) + 1) / 2, rankdata(y) - (len(y) + 1) / 2
    scale = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / scale) if scale > 0 else 0.0


def correlation_ratio(codes: np.ndarray, x: np.ndarray) -> float:
    """Root of the share of the variance of ranks that lies between levels, less what chance brings (epsilon squared).

    Kelley, "An unbiased correlation ratio measure", PNAS 21, 1935.

    >>> correlation_ratio(np.array([0, 0, 1, 1]), np.array([1.0, 1, 5, 5]))
    1.0
    """
    from scipy.stats import rankdata

    ranks = rankdata(x)
    n, k = len(ranks), len(np.unique(codes))
    total = ((ranks - ranks.mean()) ** 2).sum()
    if n <= k or total <= 0:
        return 0.0
    counts = np.bincount(codes)
    means = np.bincount(codes, weights=ranks) / np.maximum(counts, 1)
    within = ((ranks - means[codes]) ** 2).sum()
    return float(np.sqrt(max(0.0, 1 - within / (n - k) / (total / (n - 1)))))


def cramers_v(a: np.ndarray, b: np.ndarray) -> float:
    """Cramér's V less what chance brings.

    Bergsma, "A bias-correction for Cramér's V and Tschuprow's T", Journal of the Korean Statistical Society 42, 2013.

    >>> round(cramers_v(np.array([0, 1] * 50), np.array([1, 0] * 50)), 3)
    1.0
    """
    a, b = (np.unique(codes, return_inverse=True)[1] for codes in (a, b))
    n, rows, columns = len(a), int(a.max()) + 1, int(b.max()) + 1
    table = np.bincount(a * columns + b, minlength=rows * columns).reshape(rows, columns)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    phi = float((((table - expected) ** 2) / expected).sum()) / n
    phi = max(0.0, phi - (rows - 1) * (columns - 1) / (n - 1))
    least = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, np.sqrt(phi / least))) if least > 0 else 0.0


def _fewer(codes: np.ndarray) -> np.ndarray:
    """Codes of at most 200 levels: the rare ones become one."""
    _, places, counts = np.unique(codes, return_inverse=True, return_counts=True)
    if len(counts) <= _MOST_LEVELS:
        return np.asarray(places)
    rank = np.empty(len(counts), dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return np.asarray(np.minimum(rank, _MOST_LEVELS - 1)[places])


def _pairs_of_numbers(numbers: dict[str, np.ndarray]) -> dict[tuple[str, str], float]:
    """Rank correlations of all pairs without missing values at once, and of the others one by one where it is near."""
    from scipy.stats import rankdata

    names = list(numbers)
    if len(names) <= MOST_COLUMNS:
        return {}
    ranks = np.stack([rankdata(np.nan_to_num(x, nan=np.nanmedian(x))) for x in numbers.values()])
    ranks -= ranks.mean(axis=1, keepdims=True)
    ranks /= np.maximum(np.sqrt((ranks**2).sum(axis=1, keepdims=True)), 1e-12)
    rough = ranks @ ranks.T
    found = {}
    for i, j in zip(*np.nonzero(np.triu(np.abs(rough) > _STRONG - 0.15, 1)), strict=True):
        x, y = numbers[names[i]], numbers[names[j]]
        there = ~(np.isnan(x) | np.isnan(y))
        found[names[i], names[j]] = spearman(x[there], y[there]) if there.sum() > 2 else 0.0
    return found
