"""`aicomp runs note` and `aicomp runs tag`: the user's own words beside a run."""

from typing import TYPE_CHECKING, Annotated

import typer

from aicomp.cli.options import Json, ProjectFolder
from aicomp.cli.output import Output
from aicomp.errors import UsageError

if TYPE_CHECKING:
    from aicomp.run import Run
    from aicomp.runs.notes import Notes

RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run, or the beginning of its name.")]


def note(
    run_name: RunName,
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="The note; it takes the place of an earlier one.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the note away.")] = False,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Write a note on a run, show it (without a text), or take it away. It lies in the run's notes.json.

    With --json the keys are: run, note, tags, before (the note that stood there).
    """
    from aicomp.runs.notes import read_notes, set_note

    if text is not None and (remove or not text.strip()):
        raise UsageError("a note is written or taken away, not both", "give a text, or `--remove` without one")
    run = _run(project_folder, run_name)
    before = after = read_notes(run)
    if text is not None or remove:
        before, after = set_note(run, text or "")
    lines = [f"note on {run.id}: {after.text}" if after.text else f"no note on {run.id}"]
    if before.text and before.text != after.text:
        lines.append(f"it was: {before.text}")
    _answer(Output(as_json), run, after, {"before": before.text}, lines)


def tag(
    run_name: RunName,
    tags: Annotated[list[str] | None, typer.Argument(metavar="TAG...", help="Tags, one word each.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take these tags away.")] = False,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Tag a run, show its tags (without any), or take some away. `aicomp runs --tag TAG` lists runs by them.

    What is tagged `keep` is never removed by `aicomp runs clean`.

    With --json the keys are: run, note, tags, before (the tags it had).
    """
    from aicomp.runs.notes import add_tags, read_notes, remove_tags

    if remove and not tags:
        raise UsageError("`--remove` is given no tag", "write `aicomp runs tag RUN TAG --remove`")
    run = _run(project_folder, run_name)
    before = after = read_notes(run)
    if tags:
        before, after = (remove_tags if remove else add_tags)(run, tags)
    lines = [f"tags of {run.id}: {' '.join(after.tags)}" if after.tags else f"{run.id} has no tags"]
    _answer(Output(as_json), run, after, {"before": list(before.tags)}, lines)


def _run(project_folder: "ProjectFolder", name: str) -> "Run":
    from aicomp.run import find_any_run
    from aicomp.simulation.project import open_project

    return find_any_run(open_project(project_folder).runs, name)


def _answer(output: Output, run: "Run", notes: "Notes", more: dict[str, object], lines: list[str]) -> None:
    output.result({"run": run.id, "note": notes.text, "tags": list(notes.tags), **more}, *lines)
