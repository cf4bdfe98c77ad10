"""The end of a training: the best seed becomes the run's agent and plays the episodes that its score is made of."""

import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from aicomp.files import atomic_write, writing
from aicomp.run import Run
from aicomp.simulation.agents import LEARNED, own_agent, run_agent
from aicomp.simulation.curves import draw_history, write_history
from aicomp.simulation.drawing import board_frames, write_gif
from aicomp.simulation.environments import Arena
from aicomp.simulation.episodes import (
    EVALUATION_SEEDS,
    SELECTION_SEEDS,
    Act,
    Episode,
    play,
    scores_of,
)
from aicomp.simulation.faults import as_error
from aicomp.simulation.project import Simulation
from aicomp.simulation.scores import interval
from aicomp.simulation.seed_job import simulation_of

PlayJobs = Callable[[Run, float | None], list[dict[str, Any]]]
"""Has the episodes of evaluation played: run, time by `time.monotonic` when no more may begin -> results of parts."""


def finish_run(run: Run, simulation: Simulation, until: float | None, play_jobs: PlayJobs) -> None:
    """Put a run together; `DONE` is written last.

    Args:
        run: A run whose seeds are trained.
        simulation: The project.
        until: No episode begins after this time of `time.monotonic`; None for no limit.
        play_jobs: Plays the episodes of evaluation.

    Raises:
        UsageError: The project's own agent is wrong.
        AicompError: A file cannot be written.
    """
    if simulation.config.model.name == LEARNED:
        _keep_best(run)
    else:
        _try_own(run, simulation)
    parts = play_jobs(run, until)
    episodes = sorted((e for part in parts for e in part["episodes"]), key=lambda e: int(e["seed"]))
    run.write("episodes.json", {"episodes": episodes})
    run.write("scores.json", _scores(run, simulation, episodes))
    _show(run, simulation)
    with writing(run.folder):
        shutil.rmtree(run.work, ignore_errors=True)
        for checkpoint in run.folder.glob("folds/*/checkpoint.safetensors"):
            checkpoint.unlink()  # of a training that was killed in the moment after its result was written
        (run.folder / "DONE").touch()


def _results(run: Run) -> list[dict[str, Any]]:
    return [run.result(k) for k in range(run.read("plan.json")["n_folds"])]


def _keep_best(run: Run) -> None:
    """Copy the weights of the seed with the best selection score to the run's own folder; write its curves."""
    results = _results(run)
    best = max(range(len(results)), key=lambda k: results[k]["score"])
    atomic_write(run.folder / "weights.safetensors", (run.fold(best) / "weights.safetensors").read_bytes())
    run.write("agent.json", {"spec": run.read(f"folds/{best}/spec.json"), "fold": best})
    histories = [result["history"] for result in results]
    write_history(histories, run.folder / "curves.csv")
    draw_history(histories, run.folder / "curves.png", metric=run.info["competition"]["metric"])


def _try_own(run: Run, simulation: Simulation) -> None:
    """Let the project's own agent play the episodes of selection, as the seeds of a training do."""
    began = time.monotonic()
    config, arena = simulation.config.evaluation, Arena(simulation.competition.environment, simulation.folder)
    act = own_agent(simulation, simulation.config.model.name)
    with as_error(simulation.config.model.name):
        episodes = play(arena, act, SELECTION_SEEDS, config.selection, opponents=config.opponents)
    run.fold(0).mkdir(parents=True, exist_ok=True)
    run.write("agent.json", {"fold": 0})
    result = {"score": float(scores_of(episodes).mean()), "seconds": time.monotonic() - began, "history": []}
    run.write("folds/0/result.json", {**result, "best_step": 0, "steps": 0, "settings": {}, "notes": []})


def play_part(run: Run, folder: Path, k: int, n_parts: int, seconds: float | None) -> dict[str, Any]:
    """Play one of several parts of the episodes of evaluation.

    Args:
        run: A run whose agent is chosen.
        folder: The project.
        k: Number of the part.
        n_parts: Parts in all.
        seconds: After this time no episode begins, but for the first; None for no limit.

    Returns:
        episodes: a list of seed, opponent, score, steps and slowest (seconds of an action).

    Raises:
        AicompError: The agent fails.
    """
    until = None if seconds is None else time.monotonic() + seconds
    simulation = simulation_of(run, folder)
    config, arena = simulation.config.evaluation, Arena(simulation.competition.environment, folder)
    act = run_agent(run, simulation)
    # Parts begin with a multiple of what a round of opponents and sides takes, so that each has the same share of them.
    size = -(-config.episodes // n_parts)
    size = -(-size // (2 * len(config.opponents))) * 2 * len(config.opponents) if arena.rules is not None else size
    first = k * size
    n = max(0, min(size, config.episodes - first))
    with as_error(simulation.config.model.name):
        episodes = play(arena, act, EVALUATION_SEEDS + first, n, opponents=config.opponents, until=until)
    return {"episodes": [_content(e) for e in episodes]}


def _content(episode: Episode) -> dict[str, Any]:
    return {name: getattr(episode, name) for name in ("seed", "opponent", "score", "steps", "slowest")}


def _scores(run: Run, simulation: Simulation, episodes: list[dict[str, Any]]) -> dict[str, Any]:
    metric = simulation.competition.metric
    scores = np.array([e["score"] for e in episodes])
    seeds = [result["score"] for result in _results(run)]
    found = interval(metric, scores)
    content = {
        "metric": metric,
        "greater_is_better": True,
        "folds": seeds,
        "mean": statistics.fmean(seeds),
        "std": statistics.pstdev(seeds),
        "pooled": found.mean,
        "n_validated": len(episodes),
        "evaluation": found.content(),
        "best_fold": run.read("agent.json")["fold"],
        "slowest": max(e["slowest"] for e in episodes),
        "last_step": {"name": "plain", "parameters": {}, "reason": "a simulation has none"},
    }
    if any(e["opponent"] for e in episodes):
        content["opponents"] = by_opponent(episodes)
    return content


def by_opponent(episodes: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Games won, drawn and lost, and the share of wins with its interval, by opponent."""
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(e["opponent"].partition(",")[0] for e in episodes):
        scores = np.array([e["score"] for e in episodes if e["opponent"].partition(",")[0] == name])
        counts = {word: int((scores == value).sum()) for word, value in (("won", 1), ("drawn", 0.5), ("lost", 0))}
        found[name] = {**counts, **interval("win_rate", scores).content()}
    return found


def _show(run: Run, simulation: Simulation) -> None:
    """Leave a picture of the agent: its first episode of evaluation, of a game that against the last opponent."""
    arena, config = Arena(simulation.competition.environment, simulation.folder), simulation.config
    act: Act = run_agent(run, simulation)
    with as_error(config.model.name):
        [episode] = play(arena, act, EVALUATION_SEEDS, 1, opponents=config.evaluation.opponents[-1:], keep=1)
    title = f"{simulation.competition.slug}: run {run.id}, seed {episode.seed}"
    if arena.rules is None:
        write_gif(episode.frames, run.folder / "episode.gif", title, is_game=False)
        return
    caption = f"red is the agent, against {episode.opponent.partition(',')[0]}"
    write_gif(board_frames(episode.frames, arena.rules, caption), run.folder / "episode.gif", title, is_game=True)
