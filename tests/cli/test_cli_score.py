import json
from pathlib import Path

import pytest

from aicomp import catalogue
from aicomp.cli.main import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a solution and a submission in which 3 of 4 pairs are ranked right."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "solution.csv").write_text("id,Churn\n01,No\n02,Yes\n03,No\n04,Yes\n")
    (tmp_path / "submission.csv").write_text("id,Churn\n04,0.9\n03,0.6\n02,0.4\n01,0.1\n")
    return tmp_path


def test_the_score_is_all_that_stands_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "solution.csv", "submission.csv", "--metric", "roc_auc"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "roc_auc: 0.75 (higher is better)\n"
    assert captured.err == (
        "note: the positive class is `Yes` (`Yes` is a word for the positive class); `--positive` chooses another\n"
    )


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "solution.csv", "submission.csv", "--metric", "AUC", "--positive", "No", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "metric": "roc_auc",
        "score": 0.25,
        "greater_is_better": True,
        "problem_type": "binary",
        "rows": 4,
        "id": ["id"],
        "target": ["Churn"],
        "labels": ["Yes", "No"],
        "positive": "No",
        "columns": {},
        "interval": None,
        "medal": None,
        "medals": {},
        "medals_source": "",
        "notes": [],
    }


def test_labels_that_hold_a_comma_stand_in_quotes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "solution.csv").write_text('id,y\n1,"a, b"\n2,c\n3,c\n')
    (folder / "submission.csv").write_text('id,y\n1,"a, b"\n2,c\n3,"a, b"\n')
    arguments = ["score", "solution.csv", "submission.csv", "--metric", "precision", "--labels", 'c,"a, b"', "--json"]
    assert main(arguments) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["labels"] == ["c", "a, b"]
    assert content["score"] == 0.5  # two rows are said to be `a, b`, one is


def test_several_ids(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "solution.csv").write_text("shop,day,y\n1,1,5\n1,2,6\n")
    (folder / "submission.csv").write_text("day,shop,y\n2,1,9\n1,1,5\n")
    ids = ["--id", "shop", "--id", "day"]
    assert main(["score", "solution.csv", "submission.csv", "--metric", "mae", *ids]) == 0
    assert capsys.readouterr().out == "mae: 1.5 (lower is better)\n"


def test_an_embedded_competition_names_the_solution(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hidden = catalogue.load("iris").hidden_solution()
    target = hidden.columns[-1]
    hidden.assign(**{target: "setosa"}).to_csv(folder / "submission.csv", index=False)
    assert main(["score", "iris", "submission.csv", "--metric", "accuracy", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["score"] == pytest.approx((hidden[target] == "setosa").mean())
    assert content["labels"] == list(catalogue.load("iris").competition.labels)


def test_a_metric_of_the_users_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from submission_cases import competition, make_project

    project = make_project(folder / "made", competition(), "id,bought\n1,0\n")
    (project.folder / "metric.py").write_text(
        "from aicomp.metrics import Metric\n"
        "share = Metric('share', lambda y, p: float((p > 0.5).mean()), True, 'probability', frozenset({'binary'}))\n"
    )
    arguments = ["score", "solution.csv", "submission.csv", "--metric", "metric:share"]
    assert main([*arguments, "--project", str(project.folder)]) == 0
    assert capsys.readouterr().out == "share: 0.5 (higher is better)\n"
    assert main(arguments) == 2
    assert "lies in no project" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["solution.csv", "submission.csv"], 2, "missing option `--metric`, or `--competition` with one"),
        (["nope.csv", "submission.csv", "--metric", "mae"], 3, "`nope.csv` is no file"),
        (["solution.csv", "nope.csv", "--metric", "mae"], 3, "`nope.csv` is no file"),
        (["solution.csv", "submission.csv", "--metric", "auk"], 2, "unknown metric `auk`"),
        (["solution.csv", "submission.csv", "--metric", "auc", "--problem-type", "x"], 2, "unknown problem type `x`"),
        (["solution.csv", "submission.csv", "--metric", "auc", "--id", "x"], 3, "`solution.csv` has no column `x`"),
        (["no-such-slug", "submission.csv", "--metric", "auc"], 2, "unknown competition `no-such-slug`"),
        (
            ["solution.csv", "submission.csv", "--metric", "accuracy"],
            3,
            "`submission.csv` line 2: `Churn` is `0.9`, but the solution's labels are `No`, `Yes`",
        ),
    ],
)
def test_errors(arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", *arguments, "--json"]) == code
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["message"] == message
    assert error["hint"]
