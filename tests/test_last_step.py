"""The last step is chosen by rows that it was not fitted on, and used wherever predictions become labels."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from prediction_cases import init_rich
from synthetic import init_project, open_quick, quick_arguments
from test_cross_validation import rewrite

from aicomp.cli.main import main
from aicomp.cross_validation import cross_validate
from aicomp.errors import DataError
from aicomp.last_step import choice as choosing
from aicomp.last_step.candidates import Candidate, candidates
from aicomp.last_step.choice import choose_last_step, pooled_score
from aicomp.last_step.steps import (
    PLAIN,
    Clip,
    CutPoints,
    Multipliers,
    Platt,
    Step,
    Temperature,
    Threshold,
    Thresholds,
    load_step,
    save_step,
)
from aicomp.last_step.trials import FoldPredictions
from aicomp.metrics import METRICS, Metric
from aicomp.metrics.base import ProblemType
from aicomp.prediction import predict_run, predict_submission
from aicomp.run import Run
from aicomp.submission import build_submission, read_sample
from aicomp.task import Task

LEARNED = ("training.epochs=12", "training.batch_size=32")
LABELS = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c")}


def task(problem: ProblemType, metric: str) -> Task:
    return Task(problem, LABELS.get(problem, ()), 1, METRICS[metric])


def five_folds(p: np.ndarray) -> list[FoldPredictions]:
    return [FoldPredictions(np.arange(k, len(p), 5), p[k::5]) for k in range(5)]


def rare_rows(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A tenth of the rows is positive, and their probabilities are right and mostly below one half."""
    random = np.random.default_rng(seed)
    odds = random.normal(-3.2, 1.6, n)
    p = 1 / (1 + np.exp(-odds))
    return (random.random(n) < p).astype(int), p


