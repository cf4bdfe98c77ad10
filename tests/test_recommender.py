"""Pairs of users and items: which data they are, and what the models made for them learn, keep and refuse."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from ratings import NOISE, biases_alone, tables, write_ratings
from training_cases import BINARY, MULTICLASS, REGRESSION, a_fold

from aicomp.cli.main import main
from aicomp.config import Config, ModelConfig, TrainingConfig
from aicomp.contract import Given, infer_contract
from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.models import ESTIMATORS, MODELS, Side, Sides, with_params
from aicomp.models.sides import find_sides
from aicomp.prediction import predict_run
from aicomp.project import Project
from aicomp.run import Run
from aicomp.training.fit import FoldData, fit_fold
from aicomp.training.whole import fit_whole, make_model, predict_whole

N_USERS, N_ITEMS = 60, 50


def a_fold_of_ratings(task=REGRESSION):
    """Encoded ratings: codes of user and item from 2, whether an item is a comedy, and a number about neither."""
    train, test, _, items = tables()
    comedy = items["genres"].str.contains("Comedy").to_numpy(dtype=np.float32)

    def encoded(rows, seed):
        codes = rows[["user_id", "item_id"]].to_numpy() + 2
        codes[rows["user_id"] == 0, 0] = 0  # never seen
        codes[rows["item_id"] == 0, 1] = 0
        noise = np.random.default_rng(seed).normal(size=len(rows)).astype(np.float32)
        return Rows(np.column_stack([comedy[rows["item_id"]], noise]), codes)

    y, valid_y = (rows["rating"].to_numpy() for rows in (train, test))
    if task is BINARY:
        y, valid_y = ((values > 3.5).astype(np.int64) for values in (y, valid_y))
    rows, valid = encoded(train, 0), encoded(test, 1)
    sides = find_sides(rows, 0, 1)
    return FoldData(rows, y, valid, valid_y, valid, (N_USERS + 2, N_ITEMS + 2), sides)


def fitted(data, task, seed=0, **params):
    build = with_params(ESTIMATORS["factorization"], params)
    return fit_whole(data, task, Config(model=ModelConfig(name="factorization", params=params)), build, seed=seed)


def error(prediction, data, rows=slice(None)):
    return float(np.sqrt(((prediction - data.valid_y)[rows] ** 2).mean()))


def test_columns_are_told_apart_by_whom_they_are_about():
    data = a_fold_of_ratings()
    assert data.sides == Sides(Side(0), Side(1, num=(0,)))
    assert data.sides.others(2, 2) == ([1], [])


def test_ids_of_a_row_each_say_nothing_about_columns():
    rows = Rows(np.ones((3, 1), dtype=np.float32), np.array([[2, 2], [3, 2], [4, 3]]))
    assert find_sides(rows, 0, 1) == Sides(Side(0), Side(1, num=(0,)))


def test_factors_beat_biases_and_come_near_the_noise():
    train, test, _, _ = tables()
    data = a_fold_of_ratings()
    result = fitted(data, REGRESSION, rank=4)
    seen = (data.valid.x_cat >= 2).all(axis=1)
    assert biases_alone(train, test) > 1.3  # the product has a variance of 2
    assert error(result.valid_pred, data, seen) < 1.5 * NOISE


def test_items_that_were_never_seen_are_told_by_their_columns():
    data = a_fold_of_ratings()
    result = fitted(data, REGRESSION, rank=4)
    new = data.valid.take(np.flatnonzero(data.valid.x_cat[:, 1] >= 2)[:1])
    new = replace(new, x_cat=np.array([[new.x_cat[0, 0], 0]] * 2), x_num=np.array([[0, 0], [1, 0]], dtype=np.float32))
    model = make_model(with_params(ESTIMATORS["factorization"], {"rank": 4}), result.spec, REGRESSION)
    model.load_state_dict({name: tensor.numpy() for name, tensor in result.state_dict.items()})
    plain, comedy = predict_whole(model, REGRESSION, result.transform, new)
    assert 0.4 < comedy - plain < 1.6  # a comedy has 1 more


def test_what_was_learned_is_kept_and_repeats():
    data = a_fold_of_ratings()
    result = fitted(data, REGRESSION, sweeps=20)
    again = fitted(data, REGRESSION, sweeps=20)
    np.testing.assert_array_equal(result.valid_pred, again.valid_pred)
    assert not np.array_equal(result.valid_pred, fitted(data, REGRESSION, seed=1, sweeps=20).valid_pred)
    model = make_model(with_params(ESTIMATORS["factorization"], {"sweeps": 20}), result.spec, REGRESSION)
    model.load_state_dict({name: tensor.numpy() for name, tensor in result.state_dict.items()})
    np.testing.assert_array_equal(predict_whole(model, REGRESSION, result.transform, data.test), result.test_pred)
    assert result.history[-1]["epoch"] == 20
    low, high = data.y.min(), data.y.max()
    assert low - 1e-6 <= result.valid_pred.min()
    assert result.valid_pred.max() <= high + 1e-6


def test_yes_or_no_is_learned_as_probabilities():
    data = a_fold_of_ratings(BINARY)
    result = fitted(data, BINARY, rank=4)
    assert result.valid_pred.min() >= 1e-3
    assert result.valid_pred.max() <= 1 - 1e-3
    assert ((result.valid_pred > 0.5) == data.valid_y).mean() > 0.8


def trained(data, task, **settings):
    config = Config(
        model=ModelConfig(name="two-tower"),
        training=TrainingConfig(epochs=25, batch_size=64, learning_rate=0.03),
    )
    build = with_params(MODELS["two-tower"], settings)
    return fit_fold(data, task, config, build, seed=0, device=torch.device("cpu"))


@pytest.mark.parametrize("task", [REGRESSION, BINARY], ids=lambda t: t.problem_type)
def test_two_towers_learn_the_product(task):
    data = a_fold_of_ratings(task)
    result = trained(data, task, k=2)
    seen = (data.valid.x_cat >= 2).all(axis=1)
    if task is BINARY:
        assert ((result.valid_pred > 0.5) == data.valid_y)[seen].mean() > 0.85
    else:
        train, test, _, _ = tables()
        assert error(result.valid_pred, data, seen) < 0.6 * biases_alone(train, test)
    assert np.isfinite(result.valid_pred).all()


def test_towers_have_as_many_outputs_as_are_asked_for():
    data = a_fold_of_ratings()
    data = replace(data, y=np.digitize(data.y, [2.5, 3.5]), valid_y=np.digitize(data.valid_y, [2.5, 3.5]))
    assert trained(data, MULTICLASS, k=2).valid_pred.shape == (len(data.valid), 3)
    with pytest.raises(UsageError, match="learns values and yes or no, and no classes"):
        fitted(data, MULTICLASS)


@pytest.mark.parametrize("params", [{"rank": 0}, {"sweeps": 3}])
def test_a_number_that_is_too_small_is_refused(params):
    name = next(iter(params))
    with pytest.raises(UsageError, match=f"`model.params.{name}` is {params[name]}"):
        fitted(a_fold_of_ratings(), REGRESSION, **params)


def test_without_users_and_items_both_say_what_to_write():
    with pytest.raises(UsageError, match="`factorization` learns from pairs") as e:
        fitted(a_fold(REGRESSION), REGRESSION)
    assert 'user = "COLUMN"' in e.value.hint
    with pytest.raises(UsageError, match="`two-tower` learns from pairs"):
        trained(a_fold(REGRESSION), REGRESSION)


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (("user_id", "item_id"), True),
        (("userId", "movieId"), True),
        (("Customer ID", "product_code"), True),
        (("reviewer", "ISBN"), True),
        (("user_age", "item_id"), False),
        (("a", "b"), False),
        (("item_id", "shop_id"), False),
    ],
)
def test_the_names_of_the_columns_tell(tmp_path, columns, found):
    train, test = write_ratings(tmp_path)
    names = dict(zip(("user_id", "item_id"), columns, strict=True))
    for name, table in (("train", train), ("test", test.drop(columns="rating"))):
        table.rename(columns=names).to_csv(tmp_path / f"{name}.csv", index=False)
    competition = infer_contract(tmp_path, Given(metric="rmse"), "ratings").competition
    assert (competition.template == "recommender") is found
    assert (competition.user, competition.item) == (columns if found else (None, None))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda t: t, True),
        (lambda t: t.assign(item_id=t["item_id"] % 5), False),
        (lambda t: t.assign(user_id=range(len(t))), False),
        (lambda t: t.assign(user_id=t["user_id"] % 25, item_id=t["user_id"] % 25 + 1), False),
        (lambda t: t.assign(**{f"x{j}": range(len(t)) for j in range(5)}), False),
    ],
    ids=["ratings", "few items", "a user each", "pairs that repeat", "many other columns"],
)
def test_the_values_tell_too(tmp_path, change, found):
    train, test = write_ratings(tmp_path)
    change(train).to_csv(tmp_path / "train.csv", index=False)
    change(test.drop(columns="rating")).to_csv(tmp_path / "test.csv", index=False)
    competition = infer_contract(tmp_path, Given(metric="rmse"), "ratings").competition
    assert (competition.template == "recommender") is found


def test_later_ratings_in_test_propose_a_split_by_time(tmp_path):
    train, test = write_ratings(tmp_path)
    train.assign(timestamp=range(len(train))).to_csv(tmp_path / "train.csv", index=False)
    later = test.drop(columns="rating").assign(timestamp=range(len(train), len(train) + len(test)))
    later.to_csv(tmp_path / "test.csv", index=False)
    notes = [f.because for f in infer_contract(tmp_path, Given(metric="rmse"), "r").findings if f.what == "note"]
    assert notes == ["`--time timestamp` would validate on later rows too"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    write_ratings(tmp_path / "data")
    folder = tmp_path / "project"
    assert main(["init", str(tmp_path / "data"), "--metric", "rmse", "--into", str(folder), "--json"]) == 0
    monkeypatch.chdir(folder)
    return folder


TOWERS = ["model.name=two-tower", "training.epochs=10", "training.learning_rate=0.03", "training.batch_size=64"]
OWN = ['model.name="model:build_model"', *TOWERS[1:]]


@pytest.mark.parametrize("settings", [["model.params.sweeps=40"], TOWERS, OWN], ids=["factors", "towers", "own"])
def test_a_project_trains_submits_and_predicts_new_rows(project, capsys, settings):
    capsys.readouterr()
    more = [part for entry in (*settings, "workers=0", "split.n_splits=3") for part in ("--set", entry)]
    assert main(["train", *more, "--json"]) == 0
    trained = json.loads(capsys.readouterr().out)
    assert trained["mean"] < 1.2  # the standard deviation is 1.7
    run = Run(project / "runs" / trained["run"])
    again = predict_run(Project.open(project), run)
    np.testing.assert_allclose(again.values, run.test_predictions(), rtol=1e-6)
    assert main(["submit", "--dry-run", "--json"]) == 0
    columns = {c["name"]: (c["kind"], c["reason"]) for c in run.read("columns.json")}
    assert columns["user_id"] == ("category", "names the user; as levels, target mean and count")


@pytest.mark.slow
def test_within_a_time_limit_they_come_first(project, capsys):
    capsys.readouterr()
    assert main(["train", "--time-limit", "25s", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [member["model"] for member in content["plan"]][:2] == ["factorization", "two-tower"]


def test_another_template_has_the_side_tables_too(tmp_path, capsys):
    write_ratings(tmp_path / "data")
    folder = tmp_path / "project"
    arguments = ["init", str(tmp_path / "data"), "--metric", "rmse", "--template", "tabular", "--into", str(folder)]
    assert main([*arguments, "--json"]) == 0
    competition = json.loads(capsys.readouterr().out)["competition"]
    assert competition["template"] == "tabular"
    assert competition["files"]["tables"] == {"items.csv": "item_id", "users.csv": "user_id"}
