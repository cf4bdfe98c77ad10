"""The cut points with the best quadratic weighted kappa of all: exact, in time that grows with rows times classes."""

from dataclasses import dataclass

import numpy as np

_MAX_ROUNDS = 50


def default_cuts(n_classes: int) -> tuple[float, ...]:
    """Halfway between the class codes: rounding."""
    return tuple(k - 0.5 for k in range(1, n_classes))


def best_cuts(y: np.ndarray, expected: np.ndarray, n_classes: int) -> tuple[float, ...]:
    """Cut points on expected class codes.

    With t the class and p the decision, kappa is 1 - N / D for N = sum((t - p)^2) and D = sum(t^2) + sum(p^2) -
    2 * mean(t) * sum(p). For a given value v of N / D, N - v * D is a sum over rows, whose least value for ascending
    decisions is found class by class with running minima over the sorted rows; N / D there is v or less, and where it
    is v, nothing is better: Dinkelbach, "On nonlinear fractional programming", 1967. Unlike a search cut by cut, this
    does not end in a local best.

    Args:
        y: Class codes, (n,).
        expected: Expected class codes, or any numbers that rise with the class, (n,).
        n_classes: Number of classes.

    Returns:
        n_classes - 1 cut points, ascending.
    """
    groups = _Groups.of(y, expected)
    starts = np.searchsorted(groups.values, default_cuts(n_classes))
    for _ in range(_MAX_ROUNDS):
        ratio = groups.ratio(starts)
        found = groups.best_starts(ratio, n_classes)
        if not groups.ratio(found) < ratio:
            break
        starts = found
    return groups.cuts(starts)


@dataclass(frozen=True)
class _Groups:
    """Rows of equal expectation taken together, in ascending order.

    Attributes:
        values: The expectations, (n_groups,).
        rows: Number of rows up to each group, (n_groups + 1,), from 0 on.
        codes: Sum of their class codes, likewise.
        squares: Sum of the squares of all class codes.
    """

    values: np.ndarray
    rows: np.ndarray
    codes: np.ndarray
    squares: float

    @classmethod
    def of(cls, y: np.ndarray, expected: np.ndarray) -> "_Groups":
        order = np.argsort(expected, kind="stable")
        e, codes = expected[order], np.append(0.0, np.cumsum(y[order], dtype=np.float64))
        ends = np.append(0, np.flatnonzero(np.append(np.diff(e) != 0, True)) + 1)
        return cls(e[ends[1:] - 1], ends.astype(np.float64), codes[ends], float(np.sum(y.astype(np.float64) ** 2)))

    def ratio(self, starts: np.ndarray) -> float:
        """N / D of the decision whose class k begins at group `starts[k - 1]`; infinite if D is 0."""
        edges = np.concatenate([[0], starts, [len(self.values)]])
        n, s = np.diff(self.rows[edges]), np.diff(self.codes[edges])
        k = np.arange(len(n))
        mean = self.codes[-1] / self.rows[-1]
        wrong = self.squares + np.sum(k**2 * n - 2 * k * s)
        chance = self.squares + np.sum(k**2 * n - 2 * mean * k * n)
        return float(wrong / chance) if chance > 0 else np.inf

    def best_starts(self, ratio: float, n_classes: int) -> np.ndarray:
        """Where each class begins so that N - ratio * D is least."""
        ratio = min(ratio, 1e6)
        mean = self.codes[-1] / self.rows[-1]
        least = np.zeros(len(self.rows))  # class 0 costs nothing beyond the constant
        came_from = []
        for k in range(1, n_classes):
            cost = k**2 * self.rows - 2 * k * self.codes - ratio * (k**2 - 2 * mean * k) * self.rows
            before = least - cost
            running = np.minimum.accumulate(before)
            is_new = np.append(True, before[1:] < running[:-1])
            came_from.append(np.maximum.accumulate(np.where(is_new, np.arange(len(before)), 0)))
            least = cost + running
        starts, end = [], len(self.values)
        for origin in reversed(came_from):
            end = int(origin[end])
            starts.append(end)
        return np.array(starts[::-1])

    def cuts(self, starts: np.ndarray) -> tuple[float, ...]:
        """A cut point for each start: rounding's, where that decides the same, else the middle of the gap."""
        cuts = []
        for k, start in enumerate(starts, 1):
            lower = self.values[start - 1] if start > 0 else -np.inf
            upper = self.values[start] if start < len(self.values) else np.inf
            if lower < k - 0.5 <= upper:
                cuts.append(k - 0.5)
            elif not np.isfinite(lower):
                cuts.append(upper)
            elif not np.isfinite(upper):
                cuts.append(np.nextafter(lower, np.inf))
            else:
                middle = (lower + upper) / 2
                cuts.append(middle if middle > lower else upper)
        return tuple(float(cut) for cut in np.maximum.accumulate(cuts))
