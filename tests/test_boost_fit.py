"""Each model that is no network fits every problem, says how it goes, and stops by the validation rows alone."""

import dataclasses

import numpy as np
import pytest
from boost_cases import each, fit, quick_config
from training_cases import BINARY, MULTICLASS, MULTILABEL, REGRESSION, RMSLE, TASKS, a_fold

from aicomp.config import Config, ModelConfig, RegularizationConfig
from aicomp.errors import UsageError
from aicomp.metrics import get_metric
from aicomp.models import ESTIMATORS, with_params
from aicomp.task import Task
from aicomp.training.whole import make_model, predict_whole


@pytest.mark.parametrize("name", each())
@pytest.mark.parametrize("task", TASKS, ids=lambda t: t.problem_type)
def test_every_model_learns_every_problem_type(task, name):
    data = a_fold(task)
    result = fit(data, task, quick_config(name))
    shape = {"multiclass": (3,), "multilabel": (2,), "multi-target": (2,)}.get(task.problem_type, ())
    assert result.valid_pred.shape == (90, *shape)
    assert result.test_pred.shape == (40, *shape)
    score = task.score(data.valid_y, result.valid_pred)
    if task.is_classification:
        assert score > (0.7 if name == "ridge" else 0.85)
        assert ((result.test_pred >= 0) & (result.test_pred <= 1)).all()
    else:
        assert score < 0.5 * data.valid_y.std()
    if task.problem_type == "multiclass":
        np.testing.assert_allclose(result.valid_pred.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", each())
@pytest.mark.parametrize("task", TASKS, ids=lambda t: t.problem_type)
def test_what_is_saved_makes_the_predictions(task, name):
    data = a_fold(task)
    config = quick_config(name)
    result = fit(data, task, config)
    model = make_model(with_params(ESTIMATORS[name], config.model.params), result.spec, task)
    model.load_state_dict({key: tensor.numpy() for key, tensor in result.state_dict.items()})
    again = predict_whole(model, task, result.transform, data.test)
    np.testing.assert_array_equal(again, result.test_pred)
    alone = predict_whole(model, task, result.transform, data.test.take(slice(3, 4)))
    np.testing.assert_allclose(alone[0], result.test_pred[3], rtol=1e-6)


@pytest.mark.parametrize("name", each())
def test_the_same_seed_gives_the_same_bits(name):
    data, config = a_fold(BINARY), quick_config(name)
    first, again = fit(data, BINARY, config, seed=3), fit(data, BINARY, config, seed=3)
    np.testing.assert_array_equal(first.test_pred, again.test_pred)
    if name != "ridge":
        assert not np.array_equal(first.test_pred, fit(data, BINARY, config, seed=4).test_pred)


@pytest.mark.parametrize("name", each())
def test_rounds_are_told_and_the_last_report_is_about_the_predictions(name):
    data, reports = a_fold(REGRESSION), []
    result = fit(data, REGRESSION, quick_config(name), report=reports.append)
    assert [row["epoch"] for row in result.history] == sorted({row["epoch"] for row in result.history})
    assert all(np.isfinite(list(row.values())).all() for row in result.history)
    assert reports[-1].score == reports[-1].best_score == REGRESSION.score(data.valid_y, result.valid_pred)
    assert 1 <= result.best_epoch <= result.n_epochs
    assert all(r.epoch <= r.n_epochs for r in reports)


@pytest.mark.parametrize("name", each("lightgbm", "catboost", "xgboost"))
def test_boosting_stops_when_the_validation_loss_does_not_fall(name):
    data = a_fold(BINARY)
    random = np.random.default_rng(0)
    noise = dataclasses.replace(data, y=random.integers(0, 2, 300), valid_y=random.integers(0, 2, 90))
    rounds = {"iterations" if name == "catboost" else "n_estimators": 500}
    result = fit(noise, BINARY, quick_config(name, patience=5, **rounds))
    assert result.best_epoch < 100
    endless = fit(noise, BINARY, quick_config(name, patience=0, **rounds))
    assert name == "catboost" or endless.best_epoch == 500  # CatBoost keeps the best round all the same


@pytest.mark.parametrize("name", each())
def test_a_logarithmic_metric_learns_logarithms_and_predicts_within_the_range(name):
    task = Task("regression", (), 1, RMSLE)
    data = a_fold(task)
    grown = dataclasses.replace(data, y=np.exp(data.y / 10), valid_y=np.exp(data.valid_y / 10))
    result = fit(grown, task, quick_config(name))
    assert result.transform is not None
    assert result.transform.kind == "log1p"
    assert task.score(grown.valid_y, result.valid_pred) < 0.4 * np.log1p(grown.valid_y).std()
    assert result.valid_pred.max() <= result.transform.high[0]


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
@pytest.mark.parametrize("name", each("lightgbm", "catboost", "xgboost"))
def test_losses_of_values(name, loss):
    """Half of the targets are far too high: only squares follow them."""
    data = a_fold(REGRESSION)
    y = data.y.copy()
    y[::4] += 1000
    result = fit(dataclasses.replace(data, y=y), REGRESSION, quick_config(name, loss=loss))
    too_high = np.median(result.valid_pred - data.valid_y)
    assert too_high > 100 if loss == "mse" else too_high < 200
    assert result.settings["loss"] == loss


@pytest.mark.parametrize("name", each("lightgbm", "catboost", "xgboost"))
def test_a_quantile_lies_above_its_share_of_the_targets(name):
    data = a_fold(REGRESSION)
    noise = np.random.default_rng(0).exponential(3 * data.y.std(), len(data.y))
    task = Task("regression", (), 1, get_metric("pinball@0.9"))
    result = fit(dataclasses.replace(data, y=data.y + noise), task, quick_config(name))
    assert (result.settings["loss"], result.settings["quantile"]) == ("quantile", 0.9)
    twice = dataclasses.replace(data, y=data.y + noise, valid=data.train, valid_y=data.y + noise)
    fitted = fit(twice, task, quick_config(name))
    assert 0.8 < np.mean(data.y + noise <= fitted.valid_pred) < 0.99


@pytest.mark.parametrize("name", each("extra-trees", "ridge"))
def test_a_model_of_means_refuses_a_quantile(name):
    task = Task("regression", (), 1, get_metric("pinball@0.9"))
    with pytest.raises(UsageError, match=f"model `{name}` learns means, and not the quantile 0.9"):
        fit(a_fold(task), task, quick_config(name))


@pytest.mark.parametrize("name", each("lightgbm", "catboost", "xgboost"))
def test_a_missing_number_tells_something(name):
    data = a_fold(BINARY)
    holes = {}
    for part, y in (("train", data.y), ("valid", data.valid_y)):
        rows = getattr(data, part)
        x = np.random.default_rng(1).normal(size=rows.x_num.shape).astype(np.float32)
        x[y == 1, 0] = np.nan
        holes[part] = dataclasses.replace(rows, x_num=x)
    result = fit(dataclasses.replace(data, **holes), BINARY, quick_config(name))
    assert BINARY.score(data.valid_y, result.valid_pred) == 1.0


@pytest.mark.parametrize("name", each())
def test_a_label_that_the_training_rows_lack(name):
    data = a_fold(MULTILABEL)
    y = data.y.copy()
    y[:, 1] = 0
    result = fit(dataclasses.replace(data, y=y), MULTILABEL, quick_config(name))
    assert (result.test_pred[:, 1] < 0.01).all()


@pytest.mark.parametrize("name", each())
def test_a_class_that_the_training_rows_lack(name):
    data = a_fold(MULTICLASS)
    kept = data.y != 1
    fewer = dataclasses.replace(data, train=data.train.take(kept), y=data.y[kept])
    result = fit(fewer, MULTICLASS, quick_config(name))
    assert result.test_pred.shape == (40, 3)
    assert (result.test_pred[:, 1] < 0.1).all()


@pytest.mark.parametrize("name", each())
def test_settings_of_networks_are_refused(name):
    config = quick_config(name)
    config = type(config)(model=config.model, regularization=RegularizationConfig(dropout=0.2))
    with pytest.raises(UsageError, match=r"`regularization.dropout` is 0.2, which is for networks") as error:
        fit(a_fold(BINARY), BINARY, config)
    assert "--set regularization.dropout=auto" in error.value.hint


@pytest.mark.parametrize("name", each())
def test_an_unknown_parameter_is_refused_with_the_nearest(name):
    known = "penalty" if name == "ridge" else "iterations" if name == "catboost" else "n_estimators"
    config = quick_config(name)
    config = type(config)(model=ModelConfig(name=name, params={known[:-1]: 3}))
    with pytest.raises(UsageError, match=f"unknown parameter `model.params.{known[:-1]}`") as error:
        fit(a_fold(BINARY), BINARY, config)
    assert f"`model.params.{known}`" in error.value.hint


@pytest.mark.parametrize("task", [BINARY, REGRESSION], ids=lambda t: t.problem_type)
def test_ridge_chooses_among_penalties_by_the_validation_loss(task):
    """Thirty rows and sixty columns of noise: a strong penalty is the best of the five."""
    data = a_fold(task, n=30)
    noise = {}
    for part in ("train", "valid", "test"):
        rows = getattr(data, part)
        x = np.random.default_rng(1).normal(size=(len(rows), 60)).astype(np.float32)
        noise[part] = dataclasses.replace(rows, x_num=x)
    config = Config(model=ModelConfig(name="ridge"))
    result = fit(dataclasses.replace(data, **noise), task, config)
    losses = [row["valid_loss"] for row in result.history]
    assert len(losses) == 5
    assert result.best_epoch == 1 + int(np.argmin(losses)) < 4


@pytest.mark.parametrize(
    ("name", "params", "hint"),
    [
        ("lightgbm", {"application": "l1"}, "training.loss"),
        ("lightgbm", {"nthread": 4}, "workers"),
        ("catboost", {"loss_function": "MAE"}, "training.loss"),
        ("catboost", {"n_estimators": 5}, "model.params.iterations"),
        ("xgboost", {"seed": 4}, "--set seed"),
        ("xgboost", {"early_stopping_rounds": 4}, "model.params.patience"),
    ],
)
def test_a_parameter_that_follows_from_the_task_is_refused(name, params, hint):
    pytest.importorskip(name)
    with pytest.raises(UsageError, match="is not set here") as error:
        fit(a_fold(BINARY), BINARY, quick_config(name, **params))
    assert hint in error.value.hint


@pytest.mark.parametrize(
    ("name", "params"),
    [("lightgbm", {"num_leaves": -4}), ("catboost", {"depth": 99}), ("xgboost", {"subsample": 7}),
     ("extra-trees", {"max_features": 7.0})],
)  # fmt: skip
def test_what_a_library_refuses_is_a_usage_error(name, params):
    if name != "extra-trees":
        pytest.importorskip(name)
    with pytest.raises(UsageError, match="refuses: "):
        fit(a_fold(BINARY), BINARY, quick_config(name, **params))


@pytest.mark.parametrize("name", ["lightgbm", "catboost", "xgboost"])
def test_a_missing_package_says_how_to_get_it(name, monkeypatch):
    monkeypatch.setattr("aicomp.models.boosting.find_spec", lambda package: None)
    with pytest.raises(UsageError, match=f"needs the package `{name}`") as error:
        fit(a_fold(BINARY), BINARY, quick_config(name))
    assert error.value.hint == "pip install 'aicomp[boost]'"