class TestChoice:
    def test_a_threshold_that_helps_is_kept_and_told_by_the_score_on_other_folds(self):
        y, p = rare_rows(4000)
        f1 = task("binary", "f1")
        chosen = choose_last_step(f1, y, five_folds(p))
        assert isinstance(chosen.step, Threshold)
        assert 0.15 < chosen.step.threshold < 0.45
        for k, fold in enumerate(five_folds(p)):
            others = np.setdiff1d(np.arange(4000), fold.rows)
            again = candidates(f1)[0].fit(y[others], p[others])
            assert chosen.nested[k] == again
            assert chosen.scores[k] == f1.score(y[fold.rows], fold.valid, again)
            assert chosen.plain[k] == f1.score(y[fold.rows], fold.valid)
        assert np.mean(chosen.scores) > np.mean(chosen.plain) + 0.03
        new_y, new_p = rare_rows(50_000, seed=1)
        assert f1.score(new_y, new_p, chosen.step) > f1.score(new_y, new_p) + 0.03
        assert np.mean(chosen.scores) == pytest.approx(f1.score(new_y, new_p, chosen.step), abs=0.03)

    def test_what_learns_its_rows_by_heart_is_not_kept(self, monkeypatch):
        """Planted: a step that is perfect on the rows it was fitted on, and a coin on others."""

        class Memory(Step, frozen=True, tag="memory"):
            known: dict[float, int]

            def decide(self, y_pred: np.ndarray, *, exclusive: bool) -> np.ndarray:
                return np.array([self.known.get(float(p), int(p * 1e6) % 2) for p in y_pred])

        by_heart = Candidate("memory", lambda y, p: Memory(dict(zip(p.tolist(), y.tolist(), strict=True))))
        monkeypatch.setattr(choosing, "candidates", lambda task: [by_heart])
        kept = []
        for seed in range(20):
            random = np.random.default_rng(seed)
            y, p = random.integers(0, 2, 1000), random.random(1000)
            chosen = choose_last_step(task("binary", "accuracy"), y, five_folds(p))
            assert chosen.tried[0]["mean"] == pytest.approx(0.5, abs=0.06)  # on its own rows it is 1
            assert np.mean(chosen.scores) == pytest.approx(0.5, abs=0.06)
            kept.append(chosen.step is not PLAIN)
        assert sum(kept) <= 2

    @pytest.mark.parametrize(
        ("problem", "metric"),
        [
            ("binary", "accuracy"),
            ("binary", "balanced_accuracy"),
            ("binary", "mcc"),
            ("binary", "cohen_kappa"),
            ("binary", "log_loss"),
            ("multiclass", "accuracy"),
            ("multiclass", "balanced_accuracy"),
            ("multiclass", "cohen_kappa"),
            ("multiclass", "quadratic_weighted_kappa"),
            ("multilabel", "hamming_loss"),
        ],
    )
    def test_random_targets_gain_nothing(self, problem, metric):
        made, gains, kept = task(problem, metric), [], 0
        for seed in range(25):
            random = np.random.default_rng(seed)
            y, p = _noise(problem, random, 400)
            chosen = choose_last_step(made, y, five_folds(p))
            kept += chosen.step is not PLAIN
            gains.append(np.mean(chosen.scores) - np.mean(chosen.plain))
        assert kept <= 4  # of 25
        # Of 400 random rows, the standard error of these scores is 0.025 to 0.05.
        assert abs(np.mean(gains)) < 0.01

    def test_repetitions_do_not_lend_a_fold_its_own_rows(self, monkeypatch):
        seen = []

        def fit(y: np.ndarray, p: np.ndarray) -> Step:
            seen.append(set(y.tolist()))
            return Clip((0.0,), (float(y.max()),))

        monkeypatch.setattr(choosing, "candidates", lambda task: [Candidate("watched", fit)])
        y = np.arange(60.0)
        parts = [np.arange(0, 60, 2), np.arange(1, 60, 2), np.arange(30), np.arange(30, 60)]
        choose_last_step(task("regression", "rmse"), y, [FoldPredictions(rows, y[rows]) for rows in parts])
        for rows, fitted in zip(parts, seen, strict=False):
            assert fitted == set(y.tolist()) - set(y[rows].tolist())

    def test_clipping_is_kept_for_a_single_wild_row(self):
        y = np.random.default_rng(0).uniform(0, 10, 200)
        p = y + np.random.default_rng(1).normal(0, 0.1, 200).clip(-0.2, 0.2)
        p[7] = 1e6  # one wild row, less sure than noise
        chosen = choose_last_step(task("regression", "rmse"), y, five_folds(p))
        assert chosen.step == Clip((float(y.min()),), (float(y.max()),))
        assert np.mean(chosen.scores) < 2 < np.mean(chosen.plain)

    def test_every_kind_of_metric_gets_its_step(self):
        random = np.random.default_rng(0)
        n = 3000
        code = random.choice(3, n, p=[0.8, 0.15, 0.05])
        three = np.exp((code[:, None] == np.arange(3)) * 1.2 + random.normal(0, 1, (n, 3))) * [0.8, 0.15, 0.05]
        three /= three.sum(axis=1, keepdims=True)
        sure = three**3 / (three**3).sum(axis=1, keepdims=True)
        labels = np.stack([rare_rows(n, seed)[0] for seed in (1, 2)], axis=1).astype(float)
        of_labels = np.stack([rare_rows(n, seed)[1] for seed in (1, 2)], axis=1)
        y, p = rare_rows(n)
        for problem, metric, target, predicted, kind in (
            ("multiclass", "f1_macro", code, three, Multipliers),
            ("multiclass", "balanced_accuracy", code, three, Multipliers),
            ("multiclass", "quadratic_weighted_kappa", code, three, CutPoints),
            ("multiclass", "log_loss", code, sure, Temperature),
            ("multilabel", "f1_macro", labels, of_labels, Thresholds),
            ("multilabel", "f1_micro", labels, of_labels, Thresholds),
            ("multilabel", "f1_samples", labels, of_labels, Thresholds),
            ("binary", "brier", y, p**0.3, Platt),
            ("binary", "log_loss", y, p**0.3, Platt),
            ("binary", "f1_macro", y, p, Threshold),
        ):
            chosen = choose_last_step(task(problem, metric), target, five_folds(predicted))
            assert isinstance(chosen.step, kind), (metric, chosen.reason)
            assert all(isinstance(step, kind) for step in chosen.nested)
            gain = np.mean(chosen.scores) - np.mean(chosen.plain)
            assert gain * (1 if METRICS[metric].greater_is_better else -1) > 0

    def test_no_step_without_a_choice(self):
        y, p = rare_rows(4000)
        f1 = task("binary", "f1")
        assert choose_last_step(f1, y, five_folds(p), "none").reason == "set in the config"
        assert choose_last_step(f1, y, five_folds(p)[:1]).step is PLAIN
        assert choose_last_step(f1, y[:40], five_folds(p[:40])).reason.startswith("fewer than 50 rows")
        assert choose_last_step(task("binary", "roc_auc"), y, five_folds(p)).tried == ()
        mine = Task("binary", LABELS["binary"], 1, Metric("f1", METRICS["f1"].fn, True, "label", frozenset({"binary"})))
        assert candidates(mine) == []

    def test_a_choice_that_cannot_be_repeated_without_a_fold_is_not_made(self, monkeypatch):
        y, p = rare_rows(4000)
        real, calls = choosing.best_trial, []

        def undefined_without_a_fold(*arguments):
            calls.append(arguments)
            if len(calls) > 1:
                raise DataError("metric `f1` cannot score 3 rows: no reason", "none")
            return real(*arguments)

        monkeypatch.setattr(choosing, "best_trial", undefined_without_a_fold)
        chosen = choose_last_step(task("binary", "f1"), y, five_folds(p))
        assert chosen.step is PLAIN
        assert chosen.scores == chosen.plain
        assert chosen.reason.endswith("metric `f1` cannot score 3 rows: no reason")

    def test_pooled_rows_have_steps_that_were_fitted_without_them(self):
        y, p = rare_rows(2000)
        f1, folds = task("binary", "f1"), five_folds(p)
        chosen = choose_last_step(f1, y, folds)
        pred = np.zeros(2000, int)
        for fold, step in zip(folds, chosen.nested, strict=True):
            pred[fold.rows] = p[fold.rows] >= step.threshold
        assert pooled_score(f1, y, np.arange(2000), p, folds, chosen) == METRICS["f1"](y, pred)


