"""Pseudo-labels: each fold learns those of the source's own fold, and nothing of the rows that it validates."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from ensemble_cases import make_task
from synthetic import init_project, open_quick

from aicomp.config import PseudoConfig
from aicomp.cross_validation import cross_validate, prepare
from aicomp.data.rows import Rows
from aicomp.ensemble.blending import blend
from aicomp.errors import DataError, UsageError
from aicomp.project import Project
from aicomp.pseudo import add_pseudo_rows, choose_rows, write_labels
from aicomp.run import Run
from aicomp.training.fold import FoldData
from aicomp.training.losses import CrossEntropy


def train(folder: Path, *overrides: str) -> Run:
    return cross_validate(open_quick(folder, *overrides))


def learn_from(folder: Path, source: Run, *overrides: str) -> Run:
    return train(folder, f'pseudo.run="{source.id}"', *overrides)


def save(folder: Path, tests: Any, *overrides: str) -> Run:
    project = open_quick(folder, *overrides)
    draft = Run.create("planted", project)
    n_rows = len(pd.read_csv(project.raw / "train.csv"))
    return draft.save(oof=np.random.default_rng(0).uniform(size=n_rows), test=tests)


def test_only_the_fold_whose_labels_differ_changes(tmp_path: Path) -> None:
    folder = init_project(tmp_path)
    tests = list(np.random.default_rng(1).uniform(size=(3, 30)))
    planted = [tests[0], 1 - tests[1], tests[2]]
    a, b = (learn_from(folder, save(folder, labels)) for labels in (tests, planted))
    plain = train(folder)
    assert a.info["pseudo"]["predictions_hash"] != b.info["pseudo"]["predictions_hash"]
    for k in range(3):
        same = a.predictions(k)["valid"].tobytes() == b.predictions(k)["valid"].tobytes()
        assert same == (k != 1)
        assert a.predictions(k)["valid"].tobytes() != plain.predictions(k)["valid"].tobytes()
        # Encoders are fitted on training rows alone.
        encoders = [(run.fold(k) / "encoder.safetensors").read_bytes() for run in (a, plain)]
        assert encoders[0] == encoders[1]


@pytest.mark.parametrize("by_fold", [True, False], ids=["by fold", "leaking"])
def test_targets_of_noise_stay_noise(tmp_path: Path, by_fold: bool) -> None:
    """Test rows are train rows over again, and the source has memorized what it saw: a leak would be seen."""
    folder = init_project(tmp_path, n_train=300, n_test=300)
    train_rows = pd.read_csv(folder / "data" / "raw" / "train.csv", dtype=str)
    random = np.random.default_rng(0)
    source = tmp_path / "noise"
    source.mkdir()
    noise = train_rows.assign(bought=random.permutation(np.repeat(["Yes", "No"], 150)))
    twins = noise.drop(columns="bought").assign(id=[f"t{i}" for i in range(300)])
    noise.to_csv(source / "train.csv", index=False)
    twins.to_csv(source / "test.csv", index=False)
    twins[["id"]].assign(bought=0.5).to_csv(source / "sample_submission.csv", index=False)
    from aicomp.cli.main import main

    project = tmp_path / "noise-project"
    assert main(["init", str(source), "--metric", "roc_auc", "--into", str(project), "--json"]) == 0
    trees = ['model.name="extra-trees"', "split.n_splits=3", "workers=0"]
    taught = cross_validate(Project.open(project, trees))
    labels = [taught.predictions(k)["test"] for k in range(3)]
    if not by_fold:
        labels = [np.mean(labels, axis=0)] * 3  # what is refused, given as if it were by fold
    teacher = Run.create("teacher", Project.open(project, trees)).save(oof=np.full(300, 0.5), test=labels)
    student = cross_validate(Project.open(project, [*trees, f'pseudo.run="{teacher.id}"']))
    assert (student.scores["mean"] < 0.6) == by_fold


def test_a_blend_labels_by_fold(tmp_path: Path) -> None:
    folder = init_project(tmp_path)
    runs = [train(folder, f"seed={seed}") for seed in range(2)]
    mixed = blend(open_quick(folder), runs, "hill-climbing").run
    for k in range(3):
        weights = mixed.result(k)["weights"]
        by_hand = sum(w * run.predictions(k)["test"] for w, run in zip(weights, runs, strict=True))
        assert mixed.predictions(k)["test_nested"] == pytest.approx(by_hand)
    again = blend(open_quick(folder), [mixed, runs[0]], "mean").run
    expected = (mixed.predictions(1)["test_nested"] + runs[0].predictions(1)["test"]) / 2
    assert again.predictions(1)["test_nested"] == pytest.approx(expected)
    student = learn_from(folder, again)
    assert student.info["pseudo"]["run"] == again.id
    assert learn_from(folder, student).is_done  # chains are honest if each of them is


def test_a_run_that_was_cut_goes_on_with_its_labels(tmp_path: Path) -> None:
    folder = init_project(tmp_path)
    source, other = save(folder, list(np.full((3, 30), 0.9))), save(folder, list(np.full((3, 30), 0.1)))
    whole = learn_from(folder, source)
    cut = prepare(open_quick(folder, f'pseudo.run="{source.id}"'), fresh=True).run
    assert prepare(open_quick(folder, f'pseudo.run="{other.id}"')).run.id != cut.id
    resumed = learn_from(folder, source)
    assert resumed.id == cut.id
    assert resumed.predictions(2)["valid"].tobytes() == whole.predictions(2)["valid"].tobytes()


@pytest.mark.parametrize("problem", ["multiclass", "regression", "multilabel", "multi-target"])
@pytest.mark.parametrize("model", ["linear", "extra-trees"])
def test_every_kind_of_target_is_learned(tmp_path: Path, problem: str, model: str) -> None:
    folder = init_project(tmp_path, problem)
    networks = [] if model == "linear" else ['model.name="extra-trees"']
    overrides = ["split.n_splits=3", "workers=0", *networks]
    source = train(folder)
    quick = open_quick(folder) if model == "linear" else Project.open(folder, overrides)
    plain = cross_validate(quick)
    name = f'pseudo.run="{source.id}"'
    student = cross_validate(
        open_quick(folder, name) if model == "linear" else Project.open(folder, [*overrides, name])
    )
    assert student.predictions(0)["valid"].shape == plain.predictions(0)["valid"].shape
    assert student.predictions(0)["valid"].tobytes() != plain.predictions(0)["valid"].tobytes()


def fold_data(y: np.ndarray) -> FoldData:
    rows = Rows(np.arange(4, dtype=np.float32)[:, None], np.zeros((4, 0), dtype=np.int64))
    return FoldData(rows.take(slice(2)), y, rows.take(slice(1)), y[:1], rows, ())


def test_networks_learn_probabilities_and_others_the_likeliest_label(tmp_path: Path) -> None:
    run, task = Run(tmp_path), make_task("multiclass", "accuracy", 3)
    data = fold_data(np.array([2, 0]))
    assert add_pseudo_rows(data, run, 0, task, is_network=True) is data
    predictions = np.array([[0.2, 0.7, 0.1], [0.1, 0.3, 0.6]])
    write_labels(run, [{"rows": np.array([1, 3]), "predictions": predictions}])
    soft, hard = (add_pseudo_rows(data, run, 0, task, is_network=network) for network in (True, False))
    assert soft.y.tolist() == [[0, 0, 1], [1, 0, 0], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6]]
    assert hard.y.tolist() == [2, 0, 1, 2]
    assert soft.train.x_num[:, 0].tolist() == hard.train.x_num[:, 0].tolist() == [0, 1, 1, 3]
    assert soft.valid_y.tolist() == data.valid_y.tolist()
    assert len(soft.test) == 4


def test_cross_entropy_of_probabilities() -> None:
    loss = CrossEntropy()
    logits = torch.log(torch.tensor([[[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]]))  # one row, two members
    target = loss.encode(np.array([[0.5, 0.5, 0.0]]))
    # Each member: -(log(1/2) + log(1/4)) / 2 = 1.5 * log(2)
    assert float(loss.loss(logits, target)) == pytest.approx(1.5 * np.log(2))
    assert float(loss.loss(logits, loss.encode(np.array([0])))) == pytest.approx(1.5 * np.log(2))


def test_which_rows_are_taken() -> None:
    task, random = make_task("binary", "roc_auc"), np.random.default_rng(0)
    p = np.array([0.05, 0.5, 0.95, 0.8])
    assert choose_rows(p, task, PseudoConfig(), 10, random).tolist() == [0, 1, 2, 3]
    assert choose_rows(p, task, PseudoConfig(confidence=0.9), 10, random).tolist() == [0, 2]
    drawn = choose_rows(p, task, PseudoConfig(share=0.5), 4, random)
    assert len(drawn) == 2
    assert drawn.tolist() == sorted(drawn)
    both = np.stack([p, p[::-1]], axis=1)
    assert choose_rows(
        both, make_task("multilabel", "f1_macro"), PseudoConfig(confidence=0.75), 9, random
    ).tolist() == [0, 3]
    value = make_task("regression", "rmse")
    assert choose_rows(p, value, PseudoConfig(confidence=0.9), 10, random).tolist() == [0, 1, 2, 3]


def test_sources_that_would_leak_or_do_not_fit_are_refused(tmp_path: Path) -> None:
    folder = init_project(tmp_path)
    guess = np.full(30, 0.5)
    pooled = save(folder, guess)
    with pytest.raises(UsageError, match="has no test predictions by fold") as caught:
        learn_from(folder, pooled)
    assert 'saves "test" as a list' in caught.value.hint
    with pytest.raises(DataError, match="`test` is a list of 2 predictions, but there are 3 folds"):
        save(folder, [guess, guess])
    good = save(folder, [guess] * 3)
    with pytest.raises(UsageError, match="has no test predictions by fold"):
        learn_from(folder, blend(open_quick(folder), [pooled, good], "mean").run)
    with pytest.raises(UsageError, match="is a blend of ranks"):
        learn_from(folder, blend(open_quick(folder), [train(folder), good], "rank").run)
    shuffled = save(folder, [guess] * 3, "split.seed=1")
    n_before = len(list((folder / "runs").iterdir()))
    with pytest.raises(UsageError, match=r"has other folds than this one: \d+ of 90 train rows") as caught:
        learn_from(folder, shuffled)
    assert "same `[split]`" in caught.value.hint
    ids = good.read("test_ids.json")
    good.write("test_ids.json", {"id": ids["id"][::-1]})
    with pytest.raises(UsageError, match="predicts other test rows"):
        learn_from(folder, good)
    good.write("test_ids.json", ids)
    info = good.info
    good.write("run.json", {**info, "competition": {**info["competition"], "labels": ["Yes", "No"]}})
    with pytest.raises(UsageError, match=r"another contract: its `labels` is \['Yes', 'No'\]"):
        learn_from(folder, good)
    good.write("run.json", {**info, "data_hash": "other"})
    with pytest.raises(UsageError, match="was trained on other data"):
        learn_from(folder, good)
    good.write("run.json", info)
    for entry in ("share=0", "confidence=1"):
        with pytest.raises(UsageError, match=rf"`pseudo.{entry[:5]}"):
            learn_from(folder, good, f"pseudo.{entry}")
    assert len(list((folder / "runs").iterdir())) == n_before  # nothing is left of them
