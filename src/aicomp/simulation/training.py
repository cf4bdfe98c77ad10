"""From a project on a simulation to a Run: train with several seeds, keep the best, play the episodes of evaluation."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from aicomp import __version__
from aicomp.cross_validation import only_training
from aicomp.engine.events import DeviceEvent, EpochEvent, Event, FoldEvent
from aicomp.engine.jobs import Job
from aicomp.engine.pool import Pool, failure
from aicomp.engine.tasks import do
from aicomp.errors import DataError, UsageError
from aicomp.files import atomic_write
from aicomp.processes import n_cores
from aicomp.provenance import surroundings
from aicomp.run import Run, create_run, unfinished_run
from aicomp.simulation.agents import LEARNED
from aicomp.simulation.environments import Arena
from aicomp.simulation.episodes import EVALUATION_SEEDS, SELECTION_SEEDS, check_opponents
from aicomp.simulation.finish import finish_run
from aicomp.simulation.project import Simulation

_PACKAGES = ("torch", "numpy", "gymnasium", "safetensors")
_SHARE_OF_TRAINING = 0.7  # of what a time limit leaves when training begins; the rest is for the episodes of evaluation
_ENDING_SECONDS = 3.0  # for curves, pictures and the end of the process
_SHORTEST_TRAINING = 20.0  # seconds: with less for each, fewer seeds are trained


@dataclass(frozen=True)
class AgentPlan:
    """What a run is about to do, for whoever watches it.

    Attributes:
        run: The run's folder.
        environment: Name of the environment.
        spaces: Its observations and actions, for people.
        n_seeds: Trainings in all.
        seeds_left: Numbers of those that are still to be done.
        seconds: Time of each training, None for all its steps.
    """

    run: Run
    environment: str
    spaces: str
    n_seeds: int
    seeds_left: list[int]
    seconds: float | None


def train(
    simulation: Simulation,
    *,
    fresh: bool = False,
    limit: float | None = None,
    began: float = 0.0,
    on_plan: Callable[[AgentPlan], None] = lambda plan: None,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Run:
    """Train the project's agent and write a Run.

    A run that was cut short and has the same config and code is continued: seeds that are done stay, those that were
    under way go on from their last checkpoint.

    Args:
        simulation: The project.
        fresh: Begin anew even if a cut run could be continued.
        limit: Seconds until all has to be over, None for as long as it takes.
        began: When the limit began, by `time.monotonic`.
        on_plan: Called once, before training.
        on_event: Called with each update and each finished training.

    Raises:
        UsageError: The config, the environment or the project's own agent is wrong.
        AicompError: Training failed, or another training runs in this project.
    """
    arena = Arena(simulation.competition.environment, simulation.folder)
    check_opponents(arena, simulation.config.evaluation.opponents)
    if arena.rules is not None and simulation.config.training.imitate:
        raise UsageError("`training.imitate` is for environments of one, not for games", "leave it out")
    spaces = arena.spaces()  # a wrong environment is an error before there is a run
    with only_training(simulation):
        info = describe(simulation)
        run = None if fresh else unfinished_run(simulation.runs, info["fingerprint"])
        pool = _start_pool(simulation)
        try:
            run = _lay_out(simulation, info, limit, pool) if run is None else run
            left = [k for k in range(_n_seeds(run)) if not run.fold_is_done(k)]
            until = None if limit is None else began + limit - _ENDING_SECONDS
            seconds = _seconds_each(len(left), until, pool)
            shown = f"observations {spaces.shape}, {_actions(spaces)}"
            on_plan(AgentPlan(run, arena.name, shown, _n_seeds(run), left, seconds))
            with _nothing_left_of_a_mistake(run):
                if simulation.config.model.name == LEARNED:
                    _do_jobs(_jobs(run, left, seconds), simulation, pool, on_event)
                finish_run(run, simulation, until, _Player(simulation, pool, on_event))
        finally:
            if pool is not None:
                pool.close(None if run is None else run.folder)
        return run


def _actions(spaces: Any) -> str:
    return f"{spaces.n_actions} actions" if spaces.is_discrete else f"{len(spaces.low)} continuous actions"


def _start_pool(simulation: Simulation) -> Pool | None:
    """Processes that train and play; None does everything in this one."""
    workers = simulation.config.workers
    return None if workers == 0 else Pool(simulation.folder, n_cores() if workers == "auto" else max(1, int(workers)))


def _n_seeds(run: Run) -> int:
    n: int = run.read("plan.json")["n_folds"]
    return n


def _lay_out(simulation: Simulation, info: dict[str, Any], limit: float | None, pool: Pool | None) -> Run:
    """Make a run's folder; with little time it has fewer seeds than asked for."""
    config = simulation.config
    n = config.training.seeds if config.model.name == LEARNED else 1
    processes = 1 if pool is None else pool.size
    if limit is not None and n > processes and _SHARE_OF_TRAINING * limit / -(-n // processes) < _SHORTEST_TRAINING:
        n = processes
    run = create_run(simulation.runs, info)
    run.work.mkdir()
    run.write("plan.json", {"n_folds": n, "limit": limit})
    episodes = config.evaluation
    lines = ["fold,seed,selection_seeds,evaluation_seeds"]
    selection, evaluation = (f"{a}-{a + n - 1}" for a, n in (
        (SELECTION_SEEDS, episodes.selection), (EVALUATION_SEEDS, episodes.episodes)
    ))  # fmt: skip
    lines += [f"{k},{config.seed + k},{selection},{evaluation}" for k in range(n)]
    atomic_write(run.folder / "folds.csv", "\n".join(lines) + "\n")
    (run.work / "READY").touch()
    return run


def _seconds_each(n_left: int, until: float | None, pool: Pool | None) -> float | None:
    if until is None or not n_left:
        return None
    waves = -(-n_left // (1 if pool is None else pool.size))
    return max(1.0, _SHARE_OF_TRAINING * (until - time.monotonic()) / waves)


def _jobs(run: Run, seeds: list[int], seconds: float | None) -> list[Job]:
    return [Job("agent", str(run.folder), fold=k, budget=seconds, on_cpu=True) for k in seeds]


@dataclass(frozen=True)
class _Player:
    """Has jobs of episodes done, by the processes or here; see `finish.PlayJobs`."""

    simulation: Simulation
    pool: Pool | None
    on_event: Callable[[Event], None]

    def __call__(self, run: Run, until: float | None) -> list[dict[str, Any]]:
        n = 1 if self.pool is None else self.pool.size
        seconds = None if until is None else max(0.0, until - time.monotonic())
        jobs = [Job("episodes", str(run.folder), fold=k, n_folds=n, budget=seconds, on_cpu=True) for k in range(n)]
        return _do_jobs(jobs, self.simulation, self.pool, self.on_event)


def _do_jobs(
    jobs: list[Job], simulation: Simulation, pool: Pool | None, on_event: Callable[[Event], None]
) -> list[dict[str, Any]]:
    """Have jobs done; their results in order.

    Raises:
        AicompError: One failed.
    """
    if jobs and jobs[0].task == "agent":
        on_event(DeviceEvent("cpu", 0 if pool is None else min(pool.size, len(jobs))))
    if pool is None:
        results = []
        for job in jobs:
            results.append(do(job, simulation.folder, lambda content: _tell(content, on_event)))
            _tell_done(job, on_event)
        return results
    pool.put(jobs)
    done: dict[int, dict[str, Any]] = {}
    while len(done) < len(jobs):
        said = pool.get()
        assert said is not None
        if said.event == "epoch":
            _tell({"event": "epoch", **said.content}, on_event)
        elif said.event == "done" and said.job is not None:
            done[said.job.fold] = said.content["result"]
            _tell_done(said.job, on_event)
        elif said.event in ("error", "crash", "died"):
            raise failure(said)
    return [done[job.fold] for job in jobs]


def _tell(content: dict[str, Any], on_event: Callable[[Event], None]) -> None:
    if content.pop("event") == "epoch":
        on_event(EpochEvent(**content))


def _tell_done(job: Job, on_event: Callable[[Event], None]) -> None:
    if job.task == "agent":
        on_event(FoldEvent(job.fold))


@contextmanager
def _nothing_left_of_a_mistake(run: Run) -> Iterator[None]:
    """Remove a run whose config or code turned out to be wrong before any seed was trained: it holds nothing."""
    try:
        yield
    except (UsageError, DataError):
        if not any(run.fold_is_done(k) for k in range(_n_seeds(run))):
            shutil.rmtree(run.folder)
        raise


def describe(simulation: Simulation) -> dict[str, Any]:
    """Everything that a later reader needs to know where a run came from; the content of `run.json`."""
    config = msgspec.to_builtins(simulation.config)
    arena = Arena(simulation.competition.environment, simulation.folder)
    contest = {
        "environment": simulation.competition.environment,
        "evaluation": {k: v for k, v in config["evaluation"].items() if arena.rules is not None or k != "opponents"},
    }
    facts = {
        "config": config,
        "competition": msgspec.to_builtins(simulation.competition),
        # Of a simulation, the data is what its agents are measured by: runs of one contest can be compared.
        "data_hash": _hash(contest),
        "code_hash": simulation.code_hash(),
        "versions": {"aicomp": __version__, **_versions()},
    }
    decisive = {**facts, "config": {k: v for k, v in config.items() if k != "workers"}}
    decisive["config"]["training"] = {k: v for k, v in config["training"].items() if k != "checkpoint"}
    return {
        "fingerprint": _hash(decisive),
        "kind": "agent",
        **facts,
        **surroundings(simulation),
    }


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # gymnasium is an extra, and no environment of its may be wanted
            continue
    return found
