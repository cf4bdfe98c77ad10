"""`aicomp explain`: what a run's models make of its columns, and what they saw in single rows."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aicomp.cli.options import Json, Png, ProjectFolder
from aicomp.cli.output import Output

if TYPE_CHECKING:
    from aicomp.explain.columns import ColumnsExplained


def explain(
    run_name: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run, or the beginning of its name; by default the newest.")
    ] = None,
    n_rows: Annotated[int, typer.Option("--rows", metavar="N", min=1, help="How many rows.")] = 12,
    page: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The page; by default explain.html in the run.")
    ] = None,
    png: Png = None,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="METHOD",
            help="How predictions are taken apart: shapley, for any model, or gradients, for networks on columns.",
        ),
    ] = "shapley",
    time_limit: Annotated[
        str,
        typer.Option(
            "--time-limit", metavar="TIME", help="About how long columns may take: 90s, 10m; then fewer rows are asked."
        ),
    ] = "2m",
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Show what a run's models make of its columns, and what moved the predictions of some validated rows, as one page.

    Of columns: permutation importance with intervals, partial dependence of the most important ones, what each adds to
    many predictions (Shapley values, or expected gradients of a network), and what clamped and monotone columns do.
    Of rows, one half are those with the largest loss, the others are ones that the run gets right. A word's part is
    what the prediction loses if it is taken away; places of images and of sounds are those where the network found what
    speaks for it (Grad-CAM). All of it is asked of the model of the fold that did not train on the row.
    Of a blend, the member that weighs most is explained. In a competition of boxes, images are shown with the true and
    the predicted ones. Below the rows stands what all out-of-fold predictions tell: score by segment, calibration,
    confusion, residuals, folds.

    With --json the keys are: run, page (its path), pngs (paths), rows (list of row, id, fold, truth, predicted, of,
    loss, is_worst, texts: list of column and parts, which are a text and an attribution each, pictures: list of name,
    and centre, the mean place of what matters, as shares of width and height), columns (null for boxes, and for one
    column of texts or files alone; else importances, dependences, spread, rows: list of row, fold, of, base,
    prediction, gap and parts, which are column, value, attribution and error, and controls). Of boxes, rows are row,
    id, fold, n_true, n_found, n_wrong, loss, is_worst, file, truth and predicted (lists of label, confidence, corners).
    And diagnosis, as `aicomp report --json` has it.
    """
    # Before torch is imported: waiting threads would take the cores from those that work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from aicomp.diagnosis.diagnose import diagnose
    from aicomp.diagnosis.showing import sections_of
    from aicomp.errors import UsageError
    from aicomp.explain.boxes import explain_boxes
    from aicomp.explain.explanation import explain_run, explained_run
    from aicomp.explain.page import draw_columns, write_box_page, write_page
    from aicomp.files import atomic_write
    from aicomp.pages.drawing import write_pngs
    from aicomp.project import Project
    from aicomp.run import find_run
    from aicomp.suggest import unknown_name
    from aicomp.tuning.time_limit import parse_time_limit

    output = Output(as_json)
    seconds = parse_time_limit(time_limit)
    if method not in ("shapley", "gradients"):
        raise unknown_name("method", method, ("shapley", "gradients"))
    project = Project.open(project_folder)
    asked = find_run(project.runs, run_name)
    run = explained_run(asked)
    if run.id != asked.id:
        output.say(f"note: {asked.id} is a blend; explained is the member that weighs most")
    scores = run.scores
    metric = f"{scores['metric']}: {scores['mean']:.5g} ± {scores['std']:.2g} over {len(scores['folds'])} folds"
    path = page or run.folder / "explain.html"
    diagnosis = diagnose(project, run)
    parts = sections_of(diagnosis)
    if project.competition.boxes is not None:
        if png is not None:
            raise UsageError("`--png` has no effect: images with boxes are no drawings", "leave it out")
        images, cut = explain_boxes(project, run, n_rows=n_rows)
        atomic_write(path, write_box_page(images, project.raw, f"Run {run.id}: boxes", metric, cut, parts))
        rows = [image.to_dict() for image in images]
        output.result(
            {
                "run": run.id, "page": str(path), "pngs": [], "rows": rows, "columns": None,
                "diagnosis": diagnosis.to_dict(),
            },
            f"{len(rows)} rows of run {run.id} are explained in `{path}`",
        )  # fmt: skip
        return
    found = explain_run(project, run, n_rows=n_rows, method=method, seconds=seconds)  # type: ignore[arg-type]
    atomic_write(path, write_page(found, f"Run {run.id}: what moved its predictions", metric, parts))
    pngs: list[Path] = []
    if png is not None:
        if found.columns is None:
            raise UsageError("`--png` has no effect: one column of texts or files has no drawings", "leave it out")
        pngs = write_pngs(draw_columns(found.columns), png)
    rows = [explanation.to_dict() for explanation in found.rows]
    columns = None if found.columns is None else found.columns.to_dict()
    answer = {
        "run": run.id, "page": str(path), "pngs": [str(p) for p in pngs], "rows": rows, "columns": columns,
        "diagnosis": diagnosis.to_dict(),
    }  # fmt: skip
    first = [f"{len(rows)} rows of run {run.id} are explained in `{path}`"]
    if found.columns is not None:
        first = [*_told(found.columns), *first]
    output.result(answer, *first)


def _told(columns: "ColumnsExplained") -> list[str]:
    """The columns that matter most, and how many rows say so."""
    found = columns.importances
    lines = [
        f"{entry.name}: without it {found.metric} gets worse by {entry.mean:.3g} ({entry.low:.3g} to {entry.high:.3g})"
        for entry in found.ranked[:5]
    ]
    if found.n_rows < found.n_validated:
        lines.append(f"{found.n_rows} of {found.n_validated} validated rows were asked, to keep to the time limit")
    return lines
