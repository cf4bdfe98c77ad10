"""Hosts for tests: small hosted folders, a host in this process, and one in a process of its own."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import tomli_w
import uvicorn

from aicomp.host.app import create_app
from aicomp.host.database import FILE_NAME, Database
from aicomp.host.folder import load_all
from aicomp.host.host import Host, Settings, open_host
from aicomp.host.teams import create_team

CALLS = "competitions.CompetitionApiService"


def write_competition(folder: Path, n_rows: int = 10, *, usage: str | None = None, **config: Any) -> Path:
    """A hosted folder: ids a0, a1, ..., the truth of row i is i, and the public rows are as `usage` says.

    Args:
        folder: Where; its name is the slug.
        n_rows: Rows of the hidden part.
        usage: "P" for Public, "V" for Private or "I" for Ignored of each row; None leaves the column out.
        config: Entries of `host.toml`; the metric is mae unless they say another.
    """
    folder.mkdir(parents=True)
    (folder / "train.csv").write_text("id,x,y\nt0,1,0\nt1,2,1\nt2,3,2\n")
    (folder / "test.csv").write_text("id,x\n" + "".join(f"a{i},{i}\n" for i in range(n_rows)))
    (folder / "sample_submission.csv").write_text(submission_text([0] * n_rows))
    names = {"P": "Public", "V": "Private", "I": "Ignored"}
    rows = [f"a{i},{i}" + (f",{names[usage[i]]}" if usage else "") for i in range(n_rows)]
    (folder / "solution.csv").write_text("\n".join([f"id,y{',Usage' if usage else ''}", *rows, ""]))
    (folder / "host.toml").write_text(tomli_w.dumps({"metric": "mae", **config}))
    return folder


def submission_text(values: Sequence[float]) -> str:
    return "id,y\n" + "".join(f"a{i},{value}\n" for i, value in enumerate(values))


@dataclass
class Clock:
    """A clock that stands still until it is set."""

    now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Client:
    """A team's view of a host.

    Attributes:
        http: A client of httpx, whose base address is the host's.
        token: The team's; "" for nobody.
    """

    http: httpx.Client
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def post(self, call: str, *, service: str = CALLS, **body: Any) -> httpx.Response:
        path = f"/api/v1/{service}/{call}"
        return self.http.post(path, json=body, headers=self.headers, follow_redirects=False)

    def call(self, call: str, *, service: str = CALLS, **body: Any) -> dict[str, Any]:
        response = self.post(call, service=service, **body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def upload(self, slug: str, content: str | bytes, file_name: str = "submission.csv") -> str:
        """Upload a file and return its token."""
        raw = content.encode() if isinstance(content, str) else content
        started = self.call("StartSubmissionUpload", competitionName=slug, contentLength=len(raw), fileName=file_name)
        assert self.http.put(started["createUrl"], content=raw).status_code == 200
        return str(started["token"])

    def submit(self, slug: str, content: str | bytes, description: str = "", file_name: str = "submission.csv") -> int:
        """Upload and submit a file, and return the number of the submission."""
        token = self.upload(slug, content, file_name)
        created = self.call(
            "CreateSubmission", competitionName=slug, blobFileTokens=token, submissionDescription=description
        )
        return int(created["ref"])

    def wait(self, ref: int, seconds: float = 60) -> dict[str, Any]:
        """A submission once it is graded."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            found = self.call("GetSubmission", ref=ref)
            if found.get("status", "PENDING") != "PENDING":
                return found
            time.sleep(0.01)
        raise AssertionError(f"submission {ref} is still pending after {seconds} s")


@dataclass
class LocalHost:
    """A host in a thread of this process, at a port of its own.

    Attributes:
        host: The host itself.
        url: Its address.
        http: A client of it, without credentials.
        clock: Its clock.
    """

    host: Host
    url: str
    http: httpx.Client
    clock: Clock

    def team(self, name: str = "Ada", *, accept_rules: bool = True) -> Client:
        """Make a team."""
        return Client(self.http, create_team(self.host.database, name, accept_rules=accept_rules))


@contextmanager
def local_host(folder: Path, *, clock: Clock | None = None, **settings: Any) -> Iterator[LocalHost]:
    """Host the competitions of a folder in this process; its state is in `folder/.aicomp-host`."""
    clock = clock or Clock()
    host = open_host(Settings(folder / ".aicomp-host", **settings), load_all(folder), now=clock)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # No logging of its own: to set it up closes the handlers of others, and one of absl's closes pytest's stderr.
        settings_of_server = {"log_level": "warning", "access_log": False, "log_config": None}
        server = uvicorn.Server(uvicorn.Config(create_app(host), **settings_of_server))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.005)
            with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
                yield LocalHost(host, url, http, clock)
        finally:
            server.should_exit = True
            thread.join(timeout=30)


@dataclass
class RunningHost:
    """A host in a process of its own.

    Attributes:
        url: Its address.
        state: Its state folder.
        tokens: Tokens of its teams by name.
        process: The process.
    """

    url: str
    state: Path
    tokens: dict[str, str]
    process: "subprocess.Popen[str]"
    _http: list[httpx.Client] = field(default_factory=list)

    def client(self, name: str) -> Client:
        http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        self._http.append(http)
        return Client(http, self.tokens[name])

    def kaggle_environment(self, home: Path, name: str) -> dict[str, str]:
        """The environment in which the official program talks to this host as a team, with an empty home."""
        kept = {key: os.environ[key] for key in ("PATH", "LANG", "SYSTEMROOT") if key in os.environ}
        return {
            **kept,
            "HOME": str(home),
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "KAGGLE_API_TOKEN": self.tokens[name],
            "http_proxy": self.url,
            "no_proxy": "",
            "NO_PROXY": "",
        }


@contextmanager
def running_host(
    folder: Path,
    *teams: str,
    tokens: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    stop: Callable[["subprocess.Popen[str]"], None] = subprocess.Popen.terminate,
) -> Iterator[RunningHost]:
    """Host the competitions of a folder as `aicomp host` does, at a free port.

    Args:
        folder: Holds the competitions; the state is in `folder/.aicomp-host`.
        teams: Names of teams to make; they have accepted all rules.
        tokens: Tokens of teams that an earlier host of the same folder made.
        environment: What to add to the environment.
        stop: How the process is ended.
    """
    state = folder / ".aicomp-host"
    db = Database(state / FILE_NAME)
    made = {name: create_team(db, name, accept_rules=True) for name in teams}
    db.close()
    process = subprocess.Popen(
        [sys.executable, "-m", "aicomp", "host", str(folder), "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the host ended with exit code {process.wait()}"
        running = RunningHost(json.loads(line)["url"], state, {**(tokens or {}), **made}, process)
        yield running
        for http in running._http:
            http.close()
    finally:
        stop(process)
        process.wait(timeout=30)
        assert process.stdout is not None
        process.stdout.close()
