"""The pages as any browser without JavaScript gets them."""

import asyncio
import io
import zipfile
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hosting import Clock, local_host, submission_text, write_competition
from web_visitor import visitor, words

from aicomp.host.app import create_app
from aicomp.host.teams import renew_token, team_of_token
from aicomp.host.web.session import MOST_TRIES, SESSION_COOKIE, SESSION_SECONDS

HOSTILE = "<script>alert('x')</script>"
PAGES = ("", "/data", "/leaderboard", "/submissions", "/rules")
DEADLINE = datetime(2026, 3, 8, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    write_competition(
        tmp_path / "toy",
        title="Toy & <i>friends</i>",
        description=f"# Task\n\nPredict *y*.\n\n### Hints\n\n{HOSTILE} [bad](javascript:alert(1)) ![pic](http://x.example/p.png)",
        deadline=DEADLINE,
        reward="Knowledge",
        usage="PPPPPVVVVV",
        rules="Be fair.",
        selection="selected",
    )
    write_competition(tmp_path / "open-end", title="Open end")
    return tmp_path


@pytest.fixture
def local(folder):
    with local_host(folder, clock=Clock()) as found:
        yield found


@pytest.fixture
def guest(local):
    with visitor(local.url) as found:
        yield found


def test_the_list_shows_each_competition_with_its_facts(local, guest):
    ada = local.team()
    ada.wait(ada.submit("toy", submission_text([0] * 10)))
    text = words(guest.get("/"))
    assert "Toy &amp; &lt;i&gt;friends&lt;/i&gt; Predict y." in text
    assert "Metric mae Teams 1 Closes in 6 days Reward Knowledge" in text
    assert "Open end Metric mae Teams 0 Closes never" in text


def test_a_guest_reads_everything_but_cannot_act(guest):
    for page in PAGES:
        assert "Sign in" in guest.get(f"/competitions/toy{page}").text
    assert "data/files/" not in guest.get("/competitions/toy/data").text
    landed = guest.get("/competitions/toy/data/files/train.csv")
    assert landed.url.path == "/sign-in"
    assert guest.get("/competitions/toy/submissions.json", 401).json()["message"].startswith("You are signed out")


def test_a_description_cannot_bring_markup_scripts_or_images(guest):
    page = guest.get("/competitions/toy").text
    assert "<h2>Task</h2>" in page
    assert "<h3>Hints</h3>" in page
    assert "<em>y</em>" in page
    assert "&lt;script&gt;" in page
    for harm in (HOSTILE, "<img", 'href="javascript'):
        assert harm not in page


def test_every_answer_forbids_what_pages_never_need(guest):
    for path, status in (("/", 200), ("/sign-in", 200), ("/nothing", 404), ("/competitions/toy/leaderboard.json", 200)):
        headers = guest.get(path, status).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


def test_static_files_are_cached_for_good_at_an_address_of_their_content(guest):
    page = guest.get("/").text
    address = page.split('<script type="module" src="')[1].split('"')[0]
    response = guest.get(address)
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["Content-Type"].startswith("text/javascript")
    assert guest.get("/static/old/app.js").headers["Cache-Control"] == "no-cache"
    guest.get("/static/old/..%2fpages.py", 404)
    guest.get("/static/old/pages.py", 404)


def test_sign_in_leads_back_and_sign_out_ends_it(local, guest):
    token = local.team("Ada <3").token
    landed = guest.sign_in(token, "/sign-in?next=/competitions/toy/data")
    assert landed.url.path == "/competitions/toy/data"
    assert "Ada &lt;3" in landed.text
    set_cookie = landed.history[0].headers["Set-Cookie"]
    for part in (SESSION_COOKIE, "HttpOnly", "SameSite=strict"):
        assert part in set_cookie
    assert token not in guest.http.cookies.values()
    cookie = guest.http.cookies[SESSION_COOKIE]
    assert cookie not in local.host.database.path.read_bytes().decode("latin-1")
    assert "Sign in" in guest.send("/", "/sign-out").text
    guest.http.cookies.set(SESSION_COOKIE, cookie)
    assert "Ada" not in guest.get("/").text


def test_sign_in_leads_nowhere_else(local, guest):
    assert guest.sign_in(local.team().token, "/sign-in?next=//evil.example/").url.path == "/"


@pytest.mark.parametrize("end", ["time", "token"])
def test_a_session_ends_with_its_time_and_with_the_token(local, guest, end):
    token = local.team().token
    assert "Sign out" in guest.sign_in(token).text
    if end == "time":
        local.clock.now += timedelta(seconds=SESSION_SECONDS + 1)
    else:
        renew_token(local.host.database, team_of_token(local.host.database, token))
    assert "Sign out" not in guest.get("/").text


def test_a_wrong_token_is_refused_and_many_are_slowed_down(local, guest):
    for _ in range(MOST_TRIES):
        refused = guest.send("/sign-in", "/sign-in", 403, token="wrong")
    assert "No team has this token" in refused.text
    assert "wrong" not in refused.text
    slowed = guest.send("/sign-in", "/sign-in", 429, token=local.team().token)
    assert 0 < int(slowed.headers["Retry-After"]) <= 301
    assert "Wait 5 minutes" in slowed.text


@pytest.mark.parametrize("csrf", ["", "0" * 64])
def test_a_forged_form_changes_nothing(local, guest, csrf):
    team = local.team(accept_rules=False)
    guest.sign_in(team.token)
    response = guest.http.post("/competitions/toy/rules", data={"csrf": csrf})
    assert response.status_code == 403
    assert "out of date" in response.text
    assert "Read and accept" in guest.get("/competitions/toy").text
    assert guest.http.post("/sign-out", data={"csrf": csrf}).status_code == 403
    assert "Sign out" in guest.get("/").text


def test_a_form_that_is_too_large_is_refused(guest):
    response = guest.http.post("/sign-in", data={"token": "x" * 100_000})
    assert response.status_code == 413


def test_data_open_once_the_rules_are_accepted(local, guest):
    guest.sign_in(local.team(accept_rules=False).token)
    refused = guest.get("/competitions/toy/data/files/train.csv", 403)
    assert "You must accept this competition&#39;s rules" in refused.text
    assert 'href="/competitions/toy/rules"' in refused.text
    assert "Be fair." in guest.get("/competitions/toy/rules").text
    accepted = guest.send("/competitions/toy/rules", "/competitions/toy/rules")
    assert "Your team has accepted the rules" in words(accepted)
    file = guest.get("/competitions/toy/data/files/train.csv")
    assert file.text.startswith("id,x,y\n")
    assert file.url.path == "/bucket/data/toy/train.csv"
    archive = zipfile.ZipFile(io.BytesIO(guest.get("/competitions/toy/data/all").content))
    assert archive.namelist() == ["sample_submission.csv", "test.csv", "train.csv"]


@pytest.mark.parametrize("name", ["solution.csv", "host.toml", "..%2ftoy%2fsolution.csv", "nothing.csv"])
def test_what_is_withheld_cannot_be_had(local, guest, name):
    guest.sign_in(local.team().token)
    assert "no file of that name" in guest.get(f"/competitions/toy/data/files/{name}", 404).text


@pytest.mark.parametrize("path", ["/nothing", "/competitions/nothing", "/competitions/nothing/leaderboard"])
def test_an_error_is_a_page_that_leads_on(guest, path):
    text = words(guest.get(path, 404))
    assert "Nothing here" in text
    assert "All competitions" in text


def test_the_private_board_opens_after_the_deadline(local, guest):
    teams = {name: local.team(name) for name in ("Ada", HOSTILE)}
    # Of the rows 0 to 9 the first five are public: Ada is right there, the other team on the private ones.
    scores = {"Ada": [0, 1, 2, 3, 4, 0, 0, 0, 0, 0], HOSTILE: [9, 9, 9, 9, 9, 5, 6, 7, 8, 9]}
    for name, team in teams.items():
        team.wait(team.submit("toy", submission_text(scores[name])))
    guest.sign_in(teams["Ada"].token)
    page = guest.get("/competitions/toy/leaderboard")
    assert "1 Ada your team 0.00000 1 just now" in words(page)
    assert f"2 {'&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;'} 7.00000" in words(page)
    assert HOSTILE not in page.text
    assert "Not open yet" in guest.get("/competitions/toy/leaderboard?board=private", 403).text

    local.clock.now = DEADLINE + timedelta(seconds=1)
    opened = words(guest.get("/competitions/toy/leaderboard"))
    assert "Private board" in opened
    assert "▲ 1 up from the public board 0.00000" in opened
    assert "2 Ada your team ▼ 1 down from the public board 7.00000" in opened
    assert "1 Ada your team" in words(guest.get("/competitions/toy/leaderboard?board=public"))


def test_the_board_for_scripts_changes_its_version_with_the_scores(local, guest):
    ada = local.team()
    before = guest.get("/competitions/toy/leaderboard.json").json()
    assert before["rows"] == []
    ada.wait(ada.submit("toy", submission_text(range(10))))
    response = guest.get("/competitions/toy/leaderboard.json")
    after = response.json()
    assert after["version"] != before["version"]
    assert response.headers["ETag"] == f'"{after["version"]}"'
    assert after["board"] == "public"
    assert after["greaterIsBetter"] is False
    row = {"rank": 1, "team": "Ada", "score": 0.0, "submitted": "2026-03-01T12:00:00Z", "entries": 1, "medal": ""}
    assert after["rows"] == [{**row, "teamId": 1, "own": False}]
    assert guest.get("/competitions/toy/leaderboard.json").json() == after
    known = {"If-None-Match": response.headers["ETag"]}
    assert guest.get("/competitions/toy/leaderboard.json", 304, headers=known).content == b""
    ada.wait(ada.submit("toy", submission_text(range(10))))
    assert guest.get("/competitions/toy/leaderboard.json", headers=known).json()["rows"][0]["entries"] == 2


def test_empty_pages_say_what_to_do(local, guest):
    assert "Be the first" in guest.get("/competitions/toy/leaderboard").text
    guest.sign_in(local.team(accept_rules=False).token)
    assert "Accept the rules , then upload" in words(guest.get("/competitions/toy/submissions"))


def test_a_fault_is_a_page_that_tells_nothing(local, monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("inner secret")

    monkeypatch.setattr("aicomp.host.web.competitions.leaderboard", fail)

    async def ask(*, raising):
        transport = httpx.ASGITransport(create_app(local.host), raise_app_exceptions=raising)
        async with httpx.AsyncClient(transport=transport, base_url=local.url) as http:
            return await http.get("/competitions/toy/leaderboard", headers={"Accept": "text/html"})

    response = asyncio.run(ask(raising=False))
    assert response.status_code == 500
    assert "That went wrong here" in response.text
    assert "inner secret" not in response.text
    with pytest.raises(RuntimeError, match="inner secret"):  # so that the server logs it
        asyncio.run(ask(raising=True))


def test_health(guest):
    assert guest.get("/healthz").text == "ok\n"
