"""`aicomp runs export`: runs in MLflow or TensorBoard."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from aicomp.cli.options import Json, ProjectFolder
from aicomp.cli.output import Output
from aicomp.errors import UsageError


def export(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="RUN...", help="Runs, or the beginnings of their names.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All runs that are done.")] = False,
    to: Annotated[Literal["mlflow", "tensorboard"] | None, typer.Option("--to", help="For which program.")] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--into", metavar="FOLDER", help="Where to; by default runs/mlflow or runs/tensorboard."),
    ] = None,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Write runs for MLflow or TensorBoard: params, each fold's metrics by epoch, scores, tags, and paths of the files.

    The files themselves are not copied. A run that is there already is not there twice afterwards: its scores, note and
    tags are written anew.

    With --json the keys are: to, folder, runs (ids).
    """
    from aicomp.run import find_run
    from aicomp.runs.export.content import exported
    from aicomp.runs.facts import read_facts
    from aicomp.runs.index import list_facts
    from aicomp.simulation.project import open_project

    output = Output(as_json)
    if to is None:
        raise UsageError(
            "`aicomp runs export` is not told for which program", "say `--to mlflow` or `--to tensorboard`"
        )
    if every == bool(names):
        raise UsageError("name the runs, or all of them by `--all`", f"write `aicomp runs export --all --to {to}`")
    project = open_project(project_folder)
    runs = [find_run(project.runs, name) for name in dict.fromkeys(names or ())]
    if every:
        runs = [find_run(project.runs, facts.run) for facts in list_facts(project.runs) if facts.is_done]
    if not runs:
        raise UsageError(f"`{project.runs}` holds no run that is done", "run `aicomp train`")
    folder = folder or project.runs / to
    contents = [exported(run, read_facts(run)) for run in runs]
    if to == "mlflow":
        from aicomp.runs.export.to_mlflow import DATABASE, to_mlflow

        to_mlflow(contents, folder, project.competition.slug)
        show = f"mlflow ui --backend-store-uri sqlite:///{folder / DATABASE}"
    else:
        from aicomp.runs.export.to_tensorboard import to_tensorboard

        to_tensorboard(contents, folder)
        show = f"tensorboard --logdir {folder}"
    n = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    content = {"to": to, "folder": str(folder), "runs": [run.id for run in runs]}
    output.result(content, f"{n} written into `{folder}`", f"see them: {show}")
