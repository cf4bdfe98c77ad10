"""Cross-validate the model of `aicomp.toml` and say how good it is: `python train.py`, as `aicomp train` does."""

import sys
from pathlib import Path

from aicomp.cross_validation import Plan, cross_validate
from aicomp.engine.events import DeviceEvent, EpochEvent, Event
from aicomp.errors import AicompError
from aicomp.project import Project
from aicomp.run import Run


def show_plan(plan: Plan) -> None:
    """Say what is about to happen: how each column is taken, and how rows are folded."""
    print(f"run {plan.run.id}: {plan.n_rows[0]} train rows, {plan.n_rows[1]} test rows")
    for column in plan.columns:
        print(f"  {column.name:<24} {column.kind:<9} {column.reason}")
    print(f"{plan.n_folds} folds by {plan.splitter}: {plan.splitter_reason}")
    for note in plan.notes:
        print(f"note: {note}")


def show_event(event: Event) -> None:
    """Say how training goes: where it runs, and each tenth epoch of each fold."""
    if isinstance(event, DeviceEvent):
        print(f"training on {event.device}, {max(1, event.workers)} fold(s) at a time")
    elif isinstance(event, EpochEvent) and event.epoch % 10 == 0:
        print(f"fold {event.fold}  epoch {event.epoch:>3}/{event.n_epochs}  best so far {event.best_score:.5f}")


def show_scores(run: Run) -> None:
    """Print the score of each fold, their mean, and the score of all out-of-fold predictions together."""
    scores = run.scores
    for fold, score in enumerate(scores["folds"]):
        print(f"fold {fold}: {score:.5f}")
    direction = "higher" if scores["greater_is_better"] else "lower"
    print(f"{scores['metric']}: {scores['mean']:.5f} +- {scores['std']:.5f} over folds ({direction} is better)")
    print(f"{scores['metric']} of all out-of-fold predictions: {scores['pooled']:.5f}")
    print(f"predictions, scores and curves are in {run.folder}")


def main() -> None:
    """Read and fold the data, train each fold's model, keep the best epoch, and predict the test rows."""
    project = Project.open(Path(__file__).parent)
    show_scores(cross_validate(project, on_plan=show_plan, on_event=show_event))


if __name__ == "__main__":  # folds are trained by processes of their own
    try:
        main()
    except AicompError as error:
        sys.exit(f"error: {error.message}\n\nhint: {error.hint}")
