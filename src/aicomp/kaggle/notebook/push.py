"""The notebook on the host: pushed once, waited for, its log and its output fetched."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aicomp.errors import AicompError, NetworkError, RefusedError
from aicomp.files import atomic_write, partial_file
from aicomp.kaggle.connection import Connection
from aicomp.kaggle.faults import Fault
from aicomp.kaggle.notebook.kernel_source import OUTPUT
from aicomp.kaggle.notebook.pack import Pack, notebook_folder, title_of
from aicomp.kaggle.notebook.state import State
from aicomp.kaggle.paging import pages
from aicomp.kaggle.patience import TRIES, bucket_session, patiently, pause_before

FIRST_POLL = 5.0
LONGEST_POLL = 60.0
QUEUE_SECONDS = 6 * 3600.0
"""Seconds that a notebook may wait for a machine, beside its time limit."""

FAILED = ("ERROR", "CANCEL_REQUESTED", "CANCEL_ACKNOWLEDGED")
_PAGE_SIZE = 100


@dataclass(frozen=True)
class Kernel:
    """A version of a notebook on the host.

    Attributes:
        owner: The user's name.
        slug: Its name in its address.
        version: From 1.
    """

    owner: str
    slug: str
    version: int


@dataclass(frozen=True)
class Wanted:
    """A notebook as it is to be on the host.

    Attributes:
        owner: The user's name.
        competition: The competition's slug.
        slug_of: Its name by the number of the attempt: one that failed is pushed under another.
        settings_of: All that is sent by the number of the attempt, but its text.
        text: A Python script.
        refused: The error for a notebook that the host does not take, by its reason; None makes the usual one.
    """

    owner: str
    competition: str
    slug_of: Callable[[int], str]
    settings_of: Callable[[int], dict[str, Any]]
    text: str
    refused: Callable[[str], AicompError | None] = lambda reason: None


def kernel_request(pack: Pack, owner: str, attempt: int, time_limit_hours: float) -> dict[str, Any]:
    """Everything that is sent to make the notebook, but its text."""
    return {
        "slug": f"{owner}/{pack.kernel_slug(attempt)}",
        "new_title": title_of(pack.kernel_slug(attempt)),
        "language": "python",
        "kernel_type": "script",
        "is_private": True,
        "enable_internet": False,
        "enable_gpu": False,
        "competition_data_sources": [pack.competition],
        "dataset_data_sources": [f"{owner}/{pack.dataset_slug}"],
        "session_timeout_seconds": int(time_limit_hours * 3600),
    }


def ensure_kernel(
    connection: Connection,
    owner: str,
    pack: Pack,
    state: State,
    time_limit_hours: float,
    say: Callable[[str], None] = lambda line: None,
) -> Kernel:
    """Push the notebook unless it is there; one whose failure was reported is pushed anew, under another name.

    Raises:
        RefusedError: The host does not take it.
        NetworkError: No connection.
    """
    wanted = Wanted(
        owner,
        pack.competition,
        pack.kernel_slug,
        lambda attempt: kernel_request(pack, owner, attempt, time_limit_hours),
        pack.kernel_text,
    )
    return ensure_pushed(connection, wanted, state, say)


def ensure_pushed(
    connection: Connection, wanted: Wanted, state: State, say: Callable[[str], None] = lambda line: None
) -> Kernel:
    """As `ensure_kernel`, for any notebook whose name stands for its content."""
    known = state.host(connection.endpoint.host)
    owner = wanted.owner
    status = status_of(connection, owner, wanted.slug_of(known["attempt"]))
    if status in FAILED and known["reported"]:
        known.update(attempt=known["attempt"] + 1, reported=False, version=None)
        state.save()
        status = status_of(connection, owner, wanted.slug_of(known["attempt"]))
    slug = wanted.slug_of(known["attempt"])
    if status is None:
        say(f"pushing the notebook {owner}/{slug}")
        known["version"] = _push(connection, wanted, known["attempt"])
        state.save()
    else:
        say(f"the notebook {owner}/{slug} is there already")
    # Its name stands for its content: a version that an earlier, cut command has pushed is the first one.
    return Kernel(owner, slug, known["version"] or 1)


def status_of(connection: Connection, owner: str, slug: str) -> str | None:
    """Status of the notebook's newest run; None if there is no such notebook."""
    try:
        return session_of(connection, owner, slug)[0]
    except Fault as fault:
        if fault.status in (403, 404):  # what is not there is not shown either
            return None
        raise connection.error(fault) from fault


def session_of(connection: Connection, owner: str, slug: str) -> tuple[str, str]:
    """Status and failure message."""
    from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelSessionStatusRequest

    request = ApiGetKernelSessionStatusRequest()
    request.user_name, request.kernel_slug = owner, slug
    api: Any = connection.client.kernels.kernels_api_client
    answer = connection.attempt(lambda: api.get_kernel_session_status(request))
    return str(answer.status.name), str(answer.failure_message)


