"""Competitions whose predictions are strings, from init to the submission."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import aicomp
from aicomp.cli.main import main
from aicomp.errors import DataError
from aicomp.prediction import predict_run
from aicomp.project import Project
from aicomp.run import Run, list_runs

N_TRAIN, N_TEST = 90, 30
WORDS = "storm coast rain ferry council vote train budget school match goal crowd river bridge road film prize"


def write_summaries(folder: Path) -> Path:
    """Articles of a title and some sentences, the second and third of which are the summary."""
    random = np.random.default_rng(0)

    def sentence() -> str:
        words = random.choice(WORDS.split(), random.integers(5, 9))
        return f"The {' '.join(words)} {random.integers(10_000)}."

    articles, summaries = [], []
    for i in range(N_TRAIN + N_TEST):
        body = [sentence() for _ in range(random.integers(5, 9))]
        articles.append(f"News of day {i}\n\n" + " ".join(body))
        summaries.append(" ".join(body[:2]))
    table = pd.DataFrame({"id": range(len(articles)), "article": articles, "summary": summaries})
    folder.mkdir(exist_ok=True)
    table[:N_TRAIN].to_csv(folder / "train.csv", index=False)
    table[N_TRAIN:].drop(columns="summary").to_csv(folder / "test.csv", index=False)
    table[N_TRAIN:][["id"]].assign(summary="Nothing to say.").to_csv(folder / "sample_submission.csv", index=False)
    table[N_TRAIN:][["id", "summary"]].to_csv(folder / "solution.csv", index=False)
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data = write_summaries(tmp_path / "data")
    project = tmp_path / "project"
    assert main(["init", str(data), "--into", str(project), "--json"]) == 0
    monkeypatch.chdir(project)
    return project


def train(capsys: pytest.CaptureFixture[str], *settings: str) -> dict[str, object]:
    chosen = [part for entry in ("model.name=lead", "workers=0", *settings) for part in ("--set", entry)]
    assert main(["train", *chosen, "--json"]) == 0
    content: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return content


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, str]:
    capsys.readouterr()
    assert main([*arguments, "--json"]) in (2, 3)
    error: dict[str, str] = json.loads(capsys.readouterr().out)["error"]
    return error


def test_init_recognises_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_summaries(tmp_path / "data")
    assert main(["init", str(data), "--into", str(tmp_path / "project"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    contract, reasons = found["competition"], {f["what"]: f["because"] for f in found["findings"]}
    assert contract["problem_type"] == contract["submission"]["wants"] == "string"
    assert (contract["metric"], contract["template"]) == ("rougeL", "seq2seq")
    assert reasons["metric"].endswith("as a summary; `--metric` names another")


def test_it_trains_submits_and_predicts_new_rows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained = train(capsys)
    assert trained["mean"] == 1.0
    assert trained["n_validated"] == 9
    run = Run(folder / "runs" / str(trained["run"]))
    oof = pd.read_csv(run.folder / "oof.csv")
    assert oof["summary"].notna().sum() == 9
    assert (oof["fold"] >= 0).sum() == 9
    again = predict_run(Project.open(folder), run)
    assert again.values.tolist() == run.test_predictions().tolist()
    assert main(["submit", "--dry-run", "--json"]) == 0
    sent = json.loads(capsys.readouterr().out)["file"]
    solution = folder.parent / "data" / "solution.csv"
    assert main(["score", str(solution), str(sent), "--metric", "rougeL", "--json"]) == 0
    graded = json.loads(capsys.readouterr().out)
    assert (graded["score"], graded["problem_type"]) == (1.0, "string")


def test_several_folds_and_runs_are_put_together(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folds = ("split.splitter=repeated", "split.n_splits=3", "split.n_repeats=2")
    best = train(capsys, *folds)
    for k in (1, 3):
        train(capsys, *folds, f"model.params.k={k}")
    assert len(best["folds"]) == 6  # type: ignore[arg-type]
    assert best["n_validated"] == N_TRAIN
    assert main(["blend", "--json"]) == 0
    blended = json.loads(capsys.readouterr().out)
    assert blended["method"] == "consensus"
    assert blended["honest"]["mean"] == 1.0  # of one, two and three sentences, two are nearest to the others
    assert len(blended["members"]) == 3
    run = Run(folder / "runs" / blended["run"])
    assert run.test_predictions().tolist() == Run(folder / "runs" / str(best["run"])).test_predictions().tolist()
    assert main(["submit", blended["run"], "--dry-run", "--json"]) == 0
    runs = [r.id for r in list_runs(folder / "runs") if r.kind == "train"]
    assert main(["submit", "--run", runs[0], "--run", runs[1], "--dry-run", "--json"]) == 0
    assert main(["train", "--seeds", "2", "--set", "model.name=lead", "--set", "workers=0", "--json"]) == 0


def test_the_templates_own_model_answers_from_memory(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained = train(capsys, "model.name=model:TranslationMemory")
    run = Run(folder / "runs" / str(trained["run"]))
    known = set(pd.read_csv(folder / "data" / "raw" / "train.csv")["summary"])
    assert set(run.test_predictions()) <= known
    assert predict_run(Project.open(folder), run).values.tolist() == run.test_predictions().tolist()


def test_predictions_of_another_framework(folder: Path) -> None:
    draft = aicomp.Run.create("by-hand", folder, overrides=["split.splitter=kfold", "split.n_splits=3"])
    train = pd.read_csv(folder / "data" / "raw" / "train.csv")
    test = pd.read_csv(folder / "data" / "raw" / "test.csv")
    run = draft.save(oof=train[["id", "summary"]], test=["A guess."] * len(test))
    assert run.scores["mean"] == 1.0
    assert run.test_predictions().tolist() == ["A guess."] * len(test)
    with pytest.raises(DataError, match=r"`oof` is `nan` in row 3, counted from 0 \(id `3`\)"):
        draft.save(oof=train["summary"].where(train["id"] != 3), test=["A guess."] * len(test))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--time-limit", "10s"], "`--time-limit` chooses among models of numbers and classes"),
        (["train", "--set", "model.name=lightgbm"], "model `lightgbm` predicts no strings"),
        (["train", "--set", "model.name=tabm"], "model `tabm` predicts no strings"),
        (["train", "--set", "split.splitter=stratified"], "splitter `stratified` needs classes or numbers"),
        (["train", "--set", "training.loss=mae"], "`training.loss` is `mae`, but the targets are strings"),
        (["train", "--set", "split.holdout=0.9"], "`split.holdout` is 0.9"),
        (["train", "--set", "split.splitter=kfold", "--set", "split.holdout=0.2"], "splitter `kfold` does not use it"),
        (["blend", "--method", "stacking"], "`--method stacking` weighs numbers"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value[1:3]),
)
def test_what_means_nothing_for_strings_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    error = refused(capsys, *arguments)
    assert message in error["message"]
    assert error["hint"]
    assert not list_runs(folder / "runs")


def test_pseudo_labels_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(capsys)
    assert "pseudo-labels are probabilities or values" in refused(capsys, "train", "--pseudo", "2")["message"]


def test_a_model_of_strings_is_refused_for_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "iris"
    assert main(["init", "iris", "--into", str(project), "--json"]) == 0
    error = refused(capsys, "train", "--project", str(project), "--set", "model.name=lead")
    assert error["message"] == "model `lead` predicts strings, which the targets of this competition are not"


def test_a_target_that_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_summaries(tmp_path / "data")
    table = pd.read_csv(data / "train.csv")
    table.loc[1, "summary"] = " "
    table.to_csv(data / "train.csv", index=False)
    error = refused(capsys, "init", str(data), "--into", str(tmp_path / "project"))
    assert error["message"] == "`train.csv` line 5: target `summary` is missing"  # articles have three lines each


def test_a_blank_prediction_is_refused_and_an_absent_package_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = pd.read_csv(folder / "data" / "raw" / "sample_submission.csv")
    sample.loc[2, "summary"] = ""
    sample.to_csv(folder / "mine.csv", index=False)
    error = refused(capsys, "submit", "--file", "mine.csv", "--dry-run")
    assert error["message"] == "`mine.csv` line 4: `summary` is blank or NaN"
    monkeypatch.setattr("aicomp.training.precheck.find_spec", lambda name: None)
    error = refused(capsys, "train", "--set", "model.name=lead")
    assert error["message"] == "metric `rougeL` needs the package `rouge-score`"


def test_the_metric_of_the_templates_page_works(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [block] = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    (folder / "metric.py").write_text(block)
    contract = (folder / "competition.toml").read_text()
    (folder / "competition.toml").write_text(contract.replace('metric = "rougeL"', 'metric = "metric:my_score"'))
    trained = train(capsys, "split.splitter=repeated", "split.n_splits=2", "split.n_repeats=2", "model.params.k=2")
    assert (trained["metric"], trained["mean"]) == ("same_words", 1.0)  # without a `combine` of its own, by chrF


def test_it_is_tuned_on_its_one_fold(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("optuna")
    assert main(["tune", "--model", "lead", "--trials", "2", "--set", "workers=0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["best"]["mean"] == 1.0
