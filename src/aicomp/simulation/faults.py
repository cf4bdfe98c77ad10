"""What an agent does wrong, in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from aicomp.errors import DataError
from aicomp.simulation.episodes import Episode, IllegalActionError

_LONGEST = 400  # signs of an observation that are shown


def observation_text(observation: Any) -> str:
    """An observation for a message; a long one is cut."""
    if isinstance(observation, dict):
        text = ", ".join(f"{name}: {value}" for name, value in observation.items())
    else:
        text = np.array2string(np.asarray(observation), threshold=40, precision=5, separator=", ").replace("\n", "")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def place_text(episode: Episode) -> str:
    """Where in an episode something happened."""
    against = f" against {episode.opponent}" if episode.opponent else ""
    return f"seed {episode.seed}{against}, action {episode.steps}"


@contextmanager
def as_error(name: str) -> Iterator[None]:
    """Turn an agent's fault into an error of aicomp.

    Args:
        name: Of the agent.

    Raises:
        DataError: It did what is not allowed, or failed.
    """
    try:
        yield
    except IllegalActionError as e:
        raise DataError(
            f"agent `{name}` {e.reason} ({place_text(e.episode)}) for the observation "
            f"{observation_text(e.observation)}",
            "correct the agent",
        ) from e
