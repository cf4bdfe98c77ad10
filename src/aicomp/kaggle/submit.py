"""Send a submission exactly once.

A submission is an upload and one call, `CreateSubmission`, that makes it count. The upload may be repeated at will. The
call may not: after an answer that leaves open whether it was taken, the host's list of submissions is asked for the tag
that the description holds, twice with a pause between, before anything else happens.

If the list shows it, that is the submission. If it does not, the call is made a second time only where the host has
answered with an error of its own (500, 503), and so has done with the first call. It is never made again after a
time-out, a cut line or a gateway's 502 and 504: the host may still be at work on the first one, and would then hold
two. What is left open is said, and the same command asks the list again before it sends.
"""

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aicomp.errors import AicompError, NetworkError, RefusedError
from aicomp.kaggle.connection import Connection
from aicomp.kaggle.faults import Fault, refusal
from aicomp.kaggle.patience import LONGEST_PAUSE, TRIES, bucket_session, pause_before
from aicomp.kaggle.submissions import list_submissions
from aicomp.submission.history import Posted, with_tag

LOOKS = 2
"""How often the list is asked for a submission that may have arrived."""

LOOK_PAUSE = 5.0
"""Seconds between two such looks."""

_LOG = logging.getLogger(__name__)  # unless a program sets it up otherwise, its warnings go to stderr

_GATEWAYS = (408, 502, 504)
_UPLOADS = 2
_STALE_UPLOAD = (400, 401, 403, 404, 410)


@dataclass(frozen=True)
class Sent:
    """A submission that the host has taken.

    Attributes:
        ref: The host's number for it.
        url: The web page of the user's submissions.
        message: What the host said.
    """

    ref: int
    url: str
    message: str


class UncertainError(NetworkError):
    """The connection broke while the submission was made: it may or may not have arrived."""


def send(
    connection: Connection, slug: str, path: Path, description: str, *, sha256: str, known: Collection[int] = ()
) -> Sent:
    """Upload a file and submit it, once; see the module for what happens when the network or the host fails.

    Args:
        connection: To the host.
        slug: Name of the competition in its address.
        path: The file.
        description: Shown beside the submission; `describe_file` makes one with the tag by which it is found again.
        sha256: Of the file, in hex.
        known: Numbers of the submissions of this very file that stand in the list already.

    Raises:
        CredentialsError: They are refused.
        RefusedError: Rules not accepted, deadline passed, daily limit reached, no such competition.
        NetworkError: No connection, a time-out, or the host's servers fail; it has not arrived.
        UncertainError: As `NetworkError`, but the submission may have arrived.
    """
    page = connection.endpoint.page(slug, "submissions")
    uploads, failures = 1, 0
    token = upload(connection, slug, path)
    for number in range(1, TRIES + 1):
        try:
            return _taken(_create(connection, slug, token, description), page, connection, slug, sha256, known)
        except Fault as fault:
            if fault.is_refusal:
                if not _speaks_of_upload(fault) or uploads == _UPLOADS:
                    raise connection.error(fault, slug) from fault
                uploads += 1
            elif fault.status == 429:
                if _speaks_of_budget(fault):
                    raise refusal(fault, slug, connection.credentials, connection.endpoint) from fault
                if number == TRIES or fault.retry_after > LONGEST_PAUSE:
                    raise connection.error(fault, slug) from fault
                time.sleep(fault.retry_after or pause_before(number + 1))
                continue  # refused before it was looked at: the upload still stands
            else:
                failures += 1
                arrived = _look(connection, slug, sha256, known, fault)
                if arrived is not None:
                    return Sent(arrived.ref, page, "found among the submissions after the connection was lost")
                if failures > 1 or not _has_done_with_it(fault):
                    raise _not_seen(connection, fault) from fault
            token = upload(connection, slug, path)
    raise AssertionError("unreachable")


def upload(connection: Connection, slug: str, path: Path) -> str:
    """Upload a file and return the token that stands for it; an address that has expired is asked for anew.

    Raises:
        AicompError: As `send`; nothing has been submitted.
    """
    for number in range(1, _UPLOADS + 1):
        url, token = _start_upload(connection, slug, path)
        try:
            connection.attempt(lambda: _put(url, path))  # noqa: B023 - called before the next round
            return token
        except Fault as fault:
            if fault.status in _STALE_UPLOAD and number < _UPLOADS:
                continue
            raise NetworkError(
                f"`{path.name}` was not uploaded: {fault.message}", "nothing was submitted: run the same command again"
            ) from fault
    raise AssertionError("unreachable")


