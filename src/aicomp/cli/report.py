"""`aicomp report`: all of one run on a page, and as Markdown."""

from pathlib import Path
from typing import Annotated

import typer

from aicomp.cli.options import Json, ProjectFolder
from aicomp.cli.output import Output


def report(
    run_name: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run, or the beginning of its name; by default the newest.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE", help="Write this file alone: Markdown if it ends in .md, else a page."
        ),
    ] = None,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the Markdown too, with pictures told in words.")
    ] = False,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Write a report of one run: what it is, what it is worth, where it is wrong, and how to run it again.

    It holds the contract, data, folds, recipe, versions, scores, submissions, what its out-of-fold predictions tell,
    and its limits: `report.html` in the run's folder, one page that loads nothing, and `report.md` with its pictures in
    `report/`. Of a run whose data has changed since, predictions cannot be compared with the truth, which it says.

    With --json the keys are: run, kind, page and markdown (their paths; null for what was not written), pictures (list
    of paths), changed (code, data: true, false, or null where there is none; versions and config: lists of key, before
    and now, before being what is here), commands (what makes the run again), diagnosis (metric, n, folds, segments,
    calibrations, confusion, residuals, detection, worst, notes, missing; null where predictions were not compared with
    the truth).
    """
    from aicomp.report.card import make_card
    from aicomp.report.page import in_words, write_report
    from aicomp.run import find_run
    from aicomp.simulation.project import open_project

    output = Output(as_json)
    check_options(file, as_markdown=as_markdown, show=show, as_json=as_json)
    project = open_project(project_folder)
    run = find_run(project.runs, run_name)
    card = make_card(project, run)
    written = write_report(card, run, file)
    origin = card.origin.to_dict()
    answer = {
        "run": run.id,
        "kind": run.kind,
        "page": None if written.page is None else str(written.page),
        "markdown": None if written.text is None else str(written.text),
        "pictures": [str(path) for path in written.pictures],
        "changed": {
            "code": origin["code_changed"],
            "data": origin["data_changed"],
            "versions": origin["versions"],
            "config": origin["config"],
        },
        "commands": origin["commands"],
        "diagnosis": None if card.diagnosis is None else card.diagnosis.to_dict(),
    }
    places = " and ".join(f"`{path}`" for path in (written.page, written.text) if path is not None)
    lines = [in_words(card)] if as_markdown else [f"run {run.id} is reported in {places}"]
    if as_markdown:
        output.say(f"run {run.id} is reported in {places}")
    output.result(answer, *lines)
    if show and written.page is not None:
        open_page(written.page, output)


def check_options(file: Path | None, *, as_markdown: bool, show: bool, as_json: bool) -> None:
    """Refuse options that do not go together.

    Raises:
        UsageError: Markdown and JSON on one stdout, or a page to be opened that is not written.
    """
    from aicomp.errors import UsageError

    if as_markdown and as_json:
        raise UsageError("`--markdown` and `--json` both want stdout", "leave one out; `report.md` is written anyway")
    if show and file is not None and file.suffix.lower() == ".md":
        raise UsageError(f"`--open` shows a page, and `{file}` is Markdown", "leave `--open` out, or name a .html")


def open_page(path: Path, output: Output) -> None:
    """Open a page in the browser of whoever calls; where there is none, say where the page is."""
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        output.say(f"note: no browser could be started; the page is `{path}`")
