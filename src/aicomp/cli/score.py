"""`aicomp score`: grade a submission on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aicomp.cli.options import Json, ProjectFolder
from aicomp.cli.output import Output
from aicomp.errors import DataError

if TYPE_CHECKING:
    from aicomp.grading import TextTable
    from aicomp.metrics.base import ProblemType


def score(
    solution: Annotated[str, typer.Argument(help="A CSV with ids and true targets, or an embedded competition.")],
    submission: Annotated[Path, typer.Argument(help="A CSV with ids and predictions.")],
    metric_name: Annotated[
        str, typer.Option("--metric", metavar="METRIC", help="A name of `aicomp list metrics`, or `file:object`.")
    ],
    id_columns: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="COLUMN", help="Column that names a row; may be repeated. Default: the first."),
    ] = None,
    problem_type: Annotated[
        str | None,
        typer.Option(
            "--problem-type", metavar="TYPE", help="binary, multiclass, regression, multilabel, multi-target or string."
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option("--labels", metavar="A,B,...", help="Labels in the order of the columns; of two, positive last."),
    ] = None,
    positive: Annotated[
        str | None, typer.Option("--positive", metavar="LABEL", help="The positive one of two labels.")
    ] = None,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Grade a submission against a solution; rows are matched by their ids.

    With --json the keys are: metric, score, greater_is_better, problem_type, rows, id and target (lists of columns),
    labels (in the order of the classes), positive (null unless there are two classes), notes (what was assumed).
    """
    from aicomp.grading import grade, infer_roles, read_text_table
    from aicomp.metrics import get_metric
    from aicomp.project import Project

    output = Output(as_json)
    metric = get_metric(metric_name, Project.open(project_folder).folder if ":" in metric_name else None)
    truth, known_labels = _read_solution(solution)
    if not submission.is_file():
        raise DataError(f"`{submission}` is no file", "name a CSV file with ids and predictions")
    predicted = read_text_table(submission)
    takes_classes = metric.needs in ("label", "probability")
    roles, notes = infer_roles(
        truth,
        predicted,
        metric,
        id_columns=id_columns or (),
        problem_type=_problem_type(problem_type),
        labels=_split(labels) or (known_labels if takes_classes and positive is None else ()),
        positive=positive,
    )
    value = grade(truth, predicted, metric, roles)
    output.say(*(f"note: {note}" for note in notes))
    output.result(
        {
            "metric": metric.name,
            "score": value,
            "greater_is_better": metric.greater_is_better,
            "problem_type": roles.problem_type,
            "rows": len(predicted),
            "id": roles.id,
            "target": roles.target,
            "labels": roles.labels,
            "positive": roles.labels[-1] if roles.problem_type == "binary" else None,
            "notes": notes,
        },
        f"{metric.name}: {value:.6g} ({'higher' if metric.greater_is_better else 'lower'} is better)",
    )


def _read_solution(solution: str) -> "tuple[TextTable, tuple[str, ...]]":
    """The solution, and the labels of its contract if it has one."""
    from aicomp.grading import TextTable, read_text_table

    path = Path(solution)
    if path.is_file():
        return read_text_table(path), ()
    if path.suffix or len(path.parts) != 1:
        raise DataError(f"`{solution}` is no file", "name a CSV file with ids and true targets")
    from aicomp.catalogue import load

    entry = load(solution)
    return TextTable(entry.hidden_solution(), f"the hidden part of {solution}"), entry.competition.labels


def _problem_type(name: str | None) -> "ProblemType | None":
    from typing import get_args

    from aicomp.metrics.base import ProblemType
    from aicomp.suggest import unknown_name

    known: tuple[ProblemType, ...] = get_args(ProblemType)
    if name is None:
        return None
    for kind in known:
        if kind == name:
            return kind
    raise unknown_name("problem type", name, known)


def _split(labels: str | None) -> list[str]:
    """Labels of a comma-separated list; one that holds a comma stands in quotes."""
    import csv

    return [] if not labels else [label.strip() for label in next(csv.reader([labels]))]