def _push(connection: Connection, wanted: Wanted, attempt: int) -> int:
    """Make the notebook; after a failure that leaves it open, look whether it is there. Returns its version."""
    from kagglesdk.kernels.types.kernels_api_service import ApiSaveKernelRequest

    request = ApiSaveKernelRequest()
    for name, value in wanted.settings_of(attempt).items():
        setattr(request, name, value)
    request.text = wanted.text
    api: Any = connection.client.kernels.kernels_api_client
    for number in range(1, TRIES + 1):
        try:
            answer = connection.attempt(lambda: api.save_kernel(request), repeatable=False)
            break
        except Fault as fault:
            if fault.is_refusal or number == TRIES:
                own = wanted.refused(fault.message) if fault.is_refusal and fault.status != 401 else None
                raise own or connection.error(fault, wanted.competition) from fault
            time.sleep(fault.retry_after or pause_before(number + 1))
            if status_of(connection, wanted.owner, wanted.slug_of(attempt)) is not None:
                return 1
    wrong = [*(answer.invalid_dataset_sources or []), *(answer.invalid_competition_sources or [])]
    if answer.error or wrong:
        reason = answer.error or f"it may not use {', '.join(wrong)}"
        raise wanted.refused(reason) or RefusedError(
            f"{connection.endpoint.name} does not take the notebook: {reason}",
            f"have the rules been accepted? {connection.endpoint.page(wanted.competition, 'rules')}",
        )
    return int(answer.version_number or 1)


def wait_for_kernel(
    connection: Connection,
    kernel: Kernel,
    pack: Pack,
    state: State,
    time_limit_hours: float,
    on_poll: Callable[[str, float], None] = lambda status, seconds: None,
) -> None:
    """Look at the notebook with growing pauses until it has run.

    Args:
        connection: To the host.
        kernel: The notebook.
        pack: What it was made from; its log goes into the run's folder.
        state: Takes that a failure was reported.
        time_limit_hours: The competition's limit.
        on_poll: Told status and seconds waited, after each look.

    Raises:
        AicompError: It failed; with the end of its log.
        NetworkError: No connection, or it has not ended in time.
    """
    started, pause = time.monotonic(), FIRST_POLL
    limit = time_limit_hours * 3600 + QUEUE_SECONDS
    while True:
        try:
            status, message = session_of(connection, kernel.owner, kernel.slug)
        except Fault as fault:
            raise connection.error(fault) from fault
        waited = time.monotonic() - started
        on_poll(status, waited)
        if status == "COMPLETE":
            return
        if status in FAILED:
            raise _failed(connection, kernel, pack, state, status, message)
        if waited > limit:
            raise NetworkError(
                f"the notebook {kernel.owner}/{kernel.slug} is {status} after {waited / 3600:.1f} hours",
                "the same command goes on waiting",
            )
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL)


def _failed(connection: Connection, kernel: Kernel, pack: Pack, state: State, status: str, message: str) -> AicompError:
    log, _ = output_of(connection, kernel)
    path = notebook_folder(pack.run) / "kernel.log"
    atomic_write(path, log)
    state.host(connection.endpoint.host)["reported"] = True
    state.save()
    end = "\n".join(log.rstrip().splitlines()[-15:])
    why = f": {message}" if message else ""
    return AicompError(
        f"the notebook {kernel.owner}/{kernel.slug} ended as {status}{why}\n{end}".rstrip(),
        f"its log is `{path}`; the same command pushes it again",
    )


def fetch_output(connection: Connection, kernel: Kernel, pack: Pack) -> Path:
    """Fetch log and submission of a notebook that has run.

    Returns:
        The submission, `runs/<id>/notebook/kernel-submission.csv`; the log is `kernel.log` beside it.

    Raises:
        AicompError: It wrote no submission, or it cannot be fetched.
    """
    log, files = output_of(connection, kernel)
    folder = notebook_folder(pack.run)
    atomic_write(folder / "kernel.log", log)
    if OUTPUT not in files:
        written = ", ".join(sorted(files)) or "nothing"
        raise AicompError(
            f"the notebook {kernel.owner}/{kernel.slug} wrote {written}, and no `{OUTPUT}`",
            f"see `{folder / 'kernel.log'}`",
        )
    path = folder / "kernel-submission.csv"
    try:
        with partial_file(path) as temporary:
            patiently(lambda: fetch(files[OUTPUT], temporary))
    except Fault as fault:
        raise NetworkError(f"`{OUTPUT}` cannot be fetched: {fault.message}", "run the same command again") from fault
    return path


def output_of(connection: Connection, kernel: Kernel) -> tuple[str, dict[str, str]]:
    """Log, and the address of each file by its name."""
    from kagglesdk.kernels.types.kernels_api_service import ApiListKernelSessionOutputRequest

    api: Any = connection.client.kernels.kernels_api_client

    def page_at(token: str) -> Any:
        request = ApiListKernelSessionOutputRequest()
        request.user_name, request.kernel_slug, request.page_size = kernel.owner, kernel.slug, _PAGE_SIZE
        if token:
            request.page_token = token
        return connection.call(lambda: api.list_kernel_session_output(request))

    log = ""
    files: dict[str, str] = {}
    for page in pages(page_at, "list of the notebook's files"):
        log = log or plain_log(page.log or "")
        files |= {str(file.file_name): str(file.url) for file in page.files or []}
    return log, files


def plain_log(text: str) -> str:
    r"""A notebook's log as text: Kaggle keeps it as a JSON list of pieces, whose end is missing while it grows.

    >>> plain_log('[{"data": "a\\n"},{"data": "b"}')
    'a\nb'
    """
    whole = text.strip()
    if whole.startswith("[{") and not whole.endswith("]"):
        whole = f"{whole[: whole.rfind('}') + 1]}]"
    try:
        pieces = json.loads(whole)
        return "".join(str(piece["data"]) for piece in pieces)
    except (ValueError, TypeError, KeyError):
        return text


def fetch(url: str, path: Path) -> None:
    """Fetch from a signed address, which must not see the credentials."""
    with bucket_session() as session, session.get(url, stream=True) as response, path.open("wb") as file:
        response.raise_for_status()
        for chunk in response.iter_content(2**16):
            file.write(chunk)
