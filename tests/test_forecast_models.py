"""The models that are common to all series: what they see, and that they learn."""

from importlib.util import find_spec

import numpy as np
import pytest
from series_cases import MAE, a_spec, grid_rows, rows_of

from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.models import (
    ETS,
    AutoARIMA,
    AutoTheta,
    ForecastMean,
    ForecastNet,
    ForecastTrees,
    SeasonalGrowth,
    SeasonalMean,
    SeasonalNaive,
    Theta,
)
from aicomp.models.estimator import Goal
from aicomp.models.history import History
from aicomp.models.windows import training_windows, windows_at

HORIZON, N_STEPS, N_SERIES = 6, 66, 20
KEYS = np.column_stack([np.arange(N_SERIES + 1) % 4, np.arange(N_SERIES + 1) // 4])
CARDINALITIES = (4, 6)

needs_lightgbm = pytest.mark.skipif(find_spec("lightgbm") is None, reason="needs lightgbm")
needs_statsforecast = pytest.mark.skipif(find_spec("statsforecast") is None, reason="needs statsforecast")

LEARNERS = [ForecastNet, pytest.param(ForecastTrees, marks=needs_lightgbm)]
STATISTICAL = [pytest.param(model, marks=needs_statsforecast) for model in (ETS, AutoTheta)]
LOCAL = [SeasonalMean, SeasonalGrowth, Theta]


def some_series(*, promotions=False, seed=0):
    """Series with trend, season of four steps and noise, (n_series, n_steps), and what is known in advance."""
    random = np.random.default_rng(seed)
    t = np.arange(N_STEPS)
    size = random.uniform(5, 100, (N_SERIES, 1))
    season = random.normal(0, 0.2, (N_SERIES, 4))[:, t % 4]
    values = 1 + random.uniform(0, 0.01, (N_SERIES, 1)) * t + season + random.normal(0, 0.15, (N_SERIES, N_STEPS))
    known = random.random((N_SERIES, N_STEPS)) < 0.3
    return size * (values + (0.8 * known if promotions else 0)), known


def a_learner(model, *, promotions=False, seasons=(4.0,), **params):
    spec = a_spec(N_SERIES, horizon=HORIZON, seasons=seasons, n_keys=2, cardinalities=CARDINALITIES,
                  n_num=int(promotions))  # fmt: skip
    return model(spec, **params)


def rows_between(values, start, stop, known=None):
    series, steps = (a.ravel() for a in np.mgrid[: len(values), start:stop])
    numbers = None if known is None else known[series, steps][:, None].astype(float)
    return rows_of(series, steps, keys=KEYS, numbers=numbers), values[series, steps]


def error(model, values, known=None, goal=MAE):
    """Mean absolute error of the last steps, and the predictions."""
    train, y = rows_between(values, 0, N_STEPS - HORIZON, known)
    valid, valid_y = rows_between(values, N_STEPS - HORIZON, N_STEPS, known)
    model.fit(train, y, valid, valid_y, goal, lambda step: None)
    predicted = model.predict(valid)
    return abs(predicted - valid_y).mean(), predicted


@pytest.mark.parametrize("model", LEARNERS)
def test_they_beat_seasonal_naive(model):
    values, _ = some_series()
    naive, _ = error(a_learner(SeasonalNaive), values)
    mean, _ = error(a_learner(SeasonalMean), values)
    learned, _ = error(a_learner(model), values)
    assert learned < 0.85 * naive
    assert learned < 1.02 * mean


@pytest.mark.parametrize("model", LEARNERS)
def test_they_use_what_is_known_in_advance(model):
    values, known = some_series(promotions=True)
    net, trees = {"epochs": 25, "learning_rate": 8e-3, "members": 2}, {"n_estimators": 200, "learning_rate": 0.1}
    more = net if model is ForecastNet else trees
    blind, _ = error(a_learner(model, **more), values)
    learned, _ = error(a_learner(model, promotions=True, **more), values, known)
    assert learned < 0.8 * blind


@pytest.mark.parametrize("model", [*LEARNERS, *STATISTICAL, *LOCAL, ForecastMean])
def test_no_target_behind_the_origin_is_seen(model):
    """The targets of the window may be anything: what is predicted for it stays the same, bit for bit."""
    values, _ = some_series()
    values = values[:6]
    changed = values.copy()
    changed[:, N_STEPS - HORIZON :] = np.random.default_rng(1).normal(0, 1e6, (6, HORIZON))
    params = {"epochs": 2} if model in (ForecastNet, ForecastMean) else {}
    first, second = (error(a_learner(model, **params), table)[1] for table in (values, changed))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("model", [*LEARNERS, *STATISTICAL, *LOCAL, ForecastMean])
def test_test_is_predicted_from_the_whole_history(model):
    """A level that all series reach behind the last origin counts in what is predicted for test."""
    values, _ = some_series()
    values = values[:8]
    values[:, N_STEPS - HORIZON :] += 1000.0
    learner = a_learner(model)
    _, before = error(learner, values)
    known, y = rows_between(values, 0, N_STEPS)
    learner.extend(known, y, MAE, lambda step: None)
    asked = rows_of(np.repeat(np.arange(8), HORIZON), np.tile(N_STEPS + np.arange(HORIZON), 8), keys=KEYS)
    assert before.mean() < 150
    assert learner.predict(asked).mean() > 200


@pytest.mark.parametrize("model", LEARNERS)
def test_what_it_learned_is_kept_and_a_new_series_is_like_others(model):
    values, known = some_series(promotions=True)
    params = {"epochs": 2} if model is ForecastNet else {"n_estimators": 10}
    learner = a_learner(model, promotions=True, **params)
    error(learner, values, known)
    again = a_learner(model, promotions=True, **params)
    again.load_state_dict(learner.state_dict())
    steps = np.tile(N_STEPS - HORIZON + np.arange(HORIZON), N_SERIES + 1)
    asked = rows_of(np.repeat(np.arange(N_SERIES + 1), HORIZON), steps, keys=KEYS, numbers=np.zeros((len(steps), 1)))
    predicted = learner.predict(asked)
    np.testing.assert_array_equal(predicted, again.predict(asked))
    of_new = predicted.reshape(-1, HORIZON)[-1]
    like = [s for s in range(N_SERIES) if (KEYS[s] == KEYS[N_SERIES]).sum() == 1]
    assert np.isfinite(of_new).all()
    assert values[like].min() * 0.5 < of_new.mean() < values[like].max() * 1.5
    part = asked.take(np.arange(3, 9))
    np.testing.assert_allclose(learner.predict(part), predicted[3:9], rtol=1e-4)


def test_the_loss_follows_the_goal():
    values = some_series()[0][:8]
    more = {"epochs": 30, "learning_rate": 5e-3, "members": 1}
    actual = values[:, N_STEPS - HORIZON :].ravel()
    _, high = error(a_learner(ForecastNet, **more), values, goal=Goal("quantile", 1, 0, 1, 0.9))
    _, low = error(a_learner(ForecastNet, **more), values, goal=Goal("quantile", 1, 0, 1, 0.1))
    assert 0.75 < (actual < high).mean() <= 1
    assert 0 <= (actual < low).mean() < 0.25
    for loss in ("mse", "huber"):
        assert np.isfinite(error(a_learner(ForecastNet, members=1), values, goal=Goal(loss, 1, 0, 1))[1]).all()


@pytest.mark.parametrize("model", LEARNERS)
@pytest.mark.parametrize(
    "values",
    [
        np.zeros((3, 20)),
        -np.arange(60.0).reshape(3, 20),
        np.where(np.arange(60).reshape(3, 20) % 3 == 0, np.nan, 5.0),
        np.vstack([np.full(20, 3.0), np.r_[np.full(19, np.nan), 4.0], np.r_[1.0, np.full(19, np.nan)]]),
        np.arange(7.0).reshape(1, 7),
    ],
    ids=["zero", "negative", "holes", "short", "one"],
)
def test_awkward_series_are_predicted(model, values):
    spec = a_spec(len(values), horizon=3, seasons=(4.0, 30.0))
    learner = model(spec)
    rows, y = grid_rows(values)
    n_steps = values.shape[1]
    asked = rows_of(np.repeat(np.arange(len(values)), 3), np.tile(n_steps + np.arange(3), len(values)))
    learner.fit(rows, y, asked, np.zeros(len(asked)), MAE, lambda step: None)
    predicted = learner.predict(asked)
    assert np.isfinite(predicted).all()
    assert abs(predicted).max() <= 4 * max(1.0, np.nanmax(abs(values)))


def test_windows_see_no_later_step():
    values, _ = some_series()
    spec = a_spec(N_SERIES, horizon=HORIZON, seasons=(4.0, 12.5), n_keys=2, cardinalities=CARDINALITIES).series
    changed = values.copy()
    changed[:, 30:] = -1e9
    first, second = (windows_at(table, KEYS[:N_SERIES], 30, spec) for table in (values, changed))
    for name in ("context", "simple", "level", "scale"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.simple.shape[:2] == (N_SERIES, HORIZON)


def test_training_windows_end_with_what_is_known():
    rows, y = grid_rows(np.arange(20.0).reshape(1, 20))
    spec = a_spec(horizon=3, gap=2, seasons=(2.0,)).series
    windows, targets = training_windows(History.of(rows, y, spec), spec, 1000)
    assert windows.origins.tolist() == list(range(6, 16))
    assert targets[0].tolist() == [8, 9, 10]
    assert targets[-1].tolist() == [17, 18, 19]
    fewer, _ = training_windows(History.of(rows, y, spec), spec, 5)
    assert fewer.origins.tolist() == [6, 8, 10, 13, 15]


def test_growth_is_that_of_all_series_with_the_same_key():
    values = np.repeat([[10.0], [20.0], [30.0]], 36, axis=1)
    values[0, -4:] *= 1.5  # of the first two, which share their key, 30 becomes 35
    spec = a_spec(3, horizon=2, seasons=(4.0,), n_keys=1, cardinalities=(3,))
    keys = np.array([[0], [0], [1]])
    rows, y = grid_rows(values, keys=keys)
    model = SeasonalGrowth(spec)
    asked = rows_of([0, 1, 2], [36, 36, 37], keys=keys)
    model.fit(rows, y, asked, np.zeros(3), MAE, lambda step: None)
    base = np.array([(7 * 10 + 15) / 8, 20, 30])
    recent, double = np.array([15.0, 20, 30]), np.array([12.5, 20, 30])
    growth_of_all = [level.sum() / base.sum() for level in (recent, double)]
    growth_of_key = [level[:2].sum() / base[:2].sum() for level in (recent, double)]
    grown, alone = np.mean([*growth_of_all, *growth_of_key]), np.mean([*growth_of_all, 1, 1])
    np.testing.assert_allclose(model.predict(asked), base * [grown, grown, alone], rtol=1e-6)


def test_theta_goes_on_with_half_of_the_slope_and_the_season():
    t = np.arange(41)
    season = np.array([4.0, -3.0, 1.0, -2.0])
    spec = a_spec(2, horizon=4, seasons=(4.0,))
    values = np.stack([5 + season[t % 4], 2.0 * t])
    rows, y = grid_rows(values)
    model = Theta(spec)
    asked = rows_of([0] * 4 + [1] * 4, [*range(41, 45)] * 2)
    model.fit(rows, y, asked, np.zeros(8), MAE, lambda step: None)
    predicted = model.predict(asked).reshape(2, 4)
    np.testing.assert_allclose(predicted[0], 5 + season[np.arange(41, 45) % 4], atol=1e-3)
    # Of the line of slope 2 the level is smoothed by 0.9, which lags 2 * (1 - 0.9) / 0.9 behind 80.
    np.testing.assert_allclose(predicted[1], 80 - 2 * 0.1 / 0.9 + np.arange(4) + 1 / 0.9, atol=1e-3)


def test_the_mean_is_that_of_its_members_and_of_quantiles_the_network_alone():
    values = some_series()[0][:6]
    ask = rows_between(values, N_STEPS - HORIZON, N_STEPS)[0]
    models = [a_learner(model) for model in (ForecastMean, ForecastNet, SeasonalGrowth, Theta)]
    first, *others = (error(model, values)[1] for model in models)
    np.testing.assert_allclose(first, np.mean(others, axis=0), rtol=1e-6)
    again = a_learner(ForecastMean)
    again.load_state_dict(models[0].state_dict())
    np.testing.assert_array_equal(again.predict(ask), first)
    goal = Goal("quantile", 1, 0, 1, 0.9)
    models = [a_learner(model, epochs=2) for model in (ForecastMean, ForecastNet)]
    first, network = (error(model, values, goal=goal)[1] for model in models)
    np.testing.assert_array_equal(first, network)
    again = a_learner(ForecastMean, epochs=2)
    again.load_state_dict(models[0].state_dict())
    np.testing.assert_array_equal(again.predict(ask), network)


@needs_statsforecast
def test_ets_finds_trend_and_season():
    t = np.arange(60)
    values = (10 + 0.5 * t + np.array([0, 3, -2, 1])[t % 4])[None]
    rows, y = grid_rows(values[:, :54])
    for model in (ETS, AutoARIMA):
        learner = model(a_spec(horizon=6, seasons=(4.0,)))
        asked, actual = rows_of([0] * 6, range(54, 60)), values[0, 54:]
        learner.fit(rows, y, asked, actual, MAE, lambda step: None)
        np.testing.assert_allclose(learner.predict(asked), actual, atol=0.5)


def test_a_package_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr("aicomp.models.statistical.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="`ets` needs the package `statsforecast`") as raised:
        ETS(a_spec())
    assert raised.value.hint == "pip install 'aicomp[forecast]'"


@pytest.mark.parametrize("params", [{"epochs": 0}, {"members": 1.5}, {"dropout": 1.0}])
def test_wrong_parameters_are_refused(params):
    with pytest.raises(UsageError, match=r"`model\.params\."):
        ForecastNet(a_spec(), **params)


def test_rows_keep_their_places():
    rows = rows_of([0, 1, 2], [5, 6, 7])
    assert rows.take(np.array([2])).places.tolist() == [[2, 7]]
    assert rows.followed_by(rows).places.shape == (6, 2)
    assert Rows(rows.x_num, rows.x_cat).take(slice(1)).places is None
