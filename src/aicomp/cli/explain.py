"""`aicomp explain`: what a run's models saw in single rows."""

from pathlib import Path
from typing import Annotated

import typer

from aicomp.cli.options import Json, ProjectFolder
from aicomp.cli.output import Output


def explain(
    run_name: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run, or the beginning of its name; by default the newest.")
    ] = None,
    n_rows: Annotated[int, typer.Option("--rows", metavar="N", min=1, help="How many rows.")] = 12,
    page: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The page; by default explain.html in the run.")
    ] = None,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Show what moved the predictions of some validated rows, words or places of a picture, as one page.

    One half of the rows are those with the largest loss, the others are ones that the run gets right. A word's part is
    what the prediction loses if it is taken away; places of images and of sounds are those where the network found what
    speaks for it (Grad-CAM). This is asked of the model of the fold that did not train on the row.
    Of a blend, the member that weighs most is explained. In a competition of boxes, images are shown with the true and
    the predicted ones. Below the rows stands what all out-of-fold predictions tell: score by segment, calibration,
    confusion, residuals, folds.

    With --json the keys are: run, page (its path), rows (list of row, id, fold, truth, predicted, of, loss, is_worst,
    texts: list of column and parts, which are a text and an attribution each, pictures: list of name and centre, the
    mean place of what matters, as shares of width and height). Of boxes, rows are row, id, fold, n_true, n_found,
    n_wrong, loss, is_worst, file, truth and predicted (lists of label, confidence, corners). And diagnosis, as
    `aicomp report --json` has it.
    """
    from aicomp.diagnosis.diagnose import diagnose
    from aicomp.diagnosis.showing import sections_of
    from aicomp.explain.boxes import explain_boxes
    from aicomp.explain.explanation import explain_run, explained_run
    from aicomp.explain.page import write_box_page, write_page
    from aicomp.files import atomic_write
    from aicomp.project import Project
    from aicomp.run import find_run

    output = Output(as_json)
    project = Project.open(project_folder)
    asked = find_run(project.runs, run_name)
    run = explained_run(asked)
    if run.id != asked.id:
        output.say(f"note: {asked.id} is a blend; explained is the member that weighs most")
    scores = run.scores
    metric = f"{scores['metric']}: {scores['mean']:.5g} ± {scores['std']:.2g} over {len(scores['folds'])} folds"
    path = page or run.folder / "explain.html"
    found = diagnose(project, run)
    parts = sections_of(found)
    if project.competition.boxes is not None:
        images, cut = explain_boxes(project, run, n_rows=n_rows)
        atomic_write(path, write_box_page(images, project.raw, f"Run {run.id}: boxes", metric, cut, parts))
        rows = [image.to_dict() for image in images]
    else:
        explanations = explain_run(project, run, n_rows=n_rows)
        atomic_write(path, write_page(explanations, f"Run {run.id}: what moved its predictions", metric, parts))
        rows = [explanation.to_dict() for explanation in explanations]
    answer = {"run": run.id, "page": str(path), "rows": rows, "diagnosis": found.to_dict()}
    output.result(answer, f"{len(rows)} rows of run {run.id} are explained in `{path}`")
