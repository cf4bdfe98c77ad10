"""`torchrun ... -m aicomp train`: the same command in several processes, of which the first one speaks."""

from typing import TYPE_CHECKING

from aicomp.cli.output import Output
from aicomp.errors import UsageError

if TYPE_CHECKING:
    from aicomp.project import Project


def train_together(
    project: "Project", output: Output, *, overrides: list[str], fresh: bool, seeds: int, time_limit: str | None
) -> None:
    """Train as one of the processes that torchrun started.

    Args:
        project: The project, in a folder that all see.
        output: Where the first process says how it goes; the others say nothing.
        overrides: `key=value` entries with which the project was opened.
        fresh: Begin anew even if a cut run could be continued.
        seeds: Runs to train and to average.
        time_limit: Refused.
    """
    from aicomp.cli.seeds import train_seeds
    from aicomp.cli.train import describe_run, summary, train_project
    from aicomp.engine.launch import end_launched, follow, joined

    if time_limit is not None:
        raise UsageError("`--time-limit` trains folds side by side, each by one process", "start it without torchrun")
    with joined(project.config) as share:
        if share.rank:
            follow(share, project.runs, project.folder)
        elif seeds > 1:
            train_seeds(project, output, n_seeds=seeds, overrides=overrides, fresh=fresh)
            end_launched()
        else:
            run = train_project(project, output, fresh=fresh)
            end_launched()
            output.result(summary(run), *describe_run(run))
