"""A Kaggle on this machine for notebooks: datasets, kernels and their submissions; it misbehaves where a test asks."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "KGAT_" + "89abcdef" * 8

CUT = "cut"
"""The line is cut before anything is done."""

LOSE = "lose"
"""The call is carried out, and the line cut instead of an answer."""


@dataclass
class KernelServer:
    """The state of the server and what it was asked.

    Attributes:
        port: Where it listens.
        faults: What goes wrong by method, used up one by one: `CUT`, `LOSE`, a status with a message, or for "PUT" a
            number of bytes after which the line is cut.
        calls: Method and body of each call, in order; bodies of uploads are left out.
        blobs: Uploaded bytes by token, and how long each is to be.
        datasets: Files of each dataset version by "owner/slug".
        dataset_status: Answers of `GetDatasetStatus` after the making of a dataset, the last one stays.
        kernels: Requests of the versions of each kernel by "owner/slug".
        kernel_status: Answers of `GetKernelSessionStatus`, used up one by one, the last one stays.
        log: Of every kernel.
        output: Files that every kernel writes.
        submissions: What was submitted, oldest first.
        authorized: Authorization headers that a signed address was sent.
    """

    port: int = 0
    faults: dict[str, list[Any]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    blobs: dict[str, tuple[bytearray, int]] = field(default_factory=dict)
    datasets: dict[str, list[list[str]]] = field(default_factory=dict)
    dataset_status: list[str] = field(default_factory=lambda: ["BLOBS_RECEIVED", "READY"])
    kernels: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    kernel_status: list[str] = field(default_factory=lambda: ["QUEUED", "RUNNING", "COMPLETE"])
    log: str = ""
    output: dict[str, bytes] = field(default_factory=dict)
    submissions: list[dict[str, Any]] = field(default_factory=list)
    authorized: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]

    def fault(self, method: str) -> Any:
        queue = self.faults.get(method)
        return queue.pop(0) if queue else None

    def answer(self, method: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.calls.append((method, body))
        call = getattr(self, f"_{method}", None)
        return call(body) if call else (404, {"code": 404, "message": f"no method {method}"})

    def _IntrospectToken(self, body):  # noqa: N802 - the names of the protocol
        return 200, {"active": True, "username": "ada"}

    def _ListCompetitions(self, body):  # noqa: N802
        return 200, {"competitions": []}

    def _GetSubmissionLimits(self, body):  # noqa: N802
        n = len(self.submissions)
        return 200, {"numToday": n, "numTotal": n, "numAllowedNow": 5 - n}

    def _ListSubmissions(self, body):  # noqa: N802
        return 200, {"submissions": self.submissions[::-1]}

    def _GetSubmission(self, body):  # noqa: N802
        return 200, next(s for s in self.submissions if s["ref"] == body["ref"])

    def _CreateCodeSubmission(self, body):  # noqa: N802
        self.submissions.append(
            {
                "ref": 900 + len(self.submissions),
                "date": "2026-01-01T00:00:00.000Z",
                "description": body["submissionDescription"],
                "fileName": body["fileName"],
                "status": "COMPLETE",
                "publicScore": "0.75",
                "teamName": "ada",
            }
        )
        return 200, {"message": "submitted", "ref": self.submissions[-1]["ref"]}

    def _StartBlobUpload(self, body):  # noqa: N802
        token = f"blob-{len(self.blobs)}"
        self.blobs[token] = (bytearray(), body["contentLength"])
        return 200, {"token": token, "createUrl": f"{self.url}/bucket/{token}?signature=s3cret"}

    def _files(self, body):
        tokens = [file["token"] for file in body["files"]]
        assert all(len(raw) == size for raw, size in (self.blobs[token] for token in tokens))
        return tokens

    def _CreateDataset(self, body):  # noqa: N802
        name = f"{body['ownerSlug']}/{body['slug']}"
        if name in self.datasets:
            return 200, {"status": "error", "error": f"the slug {name} is in use"}
        self.datasets[name] = [self._files(body)]
        return 200, {"status": "ok", "ref": name}

    def _CreateDatasetVersion(self, body):  # noqa: N802
        name = f"{body['ownerSlug']}/{body['datasetSlug']}"
        self.datasets[name].append(self._files(body["body"]))
        return 200, {"status": "ok", "ref": name}

    def _GetDatasetStatus(self, body):  # noqa: N802
        if f"{body['ownerSlug']}/{body['datasetSlug']}" not in self.datasets:
            return 404, {"code": 404, "message": "no such dataset"}
        status = self.dataset_status
        return 200, {"status": status.pop(0) if len(status) > 1 else status[0]}

    def _SaveKernel(self, body):  # noqa: N802
        versions = self.kernels.setdefault(body["slug"], [])
        versions.append(body)
        return 200, {"ref": f"/{body['slug']}", "url": self.url, "versionNumber": len(versions)}

    def _GetKernelSessionStatus(self, body):  # noqa: N802
        if f"{body['userName']}/{body['kernelSlug']}" not in self.kernels:
            return 404, {"code": 404, "message": "no such notebook"}
        status = self.kernel_status
        return 200, {"status": status.pop(0) if len(status) > 1 else status[0], "failureMessage": ""}

    def _ListKernelSessionOutput(self, body):  # noqa: N802
        names = sorted(self.output)
        at = int(body.get("pageToken") or 0)
        files = [{"url": f"{self.url}/output/{name}", "fileName": name} for name in names[at : at + 1]]
        more = {"nextPageToken": str(at + 1)} if at + 1 < len(names) else {}
        return 200, {"files": files, "log": self.log, **more}


class _Handler(BaseHTTPRequestHandler):
    state: KernelServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        method = self.path.rsplit("/", 1)[1]
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        fault = self.state.fault(method)
        if isinstance(fault, tuple):
            self.state.calls.append((method, body))
            return self._say(fault[0], {"code": fault[0], "message": fault[1]})
        if fault == CUT:
            self.state.calls.append((method, body))
            return self._cut()
        status, answer = self.state.answer(method, body)
        return self._cut() if fault == LOSE else self._say(status, answer)

    def do_PUT(self) -> None:
        self.state.authorized += [self.headers["Authorization"]] if self.headers["Authorization"] else []
        token = self.path.split("?")[0].rsplit("/", 1)[1]
        raw, size = self.state.blobs[token]
        span = self.headers.get("Content-Range", "")
        if span.startswith("bytes */"):
            self.state.calls.append(("PUT?", {"token": token, "range": span}))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            return self._say(200, {}) if len(raw) == size else self._incomplete(raw)
        self.state.calls.append(("PUT", {"token": token, "range": span}))
        begin = re.match(r"bytes (\d+)-", span)
        assert not begin or len(raw) == int(begin[1])
        if not begin:
            raw.clear()
        fault = self.state.fault("PUT")
        if isinstance(fault, tuple):
            self.rfile.read(int(self.headers["Content-Length"]))
            return self._say(fault[0], {})
        if isinstance(fault, int):
            raw += self.rfile.read(min(fault, int(self.headers["Content-Length"])))
            return self._cut()
        raw += self.rfile.read(int(self.headers["Content-Length"]))
        return self._cut() if fault == LOSE else self._say(200, {})

    def do_GET(self) -> None:
        self.state.authorized += [self.headers["Authorization"]] if self.headers["Authorization"] else []
        self._raw(200, self.state.output[self.path.rsplit("/", 1)[1]])

    def _incomplete(self, raw: bytearray) -> None:
        self.send_response(308)
        if raw:
            self.send_header("Range", f"bytes=0-{len(raw) - 1}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _say(self, status: int, body: dict[str, Any]) -> None:
        self._raw(status, json.dumps(body).encode())

    def _raw(self, status: int, raw: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


@contextmanager
def kernel_server() -> Iterator[KernelServer]:
    state = KernelServer()

    handler = type("Handler", (_Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
