"""The private dataset with everything that a notebook needs: made once, and found again by its name."""

import time
from collections.abc import Callable
from typing import Any, Protocol

from aicomp.errors import AicompError, NetworkError, RefusedError
from aicomp.kaggle.connection import Connection
from aicomp.kaggle.faults import Fault
from aicomp.kaggle.notebook.pack import PackedFile, title_of
from aicomp.kaggle.notebook.state import State
from aicomp.kaggle.notebook.upload import upload_blob

LICENSE = "unknown"
LONGEST_WAIT = 3600.0
"""Seconds that a host gets to unpack a dataset."""

FIRST_POLL = 3.0
LONGEST_POLL = 30.0

_BROKEN = ("FAILED", "DELETED")


class Upload(Protocol):
    """What becomes a dataset: see `Pack`, and `Job` of the engine."""

    @property
    def files(self) -> tuple[PackedFile, ...]:
        """Its files."""

    @property
    def size(self) -> int:
        """Bytes of all files."""

    @property
    def dataset_slug(self) -> str:
        """Name of the dataset in its address."""

    @property
    def notes(self) -> str:
        """What a version of it is called."""


def ensure_dataset(
    connection: Connection, owner: str, pack: Upload, state: State, say: Callable[[str], None] = lambda line: None
) -> str:
    """Make the dataset unless it is there, and wait until it can be used.

    Args:
        connection: To the host.
        owner: The user's name.
        pack: What it holds.
        state: How far this came before.
        say: Told what happens.

    Returns:
        "owner/slug".

    Raises:
        RefusedError: The host does not take it.
        NetworkError: No connection, or it is not ready in time.
    """
    slug = pack.dataset_slug
    status = _status(connection, owner, slug)
    if status is None or status in _BROKEN:
        say(f"uploading {len(pack.files)} files, {pack.size:,} bytes")
        tokens = _upload(connection, pack, state)
        try:
            _create(connection, owner, pack, tokens, is_new=status is None)
        except Fault as fault:
            status = _status(connection, owner, slug)
            if status is None or status in _BROKEN:
                # Tokens of files expire: the next try uploads them again.
                state.host(connection.endpoint.host)["blobs"] = {}
                state.save()
                raise _refused(connection, fault) from fault
    else:
        say(f"the dataset {owner}/{slug} is there already")
    _wait(connection, owner, slug)
    return f"{owner}/{slug}"


def _status(connection: Connection, owner: str, slug: str) -> str | None:
    """The dataset's status; None if the name is free."""
    from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetStatusRequest

    request = ApiGetDatasetStatusRequest()
    request.owner_slug, request.dataset_slug = owner, slug
    try:
        answer = connection.attempt(lambda: connection.client.datasets.dataset_api_client.get_dataset_status(request))
    except Fault as fault:
        if fault.status in (403, 404):  # what is not there is not shown either
            return None
        raise connection.error(fault) from fault
    return str(answer.status.name)


def _upload(connection: Connection, pack: Upload, state: State) -> list[str]:
    blobs = state.host(connection.endpoint.host)["blobs"]
    for file in pack.files:
        if file.sha256 not in blobs:
            blobs[file.sha256] = upload_blob(connection, file.path)
            state.save()
    return [blobs[file.sha256] for file in pack.files]


def _create(connection: Connection, owner: str, pack: Upload, tokens: list[str], *, is_new: bool) -> None:
    """Make the dataset, or a new version of one that the host could not unpack; one try.

    Raises:
        Fault: It is refused, or nobody knows whether it arrived.
    """
    from kagglesdk.datasets.types import dataset_api_service as types

    files = []
    for token in tokens:
        file = types.ApiDatasetNewFile()
        file.token = token
        files.append(file)
    api: Any = connection.client.datasets.dataset_api_client
    if is_new:
        request = types.ApiCreateDatasetRequest()
        request.owner_slug, request.slug, request.title = owner, pack.dataset_slug, title_of(pack.dataset_slug)
        request.license_name, request.is_private, request.files = LICENSE, True, files
        answer = connection.attempt(lambda: api.create_dataset(request), repeatable=False)
    else:
        body = types.ApiCreateDatasetVersionRequestBody()
        body.version_notes, body.files = pack.notes, files
        version = types.ApiCreateDatasetVersionRequest()
        version.owner_slug, version.dataset_slug, version.body = owner, pack.dataset_slug, body
        answer = connection.attempt(lambda: api.create_dataset_version(version), repeatable=False)
    if answer.error or (answer.status and answer.status.lower() != "ok"):
        raise Fault(400, answer.error or f"the dataset's status is {answer.status}")


def _refused(connection: Connection, fault: Fault) -> AicompError:
    if fault.is_refusal and fault.status != 401:
        return RefusedError(
            f"{connection.endpoint.name} does not take the dataset: {fault.message}", "run the same command again"
        )
    return connection.error(fault)


def _wait(connection: Connection, owner: str, slug: str) -> None:
    started, pause = time.monotonic(), FIRST_POLL
    while True:
        status = _status(connection, owner, slug)
        if status == "READY":
            return
        if status in _BROKEN:
            raise RefusedError(
                f"{connection.endpoint.name} could not unpack the dataset {owner}/{slug}: {status}",
                "run the same command again: it makes a new version",
            )
        if time.monotonic() - started > LONGEST_WAIT:
            raise NetworkError(f"the dataset {owner}/{slug} is not ready: {status}", "run the same command later")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL)
