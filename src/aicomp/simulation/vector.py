"""Environments that are stepped together: the one form that training knows, whatever is behind it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from aicomp.simulation.spaces import Spaces

TRAINING_SEEDS = 1_000_000
"""Episodes of training begin with seeds below this; those of selection and evaluation lie above."""


@dataclass(frozen=True)
class Step:
    """What came of one action in each of n environments.

    Attributes:
        observations: Of those that come next, (n, ...): where an episode ended, the first one of the next.
        rewards: float64 (n,).
        terminated: Whether the episode came to its own end, bool (n,): nothing follows.
        truncated: Whether it was cut by a limit of time, bool (n,): something would have followed.
        last: The last observations of the episodes that ended, (n, ...); elsewhere the same as `observations`.
        returns: Sums of the rewards of the episodes that ended.
    """

    observations: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    last: np.ndarray
    returns: list[float]


class VectorEnvironment(Protocol):
    """n environments side by side, each beginning anew by itself when its episode ends."""

    spaces: Spaces

    def __len__(self) -> int:
        """How many."""

    def reset(self, seed: int) -> np.ndarray:
        """Begin anew everywhere; the seed decides all that follows. Returns observations (n, ...)."""

    def step(self, actions: np.ndarray) -> Step:
        """Take one action in each."""

    def legal(self) -> np.ndarray | None:
        """Which actions are allowed, bool (n, n_actions); None where all are."""


class Environments:
    """Environments in Gymnasium's form, one after the other in this process.

    Args:
        make: Makes one.
        n: How many.
        name: For messages.
    """

    def __init__(self, make: Callable[[], Any], n: int, name: str) -> None:
        self._environments: Sequence[Any] = [make() for _ in range(n)]
        self.spaces = Spaces.of(self._environments[0], name)
        self._random = np.random.default_rng(0)
        self._returns = np.zeros(n)
        self._clip = not self.spaces.is_discrete

    def __len__(self) -> int:
        return len(self._environments)

    def reset(self, seed: int) -> np.ndarray:
        """See `VectorEnvironment`."""
        self._random = np.random.default_rng(seed)
        self._returns[:] = 0
        return np.stack([self._begin(environment) for environment in self._environments])

    def legal(self) -> None:
        """All actions are allowed."""

    def step(self, actions: np.ndarray) -> Step:
        """See `VectorEnvironment`."""
        n = len(self)
        rewards, ended = np.zeros(n), np.zeros((2, n), bool)
        observations, last, returns = [], [], []
        for i, environment in enumerate(self._environments):
            action = int(actions[i]) if self.spaces.is_discrete else actions[i]
            observation, rewards[i], ended[0, i], ended[1, i], _ = environment.step(action)
            self._returns[i] += rewards[i]
            seen = self.spaces.encode(observation)
            last.append(seen)
            if ended[:, i].any():
                returns.append(float(self._returns[i]))
                self._returns[i] = 0
                seen = self._begin(environment)
            observations.append(seen)
        return Step(np.stack(observations), rewards, ended[0], ended[1], np.stack(last), returns)

    def _begin(self, environment: Any) -> np.ndarray:
        observation, _ = environment.reset(seed=int(self._random.integers(TRAINING_SEEDS)))
        return self.spaces.encode(observation)


class ManyAtOnce:
    """An environment that steps many at once, in the form of Gymnasium's `VectorEnv` whose autoreset is disabled.

    Args:
        environment: It; `reset(options={"reset_mask": mask})` begins the masked ones anew.
        spaces: Of one of them.
    """

    def __init__(self, environment: Any, spaces: Spaces) -> None:
        self._environment, self.spaces = environment, spaces
        self._returns = np.zeros(len(self))

    def __len__(self) -> int:
        return int(self._environment.num_envs)

    def reset(self, seed: int) -> np.ndarray:
        """See `VectorEnvironment`."""
        self._returns[:] = 0
        observations, _ = self._environment.reset(seed=seed)
        return self._encode(observations)

    def legal(self) -> None:
        """All actions are allowed."""

    def step(self, actions: np.ndarray) -> Step:
        """See `VectorEnvironment`."""
        observations, rewards, terminated, truncated, _ = self._environment.step(actions)
        last = seen = self._encode(observations)
        rewards, ended = np.asarray(rewards, float), terminated | truncated
        self._returns += rewards
        returns = self._returns[ended].tolist()
        self._returns[ended] = 0
        if ended.any():
            seen = self._encode(self._environment.reset(options={"reset_mask": ended})[0])
        return Step(seen, rewards, terminated, truncated, last, returns)

    def _encode(self, observations: Any) -> np.ndarray:
        if self.spaces.n_values is not None or self.spaces.is_image:
            return np.stack([self.spaces.encode(observation) for observation in observations])
        return np.asarray(observations, np.float32).reshape(len(self), -1)
