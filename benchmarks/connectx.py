"""An agent of connect-x against the opponents of kaggle-environments, on both sides.

python benchmarks/connectx.py PROJECT [RUN] --games 100 --depth 6

The submission of a run is built and played as `aicomp submit` does: in a process of its own without network. Needs
kaggle-environments; `pip install --no-deps kaggle-environments`, with jsonschema, flask and termcolor, is enough.
"""

import argparse
import importlib.util
import sys
import time
from pathlib import Path

import msgspec

from aicomp.run import find_run
from aicomp.simulation.check import check_agent
from aicomp.simulation.config import PlayConfig
from aicomp.simulation.episodes import HIDDEN_SEEDS
from aicomp.simulation.finish import by_opponent
from aicomp.simulation.pack import build_agent
from aicomp.simulation.project import Simulation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("run", nargs="?")
    parser.add_argument("--games", type=int, default=100, help="against each opponent")
    parser.add_argument("--opponents", nargs="+", default=["random", "negamax"])
    parser.add_argument("--depth", type=int, help="moves that the agent looks ahead; by default as in the run")
    arguments = parser.parse_args()
    if importlib.util.find_spec("kaggle_environments") is None:
        sys.exit("kaggle-environments is not installed")
    simulation = Simulation.open(arguments.project)
    run = find_run(simulation.runs, arguments.run)
    play = msgspec.convert(run.info["config"]["play"], PlayConfig)
    if arguments.depth is not None:
        play = msgspec.structs.replace(play, depth=arguments.depth)
    file = build_agent(simulation, run, play)
    print(f"{file.name}: {play}")
    for opponent in arguments.opponents:
        began = time.monotonic()
        played = check_agent(simulation, file, n=arguments.games, first_seed=HIDDEN_SEEDS, opponents=(opponent,))
        found = by_opponent(played.episodes)[opponent]
        moves = sum(e["steps"] for e in played.episodes)
        print(
            f"{played.engine}, {opponent}: {found['won']} won, {found['drawn']} drawn, {found['lost']} lost, "
            f"{found['mean']:.3f} (95 % {found['low']:.3f} to {found['high']:.3f}); {moves} moves, "
            f"{time.monotonic() - began:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