def find_arrived(connection: Connection, slug: str, sha256: str, known: Collection[int]) -> Posted | None:
    """Ask the list for a submission of a file that may have arrived, again after a pause if it is not there.

    Args:
        connection: To the host.
        slug: The competition.
        sha256: Of the file, in hex.
        known: Numbers of the submissions of this file that were there before.

    Raises:
        AicompError: The list cannot be had.
    """
    for number in range(LOOKS):
        if number:
            _LOG.warning("the list of submissions does not show it yet: looking again in %.0f s", LOOK_PAUSE)
            time.sleep(LOOK_PAUSE)
        new = [p for p in with_tag(list_submissions(connection, slug), sha256) if p.ref not in known]
        if new:
            return new[0]
    return None


def _start_upload(connection: Connection, slug: str, path: Path) -> tuple[str, str]:
    from kagglesdk.competitions.types.competition_api_service import ApiStartSubmissionUploadRequest

    request = ApiStartSubmissionUploadRequest()
    request.competition_name = slug
    request.file_name = path.name
    request.content_length = path.stat().st_size
    request.last_modified_epoch_seconds = int(path.stat().st_mtime)
    started = connection.call(lambda: connection.competitions.start_submission_upload(request), slug)
    if not started.create_url or not started.token:
        raise NetworkError(f"{connection.endpoint.name}'s answer names no place to upload to", "try again later")
    return str(started.create_url), str(started.token)


def _put(url: str, path: Path) -> None:
    """Upload to a signed address, which must not see the credentials."""
    with bucket_session() as session, path.open("rb") as file:
        response = session.put(url, data=file, allow_redirects=False)
        response.raise_for_status()


def _create(connection: Connection, slug: str, token: str, description: str) -> Any:
    """The one call that counts, made once."""
    from kagglesdk.competitions.types.competition_api_service import ApiCreateSubmissionRequest

    request = ApiCreateSubmissionRequest()
    request.competition_name = slug
    request.blob_file_tokens = token
    request.submission_description = description
    return connection.attempt(lambda: connection.competitions.create_submission(request), repeatable=False)


def _taken(response: Any, page: str, connection: Connection, slug: str, sha256: str, known: Collection[int]) -> Sent:
    """Read a friendly answer; one without a number is a refusal, unless the list knows the submission."""
    if response.ref:
        return Sent(int(response.ref), page, str(response.message))
    reason = str(response.message) or "no reason given"
    new = [p for p in with_tag(list_submissions(connection, slug), sha256) if p.ref not in known]
    if new:
        return Sent(new[0].ref, page, reason)
    raise RefusedError(f"{connection.endpoint.name} did not take the submission: {reason}", f"see {page}")


def _look(connection: Connection, slug: str, sha256: str, known: Collection[int], fault: Fault) -> Posted | None:
    try:
        return find_arrived(connection, slug, sha256, known)
    except AicompError as e:
        raise UncertainError(
            f"the submission may or may not have arrived: {fault.message}; the list of submissions cannot be had: "
            f"{e.message}",
            _AGAIN,
        ) from fault


def _not_seen(connection: Connection, fault: Fault) -> UncertainError:
    name = connection.endpoint.name
    return UncertainError(f"the submission was not confirmed ({fault.message}), and {name} does not list it", _AGAIN)


_AGAIN = "run the same command again: it looks for the submission first, and sends it only if it has not arrived"


def _has_done_with_it(fault: Fault) -> bool:
    return fault.status >= 500 and fault.status not in _GATEWAYS


def _speaks_of_budget(fault: Fault) -> bool:
    """Whether "too many" means submissions, of which no pause brings more, and not requests."""
    text = fault.message.casefold()
    return "daily" in text or "allowance" in text or "submission limit" in text


def _speaks_of_upload(fault: Fault) -> bool:
    """Whether a refusal is about the uploaded file's token, not about the submission."""
    text = fault.message.casefold()
    is_about = any(word in text for word in ("token", "blob", "upload"))
    return fault.status in (400, 404, 410) and is_about and any(w in text for w in ("expired", "invalid", "not found"))
