"""A Kaggle on this machine: it really holds what is submitted, and misbehaves where a test asks for it.

Whether something was sent twice is counted in `KaggleServer.submissions`, not in the client's own words.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "KGAT_" + "0123456789abcdef" * 20  # longer than a file's name may be

CUT = "cut"
"""The line is cut before anything is done."""

LOSE = "lose"
"""The call is carried out, and the line cut instead of an answer."""

HANG = "hang"
"""The call is carried out, and the answer held back until `KaggleServer.release` is set."""


@dataclass
class KaggleServer:
    """The state of the server and what it was asked.

    Attributes:
        port: Where it listens.
        answers: Status and body by method, given instead of doing anything; a list is used up one by one, its last
            entry stays. A status of 0 cuts the line without an answer.
        faults: What goes wrong by method, used up one by one: `CUT`, `LOSE`, `HANG`, or a status, a body and headers.
        calls: Method, Authorization header and body of each request, in order.
        submissions: What was submitted, oldest first, as the server lists it.
        uploads: Uploaded bytes by token, None before they come.
        used: Tokens that have become a submission; each is good for one.
        outcome: Status, public score and error of the next submissions.
        polls: How often a submission is looked at before it has its outcome.
        allowed: Submissions per day.
        page_size: Submissions per page of the list.
        rivals: Public scores of the other teams; higher is better.
        competition: What the list of competitions says.
        held: Set when a `HANG` begins.
        release: Set it to let a held answer go.
    """

    port: int = 0
    answers: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, list[Any]] = field(default_factory=dict)
    calls: list[tuple[str, str, bytes]] = field(default_factory=list)
    submissions: list[dict[str, Any]] = field(default_factory=list)
    uploads: dict[str, bytes | None] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    outcome: tuple[str, str, str] = ("COMPLETE", "0.81", "")
    polls: int = 0
    allowed: int = 5
    page_size: int = 2
    rivals: list[float] = field(default_factory=lambda: [0.9, 0.8, 0.7])
    competition: dict[str, Any] = field(default_factory=dict)
    held: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _polls_left: dict[int, int] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def methods(self) -> list[str]:
        return [method for method, _, _ in self.calls]

    @property
    def descriptions(self) -> list[str]:
        """What stands beside each submission, oldest first."""
        return [s["description"] for s in self.submissions]

    def body_of(self, method: str) -> dict[str, Any]:
        """The last request of a method, parsed."""
        body: dict[str, Any] = json.loads(next(b for m, _, b in reversed(self.calls) if m == method))
        return body

    def add(self, description: str = "", **fields: Any) -> dict[str, Any]:
        """Put a submission into the list, as if it had been made elsewhere."""
        with self._lock:
            status, score, error = self.outcome
            made = {
                "ref": 4242 + len(self.submissions),
                "date": f"2026-01-01T00:00:{len(self.submissions) % 60:02}.000Z",
                "description": description,
                "errorDescription": error,
                "fileName": "s.csv",
                "publicScore": score,
                "status": status,
                "teamName": "ada",
                **fields,
            }
            self._polls_left[made["ref"]] = self.polls
            self.submissions.append(made)
            return made

    def take(self, method: str, path: str, body: bytes) -> tuple[int, Any, dict[str, str]] | None:
        """Answer one call; None cuts the line."""
        with self._lock:
            queue = self.faults.get(method)
            fault = queue.pop(0) if queue else None
        if isinstance(fault, tuple):
            return fault[0], fault[1], fault[2] if len(fault) > 2 else {}
        if fault == CUT:
            return None
        answer = self._answer(method, path, body)
        if fault == LOSE:
            return None
        if fault == HANG:
            self.held.set()
            self.release.wait(30)
        return None if answer[0] == 0 else (*answer, {})

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        with self._lock:
            found = self.answers.get(method)
            if isinstance(found, list):
                found = found.pop(0) if len(found) > 1 else found[0]
            if found is not None:
                return found[0], found[1]
            if method == "PUT":
                return self._put(path, body)
            call = getattr(self, f"_{method}", None)
            if call is None:
                return 404, {"code": 404, "message": f"no method {method}"}
            return 200, call(json.loads(body or b"{}"))

    def _put(self, path: str, body: bytes) -> tuple[int, Any]:
        token = path.split("?")[0].rsplit("/", 1)[1]
        if token not in self.uploads:
            return 404, b"<Error>NoSuchUpload</Error>"
        self.uploads[token] = body
        return 200, {}

    def _IntrospectToken(self, request: Any) -> Any:  # noqa: N802 - the methods' own names
        return {"active": True, "username": "ada"}

    def _ListCompetitions(self, request: Any) -> Any:  # noqa: N802
        return {"competitions": [self._competition()]}

    def _competition(self) -> dict[str, Any]:
        page = "https://www.kaggle.com/competitions/shop"
        place = {"userRank": self._rank()} if self._rank() else {}
        facts = {"ref": page, "url": page, "title": "Shop", "userHasEntered": True, "maxDailySubmissions": self.allowed}
        return {**facts, "teamCount": len(self.rivals) + 1, **place, **self.competition}

    def _rank(self) -> int:
        mine = [float(s["publicScore"]) for s in self.submissions if self._shown(s)["status"] == "COMPLETE"]
        return sum(rival > max(mine) for rival in self.rivals) + 1 if mine else 0

    def _GetLeaderboard(self, request: Any) -> Any:  # noqa: N802
        mine = [float(s["publicScore"]) for s in self.submissions if self._shown(s)["status"] == "COMPLETE"]
        board = [(score, f"rival {k}") for k, score in enumerate(self.rivals)] + ([(max(mine), "ada")] if mine else [])
        return {"submissions": [{"teamName": name, "score": str(score)} for score, name in sorted(board, reverse=True)]}

    def _GetSubmissionLimits(self, request: Any) -> Any:  # noqa: N802
        n = len(self.submissions)
        return {"numToday": n, "numTotal": n, "numAllowedNow": max(self.allowed - n, 0)}

    def _StartSubmissionUpload(self, request: Any) -> Any:  # noqa: N802
        token = f"blob-{len(self.uploads) + 1}"
        self.uploads[token] = None
        return {"token": token, "createUrl": f"{self.url}/bucket/{token}?signature=s3cret"}

    def _CreateSubmission(self, request: Any) -> Any:  # noqa: N802
        token = request["blobFileTokens"]
        if token in self.used or self.uploads.get(token) is None:
            return {"code": 400, "message": "The upload token is invalid"}
        self.used.add(token)
        if len(self.submissions) >= self.allowed:
            return {"code": 400, "message": "Your team has used its daily Submission allowance (5) today"}
        made = self.add(request.get("submissionDescription", ""))
        return {"message": "Successfully submitted to Shop", "ref": made["ref"]}

    def _ListSubmissions(self, request: Any) -> Any:  # noqa: N802
        newest_first = [self._shown(s) for s in reversed(self.submissions)]
        start = int(request.get("pageToken") or 0)
        end = start + self.page_size
        more = {"nextPageToken": str(end)} if end < len(newest_first) else {}
        return {"submissions": newest_first[start:end], **more}

    def _GetSubmission(self, request: Any) -> Any:  # noqa: N802
        found = next((s for s in self.submissions if s["ref"] == request["ref"]), None)
        if found is None:
            return {"code": 404, "message": "Not found"}
        shown = self._shown(found)
        self._polls_left[found["ref"]] = max(self._polls_left[found["ref"]] - 1, 0)
        return shown

    def _shown(self, submission: dict[str, Any]) -> dict[str, Any]:
        """A submission as it looks now: without its score as long as it is pending."""
        if not self._polls_left[submission["ref"]]:
            return submission
        hidden = ("publicScore", "privateScore", "errorDescription")
        return {**{k: v for k, v in submission.items() if k not in hidden}, "status": "PENDING"}


@contextmanager
def kaggle_server() -> Iterator[KaggleServer]:
    state = KaggleServer()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            method = "PUT" if self.command == "PUT" else self.path.rsplit("/", 1)[1]
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.calls.append((method, self.headers.get("Authorization") or "", body))
            answer = state.take(method, self.path, body)
            if answer is None:
                self.connection.close()
                return
            status, content, headers = answer
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if isinstance(content, bytes) else "application/json")
                self.send_header("Content-Length", str(len(raw)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)
            except OSError:
                self.close_connection = True  # the client gave up

        do_POST = _serve  # noqa: N815 - the names that http.server calls
        do_PUT = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Nothing: lines that are cut are part of the tests."""

    server = Server(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
