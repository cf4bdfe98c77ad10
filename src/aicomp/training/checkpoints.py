"""What a training keeps on disk while it runs, so that one that was killed goes on where it was."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from aicomp import stopping
from aicomp.errors import DataError
from aicomp.training.state_file import load_state, save_state

_LARGEST_SHARE = 0.05
"""Of the time, for writing: where a state is so large that this is not kept, it is written less often."""

_OFTEN = 1.0
"""Seconds below which states are written as often as asked, whatever it costs: who asks for that has a reason."""


class Companion(Protocol):
    """What is kept beside the state of every training, such as what was told of it."""

    def state(self) -> Mapping[str, Any]:
        """What is kept of it, see `save_state`."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be as `state` was."""


@dataclass
class Checkpoints:
    """The newest state of one training, in one file that is replaced as a whole.

    A loop calls `resume` once, after its network is built, and `keep` after each step. Random numbers are part of the
    state: a training that resumes draws those that it would have drawn.

    Args:
        path: The file; None keeps nothing.
        every: Seconds between two states; 0 keeps nothing. Where writing one takes more than a twentieth of that,
            they are farther apart, unless less than a second is asked for.
        clock: Seconds, in fractions.
        companion: What is kept and taken up with each state, that of parts too.
    """

    path: Path | None = None
    every: float = 0.0
    clock: Callable[[], float] = time.monotonic
    companion: Companion | None = None
    _next: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._next = self.clock() + self.every

    def part(self, name: str) -> "Checkpoints":
        """Those of one part of a training that has several, such as one network for each target."""
        path = None if self.path is None else self.path.with_name(f"{self.path.stem}.{name}{self.path.suffix}")
        return replace(self, path=path)

    def resume(self) -> dict[str, Any] | None:
        """The state that was kept last, None if there is none; random numbers continue where it was written.

        Raises:
            DataError: The file is damaged.
        """
        if self.path is None or not self.path.is_file():
            return None
        state = load_state(self.path)
        if set(state) != {"random", "state", "companion"} or (self.companion and state["companion"] is None):
            raise DataError(f"`{self.path}` is no checkpoint", f"remove `{self.path}`: the training begins anew")
        _set_random_states(state["random"])
        if self.companion is not None:
            self.companion.restore(state["companion"])
        content: dict[str, Any] = state["state"]
        return content

    def keep(self, state: Callable[[], Mapping[str, Any]], *, now: bool = False) -> None:
        """Write a state if it is time to, or if this process is to end.

        Args:
            state: Makes it; what it may hold, see `save_state`.
            now: Whether it is written in any case, as where a part has ended.

        Raises:
            AicompError: The disk is full or the folder cannot be written.
            Stopped: The process is to end, and the state was written.
        """
        is_asked = stopping.is_asked(keeps=True)
        if self.path is None or not self.every or not (is_asked or now or self.is_time()):
            return
        began = self.clock()
        self.write(state())
        self.wrote(began)
        if is_asked:
            raise stopping.Stopped

    def is_time(self) -> bool:
        """Whether a state is to be written now."""
        return bool(self.every) and self.clock() >= self._next

    def write(self, state: Mapping[str, Any]) -> None:
        """Write a state."""
        assert self.path is not None
        companion = None if self.companion is None else self.companion.state()
        save_state(self.path, {"random": random_states(), "state": state, "companion": companion})

    def wrote(self, began: float) -> None:
        """Set when the next one is due.

        Args:
            began: When writing began, by the clock.
        """
        ended = self.clock()
        rarer = (ended - began) / _LARGEST_SHARE if self.every >= _OFTEN else 0.0
        self._next = ended + max(self.every, rarer)

    def drop(self) -> None:
        """Remove what was kept, that of all parts too: the training has ended."""
        stopping.ends_at_once()
        if self.path is not None:
            for path in (self.path, *self.path.parent.glob(f"{self.path.stem}.*{self.path.suffix}")):
                path.unlink(missing_ok=True)


def random_states() -> dict[str, Any]:
    """The generators that code draws from without naming one: torch's, numpy's and Python's."""
    states: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state(),
        "python": random.getstate(),
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        states["mps"] = torch.mps.get_rng_state()
    return states


def _set_random_states(states: Mapping[str, Any]) -> None:
    torch.set_rng_state(states["torch"])
    np.random.set_state(states["numpy"])
    random.setstate(states["python"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])
    if "mps" in states and torch.backends.mps.is_available():
        torch.mps.set_rng_state(states["mps"])
