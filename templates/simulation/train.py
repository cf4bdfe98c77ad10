"""Train the agent of `aicomp.toml` and say how good it is: `python train.py`, as `aicomp train` does."""

import sys
from pathlib import Path

from aicomp.engine.events import EpochEvent, Event, FoldEvent
from aicomp.errors import AicompError
from aicomp.run import Run
from aicomp.simulation.project import Simulation
from aicomp.simulation.training import AgentPlan, train


def show_plan(plan: AgentPlan) -> None:
    """Say what is about to happen."""
    print(f"run {plan.run.id}: {plan.environment}, {plan.spaces}, {plan.n_seeds} seeds")


class Shown:
    """Says how training goes: a line where a tenth of the steps is over."""

    def __init__(self) -> None:
        self._tenths: dict[int, int] = {}

    def __call__(self, event: Event) -> None:
        """Take note of what training tells."""
        if isinstance(event, FoldEvent):
            print(f"seed {event.fold} is trained")
        elif isinstance(event, EpochEvent):
            tenth = 10 * event.epoch // event.n_epochs
            if tenth > self._tenths.get(event.fold, 0):
                self._tenths[event.fold] = tenth
                print(f"seed {event.fold}  step {event.epoch:>8}/{event.n_epochs}  best so far {event.best_score:.5g}")


def show_scores(run: Run) -> None:
    """Print the score of each seed, and that of the best one in the episodes of evaluation."""
    scores = run.scores
    for seed, score in enumerate(scores["folds"]):
        print(f"seed {seed}: {score:.5g}")
    found = scores["evaluation"]
    print(f"{scores['metric']}: {found['mean']:.5g}, 95 % interval {found['low']:.5g} to {found['high']:.5g}")
    print(f"weights, curves and episode.gif are in {run.folder}")


def main() -> None:
    """Train with each seed, keep the best policy, and play the episodes of evaluation."""
    show_scores(train(Simulation.open(Path(__file__).parent), on_plan=show_plan, on_event=Shown()))


if __name__ == "__main__":  # seeds are trained by processes of their own
    try:
        main()
    except AicompError as error:
        sys.exit(f"error: {error.message}\n\nhint: {error.hint}")
