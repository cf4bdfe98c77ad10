"""Whole numbers in order under the quadratic kappa: learned as values, decided by cut points."""

import json

import numpy as np
import pandas as pd
import pytest
from synthetic import quick_arguments

from aicomp.cli.main import main
from aicomp.dataset import load_dataset
from aicomp.errors import DataError
from aicomp.last_step.choice import choose_last_step
from aicomp.last_step.steps import PLAIN, ValueCuts, load_step, save_step
from aicomp.last_step.trials import FoldPredictions
from aicomp.metrics import METRICS
from aicomp.prediction import predict_run
from aicomp.project import Project
from aicomp.run import Run
from aicomp.submission import read_sample, validate_submission
from aicomp.task import Task

KAPPA = Task("regression", (), 1, METRICS["quadratic_weighted_kappa"])


def shrunken(n, seed=0):
    """Grades 1 to 5 and predictions that hang back towards their mean, as those of squared errors do."""
    random = np.random.default_rng(seed)
    signal = random.normal(size=n)
    y = 1.0 + np.digitize(signal + 0.5 * random.normal(size=n), [-1.5, -0.5, 0.5, 1.5])
    return y, 3 + 0.6 * signal


def test_values_are_rounded_or_cut():
    assert KAPPA.decide(np.array([0.4, 1.6, -2.2])).tolist() == [0, 2, -2]
    cuts = ValueCuts(first=-1, cuts=(0.0, 0.25))
    assert KAPPA.decide(np.array([-9.0, -0.1, 0.0, 0.3]), cuts).tolist() == [-1, -1, 0, 1]
    assert cuts.adjust(np.array([0.3])).tolist() == [0.3]


def test_it_comes_back_from_its_file(tmp_path):
    step = ValueCuts(first=1, cuts=(1.4, 2.75))
    save_step(tmp_path, step)
    assert load_step(tmp_path) == step


def test_cut_points_undo_the_shrinkage_and_the_score_is_that_of_new_rows():
    y, p = shrunken(2000)
    folds = [FoldPredictions(np.arange(k, 2000, 5), p[k::5]) for k in range(5)]
    chosen = choose_last_step(KAPPA, y, folds)
    assert isinstance(chosen.step, ValueCuts)
    assert chosen.step.first == 1
    new_y, new_p = shrunken(50_000, seed=1)
    reached = KAPPA.score(new_y, new_p, chosen.step)
    assert reached > KAPPA.score(new_y, new_p) + 0.02
    assert np.mean(chosen.scores) == pytest.approx(reached, abs=0.02)


def test_scores_of_values_need_whole_targets_that_vary():
    with pytest.raises(DataError, match="`y_true` and `y_pred` are 3 in every row"):
        KAPPA.score(np.full(4, 3.0), np.full(4, 3.2))
    assert KAPPA.score(np.array([-1.0, 0.0, 1.0]), np.array([-1.2, 0.3, 0.9]), PLAIN) == 1.0


@pytest.fixture
def ordinal(tmp_path):
    random = np.random.default_rng(0)
    y, p = shrunken(300)
    table = pd.DataFrame({"id": range(300), "a": p.round(4), "b": random.normal(size=300).round(4)})
    folder = tmp_path / "downloads" / "ordinal"
    folder.mkdir(parents=True)
    table[:240].assign(grade=y[:240].astype(int)).to_csv(folder / "train.csv", index=False)
    table[240:].to_csv(folder / "test.csv", index=False)
    table[240:][["id"]].assign(grade=3).to_csv(folder / "sample_submission.csv", index=False)
    table[240:][["id"]].assign(grade=y[240:].astype(int)).to_csv(tmp_path / "solution.csv", index=False)
    project = tmp_path / "ordinal"
    assert main(["init", str(folder), "--metric", "qwk", "--into", str(project), "--json"]) == 0
    return project


@pytest.mark.parametrize("model", ["linear", "ridge"])
def test_from_init_to_a_submission_of_whole_numbers(ordinal, capsys, model):
    settings = quick_arguments("training.epochs=40") if model == "linear" else ["--set", 'model.name="ridge"']
    assert main(["train", "--project", str(ordinal), *settings, "--set", "workers=0", "--json"]) == 0
    capsys.readouterr()
    assert main(["submit", "--project", str(ordinal), "--dry-run", "--json"]) == 0
    file = json.loads(capsys.readouterr().out)["file"]
    grades = pd.read_csv(file)["grade"]
    assert grades.dtype == np.int64
    assert grades.between(1, 5).all()
    project = Project.open(ordinal)
    (run,) = (Run(p) for p in project.runs.iterdir() if (p / "DONE").is_file())
    step = load_step(run.folder)
    assert step.whole(run.test_predictions()).tolist() == grades.tolist()
    again = predict_run(Project(ordinal, run_config(run), project.competition), run, project.raw / "test.csv")
    np.testing.assert_allclose(again.values, run.test_predictions(), rtol=1e-6)
    solution = str(ordinal.parent / "solution.csv")
    assert main(["score", solution, file, "--metric", "qwk", "--problem-type", "regression", "--json"]) == 0
    score = json.loads(capsys.readouterr().out)["score"]
    expected = KAPPA.score(pd.read_csv(solution)["grade"].to_numpy(float), run.test_predictions(), step)
    assert score == pytest.approx(expected)


def run_config(run):
    import msgspec

    from aicomp.config import Config

    return msgspec.convert(run.info["config"], Config)


def test_a_target_that_is_not_whole_is_named(ordinal):
    train = ordinal / "data" / "raw" / "train.csv"
    train.write_text(train.read_text().rsplit(",", 1)[0] + ",2.5\n")
    with pytest.raises(DataError, match=r"line 241: `grade` is `2.5`, but metric `\w+` scores whole numbers"):
        load_dataset(Project.open(ordinal))


def test_a_submission_with_a_fraction_is_refused(ordinal, tmp_path):
    sample = read_sample(Project.open(ordinal))
    wrong = tmp_path / "wrong.csv"
    ids = list(sample.competition.id)
    pd.read_csv(Project.open(ordinal).raw / "sample_submission.csv")[ids].assign(grade=2.5).to_csv(wrong, index=False)
    with pytest.raises(DataError, match=r"line 2: `grade` is `2.5`, but the metric takes whole numbers"):
        validate_submission(wrong, sample)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ('training.loss="cross-entropy"', "`training.loss` is `cross-entropy`, but the problem is regression"),
        ("training.epochs=0", "`training.epochs` is 0, it must be at least 1"),
        ("regularization.swa=1.5", "`regularization.swa` is 1.5, but it must be at least 0 and below 1"),
    ],
)
def test_settings_are_refused_before_any_fold_and_leave_no_run(ordinal, capsys, override, message):
    assert main(["train", "--project", str(ordinal), "--set", override, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["message"] == message
    assert not [p for p in (ordinal / "runs").glob("*") if p.is_dir()]
