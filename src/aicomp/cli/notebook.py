"""`aicomp submit --notebook`: pack a run, rehearse it, push it, wait for it, and submit its version."""

import shlex
from typing import TYPE_CHECKING, Any

from aicomp.cli.notebook_text import all_lines, describe, lines_of
from aicomp.cli.output import Output
from aicomp.errors import AicompError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from aicomp.kaggle.connection import Connection
    from aicomp.kaggle.delivery import Delivery, Parcel, Readiness
    from aicomp.kaggle.endpoint import Endpoint
    from aicomp.kaggle.notebook.pack import Pack
    from aicomp.kaggle.notebook.push import Kernel
    from aicomp.kaggle.notebook.state import State
    from aicomp.project import Project
    from aicomp.run import Run
    from aicomp.submission.history import Posted

_SCORE_SECONDS = 12 * 3600.0
"""How long a score is waited for: the host runs the notebook once more, on the hidden rows."""


def submit_notebook(
    project: "Project",
    output: Output,
    *,
    run_name: str | None,
    dry_run: bool,
    yes: bool,
    wait: bool,
    message: str | None,
    host: str | None,
    time_limit_hours: float = 9.0,
    repeated: dict[str, object] | None = None,
) -> None:
    """Submit a notebook that predicts with a run, for competitions that take no files.

    What is sent is named after its content: where an earlier command was cut, the same command goes on from there.

    With --json the keys are: competition, host, run, file (the run's own predictions), rows, sha256, metric,
    greater_is_better, cv, message, notebook (dataset with files, wheels, kernel, text and rehearsal), status ("valid"
    after a dry run, "sent", "complete" with a score, "already sent"), score, private_score, ref and url.

    Args:
        project: The project.
        output: Where to say it.
        run_name: A run, or the beginning of its name; None takes the newest.
        dry_run: Pack and rehearse, print all that would be sent, and send nothing.
        yes: Do not ask before sending.
        wait: Wait for the score.
        message: Description; None takes the run and its score.
        host: `--host`.
        time_limit_hours: The competition's limit for a notebook.
        repeated: Options of a dry run that the command that sends needs too, by name.

    Raises:
        AicompError: The rehearsal, the notebook on the host or its submission failed.
    """
    from aicomp.cli.parcel import next_command
    from aicomp.kaggle.endpoint import find_endpoint
    from aicomp.kaggle.notebook.pack import make_pack
    from aicomp.kaggle.notebook.state import State
    from aicomp.run import find_run

    if not 0 < time_limit_hours <= 24 * 7:
        raise UsageError(f"the time limit is {time_limit_hours:g} hours", "give a number above 0, a week at most")
    endpoint = find_endpoint(host, project.competition.host)
    if not dry_run:
        _check_sender(project, output, endpoint, host, yes=yes)
    run = find_run(project.runs, run_name)
    parcel = _parcel(project, run, message)
    made = make_pack(project, run)
    state = State.of(made)
    _rehearse(project, output, made, state, time_limit_hours)
    content = describe(project, endpoint, parcel, made, state, time_limit_hours)
    if dry_run:
        next_line = next_command(["--notebook", run.id], repeated or {})
        output.result({**content, "status": "valid"}, *all_lines(content, endpoint), next_line)
        return
    output.say(*lines_of(content, endpoint))
    _send(project, output, endpoint, parcel, made, state, content, yes=yes, wait=wait, hours=time_limit_hours)


def _check_sender(project: "Project", output: Output, endpoint: "Endpoint", host: str | None, *, yes: bool) -> None:
    """Refuse before the rehearsal where nothing could be sent."""
    from aicomp.kaggle import find_credentials

    if not yes and not output.can_ask:
        raise UsageError(
            "`aicomp submit` asks before it sends, and there is no terminal to ask on",
            "add `--yes`, or `--dry-run` to send nothing",
        )
    if project.competition.host == "local" and endpoint.url is None and host is None:
        raise UsageError(
            f"`{project.competition.slug}` is graded here, and takes no notebooks",
            "leave out `--notebook`, add `--dry-run`, or name a host with `--host`",
        )
    find_credentials(endpoint)


def _parcel(project: "Project", run: "Run", message: str | None) -> "Parcel":
    """The run's own predictions: their hash is what tells submissions apart."""
    from aicomp.kaggle.delivery import Parcel
    from aicomp.submission import build_submission, read_sample
    from aicomp.submission.ledger import file_hash

    path = build_submission(project, run, read_sample(project))
    cv = {key: run.scores[key] for key in ("mean", "std", "pooled")}
    if message is None:
        message = f"{run.id}, {project.task.metric.name} {cv['mean']:.5g} ± {cv['std']:.2g}"
    return Parcel(path, file_hash(path), message, run, cv)


def _rehearse(project: "Project", output: Output, made: "Pack", state: "State", hours: float) -> None:
    """Run the notebook here, unless this very one has run well before."""
    from aicomp.isolation import network_isolation
    from aicomp.kaggle.notebook.rehearse import rehearse

    if state.rehearsal is not None and state.rehearsal["seconds"] <= hours * 3600:
        output.say("this notebook was rehearsed before")
        return
    output.say(f"rehearsing without network ({network_isolation()}), {hours:g} hours at most")
    done = rehearse(project, made, hours)
    state.rehearsal = {
        "isolation": done.isolation,
        "seconds": round(done.seconds, 1),
        "limit_seconds": done.limit_seconds,
        "rows": done.rows,
        "difference": done.difference,
    }
    state.save()


