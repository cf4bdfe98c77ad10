"""Metrics of values: against scikit-learn and scipy where they define the same, by hand elsewhere."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearn_metrics

from aicomp.metrics import METRICS

REFERENCES = {
    "mse": sklearn_metrics.mean_squared_error,
    "rmse": sklearn_metrics.root_mean_squared_error,
    "pinball": sklearn_metrics.mean_pinball_loss,
    "mae": sklearn_metrics.mean_absolute_error,
    "medae": sklearn_metrics.median_absolute_error,
    "msle": sklearn_metrics.mean_squared_log_error,
    "rmsle": sklearn_metrics.root_mean_squared_log_error,
    "mape": sklearn_metrics.mean_absolute_percentage_error,
    "r2": sklearn_metrics.r2_score,
    "pearson": lambda t, p: stats.pearsonr(t, p).statistic,
    "spearman": lambda t, p: stats.spearmanr(t, p).statistic,
}
COLUMN_REFERENCES = {
    "mse": sklearn_metrics.mean_squared_error,
    "mae": sklearn_metrics.mean_absolute_error,
    "r2": sklearn_metrics.r2_score,
    "mcrmse": sklearn_metrics.root_mean_squared_error,
    "mcrmsle": sklearn_metrics.root_mean_squared_log_error,
}


@st.composite
def problems(draw, n_columns=None):
    """Positive targets and predictions with ties, neither of them constant in a column."""
    n = draw(st.integers(3, 20))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    shape = (n,) if n_columns is None else (n, n_columns)
    y_true, y_pred = random.integers(1, 9, (2, *shape)) / 2
    assume((np.ptp(y_true, axis=0) > 0).all() and (np.ptp(y_pred, axis=0) > 0).all())
    return y_true, y_pred


@pytest.mark.parametrize("name", REFERENCES)
@given(arrays=problems())
def test_values_score_as_in_scikit_learn_and_scipy(name, arrays):
    assert METRICS[name](*arrays) == pytest.approx(REFERENCES[name](*arrays), abs=1e-12)


@pytest.mark.parametrize("name", COLUMN_REFERENCES)
@given(arrays=problems(n_columns=3))
def test_several_targets_score_as_the_mean_of_their_columns(name, arrays):
    assert METRICS[name](*arrays) == pytest.approx(COLUMN_REFERENCES[name](*arrays), abs=1e-12)
    of_one_column = METRICS[{"mcrmse": "rmse", "mcrmsle": "rmsle"}.get(name, name)]
    columns = [of_one_column(t, p) for t, p in zip(arrays[0].T, arrays[1].T, strict=True)]
    assert METRICS[name](*arrays) == pytest.approx(np.mean(columns), abs=1e-12)


def test_the_root_of_several_targets_is_taken_once_or_for_each():
    y_true, y_pred = np.zeros((2, 2)), np.array([[6.0, 0.0], [6.0, 8.0]])
    assert METRICS["rmse"](y_true, y_pred) == pytest.approx(np.sqrt(34))  # sqrt((36 + 36 + 0 + 64) / 4)
    assert METRICS["mcrmse"](y_true, y_pred) == pytest.approx((6 + np.sqrt(32)) / 2)


@given(arrays=problems(), factor=st.sampled_from([0.25, 3.0, 1000.0]))
def test_the_unit_is_the_targets(arrays, factor):
    y_true, y_pred = arrays
    powers = {"rmse": 1, "mae": 1, "medae": 1, "mse": 2, "mape": 0, "rmspe": 0, "smape": 0, "r2": 0, "pearson": 0}
    for name, power in powers.items():
        expected = METRICS[name](y_true, y_pred) * factor**power
        assert METRICS[name](y_true * factor, y_pred * factor) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(arrays=problems(), offset=st.sampled_from([-7.0, 0.5, 100.0]))
def test_a_common_offset_makes_no_difference_to_errors_in_the_targets_unit(arrays, offset):
    for name in ("rmse", "mse", "mae", "medae", "r2", "pearson", "spearman"):
        moved = METRICS[name](*(a + offset for a in arrays))
        assert moved == pytest.approx(METRICS[name](*arrays), rel=1e-9, abs=1e-9)


@given(arrays=problems())
def test_spearman_sees_the_order_alone_and_pearson_the_line(arrays):
    y_true, y_pred = arrays
    assert METRICS["spearman"](y_true, np.exp(y_pred)) == pytest.approx(METRICS["spearman"](y_true, y_pred), abs=1e-12)
    assert METRICS["spearman"](y_true, -y_pred) == pytest.approx(-METRICS["spearman"](y_true, y_pred), abs=1e-12)
    line = 3 - 2 * y_pred
    assert METRICS["pearson"](y_true, line) == pytest.approx(-METRICS["pearson"](y_true, y_pred), abs=1e-12)


@given(arrays=problems())
def test_the_symmetric_error_is_symmetric_and_at_most_200(arrays):
    y_true, y_pred = arrays
    smape = METRICS["smape"]
    assert smape(y_true, y_pred) == pytest.approx(smape(y_pred, y_true))
    assert 0 <= smape(y_true, y_pred) < 200
    assert smape(y_true, -y_pred) == pytest.approx(200)  # opposite signs are the worst there is


@given(arrays=problems())
def test_relative_errors_by_their_definition(arrays):
    y_true, y_pred = arrays
    relative = [(p - t) / t for t, p in zip(y_true.tolist(), y_pred.tolist(), strict=True)]
    assert METRICS["rmspe"](y_true, y_pred) == pytest.approx((sum(r * r for r in relative) / len(relative)) ** 0.5)
    assert METRICS["mape"](y_true, y_pred) <= METRICS["rmspe"](y_true, y_pred) + 1e-12


@pytest.mark.parametrize(
    ("name", "y_true", "y_pred", "score"),
    [
        ("smape", [0, 0, 2], [0, 5, 2], 200 / 3),  # both 0 counts 0, one of them 0 counts 200
        ("mape", [-10], [-15], 0.5),  # a fraction of |target|
        ("rmspe", [-10], [5], 1.5),
        ("medae", [1, 2, 3, 4], [1, 3, 5, 14], 1.5),  # between 1 and 2
        ("r2", [1, 2, 3], [2, 2, 2], 0.0),  # the mean
        ("r2", [1, 2, 3], [3, 2, 1], -3.0),  # 1 - 8 / 2
        ("msle", [0], [0], 0.0),
        ("rmsle", [0], [np.e - 1], 1.0),
        ("pearson", [1, 2, 3], [5, 5, 5], 0.0),
        ("spearman", [1, 2, 3], [5, 5, 5], 0.0),
        ("spearman", [1, 2, 2, 3], [1, 2, 3, 4], 4.5 / np.sqrt(4.5 * 5)),  # ranks 1 2.5 2.5 4
    ],
)
def test_edges_by_hand(name, y_true, y_pred, score):
    assert METRICS[name](np.array(y_true), np.array(y_pred)) == pytest.approx(score)


@pytest.mark.parametrize("scale", [1e-170, 1e170])
def test_a_correlation_does_not_depend_on_the_scale_even_of_extreme_values(scale):
    y_true, y_pred = np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])
    assert METRICS["pearson"](y_true, y_pred * scale) == pytest.approx(0.5)
    assert METRICS["pearson"](y_true * scale, y_pred) == pytest.approx(0.5)


def test_correlations_never_leave_their_range():
    y = np.array([0.1, 0.2, 0.3])  # rounding alone gives 1.0000000000000002
    for factor in (1.0, 3.0, 7.0, 0.1):
        assert METRICS["pearson"](y, y * factor) <= 1.0
        assert METRICS["pearson"](y, -y * factor) >= -1.0


def test_whole_numbers_do_not_wrap_around():
    y_true, y_pred = np.array([200, 10], dtype=np.uint8), np.array([10, 200], dtype=np.uint8)
    assert METRICS["mae"](y_true, y_pred) == 190.0
    assert METRICS["rmse"](y_true.astype(np.int8), y_true.astype(np.int8)) == 0.0


@pytest.mark.parametrize(
    ("name", "y_true", "y_pred", "message"),
    [
        ("rmse", [1.0, np.nan], [1.0, 2.0], "`y_true[1]` is nan, but a metric takes finite numbers"),
        ("rmse", [1.0, 2.0], [-np.inf, 2.0], "`y_pred[0]` is -inf, but a metric takes finite numbers"),
        ("rmse", [1.0, 2.0], [[1.0], [2.0]], "`y_true` has shape (2,), but `y_pred` has (2, 1)"),
        ("medae", [[1.0, 2.0]], [[1.0, 2.0]], "`y_true` has shape (1, 2), but the metric is for one column"),
        ("mcrmse", [1.0, 2.0], [1.0, 2.0], "`y_true` has shape (2,), but the metric is for several columns"),
        ("rmsle", [1.0, -2.0], [1.0, 2.0], "`y_true[1]` is -2, but the logarithmic error takes values >= 0"),
        ("rmsle", [1.0, 2.0], [1.0, -1e-9], "`y_pred[1]` is -1e-09, but the logarithmic error takes values >= 0"),
        ("mcrmsle", [[1.0, 2.0]], [[1.0, -3.0]], "`y_pred[0, 1]` is -3, but the logarithmic error takes values >= 0"),
        ("mape", [1.0, 0.0], [1.0, 2.0], "`y_true[1]` is 0, but a relative error is divided by it"),
        ("rmspe", [0.0, 1.0], [1.0, 2.0], "`y_true[0]` is 0, but a relative error is divided by it"),
        ("r2", [2.0, 2.0], [1.0, 2.0], "`y_true` is 2 in all 2 rows, but it has to vary"),
        ("r2", [[1.0, 2.5], [2.0, 2.5]], [[1.0, 2.0], [1.0, 2.0]],
         "column 1 of `y_true` is 2.5 in all 2 rows, but it has to vary"),
        ("pearson", [3.0], [3.0], "`y_true` is 3 in all 1 rows, but it has to vary"),
        ("spearman", [3.0, 3.0], [1.0, 3.0], "`y_true` is 3 in all 2 rows, but it has to vary"),
    ],
)  # fmt: skip
def test_wrong_values_are_named(name, y_true, y_pred, message):
    with pytest.raises(ValueError) as caught:
        METRICS[name](np.array(y_true), np.array(y_pred))
    assert str(caught.value) == message
