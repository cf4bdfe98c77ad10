"""Environments that are stepped together: the one form that training knows, whatever is behind it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from aicomp.simulation.spaces import Spaces

TRAINING_SEEDS = 1_000_000
"""Episodes of training begin with seeds below this; those of selection and evaluation lie above."""

_MOST_STEPS = 4096
"""Of each environment, after which those that step many at once begin anew."""


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

    @property
    def is_due(self) -> bool:
        """Whether all are to begin anew after this rollout: what led here has become long."""

    def state(self) -> dict[str, Any]:
        """What it takes to come here again, see `training.state_file.save_state`."""

    def restore(self, state: Mapping[str, Any]) -> np.ndarray | None:
        """Come to where a state was told, by the same actions.

        Returns:
            Observations (n, ...); None if an episode ended that did not end before.
        """


class Environments:
    """Environments in Gymnasium's form, one after the other in this process.

    An environment's state cannot be told, but that it follows from the seed of the episode and the actions since.

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
        self._seeds = [0] * n
        self._actions: list[list[Any]] = [[] for _ in range(n)]

    def __len__(self) -> int:
        return len(self._environments)

    def reset(self, seed: int) -> np.ndarray:
        """See `VectorEnvironment`."""
        self._random = np.random.default_rng(seed)
        self._returns[:] = 0
        return np.stack([self._begin(i) for i in range(len(self))])

    def legal(self) -> None:
        """All actions are allowed."""

    is_due = False

    def state(self) -> dict[str, Any]:
        """See `VectorEnvironment`."""
        actions = [np.array(taken) for taken in self._actions]
        random = self._random.bit_generator.state
        return {"random": random, "returns": self._returns, "seeds": self._seeds, "actions": actions}

    def restore(self, state: Mapping[str, Any]) -> np.ndarray | None:
        """See `VectorEnvironment`."""
        self._random.bit_generator.state = state["random"]
        self._returns[:] = state["returns"]
        seen = []
        for i, (seed, actions) in enumerate(zip(state["seeds"], state["actions"], strict=True)):
            observation = self._begin(i, seed)
            for action in actions:
                observation, _, terminated, truncated = self._step(i, action)
                if terminated or truncated:
                    return None
            seen.append(observation)
        return np.stack(seen)

    def step(self, actions: np.ndarray) -> Step:
        """See `VectorEnvironment`."""
        n = len(self)
        rewards, ended = np.zeros(n), np.zeros((2, n), bool)
        observations, last, returns = [], [], []
        for i in range(n):
            seen, rewards[i], ended[0, i], ended[1, i] = self._step(i, actions[i])
            self._returns[i] += rewards[i]
            last.append(seen)
            if ended[:, i].any():
                returns.append(float(self._returns[i]))
                self._returns[i] = 0
                seen = self._begin(i)
            observations.append(seen)
        return Step(np.stack(observations), rewards, ended[0], ended[1], np.stack(last), returns)

    def _begin(self, i: int, seed: int | None = None) -> np.ndarray:
        self._seeds[i] = int(self._random.integers(TRAINING_SEEDS)) if seed is None else seed
        self._actions[i] = []
        observation, _ = self._environments[i].reset(seed=self._seeds[i])
        return self.spaces.encode(observation)

    def _step(self, i: int, action: Any) -> tuple[np.ndarray, float, bool, bool]:
        """Take an action in one; the observation that follows, the reward, and whether the episode ended or was cut."""
        self._actions[i].append(action)
        taken = int(action) if self.spaces.is_discrete else action
        observation, reward, terminated, truncated, _ = self._environments[i].step(taken)
        return self.spaces.encode(observation), reward, terminated, truncated


class ManyAtOnce:
    """An environment that steps many at once, in the form of Gymnasium's `VectorEnv` whose autoreset is disabled.

    Its random numbers come from one seed for all episodes: what leads to a state are all actions since. So that these
    stay few, all begin anew after some thousand steps.

    Args:
        environment: It; `reset(options={"reset_mask": mask})` begins the masked ones anew.
        spaces: Of one of them.
    """

    def __init__(self, environment: Any, spaces: Spaces) -> None:
        self._environment, self.spaces = environment, spaces
        self._returns = np.zeros(len(self))
        self._seed = 0
        self._actions: list[np.ndarray] = []

    def __len__(self) -> int:
        return int(self._environment.num_envs)

    def reset(self, seed: int) -> np.ndarray:
        """See `VectorEnvironment`."""
        self._returns[:] = 0
        self._seed, self._actions = seed, []
        observations, _ = self._environment.reset(seed=seed)
        return self._encode(observations)

    def legal(self) -> None:
        """All actions are allowed."""

    @property
    def is_due(self) -> bool:
        """See `VectorEnvironment`."""
        return len(self._actions) >= _MOST_STEPS

    def state(self) -> dict[str, Any]:
        """See `VectorEnvironment`."""
        return {"seed": self._seed, "actions": np.array(self._actions)}

    def restore(self, state: Mapping[str, Any]) -> np.ndarray | None:
        """See `VectorEnvironment`."""
        seen = self.reset(state["seed"])
        for actions in state["actions"]:
            seen = self.step(actions).observations
        return seen

    def step(self, actions: np.ndarray) -> Step:
        """See `VectorEnvironment`."""
        self._actions.append(actions)
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
