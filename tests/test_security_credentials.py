"""docs/security.md: tokens are planted, commands run and fail, and every byte that was written is searched for them."""

import base64
import json
import sqlite3
import subprocess
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hosting import running_host, submission_text, write_competition
from kaggle_server import kaggle_server
from kernel_server import kernel_server
from one_competition import TOKENS, one_competition
from security_cases import find_secrets, forms
from synthetic import init_project, quick_arguments, write_folder

from aicomp.cli.main import main
from aicomp.errors import UsageError
from aicomp.kaggle.connection import connect
from aicomp.kaggle.endpoint import Endpoint, find_endpoint
from aicomp.kaggle.hiding import HIDDEN
from aicomp.processes import CREDENTIALS, without_credentials

pytest_plugins = ["kaggle_fixtures"]

TOKEN = "KGAT_plantedToken7f3c91d2e8b64a05"
HOST_TOKEN = "plantedHostToken5b1e99aa/+cc 12"  # whose forms in JSON, in addresses and in base64 differ
KEY = "plantedKey0c2d4e6f8a1b3c5d7e9f"
USER = "planteduser4711"
PASSWORD = "plantedPassword-in-an-address"
BASIC = base64.b64encode(f"{USER}:{KEY}".encode()).decode()
SECRETS = [TOKEN, HOST_TOKEN, KEY, PASSWORD, BASIC]

KINDS = {
    "token variable": {"KAGGLE_API_TOKEN": TOKEN},
    "key variables": {"KAGGLE_USERNAME": USER, "KAGGLE_KEY": KEY},
    "host token": {"AICOMP_TOKEN": HOST_TOKEN},
    "access_token": {},
    "kaggle.json": {},
}


class World:
    """An empty home, cache and folder for temporary files, and everything that was said and written there.

    Args:
        root: Holds all of it.
        kind: Which credentials lie there.
        patch: Undone when the test ends.
        log: What was logged, which pytest takes away from the streams.
        capture: Of all that this process and those below it write to their streams.
    """

    def __init__(self, root: Path, kind: str, patch: pytest.MonkeyPatch, capture: Any, log: Any) -> None:
        self.root, self.said, self.capture, self.log = root, [], capture, log
        self.places = {name: root / name for name in ("home", "cache", "tmp", "work")}
        for place in self.places.values():
            place.mkdir(parents=True)
        self.planted = root / "home" / ".kaggle"
        self.planted.mkdir()
        if kind == "access_token":
            (self.planted / "access_token").write_text(TOKEN)
        if kind == "kaggle.json":
            (self.planted / "kaggle.json").write_text(json.dumps({"username": USER, "key": KEY}))
        for path in self.planted.iterdir():
            path.chmod(0o600)
        for name in CREDENTIALS:
            patch.delenv(name, raising=False)
        places = {"HOME": "home", "AICOMP_CACHE": "cache", "TMPDIR": "tmp"}
        for name, value in {**{n: str(self.places[p]) for n, p in places.items()}, **KINDS[kind]}.items():
            patch.setenv(name, value)
        patch.setattr("tempfile.tempdir", str(self.places["tmp"]))
        patch.setenv("no_proxy", "127.0.0.1")
        patch.setattr("aicomp.kaggle.patience.TRIES", 2)
        for pause in ("patience.FIRST_PAUSE", "submit.LOOK_PAUSE", "submissions.FIRST_POLL"):
            patch.setattr(f"aicomp.kaggle.{pause}", 0.0)
        self.work = self.places["work"]

    def run(self, *arguments: str, code: int | tuple[int, ...] = 0, **variables: str) -> str:
        """Run a command; what it and the processes below it said is kept for the search."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.work)
            for name, value in variables.items():
                patch.setenv(name, value)
            found = main(arguments)
        said = self.capture.readouterr()
        self.said += [said.out, said.err, self.log.text]
        expected = code if isinstance(code, tuple) else (code,)
        assert found in expected, f"{arguments}: {found}\n{said.out}\n{said.err}"
        return said.out + said.err

    def leaks(self) -> list[str]:
        """Where a planted secret stands, but for the files in which it was planted."""
        hidden = self.root.with_name(f"{self.root.name}-planted")
        self.planted.rename(hidden)
        try:
            return find_secrets(SECRETS, texts=self.said, folders=[self.root])
        finally:
            hidden.rename(self.planted)


@pytest.fixture
def world(no_credentials, tmp_path, request, monkeypatch, capfd, caplog):
    made = World(tmp_path / "world", getattr(request, "param", "host token"), monkeypatch, capfd, caplog)
    yield made
    assert made.said, "nothing was run"
    assert made.leaks() == []


def every_kind(function):
    return pytest.mark.parametrize("world", KINDS, indirect=True)(function)


def test_the_search_finds_what_is_planted(tmp_path):
    """Each form, in each kind of file: else the tests below could not fail."""
    for i, form in enumerate(forms(HOST_TOKEN)):
        (tmp_path / f"{i}.bin").write_bytes(b"a" + form + b"b")
    n_forms = i + 1
    with zipfile.ZipFile(tmp_path / "inner.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("a.txt", HOST_TOKEN)
    with tarfile.open(tmp_path / "outer.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "inner.zip", "inner.zip")
    with sqlite3.connect(tmp_path / "a.db") as db:
        db.execute("CREATE TABLE t (v TEXT)")
        db.execute("INSERT INTO t VALUES (?)", (HOST_TOKEN,))
    (tmp_path / "basic.txt").write_text(f"Authorization: Basic {BASIC}")
    found = find_secrets([HOST_TOKEN], folders=[tmp_path])
    assert len({line.split(" as b")[0] for line in found}) == n_forms + 3
    assert find_secrets([KEY], folders=[tmp_path])  # the base64 of user and key holds it
    assert find_secrets([TOKEN], texts=[base64.b64encode(f"xy{TOKEN}z".encode()).decode()])


ECHOES = (401, 403, 404, 429, 500, 503)


class Echo:
    """A server that answers every call with an error that quotes all that was sent, in every form."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[dict[str, str]] = []

    def answer(self, headers, body, path):
        sent = headers.get("Authorization") or ""
        self.headers.append(dict(headers))
        words = [sent, sent.partition(" ")[2], body.decode(errors="replace")]
        words += [base64.b64encode(w.encode()).decode() for w in words[:2]]
        message = f"refused: {headers} {' '.join(words)} {path}"
        return self.status, {"code": self.status, "message": message}, sent


