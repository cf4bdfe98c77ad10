"""Observations and rewards brought to a size of one, by what was seen so far."""

import numpy as np


class Moments:
    """Mean and variance of all rows seen, updated by batches (Chan, Golub and LeVeque 1979).

    Args:
        shape: Of a row.

    >>> moments = Moments((1,))
    >>> moments.update(np.array([[1.0], [3.0]]))
    >>> moments.update(np.array([[5.0]]))
    >>> moments.mean, moments.variance  # of 1, 3 and 5: squares of -2, 0 and 2, over 3
    (array([3.]), array([2.66666667]))
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.count = 0.0
        self.mean = np.zeros(shape)
        self.variance = np.ones(shape)

    def update(self, rows: np.ndarray) -> None:
        """Take rows into account, (n, ...)."""
        n, mean, variance = len(rows), rows.mean(axis=0), rows.var(axis=0)
        total, difference = self.count + n, mean - self.mean
        squares = self.count * self.variance + n * variance + difference**2 * self.count * n / total
        self.mean, self.variance, self.count = self.mean + difference * n / total, squares / total, total

    @property
    def std(self) -> np.ndarray:
        """Standard deviation, never 0."""
        return np.sqrt(self.variance + 1e-8)

    def state(self, prefix: str) -> dict[str, np.ndarray]:
        """All of it as arrays, by names that begin with `prefix`."""
        return {
            f"{prefix}.count": np.array([self.count]),
            f"{prefix}.mean": self.mean,
            f"{prefix}.variance": self.variance,
        }

    def load(self, arrays: dict[str, np.ndarray], prefix: str) -> None:
        """Take what `state` gave."""
        self.count = float(arrays[f"{prefix}.count"][0])
        self.mean, self.variance = arrays[f"{prefix}.mean"], arrays[f"{prefix}.variance"]


class RewardScale:
    """Divides rewards by the spread of discounted returns, so that values have a size of about one.

    Args:
        n: Environments.
        gamma: Discount by step.
    """

    def __init__(self, n: int, gamma: float) -> None:
        self.moments = Moments((1,))
        self._gamma = gamma
        self._running = np.zeros(n)

    @property
    def running(self) -> np.ndarray:
        """Discounted returns of the episodes under way, (n,)."""
        return self._running

    def begin(self, running: np.ndarray | None = None) -> None:
        """Begin anew everywhere, or where episodes are under way."""
        self._running = np.zeros_like(self._running) if running is None else running.copy()

    def __call__(self, rewards: np.ndarray, ended: np.ndarray) -> np.ndarray:
        """Rewards of one step in each environment, scaled, (n,); none is moved, or its sign would be lost."""
        self._running = self._gamma * self._running + rewards
        self.moments.update(self._running[:, None])
        self._running[ended] = 0
        scaled: np.ndarray = np.clip(rewards / self.moments.std[0], -10, 10)
        return scaled
