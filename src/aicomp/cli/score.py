"""`aicomp score`: grade a submission on this machine."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from aicomp.cli.options import Json, ProjectFolder
from aicomp.cli.output import Output
from aicomp.errors import DataError, UsageError

if TYPE_CHECKING:
    from aicomp.competition import Competition
    from aicomp.grading import Interval, Roles, TextTable
    from aicomp.metrics import Metric
    from aicomp.metrics.base import ProblemType


class ScoreCommand(TyperCommand):
    """The command with a number that may stand behind `--bootstrap`, which a parser of options has no word for."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Write `--bootstrap 500` and `--bootstrap=500` as `--bootstrap --resamples 500`."""
        found: list[str] = []
        for arg in args:
            name, equals, number = arg.partition("=")
            if equals and name == "--bootstrap":
                found += [name, "--resamples", number]
            elif arg.isdecimal() and found and found[-1] == "--bootstrap":
                found += ["--resamples", arg]
            else:
                found.append(arg)
        return super().parse_args(ctx, found)


def score(
    solution: Annotated[str, typer.Argument(help="A CSV with ids and true targets, or an embedded competition.")],
    submission: Annotated[Path, typer.Argument(help="A CSV with ids and predictions.")],
    metric_name: Annotated[
        str | None,
        typer.Option(
            "--metric",
            metavar="METRIC",
            help="A name of `aicomp list metrics`, or `file:object`. Default: the competition's.",
        ),
    ] = None,
    competition: Annotated[
        str | None,
        typer.Option(
            "--competition",
            metavar="SLUG",
            help="Whose contract says metric, ids, targets, form and medals: a slug, or a competition.toml.",
        ),
    ] = None,
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
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="NAME=COLUMN",
            help="Column of the solution that the metric reads, such as weight=is_holiday; may be repeated.",
        ),
    ] = None,
    with_interval: Annotated[
        bool,
        typer.Option(
            "--bootstrap",
            help="Add a 95 % interval, by resampled rows, groups, queries or series; `--bootstrap 500` by so many.",
        ),
    ] = False,
    resamples: Annotated[
        int | None, typer.Option("--resamples", metavar="N", min=100, help="The number of --bootstrap. Default: 1000.")
    ] = None,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Grade a submission against a solution; rows are matched by their ids.

    For a metric of boxes, the solution may have a row per box. A competition's contract, if one is named, says what is
    compared, and the submission must hold just its columns.

    With --json the keys are: metric, score, greater_is_better, problem_type, rows, id and target (lists of columns),
    labels (in the order of the classes), positive (null unless there are two classes), columns (those that the metric
    reads beside the targets, by its names of them), interval (null, or low, high, n_resamples, n_undefined, unit,
    n_units and within), medal (null, or gold, silver or bronze: that of the score's rank, also where a competition gave
    none), medals (thresholds of the contract), medals_source, notes (what was assumed).
    """
    from aicomp.about import refuse_without_metric
    from aicomp.grading import bootstrap, read_rows, read_text_table, score_rows
    from aicomp.grading.bootstrap import N_RESAMPLES
    from aicomp.grading.medals import medal_of
    from aicomp.metrics import get_metric
    from aicomp.project import Project

    output = Output(as_json)
    if resamples is not None and not with_interval:
        raise typer.BadParameter("`--resamples` is for `--bootstrap`, which is not there")
    truth, of_solution = _read_solution(solution)
    contract = of_solution if competition is None else _contract(competition)
    asked = metric_name or (None if contract is None else contract.metric)
    if asked is None:
        raise UsageError(
            "missing option `--metric`, or `--competition` with one", "`aicomp list metrics --search WORD` finds one"
        )
    if contract is not None:
        refuse_without_metric(contract.slug, asked, contract.about, "add `--metric {}`")
    metric = get_metric(asked, Project.open(project_folder).folder if ":" in asked else None)
    if not submission.is_file():
        raise DataError(f"`{submission}` is no file", "name a CSV file with ids and predictions")
    predicted = read_text_table(submission)
    given = _Given(tuple(id_columns or ()), _problem_type(problem_type), _split(labels), positive, _columns(column))
    by_contract = contract if competition is not None or metric_name is None else None
    notes: list[str]
    if by_contract is not None and _says_columns(by_contract):
        roles, notes = _contract_roles(by_contract, truth, predicted, metric, given), []
    else:
        known = () if contract is None else contract.labels
        truth, roles, notes = _inferred(truth, solution, predicted, metric, given, known)
        if by_contract is not None:
            notes.append(f"the contract of `{by_contract.slug}` does not say which columns are compared; the files do")
    rows = read_rows(truth, predicted, metric, roles)
    value = score_rows(rows, truth, predicted, metric, roles)
    medal = None if by_contract is None else medal_of(value, metric, by_contract)
    interval = bootstrap(rows, metric, resamples or N_RESAMPLES) if with_interval else None
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
            "columns": {name: list(columns) for name, columns in roles.columns},
            "interval": None if interval is None else asdict(interval),
            "medal": medal,
            "medals": {} if by_contract is None else by_contract.medals,
            "medals_source": "" if by_contract is None else by_contract.medals_source,
            "notes": notes,
        },
        f"{metric.name}: {_shown(value)} ({'higher' if metric.greater_is_better else 'lower'} is better)",
        *(() if interval is None else (_interval_line(interval),)),
        *(() if by_contract is None else _medal_lines(medal, by_contract)),
    )


@dataclass(frozen=True)
class _Given:
    """What options say of the columns."""

    ids: tuple[str, ...]
    problem_type: "ProblemType | None"
    labels: list[str]
    positive: str | None
    columns: dict[str, tuple[str, ...]]


def _says_columns(contract: "Competition") -> bool:
    """Whether a contract says what is compared: those of the catalogue leave out what no source says."""
    takes_classes = contract.problem_type in ("binary", "multiclass")
    named = bool(contract.target and contract.prediction_columns and (contract.labels or not takes_classes))
    return named and not contract.lacks("id")


def _contract_roles(
    contract: "Competition", truth: "TextTable", predicted: "TextTable", metric: "Metric", given: _Given
) -> "Roles":
    """The contract's roles, for a submission of just its columns."""
    from aicomp.grading import contract_roles, find_metric_columns

    if given.ids or given.problem_type or given.labels or given.positive:
        raise typer.BadParameter(
            f"the contract of `{contract.slug}` says ids, problem type and labels: leave `--id`, `--problem-type`, "
            "`--labels` and `--positive` out, or name no competition"
        )
    roles = contract_roles(contract, metric)
    predicted.need_columns(contract.submission.columns)
    foreign = [str(c) for c in predicted.frame.columns if c not in contract.submission.columns]
    if foreign:
        raise DataError(
            f"`{predicted.name}` has the column `{foreign[0]}`, which a submission to `{contract.slug}` lacks",
            f"write the columns {', '.join(contract.submission.columns)}",
        )
    asked = {**dict(roles.columns), **given.columns}
    return replace(roles, columns=find_metric_columns(truth, metric, asked))