@pytest.fixture
def echo_server():
    state = Echo()

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content, sent = state.answer(self.headers, body, self.path)
            raw = json.dumps(content).encode()
            self.send_response(status, f"No {sent}")
            for name, value in (
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(raw))),
                ("X-Sent", sent),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        do_POST = do_GET = do_PUT = answer  # noqa: N815

        def log_message(self, *arguments):
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@every_kind
def test_a_server_that_sends_credentials_back_gets_them_into_nothing(world, echo_server):
    for status in ECHOES:
        echo_server.status = status
        for more in ([], ["--json"]):
            world.run("init", "shop", "--host", echo_server.url, *more, code=(4, 5, 6))
    world.run("doctor", "shop", "--host", echo_server.url, code=(0, 1, 4, 5, 6))
    sent = [headers.get("Authorization") for headers in echo_server.headers]
    assert any(sent), "no credentials were sent, so that none could be sent back"
    assert HIDDEN in "".join(world.said)


@pytest.mark.parametrize("world", ["host token", "kaggle.json"], indirect=True)
def test_a_download_and_all_that_follows(world, tmp_path):
    """init, train, report, submit, exports: through a server that takes every credential."""
    folder = write_folder(tmp_path / "shop")
    with one_competition("shop-sales", folder) as server:
        mine = {f"Bearer {TOKEN}": "ada", f"Bearer {HOST_TOKEN}": "ada", f"Basic {BASIC}": "ada"}
        TOKENS.update(mine)
        try:
            world.run("init", "shop-sales", "--host", server.url, "--json")
            world.run("doctor", "shop-sales", "--host", server.url, code=(0, 1))
        finally:
            for name in mine:
                del TOKENS[name]
    assert "signature=s3cret" not in "".join(world.said)
    assert find_secrets(["signature=s3cret"], folders=[world.root]) == []
    world.work /= "shop-sales"
    world.run("train", *quick_arguments("workers=2"))
    for command in (["report"], ["runs"], ["runs", "--json"], ["submit", "--dry-run"], ["explain"]):
        world.run(*command)


def test_user_code_that_fails_with_a_traceback(world):
    project = init_project(world.work.parent / "made")
    world.work = project
    (project / "model.py").write_text(
        "import os\n\n\ndef build(spec):\n    token = os.environ.get('AICOMP_TOKEN')\n"
        "    raise ValueError(f'{token} {dict(os.environ)}')\n"
    )
    (project / "features.py").write_text("def add_features(table):\n    return table\n")
    arguments = [*quick_arguments("workers=2"), "--set", 'model.name="model:build"']
    assert "ValueError" in world.run("train", *arguments, code=(1, 2))
    world.run("train", "--json", *arguments, code=(1, 2))
    # In the command's own process the variable is there, and whatever the code says of it is not passed on.
    (project / "features.py").write_text(
        "import os\n\n\ndef add_features(table):\n    raise ValueError(f'told {os.environ[\"AICOMP_TOKEN\"]}')\n"
    )
    assert "told [AICOMP_TOKEN]" in world.run("train", *arguments, code=(1, 2))
    assert "told [AICOMP_TOKEN]" in world.run("train", "--json", *arguments, code=(1, 2))


def test_nobody_answers(world):
    for more in ([], ["--json"]):
        world.run("init", "shop", "--host", "http://127.0.0.1:9", *more, code=6)
        world.run("doctor", "shop", "--host", "http://127.0.0.1:9", *more, code=(0, 1, 6))


