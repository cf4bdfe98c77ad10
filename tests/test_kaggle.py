import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from kaggle_server import CUT, TOKEN, KaggleServer

from aicomp.errors import AicompError, CredentialsError, NetworkError, RefusedError, UsageError
from aicomp.kaggle import find_credentials
from aicomp.kaggle.connection import connect
from aicomp.kaggle.delivery import check_open
from aicomp.kaggle.submit import Sent, UncertainError, send

pytest_plugins = ["kaggle_fixtures"]

SENT = [
    "IntrospectToken",
    "ListCompetitions",
    "GetSubmissionLimits",
    "ListSubmissions",
    "StartSubmissionUpload",
    "PUT",
    "CreateSubmission",
]


def send_submission(slug: str, path: Path, description: str) -> Sent:
    """What `aicomp submit` does with a file that was never sent, without a project."""
    with connect() as connection:
        readiness = check_open(connection, slug)
        if readiness.limits is not None:
            readiness.limits.check(slug)
        return send(connection, slug, path, description, sha256=SHA256)


CONTENT = b"id,bought\n007,0.5\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TAGGED = f"first try [aicomp {SHA256[:12]}]"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "s.csv"
    path.write_bytes(CONTENT)
    return path


def test_a_submission_takes_seven_calls(server: KaggleServer, file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert send_submission("shop", file, TAGGED) == Sent(
        4242, "https://www.kaggle.com/competitions/shop/submissions", "Successfully submitted to Shop"
    )
    assert server.methods == SENT
    bodies = {method: body for method, _, body in server.calls}
    upload = json.loads(bodies["StartSubmissionUpload"])
    assert (upload["competitionName"], upload["fileName"], upload["contentLength"]) == ("shop", "s.csv", 18)
    assert bodies["PUT"] == b"id,bought\n007,0.5\n"
    assert json.loads(bodies["CreateSubmission"]) == {
        "competitionName": "shop",
        "blobFileTokens": "blob-1",
        "submissionDescription": TAGGED,
    }
    assert capfd.readouterr() == ("", "")


def test_the_bucket_never_sees_the_credentials(server: KaggleServer, file: Path, no_credentials: Path) -> None:
    (no_credentials.parent / ".netrc").write_text("machine 127.0.0.1 login ada password s3cret\n")
    send_submission("shop", file, "")
    assert {method: authorization for method, authorization, _ in server.calls} == {
        "IntrospectToken": f"Bearer {TOKEN}",
        "ListCompetitions": f"Bearer {TOKEN}",
        "GetSubmissionLimits": f"Bearer {TOKEN}",
        "ListSubmissions": f"Bearer {TOKEN}",
        "StartSubmissionUpload": f"Bearer {TOKEN}",
        "PUT": "",
        "CreateSubmission": f"Bearer {TOKEN}",
    }


def test_a_key_is_sent_as_basic(
    server: KaggleServer, file: Path, no_credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    (no_credentials / "kaggle.json").write_text('{"username": "ada", "key": "k3y"}')
    send_submission("shop", file, "")
    assert server.methods == SENT[1:]
    assert server.calls[0][1] == "Basic " + base64.b64encode(b"ada:k3y").decode()


def test_a_login_of_the_official_client_is_used(
    server: KaggleServer, file: Path, no_credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    login = {"refresh_token": "r", "access_token": "a", "access_token_expiration": "2999-01-01T00:00:00+00:00"}
    (no_credentials / "credentials.json").write_text(json.dumps(login))
    send_submission("shop", file, "")
    assert {authorization for method, authorization, _ in server.calls if method != "PUT"} == {"Bearer a"}
    (no_credentials / "credentials.json").write_text("{}")
    with pytest.raises(CredentialsError, match="it is not what `kaggle auth login` writes"):
        send_submission("shop", file, "")


ERRORS = [
    # A method, its answer, and what becomes of it: error, part of the message or hint, number of calls of the method.
    ("IntrospectToken", (200, {"active": False}), CredentialsError, "has expired or was revoked", 1),
    ("IntrospectToken", (401, {"code": 401, "message": "Unauthenticated"}), CredentialsError, "Unauthenticated", 1),
    ("IntrospectToken", (503, {}), NetworkError, "Service Unavailable", 5),
    ("GetSubmissionLimits", (401, {"code": 401, "message": "no"}), CredentialsError, "`KAGGLE_API_TOKEN`: no", 1),
    (
        "GetSubmissionLimits",
        (403, {"code": 403, "message": "You must accept this competition's rules"}),
        RefusedError,
        "https://www.kaggle.com/competitions/shop/rules",
        1,
    ),
    (
        "ListSubmissions",
        (403, {"error": {"code": 403, "message": "You must accept the rules", "status": "PERMISSION_DENIED"}}),
        RefusedError,
        "https://www.kaggle.com/competitions/shop/rules",
        1,
    ),
    ("GetSubmissionLimits", (200, {"numToday": 5, "numTotal": 9}), RefusedError, "no submission to `shop` is left", 1),
    ("StartSubmissionUpload", (404, {"code": 404, "message": "Not found"}), RefusedError, "no competition `shop`", 1),
    (
        "StartSubmissionUpload",
        (429, {"error": {"code": 429, "message": "Too many requests", "status": "RESOURCE_EXHAUSTED"}}),
        NetworkError,
        "Too many requests",
        5,
    ),
    ("StartSubmissionUpload", (200, {}), NetworkError, "names no place to upload to", 1),
    ("StartSubmissionUpload", (200, b"<html>Welcome to the hotel</html>"), NetworkError, "not of Kaggle's protocol", 5),
    ("StartSubmissionUpload", (0, {}), NetworkError, "no connection", 5),
    # An address that has expired is asked for anew, once.
    ("PUT", (403, b"<Error>expired</Error>"), NetworkError, "`s.csv` was not uploaded: Forbidden", 2),
    ("PUT", (503, b""), NetworkError, "`s.csv` was not uploaded: Service Unavailable", 5),
    (
        "CreateSubmission",
        (400, {"code": 400, "message": "Your team has used its daily Submission allowance (5) today"}),
        RefusedError,
        "midnight UTC",
        1,
    ),
    ("CreateSubmission", (401, {"code": 401, "message": "Unauthenticated"}), CredentialsError, "Unauthenticated", 1),
    ("CreateSubmission", (403, {"code": 403, "message": "You must accept the rules"}), RefusedError, "shop/rules", 1),
    ("CreateSubmission", (404, {"code": 404, "message": "Not found"}), RefusedError, "no competition `shop`", 1),
    ("CreateSubmission", (200, {"code": 403, "message": "The deadline has passed"}), RefusedError, "takes no", 1),
    ("CreateSubmission", (200, {"message": "Evaluation Exception"}), RefusedError, "Evaluation Exception", 1),
    # The server may have taken it and be at work still: the call is not made again.
    ("CreateSubmission", (504, {}), UncertainError, "and Kaggle does not list it", 1),
    ("CreateSubmission", (0, {}), UncertainError, "and Kaggle does not list it", 1),
    # The server has answered, and its list shows nothing: once more, and no more.
    ("CreateSubmission", (500, {}), UncertainError, "and Kaggle does not list it", 2),
    (
        "CreateSubmission",
        (429, {"code": 429, "message": "You have reached your daily submission limit"}),
        RefusedError,
        "midnight UTC",
        1,
    ),
    (
        "CreateSubmission",
        (400, {"code": 400, "message": "This competition only accepts submissions from notebooks"}),
        RefusedError,
        "`aicomp submit --notebook`",
        1,
    ),
    # It says itself that it took nothing.
    ("CreateSubmission", (429, {}), NetworkError, "Kaggle answers 429: Too Many Requests", 5),
    ("CreateSubmission", (400, {"code": 400, "message": "The upload token is invalid"}), RefusedError, "token", 2),
]


@pytest.mark.parametrize(("method", "answer", "error", "text", "n_calls"), ERRORS)
def test_each_answer_becomes_one_error(
    server: KaggleServer,
    file: Path,
    method: str,
    answer: tuple[int, object],
    error: type[AicompError],
    text: str,
    n_calls: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server.answers[method] = answer
    with pytest.raises(error) as e:
        send_submission("shop", file, TAGGED)
    assert type(e.value) is error
    assert text in e.value.message + e.value.hint
    assert TOKEN not in f"{e.value.message}{e.value.hint}"
    assert "s3cret" not in f"{e.value.message}{e.value.hint}"
    assert server.methods.count(method) == n_calls
    assert server.submissions == []
    assert capfd.readouterr() == ("", "")


def test_a_call_that_does_no_harm_is_tried_again(server: KaggleServer, file: Path) -> None:
    server.answers["GetSubmissionLimits"] = [(503, {}), (200, {"numAllowedNow": 4})]
    server.faults["PUT"] = [(500, b""), CUT]
    assert send_submission("shop", file, "").ref == 4242
    assert server.methods.count("PUT") == 3
    assert len(server.submissions) == 1
    assert {body for method, _, body in server.calls if method == "PUT"} == {file.read_bytes()}


def test_who_is_on_no_team_yet_may_submit(server: KaggleServer, file: Path) -> None:
    server.answers["GetSubmissionLimits"] = (200, {})
    assert send_submission("shop", file, "").ref == 4242


def test_nobody_listens(server: KaggleServer, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kagglesdk import kaggle_env

    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, "http://127.0.0.1:1")
    with pytest.raises(NetworkError, match="Kaggle cannot be reached: no connection") as e:
        send_submission("shop", file, "")
    assert e.value.exit_code == 6


def test_a_server_that_never_answers_is_given_up(
    file: Path, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    from kagglesdk import kaggle_env

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, address)
        monkeypatch.setattr("aicomp.kaggle.patience.TIMEOUT", (0.2, 0.2))
        with pytest.raises(NetworkError, match="no answer in time"):
            send_submission("shop", file, "")


def test_an_environment_of_kaggles_staff_is_refused(
    server: KaggleServer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCAL")
    with pytest.raises(UsageError, match="`KAGGLE_API_ENVIRONMENT` is `LOCAL`"):
        send_submission("shop", file, "")
    assert server.calls == []


def test_credentials_are_found_in_the_clients_order(no_credentials: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, home = no_credentials, no_credentials.parent
    with pytest.raises(CredentialsError, match="there are no Kaggle credentials") as e:
        find_credentials()
    assert "https://www.kaggle.com/settings" in e.value.hint
    assert "KAGGLE_API_TOKEN" in e.value.hint

    (folder / "credentials.json").write_text("{}")
    assert find_credentials().login_file == folder / "credentials.json"
    (folder / "kaggle.json").write_text('{"username": "ada", "key": "k1"}')
    assert find_credentials().key == "k1"
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(home / "elsewhere"))
    assert find_credentials().login_file is not None
    (home / "elsewhere").mkdir()
    (home / "elsewhere" / "kaggle.json").write_text('{"username": "ada", "key": "k2"}')
    assert find_credentials().key == "k2"
    monkeypatch.setenv("KAGGLE_USERNAME", "bob")
    assert find_credentials().username == "ada"
    monkeypatch.setenv("KAGGLE_KEY", "k3")
    assert (find_credentials().username, find_credentials().key) == ("bob", "k3")
    (folder / "access_token").write_text("t1\n")
    assert find_credentials().token == "t1"
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    assert find_credentials().token == TOKEN
    (home / "token").write_text("t2\n")
    monkeypatch.setenv("KAGGLE_API_TOKEN", str(home / "token"))
    assert find_credentials().token == "t2"


def test_half_a_key_and_broken_files_are_named(no_credentials: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_USERNAME", "ada")
    with pytest.raises(CredentialsError, match="`KAGGLE_USERNAME` is set and `KAGGLE_KEY` is not"):
        find_credentials()
    (no_credentials / "kaggle.json").write_text('{"username": "ada", "key": "s3cret"')
    with pytest.raises(CredentialsError, match="is not of the form") as e:
        find_credentials()
    assert "s3cret" not in f"{e.value.message} {e.value.hint}"


def test_secrets_are_in_no_text(no_credentials: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    assert TOKEN not in repr(find_credentials())
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    monkeypatch.setenv("KAGGLE_USERNAME", "ada")
    monkeypatch.setenv("KAGGLE_KEY", "s3cret")
    assert "s3cret" not in repr(find_credentials())


def test_importing_the_client_imports_no_kaggle() -> None:
    code = "import sys, aicomp.kaggle; print([m for m in sys.modules if m.startswith(('kaggle', 'requests'))])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
