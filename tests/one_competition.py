"""A server on this machine with one competition, as a competitor's client meets it: facts, rules, files, limits."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

TOKENS = {"Bearer good": "ada", "Basic YWRhOmtleQ==": "ada"}  # of "ada:key"
RULES = "You must accept this competition's rules before you'll be able to download files."


@dataclass
class OneCompetition:
    """What the server knows and what it was asked.

    Attributes:
        files: Contents by name.
        facts: The competition as `ListCompetitions` describes it.
        limits: The answer to `GetSubmissionLimits`.
        rules_accepted: Whether files are given out.
        calls: Methods of the calls and names of the files that were fetched, in order.
        held: Names of files of which only the first half is sent until `go_on` is set.
        ranges: The Range header of each request for a file, "" without one.
        port: Where it listens.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=lambda: {"numToday": 1, "numTotal": 9, "numAllowedNow": 4})
    rules_accepted: bool = True
    calls: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    go_on: threading.Event = field(default_factory=threading.Event)
    half_sent: threading.Event = field(default_factory=threading.Event)
    ranges: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, body: dict[str, Any], user: str | None) -> tuple[int, dict[str, Any]]:
        if method == "IntrospectToken":
            known = TOKENS.get(f"Bearer {body['token']}")
            return (
                (200, {"active": True, "username": known}) if known else (401, {"code": 401, "message": "Unauthorized"})
            )
        if user is None:
            return 401, {"code": 401, "message": "Unauthorized"}
        if method == "ListCompetitions":
            return 200, {"competitions": [self.facts]}
        if method == "ListDataFiles":
            return 200, {"files": [{"name": n, "totalBytes": len(c)} for n, c in self.files.items()]}
        if method == "GetSubmissionLimits":
            return 200, self.limits
        if method == "DownloadDataFile":
            if not self.rules_accepted:
                return 403, {"code": 403, "message": RULES}
            return 302, {"Location": f"{self.url}/bucket/{body['fileName']}?signature=s3cret"}
        return 404, {"code": 404, "message": f"no call {method}"}


@contextmanager
def one_competition(slug: str, folder: Path | None = None, **facts: Any) -> Iterator[OneCompetition]:
    """Serve the files of a folder as a competition with the given facts."""
    files = {} if folder is None else {p.name: p.read_bytes() for p in sorted(folder.iterdir())}
    state = OneCompetition(files)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            method = self.path.rsplit("/", 1)[1]
            state.calls.append(method)
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            status, answer = state.call(method, body, TOKENS.get(self.headers.get("Authorization") or ""))
            headers = answer if status == 302 else {"Content-Type": "application/json"}
            self.answer(status, headers, b"" if status == 302 else json.dumps(answer).encode())

        def do_GET(self) -> None:
            name = unquote(self.path.partition("?")[0]).removeprefix("/bucket/")
            if name not in state.files:
                self.answer(404, {}, b"")
                return
            assert self.headers.get("Authorization") is None
            state.calls.append(name)
            state.ranges.append(self.headers.get("Range") or "")
            content = state.files[name]
            first = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
            ranged = {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"} if first else {}
            self.answer(206 if first else 200, {"ETag": '"1"', "Accept-Ranges": "bytes", **ranged}, content[first:])

        def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.path.partition("?")[0].removeprefix("/bucket/") in state.held and not state.go_on.is_set():
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                state.half_sent.set()
                state.go_on.wait(60)
                return
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    state.facts = {
        "id": 7,
        "ref": f"{state.url}/competitions/{slug}",
        "url": f"{state.url}/competitions/{slug}",
        "title": slug.replace("-", " ").title(),
        "deadline": "2999-01-01T00:00:00.000Z",
        "maxDailySubmissions": 5,
        "userHasEntered": True,
        "evaluationMetric": "Area Under Receiver Operating Characteristic Curve",
        **facts,
    }
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()
