"""From a validated file to a submission that stands in the ledger: what was sent before is found, not sent again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aicomp.errors import AicompError, RefusedError
from aicomp.kaggle.connection import Connection
from aicomp.kaggle.submissions import Limits, list_submissions, read_limits
from aicomp.kaggle.submit import Sent, UncertainError, find_arrived, send
from aicomp.project import AnyProject
from aicomp.run import Run
from aicomp.submission.history import Posted, describe_file, join, with_tag
from aicomp.submission.ledger import (
    Attempt,
    amend_outcome,
    only_submission,
    read_ledger,
    record_intent,
    record_outcome,
)

if TYPE_CHECKING:
    from aicomp.kaggle.competitions import CompetitionInfo


@dataclass(frozen=True)
class Parcel:
    """What is to be sent.

    Attributes:
        path: A validated file.
        sha256: Of the file, in hex.
        message: The user's words.
        run: The run that it comes from; None for a blend or a file from elsewhere.
        cv: Mean, std and pooled score in cross-validation, None if unknown.
        blend: Ids of the runs of a blend, in its order; empty without one.
    """

    path: Path
    sha256: str
    message: str
    run: Run | None
    cv: dict[str, Any] | None
    blend: tuple[str, ...] = ()


@dataclass(frozen=True)
class Readiness:
    """What the host says before anything is sent.

    Attributes:
        competition: Facts about it; None if the host's search does not show it.
        limits: Today's budget; None if the host does not say.
        posted: Everything that was submitted before.
    """

    competition: "CompetitionInfo | None"
    limits: Limits | None
    posted: list[Posted]

    @property
    def team(self) -> str:
        """Name of the user's team as it stands beside its submissions; empty before the first."""
        return next((p.team for p in self.posted if p.team), "")

    @property
    def left_today(self) -> int | None:
        """Submissions that are still allowed, None if unknown."""
        return self.limits.allowed_now if self.limits is not None and self.limits.is_known else None

    @property
    def is_late(self) -> bool:
        """Whether the deadline is over: many competitions score late submissions without ranking them."""
        deadline = None if self.competition is None else self.competition.deadline
        return deadline is not None and deadline < datetime.now(UTC)


@dataclass(frozen=True)
class Delivery:
    """Where a file stands with the host.

    Attributes:
        ref: The host's number.
        url: The web page of the user's submissions.
        how: Sent now; an earlier try that broke off had arrived; or it stood there already.
        posted: As the host listed it, None if it was sent now.
        attempt: The ledger's part, None if this project never sent it.
    """

    ref: int
    url: str
    how: Literal["sent", "arrived", "already sent"]
    posted: Posted | None = None
    attempt: Attempt | None = None


def check_open(connection: Connection, slug: str) -> Readiness:
    """Ask whether a file can be submitted at all.

    A competition that the host's search does not show may take submissions all the same: the calls that follow tell.

    Raises:
        CredentialsError: They are refused.
        RefusedError: The competition takes no files, or nothing at all.
        NetworkError: The host cannot be asked.
    """
    connection.check_credentials()
    info = find_info(connection, slug)
    if info is not None and info.notebook_only:
        raise RefusedError(
            f"`{slug}` takes submissions from notebooks alone, no files", "run `aicomp submit --notebook`"
        )
    if info is not None and info.submissions_disabled:
        raise RefusedError(f"`{slug}` takes no submissions now", f"see {connection.endpoint.page(slug)}")
    return Readiness(info, read_limits(connection, slug), list_submissions(connection, slug))


def find_info(connection: Connection, slug: str) -> "CompetitionInfo | None":
    """Facts about a competition, None if the host's search does not show it."""
    from aicomp.kaggle.competitions import find_competition

    try:
        return find_competition(connection, slug)
    except RefusedError:
        return None


def deliver(
    connection: Connection,
    project: AnyProject,
    parcel: Parcel,
    readiness: Readiness,
    *,
    again: bool = False,
    approve: Callable[[], None] = lambda: None,
    sender: Callable[..., Sent] = send,
) -> Delivery:
    """Submit a file unless it stands with the host already, and write both steps into the ledger.

    Args:
        connection: To the host.
        project: The project.
        parcel: What to send.
        readiness: From `check_open`.
        again: Send it even if the same file stands there; an earlier try that broke off is still looked for.
        approve: Called before anything is sent; it raises to stop.
        sender: Sends it, taking what `send` takes: a notebook's version goes another way than a file.

    Raises:
        AicompError: As `send`.
    """
    slug, host = project.competition.slug, connection.endpoint.host
    page = connection.endpoint.page(slug, "submissions")

    def attempts() -> list[Attempt]:
        return [a for a in read_ledger(project, host) if a.sha256 == parcel.sha256]

    before, posted = attempts(), readiness.posted
    earlier = _earlier(with_tag(posted, parcel.sha256), posted, before, page, again=again)
    if earlier is None:
        if readiness.limits is not None and not any(a.is_unsettled for a in before):
            readiness.limits.check(slug)
        approve()
    with only_submission(project):
        settled = _settle(connection, project, attempts(), page)
        if settled is not None:
            return settled
        if earlier is not None:
            return earlier
        if attempts() != before:  # another process of this project has sent in the meantime
            posted = list_submissions(connection, slug)
            earlier = _earlier(with_tag(posted, parcel.sha256), posted, attempts(), page, again=again)
            if earlier is not None:
                return earlier
        if readiness.limits is not None:
            readiness.limits.check(slug)
        return _send(connection, project, parcel, [p.ref for p in with_tag(posted, parcel.sha256)], sender)


