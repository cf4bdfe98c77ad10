"""The calls of the protocol, as any client may send them."""

import base64
import csv
import io
import socket
import zipfile
from datetime import UTC, datetime

import httpx
import pytest
from hosting import CALLS, Client, local_host, submission_text, write_competition

from aicomp.host.api import MAX_STRANGERS_BYTES
from aicomp.host.teams import create_team, team_of_token

SECURITY = "security.OAuthService"


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    deadline = datetime(2026, 4, 1, tzinfo=UTC)
    write_competition(folder / "shop", max_daily_submissions=100, deadline=deadline, title="Shop", reward="Knowledge")
    write_competition(folder / "house-prices", category="Getting Started")
    with local_host(folder) as local:
        yield local


@pytest.fixture(scope="module")
def ada(local):
    return local.team("Ada")


@pytest.mark.parametrize("prefix", ["", "/api/v1", "/v1"])
def test_calls_are_known_under_each_prefix(local, ada, prefix):
    path = f"{prefix}/competitions.CompetitionApiService/ListCompetitions"
    found = local.http.post(path, json={}, headers=ada.headers).json()
    assert [c["ref"] for c in found["competitions"]] == [
        f"{local.url}/competitions/house-prices",
        f"{local.url}/competitions/shop",
    ]


def test_a_competition_is_described(local, ada):
    found = ada.call("GetCompetition", competitionName="shop")
    url = f"{local.url}/competitions/shop"
    assert found.pop("id") > 0
    assert found.pop("teamCount", 0) >= 0
    found.pop("userRank", None)
    assert found == {
        "ref": url,
        "url": url,
        "title": "Shop",
        "reward": "Knowledge",
        "deadline": "2026-04-01T00:00:00.000Z",
        "userHasEntered": True,
        "maxDailySubmissions": 100,
        "evaluationMetric": "mae",
    }


def test_lists_can_be_searched_filtered_and_paged(local, ada):
    def slugs(**body):
        return [c["url"].rpartition("/")[2] for c in ada.call("ListCompetitions", **body).get("competitions", [])]

    assert slugs(search="HOUSE") == ["house-prices"]
    assert slugs(category="HOST_SEGMENT_GETTING_STARTED") == ["house-prices"]
    assert slugs(category="HOST_SEGMENT_UNSPECIFIED", group="COMPETITION_LIST_TAB_EVERYTHING", page=1) == [
        "house-prices",
        "shop",
    ]
    assert slugs(page=2) == []
    eve = local.team("Eve", accept_rules=False)
    assert eve.call("ListCompetitions", group="COMPETITION_LIST_TAB_ENTERED") == {}
    names, token = [], ""
    while True:
        page = ada.call("ListDataFiles", competitionName="shop", pageSize=2, pageToken=token)
        names += [file["name"] for file in page["files"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert names == ["sample_submission.csv", "test.csv", "train.csv"]
    assert ada.post("ListDataFiles", competitionName="shop", pageToken="x").status_code == 400


def test_whose_a_token_is(local, ada):
    nobody = Client(local.http, "")
    answer = nobody.call("IntrospectToken", service=SECURITY, token=ada.token)
    assert (answer["active"], answer["username"]) == (True, "ada")
    assert nobody.call("IntrospectToken", service=SECURITY, token="wrong") == {}


def test_credentials(local, ada):
    def status(authorization):
        headers = {"Authorization": authorization} if authorization else {}
        path = "/v1/competitions.CompetitionApiService/ListCompetitions"
        return local.http.post(path, json={}, headers=headers).status_code

    def basic(text):
        return "Basic " + base64.b64encode(text.encode()).decode()

    assert status(f"Bearer {ada.token}") == 200
    assert status(basic(f"ada:{ada.token}")) == 200
    for wrong in ("", "Bearer nobody", "Bearer", basic(f"ben:{ada.token}"), basic("ada:x"), "Basic ???", "Digest x"):
        assert status(wrong) == 401, wrong


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "The request is no JSON."),
        (b"[]", 400, "The request must be a JSON object."),
        (b"[" * 100_000, 400, "The request is no JSON."),
        (b'{"competitionName": 5}', 400, "`competitionName` must be a string."),
        (b'{"competitionName": "nothing"}', 404, "Competition not found: nothing"),
        (b'{"competitionName": "../shop"}', 404, "Competition not found: ../shop"),
        (b'{"competitionName": "shop", "pageSize": "many"}', 400, "`pageSize` must be an integer."),
    ],
)
def test_errors_have_the_body_that_clients_show(local, ada, body, status, message):
    path = "/api/v1/competitions.CompetitionApiService/ListDataFiles"
    answer = local.http.post(path, content=body, headers=ada.headers)
    assert (answer.status_code, answer.json()) == (status, {"code": status, "message": message})


