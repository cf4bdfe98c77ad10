"""docs/security.md: certificates are checked, and credentials stay with the host that they are for."""

import http.server
import json
import re
import ssl
import subprocess
import threading
from pathlib import Path

import pytest
from security_cases import find_secrets

from aicomp.cli.main import main
from aicomp.errors import AicompError
from aicomp.kaggle.connection import connect
from aicomp.kaggle.endpoint import Endpoint
from aicomp.kaggle.patience import bucket_session

pytest_plugins = ["kaggle_fixtures"]

SOURCE = Path(__file__).parent.parent / "src" / "aicomp"
TOKEN = "plantedTlsToken4d5e6f708192"


class Listener:
    """A server that notes what it is asked, and answers with a redirect if it is told where to."""

    def __init__(self, context=None):
        self.asked, self.location, self.status = [], "", 302
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append((self.path, dict(self.headers)))
                raw = json.dumps({} if outer.location else {"active": True, "username": "ada"}).encode()
                self.send_response(outer.status if outer.location else 200)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PUT = answer  # noqa: N815

            def log_message(self, *arguments):
                """Nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *arguments: None
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def listeners(no_credentials, monkeypatch, tmp_path):
    monkeypatch.setenv("AICOMP_TOKEN", TOKEN)
    monkeypatch.setenv("AICOMP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("aicomp.kaggle.patience.FIRST_PAUSE", 0.0)
    monkeypatch.setattr("aicomp.kaggle.patience.TRIES", 2)
    monkeypatch.chdir(tmp_path)
    made = []

    def make(context=None):
        made.append(Listener(context))
        return made[-1]

    yield make
    for listener in made:
        listener.server.shutdown()
        listener.server.server_close()


@pytest.fixture
def certificate(tmp_path):
    """A key and a certificate for 127.0.0.1 that nobody but itself signed."""
    key, path = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl here")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    return path, context


def test_a_certificate_that_nobody_vouches_for_gets_no_credentials(listeners, certificate, monkeypatch, capsys):
    path, context = certificate
    server = listeners(context)
    assert main(["init", "shop", "--host", server.url]) == 6
    assert "the server's certificate is not trusted" in capsys.readouterr().err
    assert server.asked == []
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))  # vouched for by the user, it is asked
    with connect(Endpoint(server.url)) as connection:
        assert connection.check_credentials() == "ada"
    assert server.asked


def test_certificates_are_checked_everywhere():
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for word in ("verify=False", "CERT_NONE", "_create_unverified", "check_hostname = False", "disable_warnings"):
            assert word not in text, path


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_carries_credentials_nowhere(listeners, capsys, status):
    thief, server = listeners(), listeners()
    server.location, server.status = f"{thief.url}/steal", status
    with pytest.raises(AicompError), connect(Endpoint(server.url)) as connection:
        connection.check_credentials()
    assert main(["init", "shop", "--host", server.url]) in (4, 5, 6)
    said = capsys.readouterr()
    assert any(TOKEN in str(headers) for _, headers in server.asked)
    assert thief.asked == []
    assert find_secrets([TOKEN], texts=[said.out, said.err]) == []


def test_signed_addresses_are_asked_without_credentials(listeners, no_credentials):
    """Not even those of a `.netrc`, and not after a redirect."""
    bucket, other = listeners(), listeners()
    netrc = no_credentials.parent / ".netrc"
    netrc.write_text("machine 127.0.0.1 login ada password planted-netrc-password\n")
    netrc.chmod(0o600)
    bucket.location = f"{other.url}/elsewhere"
    with bucket_session() as session:
        session.get(f"{bucket.url}/file?signature=s3cret")
    assert bucket.asked
    assert other.asked
    for _, headers in [*bucket.asked, *other.asked]:
        assert "Authorization" not in headers
        assert "Referer" not in headers


def test_a_signature_is_in_no_message(listeners):
    """Of an address that is refused, the server's words are shown without what it was signed with."""
    from aicomp.kaggle.faults import fault_of_status

    bucket = listeners()
    bucket.status = 403
    with bucket_session() as session:
        response = session.get(f"{bucket.url}/file?expires=12345678901&signature=planted0signature")
        response.status_code, response.reason = 403, "no"
        assert "planted0signature" not in fault_of_status(response).message
    for path in SOURCE.rglob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not re.search(r"_LOG.*(address|url)\b|say\(.*signed", line), f"{path}: {line}"
