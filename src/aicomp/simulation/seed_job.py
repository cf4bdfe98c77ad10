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
from safetensors import safe_open
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

_CHECKPOINT_SECONDS = 10.0
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

    A checkpoint is written every ten seconds and at every evaluation: a training that was cut goes on from there.

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

    def learn(self, began: float, limit: float | None, report: Callable[[EpochEvent], None]) -> None:
        """Update until all steps are done or the time is up, and evaluate on the way."""
        before, saved, evaluating = self.seconds, time.monotonic(), 0.0
        learning = None if limit is None else (1 - _MOST_EVALUATION) * limit  # the last evaluation comes after it
        shown, every = math.nan, 1 / self.recipe.evaluations
        due = self.progress + every
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
            is_due = self.progress >= due and is_cheap
            if is_due or self.progress >= 1:
                started = time.monotonic()
                until = None if limit is None else started + _MOST_EVALUATION / 2 * limit
                shown = self._evaluate(until)
                evaluating += time.monotonic() - started
                due = self.progress + every
            if is_due or time.monotonic() - saved > _CHECKPOINT_SECONDS:
                self._checkpoint()
                saved = time.monotonic()
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
            "notes": [],
            "history": [{name: _json(value) for name, value in row.items()} for row in self.history],
        }
        atomic_write(self.folder / "result.json", json.dumps(result, indent=1) + "\n")
        self._checkpoint_path.unlink(missing_ok=True)

    @property
    def _checkpoint_path(self) -> Path:
        return self.folder / "checkpoint.safetensors"

    def _checkpoint(self) -> None:
        arrays = {f"ppo/{name}": array for name, array in self.ppo.state().items()}
        if self.best is not None:
            arrays |= {f"best/{name}": array for name, array in self.best.weights.items()}
        selves = self.environment.selves if isinstance(self.environment, SelfPlay) else []
        for i, policy in enumerate(selves):
            arrays |= {f"self{i}/{name}": array for name, array in policy.weights.items()}
        facts = {
            "history": self.history,
            "seconds": self.seconds,
            "best": None if self.best is None else [self.best.score, self.best.steps],
            "n_selves": len(selves),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        with partial_file(self._checkpoint_path) as path:
            contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
            save_file(contiguous, path, metadata={"facts": json.dumps(facts)})

    def _imitate(self) -> None:
        """Begin where an agent of the project is, if the config names one."""
        name = self.simulation.config.training.imitate
        if name:
            imitate(self.ppo, self.arena, own_agent(self.simulation, name), self.ppo.seed)
            self.ppo.keeps_scale = True

    def go_on(self) -> None:
        """Take up the training where its last checkpoint was written; episodes under way then begin anew."""
        if not self._checkpoint_path.is_file():
            self._imitate()
            return
        with safe_open(self._checkpoint_path, framework="numpy") as file:
            facts: dict[str, Any] = json.loads(file.metadata()["facts"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        self.ppo.load(_part(arrays, "ppo/"))
        self.ppo.keeps_scale = bool(self.simulation.config.training.imitate)
        self.history, self.seconds = facts["history"], facts["seconds"]
        self.progress = self.ppo.steps / self.recipe.steps
        if facts["best"] is not None:
            score, steps = facts["best"]
            self.best = _Best(score, steps, _part(arrays, "best/"))
        if isinstance(self.environment, SelfPlay):
            for i in range(facts["n_selves"]):
                self.environment.add_self(Policy(self.ppo.network.spec(), _part(arrays, f"self{i}/")))


def _part(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _json(value: float) -> float | None:
    """JSON has no NaN."""
    return None if isinstance(value, float) and math.isnan(value) else value
