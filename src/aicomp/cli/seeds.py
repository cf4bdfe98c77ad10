"""`aicomp train --seeds N` and `--pseudo RUN`: several runs averaged, and labels that another run predicts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aicomp.cli.output import Output
from aicomp.errors import UsageError

if TYPE_CHECKING:
    from aicomp.project import Project
    from aicomp.run import Run


def pseudo_override(folder: Path | None, overrides: list[str] | None, name: str) -> str:
    """The entry of the config that stands for `--pseudo`: the run's whole name.

    Raises:
        UsageError: No such run, or none that is done.
    """
    from aicomp.project import Project
    from aicomp.run import find_run

    return f'pseudo.run="{find_run(Project.open(folder, overrides).runs, name).id}"'


def check_alone(project: "Project", *, time_limit: str | None, seeds: int) -> None:
    """Refuse options that do not go together.

    Raises:
        UsageError: A time limit with one of the others, with one fold at a time, or for targets that are strings.
    """
    if time_limit is None:
        return
    if project.task.is_string:
        raise UsageError(
            "`--time-limit` chooses among models of numbers and classes, and the targets here are strings",
            "leave it out: `aicomp train` trains the model of aicomp.toml, and `aicomp blend` puts several together",
        )
    if seeds > 1:
        raise UsageError("`--seeds` does not go with `--time-limit`, which chooses seeds itself", "leave one out")
    if project.config.training.shard:
        raise UsageError(
            "`training.shard` does not go with `--time-limit`, which trains folds side by side",
            "write `--set training.shard=false`",
        )
    if project.config.pseudo.run:
        raise UsageError(
            "pseudo-labels do not go with `--time-limit`, which trains the runs that could give them",
            "train within the limit first, then `aicomp train --pseudo RUN` with its best run",
        )


def train_seeds(project: "Project", output: Output, *, n_seeds: int, overrides: list[str], fresh: bool) -> None:
    """Train a run for each seed from the config's on, average them into one run and tell of it.

    A run that is done already with the same config, data and code is taken as it is.

    Args:
        project: The project.
        output: Where to say it.
        n_seeds: Runs.
        overrides: With which the project was opened.
        fresh: Train all of them anew.
    """
    from aicomp.cli.train import train_project
    from aicomp.ensemble.blending import blend
    from aicomp.project import Project

    runs = []
    for seed in range(project.config.seed, project.config.seed + n_seeds):
        output.say(f"seed {seed}:")
        opened = Project.open(project.folder, [*overrides, f"seed={seed}"])
        run = None if fresh else _done(opened)
        if run is not None:
            output.say(f"run {run.id} is there already")
        runs.append(run or train_project(opened, output, fresh=fresh))
    averaged = blend(project, runs, "consensus" if project.task.is_string else "mean").run
    content = _content(averaged, runs, project.config.seed)
    output.result(content, *_lines(content))


def _done(project: "Project") -> "Run | None":
    """The newest run that is done and was made of the same config, data and code."""
    from aicomp.cross_validation import fingerprinted
    from aicomp.run import list_runs

    fingerprint = fingerprinted(project)[0]["fingerprint"]
    done = [run for run in list_runs(project.runs) if run.is_done and run.info["fingerprint"] == fingerprint]
    return done[-1] if done else None


def _content(averaged: "Run", runs: list["Run"], first: int) -> dict[str, Any]:
    from aicomp.cli.train import summary

    seeds = [{"seed": first + k, "run": run.id, "mean": run.scores["mean"]} for k, run in enumerate(runs)]
    return {**summary(averaged), "seeds": seeds}


def _lines(content: dict[str, Any]) -> list[str]:
    from aicomp.cli.table import table_lines

    better = "higher" if content["greater_is_better"] else "lower"
    rows = [[str(s["seed"]), f"{s['mean']:.5g}", s["run"]] for s in content["seeds"]]
    return [
        *table_lines(["seed", content["metric"], "run"], rows),
        f"{content['metric']}: {content['mean']:.5g} ± {content['std']:.2g} of their mean, "
        f"{content['pooled']:.5g} over all rows together ({better} is better)",
        f"run {content['run']} in `{content['folder']}`",
        "next: aicomp submit --dry-run",
    ]
