"""Monotone and clamped columns: kept, told, and refused where they could not do anything."""

import json

import numpy as np
import pandas as pd
import pytest
from boost_cases import each
from synthetic import init_project, open_quick

from aicomp.cli.main import main
from aicomp.cross_validation import cross_validate
from aicomp.data.clamps import clamped, clamps_of
from aicomp.data.table import Table
from aicomp.errors import UsageError
from aicomp.explain.controls import run_without, steps_against
from aicomp.explain.dependence import partial_dependence
from aicomp.explain.subject import Subject
from aicomp.fold_model import run_project
from aicomp.layout import Layout
from aicomp.prediction import predict_run
from aicomp.project import Project

TREES = {
    "lightgbm": {"n_estimators": 60, "learning_rate": 0.3, "min_data_in_leaf": 2, "num_leaves": 16},
    "xgboost": {"n_estimators": 60, "learning_rate": 0.3},
    "catboost": {"iterations": 60, "learning_rate": 0.3},
}


def open_project(folder, name, *overrides):
    params = [f"model.params.{key}={value}" for key, value in TREES.get(name, {}).items()]
    return Project.open(folder, [f'model.name="{name}"', "workers=0", "split.n_splits=2", *params, *overrides])


def subject_of(project, run, **options):
    own = run_project(project, run)
    return Subject.of(own, run, Layout.of(own), **options)


@pytest.mark.parametrize("problem", ["binary", "regression", "multilabel"])
@pytest.mark.parametrize("name", each("lightgbm", "xgboost", "catboost"))
def test_trees_are_held_monotone(tmp_path, name, problem):
    folder = init_project(tmp_path, problem, n_train=240)
    free = cross_validate(open_project(folder, name))
    project = open_project(folder, name, "model.monotone={size=1, weight=-1}")
    run = cross_validate(project)
    subject = subject_of(project, run)
    size, weight = partial_dependence(subject, ["size", "weight"])
    assert steps_against(size, 1) == 0
    assert steps_against(weight, -1) == 0
    assert size.span > 0
    assert run_without(run).id == free.id
    loose = partial_dependence(subject_of(open_project(folder, name), free), ["size", "weight"])
    assert max(steps_against(loose[0], 1), steps_against(loose[1], -1)) > 0  # so that the above says something
    np.testing.assert_array_equal(predict_run(project, run).values, run.test_predictions())


@pytest.mark.parametrize("loss", ["mae", "huber", "quantile"])
@pytest.mark.parametrize("name", each("lightgbm", "xgboost", "catboost"))
def test_losses_under_which_a_library_does_not_keep_to_it_are_refused(tmp_path, name, loss):
    folder = init_project(tmp_path, "regression", n_train=240)
    level = ["training.quantile=0.8"] if loss == "quantile" else []
    project = open_project(folder, name, "model.monotone={size=1, weight=-1}", f'training.loss="{loss}"', *level)
    if name != "catboost" and loss != "huber":
        with pytest.raises(UsageError, match=f"does not keep to it under the loss `{loss}`"):
            cross_validate(project)
        return
    size, weight = partial_dependence(subject_of(project, cross_validate(project)), ["size", "weight"])
    assert (steps_against(size, 1), steps_against(weight, -1)) == (0, 0)


def test_the_other_way_round_is_seen():
    from explain_cases import subject

    a = np.linspace(-1, 1, 200)
    [found] = partial_dependence(subject(lambda t: t.numbers["a"] ** 2, {"a": a}, np.zeros(200)), ["a"])
    assert steps_against(found, 1) > 0.1
    [found] = partial_dependence(subject(lambda t: -t.numbers["a"], {"a": a}, np.zeros(200)), ["a"])
    assert steps_against(found, 1) > 0.05
    assert steps_against(found, -1) == 0


