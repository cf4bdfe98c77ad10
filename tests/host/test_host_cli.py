"""`aicomp host` as it is typed."""

import json
import signal
import subprocess
import sys

import httpx
import pytest
from hosting import Client, local_host, running_host, write_competition

from aicomp.cli.main import main
from aicomp.host.database import FILE_NAME, Database
from aicomp.host.demo import write_demo
from aicomp.host.teams import list_teams, team_of_token


def run(capsys, *words):
    code = main(["host", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_team_is_made_and_its_token_shown_once(tmp_path, capsys):
    code, out, err = run(capsys, "team", "Ada Lovelace", "--state", tmp_path, "--json")
    content = json.loads(out)
    assert (code, content["team"], content["user_name"]) == (0, "Ada Lovelace", "ada-lovelace")
    assert "the token is shown once" in err
    db = Database(tmp_path / FILE_NAME)
    assert team_of_token(db, content["token"]).name == "Ada Lovelace"
    code, out, err = run(capsys, "team", "ada lovelace", "--state", tmp_path)
    assert (code, out) == (2, "")
    assert err.startswith("error: there is a team `ada lovelace` already\n")
    assert run(capsys, "team", "Ada-Lovelace", "--state", tmp_path)[0] == 0
    assert [team.user_name for team in list_teams(db)] == ["ada-lovelace", "ada-lovelace-2"]


def test_a_team_made_beside_a_running_host_is_known_to_it(tmp_path, capsys):
    write_competition(tmp_path / "shop")
    with local_host(tmp_path) as local:
        _, out, _ = run(capsys, "team", "Ada", tmp_path, "--accept-rules")
        team = Client(local.http, out.strip())
        assert team.call("ListCompetitions")["competitions"][0]["userHasEntered"] is True
        _, out, _ = run(capsys, "team", "Ben", tmp_path)
        assert "userHasEntered" not in Client(local.http, out.strip()).call("ListCompetitions")["competitions"][0]


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ([], "no folder is named", "aicomp host --demo"),
        (["nowhere"], "`nowhere` is no folder", "name the folder"),
        (["a", "b"], "`b` is one word too many", "aicomp host DIR"),
        (["team"], "name the team and the host's folder", "aicomp host team NAME --state DIR"),
        (["check", "nowhere"], "`nowhere` is no folder", "name the folder of one competition"),
        (["team", "Ada", "nowhere"], "`nowhere` is no folder", "name the folder that `aicomp host` serves"),
        (["team", "Ada"], "the host's folder is not named", "aicomp host team Ada --state DIR"),
        (["nowhere", "--demo"], "`--demo` serves the embedded competitions", "leave one out"),
        (["nowhere", "--token", "x"], "`--token` is for `--demo`", "aicomp host team"),
        (["nowhere", "--port", "70000"], "less than or equal to 65535", "aicomp host --help"),
    ],
)
def test_wrong_usage(tmp_path, monkeypatch, capsys, words, message, hint):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert message in err.partition("\n\nhint: ")[0]
    assert hint in err.partition("\n\nhint: ")[2]
    assert not list(tmp_path.iterdir())


def test_without_the_extra_the_hint_says_how_to_get_it(tmp_path, monkeypatch, capsys):
    from aicomp.cli import host

    monkeypatch.setattr(host, "find_spec", lambda name: None if name == "uvicorn" else object())
    assert run(capsys, tmp_path) == (2, "", "error: the host needs uvicorn\n\nhint: run `pip install 'aicomp[host]'`\n")


def test_two_servers_do_not_share_a_state_folder(tmp_path, capsys):
    write_competition(tmp_path / "shop")
    with running_host(tmp_path, "Ada") as running:
        assert httpx.get(f"{running.url}/healthz", trust_env=False).status_code == 200
        code, _, err = run(capsys, tmp_path, "--port", 0)
        assert code == 2
        assert err.startswith("error: another server uses `")
        port = running.url.rpartition(":")[2]
        code, _, err = run(capsys, tmp_path, "--port", port, "--state", tmp_path / "other")
        assert code == 2
        assert f"cannot listen at 127.0.0.1, port {port}" in err


def test_a_folder_that_is_named_from_here_is_found_from_everywhere(tmp_path, monkeypatch, capsys):
    write_competition(tmp_path / "all" / "shop")
    served = []
    monkeypatch.setattr("aicomp.host.server.serve", lambda *words, **named: served.append(words))
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "all") == (0, "", "")
    [(competitions, settings)] = served
    assert settings.state == tmp_path / "all" / ".aicomp-host"
    shop = competitions["shop"]
    assert (shop.folder, shop.solution) == (tmp_path / "all" / "shop", tmp_path / "all" / "shop" / "solution.csv")


@pytest.mark.slow
def test_the_demo_serves_the_embedded_competitions_and_stops_with_ctrl_c(tmp_path):
    words = ["host", "--demo", "--state", str(tmp_path), "--port", "0", "--json", "--token", "a-token-0123456789"]
    process = subprocess.Popen(
        [sys.executable, "-m", "aicomp", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    content = json.loads(process.stdout.readline())
    assert content["competitions"] == ["breast-cancer", "diabetes", "digits", "iris", "wine"]
    assert (content["team"], content["token"], content["state"]) == ("demo", "a-token-0123456789", str(tmp_path))
    with httpx.Client(base_url=content["url"], trust_env=False, timeout=60) as http:
        team = Client(http, content["token"])
        place = team.post("DownloadDataFile", competitionName="iris", fileName="sample_submission.csv")
        sample = http.get(place.headers["location"]).content
        # Every row of the sample says "setosa", one of three equally frequent species.
        assert team.wait(team.submit("iris", sample))["publicScore"].startswith("0.3")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert f"serving on {content['url']}" in err
    assert err.endswith("stopped\n")


def test_a_check_prints_one_object_and_ends_with_3_where_a_folder_cannot_be_hosted(tmp_path, capsys):
    write_demo(tmp_path)
    folder = tmp_path / "iris"
    code, out, err = run(capsys, "check", folder, "--json")
    assert (code, err, json.loads(out)["folder"]) == (0, "", str(folder))
    (folder / "solution.csv").unlink()
    code, out, err = run(capsys, "check", folder, "--json")
    assert (code, err) == (3, "")
    assert json.loads(out)["problems"][0]["severity"] == "error"
