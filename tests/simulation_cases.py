"""Small environments, and a project on one of them, for the tests of simulations."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from aicomp.scaffold import create_simulation

N_CELLS = 5

CORRIDOR = '''
from types import SimpleNamespace


class Corridor:
    """Five cells in a row; the way out is on the right. Each step costs, and the end of the corridor pays."""

    observation_space = SimpleNamespace(n=5)
    action_space = SimpleNamespace(n=2)

    def reset(self, *, seed=None, options=None):
        self.cell, self.steps = seed % 3, 0
        return self.cell, {}

    def step(self, action):
        self.cell = max(0, self.cell + (1 if action == 1 else -1))
        self.steps += 1
        is_out = self.cell == 4
        return self.cell, (1.0 if is_out else -0.1), is_out, self.steps >= 20, {}


def make_walker(seeds):
    assert seeds[0] == 0
    return lambda observation: 1


def make_fool(seeds):
    return lambda observation: 7
'''

QUICK = (
    "workers=0", "training.seeds=2", "training.steps=2048", "training.n_environments=4", "training.rollout=64",
    "training.batch_size=64", "training.epochs=6", "training.learning_rate=0.01", "training.evaluations=2",
    "evaluation.episodes=12",
    "evaluation.selection=4", "model.hidden=[16]",
)  # fmt: skip


def corridor_project(folder: Path, environment: str = "corridor:Corridor") -> Path:
    """A project on the corridor."""
    create_simulation("corridor", folder, environment, "mean_return", "local")
    (folder / "corridor.py").write_text(CORRIDOR)
    return folder


class Corridor:
    """The same, for this process."""

    observation_space = SimpleNamespace(n=N_CELLS)
    action_space = SimpleNamespace(n=2)

    def reset(self, *, seed: int, options: None = None) -> tuple[int, dict[str, object]]:
        self.cell, self.steps = seed % 3, 0
        return self.cell, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, object]]:
        self.cell = max(0, self.cell + (1 if action == 1 else -1))
        self.steps += 1
        is_out = self.cell == N_CELLS - 1
        return self.cell, (1.0 if is_out else -0.1), is_out, self.steps >= 20, {}


def box(low: float, high: float, shape: tuple[int, ...], dtype: type = np.float32) -> SimpleNamespace:
    """A space like `gymnasium.spaces.Box`."""
    return SimpleNamespace(low=np.full(shape, low), high=np.full(shape, high), shape=shape, dtype=np.dtype(dtype))


class Follow:
    """Answer a number between -2 and 2 with the same number; one step is an episode."""

    observation_space = box(-2, 2, (1,))
    action_space = box(-4, 4, (1,))

    def reset(self, *, seed: int, options: None = None) -> tuple[np.ndarray, dict[str, object]]:
        self.seen = np.random.default_rng(seed).uniform(-2, 2, 1)
        return self.seen, {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, object]]:
        return self.seen, -float((action[0] - self.seen[0]) ** 2), True, False, {}


class Lamp:
    """A picture whose left or right half is lit; the action says which. One step is an episode."""

    observation_space = box(0, 255, (20, 20, 3), np.uint8)
    action_space = SimpleNamespace(n=2)

    def reset(self, *, seed: int, options: None = None) -> tuple[np.ndarray, dict[str, object]]:
        random = np.random.default_rng(seed)
        self.side = int(random.integers(2))
        picture = random.integers(0, 60, (20, 20, 3)).astype(np.uint8)
        picture[:, 10 * self.side : 10 * self.side + 10] += 150
        return picture, {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, object]]:
        return np.zeros((20, 20, 3), np.uint8), float(action == self.side), True, False, {}
