import json
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import KaggleServer
from submission_cases import competition, make_project, make_run

from aicomp.cli.main import main
from aicomp.project import Project
from aicomp.run import Run
from aicomp.submission import record_intent, record_outcome

pytest_plugins = ["kaggle_fixtures"]

SAMPLE = "id,bought\n0x1,0\n010,0\n007,0\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = make_project(tmp_path, competition(), SAMPLE)
    make_run(made, [0.25, 0.5, 0.75])
    monkeypatch.chdir(made.folder)
    return made


def send(project: Project, server: KaggleServer, name: str, cv: float, public: str, **facts: Any) -> dict[str, Any]:
    """A submission of a file that was sent from this project and has its score."""
    file = project.folder / f"{name}.csv"
    file.write_text(name)
    entry = record_intent(project, None, file, name, {"mean": cv, "std": 0.01, "pooled": cv}, **facts)
    made = server.add(f"{name} [aicomp {entry['sha256'][:12]}]", publicScore=public)
    record_outcome(project, None, entry, "sent", ref=made["ref"])
    return entry


def test_nothing_was_sent_yet(project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submissions"]) == 0
    assert capsys.readouterr().out == (
        "no submission yet: `aicomp submit` makes one\nbudget: 0 sent today, 5 left until midnight UTC\n"
    )


def test_cv_and_public_score_side_by_side(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.outcome = ("ERROR", "", "Evaluation Exception: wrong ids")
    server.add("by hand")
    server.outcome = ("COMPLETE", "0.81", "")
    for name, cv, public in (("a", 0.70, "0.69"), ("b", 0.75, "0.74"), ("c", 0.80, "0.78"), ("d", 0.79, "0.785")):
        send(project, server, name, cv, public, runs=[f"run-{name}"])
    server.allowed = 9
    assert main(["submissions"]) == 0
    assert capsys.readouterr().out == (
        "ref   date (UTC)        run    CV           public  status    text\n"
        "4246  2026-01-01 00:00  run-d  0.79 ± 0.01  0.785   complete  d\n"
        "4245  2026-01-01 00:00  run-c  0.8 ± 0.01   0.78    complete  c\n"
        "4244  2026-01-01 00:00  run-b  0.75 ± 0.01  0.74    complete  b\n"
        "4243  2026-01-01 00:00  run-a  0.7 ± 0.01   0.69    complete  a\n"
        "4242  2026-01-01 00:00                              error     Evaluation Exception: wrong ids\n"
        "\n"
        "metric: roc_auc (higher is better)\n"
        "CV and public score: Spearman 0.80, Pearson 0.99 over 4 files; what is better in cross-validation is better "
        "on the leaderboard: choose by CV; 4 pairs are few\n"
        "budget: 5 sent today, 4 left until midnight UTC\n"
        "\n"
        "select at the end, on https://www.kaggle.com/competitions/shop/submissions\n"
        "1. 4245 (run-c): best in cross-validation, 0.8 ± 0.01, public 0.78\n"
        "2. 4246 (run-d): best public score, 0.785\n"
    )


def test_once_private_scores_are_out_nothing_is_left_to_select(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    send(project, server, "a", 0.70, "0.69", runs=["run-a"])
    server.add("by hand", privateScore="0.5")
    assert main(["submissions"]) == 0
    out = capsys.readouterr().out
    assert "private scores are out; without them the choice was\n1. 4242 (run-a)" in out
    assert "select at the end" not in out


def test_as_json(project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]) -> None:
    entry = send(project, server, "a", 0.70, "0.69", runs=["run-a"])
    server.add("by hand", privateScore="0.5")
    assert main(["submissions", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    theirs, ours = content.pop("submissions")
    assert content == {
        "competition": "shop",
        "host": "kaggle",
        "metric": "roc_auc",
        "greater_is_better": True,
        "offline": False,
        "correlation": None,
        "budget": {"sent_today": 2, "left_today": 3, "limited_by_total": False},
        "selection": [
            {
                "ref": 4242,
                "run": "run-a",
                "runs": ["run-a"],
                "cv": 0.7,
                "public_score": 0.69,
                "reason": "best in cross-validation, 0.7 ± 0.01, public 0.69",
            },
            {
                "ref": 4243,
                "run": None,
                "runs": [],
                "cv": None,
                "public_score": 0.81,
                "reason": "best public score, 0.81",
            },
        ],
    }
    assert ours == {
        "ref": 4242,
        "date": "2026-01-01T00:00:00Z",
        "run": "run-a",
        "runs": ["run-a"],
        "cv": 0.7,
        "cv_std": 0.01,
        "public_score": 0.69,
        "private_score": None,
        "status": "complete",
        "description": "a",
        "file": "s.csv",
        "sha256": entry["sha256"],
        "error": None,
        "by_this_project": True,
    }
    assert (theirs["by_this_project"], theirs["private_score"], theirs["sha256"]) == (False, 0.5, None)


def test_a_score_that_has_come_is_kept_for_offline(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.polls = 1
    assert main(["submit", "--yes"]) == 0
    capsys.readouterr()
    assert main(["submissions", "--offline", "--json"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["submissions"]
    assert (item["status"], item["public_score"]) == ("sent", None)
    server._polls_left[4242] = 0
    assert main(["submissions"]) == 0
    capsys.readouterr()
    n_calls = len(server.calls)
    assert main(["submissions", "--offline", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    (item,) = content["submissions"]
    assert (item["status"], item["public_score"], item["ref"], item["cv"]) == ("complete", 0.81, 4242, 0.75)
    assert (content["offline"], content["budget"]) == (True, None)
    assert len(server.calls) == n_calls
    run = Run(project.runs / "20260101-120000").read("submission.json")
    assert (run["status"], run["score"]) == ("complete", 0.81)


def test_an_interrupted_submission_is_found_by_its_tag(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project.folder / "a.csv"
    file.write_text("a")
    entry = record_intent(project, None, file, "a", None)
    server.add(f"a [aicomp {entry['sha256'][:12]}]")
    assert main(["submissions", "--json"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["submissions"]
    assert (item["ref"], item["by_this_project"], item["public_score"]) == (4242, True, 0.81)


def test_other_hosts_have_submissions_of_their_own(
    project: Project, server: KaggleServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AICOMP_TOKEN", "of-the-host")
    assert main(["submit", "--yes", "--host", server.url]) == 0
    capsys.readouterr()
    assert main(["submissions", "--offline", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["submissions"] == []
    monkeypatch.setenv("AICOMP_HOST", server.url)
    assert main(["submissions", "--offline", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["host"], len(content["submissions"])) == (server.url, 1)
    assert main(["submissions", "--offline", "--host", server.url, "--json"]) == 2
    assert "leave out one of them" in capsys.readouterr().err


def test_what_was_graded_here(tmp_path: Path, no_credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project(tmp_path, competition(host="local"), SAMPLE)
    file = tmp_path / "a.csv"
    file.write_text("a")
    entry = record_intent(project, None, file, "first try", {"mean": 0.7, "std": 0.01, "pooled": 0.7})
    record_outcome(project, None, entry, "graded", score=0.65)
    assert main(["submissions", "--project", str(project.folder)]) == 0
    header, row, *rest = capsys.readouterr().out.splitlines()
    assert header.split() == ["ref", "date", "(UTC)", "run", "CV", "hidden", "status", "text"]
    assert row.split()[2:] == ["0.7", "±", "0.01", "0.65", "graded", "first", "try"]
    assert rest == ["", "metric: roc_auc (higher is better)"]


def test_without_credentials(project: Project, no_credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submissions", "--json"]) == 4
    assert "KAGGLE_API_TOKEN" in json.loads(capsys.readouterr().out)["error"]["hint"]
