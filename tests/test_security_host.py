"""docs/security.md: what a host on this machine refuses, and the modes of what it and the commands keep."""

import hashlib
import json
import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hosting import local_host, running_host, submission_text, write_competition
from one_competition import one_competition
from synthetic import write_folder

from aicomp.cli.host import _warnings
from aicomp.cli.main import main
from aicomp.host.database import Database
from aicomp.host.limits import landlock_version
from aicomp.host.teams import create_team
from aicomp.host.web.session import SESSION_COOKIE
from aicomp.kaggle import credentials

pytest_plugins = ["kaggle_fixtures"]


@pytest.fixture(params=[0o022, 0o000], ids=["umask 022", "umask 000"])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def open_to_others(path: Path) -> bool:
    return bool(path.lstat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


@pytest.mark.parametrize("exists", [False, True])
def test_what_a_host_keeps_is_its_owners_alone(tmp_path, umask, exists):
    """Also in a folder that was made by hand and is open to all."""
    write_competition(tmp_path / "shop")
    state = tmp_path / ".aicomp-host"
    if exists:
        state.mkdir(mode=0o755)
    with local_host(tmp_path) as local:
        team = local.team()
        team.wait(team.submit("shop", submission_text(range(10))))
        kept = [state] if not exists else list(state.iterdir())
        assert kept
        assert [p.name for p in kept if open_to_others(p)] == []
        if exists:
            assert {"host.db", "host.db-wal"} <= {p.name for p in kept} or len(kept) > 2


def test_a_database_is_never_open_not_even_while_it_is_made(tmp_path, umask, monkeypatch):
    modes = []
    ensure = Database.ensure
    monkeypatch.setattr(
        Database, "ensure", lambda db, script: (modes.append(db.path.stat().st_mode), ensure(db, script))[1]
    )
    Database(tmp_path / "host.db").close()
    assert [mode & 0o077 for mode in modes] == [0]


def test_downloaded_data_is_its_owners_alone(tmp_path, umask, no_credentials, monkeypatch, capsys):
    monkeypatch.setenv("AICOMP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("AICOMP_TOKEN", "good")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    with one_competition("shop-sales", write_folder(tmp_path / "shop")) as server:
        assert main(["init", "shop-sales", "--host", server.url]) == 0
    assert not open_to_others(tmp_path / "cache")
    assert list((tmp_path / "cache").rglob("train.csv"))
    capsys.readouterr()


@pytest.mark.parametrize("name", ["kaggle.json", "access_token"])
def test_credentials_that_others_can_read_are_warned_of_once(no_credentials, caplog, name):
    path = no_credentials / name
    path.write_text(json.dumps({"username": "ada", "key": "secret-key"}))
    path.chmod(0o644)
    credentials._warn_of_mode.cache_clear()
    credentials.find_credentials()
    credentials.find_credentials()
    said = caplog.text
    assert said.count(f"`{path}` is open to other users (mode 644): run `chmod 600 {path}`") == 1
    assert "secret-key" not in said
    path.chmod(0o600)
    credentials._warn_of_mode.cache_clear()
    credentials.find_credentials()
    assert caplog.text == said


def test_tokens_and_cookies_are_kept_as_hashes_and_looked_up_by_them(tmp_path):
    """A look-up by the hash takes as long for a near miss as for any other text."""
    db = Database(tmp_path / "host.db")
    token = create_team(db, "Ada", accept_rules=True)
    db.read().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert token.encode() not in raw
    assert hashlib.sha256(token.encode()).hexdigest().encode() in raw
    assert len(token) >= 43  # 32 random bytes: nobody guesses one


def test_a_host_listens_to_this_machine_alone_unless_it_is_told_otherwise(tmp_path):
    write_competition(tmp_path / "shop")
    with running_host(tmp_path) as running:
        assert running.url.startswith("http://127.0.0.1:")
        own = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        port = f"{int(running.url.rpartition(':')[2]):04X}"
        assert {address.partition(":")[0] for address in own if address.endswith(f":{port}")} == {"0100007F"}
    for bind in ("127.0.0.1", "::1", "localhost", "127.0.0.2"):
        assert _warnings(bind) == []
    for bind in ("0.0.0.0", "::", "192.168.1.5", "example.org"):
        assert "plain HTTP" in _warnings(bind)[0]


TRAVERSALS = (
    "/../solution.csv", "/static/../../solution.csv", "/static/x/..%2f..%2fpages.py", "/competitions/..%2f..%2fshop",
    "/competitions/shop/data/files/..%2fsolution.csv", "/competitions/shop/data/files/solution.csv",
    "/competitions/shop/data/files/%2e%2e%2f.aicomp-host%2fhost.db", "/bucket/data/shop/solution.csv",
    "/bucket/data/..%2f..%2f.aicomp-host/host.db", "/bucket/upload/..%2f..%2fx", "//etc/passwd", "/%00/../etc/passwd",
    "/competitions/shop/data/files/..\\solution.csv", "/....//....//etc/passwd", "/static/%252e%252e%252fpages.py",
)  # fmt: skip


def test_no_address_leads_out_of_what_is_served(tmp_path):
    """Sent as they stand, by a team that may download: a client would tidy them up."""
    shop = write_competition(tmp_path / "shop")
    secrets = [(shop / "solution.csv").read_bytes()[:20], b"SQLite format 3", b"root:x:", b"import "]
    with local_host(tmp_path) as local:
        token = local.team().token
        page = local.http.get("/sign-in")
        form = page.text.split('name="csrf" value="')[1].split('"')[0]
        local.http.post("/sign-in", data={"csrf": form, "token": token})
        cookie = f"{SESSION_COOKIE}={local.http.cookies[SESSION_COOKIE]}"
        address = ("127.0.0.1", int(local.url.rpartition(":")[2]))
        for path in TRAVERSALS:
            for method in ("GET", "PUT"):
                request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
                answer = ask(address, request.encode())
                status = int(answer.split()[1])
                assert 300 <= status < 500, (path, answer[:200])
                assert not [s for s in secrets if s in answer], path


def ask(address, raw: bytes, seconds: float = 20) -> bytes:
    with socket.create_connection(address, timeout=seconds) as connection:
        connection.sendall(raw)
        answer = b""
        try:
            while chunk := connection.recv(2**16):
                answer += chunk
        except ConnectionError:
            pass  # it hung up on us
        return answer


def test_headers_and_bodies_have_their_limits(tmp_path):
    write_competition(tmp_path / "shop")
    with running_host(tmp_path, "ada") as running:
        address = ("127.0.0.1", int(running.url.rpartition(":")[2]))
        call = "/api/v1/competitions.CompetitionApiService/ListCompetitions"
        long = f"GET / HTTP/1.1\r\nHost: x\r\nX-Long: {'a' * 200_000}\r\n\r\n"
        assert ask(address, long.encode()).split(b" ")[1:2] in ([b"400"], [b"431"], [])
        many = "GET / HTTP/1.1\r\nHost: x\r\n" + "".join(f"X-{i}: a\r\n" for i in range(30_000)) + "\r\n"
        assert ask(address, many.encode()).split(b" ")[1:2] in ([b"400"], [b"431"], [])
        body = b'{"a": "' + b"a" * 100_000 + b'"}'
        head = f"POST {call} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        assert ask(address, head.encode() + body).split(b" ")[1] == b"413"
        for host in ("", "Host: a b\r\n", "Host: evil.example/x\r\n", 'Host: "><script>\r\n'):
            assert ask(address, f"GET / HTTP/1.1\r\n{host}Connection: close\r\n\r\n".encode()).split(b" ")[1] == b"400"
        assert running.client("ada").http.get("/").status_code == 200


def test_a_client_that_falls_silent_is_let_go(tmp_path):
    write_competition(tmp_path / "shop")
    with local_host(tmp_path, stall_seconds=0.2) as local:
        address = ("127.0.0.1", int(local.url.rpartition(":")[2]))
        call = "/api/v1/competitions.CompetitionApiService/ListCompetitions"
        head = f"POST {call} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{"
        began = time.monotonic()
        answer = ask(address, head.encode(), seconds=30)
        assert b"408" in answer[:20] or answer == b""
        assert time.monotonic() - began < 30


def test_a_form_of_another_page_is_refused_whatever_its_origin(tmp_path):
    """A browser sends the cookie along only from the host's own pages, and a form needs its token besides."""
    write_competition(tmp_path / "shop")
    with local_host(tmp_path) as local:
        team = local.team(accept_rules=False)
        page = local.http.get("/sign-in")
        form = page.text.split('name="csrf" value="')[1].split('"')[0]
        answer = local.http.post("/sign-in", data={"csrf": form, "token": team.token})
        set_cookie = answer.headers["Set-Cookie"].lower()
        assert "samesite=strict" in set_cookie
        assert "httponly" in set_cookie
        for origin in ("https://evil.example", local.url, "null"):
            for path in ("/competitions/shop/rules", "/competitions/shop/submit", "/sign-out"):
                for data in ({}, {"csrf": "0" * 64}, {"csrf": form}):
                    refused = local.http.post(path, data=data, headers={"Origin": origin})
                    assert refused.status_code in (400, 403, 404, 405, 415), (path, refused.text[:200])
        assert "Sign out" in local.http.get("/").text


def test_grading_processes_do_not_see_what_the_host_was_started_with(tmp_path):
    write_competition(tmp_path / "shop")
    with running_host(tmp_path, environment={"KAGGLE_KEY": "planted-key", "AICOMP_TOKEN": "planted-token"}) as running:
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(running.process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        assert children, "the grader is a process of its own"
        for pid in children:
            assert b"planted" not in Path(f"/proc/{pid}/environ").read_bytes()
            assert b"planted" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert sys.platform == "linux"


PRYING = """
import os, socket
from pathlib import Path
from aicomp.metrics import Metric

HERE = Path(__file__).parent
STATE = HERE.parent / ".aicomp-host"

def connect(kind):
    with socket.socket(socket.AF_INET, kind) as s:
        s.settimeout(2)
        s.connect(("127.0.0.1", int((HERE / "port.txt").read_text())))
        s.send(b"x")
        return True

TRIES = {
    1: lambda: (HERE / "port.txt").read_text(),
    2: lambda: (HERE / "solution.csv").read_text(),
    3: lambda: list(STATE.iterdir()),
    4: lambda: next(STATE.glob("*")).read_bytes(),
    5: lambda: Path("/etc/passwd").read_text(),
    6: lambda: [p for p in os.environ if "SECRET" in p][0],
    7: lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    8: lambda: connect(socket.SOCK_STREAM),
    9: lambda: connect(socket.SOCK_DGRAM),
    10: lambda: (HERE / "new").write_text("x"),
    11: lambda: os.execv("/bin/true", ["true"]),
    12: lambda: list((HERE.parent / "other").iterdir()),
}

def pry(y_true, y_pred):
    try:
        TRIES[int(y_pred[0])]()
    except (OSError, StopIteration, IndexError):
        return 0.0
    return 1.0

pry = Metric("pry", pry, greater_is_better=True, needs="value", problem_types=frozenset({"regression"}))
"""


@pytest.mark.skipif(landlock_version() < 1, reason="no Landlock here: the host says so when it starts")
def test_code_of_a_metric_reaches_nothing_but_what_lies_beside_it(tmp_path, monkeypatch):
    """Not the solution's file, the host's state and database, its environment, other competitions, or the network."""
    monkeypatch.setenv("SECRET_OF_THE_HOST", "planted")
    write_competition(tmp_path / "other")
    shop = write_competition(tmp_path / "shop", max_daily_submissions=100)
    (shop / "pry.py").write_text(PRYING)
    (shop / "host.toml").write_text('metric = "pry:pry"\nmax_daily_submissions = 100\n')
    with socket.create_server(("127.0.0.1", 0)) as listener:
        (shop / "port.txt").write_text(str(listener.getsockname()[1]))
        with local_host(tmp_path) as local:
            team = local.team()
            refs = {number: team.submit("shop", submission_text([number] * 10)) for number in range(1, 13)}
            reached = {number: team.wait(ref)["publicScore"] for number, ref in refs.items()}
    assert reached.pop(1) == "1.00000"  # what lies beside it may be read
    assert {number for number, score in reached.items() if score != "0.00000"} == set()
