"""`aicomp submit`: build a submission from a run, validate it, and send it or grade it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aicomp.cli.options import Json, ProjectFolder
from aicomp.cli.output import Output
from aicomp.errors import AicompError, DataError, UsageError

if TYPE_CHECKING:
    from aicomp.grading import TextTable
    from aicomp.project import Project
    from aicomp.run import Run


def submit(
    run_name: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run, or the beginning of its name; by default the newest.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Build and validate the file, and send nothing.")] = False,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Submit this file instead of a run's predictions.")
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="Description; by default the run and its score.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before sending.")] = False,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Build a submission, validate it, and send it to Kaggle; an embedded competition is graded here.

    With --json the keys are: competition, host, run, file, rows, sha256, metric, greater_is_better, cv (mean, std and
    pooled score of the run; null without one), message, status ("valid" after a dry run, "sent", "graded"), score (of
    an embedded competition, else null), ref and url (of Kaggle, else null).
    """
    from aicomp.project import Project
    from aicomp.run import find_run

    output = Output(as_json)
    project = Project.open(project_folder)
    run = find_run(project.runs, run_name) if file is None or run_name is not None else None
    path, table = _prepare(project, run, file)
    content = _describe(project, run, path, len(table), message)
    if dry_run:
        output.result({**content, "status": "valid"}, *_lines(content), "valid; nothing was sent", _next(run, file))
        return
    _check_sender(project)
    output.say(*_lines(content))
    _confirm(output, project, yes=yes)
    outcome = _deliver(project, run, path, table, content)
    output.result({**content, **outcome}, *_outcome_lines(content, outcome))


def _prepare(project: "Project", run: "Run | None", file: Path | None) -> "tuple[Path, TextTable]":
    """The file to submit, validated."""
    from aicomp.submission import build_submission, read_sample, validate_submission

    sample = read_sample(project)
    if file is None:
        assert run is not None
        path = build_submission(project, run, sample)
        return path, validate_submission(path, sample)
    if not file.is_file():
        raise DataError(f"`{file}` is no file", "name a CSV file with `--file`")
    return file.resolve(), validate_submission(file, sample)


def _describe(project: "Project", run: "Run | None", path: Path, rows: int, message: str | None) -> dict[str, Any]:
    """What is about to be submitted, for programs."""
    import hashlib

    metric = project.task.metric
    scores = None if run is None else {key: run.scores[key] for key in ("mean", "std", "pooled")}
    if message is None:
        score = "" if scores is None else f", {metric.name} {scores['mean']:.5g} ± {scores['std']:.2g}"
        message = f"{run.id if run is not None else path.name}{score}"
    return {
        "competition": project.competition.slug,
        "host": project.competition.host,
        "run": None if run is None else run.id,
        "file": str(path),
        "rows": rows,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "metric": metric.name,
        "greater_is_better": metric.greater_is_better,
        "cv": scores,
        "message": message,
        "status": "valid",
        "score": None,
        "ref": None,
        "url": None,
    }


def _lines(content: dict[str, Any]) -> list[str]:
    """What is about to be submitted, for people."""
    slug, cv = content["competition"], content["cv"]
    where = f"Kaggle, https://www.kaggle.com/competitions/{slug}"
    direction = "higher" if content["greater_is_better"] else "lower"
    score = "unknown: the file comes from no run"
    if cv is not None:
        score = f"{content['metric']} {cv['mean']:.5g} ± {cv['std']:.2g} in cross-validation ({direction} is better)"
    return [
        f"file:   {content['file']} ({content['rows']} rows)",
        f"run:    {content['run'] or 'none'}",
        f"score:  {score}",
        f"target: `{slug}`, {where if content['host'] == 'kaggle' else 'graded here on its hidden part'}",
    ]


def _next(run: "Run | None", file: Path | None) -> str:
    given = ([run.id] if run is not None else []) + (["--file", str(file)] if file is not None else [])
    return f"next: aicomp submit {' '.join(given)}"


def _check_sender(project: "Project") -> None:
    """Refuse before asking where nothing could be sent."""
    if project.competition.host == "kaggle":
        from aicomp.kaggle import find_credentials

        find_credentials()


def _confirm(output: Output, project: "Project", *, yes: bool) -> None:
    if yes:
        return
    if not output.can_ask:
        raise UsageError(
            "`aicomp submit` asks before it sends, and there is no terminal to ask on",
            "add `--yes`, or `--dry-run` to send nothing",
        )
    cost = "; it counts against the daily limit" if project.competition.host == "kaggle" else ""
    if output.ask(f"submit{cost}? [y/N]").casefold() not in ("y", "yes"):
        raise AicompError("nothing was sent", "answer `y` to send it")


def _deliver(
    project: "Project", run: "Run | None", path: Path, table: "TextTable", content: dict[str, Any]
) -> dict[str, Any]:
    """Send or grade the file and write both steps into the ledger."""
    from aicomp.kaggle import UncertainError, send_submission
    from aicomp.submission import record_intent, record_outcome

    entry = record_intent(project, run, path, content["message"], content["cv"])
    try:
        if project.competition.host == "local":
            outcome: dict[str, Any] = {"status": "graded", "score": _grade(project, table)}
        else:
            sent = send_submission(project.competition.slug, path, content["message"])
            outcome = {"status": "sent", "ref": sent.ref, "url": sent.url}
    except AicompError as e:
        record_outcome(project, run, entry, "unknown" if isinstance(e, UncertainError) else "failed", error=e.message)
        raise
    record_outcome(project, run, entry, **outcome)
    return outcome


def _grade(project: "Project", table: "TextTable") -> float:
    from aicomp.catalogue import hidden_solution
    from aicomp.grading import TextTable, contract_roles, grade

    competition = project.competition
    solution = TextTable(hidden_solution(competition.slug), f"the hidden part of {competition.slug}")
    return grade(solution, table, project.task.metric, contract_roles(competition))


def _outcome_lines(content: dict[str, Any], outcome: dict[str, Any]) -> list[str]:
    if outcome["status"] == "graded":
        return [f"{content['metric']}: {outcome['score']:.5g} on the hidden part"]
    return [f"sent as {outcome['ref']}", f"its score will stand on {outcome['url']}"]
