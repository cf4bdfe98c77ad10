"""The submissions that a host knows: the list, one of them, today's budget, and waiting for a score."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aicomp.errors import AicompError, NetworkError, RefusedError
from aicomp.kaggle.competitions import utc
from aicomp.kaggle.connection import Connection
from aicomp.kaggle.faults import Fault
from aicomp.kaggle.paging import pages
from aicomp.submission.history import Posted, Scoring

FIRST_POLL = 2.0
"""Seconds between the first two looks at a submission that has no score yet; the pauses grow."""

LONGEST_POLL = 30.0
"""Most seconds between two looks."""

_PAGE_SIZE = 100
_STATUS: dict[str, Scoring] = {"PENDING": "pending", "COMPLETE": "complete", "ERROR": "error"}


@dataclass(frozen=True)
class Limits:
    """How many submissions may still be made.

    Attributes:
        today: Made since midnight UTC.
        total: Made in all.
        allowed_now: Still allowed now.
        is_limited_by_total: Whether the count over the whole competition is what limits.
    """

    today: int
    total: int
    allowed_now: int
    is_limited_by_total: bool

    @property
    def is_known(self) -> bool:
        """Whether the counts mean anything: who is on no team yet has all of them at zero, and may submit."""
        return bool(self.allowed_now or self.today or self.is_limited_by_total)

    @property
    def is_exhausted(self) -> bool:
        """Whether none is left."""
        return self.is_known and self.allowed_now == 0

    def check(self, slug: str) -> None:
        """Refuse before anything is uploaded where no submission is left.

        Raises:
            RefusedError: None is left.
        """
        if not self.is_exhausted:
            return
        which, count = ("in all", self.total) if self.is_limited_by_total else ("today", self.today)
        raise RefusedError(
            f"no submission to `{slug}` is left: {count} {which}",
            "this competition takes no more"
            if self.is_limited_by_total
            else "the day ends at midnight UTC; `aicomp submissions` shows what was sent",
        )


def read_limits(connection: Connection, slug: str) -> Limits | None:
    """Today's budget; None where the host has no such call, or no such competition: the next call tells.

    Raises:
        AicompError: As `Connection.call`.
    """
    from kagglesdk.competitions.types.competition_api_service import ApiGetSubmissionLimitsRequest

    request = ApiGetSubmissionLimitsRequest()
    request.competition_name = slug
    try:
        found = connection.attempt(lambda: connection.competitions.get_submission_limits(request))
    except Fault as fault:
        if fault.status == 404:
            return None
        raise connection.error(fault, slug) from fault
    return Limits(found.num_today, found.num_total, found.num_allowed_now, found.limited_by_total)


def list_submissions(connection: Connection, slug: str) -> list[Posted]:
    """Every submission of the user's team, newest first as the host gives them; all pages.

    Raises:
        AicompError: As `Connection.call`, or the pages never end.
    """
    from kagglesdk.competitions.types.competition_api_service import ApiListSubmissionsRequest

    def fetch(token: str) -> Any:
        request = ApiListSubmissionsRequest()
        request.competition_name = slug
        request.page_size = _PAGE_SIZE
        if token:
            request.page_token = token
        return connection.call(lambda: connection.competitions.list_submissions(request), slug)

    found: dict[int, Posted] = {}
    for page in pages(fetch, "list of submissions"):
        for submission in page.submissions or []:
            found.setdefault(submission.ref, posted_of(submission))
    return list(found.values())


def get_submission(connection: Connection, ref: int) -> Posted:
    """One submission.

    Raises:
        Fault: The call failed.
    """
    from kagglesdk.competitions.types.competition_api_service import ApiGetSubmissionRequest

    request = ApiGetSubmissionRequest()
    request.ref = ref
    answer = connection.attempt(lambda: connection.competitions.get_submission(request), repeatable=False)
    return posted_of(answer)


def wait_for_score(
    connection: Connection, ref: int, *, timeout: float, on_poll: Callable[[float], None] = lambda seconds: None
) -> Posted:
    """Look at a submission with growing pauses until it is scored or refused.

    A look that fails because of the network is no reason to stop: the next one may succeed.

    Args:
        connection: To the host.
        ref: The host's number of the submission.
        timeout: Seconds to wait at most.
        on_poll: Called with the seconds waited so far, before each look.

    Raises:
        NetworkError: It has no score in time.
        RefusedError: The host knows no such submission, or no longer lets the user see it.
        CredentialsError: The credentials are refused.
    """
    started, pause, trouble = time.monotonic(), FIRST_POLL, ""
    while True:
        waited = time.monotonic() - started
        on_poll(waited)
        least = 0.0
        try:
            posted = get_submission(connection, ref)
            if posted.status != "pending":
                return posted
            trouble = ""
        except Fault as fault:
            if fault.is_refusal:
                raise _refused(connection, fault, ref) from fault
            trouble, least = f" ({fault.message})", fault.retry_after
        pause = max(pause, least)
        left = timeout - (time.monotonic() - started)
        if left <= 0:
            raise NetworkError(
                f"submission {ref} has no score after {_duration(timeout)}{trouble}",
                "it is not lost: `aicomp submissions` shows its score when there is one",
            )
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_POLL)


def _refused(connection: Connection, fault: Fault, ref: int) -> AicompError:
    if fault.status == 404:
        return RefusedError(
            f"{connection.endpoint.name} knows no submission {ref}: {fault.message}", "`aicomp submissions` lists them"
        )
    return connection.error(fault)


def posted_of(submission: Any) -> Posted:
    """A submission of the typed client as ours."""
    return Posted(
        ref=submission.ref,
        date=None if submission.date is None else utc(submission.date),
        description=submission.description,
        file=submission.file_name,
        status=_STATUS[submission.status.name],
        public_score=_number(submission.public_score),
        private_score=_number(submission.private_score),
        error=submission.error_description,
        team=submission.team_name,
    )


def _number(text: str) -> float | None:
    """A score; hosts write none as an empty string or a word."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
