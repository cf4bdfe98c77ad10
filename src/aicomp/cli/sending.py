"""The part of `aicomp submit` that talks to Kaggle: send, wait for the score, and say what it is worth."""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aicomp.cli.output import Output
from aicomp.errors import AicompError

if TYPE_CHECKING:
    from aicomp.kaggle.connection import Connection
    from aicomp.kaggle.delivery import Delivery, Parcel
    from aicomp.kaggle.endpoint import Endpoint
    from aicomp.kaggle.place import Place
    from aicomp.project import AnyProject
    from aicomp.submission.history import Posted


@dataclass(frozen=True)
class Wait:
    """That the score is waited for, and for how many seconds at most."""

    timeout: float


def send_parcel(
    output: Output,
    project: "AnyProject",
    endpoint: "Endpoint",
    parcel: "Parcel",
    content: dict[str, Any],
    *,
    again: bool,
    wait: Wait | None,
    host: str | None,
    confirm: Callable[[int | None], None],
) -> None:
    """Send a file, wait for its score if asked to, and print the outcome.

    Args:
        output: Where to say it.
        project: The project.
        endpoint: The host.
        parcel: What to send.
        content: What is known of it, for programs.
        again: Send it even if it stands there already.
        wait: Whether to wait for the score.
        host: The option `--host` as it was given.
        confirm: Asks whether to send, told how many submissions are left today (None: unknown); raises if not.
    """
    from aicomp.kaggle.connection import connect
    from aicomp.kaggle.delivery import check_open, deliver
    from aicomp.kaggle.place import find_place

    slug = project.competition.slug
    with connect(endpoint) as connection:
        readiness = check_open(connection, slug)
        if readiness.is_late:
            output.say("note:   the deadline is over: a late submission takes no place")
        left = readiness.left_today
        before = find_place(connection, slug, readiness.competition, readiness.team) if wait is not None else None
        delivery = deliver(connection, project, parcel, readiness, again=again, approve=lambda: confirm(left))
        posted = delivery.posted
        if wait is not None and (posted is None or posted.status == "pending"):
            posted = wait_with_progress(output, connection, delivery.ref, wait.timeout)
        if posted is not None:
            _keep(project, endpoint, delivery, posted)
            _check_scored(posted, endpoint, delivery.url)
        after = _place_now(connection, slug, posted) if wait is not None and posted is not None else None
    outcome = _outcome(delivery, posted, before, after, left)
    output.result({**content, **outcome}, *_outcome_lines(content, delivery, posted, before, after, host))


def wait_with_progress(output: Output, connection: "Connection", ref: int, timeout: float) -> "Posted":
    """Wait for a score; a terminal shows for how long already.

    Raises:
        NetworkError: It has none in time.
    """
    from aicomp.kaggle.submissions import wait_for_score

    with _progress(output, f"waiting for the score of {ref}") as on_poll:
        return wait_for_score(connection, ref, timeout=timeout, on_poll=on_poll)


@contextmanager
def _progress(output: Output, text: str) -> Iterator[Callable[[float], None]]:
    if not output.is_terminal:
        output.say(text)
        yield lambda seconds: None
        return
    from rich.console import Console

    with Console(stderr=True).status(text) as status:
        yield lambda seconds: status.update(f"{text}, {seconds:.0f} s")


def _keep(project: "AnyProject", endpoint: "Endpoint", delivery: "Delivery", posted: "Posted") -> None:
    """Write what the host says into the ledger and the run."""
    from aicomp.kaggle.delivery import keep_outcome
    from aicomp.submission import read_ledger

    attempt = delivery.attempt
    if attempt is not None:
        known = {a.id: a for a in read_ledger(project, endpoint.host)}
        keep_outcome(project, known[attempt.id], posted)


def _check_scored(posted: "Posted", endpoint: "Endpoint", url: str) -> None:
    if posted.status == "error":
        reason = posted.error or "no reason given"
        raise AicompError(f"{endpoint.name} could not score submission {posted.ref}: {reason}", f"see {url}")


def _place_now(connection: "Connection", slug: str, posted: "Posted") -> "Place":
    from aicomp.kaggle.delivery import find_info
    from aicomp.kaggle.place import Place, find_place

    try:
        return find_place(connection, slug, find_info(connection, slug), posted.team)
    except AicompError:
        return Place()  # the score is there, and this says nothing of it


def _outcome(
    delivery: "Delivery", posted: "Posted | None", before: "Place | None", after: "Place | None", left: int | None
) -> dict[str, Any]:
    """What became of it, for programs."""
    status = delivery.how
    if delivery.how != "already sent":
        status = "complete" if posted is not None and posted.status == "complete" else "sent"  # type: ignore[assignment]
    rank = None
    if before is not None and after is not None:
        rank = {"before": before.rank, "after": after.rank, "teams": after.teams or before.teams}
    score = posted.public_score if posted is not None else delivery.attempt.score if delivery.attempt else None
    return {
        "status": status,
        "score": score,
        "private_score": posted.private_score if posted is not None else None,
        "ref": delivery.ref,
        "url": delivery.url,
        "rank": rank,
        "left_today": left,
    }


def _outcome_lines(
    content: dict[str, Any],
    delivery: "Delivery",
    posted: "Posted | None",
    before: "Place | None",
    after: "Place | None",
    host: str | None,
) -> list[str]:
    """What became of it, for people."""
    lines = {
        "sent": [f"sent as {delivery.ref}"],
        "arrived": [f"an earlier try of this had arrived as {delivery.ref}: nothing was sent now"],
        "already sent": [f"already sent as {delivery.ref}: nothing was sent now; `--again` sends it once more"],
    }[delivery.how]
    following = "next: aicomp submissions" + ("" if host is None else f" --host {shlex.quote(host)}")
    score = posted.public_score if posted is not None else delivery.attempt.score if delivery.attempt else None
    if score is None:
        return [*lines, f"its score will stand on {delivery.url}", following]
    lines.append(f"public score: {score:.5g}{_beside_cv(content)}")
    if posted is not None and posted.private_score is not None:
        lines.append(f"private score: {posted.private_score:.5g}")
    if before is not None and after is not None:
        lines.append(_movement(before, after))
    return [*lines, following]


def _beside_cv(content: dict[str, Any]) -> str:
    cv = content["cv"]
    return "" if cv is None else f" ({content['metric']} {cv['mean']:.5g} ± {cv['std']:.2g} in cross-validation)"


def _movement(before: "Place", after: "Place") -> str:
    """How the place on the leaderboard changed, as far as it is known."""
    teams = after.teams or before.teams
    of = "" if teams is None else f" of {teams}"
    if after.rank is None:
        return "rank: not known"
    if before.rank is None:
        return f"rank: {after.rank}{of}"
    if before.rank == after.rank:
        return f"rank: {after.rank}{of}, as before"
    places = abs(before.rank - after.rank)
    way = "up" if after.rank < before.rank else "down"
    return f"rank: {before.rank} -> {after.rank}{of} ({way} {places} place{'s' if places > 1 else ''})"
