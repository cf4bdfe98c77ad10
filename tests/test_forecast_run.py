"""Competitions of series, in whole runs."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from series_cases import a_panel, write_panel

from aicomp.cli.main import main
from aicomp.prediction import predict_run
from aicomp.project import Project
from aicomp.raw_data import write_manifest
from aicomp.run import Run, list_runs

QUICK = ["--set", "workers=0", "--set", "split.n_splits=2"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of quarterly series with a promotion that is known in advance."""
    hidden = write_panel(tmp_path / "data", a_panel(48))
    np.save(tmp_path / "hidden.npy", hidden)
    project = tmp_path / "project"
    assert main(["init", str(tmp_path / "data"), "--metric", "mae", "--into", str(project), "--json"]) == 0
    monkeypatch.chdir(project)
    return project


def train(capsys: pytest.CaptureFixture[str], *options: str) -> Run:
    capsys.readouterr()
    assert main(["train", *QUICK, *options, "--json"]) == 0
    return Run(Path("runs") / json.loads(capsys.readouterr().out.splitlines()[-1])["run"])


def test_it_trains_draws_predicts_blends_and_submits(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    naive = train(capsys, "--set", "model.name=seasonal-naive")
    learned = train(capsys, "--set", "model.params.epochs=3")
    assert learned.scores["mean"] < naive.scores["mean"]
    hidden = np.load(folder.parent / "hidden.npy")
    errors = [abs(run.test_predictions() - hidden).mean() for run in (naive, learned)]
    assert errors[1] < errors[0]
    assert learned.scores["n_validated"] == 2 * 8 * 12
    assert learned.read("plan.json")["splitter"] == "rolling-origin"
    assert (learned.folder / "forecasts.png").stat().st_size > 10_000
    # What the runs saved gives the same predictions, of all rows and of some.
    for run in (naive, learned):
        again = predict_run(Project.open(folder), run)
        np.testing.assert_array_equal(again.values, run.test_predictions())
    some = pd.read_csv(folder / "data" / "raw" / "test.csv")[5:9]
    some.to_csv(folder / "some.csv", index=False)
    part = predict_run(Project.open(folder), learned, folder / "some.csv").values
    np.testing.assert_allclose(part, learned.test_predictions()[5:9], rtol=1e-4)
    assert main(["blend", "--json"]) == 0
    assert main(["submit", "--dry-run", "--json"]) == 0


def test_what_comes_after_a_window_changes_nothing_in_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first fold of a run may not know anything of targets behind its origin, whatever is made of the files."""
    (folder / "features.py").write_text(
        "def add_features(table):\n    return table.assign(n=table.groupby('quarter')['kind'].transform('size'))\n"
    )
    path = folder / "data" / "raw" / "train.csv"
    before = {name: train(capsys, "--set", f"model.name={name}") for name in ("seasonal-mean", "forecast-mean")}
    table = pd.read_csv(path)
    times = sorted(table["quarter"].unique())
    later = table["quarter"].isin(times[-16:])  # both windows
    table.loc[later, "sales"] = np.random.default_rng(0).normal(-500, 100, int(later.sum())).round(3)
    table.to_csv(path, index=False)
    write_manifest(folder)
    for name, run in before.items():
        after = train(capsys, "--set", f"model.name={name}")
        assert after.id != run.id
        np.testing.assert_array_equal(after.predictions(0)["valid"], run.predictions(0)["valid"])
        assert abs(after.predictions(1)["valid"] - run.predictions(1)["valid"]).mean() > 1
        assert after.test_predictions().mean() < run.test_predictions().mean() - 50  # but test sees all of train


def test_a_model_of_the_template_and_models_of_single_rows_train_too(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = train(capsys, "--set", "model.name=model:SmoothedSeasons")
    ridge = train(capsys, "--set", "model.name=ridge")
    assert own.scores["mean"] < ridge.scores["mean"]
    np.testing.assert_array_equal(predict_run(Project.open(folder), own).values, own.test_predictions())


def test_one_series_without_any_column_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = a_panel(48)
    table = table[(table["region"] == "r0") & (table["kind"] == "k0")][["quarter", "sales"]]
    write_panel(tmp_path / "data", table, horizon=4, gap=1)
    assert main(["init", str(tmp_path / "data"), "--metric", "rmse", "--into", str(tmp_path / "p"), "--json"]) == 0
    monkeypatch.chdir(tmp_path / "p")
    for model in ("forecast-net", "drift"):
        run = train(capsys, "--set", f"model.name={model}")
        np.testing.assert_array_equal(predict_run(Project.open(), run).values, run.test_predictions())
    assert run.read("plan.json")["notes"] == ["35 of 43 rows are in no validation part"]


def test_a_series_that_train_does_not_know_is_predicted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("train", "test"):
        path = folder / "data" / "raw" / f"{name}.csv"
        table = pd.read_csv(path)
        if name == "train":
            table = table[~((table["region"] == "r3") & (table["kind"] == "k2"))]
        table.to_csv(path, index=False)
    write_manifest(folder)
    test = pd.read_csv(folder / "data" / "raw" / "test.csv")
    new = ((test["region"] == "r3") & (test["kind"] == "k2")).to_numpy()
    near = ((test["region"] == "r3") | (test["kind"] == "k2")).to_numpy() & ~new
    for model in ("seasonal-mean", "forecast-net"):
        run = train(capsys, "--set", f"model.name={model}")
        predicted = run.test_predictions()
        assert predicted[near].min() < predicted[new].mean() < predicted[near].max()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["split.train_rows=50"], "`split.train_rows` is 50, and `forecast-mean` needs all rows of a series"),
        (["split.n_splits=9"], "train has 40 steps, too few for 9 windows of 8"),
        (["split.splitter=kfold"], "models of series need the splitter `rolling-origin`"),
        (["training.epochs=3"], "`training.epochs` is 3, which is for networks and not for `forecast-mean`"),
        (["training.target=box-cox"], "`training.target` is `box-cox`, which no model of series learns"),
        (["forecast.period=0"], "`forecast.period` is 0, it must be at least 1"),
        (["pseudo.run=x"], "learns no pseudo-labels"),
    ],
)
def test_what_makes_no_sense_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    settings = [part for entry in options for part in ("--set", entry)]
    capsys.readouterr()
    assert main(["train", "--set", "workers=0", *settings, "--json"]) in (2, 3)
    error = json.loads(capsys.readouterr().out)["error"]
    assert message in error["message"] + error["hint"]


@pytest.mark.parametrize(
    ("file", "row", "column", "value", "message"),
    [
        ("train", 3, "quarter", "2000 Q7", "`train.csv` line 5: `quarter` is `2000 Q7`, which is no time"),
        ("test", 2, "quarter", "2011 Q9", "`test.csv` line 4: `quarter` is `2011 Q9`, which is no time"),
        ("train", 3, "quarter", "2000 Q1", "`train.csv` line 5: the series 'r0', 'k0' has the time `2000 Q1` twice"),
        ("test", 2, "quarter", "2019 Q1", "`test.csv` line 4 is 37 quarters after train, but 1 to 8 are asked for"),
        ("test", 2, "quarter", "2001 Q1", "`test.csv` line 4 is -35 quarters after train, but 1 to 8 are asked for"),
    ],
)
def test_a_wrong_row_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], file: str, row: int, column: str, value: str, message: str
) -> None:
    path = folder / "data" / "raw" / f"{file}.csv"
    table = pd.read_csv(path)
    table.loc[row, column] = value
    table.to_csv(path, index=False)
    write_manifest(folder)
    capsys.readouterr()
    assert main(["train", *QUICK, "--json"]) == 3
    assert message in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.parametrize("model", ["forecast-net", "lightgbm"])
def test_without_series_a_forecaster_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model: str
) -> None:
    if model == "lightgbm" and find_spec("lightgbm") is None:
        pytest.skip("needs lightgbm")
    monkeypatch.chdir(tmp_path)
    assert main(["init", "diabetes", "--json"]) == 0
    monkeypatch.chdir(tmp_path / "diabetes")
    capsys.readouterr()
    code = main(["train", "--set", f"model.name={model}", "--set", "workers=0", "--json"])
    if model == "lightgbm":
        assert code == 0
        return
    assert code == 2
    assert "forecasts series, and the contract names none" in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.slow
def test_the_time_limit_tries_models_of_series(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["train", "--time-limit", "25s", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [member["model"] for member in content["plan"]][:2] == ["forecast-mean", "seasonal-growth"]
    assert "lightgbm" not in {member["model"] for member in content["plan"]}
    assert any(run.is_done for run in list_runs(folder / "runs"))
    assert main(["submit", "--dry-run", "--json"]) == 0


@pytest.mark.slow
@pytest.mark.skipif(find_spec("optuna") is None, reason="needs optuna")
def test_it_is_tuned(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    options = ["--set", "model.name=seasonal-mean", *QUICK, "--trials", "3"]
    assert main(["tune", *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["best"] is not None
