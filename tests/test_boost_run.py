"""Runs of models that are no networks: the same folder, and the same predictions from it."""

import numpy as np
import pandas as pd
import pytest
from boost_cases import QUICK, each
from prediction_cases import init_rich, rich_rows
from synthetic import init_project

from aicomp.cli.main import main
from aicomp.cross_validation import cross_validate
from aicomp.engine.fold_job import training_device
from aicomp.errors import AicompError, UsageError
from aicomp.model_names import takes_gpu
from aicomp.models import ESTIMATORS
from aicomp.prediction import predict_run
from aicomp.project import Project
from aicomp.provenance import describe

OWN = '''
import numpy as np

class Mean:
    """Predicts the mean of the training targets."""

    numbers = "raw"

    def __init__(self, spec, *, plus=0.0):
        self.plus = plus

    def fit(self, train, y, valid, valid_y, goal, watch):
        from aicomp.models import Round

        self.mean = np.array([y.mean() + self.plus])
        watch(Round(1, 1, self.predict(valid), 0.0, 0.0))
        return 1

    def predict(self, rows):
        return np.repeat(self.mean, len(rows))

    def state_dict(self):
        return {"mean": self.mean}

    def load_state_dict(self, state):
        self.mean = state["mean"]
'''


def open_project(folder, name, *overrides, params=None):
    entries = [f"model.params.{key}={value}" for key, value in (params or QUICK.get(name, {})).items()]
    return Project.open(folder, [f'model.name="{name}"', "workers=0", "split.n_splits=2", *entries, *overrides])


@pytest.mark.parametrize("problem", ["multiclass", "regression"])
@pytest.mark.parametrize("name", each())
def test_the_runs_own_test_predictions_come_out_again(tmp_path, problem, name):
    project = open_project(init_rich(tmp_path, problem), name)
    run = cross_validate(project)
    assert run.is_done
    np.testing.assert_array_equal(predict_run(project, run).values, run.test_predictions())
    new = rich_rows(12, seed=8, new=True).astype(object)
    new.to_csv(tmp_path / "new.csv", index=False)
    values = predict_run(project, run, tmp_path / "new.csv").values
    new.iloc[[5]].to_csv(tmp_path / "one.csv", index=False)
    np.testing.assert_allclose(predict_run(project, run, tmp_path / "one.csv").values[0], values[5], rtol=1e-6)
    new.loc[:, new.columns != "id"] = np.nan
    new.to_csv(tmp_path / "empty.csv", index=False)
    values = predict_run(project, run, tmp_path / "empty.csv").values
    np.testing.assert_allclose(values, np.repeat(values[:1], len(values), axis=0), rtol=1e-6)


@pytest.mark.parametrize("problem", ["binary", "multilabel", "multi-target"])
def test_one_model_for_each_label_or_target(tmp_path, problem):
    project = open_project(init_project(tmp_path, problem), "extra-trees")
    run = cross_validate(project)
    np.testing.assert_array_equal(predict_run(project, run).values, run.test_predictions())
    assert run.scores["metric"] == project.task.metric.name


def test_workers_give_the_same_run(tmp_path):
    folder = init_project(tmp_path)
    here = cross_validate(open_project(folder, "extra-trees"))
    there = cross_validate(open_project(folder, "extra-trees", "workers=2"), fresh=True)
    np.testing.assert_array_equal(here.test_predictions(), there.test_predictions())


def test_a_class_of_the_projects_own(tmp_path):
    folder = init_project(tmp_path, "regression")
    (folder / "model.py").write_text(OWN)
    project = open_project(folder, "model:Mean", params={"plus": 0.5})
    run = cross_validate(project)
    oof = pd.read_csv(run.folder / "oof.csv")
    assert oof["price"].nunique() == 2
    np.testing.assert_array_equal(predict_run(project, run).values, run.test_predictions())


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        ("def load_state_dict", "def load", "has `fit` and `predict`, but no `load_state_dict`"),
        ('numbers = "raw"', 'numbers = "row"', "has `numbers = 'row'`"),
        ("watch(Round", "print(Round", "told of no round"),
    ],
)
def test_a_class_of_the_projects_own_that_is_not_whole(tmp_path, line, instead, message):
    folder = init_project(tmp_path, "regression")
    (folder / "model.py").write_text(OWN.replace(line, instead))
    with pytest.raises(AicompError, match=message):
        cross_validate(open_project(folder, "model:Mean"))


@pytest.mark.parametrize("name", each("lightgbm", "xgboost"))
def test_the_run_names_the_version_of_the_package(tmp_path, name):
    versions = describe(open_project(init_project(tmp_path), name))["versions"]
    assert [package for package in versions if package.startswith(name)]


def test_a_mistake_leaves_no_run(tmp_path):
    project = open_project(init_project(tmp_path), "extra-trees", params={"n_tree": 3})
    with pytest.raises(UsageError, match="unknown parameter"):
        cross_validate(project)
    assert [f for f in project.runs.iterdir() if f.is_dir()] == []


def test_trees_are_trained_on_the_cpu_whatever_the_device(tmp_path):
    names = [name for name in ESTIMATORS if not takes_gpu(name)]
    assert {"lightgbm", "catboost", "xgboost", "extra-trees", "ridge", "text-linear"} <= {*names}
    assert {training_device({"model": {"name": name}, "device": "cuda"}) for name in names} == {"cpu"}


def test_the_command_line(tmp_path, capsys):
    folder = init_project(tmp_path)
    arguments = ["train", "--project", str(folder), "--set", "model.name=ridge", "--set", "workers=0"]
    assert main(arguments) == 0
    assert "5 rounds" in capsys.readouterr().err
    assert main([*arguments, "--set", "training.epochs=3"]) == 2
    assert "`training.epochs` is 3, which is for networks and not for `ridge`" in capsys.readouterr().err