@pytest.mark.parametrize(
    ("name", "overrides", "message", "hint"),
    [
        ("linear", ["model.monotone.size=1"], "`linear` cannot be held monotone", "`lightgbm`, `xgboost`, `catboost`"),
        ("ridge", ["model.monotone.size=1"], "`ridge` cannot be held monotone", "`lightgbm`, `xgboost`, `catboost`"),
        ("lightgbm", ["model.monotone.sise=1"], "unknown column `sise`", "did you mean `size`?"),
        ("lightgbm", ["model.monotone.color=1"], "taken as `category` has no direction", "remove the line"),
        ("lightgbm", ["model.monotone.when=-1"], "taken as `datetime` has no direction", "remove the line"),
        ("lightgbm", ["model.monotone.size=2"], "2", ""),
        ("lightgbm", ["model.params.monotone_constraints=[1]"], "is not set here", "monotone = { age = 1 }"),
    ],
)
def test_what_cannot_be_held_is_refused(tmp_path, name, overrides, message, hint):
    if name == "lightgbm":
        pytest.importorskip("lightgbm")
    folder = init_project(tmp_path, "regression")
    with pytest.raises(UsageError, match=message) as error:
        cross_validate(open_project(folder, name, *overrides))
    assert hint in error.value.hint
    runs = folder / "runs"
    assert not runs.is_dir() or not [f for f in runs.iterdir() if f.is_dir()]


def test_classes_and_time_limits_are_refused(tmp_path, capsys):
    folder = init_project(tmp_path, "multiclass")
    with pytest.raises(UsageError, match="of several classes each has a direction of its own"):
        cross_validate(open_project(folder, "lightgbm", "model.monotone.size=1"))
    folder = init_project(tmp_path, "binary")
    arguments = ["--project", str(folder), "--set", "model.monotone.size=1", "--set", "model.name=lightgbm"]
    assert main(["train", *arguments, "--time-limit", "10s"]) == 2
    assert "cannot be held monotone" in capsys.readouterr().err


def test_a_class_of_the_projects_own_may_keep_to_it(tmp_path):
    folder = init_project(tmp_path, "regression")
    own = '''
import numpy as np
from aicomp.models import Round

class Slope:
    """Follows the columns that it is told to follow, and nothing else."""

    numbers = "normal"
    takes_monotone = True

    def __init__(self, spec):
        self.spec = spec
        self.weights = np.array(spec.monotone or [0], dtype=np.float64)

    def fit(self, train, y, valid, valid_y, goal, watch):
        watch(Round(1, 1, self.predict(valid), 0.0, 0.0))
        return 1

    def predict(self, rows):
        return rows.x_num[:, : len(self.weights)].astype(np.float64) @ self.weights

    def state_dict(self):
        return {"weights": self.weights}

    def load_state_dict(self, state):
        self.weights = state["weights"]
'''
    (folder / "model.py").write_text(own)
    project = open_project(folder, "model:Slope", "model.monotone={size=1, weight=-1}")
    run = cross_validate(project)
    assert json.loads((run.fold(0) / "spec.json").read_text())["monotone"][:2] == [1, -1]
    [size] = partial_dependence(subject_of(project, run), ["size"])
    assert size.span > 0
    (folder / "model.py").write_text(own.replace("takes_monotone = True", ""))
    with pytest.raises(UsageError, match="cannot be held monotone"):
        cross_validate(open_project(folder, "model:Slope", "model.monotone.size=1"))


def test_a_table_is_clamped():
    table = Table(4, {"a": np.array([-5.0, 1, np.nan, 9]), "b": np.zeros(4)}, {"c": np.array([0, 1, -1, 1], np.int32)},
                  {"c": ["x", "y"]})  # fmt: skip
    found = clamped(table, clamps_of({"a": (0.0, 5.0), "c": "x"}))
    np.testing.assert_array_equal(found.numbers["a"], [0, 1, np.nan, 5])
    np.testing.assert_array_equal(found.codes["c"], [0, 0, 0, 0])
    assert found.codes["c"].dtype == np.int32
    np.testing.assert_array_equal(clamped(table, clamps_of({"a": 3.0})).numbers["a"], [3, 3, 3, 3])
    np.testing.assert_array_equal(table.numbers["a"], [-5, 1, np.nan, 9])
    assert clamped(table, []) is table


