"""The agent of a run: that which was learned, or the project's own."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from aicomp.errors import UsageError
from aicomp.files import reading
from aicomp.registry import load_object
from aicomp.run import Run
from aicomp.simulation.config import PlayConfig
from aicomp.simulation.environments import Arena
from aicomp.simulation.episodes import Act
from aicomp.simulation.player.agent import acting_alone, playing
from aicomp.simulation.player.policy import Policy
from aicomp.simulation.project import Simulation
from aicomp.simulation.vector import TRAINING_SEEDS

LEARNED = "ppo"


def learned_agent(folder: Path, spec: dict[str, Any], arena: Arena, settings: PlayConfig) -> Act:
    """An agent from the weights in a folder.

    Args:
        folder: Holds `weights.safetensors`.
        spec: Of the policy.
        arena: Where it plays.
        settings: How it thinks, in a game.
    """
    path = folder / "weights.safetensors"
    with reading(path):
        weights = load_file(path)
    policy = Policy(spec, weights)
    if arena.rules is None:
        return acting_alone(policy)
    return playing(policy, settings.depth, settings.seconds, settings.leaf)


def own_agent(simulation: Simulation, name: str) -> Act:
    """An agent of the project's own, `file:object` as in `model.name`.

    It is called with the seeds that it may learn from and returns a function from an observation to an action; in a
    game of two, from observation and configuration.

    Raises:
        UsageError: There is no such function, it fails, or it returns none.
    """
    act = _made(name, simulation.folder, simulation.code_hash())
    if Arena(simulation.competition.environment, simulation.folder).rules is not None:
        return act
    return lambda observation, configuration: act(observation)


@functools.lru_cache(maxsize=1)
def _made(name: str, folder: Path, code_hash: str) -> Callable[..., Any]:
    """What the project's function returns; it may search for long, so that it is called once in a process.

    Args:
        name: `file:object`.
        folder: The project.
        code_hash: Of its files, which may change.
    """
    found = load_object(name, folder)
    try:
        act = found(range(TRAINING_SEEDS))
    except Exception as e:  # the user's own code may raise anything
        raise UsageError(f"agent `{name}` cannot be made: {type(e).__name__}: {e}", "correct it") from e
    if not callable(act):
        raise UsageError(f"agent `{name}` returned `{act!r}`, which is no function", "return what acts")
    return act  # type: ignore[no-any-return]


def run_agent(run: Run, simulation: Simulation) -> Act:
    """The agent that a run ended with, in a project as it was then.

    Raises:
        UsageError: The project's own agent cannot be made any more.
    """
    if simulation.config.model.name != LEARNED:
        return own_agent(simulation, simulation.config.model.name)
    arena = Arena(simulation.competition.environment, simulation.folder)
    return learned_agent(run.folder, run.read("agent.json")["spec"], arena, simulation.config.play)
