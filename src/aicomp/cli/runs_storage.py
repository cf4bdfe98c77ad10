"""`aicomp runs push` and `aicomp runs pull`: a run in a store that other machines reach."""

from typing import Annotated

import typer

from aicomp.cli.options import Json, ProjectFolder
from aicomp.cli.output import Output
from aicomp.errors import UsageError

RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run, or the beginning of its name.")]
Url = Annotated[
    str | None,
    typer.Argument(
        metavar="URL", help="Such as s3://bucket/folder or file:///folder; by default `storage.mirror` of aicomp.toml."
    ),
]


def push(run_name: RunName, url: Url = None, project_folder: ProjectFolder = None, as_json: Json = False) -> None:
    """Copy a run into a store, `DONE` last; of one that is not done, the folds that are trained.

    What is there already is not sent again. Every file is listed with its hash, after it was sent.

    With --json the keys are: run, url, done (whether the run is).
    """
    from aicomp.project import Project
    from aicomp.run import find_any_run
    from aicomp.storage.mirror import push as push_run

    output = Output(as_json)
    project = Project.open(project_folder)
    run, url = find_any_run(project.runs, run_name), _url(url, project.config.storage.mirror)
    push_run(run, url)
    what = "whole" if run.is_done else "as far as it is trained"
    output.result({"run": run.id, "url": url, "done": run.is_done}, f"run {run.id}, {what}, in `{url}`")


def pull(run_name: RunName, url: Url = None, project_folder: ProjectFolder = None, as_json: Json = False) -> None:
    """Copy a run from a store; it is there when every file came with the hash that was sent.

    One that is not done is continued by `aicomp train` in a project of the same config, data and code.

    With --json the keys are: run, folder, url, done (whether the run is).
    """
    from aicomp.project import Project
    from aicomp.storage.mirror import pull as pull_run

    output = Output(as_json)
    project = Project.open(project_folder)
    url = _url(url, project.config.storage.mirror)
    run = pull_run(project.runs, run_name, url)
    after = "next: aicomp submit --dry-run" if run.is_done else "next: `aicomp train` continues it"
    content = {"run": run.id, "folder": str(run.folder), "url": url, "done": run.is_done}
    output.result(content, f"run {run.id} in `{run.folder}`", after)


def _url(given: str | None, mirror: str) -> str:
    if not (given or mirror):
        raise UsageError("no store is named", "write its address behind the run, or `mirror` under `[storage]`")
    return given or mirror