@pytest.mark.parametrize(
    ("clamp", "message"),
    [
        ("{sise=[0, 1]}", "unknown column `sise`"),
        ("{size=[1, 0]}", "leaves no number"),
        ("{size=[0, 0]}", "leaves no number"),
        ("{size=[-100, 100]}", "changes no row: `size` lies between -"),
        ('{size="red"}', "holds a column that is taken as `number`"),
        ("{color=[0, 1]}", "gives numbers for a column that is taken as `category`"),
        ('{color="purple"}', "unknown value `purple`"),
        ("{when=3}", "gives numbers for a column that is taken as `datetime`"),
        ("{size=[0, 1, 2]}", "features.clamp"),
    ],
)
def test_clamps_that_do_nothing_or_do_not_fit_are_refused(tmp_path, clamp, message):
    folder = init_project(tmp_path, "regression")
    with pytest.raises(UsageError, match=message):
        cross_validate(open_quick(folder, f"features.clamp={clamp}"))


def test_predictions_see_the_clamped_column_and_training_does_not(tmp_path):
    folder = init_project(tmp_path, "regression")
    free = cross_validate(open_quick(folder))
    project = open_quick(folder, "features.clamp={size=[-0.5, 0.5], color='red'}")
    run = cross_validate(project)
    assert (run.fold(0) / "weights.safetensors").read_bytes() == (free.fold(0) / "weights.safetensors").read_bytes()
    np.testing.assert_array_equal(predict_run(project, run).values, run.test_predictions())
    # What a person would do by hand: clip the file, and ask the free run.
    test = pd.read_csv(folder / "data" / "raw" / "test.csv", dtype={"id": str})
    by_hand = test.assign(size=test["size"].clip(-0.5, 0.5), color="red")
    by_hand.to_csv(tmp_path / "test.csv", index=False)
    np.testing.assert_allclose(
        predict_run(open_quick(folder), free, tmp_path / "test.csv").values, run.test_predictions(), rtol=1e-6
    )
    with pytest.raises(UsageError, match="pseudo-labels make it learn from test"):
        cross_validate(open_quick(folder, "features.clamp={size=0}", f'pseudo.run="{free.id}"'))


def test_the_effect_of_a_clamp_is_shown(tmp_path, capsys):
    folder = init_project(tmp_path, "regression")
    project = open_quick(folder, "features.clamp={size=[-0.5, 0.5]}")
    run, free = cross_validate(project), cross_validate(open_quick(folder))
    capsys.readouterr()
    assert main(["explain", run.id, "--project", str(folder), "--rows", "1", "--json"]) == 0
    controls = json.loads(capsys.readouterr().out)["columns"]["controls"]
    [size] = controls["columns"]
    assert (size["kind"], size["words"]) == ("clamp", "clipped to -0.5 … 0.5")
    raw = pd.read_csv(folder / "data" / "raw" / "train.csv")["size"]
    assert size["n_changed"] == (raw.abs() > 0.5).sum()
    np.testing.assert_allclose(controls["clamps"]["with"], run.scores["folds"], rtol=1e-5)
    np.testing.assert_allclose(controls["clamps"]["without"], free.scores["folds"], rtol=1e-5)
    by_hand = np.mean(np.subtract(controls["clamps"]["without"], controls["clamps"]["with"]))  # of errors
    assert controls["clamps"]["gain"] == pytest.approx(by_hand)
    after, before = (np.array(size[name]["mean"])[:, 0] for name in ("after", "before"))
    assert np.ptp(after) < np.ptp(before)
    page = (run.folder / "explain.html").read_text()
    assert "rows of train changed where a model predicts" in page