def _earlier(
    same: Sequence[Posted], posted: Sequence[Posted], attempts: Sequence[Attempt], page: str, *, again: bool
) -> Delivery | None:
    """An earlier submission of this file that was scored or is about to be; also one that only the ledger knows."""
    if again:
        return None
    by_ref = {p.ref: p for p in posted}
    of_ref = {a.ref: a for a in attempts if a.ref is not None}
    # A description may have been edited on the web page: then the number alone joins the two.
    candidates = {p.ref: p for p in (*same, *(by_ref[r] for r in of_ref if r in by_ref))}
    good = [p for p in candidates.values() if p.status != "error"]
    if good:
        best = max(good, key=lambda p: (p.status == "complete", p.ref))
        return Delivery(best.ref, page, "already sent", best, of_ref.get(best.ref))
    unlisted = [a for a in attempts if a.ref is not None and a.ref not in by_ref and a.status != "error"]
    if unlisted:
        assert unlisted[-1].ref is not None
        return Delivery(unlisted[-1].ref, page, "already sent", None, unlisted[-1])
    return None


def _settle(connection: Connection, project: AnyProject, attempts: Sequence[Attempt], page: str) -> Delivery | None:
    """Find out what became of earlier tries that broke off; one that arrived is what this command was to do."""
    settled = None
    taken = {a.ref for a in attempts if a.ref is not None}
    for attempt in [a for a in attempts if a.is_unsettled]:
        found = find_arrived(connection, attempt.competition, attempt.sha256, {*attempt.known, *taken})
        if found is None:
            amend_outcome(project, attempt, "failed", error=f"{connection.endpoint.name} does not list it")
            continue
        taken.add(found.ref)
        amend_outcome(project, attempt, "sent", ref=found.ref, url=page)
        settled = Delivery(found.ref, page, "arrived", found, attempt)
    return settled


def _send(
    connection: Connection, project: AnyProject, parcel: Parcel, known: list[int], sender: Callable[..., Sent]
) -> Delivery:
    facts: dict[str, Any] = {"known": known}
    if parcel.blend:
        facts["runs"] = list(parcel.blend)
    host, run = connection.endpoint.host, parcel.run
    entry = record_intent(project, run, parcel.path, parcel.message, parcel.cv, host=host, **facts)
    description = describe_file(parcel.message, parcel.sha256)
    slug = project.competition.slug
    try:
        sent = sender(connection, slug, parcel.path, description, sha256=parcel.sha256, known=known)
    except AicompError as e:
        status: Literal["unknown", "failed"] = "unknown" if isinstance(e, UncertainError) else "failed"
        record_outcome(project, run, entry, status, error=e.message)
        raise
    record_outcome(project, run, entry, "sent", ref=sent.ref, url=sent.url)
    attempt = next(a for a in read_ledger(project, host) if a.id == entry["id"])
    return Delivery(sent.ref, sent.url, "sent", None, attempt)


def refresh(project: AnyProject, host: str, posted: Sequence[Posted]) -> None:
    """Write into the ledger, and the runs, what the host says now about the submissions of this project.

    A try that broke off and is found by its tag gets its number; a score that has come is kept.
    """
    told = {a.id: a for a in read_ledger(project, host)}
    for record in join(posted, list(told.values())):
        if record.attempt is None or record.posted is None:
            continue
        attempt = told[record.attempt.id]
        # The same file may have been sent once more, from elsewhere: that is not this attempt.
        if attempt.ref == record.posted.ref or (attempt.ref is None and attempt.may_be(record.posted.ref)):
            keep_outcome(project, attempt, record.posted)


def keep_outcome(project: AnyProject, attempt: Attempt, posted: Posted) -> None:
    """Write what the host says about one submission, if the ledger does not know it yet."""
    status: Literal["sent", "complete", "error"] = "sent" if posted.status == "pending" else posted.status
    if (attempt.status, attempt.ref, attempt.score) == (status, posted.ref, posted.public_score):
        return
    facts: dict[str, Any] = {"ref": posted.ref, "score": posted.public_score, "private_score": posted.private_score}
    amend_outcome(project, attempt, status, **facts, error=posted.error or None)
