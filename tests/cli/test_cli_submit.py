import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import TOKEN, KaggleServer
from submission_cases import competition, make_project, make_run
from test_submission_blend import add_run, make_blendable

from aicomp import catalogue
from aicomp.cli.main import main
from aicomp.project import Project

pytest_plugins = ["kaggle_fixtures"]

SAMPLE = "id,bought\n0x1,0\n010,0\n007,0\n"
FILE_TEXT = "id,bought\n0x1,0.75\n010,0.5\n007,0.25\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = make_project(tmp_path, competition(), SAMPLE)
    make_run(made, [0.25, 0.5, 0.75])
    monkeypatch.chdir(made.folder)
    return made


def ledger(project: Project) -> list[dict[str, Any]]:
    path = project.folder / "submissions" / "ledger.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def error_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one error object on stdout; the same words must stand on stderr."""
    captured = capsys.readouterr()
    (line,) = captured.out.splitlines()
    error: dict[str, Any] = json.loads(line)["error"]
    assert captured.err.endswith(f"error: {error['message']}\n\nhint: {error['hint']}\n")
    return error


def test_a_dry_run_shows_what_would_be_sent(
    project: Project, no_credentials: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", "--dry-run"]) == 0
    captured = capsys.readouterr()
    file = project.folder / "submissions" / "20260101-120000.csv"
    assert captured.out == (
        f"file:   {file} (3 rows)\n"
        "run:    20260101-120000\n"
        "score:  roc_auc 0.75 ± 0.01 in cross-validation (higher is better)\n"
        "target: `shop`, Kaggle, https://www.kaggle.com/competitions/shop, if there is such a competition (the "
        "files came from a folder)\n"
        "valid; nothing was sent\n"
        "next: aicomp submit 20260101-120000\n"
    )
    assert captured.err == ""
    assert file.read_text() == FILE_TEXT
    assert ledger(project) == []


def test_a_contract_with_a_page_is_not_doubted(
    project: Project, no_credentials: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project.folder / "competition.toml"
    path.write_text('url = "https://www.kaggle.com/competitions/shop"\n' + path.read_text())
    assert main(["submit", "--dry-run"]) == 0
    assert "target: `shop`, Kaggle, https://www.kaggle.com/competitions/shop\n" in capsys.readouterr().out


def test_a_dry_run_as_json(project: Project, no_credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", "2026", "--dry-run", "--message", "hello", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    sha256 = content.pop("sha256")
    assert len(sha256) == 64
    assert content == {
        "competition": "shop",
        "host": "kaggle",
        "run": "20260101-120000",
        "file": str(project.folder / "submissions" / "20260101-120000.csv"),
        "rows": 3,
        "metric": "roc_auc",
        "greater_is_better": True,
        "cv": {"mean": 0.75, "std": 0.01, "pooled": 0.74},
        "message": "hello",
        "blend": None,
        "status": "valid",
        "score": None,
        "private_score": None,
        "ref": None,
        "url": None,
        "rank": None,
        "left_today": None,
    }


def test_sending_needs_yes_where_nobody_can_be_asked(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", "--json"]) == 2
    error = error_of(capsys)
    assert error["code"] == 2
    assert "--yes" in error["hint"]
    assert server.calls == []
    assert ledger(project) == []


@pytest.mark.parametrize(("answer", "n_sent"), [("y\n", 1), ("n\n", 0), ("", 0)])
def test_a_person_is_asked(
    project: Project,
    server: KaggleServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    n_sent: int,
) -> None:
    monkeypatch.setattr("aicomp.cli.output.Output.can_ask", True)
    monkeypatch.setattr(sys.stdin, "readline", lambda: answer)
    assert main(["submit"]) == (0 if n_sent else 1)
    captured = capsys.readouterr()
    assert captured.err.startswith("file:   ")
    assert "target: `shop`, Kaggle" in captured.err
    assert "submit; it counts against the daily limit (5 left)? [y/N] " in captured.err
    assert len(server.submissions) == n_sent
    assert ("PUT" in server.methods) == bool(n_sent)
    assert len(ledger(project)) == (2 if n_sent else 0)


def test_what_was_sent_is_written_down(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", "--yes", "--json"]) == 0
    captured = capsys.readouterr()
    content = json.loads(captured.out)
    assert (content["status"], content["ref"]) == ("sent", 4242)
    assert content["url"] == "https://www.kaggle.com/competitions/shop/submissions"
    upload = {method: body for method, _, body in server.calls}
    assert upload["PUT"].decode() == FILE_TEXT
    words = "20260101-120000, roc_auc 0.75 ± 0.01"
    assert json.loads(upload["CreateSubmission"])["submissionDescription"] == (
        f"{words} [aicomp {content['sha256'][:12]}]"
    )
    intent, outcome = ledger(project)
    assert (intent["event"], intent["run"], intent["sha256"]) == ("intent", "20260101-120000", content["sha256"])
    assert (outcome["event"], outcome["id"], outcome["status"], outcome["ref"]) == (
        "outcome",
        intent["id"],
        "sent",
        4242,
    )
    of_run = json.loads((project.runs / "20260101-120000" / "submission.json").read_text())
    assert (of_run["status"], of_run["message"]) == ("sent", words)
    written = "".join(p.read_text() for p in project.folder.rglob("*.json*"))
    assert TOKEN not in captured.out + captured.err + written


@pytest.mark.parametrize(
    ("method", "answer", "code", "status"),
    [
        ("IntrospectToken", (401, {"code": 401, "message": "Unauthenticated"}), 4, None),
        ("GetSubmissionLimits", (403, {"code": 403, "message": "You must accept the rules"}), 5, None),
        ("ListSubmissions", (404, {"code": 404, "message": "Not found"}), 5, None),
        ("StartSubmissionUpload", (429, {"error": {"code": 429, "message": "Too many requests"}}), 6, "failed"),
        ("CreateSubmission", (400, {"code": 400, "message": "The deadline has passed"}), 5, "failed"),
        ("PUT", (500, b""), 6, "failed"),
        ("CreateSubmission", (0, {}), 6, "unknown"),
    ],
)
def test_a_failure_is_written_down(
    project: Project,
    server: KaggleServer,
    method: str,
    answer: tuple[int, object],
    code: int,
    status: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.answers[method] = answer
    assert main(["submit", "--yes", "--json"]) == code
    error = error_of(capsys)
    assert error["code"] == code
    assert server.submissions == []
    if status is None:
        assert ledger(project) == []  # refused before there was an intent
        return
    assert [entry.get("status") for entry in ledger(project)] == [None, status]
    assert ledger(project)[1]["error"] == error["message"]


def test_without_credentials_nobody_is_asked(
    project: Project, no_credentials: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", "--yes", "--json"]) == 4
    assert "KAGGLE_API_TOKEN" in error_of(capsys)["hint"]
    assert ledger(project) == []


def test_a_file_from_elsewhere(project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]) -> None:
    (project.folder / "mine.csv").write_text(FILE_TEXT)
    assert main(["submit", "--file", "mine.csv", "--yes", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["run"], content["cv"], content["message"]) == (None, None, "mine.csv")
    assert content["file"] == str(project.folder / "mine.csv")
    assert not (project.folder / "submissions" / "20260101-120000.csv").exists()


def test_an_invalid_file_is_not_sent(
    project: Project, server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.folder / "mine.csv").write_text(FILE_TEXT.replace("007", "7"))
    assert main(["submit", "--file", "mine.csv", "--yes", "--json"]) == 3
    assert error_of(capsys)["message"] == (
        "`mine.csv` line 4: id `7` is not in `sample_submission.csv`, which has `007`: its leading zeros are lost"
    )
    assert server.calls == []


def test_submit_before_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project(tmp_path, competition(), SAMPLE)
    assert main(["submit", "--project", str(project.folder), "--json"]) == 2
    error = error_of(capsys)
    assert error["message"] == f"`{project.runs}` holds no run yet"
    assert error["hint"] == "run `aicomp train`"


def test_submit_without_data(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    (project.folder / "data" / "manifest.json").unlink()
    assert main(["submit", "--dry-run", "--json"]) == 3
    error = error_of(capsys)
    assert error["message"] == f"`{project.folder}` has no data yet"
    assert error["hint"].startswith("run `aicomp init")


def local_project(folder: Path, slug: str) -> tuple[Project, dict[str, str]]:
    """A project of an embedded competition, and the true target of each test row."""
    entry = catalogue.load(slug)
    hidden = entry.hidden_solution()
    ids = list(hidden[entry.competition.id[0]])
    columns = entry.competition.submission.columns
    sample = "\n".join([",".join(columns), *(f"{i}{',0' * (len(columns) - 1)}" for i in ids)]) + "\n"
    project = make_project(folder, entry.competition, sample)
    return project, dict(zip(ids, hidden[entry.competition.target[0]], strict=True))


def test_an_embedded_competition_is_graded_here(
    tmp_path: Path, no_credentials: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, truth = local_project(tmp_path, "diabetes")
    off_by_three = [float(value) + 3 for value in truth.values()]
    make_run(project, off_by_three, ids={project.competition.id[0]: list(truth)})
    assert main(["submit", "--yes", "--project", str(project.folder)]) == 0
    captured = capsys.readouterr()
    assert project.task.metric.name in ("rmse", "mae")
    assert captured.out == f"{project.task.metric.name}: 3 on the hidden part\n"
    assert captured.err.endswith("target: `diabetes`, graded here on its hidden part\n")
    intent, outcome = ledger(project)
    assert intent["host"] == "local"
    assert outcome["status"] == "graded"
    assert outcome["score"] == pytest.approx(3)


def with_hidden_rows() -> list[str]:
    contracts = ((slug, catalogue.load(slug).competition) for slug in catalogue.names())
    return [slug for slug, contract in contracts if contract.host == "local" and not contract.is_simulation]


@pytest.mark.parametrize("slug", with_hidden_rows())
def test_the_truth_scores_best_in_every_embedded_competition(
    slug: str, tmp_path: Path, no_credentials: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = catalogue.load(slug).competition
    project, truth = local_project(tmp_path, slug)
    if contract.problem_type == "regression":
        predictions: list[Any] = [float(value) for value in truth.values()]
    else:
        codes = [contract.labels.index(value) for value in truth.values()]
        one_hot = [[float(k == code) for k in range(len(contract.labels))] for code in codes]
        predictions = one_hot if contract.problem_type == "multiclass" else [float(code) for code in codes]
    make_run(project, predictions, ids={contract.id[0]: list(truth)})
    assert main(["submit", "--yes", "--json", "--project", str(project.folder)]) == 0
    best = 0.0 if not project.task.metric.greater_is_better else 1.0
    assert json.loads(capsys.readouterr().out)["score"] == pytest.approx(best, abs=1e-9)


def test_a_host_that_only_the_project_names_sees_no_kaggle_token(
    tmp_path: Path, server: KaggleServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_project(tmp_path, competition(host=server.url), SAMPLE)
    make_run(project, [0.25, 0.5, 0.75])
    arguments = ["submit", "--yes", "--json", "--project", str(project.folder)]
    assert main(arguments) == 4
    assert error_of(capsys)["hint"].startswith("set `AICOMP_TOKEN`")
    assert server.calls == []
    monkeypatch.setenv("AICOMP_TOKEN", "of-the-host")
    assert main(arguments) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["host"], content["status"]) == (server.url, "sent")
    assert content["url"] == f"{server.url}/competitions/shop/submissions"
    assert {a for method, a, _ in server.calls if method != "PUT"} == {"Bearer of-the-host"}
    assert ledger(project)[0]["host"] == server.url


def test_an_embedded_competition_goes_to_a_host_that_is_named(
    tmp_path: Path, server: KaggleServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project, truth = local_project(tmp_path, "diabetes")
    make_run(project, [float(value) for value in truth.values()], ids={project.competition.id[0]: list(truth)})
    monkeypatch.setenv("AICOMP_TOKEN", "of-the-host")
    assert main(["submit", "--yes", "--wait", "--project", str(project.folder), "--host", server.url]) == 0
    captured = capsys.readouterr()
    assert f"target: `diabetes`, {server.url}/competitions/diabetes\n" in captured.err
    assert captured.out.startswith("sent as 4242\npublic score: 0.81 (")
    assert [entry["host"] for entry in ledger(project) if "host" in entry] == [server.url]


def test_several_runs_are_blended(
    tmp_path: Path, server: KaggleServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_blendable(tmp_path)
    monkeypatch.chdir(project.folder)
    add_run(project, "20260101-000001", [0.1, 0.9, 0.2, 0.8], [0.9, 0.1, 0.2])
    add_run(project, "20260101-000002", [0.5, 0.4, 0.3, 0.6], [0.01, 0.02, 0.03])
    runs = ["--run", "20260101-000001", "--run", "20260101-000002"]
    assert main(["submit", *runs, "--weight", "3", "--weight", "1", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "blend:  0.75 20260101-000001 + 0.25 20260101-000002 (mean of ranks)\n" in out
    assert f"next: aicomp submit {' '.join(runs)} --weight 3 --weight 1\n" in out
    where = ["--message", "my words", "--project", str(project.folder)]
    assert main(["submit", *runs, *where, "--dry-run"]) == 0
    assert capsys.readouterr().out.endswith(f"next: aicomp submit {shlex.join([*runs, *where])}\n")
    assert main(["submit", *runs, "--yes", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["run"] is None
    assert content["cv"] == {"mean": 0.75, "std": 0.25, "pooled": 1.0}  # pooled: ranks 4 6 3 7 of No Yes No Yes
    names = ["20260101-000001", "20260101-000002"]
    assert content["blend"] == {"runs": names, "weights": [0.5, 0.5], "method": "mean of ranks"}
    intent, _ = ledger(project)
    assert (intent["run"], intent["runs"]) == (None, names)
    assert server.descriptions[0].startswith(f"blend of {names[0]} + {names[1]}, roc_auc 0.75 ± 0.25 [aicomp ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--weight", "2"], "`--weight` weighs the runs of a blend, and there is no blend"),
        (["--timeout", "5"], "`--timeout` says how long to wait, and `--wait` is not given"),
        (["--wait", "--timeout", "0"], "`--timeout` is 0"),
        (["a", "--run", "b", "--file", "mine.csv"], "`--file` and several runs name two submissions"),
        (["--notebook", "--file", "mine.csv"], "a notebook cannot be submitted with --file"),
        (["--notebook", "a", "--run", "b"], "a notebook cannot be submitted with a second run"),
        (["--host", "kaggle.example"], "`--host` is `kaggle.example`, which is no address"),
    ],
)
def test_options_that_do_not_go_together(
    project: Project, server: KaggleServer, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", "--yes", "--json", *arguments]) == 2
    assert error_of(capsys)["message"] == message
    assert server.calls == []
