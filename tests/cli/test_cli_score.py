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


@pytest.fixture
def weeks(folder: Path) -> Path:
    """A solution of three weeks with a weight, in files whose rows stand in another order."""
    (folder / "weeks.csv").write_text("id,sales,is_holiday\n1,10,5\n2,20,1\n3,30,1\n")
    (folder / "forecast.csv").write_text("id,sales\n3,33\n1,12\n2,20\n")
    return folder


def test_a_metric_reads_a_further_column(weeks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["score", "weeks.csv", "forecast.csv", "--metric", "wmae", "--column", "weight=is_holiday"]
    assert main([*arguments, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["score"] == pytest.approx((5 * 2 + 1 * 0 + 1 * 3) / 7)
    assert content["columns"] == {"weight": ["is_holiday"]}
    assert content["target"] == ["sales"]
    assert content["notes"] == []  # the weight is no target that was left out


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 2, "metric `wmae` reads the column `weight` (weight of each row, 0 or more)"),
        (["--column", "weigth=is_holiday"], 2, "unknown column of metric `wmae`: `weigth`"),
        (["--column", "weight"], 2, "`--column weight` is not of the form NAME=COLUMN"),
        (["--column", "weight=nope"], 3, "`weeks.csv` has no column `nope`"),
        (["--column", "weight=id,is_holiday"], 2, "reads one column `weight`, and 2 are named: id, is_holiday"),
        (["--resamples", "200"], 2, "`--resamples` is for `--bootstrap`"),
    ],
)
def test_wrong_columns(
    options: list[str], code: int, message: str, weeks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", "weeks.csv", "forecast.csv", "--metric", "wmae", *options]) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def test_a_wrong_weight_is_named_by_its_line(weeks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (weeks / "weeks.csv").write_text("id,sales,weight\n1,10,5\n2,20,-1\n3,30,1\n")
    assert main(["score", "weeks.csv", "forecast.csv", "--metric", "wmae"]) == 3
    assert (
        "`weight[2]` is -1, but it must be 0 or more (`weeks.csv` line 3, column `weight`)" in capsys.readouterr().err
    )
    (weeks / "weeks.csv").write_text("id,sales,weight\n1,10,5\n2,20,x\n3,30,1\n")
    assert main(["score", "weeks.csv", "forecast.csv", "--metric", "wmae"]) == 3
    assert "`weeks.csv` line 3: `weight` is `x`" in capsys.readouterr().err


def test_predictions_of_two_parts(weeks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (weeks / "truth.csv").write_text("id,sales\n1,10\n2,20\n")
    (weeks / "intervals.csv").write_text("id,upper,lower\n2,19,18\n1,12,8\n")  # by name, not by place
    assert main(["score", "truth.csv", "intervals.csv", "--metric", "winkler@0.5"]) == 0
    assert capsys.readouterr().out == "winkler@0.5: 4.5 (lower is better)\n"  # (4 + 1 + 4 * 1) / 2
    (weeks / "intervals.csv").write_text("id,a,b\n2,19,18\n1,8,12\n")
    assert main(["score", "truth.csv", "intervals.csv", "--metric", "winkler"]) == 3
    error = capsys.readouterr().err
    assert "`y_pred[0, 0]` is 19, but a lower bound is not above its upper one (line 2, column `a`)" in error
    assert main(["score", "truth.csv", "forecast.csv", "--metric", "winkler"]) == 3
    assert "has 1 column beside the ids, and `winkler` takes 2: lower, upper" in capsys.readouterr().err


def test_a_prediction_out_of_range_is_named_by_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "submission.csv").write_text("id,Churn\n04,0.9\n03,0.6\n02,1.4\n01,0.1\n")
    assert main(["score", "solution.csv", "submission.csv", "--metric", "log_loss"]) == 3
    assert "`y_pred[2]` is 1.4, but probabilities lie in [0, 1] (line 4, column `Churn`)" in capsys.readouterr().err


CONTRACT = """
slug = "weeks"
title = "Weeks"
problem_type = "regression"
id = ["id"]
target = ["sales"]
metric = "wmae"
metric_columns = { weight = ["is_holiday"] }
medals = { gold = 1.0, silver = 2.0, bronze = 3.0 }
medals_source = "made up, 2026-11-27"
[files]
train = "train.csv"
test = "test.csv"
sample_submission = "sample_submission.csv"
[submission]
columns = ["id", "sales"]
wants = "value"
"""


def test_a_contract_says_metric_columns_and_medal(weeks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (weeks / "competition.toml").write_text(CONTRACT)
    arguments = ["score", "weeks.csv", "forecast.csv", "--competition", "competition.toml"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == (
        "wmae: 1.85714 (lower is better)\n"
        "medal: silver (gold 1, silver 2, bronze 3)\n"
        "medals from: made up, 2026-11-27\n"
    )
    (weeks / "forecast.csv").write_text("id,sales\n3,99\n1,12\n2,20\n")
    assert main([*arguments, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["medal"], content["medals"]["gold"]) == (None, 1.0)
    assert main([*arguments, "--id", "id"]) == 2
    assert "the contract of `weeks` says ids" in capsys.readouterr().err
    (weeks / "forecast.csv").write_text("id,sales,more\n3,99,1\n1,12,1\n2,20,1\n")
    assert main(arguments) == 3
    assert "has the column `more`, which a submission to `weeks` lacks" in capsys.readouterr().err


def test_a_competition_without_medals_says_what_the_rank_would_be(
    weeks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    about = """
[about]
submits = "file"
gives_medals = false
metric_name = "weighted error"
sources = ["made up"]
"""
    (weeks / "competition.toml").write_text(CONTRACT + about)
    arguments = ["score", "weeks.csv", "forecast.csv", "--competition", "competition.toml"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "\nmedal: silver (gold 1, silver 2, bronze 3; this competition gives none: by rank alone)\n" in said
    without = "\n".join(line for line in CONTRACT.splitlines() if not line.startswith("medals"))
    (weeks / "competition.toml").write_text(without + about)
    assert main(arguments) == 0
    assert capsys.readouterr().out.endswith("\nmedal: none, as this competition gives no medals\n")


def test_a_long_number_is_shown_to_the_point(weeks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (weeks / "forecast.csv").write_text("id,sales\n3,9000000\n1,9000000\n2,9000000\n")
    large = CONTRACT.replace("bronze = 3.0", "bronze = 4808057.25")
    (weeks / "competition.toml").write_text(large)
    assert main(["score", "weeks.csv", "forecast.csv", "--competition", "competition.toml"]) == 0
    said = capsys.readouterr().out
    assert "e+" not in said
    assert "bronze 4808057.25)" in said


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("gold = 1.0, silver = 4.0, bronze = 3.0", "the medals are in no order: gold 1, silver 4, bronze 3"),
        ("gold = 3.0, silver = 2.0, bronze = 1.0", "go against `wmae`, of which lower is better"),
        ("gold = 1.0, tin = 2.0", "unknown medal in `competition.toml`: `tin`"),
    ],
)
def test_wrong_medals(wrong: str, message: str, weeks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (weeks / "competition.toml").write_text(CONTRACT.replace("gold = 1.0, silver = 2.0, bronze = 3.0", wrong))
    assert main(["score", "weeks.csv", "forecast.csv", "--competition", "competition.toml"]) == 2
    assert message in capsys.readouterr().err


def test_medals_need_a_source(weeks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (weeks / "competition.toml").write_text(CONTRACT.replace("made up, 2026-11-27", " "))
    assert main(["score", "weeks.csv", "forecast.csv", "--competition", "competition.toml"]) == 2
    assert "has `medals` without a source" in capsys.readouterr().err


def test_a_slug_alone_takes_its_own_metric(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hidden = catalogue.load("iris").hidden_solution()
    contract = catalogue.load("iris").competition
    hidden.assign(**{hidden.columns[-1]: "setosa"}).to_csv(folder / "submission.csv", index=False)
    assert main(["score", "iris", "submission.csv", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["metric"] == contract.metric
    assert content["labels"] == list(contract.labels)


def test_an_interval_holds_the_score_and_is_the_same_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(i, i % 3 % 2, (i * 37 % 100) / 100 + (i % 3 % 2) * 0.2) for i in range(300)]
    (folder / "solution.csv").write_text("id,y\n" + "".join(f"{i},{y}\n" for i, y, _ in rows))
    (folder / "submission.csv").write_text("id,y\n" + "".join(f"{i},{p}\n" for i, _, p in rows))
    arguments = ["score", "solution.csv", "submission.csv", "--metric", "roc_auc", "--bootstrap", "--resamples", "300"]
    found = []
    for _ in range(2):
        assert main([*arguments, "--json"]) == 0
        content = json.loads(capsys.readouterr().out)
        found.append(content["interval"])
    assert found[0] == found[1]
    assert found[0]["low"] < content["score"] < found[0]["high"]
    assert (found[0]["unit"], found[0]["n_units"], found[0]["n_undefined"]) == ("row", 300, 0)
    # The standard error of Hanley and McNeil, 1982.
    a, p, q = content["score"], 100, 200
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    error = ((a * (1 - a) + (p - 1) * (q1 - a * a) + (q - 1) * (q2 - a * a)) / (p * q)) ** 0.5
    assert found[0]["high"] - found[0]["low"] == pytest.approx(2 * 1.96 * error, rel=0.15)


def test_queries_are_drawn_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(3 * q + i, q, int(i == q % 3), (i * 7 + q) % 5) for q in range(40) for i in range(3)]
    (folder / "solution.csv").write_text("id,query,y\n" + "".join(f"{i},{q},{y}\n" for i, q, y, _ in rows))
    (folder / "submission.csv").write_text("id,y\n" + "".join(f"{i},{p}\n" for i, _, _, p in rows))
    arguments = ["score", "solution.csv", "submission.csv", "--metric", "mrr_by_query", "--bootstrap"]
    assert main(arguments) == 0
    assert "(1000 resamples of 40 queries)" in capsys.readouterr().out


def test_undefined_resamples_are_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "solution.csv").write_text("id,y\n1,0\n2,1\n3,0\n4,1\n")
    (folder / "submission.csv").write_text("id,y\n4,0.9\n3,0.6\n2,0.4\n1,0.1\n")
    assert main(["score", "solution.csv", "submission.csv", "--metric", "pearson", "--bootstrap", "--json"]) == 0
    # Of two rows of 0 and two of 1, a resample of four is of one value with probability 2 / 16.
    interval = json.loads(capsys.readouterr().out)["interval"]
    assert interval["n_undefined"] == pytest.approx(125, abs=40)


def test_classes_are_drawn_on_their_own_where_both_are_needed(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["score", "solution.csv", "submission.csv", "--metric", "roc_auc", "--bootstrap"]
    assert main([*arguments, "--json"]) == 0
    interval = json.loads(capsys.readouterr().out)["interval"]
    assert (interval["within"], interval["n_undefined"]) == ("class", 0)
    assert (interval["low"], interval["high"]) == (0.0, 1.0)
    assert main(arguments) == 0
    assert "(1000 resamples of 4 rows, each class on its own)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options", [["--bootstrap", "2000"], ["--bootstrap=2000"], ["--bootstrap", "--resamples=2000"]]
)
def test_the_interval_of_an_accuracy_is_the_binomial_one(
    options: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    n, wrong = 400, 80
    (folder / "solution.csv").write_text("id,y\n" + "".join(f"{i},{i % 2}\n" for i in range(n)))
    (folder / "submission.csv").write_text("id,y\n" + "".join(f"{i},{(i + (i < wrong)) % 2}\n" for i in range(n)))
    assert main(["score", *options, "solution.csv", "submission.csv", "--metric", "accuracy", "--json"]) == 0
    interval = json.loads(capsys.readouterr().out)["interval"]
    half = 1.96 * (0.8 * 0.2 / n) ** 0.5
    assert interval["n_resamples"] == 2000
    assert (interval["low"], interval["high"]) == pytest.approx((0.8 - half, 0.8 + half), abs=0.006)


def test_groups_that_are_compared_stay_as_large_as_they_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(i, i % 7, "abc"[i % 3], (i * 5) % 11) for i in range(90)]
    (folder / "solution.csv").write_text("id,y,group\n" + "".join(f"{i},{y},{g}\n" for i, y, g, _ in rows))
    (folder / "submission.csv").write_text("id,y\n" + "".join(f"{i},{p}\n" for i, _, _, p in rows))
    arguments = ["score", "solution.csv", "submission.csv", "--metric", "log_mae", "--bootstrap", "300", "--json"]
    assert main(arguments) == 0
    interval = json.loads(capsys.readouterr().out)["interval"]
    assert (interval["unit"], interval["within"], interval["n_units"]) == ("row", "group", 90)


@pytest.mark.parametrize("number", ["50", "x"])
def test_a_wrong_number_of_resamples(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["score", "solution.csv", "submission.csv", "--metric", "roc_auc", f"--bootstrap={number}"]
    assert main(arguments) == 2
    assert "invalid value for `--resamples`" in capsys.readouterr().err


def entry(folder: Path, text: str) -> list[str]:
    """A contract beside a solution and a submission, and what scores them."""
    (folder / "competition.toml").write_text(text)
    return ["score", "solution.csv", "submission.csv", "--competition", "competition.toml"]


def test_a_contract_of_predictions_of_two_parts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = CONTRACT.replace('metric = "wmae"\nmetric_columns = { weight = ["is_holiday"] }', 'metric = "winkler@0.5"')
    arguments = entry(folder, text.replace('["id", "sales"]', '["id", "upper", "lower"]'))
    (folder / "solution.csv").write_text("id,sales\n1,10\n2,20\n")
    (folder / "submission.csv").write_text("id,upper,lower\n2,19,18\n1,12,8\n")
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("winkler@0.5: 4.5 (lower is better)\nmedal: none (gold 1, ")
    entry(folder, text)
    assert main(arguments) == 2
    assert "has 1 columns beside the ids, not 2 for the parts of `winkler@0.5`: lower, upper" in capsys.readouterr().err


UNTRAINABLE = """
slug = "lungs"
title = "Lungs"
problem_type = "other"
id = ["id"]
target = ["FVC"]
metric = "laplace_log_likelihood"
[submission]
columns = ["id", "FVC", "Confidence"]
wants = "value"
[about]
untrainable = "two numbers are predicted"
metric_name = "modified Laplace log likelihood"
submits = "notebook"
sources = ["made up (read 2026-11-28)"]
unverified = ["medals", "files", "year", "internet"]
"""


def test_what_cannot_be_trained_can_be_scored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = entry(folder, UNTRAINABLE)
    (folder / "solution.csv").write_text("id,FVC\n1,2000\n2,1000\n")
    (folder / "submission.csv").write_text("id,FVC,Confidence\n2,1000,100\n1,2000,100\n")
    assert main(arguments) == 0
    assert capsys.readouterr().out == "laplace_log_likelihood: -4.95174 (higher is better)\n"  # -log(sqrt(2) * 100)
    entry(folder, UNTRAINABLE.replace("laplace_log_likelihood", "haversine"))
    assert main(arguments) == 2
    assert "metric `haversine` is for multi-target, and `lungs` is other of 1 target" in capsys.readouterr().err


def test_a_contract_that_lacks_its_columns_takes_those_of_the_files(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = UNTRAINABLE.replace('columns = ["id", "FVC", "Confidence"]', "columns = []").replace(
        'unverified = ["medals"', 'unverified = ["submission.columns", "medals"'
    )
    arguments = entry(folder, lacking)
    (folder / "solution.csv").write_text("id,FVC\n1,2000\n")
    (folder / "submission.csv").write_text("id,value,confidence\n1,2000,100\n")
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("laplace_log_likelihood: -4.95")
    assert captured.err == "note: the contract of `lungs` does not say which columns are compared; the files do\n"


def test_columns_that_a_contract_does_not_name_are_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = entry(folder, CONTRACT.replace('metric_columns = { weight = ["is_holiday"] }\n', ""))
    (folder / "solution.csv").write_text("id,sales,is_holiday\n1,10,5\n2,20,1\n")
    (folder / "submission.csv").write_text("id,sales\n1,12\n2,20\n")
    assert main(arguments) == 2
    assert "hint: name it: `--column weight=COLUMN`" in capsys.readouterr().err
    assert main([*arguments, "--column", "weight=is_holiday"]) == 0
    assert capsys.readouterr().out.startswith("wmae: 1.66667")