def test_an_unknown_call_is_not_found(ada):
    answer = ada.post("ShowSolution", competitionName="shop")
    assert (answer.status_code, answer.json()["code"]) == (404, 404)


def test_whole_addresses_as_targets(local, ada):
    """As a client sends them that takes this host for its proxy; the addresses in the answer keep its Host."""
    port = int(local.url.rpartition(":")[2])
    body = b'{"competitionName": "shop"}'
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(
            b"POST http://localhost/api/v1/competitions.CompetitionApiService/DownloadDataFiles HTTP/1.1\r\n"
            b"Host: localhost\r\nConnection: close\r\nContent-Length: %d\r\nAuthorization: Bearer %s\r\n\r\n%s"
            % (len(body), ada.token.encode(), body)
        )
        answer = b"".join(iter(lambda: line.recv(65536), b"")).decode()
    assert answer.startswith("HTTP/1.1 302")
    location = next(x for x in answer.split("\r\n") if x.lower().startswith("location:")).partition(": ")[2]
    assert location.startswith("http://localhost/bucket/archives/shop/shop.zip?")
    with httpx.Client(proxy=local.url, trust_env=False) as proxied:
        assert proxied.get(location).status_code == 200


def test_a_host_header_that_is_none_is_refused(local, ada):
    assert ada.post("ListCompetitions").status_code == 200
    for wrong in ("", "a b", "evil/path", "a@b", "x:y"):
        assert local.http.get("/healthz", headers={"Host": wrong}).status_code == 400


def test_the_leaderboard_is_paged_and_can_be_downloaded(local):
    teams = [local.team(f"board {i}") for i in range(5)]
    for i, team in enumerate(teams):
        team.wait(team.submit("shop", submission_text([row + 5 - i for row in range(10)])))
    page = teams[0].call("GetLeaderboard", competitionName="shop", pageSize=3)
    assert [(r["teamName"], r["score"]) for r in page["submissions"]] == [
        ("board 4", "1.00000"),
        ("board 3", "2.00000"),
        ("board 2", "3.00000"),
    ]
    rest = teams[0].call("GetLeaderboard", competitionName="shop", pageSize=3, pageToken=page["nextPageToken"])
    assert [r["teamName"] for r in rest["submissions"]] == ["board 1", "board 0"]
    answer = teams[0].post("DownloadLeaderboard", competitionName="shop")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        (name,) = archive.namelist()
        rows = list(csv.DictReader(archive.read(name).decode().splitlines()))
    assert name.startswith("shop-publicleaderboard-2026-03-01T120000")
    assert [(r["Rank"], r["TeamName"], r["Score"], r["SubmissionCount"]) for r in rows[:2]] == [
        ("1", "board 4", "1.00000", "1"),
        ("2", "board 3", "2.00000", "1"),
    ]
    assert teams[0].call("GetCompetition", competitionName="shop")["userRank"] == 5


def test_tokens_are_nowhere_in_the_database(local, ada):
    create_team(local.host.database, "Zoe", token="a-token-of-zoe-0123456789")
    assert team_of_token(local.host.database, "a-token-of-zoe-0123456789").name == "Zoe"
    for path in local.host.settings.state.glob("host.sqlite3*"):
        content = path.read_bytes()
        assert b"a-token-of-zoe-0123456789" not in content
        assert ada.token.encode() not in content


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("GetCompetition", '{"competitionName": "\\ud800"}'),
        ("CreateSubmission", '{"competitionName": "shop", "submissionDescription": "\\udfff"}'),
        ("StartSubmissionUpload", '{"competitionName": "shop", "contentLength": "--5"}'),
        ("GetSubmission", '{"ref": 9223372036854775808}'),
        ("GetSubmission", '{"ref": "\u0663"}'),
        ("GetCompetition", "[" * 100_000),
    ],
)
def test_values_that_nothing_can_hold_are_refused(local, ada, call, body):
    answer = local.http.post(f"/api/v1/{CALLS}/{call}", content=body.encode(), headers=ada.headers)
    assert answer.status_code == 400, answer.text


def test_strangers_may_send_little(local, ada):
    body = b'{"competitionName": "' + b"x" * MAX_STRANGERS_BYTES + b'"}'
    place = f"/api/v1/{CALLS}/GetCompetition"
    assert local.http.post(place, content=body).status_code == 413
    assert local.http.post(place, content=body, headers={"Authorization": "Bearer nobodys"}).status_code == 413
    assert local.http.post(place, content=body, headers=ada.headers).status_code == 404


def test_a_fault_ends_the_connection_and_says_so(local, ada, monkeypatch):
    monkeypatch.setattr(local.host.submissions, "get", lambda ref: 1 / 0)
    answer = ada.post("GetSubmission", ref=1)
    assert (answer.status_code, answer.headers["connection"]) == (500, "close")
    assert answer.json() == {"code": 500, "message": "Internal error."}
