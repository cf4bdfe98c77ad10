"""`aicomp runs compare A B`: what made the difference between two runs, and where it shows."""

from pathlib import Path
from typing import Annotated

import typer

from aicomp.cli.options import Json, Png, ProjectFolder
from aicomp.cli.output import Output
from aicomp.errors import UsageError


def compare(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="A B", help="Two runs; of a name, any beginning that no other has is enough."),
    ] = None,
    n_rows: Annotated[
        int, typer.Option("--rows", metavar="N", min=0, help="How many rows to show where one is far ahead.")
    ] = 5,
    page: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write a page, too.")] = None,
    png: Png = None,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Compare run B with run A: settings, folds, rows, segments, and what a blend of the two could gain.

    Scores of the folds are compared by the corrected resampled t-test of Nadeau and Bengio (2003): folds share training
    rows, so that a plain t-test finds differences where there are none. Beside it, the score of all rows together with
    the paired jackknife over 25 blocks of rows, which takes the models as they are. Of segments (levels, ranges of
    numbers, classes, folds) the p-values are corrected for how many were looked at.

    With --json the keys are: a and b (run, metric, mean, std, pooled), metric, greater_is_better, config and versions
    (lists of key, a, b), same_folds, same_data, same_code, folds (list of fold, a, b, difference), difference (b minus
    a, of the means), standard_error (of that, over the folds, as if they were independent), verdict ("better", "worse"
    or "equal": b against a; null if they cannot be compared), test (of the folds: n_folds, difference, ratio of
    validation to training rows, standard_error, low, high, p_value), rows, rows_missing (why rows is null), page, pngs.

    Of rows the keys are: n, loss (what is counted), mean_loss_a, mean_loss_b, b_better, a_better, equal, test (a, b,
    difference, standard_error, low, high, p_value), furthest_b_better and furthest_a_better (lists of row, id, fold,
    truth, predicted_a, predicted_b, loss_a, loss_b), n_segments, segments (the 50 surest: column, level, n, loss_a,
    loss_b, gain, low, high, p_value), alike (correlations: predictions, ranks, errors, test; same_label, similarity),
    blend (method, weights, scores, weight, gain).
    """
    from aicomp.cli.comparison import comparison_lines
    from aicomp.comparison.compare import compare_runs
    from aicomp.files import atomic_write
    from aicomp.run import find_run
    from aicomp.simulation.project import open_project

    output = Output(as_json)
    if names is None or len(names) != 2:
        raise UsageError(
            f"`aicomp runs compare` takes two runs, got {len(names or ())}", "write `aicomp runs compare A B`"
        )
    project = open_project(project_folder)
    a, b = (find_run(project.runs, name) for name in names)
    comparison = compare_runs(project, a, b, n_rows)
    if page is not None:
        from aicomp.comparison.page import comparison_page

        atomic_write(page, comparison_page(project.competition, comparison))
    pngs = []
    if png is not None:
        from aicomp.comparison.page import comparison_drawings
        from aicomp.pages.drawing import write_pngs

        pngs = [str(path) for path in write_pngs(comparison_drawings(comparison), png)]
    content = comparison.to_json(n_segments=50) | {"page": None if page is None else str(page), "pngs": pngs}
    lines = comparison_lines(comparison)
    output.result(content, *lines, *(f"written: `{path}`" for path in [page, *pngs] if path))
