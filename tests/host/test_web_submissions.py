"""Uploads by the form, the list of a team's submissions, and the choice for the private board."""

import pytest
from hosting import Clock, local_host, submission_text, write_competition
from web_visitor import visitor, words

from aicomp.host.teams import team_of_token

HOSTILE = "<img src=x onerror=alert(1)>"
ADDRESS = "/competitions/toy/submissions"
MOST_BYTES = 20_000


@pytest.fixture
def local(tmp_path):
    write_competition(tmp_path / "toy", selection="selected", max_daily_submissions=5)
    write_competition(tmp_path / "notebooks", notebook_only=True)
    with local_host(tmp_path, clock=Clock(), max_submission_bytes=MOST_BYTES) as found:
        yield found


@pytest.fixture
def ada(local):
    return local.team()


@pytest.fixture
def page(local, ada):
    with visitor(local.url) as found:
        found.sign_in(ada.token)
        yield found


def stored(local, ada):
    return local.host.submissions.of_team(team_of_token(local.host.database, ada.token), "toy")


def test_a_posted_file_becomes_a_submission(local, ada, page):
    fields = {"description": f" {HOSTILE} "}
    response = page.upload("toy", submission_text(range(10)), f"{HOSTILE}.csv", fields=fields)
    assert response.status_code == 200
    assert str(response.url).endswith(f"{ADDRESS}?done=submitted#submission-1")
    assert "Your file arrived" in response.text
    ada.wait(1)
    shown = page.get(ADDRESS)
    assert HOSTILE not in shown.text
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown.text
    assert "Scored 0.00000" in words(shown)
    found = stored(local, ada)[0]
    assert found.description == HOSTILE
    assert local.host.uploads.get(found.blob_token).path.read_text() == submission_text(range(10))
    assert list((local.host.settings.state / "incoming").iterdir()) == []


def test_a_script_is_told_the_number(page):
    response = page.upload("toy", submission_text(range(10)), headers={"Accept": "application/json"})
    assert response.status_code == 201
    assert response.json() == {"ref": 1, "url": f"{ADDRESS}#submission-1"}


def test_why_a_file_cannot_be_scored_is_shown(ada, page):
    page.upload("toy", submission_text(range(9)))
    error = ada.wait(1)["errorDescription"]
    assert "10 rows" in error
    assert "Error – none – cannot be selected" in words(page.get(ADDRESS))
    assert error in words(page.get(ADDRESS))


@pytest.mark.parametrize("wanted", ["text/html", "application/json"])
def test_a_file_that_is_too_large_is_refused(local, ada, page, wanted):
    response = page.upload("toy", "x" * (MOST_BYTES + 1), headers={"Accept": wanted})
    assert response.status_code == 413
    assert "more than the 20,000 bytes" in response.text
    assert stored(local, ada) == []
    assert list((local.host.settings.state / "incoming").iterdir()) == []


def test_a_forged_upload_is_refused(local, ada, page):
    response = page.upload("toy", submission_text(range(10)), fields={"csrf": "0" * 64})
    assert response.status_code == 403
    assert stored(local, ada) == []


def test_the_token_of_the_form_must_come_before_the_file(local, ada, page):
    csrf = page.fields(ADDRESS, ADDRESS)["csrf"]
    files = [("file", ("a.csv", submission_text(range(10)))), ("csrf", (None, csrf))]
    assert page.http.post(ADDRESS, files=files).status_code == 403
    assert stored(local, ada) == []


FORM = "multipart/form-data; boundary=x"
FIELD = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'


@pytest.mark.parametrize(
    ("content", "content_type", "message"),
    [
        (b"a=b", "application/x-www-form-urlencoded", "Send the file with the form"),
        (b"", "multipart/form-data", "Send the file with the form"),
        (b"nonsense", FORM, "The form cannot be read"),
        (FIELD + b"b\r\n--x--\r\n", FORM, "No file came with the form"),
        (FIELD + b"b" * 20_000, FORM, "The field a is too long"),
        ((FIELD + b"b\r\n") * 30, FORM, "too many parts"),
    ],
)
def test_what_is_no_form_with_a_file_is_refused(page, content, content_type, message):
    response = page.http.post(ADDRESS, content=content, headers={"Content-Type": content_type})
    assert response.status_code == 400
    assert message in response.text


