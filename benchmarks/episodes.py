"""Two runs of one simulation, episode by episode: `python benchmarks/episodes.py RUN_FOLDER RUN_FOLDER [--more N]`.

Both have played the same seeds of evaluation; with `--more`, both play N further ones that follow these. The difference
of each episode is taken, which leaves out what makes one episode harder than another.
"""

import argparse
from pathlib import Path

import numpy as np

from aicomp.run import Run
from aicomp.simulation.agents import run_agent
from aicomp.simulation.environments import Arena
from aicomp.simulation.episodes import EVALUATION_SEEDS, play
from aicomp.simulation.scores import interval, of_mean
from aicomp.simulation.seed_job import simulation_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs=2)
    parser.add_argument("--more", type=int, default=0)
    options = parser.parse_args()
    runs = [Run(folder.resolve()) for folder in options.runs]
    scores = [scores_by_seed(run, options.more) for run in runs]
    for run, own in zip(runs, scores, strict=True):
        name = run.info["config"]["model"]["name"]
        print(f"{run.id} {name}: {interval(run.scores['metric'], np.array(list(own.values()))).text()}")
    both = sorted(scores[0].keys() & scores[1].keys())
    differences = np.array([scores[1][seed] - scores[0][seed] for seed in both])
    print(
        f"second minus first, the same seeds: {of_mean(differences).text()}; better in {np.mean(differences > 0):.0%}"
    )


def scores_by_seed(run: Run, n_more: int) -> dict[int, float]:
    """Of the episodes that a run has played, or of so many after them."""
    played = {int(e["seed"]): float(e["score"]) for e in run.read("episodes.json")["episodes"]}
    if not n_more:
        return played
    simulation = simulation_of(run, run.folder.parent.parent)
    config, arena = simulation.config.evaluation, Arena(simulation.competition.environment, simulation.folder)
    first = EVALUATION_SEEDS + config.episodes
    episodes = play(arena, run_agent(run, simulation), first, n_more, opponents=config.opponents)
    return {episode.seed: episode.score for episode in episodes}


if __name__ == "__main__":
    main()
