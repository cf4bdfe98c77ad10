"""Upload a file as a blob: one `PUT` to a signed address, which goes on where it was cut."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aicomp.errors import NetworkError
from aicomp.kaggle.connection import Connection
from aicomp.kaggle.faults import Fault
from aicomp.kaggle.patience import TRIES, bucket_session, once, pause_before

if TYPE_CHECKING:
    import requests

_RESUME = 308
_EXPIRED = (400, 401, 403, 404, 410)


def upload_blob(connection: Connection, path: Path) -> str:
    """Upload a file and return the token that stands for it.

    Args:
        connection: To the host.
        path: A file that is not empty.

    Raises:
        CredentialsError: They are refused.
        NetworkError: The upload fails each time.
    """
    url, token = _start(connection, path)
    offset = 0
    for number in range(1, TRIES + 1):
        try:
            offset = _put(url, path, offset)
            if offset == path.stat().st_size:
                return token
            raise Fault(0, f"{offset:,} bytes have arrived")
        except Fault as fault:
            if number == TRIES:
                raise NetworkError(
                    f"`{path.name}` was not uploaded: {fault.message}", "run the same command again"
                ) from fault
            if fault.status in _EXPIRED:
                (url, token), offset = _start(connection, path), 0
                continue
            time.sleep(fault.retry_after or pause_before(number + 1))
            try:
                offset = _arrived(url, path)
            except Fault as unknown:
                if unknown.status in _EXPIRED:
                    (url, token), offset = _start(connection, path), 0
                # Else nobody knows: the next try begins where this one did, and the bucket says what it lacks.
            if offset == path.stat().st_size:
                return token
    raise AssertionError("unreachable")


def _start(connection: Connection, path: Path) -> tuple[str, str]:
    from kagglesdk.blobs.types.blob_api_service import ApiBlobType, ApiStartBlobUploadRequest

    request = ApiStartBlobUploadRequest()
    request.type = ApiBlobType.DATASET
    request.name = path.name
    request.content_length = path.stat().st_size
    request.last_modified_epoch_seconds = int(path.stat().st_mtime)
    started: Any = connection.call(lambda: connection.client.blobs.blob_api_client.start_blob_upload(request))
    if not started.create_url or not started.token:
        raise NetworkError(f"{connection.endpoint.name}'s answer names no place to upload to", "try again later")
    return str(started.create_url), str(started.token)


def _put(url: str, path: Path, offset: int) -> int:
    """Send the file from an offset on; returns how many bytes have arrived in all."""
    size = path.stat().st_size

    def send() -> "requests.Response":
        with bucket_session() as session, path.open("rb") as file:
            file.seek(offset)
            headers = {"Content-Range": f"bytes {offset}-{size - 1}/{size}"} if offset else {}
            response = session.put(url, data=file, headers=headers, allow_redirects=False)
            response.raise_for_status()
            return response

    return _received(once(send), size)


def _arrived(url: str, path: Path) -> int:
    """Ask the bucket how many bytes have arrived."""
    size = path.stat().st_size

    def ask() -> "requests.Response":
        with bucket_session() as session:
            headers = {"Content-Range": f"bytes */{size}", "Content-Length": "0"}
            response = session.put(url, headers=headers, allow_redirects=False)
            response.raise_for_status()
            return response

    return _received(once(ask), size)


def _received(response: "requests.Response", size: int) -> int:
    if response.status_code != _RESUME:
        return size
    match = re.fullmatch(r"bytes=0-(\d+)", response.headers.get("Range", ""))
    return int(match[1]) + 1 if match else 0
