"""`aicomp runs clean`: be rid of runs, or of their weights, and never of those that something hangs on."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aicomp.cli.options import Json, ProjectFolder
from aicomp.cli.output import Output
from aicomp.errors import AicompError, UsageError

if TYPE_CHECKING:
    from aicomp.runs.cleaning import Cleaning


def clean(
    unfinished: Annotated[bool, typer.Option("--unfinished", help="Runs that were cut short.")] = False,
    keep: Annotated[
        int | None,
        typer.Option("--keep", metavar="N", min=0, help="Runs that are done, but for the best N by mean score."),
    ] = None,
    older: Annotated[
        float | None, typer.Option("--older", metavar="DAYS", min=0, help="Only runs begun longer ago than this.")
    ] = None,
    weights_only: Annotated[
        bool, typer.Option("--weights-only", help="Only their weights: scores and predictions stay.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go, and remove nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before removing.")] = False,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Remove runs, after showing what would go and how many bytes that frees.

    Runs that were submitted, that are members of a blend which stays, that are tagged `keep`, or that the last
    `--time-limit` ended with are never removed, and none is while something is trained or submitted in the project. A
    run without weights still has its scores, blends and can be submitted; it can neither predict new rows nor be
    explained.

    With --json the keys are: removed (whether it was done), runs (list of run, state, bytes), bytes, kept (list of run,
    reason: runs that were meant and stay), weights_only.
    """
    from aicomp.runs.cleaning import Wish, carry_out, nothing_else_running, plan_cleaning
    from aicomp.runs.index import list_facts
    from aicomp.simulation.project import open_project

    output = Output(as_json)
    wish = Wish(unfinished, keep, None if older is None else timedelta(days=older), weights_only)
    wish.check()
    if not (dry_run or yes or output.can_ask):
        raise UsageError(
            "`aicomp runs clean` asks before it removes, and there is no terminal to ask on",
            "add `--yes`, or `--dry-run` to remove nothing",
        )
    project = open_project(project_folder)
    cleaning = plan_cleaning(project, list_facts(project.runs), wish, datetime.now())
    if dry_run or not project.runs.is_dir():
        output.result(_content(cleaning, weights_only, removed=False), *_lines(cleaning), *_would(cleaning))
        return
    if cleaning.removals and not yes:
        output.say(*_lines(cleaning))
        if output.ask(f"remove {_what(cleaning)}? [y/N]").casefold() not in ("y", "yes"):
            raise AicompError("nothing was removed", "answer `y` to remove it")
    with nothing_else_running(project):
        # While the question stood, a run may have been submitted or blended; what was not shown stays anyway.
        cleaning = plan_cleaning(project, list_facts(project.runs), wish, datetime.now()).of_these(cleaning)
        carry_out(project, cleaning)
    content = _content(cleaning, weights_only, removed=bool(cleaning.removals))
    done = [f"removed: {_what(cleaning)}"] if cleaning.removals else ["nothing to remove"]
    output.result(content, *(_lines(cleaning) if yes else []), *done)


def _content(cleaning: "Cleaning", weights_only: bool, *, removed: bool) -> dict[str, Any]:
    return {
        "removed": removed,
        "runs": [{"run": r.run.id, "state": r.state, "bytes": r.n_bytes} for r in cleaning.removals],
        "bytes": cleaning.n_bytes,
        "kept": [{"run": run, "reason": reason} for run, reason in sorted(cleaning.kept.items())],
        "weights_only": weights_only,
    }


def _lines(cleaning: "Cleaning") -> list[str]:
    from aicomp.cli.table import table_lines

    lines = []
    if cleaning.removals:
        oldest_first = reversed(cleaning.removals)
        lines = table_lines(["run", "state", "size"], [[r.run.id, r.state, in_bytes(r.n_bytes)] for r in oldest_first])
    return [*lines, *(f"stays: {run}, which {reason}" for run, reason in sorted(cleaning.kept.items()))]


def _would(cleaning: "Cleaning") -> list[str]:
    return [f"would be removed: {_what(cleaning)}"] if cleaning.removals else ["nothing to remove"]


def _what(cleaning: "Cleaning") -> str:
    n = len(cleaning.removals)
    weights = any(r.files != (r.run.folder,) for r in cleaning.removals)
    return f"{'the weights of ' if weights else ''}{n} run{'' if n == 1 else 's'}, {in_bytes(cleaning.n_bytes)}"


def in_bytes(n: int) -> str:
    """A number of bytes as people read it.

    >>> in_bytes(999), in_bytes(1_250_000), in_bytes(2_000_000_000_000)
    ('999 B', '1.2 MB', '2000.0 GB')
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n >= size:
            return f"{n / size:.1f} {unit}"
    return f"{n} B"
