"""Take the bytes of an upload: all at once, or from where an earlier request was cut."""

import re
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aicomp.host.uploads import Blob, Uploads
from aicomp.host.wire import ApiError

_CHUNK = 2**20
_RANGE = re.compile(r"bytes (?:(\*)|(\d{1,18})-(\d{1,18}))/(\d{1,18}|\*)")


async def receive_upload(uploads: Uploads, token: str, request: Request) -> Response:
    """Answer a PUT.

    `Content-Range: bytes */N` asks how far it is: 200 for done, else 308 with `Range: bytes=0-k` (without Range:
    nothing has come). `bytes a-b/N` goes on from byte a. Without Content-Range the body is the whole file.

    Raises:
        ApiError: No such upload (404), another request writes it (409), or it has more bytes than announced.
    """
    blob = await run_in_threadpool(uploads.get, token)
    start = _start(request.headers.get("Content-Range"), blob)
    if blob.is_received:
        await _drain(request, blob.size)  # a client whose answer was lost sends all of it again
        return Response(status_code=200)
    if start is None:
        return _progress(uploads, blob)
    with uploads.receiving(blob) as file:
        if start == 0:
            file.seek(file.truncate(0))
        elif file.tell() != start:
            return _progress(uploads, blob)
        await _write(request, file, start, blob)
        if file.tell() < blob.size and request.headers.get("Content-Range"):
            file.flush()
            return _progress(uploads, blob)
        file.flush()
        await run_in_threadpool(uploads.finish, blob)  # still alone: another writer would change what was received
    return Response(status_code=200)


def _start(header: str | None, blob: Blob) -> int | None:
    """The first byte that a request brings, None if it only asks."""
    if header is None:
        return 0
    match = _RANGE.fullmatch(header.strip())
    if match is None or (match[4] != "*" and int(match[4]) != blob.size):
        raise ApiError(400, f"Content-Range does not fit a file of {blob.size} bytes.")
    return None if match[1] else int(match[2])


def _progress(uploads: Uploads, blob: Blob) -> Response:
    partial = uploads.partial(blob)
    size = partial.stat().st_size if partial.exists() else 0
    return Response(status_code=308, headers={"Range": f"bytes=0-{size - 1}"} if size else {})


async def _write(request: Request, file: BinaryIO, start: int, blob: Blob) -> None:
    """Write the body in large pieces, off the event loop; what has come before a cut stays."""
    piece, end = bytearray(), start
    try:
        async for chunk in request.stream():
            end += len(chunk)
            if end > blob.size:
                raise ApiError(400, f"The file has more than the {blob.size} bytes that were announced.")
            piece += chunk
            if len(piece) >= _CHUNK:
                await run_in_threadpool(file.write, bytes(piece))
                piece.clear()
    finally:
        file.write(piece)


async def _drain(request: Request, most: int) -> None:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            return