def _send(
    project: "Project",
    output: Output,
    endpoint: "Endpoint",
    parcel: "Parcel",
    made: "Pack",
    state: "State",
    content: dict[str, Any],
    *,
    yes: bool,
    wait: bool,
    hours: float,
) -> None:
    """Push, wait, submit, and print the outcome."""
    from aicomp.cli.sending import wait_with_progress
    from aicomp.kaggle.connection import connect
    from aicomp.kaggle.delivery import deliver
    from aicomp.kaggle.notebook.submission import sender_of

    with connect(endpoint) as connection:
        owner, readiness = _ready(connection, project.competition.slug)

        def ready_kernel() -> "Kernel":
            return _run_there(project, output, connection, owner, made, state, hours)

        kernel = None
        if not _was_sent(project, endpoint, parcel, readiness):
            if readiness.limits is not None:
                readiness.limits.check(project.competition.slug)
            _confirm(output, yes=yes, left=readiness.left_today)
            kernel = ready_kernel()
        delivery = deliver(
            connection,
            project,
            parcel,
            readiness,
            sender=lambda *words, **named: sender_of(kernel or ready_kernel())(*words, **named),
        )
        posted = delivery.posted
        if wait and (posted is None or posted.status == "pending"):
            posted = wait_with_progress(output, connection, delivery.ref, _SCORE_SECONDS)
    _finish(project, output, endpoint, delivery, posted, content)


def _ready(connection: "Connection", slug: str) -> "tuple[str, Readiness]":
    """The user's name, and what the host says before anything is pushed."""
    from aicomp.errors import RefusedError
    from aicomp.kaggle.delivery import Readiness, find_info
    from aicomp.kaggle.submissions import list_submissions, read_limits

    owner = connection.check_credentials()
    info = find_info(connection, slug)
    if info is not None and info.submissions_disabled:
        raise RefusedError(f"`{slug}` takes no submissions now", f"see {connection.endpoint.page(slug)}")
    return owner, Readiness(info, read_limits(connection, slug), list_submissions(connection, slug))


def _was_sent(project: "Project", endpoint: "Endpoint", parcel: "Parcel", readiness: "Readiness") -> bool:
    """Whether these predictions may stand with the host already, so that no notebook need be pushed."""
    from aicomp.submission import read_ledger
    from aicomp.submission.history import with_tag

    told = [a for a in read_ledger(project, endpoint.host) if a.sha256 == parcel.sha256]
    listed = with_tag(readiness.posted, parcel.sha256)
    return any(p.status != "error" for p in listed) or any(a.is_unsettled or a.ref is not None for a in told)


def _confirm(output: Output, *, yes: bool, left: int | None) -> None:
    if yes:
        return
    budget = "" if left is None else f" ({left} left)"
    question = f"push and submit it; it counts against the daily limit{budget}? [y/N]"
    if output.ask(question).casefold() not in ("y", "yes"):
        raise AicompError("nothing was sent", "answer `y` to send it")


def _run_there(
    project: "Project",
    output: Output,
    connection: "Connection",
    owner: str,
    made: "Pack",
    state: "State",
    hours: float,
) -> "Kernel":
    """Push dataset and notebook, wait for it, and check what it wrote."""
    from aicomp.kaggle.notebook.dataset import ensure_dataset
    from aicomp.kaggle.notebook.pack import check_packed
    from aicomp.kaggle.notebook.push import ensure_kernel, fetch_output, wait_for_kernel
    from aicomp.submission import read_sample, validate_submission

    check_packed(made.files)
    ensure_dataset(connection, owner, made, state, output.say)
    kernel = ensure_kernel(connection, owner, made, state, hours, output.say)
    told: list[str] = []

    def on_poll(status: str, seconds: float) -> None:
        if status not in told:
            told.append(status)
            output.say(f"the notebook is {status.lower()}, after {seconds:.0f} s")

    wait_for_kernel(connection, kernel, made, state, hours, on_poll)
    path: Path = fetch_output(connection, kernel, made)
    validate_submission(path, read_sample(project))
    return kernel


def _finish(
    project: "Project",
    output: Output,
    endpoint: "Endpoint",
    delivery: "Delivery",
    posted: "Posted | None",
    content: dict[str, Any],
) -> None:
    """Write the score into the ledger, and print the outcome."""
    from aicomp.kaggle.delivery import keep_outcome
    from aicomp.submission import read_ledger

    if posted is not None and delivery.attempt is not None:
        known = {a.id: a for a in read_ledger(project, endpoint.host)}
        keep_outcome(project, known[delivery.attempt.id], posted)
    if posted is not None and posted.status == "error":
        reason = posted.error or "no reason given"
        raise AicompError(f"{endpoint.name} could not score submission {delivery.ref}: {reason}", f"see {delivery.url}")
    score = None if posted is None else posted.public_score
    status = "complete" if delivery.how != "already sent" and score is not None else delivery.how
    outcome: dict[str, Any] = {
        "status": "sent" if status == "arrived" else status,
        "score": score,
        "private_score": None if posted is None else posted.private_score,
        "ref": delivery.ref,
        "url": delivery.url,
    }
    is_own_host = endpoint.host == project.competition.host
    lines = [
        {
            "sent": f"sent as {delivery.ref}",
            "arrived": f"an earlier try of this had arrived as {delivery.ref}: nothing was sent now",
            "already sent": f"already sent as {delivery.ref}: nothing was sent now",
        }[delivery.how],
        f"its score will stand on {delivery.url}" if score is None else f"public score: {score:.5g}",
        "next: aicomp submissions" + ("" if is_own_host else f" --host {shlex.quote(endpoint.host)}"),
    ]
    output.result({**content, **outcome}, *lines)