def _noise(problem, random, n):
    match problem:
        case "binary":
            return random.integers(0, 2, n), random.beta(80, 80, n)
        case "multiclass":
            return random.integers(0, 3, n), random.dirichlet([8, 8, 8], n)
    return random.integers(0, 2, (n, 2)).astype(float), random.beta(4, 12, (n, 2)) / 2


class TestFile:
    @pytest.mark.parametrize(
        "step",
        [
            PLAIN,
            Threshold(0.25),
            Thresholds((0.25, 0.5)),
            Multipliers((1.0, 2.5)),
            CutPoints((0.4, 1.6)),
            Temperature(1.5, True),
            Platt((0.5,), (-0.25,)),
            Clip((0.0,), (10.0,)),
        ],
        ids=lambda step: step.name,
    )
    def test_what_is_written_is_read(self, tmp_path, step):
        save_step(tmp_path, step)
        assert load_step(tmp_path) == step
        assert json.loads((tmp_path / "last_step.json").read_text()) == json.loads(
            json.dumps({"name": step.name, **step.parameters})
        )

    def test_a_damaged_file_is_named(self, tmp_path):
        for text in ('{"name": "threshold"', '{"name": "magic"}', '{"name": "threshold", "threshold": "high"}'):
            (tmp_path / "last_step.json").write_text(text)
            with pytest.raises(DataError, match=r"last_step.json` is damaged"):
                load_step(tmp_path)

    def test_a_step_for_other_columns_is_refused(self):
        with pytest.raises(DataError, match="`thresholds` is for 3 columns, but there are predictions of 2"):
            Thresholds((0.1, 0.2, 0.3)).decide(np.zeros((4, 2)), exclusive=False)


def rare_project(tmp_path, n_train=400):
    """A project scored by F1 whose positive class is rare and noisy."""
    folder = init_project(tmp_path, n_train=n_train, n_test=120)
    contract = folder / "competition.toml"
    text = contract.read_text().replace('metric = "roc_auc"', 'metric = "f1"')
    contract.write_text(text.replace('wants = "probability"', 'wants = "label"'))
    train = folder / "data" / "raw" / "train.csv"
    frame = pd.read_csv(train, dtype=str)
    size = frame["size"].astype(float)
    random = np.random.default_rng(0)
    frame["bought"] = np.where(random.random(len(frame)) < 1 / (1 + np.exp(-(2 * size - 2.5))), "Yes", "No")
    rewrite(folder, train, frame.to_csv(index=False))
    sample = folder / "data" / "raw" / "sample_submission.csv"
    rewrite(folder, sample, pd.read_csv(sample, dtype=str).assign(bought="No").to_csv(index=False))
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    project = open_quick(rare_project(tmp_path_factory.mktemp("rare")), *LEARNED)
    return project, cross_validate(project)


