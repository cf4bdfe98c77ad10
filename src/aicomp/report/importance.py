"""Which columns matter to a run's models, as far as they can be asked in a report's time."""

from aicomp.errors import UsageError
from aicomp.explain.drawings.importance import draw_importances
from aicomp.explain.explanation import has_columns
from aicomp.explain.importance import permutation_importance
from aicomp.explain.subject import Subject, check_explainable
from aicomp.fold_model import run_project
from aicomp.layout import Layout
from aicomp.pages.document import Block, Figures, Items, Link, Paragraph, Section
from aicomp.prediction import check_can_predict
from aicomp.project import Project
from aicomp.run import Run

PAGE = "explain.html"
SECONDS = 10.0
"""About how long models are asked; rows are fewer then, and the page says how many there were."""


def importance(project: Project, run: Run, *, data_is_same: bool) -> Section:
    """Permutation importance by the models of the folds, or why there is none; and the page of `aicomp explain`.

    Args:
        project: The project.
        run: The run.
        data_is_same: Whether the files that the run was made of are here as they were.
    """
    blocks: list[Block] = []
    try:
        blocks += _asked(project, run, data_is_same)
    except UsageError as e:
        blocks.append(Paragraph(f"Which columns matter was not computed: {e.message}."))
    if (run.folder / PAGE).is_file():
        blocks.append(Items((Link("What moved its predictions, as `aicomp explain` saw it", PAGE),)))
    elif run.kind == "train":
        blocks.append(Paragraph(f"`aicomp explain {run.id}` shows what moved single predictions."))
    return Section("importance", "Importance", tuple(blocks))


def _asked(project: Project, run: Run, data_is_same: bool) -> list[Block]:
    """A drawing and how it was made.

    Raises:
        UsageError: The run has no models, data or code are others now, or the models predict by more than columns.
    """
    if run.kind != "train":
        raise UsageError(f"a run of kind `{run.kind}` has no models of its own", "report one of its members")
    check_can_predict(project, run)
    if not data_is_same:
        raise UsageError("the files in `data/raw/` are not those of the run", "bring them back")
    project = run_project(project, run)
    check_explainable(project)
    layout = Layout.of(project)
    if not has_columns(layout.columns):
        raise UsageError("there is one column alone", "`aicomp explain` shows what in it matters")
    found = permutation_importance(Subject.of(project, run, layout), seconds=SECONDS)
    words = (
        f"What the score loses when a column's values are shuffled among validated rows, with an interval over "
        f"the folds; {found.n_rows:,} of {found.n_validated:,} rows were asked."
    )
    return [Paragraph(words), Figures((draw_importances(found),))]