def _inferred(
    truth: "TextTable",
    solution: str,
    predicted: "TextTable",
    metric: "Metric",
    given: _Given,
    known_labels: tuple[str, ...],
) -> "tuple[TextTable, Roles, list[str]]":
    """The solution, the roles that the files themselves tell, and what was assumed."""
    from aicomp.grading import gather_solution, infer_roles
    from aicomp.metrics import BOX_METRICS

    boxes = None
    if metric.name in BOX_METRICS and Path(solution).is_file():
        boxes = gather_solution(truth, Path(solution), predicted, given.ids)
    truth = truth if boxes is None else boxes[0]
    takes_classes = metric.needs in ("label", "probability")
    roles, notes = infer_roles(
        truth,
        predicted,
        metric,
        id_columns=given.ids,
        problem_type=given.problem_type,
        labels=given.labels or (known_labels if takes_classes and given.positive is None else ()),
        positive=given.positive,
        columns=given.columns,
    )
    return truth, roles if boxes is None else replace(roles, form=boxes[1]), notes


def _shown(value: float) -> str:
    """Six digits of a score, and all those before the point.

    >>> _shown(0.123456789), _shown(4808057.04)
    ('0.123457', '4808057')
    """
    return f"{value:.0f}" if 1e6 <= abs(value) < 1e15 else f"{value:.6g}"


def _interval_line(interval: "Interval") -> str:
    drawn = f"{interval.n_resamples} resamples of {interval.n_units} {plural(interval.unit)}"
    drawn += f", each {interval.within} on its own" if interval.within else ""
    left_out = f", {interval.n_undefined} of them without a score" if interval.n_undefined else ""
    return f"95 % interval: {_shown(interval.low)} to {_shown(interval.high)} ({drawn}{left_out})"


def _medal_lines(medal: str | None, contract: "Competition") -> list[str]:
    """Which medal the score would have been, by which thresholds, and whether there were medals at all."""
    from aicomp.competition_checks import listed_medals

    gives_none = contract.about is not None and contract.about.gives_medals is False
    if not contract.medals:
        return ["medal: none, as this competition gives no medals"] if gives_none else []
    by_rank = "; this competition gives none: by rank alone" if gives_none else ""
    listed = listed_medals(contract.medals)
    return [f"medal: {medal or 'none'} ({listed}{by_rank})", f"medals from: {contract.medals_source}"]


def plural(unit: str) -> str:
    """More than one of what was drawn.

    >>> plural("row"), plural("query"), plural("series")
    ('rows', 'queries', 'series')
    """
    return {"query": "queries", "series": "series"}.get(unit, f"{unit}s")


def _contract(name: str) -> "Competition":
    from aicomp.catalogue import load
    from aicomp.competition import load_competition

    path = Path(name)
    return load_competition(path) if path.suffix == ".toml" else load(name).competition


def _columns(options: list[str] | None) -> dict[str, tuple[str, ...]]:
    """`--column NAME=COLUMN`; several columns of one name stand between commas."""
    found: dict[str, tuple[str, ...]] = {}
    for option in options or ():
        name, equals, columns = option.partition("=")
        if not equals or not name.strip() or not columns.strip():
            raise typer.BadParameter(f"`--column {option}` is not of the form NAME=COLUMN")
        found[name.strip()] = (*found.get(name.strip(), ()), *_split(columns))
    return found


def _read_solution(solution: str) -> "tuple[TextTable, Competition | None]":
    """The solution, and its contract if it has one."""
    from aicomp.grading import TextTable, read_text_table

    path = Path(solution)
    if path.is_file():
        return read_text_table(path), None
    if path.suffix or len(path.parts) != 1:
        raise DataError(f"`{solution}` is no file", "name a CSV file with ids and true targets")
    from aicomp.catalogue import load

    entry = load(solution)
    return TextTable(entry.hidden_solution(), f"the hidden part of {solution}"), entry.competition


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