class TestRun:
    def test_the_scores_are_the_nested_ones(self, trained):
        project, run = trained
        scores, step = run.scores, load_step(run.folder)
        assert isinstance(step, Threshold)
        report = scores["last_step"]
        assert (report["name"], report["parameters"]) == ("threshold", {"threshold": step.threshold})
        assert scores["folds"] == report["nested"]["folds"]
        assert scores["mean"] == report["nested"]["mean"] > report["without"]["mean"]
        for k, without in enumerate(report["without"]["folds"]):
            arrays = run.predictions(k)
            y = (pd.read_csv(project.raw / "train.csv")["bought"] == "Yes").to_numpy()[arrays["valid_rows"]].astype(int)
            assert project.task.score(y, arrays["valid"]) == without
        oof = pd.read_csv(run.folder / "oof.csv")["bought"]
        assert oof.between(0, 1).all()
        assert oof.nunique() > 100  # probabilities, whatever is decided

    def test_the_submission_uses_it(self, trained):
        project, run = trained
        step = load_step(run.folder)
        written = pd.read_csv(build_submission(project, run, read_sample(project)), dtype=str)
        p = run.test_predictions()
        assert (written["bought"] == "Yes").tolist() == (p >= step.threshold).tolist()
        assert (p >= step.threshold).sum() > (p >= 0.5).sum()

    def test_new_rows_are_decided_by_it(self, trained, tmp_path):
        project, run = trained
        n = predict_submission(project.folder, run.id, project.raw, tmp_path / "new.csv")
        assert n == 120
        again = build_submission(project, run, read_sample(project))
        assert (tmp_path / "new.csv").read_text() == again.read_text()

    def test_a_run_of_before_has_the_plain_step(self, trained, tmp_path):
        project, run = trained
        old = Run(shutil.copytree(run.folder, tmp_path / run.id))
        (old.folder / "last_step.json").unlink()
        scores = old.scores
        del scores["last_step"]
        old.write("scores.json", scores)
        np.testing.assert_array_equal(predict_run(project, old).values, old.test_predictions())
        written = pd.read_csv(build_submission(project, old, read_sample(project)), dtype=str)
        assert (written["bought"] == "Yes").tolist() == (old.test_predictions() >= 0.5).tolist()

    def test_none_in_the_config_switches_it_off(self, trained):
        project, run = trained
        plain = cross_validate(open_quick(project.folder, *LEARNED, 'output.last_step="none"'))
        assert load_step(plain.folder) == PLAIN
        assert plain.scores["folds"] == run.scores["last_step"]["without"]["folds"]
        assert plain.scores["last_step"] == {"name": "plain", "parameters": {}, "reason": "set in the config"}

    def test_training_says_what_was_chosen(self, trained, capsys):
        project, _ = trained
        assert main(["train", "--project", str(project.folder), *quick_arguments(*LEARNED)]) == 0
        line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("last step"))
        assert line.startswith("last step: threshold 0.")
        assert line.endswith("with it, fitted on the other folds")


@pytest.mark.parametrize("problem", ["binary", "multiclass", "regression", "multilabel", "multi-target"])
def test_every_problem_type_has_a_step_that_its_submission_takes(tmp_path, problem):
    project = open_quick(init_project(tmp_path, problem))
    run = cross_validate(project)
    step = {
        "binary": Platt((0.0,), (0.0,)),
        "multiclass": Multipliers((1e-9, 1.0, 1e-9)),  # high, low, middle
        "regression": Clip((100.0,), (100.0,)),
        "multilabel": Thresholds((0.0, 1.1)),
        "multi-target": Clip((1.0, 2.0), (1.0, 2.0)),
    }[problem]
    wanted = {
        "binary": [[0.5]],
        "multiclass": [["low"]],
        "regression": [[100.0]],
        "multilabel": [[1, 0]],
        "multi-target": [[1.0, 2.0]],
    }[problem]
    save_step(run.folder, step)
    written = pd.read_csv(build_submission(project, run, read_sample(project)), dtype={"id": str})
    assert written.drop(columns="id").to_numpy().tolist() == wanted * 30


def test_calibrated_probabilities_stand_in_the_files_and_are_fitted_without_their_row(tmp_path):
    folder = init_rich(tmp_path)
    contract = folder / "competition.toml"
    contract.write_text(contract.read_text().replace('metric = "roc_auc"', 'metric = "log_loss"'))
    project = open_quick(folder, "training.epochs=1", "training.learning_rate=0.0001")  # hardly trained: all near 0.5
    run = cross_validate(project)
    step = load_step(run.folder)
    test = pd.read_csv(run.folder / "test.csv")["bought"]
    np.testing.assert_allclose(test, step.adjust(run.test_predictions()))
    oof = pd.read_csv(run.folder / "oof.csv")
    train = pd.read_csv(project.raw / "train.csv")
    for k, score in enumerate(run.scores["folds"]):
        rows = (oof["fold"] == k).to_numpy()
        y = (train["bought"] == "Yes").to_numpy().astype(int)[rows]
        assert METRICS["log_loss"](y, oof["bought"].to_numpy()[rows]) == pytest.approx(score, rel=1e-6)
