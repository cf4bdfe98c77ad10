from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kaggle_server import CUT, KaggleServer
from submission_cases import competition, make_project

from aicomp.errors import CredentialsError, NetworkError, RefusedError
from aicomp.kaggle.connection import Connection, connect
from aicomp.kaggle.delivery import refresh
from aicomp.kaggle.place import Place, find_place
from aicomp.kaggle.submissions import Limits, list_submissions, read_limits, wait_for_score
from aicomp.submission.history import Posted
from aicomp.submission.ledger import read_ledger, record_intent, record_outcome

pytest_plugins = ["kaggle_fixtures"]


@pytest.fixture
def connection(server: KaggleServer) -> Iterator[Connection]:
    with connect() as made:
        yield made


def test_all_pages_are_read(server: KaggleServer, connection: Connection) -> None:
    for k in range(5):
        server.add(f"number {k}", privateScore="0.7" if k == 0 else "")
    found = list_submissions(connection, "shop")
    assert [p.description for p in found] == [f"number {k}" for k in (4, 3, 2, 1, 0)]
    assert server.methods == ["ListSubmissions"] * 3
    assert found[-1] == Posted(
        ref=4242,
        date=datetime(2026, 1, 1, tzinfo=UTC),
        description="number 0",
        file="s.csv",
        status="complete",
        public_score=0.81,
        private_score=0.7,
        team="ada",
    )
    assert found[0].private_score is None


@pytest.mark.parametrize("text", ["", "None", "nan"])
def test_a_score_that_is_none_is_none(server: KaggleServer, connection: Connection, text: str) -> None:
    server.add("x", publicScore=text, status="ERROR", errorDescription="wrong ids")
    (found,) = list_submissions(connection, "shop")
    assert (found.public_score, found.status, found.error) == (None, "error", "wrong ids")


def test_the_budget(server: KaggleServer, connection: Connection) -> None:
    server.add("x")
    assert read_limits(connection, "shop") == Limits(today=1, total=1, allowed_now=4, is_limited_by_total=False)
    server.answers["GetSubmissionLimits"] = (404, {"code": 404, "message": "no such method"})
    assert read_limits(connection, "shop") is None


def test_who_is_on_no_team_yet_may_submit() -> None:
    Limits(0, 0, 0, is_limited_by_total=False).check("shop")
    with pytest.raises(RefusedError, match="no submission to `shop` is left: 5 today"):
        Limits(5, 9, 0, is_limited_by_total=False).check("shop")
    with pytest.raises(RefusedError, match="no submission to `shop` is left: 100 in all") as e:
        Limits(0, 100, 0, is_limited_by_total=True).check("shop")
    assert e.value.hint == "this competition takes no more"


def test_pauses_grow_up_to_half_a_minute(
    server: KaggleServer, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("aicomp.kaggle.submissions.FIRST_POLL", 2.0)
    monkeypatch.setattr("aicomp.kaggle.submissions.time.sleep", pauses.append)
    server.polls = 10
    ref = server.add("x")["ref"]
    server.faults["GetSubmission"] = [(429, {"code": 429, "message": "slow down"}, {"Retry-After": "7"})]
    asked: list[float] = []
    assert wait_for_score(connection, ref, timeout=10**6, on_poll=asked.append).public_score == 0.81
    # The server's 7 s, then half as long again each time, 30 s at most.
    assert pauses == [7, 10.5, 15.75, 23.625, *[30.0] * 7]
    assert len(asked) == 12


def test_a_wait_that_is_in_vain_says_why(server: KaggleServer, connection: Connection) -> None:
    server.faults["GetSubmission"] = [CUT] * 10_000
    with pytest.raises(NetworkError, match=r"submission 7 has no score after 0 s \(no connection\)"):
        wait_for_score(connection, 7, timeout=0.01)
    server.faults.clear()
    with pytest.raises(RefusedError, match="Kaggle knows no submission 7: Not found"):
        wait_for_score(connection, 7, timeout=60)
    server.answers["GetSubmission"] = (401, {"code": 401, "message": "expired"})
    with pytest.raises(CredentialsError, match="expired"):
        wait_for_score(connection, 7, timeout=60)


def test_two_teams_of_one_name_have_no_place(server: KaggleServer, connection: Connection) -> None:
    server.add("x")
    assert find_place(connection, "shop", None, "ada") == Place(2, None)
    assert find_place(connection, "shop", None, "nobody") == Place()
    assert find_place(connection, "shop", None) == Place()
    twins = [{"teamName": "ada", "score": "1"}, {"teamName": "ada", "score": "0"}]
    server.answers["GetLeaderboard"] = (200, {"submissions": twins})
    assert find_place(connection, "shop", None, "ada") == Place()
    server.answers["GetLeaderboard"] = (200, {"submissions": [], "nextPageToken": "2"})
    assert find_place(connection, "shop", None, "ada") == Place()


def test_what_the_list_knows_goes_into_the_ledger_once(tmp_path: Path) -> None:
    project = make_project(tmp_path, competition(), "id,bought\n007,0\n")
    files = [tmp_path / f"{k}.csv" for k in range(3)]
    for file in files:
        file.write_text(file.name)
    sent = record_intent(project, None, files[0], "", None)
    record_outcome(project, None, sent, "sent", ref=1)
    lost = record_intent(project, None, files[1], "", None)
    again = record_intent(project, None, files[2], "", None, known=[3])
    tags = [f"[aicomp {entry['sha256'][:12]}]" for entry in (sent, lost, again)]
    posted = [
        Posted(1, description="edited by hand", status="complete", public_score=0.5),
        Posted(2, description=tags[1], status="error", error="wrong ids"),
        Posted(3, description=tags[2], status="complete", public_score=0.6),
    ]
    refresh(project, "kaggle", posted)
    known = {a.id: a for a in read_ledger(project)}
    assert (known[sent["id"]].status, known[sent["id"]].score) == ("complete", 0.5)
    assert (known[lost["id"]].status, known[lost["id"]].ref, known[lost["id"]].error) == ("error", 2, "wrong ids")
    # Submission 3 stood there before: it is not what the third file's interrupted try has become.
    assert (known[again["id"]].status, known[again["id"]].ref) == ("unknown", None)
    ledger = project.folder / "submissions" / "ledger.jsonl"
    before = ledger.read_text()
    refresh(project, "kaggle", posted)
    assert ledger.read_text() == before
