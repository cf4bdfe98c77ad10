"""A server on this machine for Kaggle's calls about data and for its bucket, which misbehaves as it is told."""

import base64
import hashlib
import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from aicomp.kaggle.connection import Connection, connect
from aicomp.kaggle.credentials import Credentials
from aicomp.kaggle.endpoint import Endpoint

SLUG = "shop"
TOKEN = "KGAT_s3cret"
CREATED = "2026-01-02T03:04:05.000Z"


@dataclass(frozen=True)
class Plan:
    """How one GET of the bucket is answered; by default as it should be.

    Attributes:
        status: Another status than 200 or 206, with an empty body.
        headers: More headers, which come first.
        cut_after: Bytes of the body after which the line is reset.
        end_after: Bytes of the body after which it ends as if it were whole.
        stall_after: Bytes of the body after which nothing comes any more.
        ignores_range: Send the whole, whatever was asked for.
        shift: How many bytes further than asked for a part begins.
        etag: Another ETag; "" leaves it and the date out.
        has_length: Whether the body's length is told.
        is_chunked: Whether the body comes in chunks.
        corrupt_at: Position in the body of a byte that is another one.
        most: Most bytes of the file to send in one answer.
    """

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    cut_after: int | None = None
    end_after: int | None = None
    stall_after: int | None = None
    ignores_range: bool = False
    shift: int = 0
    etag: str | None = None
    has_length: bool = True
    is_chunked: bool = False
    corrupt_at: int | None = None
    most: int | None = None


GOOD = Plan()