@pytest.mark.parametrize("place", ["option", "variable", "contract"])
def test_a_password_in_an_address_is_not_repeated(world, place):
    url = f"http://{USER}:{PASSWORD}@127.0.0.1:9"
    if place == "option":
        said = world.run("init", "shop", "--host", url, code=2)
    elif place == "variable":
        said = world.run("init", "shop", AICOMP_HOST=url, code=2)
    else:
        world.work = init_project(world.work.parent / "made")
        contract = world.work / "competition.toml"
        text = contract.read_text().replace('host = "kaggle"', f'host = "{url}"')
        contract.write_text(text if "host" in text else f'host = "{url}"\n{text}')
        said = world.run("submissions", code=2)
        contract.unlink()
    assert "http://[hidden]@127.0.0.1:9" in said


def test_a_proxy_with_a_password_is_not_repeated(world):
    proxy = f"http://{USER}:{PASSWORD}@127.0.0.1:9"
    world.run("init", "shop", "--host", "http://127.0.0.2:9", http_proxy=proxy, no_proxy="", code=6)


def test_a_packed_notebook_and_its_push(world):
    project = init_project(world.work.parent / "made")
    world.work = project
    world.run("train", *quick_arguments())
    world.run("submit", "--notebook", "--dry-run", code=(0, 1, 2, 6))
    (project / "helper.py").write_text(f"TOKEN = {HOST_TOKEN!r}\n")
    world.run("train", *quick_arguments())
    said = world.run("submit", "--notebook", "--dry-run", code=2)
    assert "holds a token or a key" in said
    (project / "helper.py").unlink()
    with kernel_server() as server:
        world.run("submit", "--notebook", "--yes", "--host", server.url, code=(0, 1, 2, 5, 6))


def test_a_submission_that_fails_in_every_way(world):
    project = init_project(world.work.parent / "made")
    world.work = project
    world.run("train", *quick_arguments())
    with kaggle_server() as server:
        host = ["--host", server.url]
        quoted = {"code": 500, "message": f"bad Authorization: Bearer {HOST_TOKEN}"}
        for method in ("StartSubmissionUpload", "PUT", "CreateSubmission", "ListSubmissions", "GetSubmissionLimits"):
            for status in (401, 500):
                server.answers = {method: (status, {**quoted, "code": status})}
                for more in ([], ["--json"]):
                    world.run("submit", "--yes", *host, *more, code=(0, 1, 3, 4, 5, 6))
        server.answers = {}
        server.outcome = ("ERROR", "", f"Bearer {HOST_TOKEN}")
        world.run("submit", "--yes", "--wait", "--again", *host, code=(0, 1, 5, 6))
        world.run("submissions", *host)
        assert any(HOST_TOKEN in authorization for _, authorization, _ in server.calls)


def test_a_host_keeps_hashes_of_tokens_alone(tmp_path):
    """What a team shows a host is in none of its files, its log, or its answers."""
    write_competition(tmp_path / "shop")
    with running_host(tmp_path, "ada") as running:
        ada = running.client("ada")
        token = running.tokens["ada"]
        ada.wait(ada.submit("shop", submission_text(range(10))))
        said = [ada.post(call, competitionName="shop").text for call in ("GetSubmission", "ListSubmissions", "Nothing")]
        for header in (f"Bearer {token}", f"Basic {token}", f"Wrong {token}", token):
            for path in ("/", "/api/v1/competitions.CompetitionApiService/ListSubmissions", f"/{token}"):
                answer = ada.http.post(path, headers={"Authorization": header}, content=b"{")
                said += [answer.text, str(answer.headers)]
        arguments = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    said = [text.replace(f"/{token}", "") for text in said]
    assert find_secrets([token], texts=[*said, arguments], folders=[running.state]) == []


def test_credentials_that_a_program_of_ours_shows_are_left_out(monkeypatch):
    monkeypatch.setenv("KAGGLE_KEY", KEY)
    monkeypatch.setenv("KAGGLE_USERNAME", "iris")
    assert without_credentials(f"key {KEY} of iris") == "key [KAGGLE_KEY] of iris"
    monkeypatch.setenv("KAGGLE_KEY", "short")
    assert without_credentials("a short word") == "a short word"


def test_an_address_with_a_name_in_it_is_no_host():
    with pytest.raises(UsageError) as caught:
        find_endpoint(f"https://{USER}:{PASSWORD}@example.org")
    assert PASSWORD not in caught.value.message + caught.value.hint
    assert USER not in caught.value.message


def test_what_represents_credentials_shows_none(no_credentials, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    with connect(Endpoint("http://127.0.0.1:9")) as connection:
        shown = repr(connection.credentials) + str(connection.credentials) + repr(vars(connection))
    assert TOKEN not in shown


def test_no_command_is_given_a_token_as_an_argument():
    """`--token` of `aicomp host --demo` is the user's own; nothing here starts a program with one."""
    source = Path(__file__).parent.parent / "src" / "aicomp"
    for path in source.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "Popen(" in text or "subprocess.run(" in text or "python_module(" in text:
            assert '"--token"' not in text, path
