"""Train an agent with one seed and save what came of it. Runs in a worker process or in the caller's."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from safetensors.numpy import save_file

from aicomp.competition import Competition
from aicomp.engine.events import EpochEvent
from aicomp.files import atomic_write, partial_file
from aicomp.run import Run
from aicomp.simulation.agents import own_agent
from aicomp.simulation.config import SimulationConfig
from aicomp.simulation.curves import write_history
from aicomp.simulation.environments import Arena
from aicomp.simulation.episodes import SELECTION_SEEDS, play, scores_of
from aicomp.simulation.imitation import imitate
from aicomp.simulation.player.agent import acting_alone, playing
from aicomp.simulation.player.policy import Policy
from aicomp.simulation.ppo import PPO
from aicomp.simulation.project import Simulation
from aicomp.simulation.recipe import Recipe, choose_recipe
from aicomp.simulation.self_play import SelfPlay
from aicomp.training.checkpoints import Checkpoints

_SELF_EVERY = 10  # updates between two earlier selves of the pool
_VALUE_FIRST = 20  # updates after an imitation
_MOST_EVALUATION = 0.15  # of the time of a training goes into choosing its best policy


@dataclass
class _Best:
    """The best policy of a training so far."""

    score: float
    steps: int
    weights: dict[str, np.ndarray]


def simulation_of(run: Run, folder: Path) -> Simulation:
    """The project as it was when the run was laid out."""
    info = run.info
    competition = msgspec.convert(info["competition"], Competition)
    return Simulation(folder, msgspec.convert(info["config"], SimulationConfig), competition)


def train_seed(run: Run, project: Path, k: int, seconds: float | None, report: Callable[[EpochEvent], None]) -> None:
    """Train with seed number `k`; `folds/<k>/result.json` is written last.

    A training that was cut goes on from its last checkpoint, to the same bits.

    Args:
        run: A run that is laid out.
        project: The project's folder.
        k: Number of the seed, from 0.
        seconds: Time that it may take, None for all steps.
        report: Called after each update.

    Raises:
        AicompError: The environment cannot be made, or the loss is no number.
    """
    began = time.monotonic()
    simulation = simulation_of(run, project)
    training = _Training(run.fold(k), simulation, simulation.config.seed + k, k)
    training.go_on()
    training.learn(began, seconds, report)
    training.save()


class _Training:
    def __init__(self, folder: Path, simulation: Simulation, seed: int, k: int) -> None:
        self.folder, self.simulation, self.k = folder, simulation, k
        self.arena = Arena(simulation.competition.environment, simulation.folder)
        config = simulation.config
        self.recipe: Recipe = choose_recipe(
            config, self.arena.spaces(), is_game=self.arena.rules is not None, steps_many=self.arena.steps_many
        )
        self.environment = self.arena.vector(self.recipe.n_environments)
        self.ppo = PPO(self.environment, self.recipe, seed)
        self.ppo.value_first = _VALUE_FIRST if config.training.imitate else 0
        self.history: list[dict[str, float]] = []
        self.best: _Best | None = None
        self.seconds = 0.0
        self.progress = 0.0
        self.due = 1 / self.recipe.evaluations
        self.notes: list[str] = []
        self.checkpoints = Checkpoints(folder / "checkpoint.safetensors", config.training.checkpoint)

    def learn(self, began: float, limit: float | None, report: Callable[[EpochEvent], None]) -> None:
        """Update until all steps are done or the time is up, and evaluate on the way."""
        before, evaluating = self.seconds, 0.0
        learning = None if limit is None else (1 - _MOST_EVALUATION) * limit  # the last evaluation comes after it
        shown, every = math.nan, 1 / self.recipe.evaluations
        while self.progress < 1:
            told = self.ppo.update(self.progress)
            passed = time.monotonic() - began
            self.seconds = before + passed
            self.progress = max(
                self.progress, self.ppo.steps / self.recipe.steps, passed / learning if learning else 0.0
            )
            if isinstance(self.environment, SelfPlay) and self.ppo.updates % _SELF_EVERY == 0:
                self.environment.add_self(self.ppo.policy())
            row = {"epoch": self.ppo.updates, "steps": self.ppo.steps, **told, "score": math.nan}
            self.history.append({**row, "seconds": self.seconds})
            is_cheap = limit is None or evaluating < _MOST_EVALUATION * passed
            is_due = self.progress >= self.due and is_cheap
            if is_due or self.progress >= 1:
                started = time.monotonic()
                until = None if limit is None else started + _MOST_EVALUATION / 2 * limit
                shown = self._evaluate(until)
                evaluating += time.monotonic() - started
                self.due = self.progress + every
            self.checkpoints.keep(self._state)
            best = math.nan if self.best is None else self.best.score
            loss = told["policy_loss"] + self.recipe.value_weight * told["value_loss"]
            total = self.recipe.steps
            report(EpochEvent(self.k, self.ppo.steps, total, shown, best, loss, self.seconds, unit="steps"))

    def _evaluate(self, until: float | None) -> float:
        """Play the episodes of selection with the policy as it is, and keep it if it is the best so far."""
        config = self.simulation.config.evaluation
        weights = self.ppo.weights()
        policy = Policy(self.ppo.network.spec(), weights)
        # Without a search: it is the policy that learns, and a search would hide how well.
        act = acting_alone(policy) if self.arena.rules is None else playing(policy, 0, 0.0, "network")
        episodes = play(self.arena, act, SELECTION_SEEDS, config.selection, opponents=config.opponents, until=until)
        score = float(scores_of(episodes).mean())
        self.history[-1]["score"] = score
        # Of equal ones the later: it has seen more.
        if self.best is None or score >= self.best.score:
            self.best = _Best(score, self.ppo.steps, weights)
        return score

    def save(self) -> None:
        """Write the best policy and the course of the training."""
        assert self.best is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        with partial_file(self.folder / "weights.safetensors") as path:
            save_file(self.best.weights, path)
        atomic_write(self.folder / "spec.json", json.dumps(self.ppo.network.spec(), indent=1) + "\n")
        write_history([self.history], self.folder / "history.csv", first=self.k)
        result = {
            "score": self.best.score,
            "best_step": self.best.steps,
            "steps": self.ppo.steps,
            "seconds": self.seconds,
            "settings": asdict(self.recipe),
            "notes": self.notes,
            "history": [{name: _json(value) for name, value in row.items()} for row in self.history],
        }
        atomic_write(self.folder / "result.json", json.dumps(result, indent=1) + "\n")
        self.checkpoints.drop()

    def _state(self) -> dict[str, Any]:
        best = None if self.best is None else asdict(self.best)
        course = {"history": self.history, "seconds": self.seconds, "due": self.due, "notes": self.notes}
        return {"ppo": self.ppo.state(), "best": best, **course}

    def _imitate(self) -> None:
        """Begin where an agent of the project is, if the config names one."""
        name = self.simulation.config.training.imitate
        if name:
            imitate(self.ppo, self.arena, own_agent(self.simulation, name), self.ppo.seed)
            self.ppo.keeps_scale = True

    def go_on(self) -> None:
        """Take up the training where its last checkpoint was written."""
        state = self.checkpoints.resume()
        if state is None:
            self._imitate()
            return
        if isinstance(self.environment, SelfPlay):
            for weights in state["ppo"]["environment"]["selves"]:
                self.environment.add_self(Policy(self.ppo.network.spec(), weights))
        self.notes = state["notes"]
        if not self.ppo.load(state["ppo"]):
            self.notes.append(
                f"cut after {self.ppo.steps} steps: the environment does not repeat an episode by its seed and "
                "actions, so that episodes began anew, and the training ended otherwise than one that was not cut"
            )
        self.ppo.keeps_scale = bool(self.simulation.config.training.imitate)
        self.history, self.seconds, self.due = state["history"], state["seconds"], state["due"]
        self.progress = self.ppo.steps / self.recipe.steps
        self.best = None if state["best"] is None else _Best(**state["best"])


def _json(value: float) -> float | None:
    """JSON has no NaN."""
    return None if isinstance(value, float) and math.isnan(value) else value