def test_a_guest_cannot_upload(local):
    with visitor(local.url) as guest:
        response = guest.http.post(ADDRESS, files={"file": ("a.csv", "x")})
        assert response.url.path == "/sign-in"
        response = guest.http.post(ADDRESS, files={"file": ("a.csv", "x")}, headers={"Accept": "application/json"})
        assert response.status_code == 401


def test_a_notebook_competition_takes_no_file(page):
    shown = page.get("/competitions/notebooks/submissions").text
    assert '<input type="file"' not in shown
    assert "kaggle kernels push" in shown
    csrf = page.fields(ADDRESS, ADDRESS)["csrf"]
    response = page.http.post(
        "/competitions/notebooks/submissions", data={"csrf": csrf}, files={"file": ("a.csv", "x")}
    )
    assert response.status_code == 400
    assert "only accepts Submissions from Notebooks" in response.text


def test_the_daily_limit_is_shown_and_held(ada, page):
    for left in (5, 4, 3, 2, 1):
        assert f"{left} of 5 left today" in words(page.get(ADDRESS))
        assert page.upload("toy", submission_text(range(10))).status_code == 200
    assert "None of 5 left today" in words(page.get(ADDRESS))
    refused = page.upload("toy", submission_text(range(10)))
    assert refused.status_code == 400
    assert "daily Submission allowance" in refused.text
    assert f'href="{ADDRESS}"' in refused.text


def test_up_to_two_are_selected(ada, page):
    for _ in range(3):
        page.upload("toy", submission_text(range(10)))
    for ref in (1, 2, 3):
        ada.wait(ref)
    page.send(ADDRESS, f"{ADDRESS}/1/selection")
    assert "You may select one more" in page.get(ADDRESS).text
    page.send(ADDRESS, f"{ADDRESS}/3/selection")
    assert "2 of 2 selected" in words(page.get(ADDRESS))
    refused = page.send(ADDRESS, f"{ADDRESS}/2/selection", 400)
    assert "up to 2 submissions" in refused.text
    csrf = page.fields(ADDRESS, f"{ADDRESS}/1/selection")["csrf"]
    unknown = page.http.post(f"{ADDRESS}/{10**30}/selection", data={"csrf": csrf, "on": "1"})
    assert unknown.status_code == 404
    page.send(ADDRESS, f"{ADDRESS}/1/selection")
    shown = page.get(f"{ADDRESS}.json").json()["submissions"]
    assert [s["selected"] for s in shown] == [True, False, False]


def test_the_list_for_scripts(ada, page):
    before = page.get(f"{ADDRESS}.json").json()
    assert before["submissions"] == []
    page.upload("toy", submission_text(range(10)), fields={"description": "first"})
    ada.wait(1)
    after = page.get(f"{ADDRESS}.json").json()
    assert after["version"] != before["version"]
    assert after["leftToday"] == 4
    row = after["submissions"][0]
    assert (row["ref"], row["status"], row["publicScore"], row["privateScore"]) == (1, "COMPLETE", 0.0, None)
    assert (row["description"], row["submitted"], row["late"]) == ("first", "2026-03-01T12:00:00Z", False)


def test_a_team_sees_its_own_submissions_alone(local, ada, page):
    page.upload("toy", submission_text(range(10)))
    ada.wait(1)
    with visitor(local.url) as other:
        other.sign_in(local.team("Eve").token)
        assert "No submissions yet" in other.get(ADDRESS).text
        csrf = other.fields(ADDRESS, ADDRESS)["csrf"]
        response = other.http.post(f"{ADDRESS}/1/selection", data={"csrf": csrf, "on": "1"})
        assert response.status_code == 404
    assert not stored(local, ada)[0].selected


def test_a_visitor_that_hangs_up_leaves_nothing_behind(local, ada, page):
    csrf = page.fields(ADDRESS, ADDRESS)["csrf"]
    head = (
        f'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{csrf}\r\n'
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nid,y\n'
    )

    def body():
        yield head.encode()
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        page.http.post(ADDRESS, content=body(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert page.upload("toy", submission_text(range(10))).status_code == 200
    assert [s.ref for s in stored(local, ada)] == [1]
