"""`aicomp submit`: build a submission from one run or several, validate it, and send it or grade it."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aicomp.cli.options import Host, Json, ProjectFolder
from aicomp.cli.output import Output
from aicomp.errors import AicompError, UsageError

if TYPE_CHECKING:
    from aicomp.cli.sending import Wait
    from aicomp.grading import TextTable
    from aicomp.kaggle.delivery import Parcel
    from aicomp.kaggle.endpoint import Endpoint
    from aicomp.project import AnyProject, Project

_TIMEOUT = 30.0


def submit(
    run_name: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run, or the beginning of its name; by default the newest.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Build and validate the file, and send nothing.")] = False,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Submit this file instead of a run's predictions.")
    ] = None,
    more_runs: Annotated[
        list[str] | None,
        typer.Option("--run", metavar="RUN", help="A run, as RUN; several are blended, in equal parts or by --weight."),
    ] = None,
    weights: Annotated[
        list[float] | None,
        typer.Option("--weight", metavar="W", help="Weight of a run of a blend; give one for each --run."),
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="Description; by default the run and its score.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the score.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", metavar="MINUTES", help=f"How long to wait for it; by default {_TIMEOUT:.0f}."),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Send a file that was sent before once more.")] = False,
    notebook: Annotated[
        bool, typer.Option("--notebook", help="Submit a notebook that predicts, for competitions that take no files.")
    ] = False,
    time_limit: Annotated[
        float | None,
        typer.Option("--time-limit", metavar="HOURS", help="The competition's limit for a notebook; by default 9."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before sending.")] = False,
    host: Host = None,
    project_folder: ProjectFolder = None,
    as_json: Json = False,
) -> None:
    """Build a submission, validate it, and send it to Kaggle; an embedded competition is graded here.

    The same file is sent once: if an earlier try broke off, or the file stands with Kaggle already, it is found there.

    With --json the keys are: competition, host, run, file, rows, sha256, metric, greater_is_better, cv (mean, std and
    pooled score of the run; null without one), message, blend (runs, weights and method; null without one), status
    ("valid" after a dry run, "sent", "complete" with a score, "already sent", "graded"), score (public, or of an
    embedded competition; null if there is none yet), private_score, ref and url (of Kaggle, else null), rank (before,
    after and teams; null unless waited for), left_today (submissions left before this one, null if unknown).
    With --notebook also notebook (dataset, wheels, kernel, text, sha256, rehearsal), without rank and left_today. Of a
    simulation also bytes, evaluation (of the run) and played (how the agent was tried here), and rows is null.
    """
    from aicomp.cli.parcel import describe, find_runs, lines, next_command, pack, run_words
    from aicomp.simulation.project import Simulation, open_project

    output = Output(as_json)
    project = open_project(project_folder)
    names = [*([run_name] if run_name is not None else []), *(more_runs or [])]
    repeated: dict[str, object] = {"--message": message, "--host": host, "--project": project_folder}
    if isinstance(project, Simulation):
        from aicomp.cli.simulation_submit import Sending, submit_agent

        refused = {"--notebook": notebook, "--weight": weights, "--time-limit": time_limit, "--run": names[1:]}
        sending = Sending(dry_run, yes, again, _waiting(wait, timeout), host, message, repeated)
        submit_agent(project, output, names[0] if names else None, file, sending, refused=refused)
        return
    if notebook:
        _refuse(
            {"--file": file, "--weight": weights, "--again": again, "--timeout": timeout, "a second run": names[1:]}
        )
        from aicomp.cli.notebook import submit_notebook

        name = names[0] if names else None
        submit_notebook(
            project,
            output,
            run_name=name,
            dry_run=dry_run,
            yes=yes,
            wait=wait,
            message=message,
            host=host,
            time_limit_hours=9.0 if time_limit is None else time_limit,
            repeated=repeated | {"--time-limit": time_limit},
        )
        return
    if time_limit is not None:
        raise UsageError("`--time-limit` is for a notebook, and `--notebook` is not given", "add `--notebook`")
    endpoint = find_destination(project, host)
    waiting = _waiting(wait, timeout)
    runs = find_runs(project, names, file, weights or [])
    if not dry_run:
        check_sender(output, endpoint, yes=yes)
    parcel, table, blended = pack(project, runs, file, weights or [], message)
    content = describe(project, endpoint, parcel, table, blended)
    shown = lines(content, endpoint, is_known=bool(project.competition.url))
    if dry_run:
        words = run_words([run.id for run in runs], weights or [], file)
        next_line = next_command(words, repeated)
        output.result({**content, "status": "valid"}, *shown, "valid; nothing was sent", next_line)
        return
    output.say(*shown)
    if endpoint is None:
        confirm(output, yes=yes)
        outcome = _grade_here(project, parcel, table)
        output.result({**content, **outcome}, f"{content['metric']}: {outcome['score']:.5g} on the hidden part")
        return
    from aicomp.cli.sending import send_parcel

    send_parcel(
        output,
        project,
        endpoint,
        parcel,
        content,
        again=again,
        wait=waiting,
        host=host,
        confirm=lambda left: confirm(output, yes=yes, is_limited=True, left=left),
    )


def _refuse(options: dict[str, object]) -> None:
    """An option that would have no effect is a misunderstanding."""
    for name, value in options.items():
        if value:
            raise UsageError(f"a notebook cannot be submitted with {name}", f"leave out {name}, or `--notebook`")


def _waiting(wait: bool, timeout: float | None) -> "Wait | None":
    from aicomp.cli.sending import Wait

    if timeout is not None and not wait:
        raise UsageError("`--timeout` says how long to wait, and `--wait` is not given", "add `--wait`")
    if timeout is not None and not (math.isfinite(timeout) and timeout > 0):
        raise UsageError(f"`--timeout` is {timeout:g}", "give a number of minutes above 0")
    return Wait((_TIMEOUT if timeout is None else timeout) * 60) if wait else None


def find_destination(project: "AnyProject", host: str | None) -> "Endpoint | None":
    """Where to send it; None grades it here, as long as no host is named."""
    import os

    from aicomp.kaggle.endpoint import HOST_VARIABLE, find_endpoint

    if project.competition.host == "local" and host is None and not os.environ.get(HOST_VARIABLE, "").strip():
        return None
    return find_endpoint(host, project.competition.host)


def check_sender(output: Output, endpoint: "Endpoint | None", *, yes: bool) -> None:
    """Refuse before anything is built or asked where nothing could be sent."""
    if not yes and not output.can_ask:
        raise UsageError(
            "`aicomp submit` asks before it sends, and there is no terminal to ask on",
            "add `--yes`, or `--dry-run` to send nothing",
        )
    if endpoint is not None:
        from aicomp.kaggle import find_credentials

        find_credentials(endpoint)


def confirm(output: Output, *, yes: bool, is_limited: bool = False, left: int | None = None) -> None:
    """Ask whether to send, and raise if the answer is not yes.

    Args:
        output: Where to ask.
        yes: Do not ask.
        is_limited: Whether it counts against a daily limit.
        left: Submissions that are left today, None if that is not known.
    """
    if yes:
        return
    cost = "; it counts against the daily limit" if is_limited else ""
    if left is not None:
        cost += f" ({left} left)"
    if output.ask(f"submit{cost}? [y/N]").casefold() not in ("y", "yes"):
        raise AicompError("nothing was sent", "answer `y` to send it")


def _grade_here(project: "Project", parcel: "Parcel", table: "TextTable") -> dict[str, Any]:
    """Grade the file on the hidden part and write both steps into the ledger."""
    from aicomp.submission import record_intent, record_outcome

    facts: dict[str, Any] = {"runs": list(parcel.blend)} if parcel.blend else {}
    entry = record_intent(project, parcel.run, parcel.path, parcel.message, parcel.cv, host="local", **facts)
    try:
        outcome = {"status": "graded", "score": _grade(project, table)}
    except AicompError as e:
        record_outcome(project, parcel.run, entry, "failed", error=e.message)
        raise
    record_outcome(project, parcel.run, entry, "graded", score=outcome["score"])
    return outcome


def _grade(project: "Project", table: "TextTable") -> float:
    from aicomp.catalogue import hidden_solution
    from aicomp.grading import TextTable, contract_roles, grade

    competition = project.competition
    solution = TextTable(hidden_solution(competition.slug), f"the hidden part of {competition.slug}")
    return grade(solution, table, project.task.metric, contract_roles(competition))