@dataclass
class FaultyBucket:
    """What the server has, how it misbehaves, and what it was asked.

    Attributes:
        port: Where it listens.
        files: Contents by the names of the list.
        objects: What the bucket holds where that is another name and content than the list's.
        sizes: Sizes in the list where they are others than the contents'; 0 leaves them out.
        plans: Plans of the next GETs, by name in the bucket; each is used once.
        answers: Statuses, bodies and headers of the next calls by method, each used once; status 0 resets the line and
            -1 never answers.
        page_size: Files a page.
        md5_header: "x-goog-hash", "Content-MD5", "s3" or "": how the bucket gives the MD5.
        rate: Bytes per second; 0 for as fast as it goes.
        calls: Method and body of each call.
        gets: Path and headers of each GET.
        valid: Signatures that are good.
    """

    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    objects: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    plans: dict[str, list[Plan]] = field(default_factory=dict)
    answers: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    page_size: int = 100
    md5_header: str = ""
    rate: float = 0
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    gets: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    valid: set[str] = field(default_factory=set)
    competitions: list[dict[str, Any]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]

    @property
    def ranges(self) -> list[str]:
        """The `Range` of each GET."""
        return [headers.get("range", "") for _, headers in self.gets]

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with connect(Endpoint(self.url), Credentials("the test", token=TOKEN)) as connection:
            yield connection

    def object(self, name: str) -> bytes:
        """What the bucket holds under one of its names."""
        for wrapped, content in self.objects.values():
            if wrapped == name:
                return content
        return self.files[name]

    def call(self, method: str, body: dict[str, Any]) -> tuple[Any, ...]:
        """Status, body and headers."""
        self.calls.append((method, body))
        if self.answers.get(method):
            return self.answers[method].pop(0)
        return getattr(self, f"_{method}", lambda body: (404, {"code": 404, "message": f"no {method}"}))(body)

    def _ListCompetitions(self, body: dict[str, Any]) -> tuple[Any, ...]:  # noqa: N802
        return self._page("competitions", self.competitions, body)

    def _ListDataFiles(self, body: dict[str, Any]) -> tuple[Any, ...]:  # noqa: N802
        rows = []
        for name, content in self.files.items():
            size = self.sizes.get(name, len(content))
            rows.append({"name": name, "creationDate": CREATED, **({"totalBytes": size} if size else {})})
        return self._page("files", rows, body)

    def _page(self, key: str, rows: list[dict[str, Any]], body: dict[str, Any]) -> tuple[Any, ...]:
        start = int(body.get("pageToken") or 0)
        end = start + self.page_size
        return 200, {key: rows[start:end], **({"nextPageToken": str(end)} if end < len(rows) else {})}

    def _DownloadDataFile(self, body: dict[str, Any]) -> tuple[Any, ...]:  # noqa: N802
        name = body["fileName"]
        return self._signed(self.objects[name][0] if name in self.objects else name)

    def _DownloadDataFiles(self, body: dict[str, Any]) -> tuple[Any, ...]:  # noqa: N802
        return self._signed(f"{body['competitionName']}.zip")

    def _signed(self, name: str) -> tuple[Any, ...]:
        signature = f"sig{len(self.calls)}"
        self.valid.add(signature)
        return 302, b"", {"Location": f"{self.url}/bucket/{quote(name)}?signature={signature}"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FaultyBucket

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, answer, *rest = self.state.call(self.path.rsplit("/", 1)[1], json.loads(body or b"{}"))
        if status in (0, -1):
            self._fail(stalls=status == -1)
            return
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(answer, bytes) else "application/json")
        for key, value in (rest[0] if rest else {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        name = unquote(parts.path).removeprefix("/bucket/")
        self.state.gets.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        plans = self.state.plans.get(name)
        plan = plans.pop(0) if plans else GOOD
        signature = parse_qs(parts.query).get("signature", [""])[0]
        if plan.status or signature not in self.state.valid:
            self.send_response(plan.status or 403)
            for key, value in plan.headers:
                self.send_header(key, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._send(self.state.object(name), plan)

    def _send(self, content: bytes, plan: Plan) -> None:
        etag = f'"{hashlib.sha1(content).hexdigest()}"' if plan.etag is None else plan.etag
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        is_same = self.headers.get("If-Range") == etag
        start, end = 0, len(content)
        is_part = asked is not None and not plan.ignores_range and (is_same or plan.etag is not None)
        if asked is not None and is_part:
            start = int(asked[1]) + plan.shift
            if start >= end:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{end}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        if plan.most is not None and is_part:
            end = min(end, start + plan.most)
        self.send_response(206 if is_part else 200)
        for key, value in (*plan.headers, *self._facts(content, etag)):
            self.send_header(key, value)
        if is_part:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        if plan.is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif plan.has_length:
            self.send_header("Content-Length", str(end - start))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        body = bytearray(content[start:end])
        if plan.corrupt_at is not None:
            body[plan.corrupt_at] ^= 255
        self._body(bytes(body), plan)

    def _facts(self, content: bytes, etag: str) -> Iterator[tuple[str, str]]:
        md5 = hashlib.md5(content)
        coded = base64.b64encode(md5.digest()).decode()
        if self.state.md5_header == "x-goog-hash":
            yield "x-goog-hash", f"crc32c=AAAAAA==,md5={coded}"
        elif self.state.md5_header == "Content-MD5":
            yield "Content-MD5", coded
        elif self.state.md5_header == "s3":
            yield "x-amz-request-id", "1"
            yield "ETag", f'"{md5.hexdigest()}"'
        if etag and self.state.md5_header != "s3":
            yield "ETag", etag
            yield "Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT"

    def _body(self, body: bytes, plan: Plan) -> None:
        stops = [n for n in (plan.cut_after, plan.end_after, plan.stall_after) if n is not None]
        body = body[: min(stops)] if stops else body
        if plan.is_chunked:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body) if body else b"")
            if plan.cut_after is None:
                self.wfile.write(b"0\r\n\r\n")
        else:
            self._write(body)
        if plan.cut_after is not None or plan.stall_after is not None:
            self._fail(stalls=plan.stall_after is not None)
        elif plan.end_after is not None:
            self.close_connection = True

    def _write(self, body: bytes) -> None:
        step = int(self.state.rate / 50) or len(body) or 1
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            if self.state.rate and self.state.closing.wait(0.02):
                return

    def _fail(self, *, stalls: bool) -> None:
        """End the line with a reset, or say nothing until the server ends."""
        self.wfile.flush()
        self.close_connection = True
        if stalls:
            self.state.closing.wait()
        else:
            # What was sent is delivered first: without this, a reset can overtake it.
            self.connection.shutdown(socket.SHUT_WR) if self.command == "GET" else self.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            self.connection.close()

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):  # the client was killed
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


@contextmanager
def faulty_bucket() -> Iterator[FaultyBucket]:
    """A running server, which ends with the block."""
    state = FaultyBucket()
    handler = type("Handler", (_Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    state.port = server.server_address[1]
    state.competitions = [{"ref": f"{state.url}/competitions/{SLUG}", "title": "Shop", "evaluationMetric": "AUC"}]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
