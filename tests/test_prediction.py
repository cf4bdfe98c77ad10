"""A run predicts the rows it was trained beside as it did then, and any other rows."""

import shutil

import numpy as np
import pandas as pd
import pytest
from prediction_cases import KINDS, init_rich, rich_rows, rich_target, write_test
from synthetic import open_quick

from aicomp.cross_validation import cross_validate
from aicomp.errors import DataError, UsageError
from aicomp.prediction import predict_run, predict_submission
from aicomp.submission import read_sample, validate_submission


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    project = open_quick(init_rich(tmp_path_factory.mktemp("rich")))
    return project, cross_validate(project)


def test_every_kind_of_column_is_there(trained):
    _, run = trained
    assert {c["name"]: c["kind"] for c in run.read("columns.json")} == KINDS


@pytest.mark.parametrize("problem", ["binary", "multiclass", "regression", "multi-target"])
@pytest.mark.parametrize("model", ["linear", "tabm"])
def test_the_runs_own_test_predictions_come_out_bit_for_bit(tmp_path, problem, model):
    extra = [f'model.name="{model}"'] + (["model.params.n_blocks=1"] if model == "tabm" else [])
    project = open_quick(init_rich(tmp_path, problem), *extra)
    run = cross_validate(project)
    prediction = predict_run(project, run)
    np.testing.assert_array_equal(prediction.values, run.test_predictions())
    assert prediction.ids["id"].tolist() == run.read("test_ids.json")["id"]


@pytest.mark.parametrize("overrides", [["regularization.ema=0.9"], ["regularization.swa=0.5"]], ids=str)
def test_averaged_weights_are_the_ones_that_predict(tmp_path, overrides):
    project = open_quick(init_rich(tmp_path), *overrides)
    run = cross_validate(project)
    np.testing.assert_array_equal(predict_run(project, run).values, run.test_predictions())


def test_rows_of_another_file_do_not_change_each_other(trained, tmp_path):
    """A row is predicted alike whether it stands alone, between new rows, or in another order."""
    project, run = trained
    test = pd.read_csv(project.raw / "test.csv", dtype=str)
    new = rich_rows(25, seed=5, new=True).astype(object)
    mixed = pd.concat([new.iloc[:10], test.iloc[::-1], new.iloc[10:]], ignore_index=True)
    mixed.to_csv(tmp_path / "mixed.csv", index=False)
    values = predict_run(project, run, tmp_path / "mixed.csv").values
    assert len(values) == 65
    np.testing.assert_allclose(values[10:50][::-1], run.test_predictions(), rtol=0, atol=1e-6)
    for rows in ([3], list(range(7)), [24]):
        new.iloc[rows].to_csv(tmp_path / "few.csv", index=False)
        alone = predict_run(project, run, tmp_path / "few.csv").values
        np.testing.assert_allclose(alone, np.concatenate([values[:10], values[50:]])[rows], rtol=0, atol=1e-6)


def test_unseen_categories_and_missing_values_are_predicted(trained, tmp_path):
    project, run = trained
    new = rich_rows(12, seed=8, new=True).astype(object)
    new.loc[:, new.columns != "id"] = np.nan
    new.to_csv(tmp_path / "empty.csv", index=False)
    values = predict_run(project, run, tmp_path / "empty.csv").values
    np.testing.assert_allclose(values, values[0])
    new["color"] = "no such color"
    new.to_csv(tmp_path / "unseen.csv", index=False)
    assert np.isfinite(predict_run(project, run, tmp_path / "unseen.csv").values).all()


def test_values_are_read_as_in_training_not_as_the_new_file_alone_suggests(trained, tmp_path):
    """Levels such as "01" and "1" are told apart though all new ones are digits; a lone zone is still taken to UTC."""
    project, run = trained
    row = pd.read_csv(project.raw / "test.csv", dtype=str).iloc[[0]]
    rows = pd.concat([row.assign(id=str(i)) for i in range(2)], ignore_index=True)
    rows["level"] = ["01", "1"]
    rows.to_csv(tmp_path / "levels.csv", index=False)
    values = predict_run(project, run, tmp_path / "levels.csv").values
    assert values[0] != values[1]
    rows["level"], rows["zoned"] = "1", ["2019-05-05T12:00+02:00", "2019-05-05T10:00+02:00"]
    rows.iloc[[0]].to_csv(tmp_path / "zone.csv", index=False)
    first = predict_run(project, run, tmp_path / "zone.csv").values
    rows["zoned"] = ["2019-05-05T10:00Z", "2019-05-05T10:00+02:00"]
    rows.to_csv(tmp_path / "zones.csv", index=False)
    np.testing.assert_allclose(predict_run(project, run, tmp_path / "zones.csv").values[0], first[0], atol=1e-6)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("size", "tall", "`size` is to be taken as number, but its value `tall`"),
        ("sold", "05.05.2019", "`sold` is to be taken as datetime, but its value `05.05.2019`"),
        ("member", "perhaps", "`member` is to be taken as boolean, but its value `perhaps`"),
    ],
)
def test_a_value_of_another_kind_is_refused(trained, tmp_path, column, value, message):
    project, run = trained
    rows = pd.read_csv(project.raw / "test.csv", dtype=str)
    rows.loc[3, column] = value
    rows.to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(DataError) as e:
        predict_run(project, run, tmp_path / "test.csv")
    assert message in e.value.message


def test_a_missing_column_is_refused(trained, tmp_path):
    project, run = trained
    pd.read_csv(project.raw / "test.csv", dtype=str).drop(columns="color").to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(DataError) as e:
        predict_run(project, run, tmp_path / "test.csv")
    assert "no column `color`" in e.value.message


def test_a_submission_of_another_length_is_valid(trained, tmp_path):
    project, run = trained
    new = rich_rows(77, seed=3, new=True)
    write_test(tmp_path / "files", new, rich_target(new, "binary"))
    folder = tmp_path / "project"
    for name in ("aicomp.toml", "competition.toml", "features.py", "model.py", "train.py"):
        folder.mkdir(exist_ok=True)
        shutil.copy(project.folder / name, folder / name)
    shutil.copytree(run.folder, folder / "runs" / run.id)
    assert predict_submission(folder, run.id, tmp_path / "files", tmp_path / "submission.csv") == 77
    table = validate_submission(tmp_path / "submission.csv", read_sample(project, tmp_path / "files"))
    assert table.frame["id"].tolist() == new["id"].tolist()


def test_a_run_without_encoders_is_refused(trained, tmp_path):
    project, run = trained
    copied = type(run)(shutil.copytree(run.folder, tmp_path / run.id))
    (copied.fold(1) / "encoder.json").unlink()
    with pytest.raises(DataError) as e:
        predict_run(project, copied)
    assert "no `folds/1/encoder.json`" in e.value.message
    assert "--fresh" in e.value.hint


def test_code_that_has_changed_is_refused(tmp_path):
    project = open_quick(init_rich(tmp_path))
    run = cross_validate(project)
    features = project.folder / "features.py"
    features.write_text(features.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    with pytest.raises(UsageError) as e:
        predict_run(project, run)
    assert "have changed since run" in e.value.message


def test_a_models_own_file_is_used(tmp_path):
    project = open_quick(init_rich(tmp_path), 'model.name="model:build_model"', "model.params.d_block=16")
    run = cross_validate(project)
    np.testing.assert_array_equal(predict_run(project, run).values, run.test_predictions())
