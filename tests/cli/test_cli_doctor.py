"""`aicomp doctor` as a user meets it, against a server on this machine."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from one_competition import RULES, one_competition
from synthetic import init_project, write_folder

from aicomp.checkup import Check, check_disk, exit_code
from aicomp.cli.main import main
from aicomp.kaggle import doctor as checks
from aicomp.kaggle.competitions import CompetitionInfo
from aicomp.kaggle.endpoint import Endpoint

pytest_plugins = ["kaggle_fixtures"]


@pytest.fixture
def home(no_credentials, tmp_path, monkeypatch):
    """The folder of Kaggle's files; the current directory lies in no project."""
    monkeypatch.setenv("AICOMP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("aicomp.kaggle.patience.FIRST_PAUSE", 0.0)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return no_credentials


@pytest.fixture
def shop(home, tmp_path, monkeypatch):
    with one_competition("shop", write_folder(tmp_path / "shop")) as server:
        monkeypatch.setenv("AICOMP_HOST", server.url)
        monkeypatch.setenv("AICOMP_TOKEN", "good")
        yield server


def examined(capsys, *arguments):
    """Exit code, the object on stdout, and the checks by their names."""
    code = main(["doctor", *arguments, "--json"])
    said = capsys.readouterr()
    content = json.loads(said.out)
    assert content["exit_code"] == code
    by_name = {}
    for check in content["checks"]:
        by_name.setdefault(check["name"], []).append(check)
    return code, content, by_name


def test_all_is_well(shop, capsys):
    code, content, found = examined(capsys, "shop")
    assert code == 0
    assert (content["host"], content["competition"], content["status"]) == (shop.url, "shop", "ok")
    assert "error" not in content
    details = {name: [c["detail"] for c in group] for name, group in found.items()}
    assert details["credentials"] == ["used: `AICOMP_TOKEN` (a token of ada)"]
    assert details["network"] == [f"{shop.url} answers"]
    assert details["competition"] == [f"Shop, {shop.url}/competitions/shop"]
    assert details["rules"] == ["accepted, and the competition is entered"]
    assert details["deadline"][0].startswith("2999-01-01 00:00 UTC, ")
    assert details["submissions"] == ["4 left today, 1 sent"]
    assert details["takes"] == ["files: `aicomp submit`"]
    assert details["metric"] == ["`Area Under Receiver Operating Characteristic Curve`, here roc_auc"]
    sizes = sum(map(len, shop.files.values()))
    assert details["files"][0].startswith(f"3, {sizes / 1000:.3g} kB: sample_submission.csv (")
    assert details["disk"][0].endswith(f"{sizes / 1000:.3g} kB needed")
    assert "bucket" not in "".join(shop.calls)
    assert [c for c in shop.calls if c.endswith(".csv")] == []  # nothing was downloaded


def test_for_people_a_line_per_check_and_the_page_to_open(shop, capsys):
    shop.rules_accepted, shop.facts["userHasEntered"] = False, False
    assert main(["doctor", "shop"]) == 5
    said = capsys.readouterr()
    lines = said.out.splitlines()
    at = lines.index("FAILED  rules          not accepted: no file may be downloaded")
    assert lines[at + 1] == f"{'':23}hint: open {shop.url}/competitions/shop/rules and accept them"
    assert (said.err, lines[0][:23]) == ("", "ok      versions       ")


def test_what_failed_is_an_error_for_programs(shop, capsys):
    shop.rules_accepted = False
    code, content, _ = examined(capsys, "shop")
    assert code == 5
    assert content["error"] == {
        "code": 5,
        "message": "rules: not accepted: no file may be downloaded",
        "hint": f"open {shop.url}/competitions/shop/rules and accept them",
    }
    assert RULES not in content["error"]["message"]


def test_a_competition_that_is_not_there(shop, capsys):
    code, content, found = examined(capsys, "shops")
    assert (code, content["status"]) == (5, "failed")
    assert found["competition"][0]["hint"] == "did you mean `shop`?"
    assert "rules" not in found


def test_what_stands_out_is_a_warning_and_no_failure(shop, capsys):
    shop.facts |= {
        "deadline": "2001-01-01T00:00:00.000Z",
        "isKernelsSubmissionsOnly": True,
        "evaluationMetric": "Root Mean Squared Log Scaled Error",
        "userHasEntered": False,
    }
    shop.limits = {"numToday": 5, "numTotal": 9}
    code, content, found = examined(capsys, "shop")
    assert (code, content["status"]) == (0, "warning")
    assert found["deadline"][0]["hint"] == "what is sent now does not rank"
    assert found["submissions"][0]["detail"] == "none is left today"
    assert found["takes"][0]["detail"] == "notebooks, and no files: `aicomp submit --notebook`"
    detail = "`Root Mean Squared Log Scaled Error` is no metric of aicomp; the nearest names: "
    assert found["metric"][0]["detail"].startswith(detail)
    assert "rmsle" in found["metric"][0]["detail"].removeprefix(detail)
    assert found["rules"][0]["detail"] == "accepted, and the competition is not entered"
    warned = {name for name, group in found.items() if group[0]["status"] == "warning"}
    assert warned == {"deadline", "submissions", "metric", "rules"}


# Credentials


def test_every_credential_is_listed_and_its_value_is_not(shop, home, capsys, monkeypatch):
    monkeypatch.delenv("AICOMP_TOKEN")
    monkeypatch.setenv("KAGGLE_API_TOKEN", "good")
    monkeypatch.setenv("KAGGLE_USERNAME", "ada")
    monkeypatch.setenv("KAGGLE_KEY", "s3cret-key")
    (home / "access_token").write_text("s3cret-token\n")
    (home / "access_token").chmod(0o644)
    (home / "kaggle.json").write_text("{broken")
    (home / "kaggle.json").chmod(0o600)
    assert main(["doctor"]) == 0
    said = capsys.readouterr()
    assert "s3cret" not in said.out + said.err
    credentials = [line for line in said.out.splitlines() if " credentials " in line]
    assert [line.split(" credentials ")[1].strip() for line in credentials] == [
        "used: `KAGGLE_API_TOKEN` (a token of ada)",
        f"not used: `{home}/access_token` (a token); another one comes first",
        "not used: `KAGGLE_USERNAME` and `KAGGLE_KEY` (a key); another one comes first",
        f'not used: `{home}/kaggle.json` is not of the form {{"username": "...", "key": "..."}}',
        f"`{home}/access_token` is open to other users (mode 644)",
    ]
    assert f"hint: chmod 600 {home}/access_token" in said.out


def test_a_dead_token_that_shadows_a_good_key(shop, home, capsys, monkeypatch):
    monkeypatch.delenv("AICOMP_TOKEN")
    monkeypatch.setenv("KAGGLE_API_TOKEN", "dead")
    (home / "kaggle.json").write_text('{"username": "ada", "key": "key"}')
    (home / "kaggle.json").chmod(0o600)
    code, content, found = examined(capsys, "shop")
    assert code == 4
    first, second = found["credentials"]
    assert first["detail"] == (
        f"{shop.url} does not accept the credentials of `KAGGLE_API_TOKEN`: Unauthorized; it comes before "
        f"`{home}/kaggle.json`, which works"
    )
    assert first["hint"] == "unset or remove `KAGGLE_API_TOKEN`, or put a new token there"
    assert second["detail"].startswith(f"not used: `{home}/kaggle.json` (a key), which works")
    assert content["error"]["code"] == 4
    assert "competition" not in found


def test_two_dead_ones(shop, home, capsys, monkeypatch):
    (home / "access_token").write_text("dead too")
    (home / "access_token").chmod(0o600)
    monkeypatch.setenv("AICOMP_TOKEN", "dead")
    code, _, found = examined(capsys)
    assert code == 4
    assert [c["detail"].rpartition(": ")[2] for c in found["credentials"][:1]] == ["Unauthorized"]
    assert "which is not accepted either" in found["credentials"][1]["detail"]


def test_no_credentials(shop, capsys, monkeypatch):
    monkeypatch.delenv("AICOMP_TOKEN")
    code, content, _ = examined(capsys, "shop")
    assert code == 4
    assert content["error"]["message"] == f"credentials: there are no credentials for {shop.url}"
    assert content["error"]["hint"].startswith("set `AICOMP_TOKEN` to your token of that host")


def test_a_project_may_not_have_kaggles_token_for_the_host_that_it_names(shop, tmp_path, capsys, monkeypatch):
    project = init_project(tmp_path)
    contract = project / "competition.toml"
    contract.write_text(contract.read_text().replace('slug = "binary"', f'slug = "shop"\nhost = "{shop.url}"'))
    for name in ("AICOMP_HOST", "AICOMP_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("KAGGLE_API_TOKEN", "good")
    capsys.readouterr()
    code, content, _ = examined(capsys, "--project", str(project))
    assert (code, content["host"]) == (4, shop.url)
    assert "`AICOMP_TOKEN` is not set" in content["error"]["message"]
    assert "IntrospectToken" not in shop.calls


# Network and machine


def test_no_network_is_said_once_and_nothing_else_is_asked(home, capsys, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "good")
    with one_competition("shop") as server:
        url = server.url
    code, _, found = examined(capsys, "shop", "--host", url)
    assert code == 6
    assert found["network"][0]["detail"] == f"{url} cannot be reached: no connection"
    assert found["credentials"][0]["detail"] == "used: `KAGGLE_API_TOKEN` (a token), not tried"
    assert set(found) == {"versions", "device", "network", "credentials", "disk"}


def test_a_proxy_is_named_without_its_password(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://ada:s3cret@proxy.example:3128")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert checks.proxy_of("http://api.example") == "proxy.example:3128"
    monkeypatch.setenv("no_proxy", "api.example")
    assert checks.proxy_of("http://api.example") == ""


def test_a_dead_proxy_is_said(shop, monkeypatch):
    with one_competition("gone") as gone:
        port = gone.port
    monkeypatch.setenv("http_proxy", f"http://ada:s3cret@127.0.0.1:{port}")
    monkeypatch.setenv("no_proxy", "")
    check = checks.check_network(Endpoint("http://api.example"))
    assert (check.status, check.exit_code) == ("failed", 6)
    assert check.detail.startswith(f"http://api.example cannot be reached by the proxy 127.0.0.1:{port}: ")
    assert check.hint == "check `https_proxy` and `http_proxy`"


def test_a_disk_without_room(tmp_path):
    check = check_disk(tmp_path / "not" / "there", 10**18)
    assert (check.status, check.exit_code) == ("failed", 1)
    assert check.detail.startswith(f"1e+06 TB are needed in `{tmp_path}/not/there` and ")


def test_the_worst_check_gives_the_exit_code():
    codes = [Check(str(code), "failed", "", exit_code=code) for code in (1, 5, 6, 4)]
    assert [exit_code(codes[:n]) for n in range(5)] == [0, 1, 5, 6, 4]
    assert exit_code([Check("deadline", "warning", "")]) == 0


@pytest.mark.parametrize(
    ("deadline", "status", "detail"),
    [
        (None, "ok", "none is said"),
        (datetime(2030, 1, 3, tzinfo=UTC), "ok", "2030-01-03 00:00 UTC, 2 days left"),
        (datetime(2030, 1, 1, 5, tzinfo=UTC), "warning", "2030-01-01 05:00 UTC, 5 hours left"),
        (datetime(2029, 12, 31, tzinfo=UTC), "warning", "2029-12-31 00:00 UTC, 1 day ago"),
    ],
)
def test_the_deadline(deadline, status, detail):
    info = CompetitionInfo("s", "S", "", "", deadline, 0, True, False, False, 0, None, "", "")
    check = checks.check_deadline(info, datetime(2030, 1, 1, tzinfo=UTC))
    assert (check.status, check.detail) == (status, detail)


# In a project


def test_inside_a_project_its_competition_is_meant(shop, tmp_path, capsys, monkeypatch):
    project = init_project(tmp_path)
    contract = project / "competition.toml"
    contract.write_text(contract.read_text().replace('slug = "binary"', f'slug = "shop"\nhost = "{shop.url}"'))
    (project / "data" / "raw" / "test.csv").unlink()
    monkeypatch.chdir(project / "data")
    capsys.readouterr()
    code, content, found = examined(capsys)
    assert (code, content["competition"]) == (0, "shop")
    assert (found["data"][0]["status"], found["data"][0]["detail"]) == ("warning", "`data/raw/test.csv` is missing")


def test_a_clone_is_told_how_its_data_comes_back(home, capsys, monkeypatch):
    assert main(["init", "iris"]) == 0
    monkeypatch.chdir("iris")
    Path("data", "manifest.json").unlink()
    capsys.readouterr()
    [check] = examined(capsys)[2]["data"]
    assert (check["status"], check["detail"]) == ("warning", f"`{Path.cwd()}` has no data yet")
    assert check["hint"] == f"run `aicomp init --data-only --into {Path.cwd()}`"
    assert main(["init", "--data-only", "--into", str(Path.cwd())]) == 0


def test_an_embedded_competition_needs_no_network(home, capsys, monkeypatch):
    assert main(["init", "iris"]) == 0
    monkeypatch.chdir("iris")
    capsys.readouterr()
    code, content, found = examined(capsys)
    assert (code, content["status"]) == (0, "ok")
    assert "network" not in found
    assert found["competition"][0]["detail"] == "`iris` is embedded: it needs neither network nor account"
