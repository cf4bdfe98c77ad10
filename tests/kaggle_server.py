"""A server on this machine that speaks the calls of a submission, as Kaggle's own client makes them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "KGAT_" + "0123456789abcdef" * 20  # longer than a file's name may be


@dataclass
class KaggleServer:
    """What the server answers and what it was asked.

    Attributes:
        port: Where it listens.
        answers: Status and body by method; a list is used up one by one, its last entry stays. A status of 0 cuts the
            line without an answer.
        calls: Method, Authorization header and body of each request, in order.
    """

    port: int = 0
    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, str, bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def methods(self) -> list[str]:
        return [method for method, _, _ in self.calls]

    def answer(self, method: str) -> tuple[int, Any]:
        found = self.answers[method]
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        status, body = found
        return status, body


@contextmanager
def kaggle_server() -> Iterator[KaggleServer]:
    state = KaggleServer()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            method = "PUT" if self.command == "PUT" else self.path.rsplit("/", 1)[1]
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.calls.append((method, self.headers.get("Authorization") or "", body))
            status, answer = state.answer(method)
            if status == 0:
                self.connection.close()
                return
            raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if isinstance(answer, bytes) else "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_POST = _serve  # noqa: N815 - the names that http.server calls
        do_PUT = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    state.answers = {
        "IntrospectToken": (200, {"active": True, "username": "ada"}),
        "GetSubmissionLimits": (200, {"numToday": 1, "numTotal": 9, "numAllowedNow": 4}),
        "StartSubmissionUpload": (200, {"token": "blob-1", "createUrl": f"{state.url}/bucket/blob-1?signature=s3cret"}),
        "PUT": (200, {}),
        "CreateSubmission": (200, {"message": "Successfully submitted to Shop", "ref": 4242}),
    }
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
