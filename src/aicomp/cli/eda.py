"""`aicomp eda`: what a project's data is like, on one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aicomp.cli.options import Json, Png, ProjectFolder
from aicomp.cli.output import Output

if TYPE_CHECKING:
    from aicomp.eda.exploration import Exploration, Study


def eda(
    is_opened: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    page: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The page; by default eda.html in the project.")
    ] = None,
    n_rows: Annotated[
        int | None,
        typer.Option("--sample", metavar="N", min=100, help="Rows that columns are compared on; by default 100,000."),
    ] = None,
    png: Png = None,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Show what the data is like as one page: the target, each column, train against test, what is missing.

    Texts, images, sounds, series, pairs and boxes have sections of their own. The page loads nothing from anywhere and
    stays under 3 MB. Columns are read as training reads them, those of your own features.py included. Nothing is
    trained, and nothing is changed but the page.

    With --json the keys are: page (its path), bytes, opened (whether a browser was), facts (of the data, by name),
    stands_out (sentences), notes (what was sampled or left out), pictures (PNG files), columns: a list of name, kind,
    reason, levels, missing_train, missing_test, association and association_error (share of the target that the
    column tells by itself, and its standard error), drift_measure, drift, drift_bound (distance of test from train, and
    what chance stays below); null where it does not apply.
    """
    import webbrowser

    from aicomp.eda.exploration import SAMPLE, explore
    from aicomp.eda.page import make_page
    from aicomp.files import atomic_write
    from aicomp.project import Project

    output = Output(as_json)
    project = Project.open(project_folder)
    found = explore(project, n_rows or SAMPLE)
    made = make_page(project, found, png)
    path = page or project.folder / "eda.html"
    atomic_write(path, made.html)
    opened = is_opened and webbrowser.open(path.resolve().as_uri())
    answer = {
        "page": str(path),
        "bytes": len(made.html.encode()),
        "opened": opened,
        "facts": dict(made.facts),
        "stands_out": made.stands_out,
        "notes": made.notes,
        "pictures": [str(picture) for picture in made.pictures],
        "columns": _columns(found),
    }
    lines = [f"- {sentence}" for sentence in made.stands_out]
    lines.append(f"the page is `{path}`, {len(made.html.encode()) / 1e6:.2f} MB")
    if made.pictures:
        lines.append(f"{len(made.pictures)} pictures are in `{png}`")
    if is_opened:
        lines.append("opened in the browser" if opened else "no browser could be started: open the page by hand")
    output.result(answer, *lines)


def _columns(found: "Exploration") -> list[dict[str, Any]]:
    studied = {study.name: study for study in found.studies}
    used = [
        _column(values.column.name, values.column.kind, values.column.reason, found, studied.get(values.name))
        for values in found.sampled.columns
    ]
    return [*used, *(_column(c.name, c.kind, c.reason, found, None) for c in found.sampled.dropped)]


def _column(name: str, kind: str, reason: str, found: "Exploration", study: "Study | None") -> dict[str, Any]:
    score = study.association if study is not None else None
    drift = study.drift if study is not None else None
    levels = study.values.levels if study is not None else None
    return {
        "name": name,
        "kind": kind,
        "reason": reason,
        "levels": len(levels) if levels is not None else None,
        "missing_train": found.missing.train.get(name),
        "missing_test": found.missing.test.get(name),
        "association": score.share if score is not None else None,
        "association_error": score.error if score is not None else None,
        "drift_measure": drift.measure if drift is not None else None,
        "drift": drift.distance if drift is not None else None,
        "drift_bound": drift.bound if drift is not None else None,
    }
