"""`aicomp submissions`: what was sent, cross-validation beside public score, and which two to select at the end."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from aicomp.cli.options import Host, Json, ProjectFolder
from aicomp.cli.output import Output
from aicomp.errors import UsageError

if TYPE_CHECKING:
    from aicomp.kaggle.endpoint import Endpoint
    from aicomp.kaggle.submissions import Limits
    from aicomp.project import AnyProject
    from aicomp.submission.history import Posted, Record
    from aicomp.submission.selection import Agreement, Choice


def submissions(
    host: Host = None,
    offline: Annotated[bool, typer.Option("--offline", help="Show what this project knows, and ask nobody.")] = False,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """List the competition's submissions, newest first, those made elsewhere too, and say what their scores tell.

    Scores that have come since are written into the project's ledger and its runs.

    With --json the keys are: competition, host, metric, greater_is_better, offline, submissions (ref, date, run, runs,
    cv, cv_std, public_score, private_score, status, description, file, sha256, error, by_this_project), correlation of
    cv and public score (n, pearson, spearman, meaning; null with fewer than four files that have both), budget
    (sent_today, left_today, limited_by_total; null if unknown), selection (at most two of ref, run, runs, cv,
    public_score, reason).
    """
    from aicomp.cli.submit import find_destination
    from aicomp.simulation.project import Simulation, open_project
    from aicomp.submission import read_ledger
    from aicomp.submission.history import join
    from aicomp.submission.selection import agreement, select_two
    from aicomp.submission.similarity import similarity

    output = Output(as_json)
    project = open_project(project_folder)
    endpoint = find_destination(project, host)
    if offline and host is not None:
        raise UsageError("`--offline` asks nobody, and `--host` names whom to ask", "leave out one of them")
    posted, limits = ([], None) if endpoint is None or offline else _ask(project, endpoint)
    name = "local" if endpoint is None else endpoint.host
    records = join(posted, read_ledger(project, name))
    on_rows = None if isinstance(project, Simulation) else project
    metric_name, greater = project.competition.metric, True
    if on_rows is not None:
        metric_name, greater = on_rows.task.metric.name, on_rows.task.metric.greater_is_better
    together = agreement(records)
    choices = select_two(
        records,
        greater_is_better=greater,
        similarity=lambda a, b: None if on_rows is None else similarity(on_rows.competition, a, b),
    )
    content = {
        "competition": project.competition.slug,
        "host": name,
        "metric": metric_name,
        "greater_is_better": greater,
        "offline": offline or endpoint is None,
        "submissions": [_item(record) for record in records],
        "correlation": _correlation(together),
        "budget": _budget(limits),
        "selection": [_choice(choice) for choice in choices],
    }
    output.result(content, *_lines(content, records, together, limits, endpoint, choices))


def _ask(project: "AnyProject", endpoint: "Endpoint") -> "tuple[list[Posted], Limits | None]":
    from aicomp.kaggle.connection import connect
    from aicomp.kaggle.delivery import refresh
    from aicomp.kaggle.submissions import list_submissions, read_limits

    slug = project.competition.slug
    with connect(endpoint) as connection:
        connection.check_credentials()
        posted = list_submissions(connection, slug)
        limits = read_limits(connection, slug)
    refresh(project, endpoint.host, posted)
    return posted, limits


def _item(record: "Record") -> dict[str, Any]:
    posted, attempt = record.posted, record.attempt
    return {
        "ref": record.ref,
        "date": None if record.date is None else record.date.isoformat().replace("+00:00", "Z"),
        "run": record.runs[0] if len(record.runs) == 1 else None,
        "runs": list(record.runs),
        "cv": record.cv,
        "cv_std": record.cv_std,
        "public_score": record.public_score,
        "private_score": record.private_score,
        "status": record.status,
        "description": record.description,
        "file": posted.file if posted is not None else attempt.file if attempt is not None else None,
        "sha256": None if attempt is None else attempt.sha256,
        "error": record.error or None,
        "by_this_project": attempt is not None,
    }


def _correlation(together: "Agreement | None") -> dict[str, Any] | None:
    if together is None:
        return None
    facts = {"n": together.n, "pearson": together.pearson, "spearman": together.spearman}
    return {**facts, "meaning": together.meaning}


def _budget(limits: "Limits | None") -> dict[str, Any] | None:
    if limits is None or not limits.is_known:
        return None
    return {
        "sent_today": limits.today,
        "left_today": limits.allowed_now,
        "limited_by_total": limits.is_limited_by_total,
    }


def _choice(choice: "Choice") -> dict[str, Any]:
    record = choice.record
    facts = {"ref": record.ref, "run": record.runs[0] if len(record.runs) == 1 else None, "runs": list(record.runs)}
    return {**facts, "cv": record.cv, "public_score": record.public_score, "reason": choice.reason}


def _lines(
    content: dict[str, Any],
    records: "list[Record]",
    together: "Agreement | None",
    limits: "Limits | None",
    endpoint: "Endpoint | None",
    choices: "list[Choice]",
) -> list[str]:
    from aicomp.cli.table import table_lines

    if not records:
        nothing = ["no submission yet: `aicomp submit` makes one"]
        return nothing + _budget_lines(content["budget"], limits)
    has_private = any(record.private_score is not None for record in records)
    where = "public" if endpoint is not None else "hidden"
    header = ["ref", "date (UTC)", "run", "CV", where, *(["private"] if has_private else []), "status", "text"]
    lines = table_lines(header, [_row(record, has_private) for record in records])
    direction = "higher" if content["greater_is_better"] else "lower"
    lines += ["", f"metric: {content['metric']} ({direction} is better)"]
    if together is not None:
        lines.append(f"CV and {where} score: {_together(together)}")
    lines += _budget_lines(content["budget"], limits)
    if choices and endpoint is not None:
        page = endpoint.page(content["competition"], "submissions")
        what = "private scores are out; without them the choice was" if has_private else f"select at the end, on {page}"
        lines += ["", what]
        lines += [f"{k}. {_label(choice.record)}: {choice.reason}" for k, choice in enumerate(choices, start=1)]
    return lines


def _together(together: "Agreement") -> str:
    if together.spearman is None or together.pearson is None:
        return f"{together.n} files; {together.meaning}"
    numbers = f"Spearman {together.spearman:.2f}, Pearson {together.pearson:.2f} over {together.n} files"
    return f"{numbers}; {together.meaning}"


def _budget_lines(budget: dict[str, Any] | None, limits: "Limits | None") -> list[str]:
    if budget is None:
        return []
    if limits is not None and limits.is_limited_by_total:
        return [f"budget: {limits.total} sent in all, {budget['left_today']} left in the whole competition"]
    return [f"budget: {budget['sent_today']} sent today, {budget['left_today']} left until midnight UTC"]


def _row(record: "Record", has_private: bool) -> list[str]:
    cv = "" if record.cv is None else f"{record.cv:.5g}"
    if record.cv is not None and record.cv_std is not None:
        cv += f" ± {record.cv_std:.2g}"
    return [
        "" if record.ref is None else str(record.ref),
        "" if record.date is None else record.date.strftime("%Y-%m-%d %H:%M"),
        _runs(record),
        cv,
        _score(record.public_score),
        *([_score(record.private_score)] if has_private else []),
        record.status,
        record.error or record.description,
    ]


def _runs(record: "Record") -> str:
    return f"blend of {len(record.runs)}" if len(record.runs) > 1 else "".join(record.runs)


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.5g}"


def _label(record: "Record") -> str:
    from aicomp.submission.selection import name_of

    return name_of(record)
