"""Train the agent of a simulation again, and compare its weights and its episodes."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from aicomp.competition import Competition
from aicomp.engine.events import Event
from aicomp.errors import UsageError
from aicomp.run import Run
from aicomp.simulation.config import SimulationConfig
from aicomp.simulation.project import Simulation
from aicomp.simulation.training import train
from aicomp.verification.parts import WEIGHTS_FILE, Part, array_hash, compare_weights


def play_again(folder: Path, run: Run, on_event: Callable[[Event], None]) -> Run:
    """Train an agent with all its seeds again, and have it play.

    Args:
        folder: The stand-in of its project.
        run: The run.
        on_event: Called with what happens.

    Raises:
        UsageError: A time limit ended its training, which never ends twice at the same step.
        AicompError: Training failed.
    """
    if run.read("plan.json").get("limit") is not None:
        raise UsageError(
            f"run `{run.id}` cannot be made again: its training followed a clock, by `--time-limit`",
            "train without one: `training.steps` says how long",
        )
    info = run.info
    config = msgspec.convert(info["config"], SimulationConfig)
    simulation = Simulation(folder, config, msgspec.convert(info["competition"], Competition))
    return train(simulation, fresh=True, on_event=on_event)


def compare_agents(run: Run, again: Run) -> list[Part]:
    """Weights of each seed, and what the episodes of evaluation gave."""
    parts = []
    for k in range(len(run.scores["folds"])):
        paths = [r.fold(k) / WEIGHTS_FILE for r in (run, again)]
        if paths[1].is_file():  # an agent that the project wrote itself has none
            parts.append(compare_weights(k, *paths))
    then, now = (_episodes(r) for r in (run, again))
    hashes = array_hash(then), array_hash(now)
    if then.shape != now.shape:
        return [*parts, Part(None, "episodes", *hashes, len(now), len(then), None, f"{len(then)} became {len(now)}")]
    different = (then != now).any(axis=1)
    largest = float(np.abs(then - now).max()) if len(then) else 0.0
    return [*parts, Part(None, "episodes", *hashes, int(different.sum()), len(then), largest)]


def _episodes(run: Run) -> np.ndarray:
    """Seed, score and steps of each, float64 (n, 3)."""
    episodes = run.read("episodes.json")["episodes"]
    return np.array([[e["seed"], e["score"], e["steps"]] for e in episodes], dtype=np.float64).reshape(-1, 3)
