"""Submit a version of a notebook, once: as `aicomp.kaggle.submit` does for files."""

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from aicomp.errors import AicompError, RefusedError
from aicomp.kaggle.connection import Connection
from aicomp.kaggle.faults import Fault
from aicomp.kaggle.notebook.kernel_source import OUTPUT
from aicomp.kaggle.notebook.push import Kernel
from aicomp.kaggle.patience import LONGEST_PAUSE, TRIES, pause_before
from aicomp.kaggle.submit import Sent, UncertainError, find_arrived

_AGAIN = "run the same command again: it looks for the submission first, and sends it only if it has not arrived"


def sender_of(kernel: Kernel) -> Callable[..., Sent]:
    """A function like `aicomp.kaggle.submit.send` that submits a notebook's version instead of a file."""

    def send_version(
        connection: Connection, slug: str, path: Path, description: str, *, sha256: str, known: Collection[int] = ()
    ) -> Sent:
        page = connection.endpoint.page(slug, "submissions")
        try:
            answer = _create(connection, slug, kernel, description)
        except Fault as fault:
            if fault.is_refusal or fault.status == 429:
                raise connection.error(fault, slug) from fault
            return _look(connection, slug, sha256, known, fault)
        if not answer.ref:
            reason = str(answer.message) or "no reason given"
            raise RefusedError(f"{connection.endpoint.name} did not take the submission: {reason}", f"see {page}")
        return Sent(int(answer.ref), page, str(answer.message))

    return send_version


def _create(connection: Connection, slug: str, kernel: Kernel, description: str) -> Any:
    """The one call that counts: made again only where it was refused before it was looked at."""
    from kagglesdk.competitions.types.competition_api_service import ApiCreateCodeSubmissionRequest

    request = ApiCreateCodeSubmissionRequest()
    request.competition_name = slug
    request.kernel_owner, request.kernel_slug, request.kernel_version = kernel.owner, kernel.slug, kernel.version
    request.file_name, request.submission_description = OUTPUT, description
    for number in range(1, TRIES + 1):
        try:
            return connection.attempt(lambda: connection.competitions.create_code_submission(request), repeatable=False)
        except Fault as fault:
            if fault.status != 429 or number == TRIES or fault.retry_after > LONGEST_PAUSE:
                raise
            time.sleep(fault.retry_after or pause_before(number + 1))
    raise AssertionError("unreachable")


def _look(connection: Connection, slug: str, sha256: str, known: Collection[int], fault: Fault) -> Sent:
    """After an answer that leaves it open, ask the list of submissions."""
    page = connection.endpoint.page(slug, "submissions")
    try:
        found = find_arrived(connection, slug, sha256, known)
    except AicompError as e:
        raise UncertainError(
            f"the submission may or may not have arrived: {fault.message}; the list of submissions cannot be had: "
            f"{e.message}",
            _AGAIN,
        ) from fault
    if found is None:
        raise UncertainError(
            f"the submission was not confirmed ({fault.message}), and {connection.endpoint.name} does not list it",
            _AGAIN,
        ) from fault
    return Sent(found.ref, page, "found among the submissions after the connection was lost")
