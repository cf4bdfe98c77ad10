"""Whatever goes wrong between this machine and Kaggle: what was sent stands there once, and the ledger knows it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import CUT, HANG, LOSE, TOKEN, KaggleServer
from submission_cases import competition, make_project, make_run

from aicomp.cli.main import main
from aicomp.project import Project

pytest_plugins = ["kaggle_fixtures"]

SAMPLE = "id,bought\n0x1,0\n010,0\n007,0\n"
SUBMIT = ["submit", "--yes", "--json"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = make_project(tmp_path, competition(), SAMPLE)
    make_run(made, [0.25, 0.5, 0.75])
    monkeypatch.chdir(made.folder)
    return made


def statuses(project: Project) -> list[str | None]:
    """Status of each line of the ledger; an intent has none."""
    path = project.folder / "submissions" / "ledger.jsonl"
    return [json.loads(line).get("status") for line in path.read_text().splitlines()] if path.is_file() else []


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one object on stdout, or its error."""
    (line,) = capsys.readouterr().out.splitlines()
    content: dict[str, Any] = json.loads(line)
    return content.get("error", content)


@pytest.mark.parametrize(
    ("method", "faults", "n_calls"),
    [
        # What is done before it counts is tried again.
        ("PUT", [(503, b""), (503, b"")], 3),
        ("PUT", [CUT], 2),
        ("PUT", [(403, b"<Error>Request has expired</Error>")], 2),
        ("StartSubmissionUpload", [(500, {}), (500, {})], 3),
        ("ListSubmissions", [(500, {}), (500, {})], 3),
        ("GetSubmissionLimits", [(429, {"code": 429, "message": "slow down"}, {"Retry-After": "0"})], 2),
        # It says itself that it took nothing.
        ("CreateSubmission", [(429, {"error": {"code": 429, "message": "Too many requests"}})], 2),
        ("CreateSubmission", [(400, {"code": 400, "message": "The upload token has expired"})], 2),
        # The list shows nothing, and the server has done with the first call.
        ("CreateSubmission", [(500, {})], 2),
        # The list shows it.
        ("CreateSubmission", [LOSE], 1),
    ],
)
def test_a_fault_that_passes_costs_nothing(
    project: Project,
    server: KaggleServer,
    method: str,
    faults: list[Any],
    n_calls: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.faults[method] = faults
    assert main(SUBMIT) == 0
    content = said(capsys)
    assert (content["status"], content["ref"]) == ("sent", 4242)
    assert len(server.submissions) == 1
    assert server.methods.count(method) == n_calls + (method == "ListSubmissions" and LOSE in faults)
    assert statuses(project) == [None, "sent"]


def test_an_answer_slower_than_the_time_out_is_found_in_the_list(
    project: Project, server: KaggleServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("aicomp.kaggle.patience.TIMEOUT", (5.0, 0.5))
    server.faults["CreateSubmission"] = [HANG]
    assert main(SUBMIT) == 0
    assert said(capsys)["ref"] == 4242
    assert server.methods.count("CreateSubmission") == 1
    assert len(server.submissions) == 1


def test_a_lost_answer_and_no_list_is_said_and_found_by_the_same_command(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.faults["CreateSubmission"] = [LOSE]
    empty: tuple[int, Any] = (200, {})
    server.faults["ListSubmissions"] = [empty, *[CUT] * 5]
    assert main(SUBMIT) == 6
    error = said(capsys)
    assert error["message"].startswith("the submission may or may not have arrived: no connection")
    assert error["hint"].startswith("run the same command again")
    assert statuses(project) == [None, "unknown"]

    assert main(SUBMIT) == 0
    content = said(capsys)
    assert content["ref"] == 4242
    assert len(server.submissions) == 1
    assert server.methods.count("CreateSubmission") == 1
    assert statuses(project) == [None, "unknown", "sent", "complete"]


def test_what_has_not_arrived_is_sent_by_the_same_command(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.faults["CreateSubmission"] = [CUT]
    assert main(SUBMIT) == 6
    assert "and Kaggle does not list it" in said(capsys)["message"]
    assert server.methods.count("CreateSubmission") == 1
    assert server.submissions == []
    assert main(SUBMIT) == 0
    assert said(capsys)["status"] == "sent"
    assert len(server.submissions) == 1
    assert statuses(project) == [None, "unknown", "failed", None, "sent"]


def test_a_file_that_stands_there_is_not_sent_twice_unless_asked(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(SUBMIT) == 0
    capsys.readouterr()
    server.allowed = 1  # no submission is left, and none is needed
    assert main(SUBMIT) == 0
    content = said(capsys)
    assert (content["status"], content["ref"], content["score"]) == ("already sent", 4242, 0.81)
    assert main(["submit", "--yes"]) == 0
    assert "already sent as 4242: nothing was sent now; `--again` sends it once more\n" in capsys.readouterr().out
    assert len(server.submissions) == 1

    server.allowed = 5
    server.faults["CreateSubmission"] = [LOSE]  # the older one must not be taken for this one
    assert main([*SUBMIT, "--again"]) == 0
    assert said(capsys)["ref"] == 4243
    assert len(server.submissions) == 2


def test_a_repeated_again_finds_the_try_that_broke_off(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(SUBMIT) == 0
    server.faults["CreateSubmission"] = [LOSE]
    server.faults["ListSubmissions"] = [(200, {"submissions": server.submissions}), *[CUT] * 5]
    assert main([*SUBMIT, "--again"]) == 6
    capsys.readouterr()
    assert main([*SUBMIT, "--again"]) == 0
    assert said(capsys)["ref"] == 4243
    assert len(server.submissions) == 2


def test_a_submission_made_elsewhere_is_found_on_a_later_page(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", "--dry-run", "--json"]) == 0
    sha256 = said(capsys)["sha256"]
    server.polls = 3
    server.add(f"from another machine [aicomp {sha256[:12]}]")
    for k in range(5):
        server.add(f"by hand {k}")
    assert main(SUBMIT) == 0
    content = said(capsys)
    assert (content["status"], content["ref"], content["score"]) == ("already sent", 4242, None)
    assert len(server.submissions) == 6
    assert statuses(project) == []


def test_a_list_that_runs_in_a_circle_is_an_error(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers["ListSubmissions"] = (200, {"submissions": [], "nextPageToken": "2"})
    assert main(SUBMIT) == 6
    assert said(capsys)["message"].startswith("the list of submissions does not end")
    assert server.submissions == []


def test_waiting_ends_with_score_and_rank(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.outcome = ("COMPLETE", "0.65", "")
    server.add("an older one")
    server.outcome, server.polls = ("COMPLETE", "0.81", ""), 3
    # A look that fails is no reason to stop looking.
    server.faults["GetSubmission"] = [(200, {"ref": 4243, "status": "PENDING"}), CUT, (503, {})]
    assert main(["submit", "--yes", "--wait"]) == 0
    captured = capsys.readouterr()
    assert captured.out == (
        "sent as 4243\n"
        "public score: 0.81 (roc_auc 0.75 ± 0.01 in cross-validation)\n"
        "rank: 4 -> 2 of 4 (up 2 places)\n"
        "next: aicomp submissions\n"
    )
    assert captured.err.endswith("waiting for the score of 4243\n")
    assert server.methods.count("GetSubmission") == 7
    assert statuses(project) == [None, "sent", "complete"]
    of_run = json.loads((project.runs / "20260101-120000" / "submission.json").read_text())
    assert (of_run["status"], of_run["score"], of_run["ref"]) == ("complete", 0.81, 4243)


def test_a_rank_that_is_not_known_is_not_made_up(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.competition = {"userRank": 0, "teamCount": 0}
    server.answers["GetLeaderboard"] = (403, {"code": 403, "message": "no"})
    assert main([*SUBMIT, "--wait"]) == 0
    assert said(capsys)["rank"] == {"before": None, "after": None, "teams": None}


def test_the_leaderboard_tells_the_rank_where_the_competition_does_not(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.competition = {"userRank": 0}
    assert main([*SUBMIT, "--wait"]) == 0
    assert said(capsys)["rank"] == {"before": None, "after": 2, "teams": 4}


def test_pending_for_long_is_no_loss(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.polls = 10**9
    assert main([*SUBMIT, "--wait", "--timeout", "0.001"]) == 6
    error = said(capsys)
    assert error["message"] == "submission 4242 has no score after 0 s"
    assert "`aicomp submissions`" in error["hint"]
    assert statuses(project) == [None, "sent"]
    server._polls_left[4242] = 0
    assert main([*SUBMIT, "--wait"]) == 0
    content = said(capsys)
    assert (content["status"], content["score"]) == ("already sent", 0.81)
    assert len(server.submissions) == 1


def test_an_error_is_told_in_kaggles_words(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.outcome = ("ERROR", "", "Evaluation Exception: Submission must have 418 rows")
    assert main([*SUBMIT, "--wait"]) == 1
    error = said(capsys)
    assert error["message"] == (
        "Kaggle could not score submission 4242: Evaluation Exception: Submission must have 418 rows"
    )
    assert statuses(project) == [None, "sent", "error"]
    # A file that Kaggle could not score may be sent again.
    server.outcome = ("COMPLETE", "0.81", "")
    assert main(SUBMIT) == 0
    assert len(server.submissions) == 2


def test_no_submission_left_is_told_before_anything_is_sent(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers["GetSubmissionLimits"] = (200, {"numToday": 5, "numTotal": 9})
    assert main(SUBMIT) == 5
    error = said(capsys)
    assert error["message"] == "no submission to `shop` is left: 5 today"
    assert "midnight UTC" in error["hint"]
    assert "StartSubmissionUpload" not in server.methods
    assert statuses(project) == []


@pytest.mark.parametrize(
    ("facts", "hint"),
    [
        ({"isKernelsSubmissionsOnly": True}, "run `aicomp submit --notebook`"),
        ({"submissionsDisabled": True}, "see https://www.kaggle.com/competitions/shop"),
    ],
)
def test_a_competition_that_takes_no_files(
    project: Project,
    server: KaggleServer,
    facts: dict[str, Any],
    hint: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.competition = facts
    assert main(SUBMIT) == 5
    assert said(capsys)["hint"] == hint
    assert "StartSubmissionUpload" not in server.methods


def test_a_competition_that_the_search_does_not_show_is_tried(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers["ListCompetitions"] = (200, {})
    assert main(SUBMIT) == 0
    assert len(server.submissions) == 1


def command(server: KaggleServer, project: Project) -> dict[str, Any]:
    """Arguments of a process that submits by itself."""
    environment = {**os.environ, "AICOMP_HOST": server.url, "AICOMP_TOKEN": TOKEN, "NO_PROXY": "127.0.0.1"}
    environment.pop("KAGGLE_API_ENVIRONMENT")
    return {
        "args": [sys.executable, "-m", "aicomp", *SUBMIT],
        "cwd": project.folder,
        "env": environment,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }


def test_killed_between_the_call_and_its_answer(project: Project, server: KaggleServer) -> None:
    server.faults["CreateSubmission"] = [HANG]
    with subprocess.Popen(**command(server, project)) as process:
        assert server.held.wait(60)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert statuses(project) == [None]
    server.release.set()

    done = subprocess.run(**command(server, project), check=False)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["ref"] == 4242
    assert len(server.submissions) == 1
    assert server.methods.count("CreateSubmission") == 1
    assert statuses(project) == [None, "sent", "complete"]


def test_two_processes_send_one_file_once(project: Project, server: KaggleServer) -> None:
    server.faults["CreateSubmission"] = [HANG]
    with subprocess.Popen(**command(server, project)) as first:
        assert server.held.wait(60)
        with subprocess.Popen(**command(server, project)) as second:
            while server.methods.count("ListSubmissions") < 2:
                assert second.poll() is None
            server.release.set()
            outcomes = [p.communicate(timeout=60) for p in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outcomes
    assert [json.loads(out)["status"] for out, _ in outcomes] == ["sent", "already sent"]
    assert len(server.submissions) == 1
