"""Two runs of one simulation, episode by episode: `python benchmarks/episodes.py RUN_FOLDER RUN_FOLDER`.

Both have played the same seeds of evaluation. The difference of each episode is taken, which leaves out what
makes one episode harder than another.
"""

import sys
from pathlib import Path

import numpy as np

from aicomp.run import Run
from aicomp.simulation.scores import interval, of_mean


def main() -> None:
    runs = [Run(Path(name)) for name in sys.argv[1:3]]
    scores = [{e["seed"]: e["score"] for e in run.read("episodes.json")["episodes"]} for run in runs]
    for run, own in zip(runs, scores, strict=True):
        name = run.info["config"]["model"]["name"]
        print(f"{run.id} {name}: {interval(run.scores['metric'], np.array(list(own.values()))).text()}")
    both = sorted(scores[0].keys() & scores[1].keys())
    differences = np.array([scores[1][seed] - scores[0][seed] for seed in both])
    print(
        f"second minus first, the same seeds: {of_mean(differences).text()}; better in {np.mean(differences > 0):.0%}"
    )


if __name__ == "__main__":
    main()
