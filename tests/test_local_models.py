"""Models that forecast each series by itself, by hand."""

import numpy as np
import pytest
from series_cases import MAE, a_spec, grid_rows, rows_of

from aicomp.errors import UsageError
from aicomp.models.estimator import Goal, Round
from aicomp.models.local import Drift, Naive, SeasonalMean, SeasonalNaive

NAN = np.nan


def fitted(model, values, *, keys=None, ask=None, goal=MAE):
    """A model that knows a table, and what it says of the steps that follow."""
    rows, y = grid_rows(values, keys=keys)
    horizon, gap = model.series.horizon, model.series.gap
    n_series, n_steps = np.asarray(values).shape
    series = range(n_series) if ask is None else ask
    places = [(s, n_steps + gap + h) for s in series for h in range(horizon)]
    asked = rows_of([s for s, _ in places], [t for _, t in places], keys=keys)
    told: list[Round] = []
    model.fit(rows, y, asked, np.zeros(len(asked)), goal, told.append)
    assert len(told) == 1
    return model.predict(asked).reshape(-1, horizon)


def test_the_last_value_and_the_line_through_both_ends():
    values = [[1.0, 5.0, 4.0], [2.0, 2.0, 2.0]]
    np.testing.assert_allclose(fitted(Naive(a_spec(2)), values), [[4, 4, 4], [2, 2, 2]])
    np.testing.assert_allclose(fitted(Drift(a_spec(2)), values), [[5.5, 7, 8.5], [2, 2, 2]])
    np.testing.assert_allclose(fitted(Drift(a_spec(2, gap=2)), values), [[8.5, 10, 11.5], [2, 2, 2]])


def test_seasons_come_round():
    values = [[1.0, 2.0, 3.0, 4.0, 5.0]]  # of a season of two steps, the last full one is 4, 5
    spec = a_spec(seasons=(2.0,))
    np.testing.assert_allclose(fitted(SeasonalNaive(spec), values), [[4, 5, 4]])
    np.testing.assert_allclose(fitted(SeasonalNaive(a_spec(seasons=(2.0,), gap=1)), values), [[5, 4, 5]])
    np.testing.assert_allclose(fitted(SeasonalMean(spec, years=2), values), [[3, 4, 3]])
    np.testing.assert_allclose(fitted(SeasonalMean(spec, years=9), values), [[3, 3, 3]])  # 2, 4 and 1, 3, 5


def test_the_number_of_seasons_is_chosen_on_the_past():
    random = np.random.default_rng(0)
    flat = 10 + random.normal(size=(20, 40))
    steep = np.arange(40) * 3.0 + np.zeros((20, 1))
    spec = a_spec(20, horizon=4, seasons=(2.0,))
    noisy = fitted(SeasonalMean(spec), flat)
    assert abs(noisy - 10).mean() < abs(fitted(SeasonalNaive(spec), flat) - 10).mean() / 1.8
    np.testing.assert_allclose(fitted(SeasonalMean(spec), steep), fitted(SeasonalNaive(spec), steep))


def test_holes_and_ends_are_filled_from_the_season_before():
    values = [[1.0, 2.0, NAN, 4.0, NAN, NAN], [NAN, NAN, NAN, 7.0, 8.0, 9.0], [0.0, -1.0, 0.0, -3.0, 0.0, -5.0]]
    predicted = fitted(SeasonalNaive(a_spec(3, seasons=(2.0,), horizon=2)), values)
    np.testing.assert_allclose(predicted, [[1, 4], [8, 9], [0, -5]])
    young = fitted(SeasonalNaive(a_spec(2, seasons=(4.0,), horizon=2)), [[1.0] * 6, [NAN] * 5 + [3.0]])
    np.testing.assert_allclose(young, [[1, 1], [3, 3]])


def test_a_new_series_is_the_mean_of_those_like_it():
    keys = np.array([[1, 1], [1, 2], [2, 1], [1, 3], [4, 4]])  # codes of two keys
    values = np.array([[2.0, 2.0], [4.0, 4.0], [30.0, 30.0], [NAN, NAN], [NAN, NAN]])
    spec = a_spec(5, n_keys=2, cardinalities=(6, 6))
    predicted = fitted(Naive(spec), values, keys=keys)
    np.testing.assert_allclose(predicted[:, 0], [2, 4, 30, 3, 12])


def test_what_it_learned_is_kept():
    spec = a_spec(2, seasons=(2.0,), n_keys=1, cardinalities=(3,))
    keys = np.array([[0], [1], [1]])
    model = SeasonalMean(spec, years=1)
    fitted(model, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], keys=keys)
    again = SeasonalMean(spec, years=1)
    again.load_state_dict(model.state_dict())
    asked = rows_of([0, 1, 2], [3, 4, 5], keys=keys)
    np.testing.assert_array_equal(model.predict(asked), again.predict(asked))
    assert again.predict(asked).tolist() == [2, 6, 5]


def test_the_origin_moves_on_for_test():
    model = Naive(a_spec(1))
    fitted(model, [[1.0, 2.0]])
    rows, y = grid_rows([[1.0, 2.0, 9.0]])
    model.extend(rows, y, MAE, lambda step: None)
    assert model.predict(rows_of([0], [3])).tolist() == [9]


def test_what_makes_no_sense_is_refused():
    from aicomp.models.spec import ModelSpec

    with pytest.raises(UsageError, match="`naive` forecasts series, and there are none"):
        Naive(ModelSpec(1, (), 1))
    with pytest.raises(UsageError, match=r"`model\.params\.years` is 0"):
        SeasonalMean(a_spec(), years=0)
    with pytest.raises(UsageError, match=r"learns means, and not the quantile 0\.9"):
        fitted(Naive(a_spec()), [[1.0, 2.0]], goal=Goal("quantile", 1, 0, 1, 0.9))
    model = Naive(a_spec())
    fitted(model, [[1.0, 2.0]])
    with pytest.raises(UsageError, match="a row lies 4 steps after the last known one, and 1 to 3 are predicted"):
        model.predict(rows_of([0], [5]))
