"""The numbers behind "auto", by what the environment is like."""

from dataclasses import dataclass
from typing import Any

from aicomp.simulation.config import SimulationConfig
from aicomp.simulation.spaces import Spaces


@dataclass(frozen=True)
class Recipe:
    """All numbers of one training; see `config.PPOConfig` and `config.AgentConfig`."""

    steps: int
    n_environments: int
    rollout: int
    epochs: int
    batch_size: int
    learning_rate: float
    gamma: float
    gae_lambda: float
    clip: float
    entropy: float
    value_weight: float
    clip_norm: float
    target_kl: float
    normalize: bool
    evaluations: int
    hidden: tuple[int, ...]
    activation: str


_SHARED: dict[str, Any] = {"n_environments": 16, "rollout": 128, "epochs": 10, "batch_size": 256, "gamma": 0.99}

_BY_KIND: dict[str, dict[str, Any]] = {
    "game": {
        **_SHARED, "steps": 2_000_000, "n_environments": 128, "rollout": 64, "epochs": 4, "batch_size": 1024,
        "learning_rate": 1e-3, "gamma": 0.995, "entropy": 0.01, "normalize": False,
        "hidden": (256, 256), "activation": "relu",
    },
    "image": {
        **_SHARED, "steps": 1_000_000, "n_environments": 8, "epochs": 4, "learning_rate": 3e-4, "entropy": 0.01,
        "normalize": True, "hidden": (128,), "activation": "relu",
    },
    "discrete": {
        **_SHARED, "steps": 100_000, "learning_rate": 1e-3, "entropy": 0.005, "normalize": True,
        "hidden": (64, 64), "activation": "tanh",
    },
    "continuous": {
        **_SHARED, "steps": 1_000_000, "rollout": 256, "batch_size": 512, "gamma": 0.98, "learning_rate": 1e-3,
        "entropy": 0.0, "normalize": True, "hidden": (64, 64), "activation": "tanh",
    },
}  # fmt: skip

_MANY = {"n_environments": 256, "rollout": 64, "epochs": 5, "batch_size": 2048}
"""Where many are stepped at once, a step costs a tenth, and learning is what has to be cheap: larger batches."""


def choose_recipe(config: SimulationConfig, spaces: Spaces, *, is_game: bool, steps_many: bool = False) -> Recipe:
    """Resolve every "auto".

    Args:
        config: Of the project.
        spaces: Of the environment.
        is_game: Whether it is a game of two.
        steps_many: Whether it steps many at once.
    """
    kind = "game" if is_game else "image" if spaces.is_image else "discrete" if spaces.is_discrete else "continuous"
    numbers = _BY_KIND[kind]
    if steps_many and not is_game and not spaces.is_image:
        numbers = {**numbers, **_MANY, "steps": 8 * numbers["steps"]}
    given = {
        name: value
        for section in (config.training, config.model)
        for name in section.__struct_fields__
        if (value := getattr(section, name)) != "auto" and name in Recipe.__dataclass_fields__
    }
    return Recipe(**{**numbers, **given})
