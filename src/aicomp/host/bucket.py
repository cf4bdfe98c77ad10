"""Signed addresses that expire, and the files behind them, as a storage bucket serves them.

A request to the bucket carries its right in its own address: it never needs an Authorization header, and none is read.
"""

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from aicomp.host.receive import receive_upload
from aicomp.host.wire import ApiError

if TYPE_CHECKING:
    from aicomp.host.host import Host

MOST_HASHED_BYTES = 256 * 2**20
"""Largest file whose MD5 is told."""

Resolver = Callable[[str], Path]
"""The file behind the rest of an address; raises `ApiError` (404) if there is none."""


class Bucket:
    """Signs addresses and finds the files behind them.

    Args:
        secret: Key of the signatures.
        seconds: How long an address holds.
        now: The clock, in seconds since 1970.
    """

    def __init__(self, secret: bytes, seconds: int, *, now: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._seconds = seconds
        self._now = now
        self._resolvers: dict[str, Resolver] = {}
        self._hashes: dict[str, str] = {}
        self._lock = threading.Lock()
        # Threads of its own: those who wait for a large archive to be built must not hold up the calls.
        self.threads = CapacityLimiter(16)

    def add(self, kind: str, resolver: Resolver) -> None:
        """Serve the files of one kind under `/bucket/{kind}/...`."""
        self._resolvers[kind] = resolver

    def url(self, base_url: str, kind: str, rest: str, *, method: str = "GET", seconds: int | None = None) -> str:
        """A signed address.

        Args:
            base_url: How the client reaches this host, such as "http://127.0.0.1:8000".
            kind: Kind of the file, see `add`; "upload" for a PUT.
            rest: What names the file among its kind; its last part is the name that the client gives the file.
            method: GET (HEAD is as good) or PUT.
            seconds: How long it holds; None takes what the bucket was set up with.
        """
        path = f"/bucket/{kind}/{rest}"
        expires = str(int(self._now()) + (self._seconds if seconds is None else seconds))
        query = urlencode({"expires": expires, "signature": self._sign(method, path, expires)})
        return f"{base_url}{quote(path)}?{query}"

    def check(self, method: str, path: str, query: QueryParams) -> str | None:
        """Why a request is refused, as a bucket's code for it; None if it is not."""
        expires, signature = query.get("expires", ""), query.get("signature", "")
        method = "GET" if method == "HEAD" else method
        if not hmac.compare_digest(signature.encode(), self._sign(method, path, expires).encode()):
            return "SignatureDoesNotMatch"
        return "ExpiredToken" if int(expires) < self._now() else None

    def find(self, kind: str, rest: str) -> Path:
        """The file behind an address.

        Raises:
            ApiError: There is none (404).
        """
        resolver = self._resolvers.get(kind)
        path = resolver(rest) if resolver is not None else None
        if path is None or not path.is_file():
            raise ApiError(404, "No such file.")
        return path

    def md5(self, path: Path) -> str | None:
        """MD5 of a file in base64, as buckets tell it, computed once for each state of the file.

        None for a file of more than `MOST_HASHED_BYTES`: it would keep the first byte waiting, and MD5 is slower than a
        fast line.
        """
        status = path.stat()
        if status.st_size > MOST_HASHED_BYTES:
            return None
        key = f"{path}|{status.st_size}|{status.st_mtime_ns}"
        with self._lock:
            if key not in self._hashes:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).digest()
                self._hashes[key] = base64.b64encode(digest).decode()
            return self._hashes[key]

    def _sign(self, method: str, path: str, expires: str) -> str:
        return hmac.new(self._secret, f"{method}\n{path}\n{expires}".encode(), hashlib.sha256).hexdigest()


class _File(FileResponse):
    chunk_size = 2**20  # each chunk costs a hop between threads


async def _get(request: Request) -> Response:
    host: Host = request.app.state.host
    kind, rest = request.path_params["kind"], request.path_params["rest"]
    refused = host.bucket.check(request.method, f"/bucket/{kind}/{rest}", request.query_params)
    if refused is not None:
        return _error(403, refused, "The address has expired or is not one that this host signed.")
    try:
        path, digest = await to_thread.run_sync(_look_up, host.bucket, kind, rest, limiter=host.bucket.threads)
    except ApiError as e:
        return _error(e.status, "NoSuchKey", e.message)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private"}
    if digest is not None:
        headers["x-goog-hash"] = f"md5={digest}"
    # Never a type that a browser would run in the host's own name.
    return _File(path, headers=headers, media_type="application/octet-stream", filename=rest.rpartition("/")[2])


def _look_up(bucket: Bucket, kind: str, rest: str) -> tuple[Path, str | None]:
    path = bucket.find(kind, rest)
    return path, bucket.md5(path)


async def _put(request: Request) -> Response:
    host: Host = request.app.state.host
    token = request.path_params["token"]
    refused = host.bucket.check("PUT", f"/bucket/upload/{token}", request.query_params)
    if refused is not None:
        return _error(403, refused, "The address has expired or is not one that this host signed.")
    try:
        return await receive_upload(host.uploads, token, request)
    except ApiError as e:
        return _error(e.status, "InvalidRequest" if e.status != 404 else "NoSuchUpload", e.message)


def _error(status: int, code: str, message: str) -> Response:
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(body, status, media_type="application/xml")


ROUTES = [
    Route("/bucket/upload/{token}", _put, methods=["PUT"]),
    Route("/bucket/{kind}/{rest:path}", _get, methods=["GET"]),
]
