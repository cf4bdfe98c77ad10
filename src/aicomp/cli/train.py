"""`aicomp train`: cross-validate the project's model and write a Run."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from aicomp.cli.options import Json, ProjectFolder, Set
from aicomp.cli.output import Output
from aicomp.cli.sources import check_data_is_there

if TYPE_CHECKING:
    from aicomp.cross_validation import Plan
    from aicomp.run import Run


def train(
    overrides: Set = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew even if a run that was cut short could be continued.")
    ] = False,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Train the project's model on every fold, score it, and predict the test rows."""
    from aicomp.project import Project

    output = Output(as_json)
    project = Project.open(project_folder, overrides)
    check_data_is_there(project)
    run = train_project(project, output, fresh=fresh)
    output.result(summary(run), *describe_run(run))


def train_project(project: Any, output: Output, *, fresh: bool = False) -> "Run":
    """Cross-validate a project's model and show how it goes.

    Args:
        project: The `Project`.
        output: Where to say it.
        fresh: Begin anew even if a cut run could be continued.
    """
    from aicomp.cli.progress import Progress
    from aicomp.cross_validation import cross_validate

    with Progress(output, project.competition.metric) as progress:

        def on_plan(plan: "Plan") -> None:
            output.say(*_describe_plan(plan))
            progress.begin(plan.n_folds, plan.folds_left)

        return cross_validate(project, fresh=fresh, on_plan=on_plan, on_event=progress.on_event)


def _describe_plan(plan: "Plan") -> list[str]:
    """What is about to happen, a line per column and per choice."""
    lines = [f"run {plan.run.id}: {plan.n_rows[0]} train rows, {plan.n_rows[1]} test rows", "columns:"]
    width = max(len(c.name) for c in plan.columns)
    lines += [f"  {c.name:<{min(width, 32)}}  {c.kind:<8}  {c.reason}" for c in plan.columns]
    lines.append(f"folds: {plan.n_folds} by `{plan.splitter}` ({plan.splitter_reason})")
    lines += [f"note: {note}" for note in plan.notes]
    n_done = plan.n_folds - len(plan.folds_left)
    if n_done:
        lines.append(f"continuing: {n_done} of {plan.n_folds} folds are trained already")
    return lines


def summary(run: "Run") -> dict[str, Any]:
    """The outcome for programs.

    Keys: run, folder, metric, greater_is_better, folds (score of each), mean, std, pooled (score of all validated
    rows together), n_validated, last_step (name, parameters, reason; if others were tried: without and nested, both
    with folds, mean, std and pooled, and tried, a list of name, kept, mean, gain, standard_error), seconds (of all
    folds together). The scores are those with the last step, each fold by one that was fitted on the others.
    """
    return {"run": run.id, "folder": str(run.folder), **run.scores, "seconds": round(run.seconds, 1)}


def describe_run(run: "Run") -> list[str]:
    """The outcome for people."""
    scores = run.scores
    folds = "  ".join(f"{score:.5g}" for score in scores["folds"])
    direction = "higher" if scores["greater_is_better"] else "lower"
    return [
        f"{scores['metric']}: {scores['mean']:.5g} ± {scores['std']:.2g} over {len(scores['folds'])} folds, "
        f"{scores['pooled']:.5g} over all rows together"
        f" ({direction} is better)",
        f"folds: {folds}",
        *_describe_last_step(scores),
        f"run {run.id} in `{run.folder}`; its folds took {run.seconds:.0f} s together",
        "next: aicomp submit --dry-run",
    ]


def _describe_last_step(scores: dict[str, Any]) -> list[str]:
    """What was chosen as the last step and what it brought; nothing where there was no choice."""
    step = scores.get("last_step", {})
    tried = step.get("tried", [])
    if not tried:
        return []
    if step["name"] == "plain":
        means = ", ".join(f"{t['name']} {t['mean']:.5g}" for t in tried if "mean" in t)
        return [f"last step: plain; {step['reason']}" + (f" ({means})" if means else "")]
    values = ", ".join(_parameter(value) for value in step["parameters"].values() if not isinstance(value, bool))
    return [
        f"last step: {step['name']} {values}; {scores['metric']} {step['without']['mean']:.5g} without, "
        f"{step['nested']['mean']:.5g} with it, fitted on the other folds"
    ]


def _parameter(value: Any) -> str:
    numbers = value if isinstance(value, list) else [value]
    shown = " ".join(f"{number:.4g}" for number in numbers[:6])
    return shown + (" ..." if len(numbers) > 6 else "")
