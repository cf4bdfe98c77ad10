"""What an environment shows and takes, in the few terms that a network needs."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from aicomp.errors import UsageError
from aicomp.simulation.player.policy import encoded

_IMAGE_SIDE = 16  # an array of three axes is an image if both sides have so many pixels


@dataclass(frozen=True)
class Spaces:
    """Observations and actions of an environment.

    Attributes:
        shape: Of an observation as the network takes it: (n,), or (channels, height, width).
        n_values: Number of values where the observation is a number; None where it is an array.
        scale: By which an observation is divided: 255 for pixels of bytes.
        n_actions: Number of discrete actions, 0 for continuous ones.
        low: Least continuous actions, (d,).
        high: Greatest continuous actions, (d,).
    """

    shape: tuple[int, ...]
    n_values: int | None = None
    scale: float = 1.0
    n_actions: int = 0
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @property
    def is_image(self) -> bool:
        """Whether a network should look at it by convolutions."""
        return len(self.shape) == 3

    @property
    def is_discrete(self) -> bool:
        """Whether actions are numbers."""
        return self.n_actions > 0

    @property
    def d_action(self) -> int:
        """Outputs of a policy: logits, or means."""
        return self.n_actions or len(self.low)

    @classmethod
    def of(cls, environment: Any, name: str) -> "Spaces":
        """The spaces of an environment in Gymnasium's form.

        Raises:
            UsageError: It has none, or of a kind that no network here takes.
        """
        for attribute in ("observation_space", "action_space", "reset", "step"):
            if not hasattr(environment, attribute):
                raise UsageError(
                    f"environment `{name}` has no `{attribute}`", "write it as a `gymnasium.Env`, see the template"
                )
        seen, taken = environment.observation_space, environment.action_space
        n_values, scale = _count(seen), 1.0
        if n_values is not None:
            shape: tuple[int, ...] = (n_values,)
        elif _is_box(seen):
            is_image = len(seen.shape) == 3 and min(seen.shape[:2]) >= _IMAGE_SIDE
            shape = (seen.shape[2], *seen.shape[:2]) if is_image else (int(np.prod(seen.shape)),)
            scale = 255.0 if seen.dtype == np.uint8 else 1.0
        else:
            raise _unknown("observations", seen, name)
        n_actions = _count(taken)
        if n_actions is not None:
            return cls(shape, n_values, scale, n_actions)
        if not _is_box(taken) or len(taken.shape) != 1 or not np.isfinite([taken.low, taken.high]).all():
            raise _unknown("actions", taken, name)
        return cls(shape, n_values, scale, 0, tuple(taken.low.tolist()), tuple(taken.high.tolist()))

    def encode(self, observation: Any) -> np.ndarray:
        """An observation as the network takes it, `shape`."""
        return encoded(observation, self.n_values)


def _count(space: Any) -> int | None:
    """Number of values of a discrete space, by its attributes, so that Gymnasium need not be imported."""
    n = getattr(space, "n", None)
    return int(n) if isinstance(n, int | np.integer) and getattr(space, "start", 0) == 0 else None


def _is_box(space: Any) -> bool:
    return hasattr(space, "low") and hasattr(space, "high") and len(getattr(space, "shape", ())) > 0


def _unknown(what: str, space: Any, name: str) -> UsageError:
    return UsageError(
        f"environment `{name}` has {what} of the kind `{space}`, which no network here takes",
        "give discrete numbers from 0, or boxes with bounds; wrap the environment in a class of your own",
    )
