"""A project's data: ids and targets as the contract says, features without what would give the answer away."""

import numpy as np
import pandas as pd
import pytest
from synthetic import init_project, open_quick

from aicomp.dataset import load_dataset
from aicomp.errors import DataError, UsageError
from aicomp.raw_data import write_manifest


def change(folder, file, **columns):
    """Set or remove (None) columns of a raw file."""
    path = folder / "data" / "raw" / file
    table = pd.read_csv(path, dtype=str).assign(**{k: v for k, v in columns.items() if v is not None})
    table.drop(columns=[k for k, v in columns.items() if v is None]).to_csv(path, index=False)
    write_manifest(folder)


def contract(folder, old, new):
    path = folder / "competition.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_ids_and_targets_are_no_features(tmp_path):
    data = load_dataset(open_quick(init_project(tmp_path)))
    assert list(data.train.columns) == list(data.test.columns) == ["size", "weight", "color", "when"]
    assert data.train_ids.columns.tolist() == ["id"]
    assert set(np.unique(data.y)) == {0, 1}
    assert data.groups is data.time is data.fold_column is None


def test_an_id_that_is_a_time_stays_a_feature(tmp_path):
    folder = init_project(tmp_path)
    hours = pd.date_range("2011-01-01", periods=120, freq="h").strftime("%Y-%m-%d %H:%M:%S")
    change(folder, "train.csv", id=hours[:90])
    change(folder, "test.csv", id=hours[90:])
    data = load_dataset(open_quick(folder))
    assert "id" in data.train.columns
    assert data.test_ids["id"].tolist() == hours[90:].tolist()


def test_ids_of_which_several_name_a_row_stay_features(tmp_path):
    folder = init_project(tmp_path)
    for file, n in (("train.csv", 90), ("test.csv", 30)):
        change(folder, file, shop=[str(i // 10) for i in range(n)])
    contract(folder, 'id = [\n    "id",\n]', 'id = ["shop", "id"]')
    contract(folder, 'columns = [\n    "id",', 'columns = [\n    "shop",\n    "id",')
    data = load_dataset(open_quick(folder))
    assert "shop" in data.train.columns
    assert "id" not in data.train.columns
    assert data.test_ids.columns.tolist() == ["shop", "id"]


def test_rows_are_counted_where_test_has_no_id(tmp_path):
    folder = init_project(tmp_path)
    for file in ("train.csv", "test.csv"):
        change(folder, file, id=None)
    contract(folder, 'metric = "roc_auc"', 'metric = "roc_auc"\nfirst_row_id = 1')
    data = load_dataset(open_quick(folder))
    assert data.test_ids["id"].tolist() == [str(i) for i in range(1, 31)]
    assert data.train_ids.shape == (90, 0)
    assert "id" not in data.train.columns


def test_a_group_is_no_feature_and_keeps_its_spelling(tmp_path):
    folder = init_project(tmp_path)
    change(folder, "train.csv", customer=[f"{i % 9:03d}" for i in range(90)])
    change(folder, "test.csv", customer="100")
    data = load_dataset(open_quick(folder, 'split.group="customer"'))
    assert data.groups[:2].tolist() == ["000", "001"]
    assert "customer" not in data.train.columns
    assert "customer" not in data.test.columns


def test_a_time_orders_rows_and_stays_a_feature(tmp_path):
    folder = init_project(tmp_path)
    data = load_dataset(open_quick(folder, 'split.time="when"'))
    when = pd.read_csv(folder / "data" / "raw" / "train.csv")["when"]
    assert np.argsort(data.time, kind="stable").tolist() == np.argsort(when, kind="stable").tolist()
    assert "when" in data.train.columns


def test_what_is_no_time_is_named(tmp_path):
    folder = init_project(tmp_path)
    with pytest.raises(DataError, match=r"`train.csv` line 2: `color` is `\w+`, which is no time"):
        load_dataset(open_quick(folder, 'split.time="color"'))


@pytest.mark.parametrize("key", ["group", "time", "fold_column"])
def test_a_column_that_is_not_there_is_named(tmp_path, key):
    folder = init_project(tmp_path)
    with pytest.raises(UsageError, match=f"`split.{key}` is `custmer`, which `train.csv` does not have"):
        load_dataset(open_quick(folder, f'split.{key}="custmer"'))


def test_a_category_of_digits_is_the_same_in_both_files(tmp_path):
    folder = init_project(tmp_path)
    change(folder, "train.csv", shelf=["007", "A1", "012"] * 30)
    change(folder, "test.csv", shelf=["007", "012"] * 15)
    data = load_dataset(open_quick(folder))
    assert set(data.test["shelf"]) == {"007", "012"}


@pytest.mark.parametrize(("value", "message"), [(None, "target `price` is missing"), ("dear", "which is no number")])
def test_a_bad_target_is_named_with_its_line(tmp_path, value, message):
    folder = init_project(tmp_path, "regression")
    path = folder / "data" / "raw" / "train.csv"
    table = pd.read_csv(path, dtype=str)
    table.loc[7, "price"] = value
    table.to_csv(path, index=False)
    write_manifest(folder)
    with pytest.raises(DataError, match=f"`train.csv` line 9: .*{message}"):
        load_dataset(open_quick(folder))


def test_a_multilabel_target_is_zero_or_one(tmp_path):
    folder = init_project(tmp_path, "multilabel")
    change(folder, "train.csv", wide=["0", "1", "2"] * 30)
    with pytest.raises(DataError, match=r"`train.csv` line 4: `wide` is `2`, but a multilabel target is 0 or 1"):
        load_dataset(open_quick(folder))
