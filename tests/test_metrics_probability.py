"""Metrics of probabilities: against scikit-learn where it defines the same, by hand at the edges."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn import metrics as sklearn_metrics

from aicomp.metrics import METRICS
from aicomp.metrics.ranks import average_ranks

log_loss, roc_auc = METRICS["log_loss"], METRICS["roc_auc"]

# Hundredths: few enough values that ties are frequent, none at the ends, where clipping differs from scikit-learn's.
PROBABILITY = st.integers(1, 99).map(lambda i: i / 100)


@st.composite
def binary_problems(draw):
    """0 and 1, both of them, and probabilities with ties."""
    rows = draw(st.lists(st.tuples(st.integers(0, 1), PROBABILITY), min_size=2, max_size=30))
    y_true, y_pred = np.array([t for t, _ in rows]), np.array([p for _, p in rows])
    assume(0 < y_true.sum() < len(y_true))
    return y_true, y_pred


@st.composite
def multiclass_problems(draw, n_classes=4):
    """Codes of which every class occurs, and rows of probabilities that sum to 1."""
    codes = draw(st.lists(st.integers(0, n_classes - 1), max_size=20))
    y_true = np.array([*range(n_classes), *codes])
    scores = np.random.default_rng(draw(st.integers(0, 10_000))).integers(1, 6, (len(y_true), n_classes))
    return y_true, scores / scores.sum(axis=1, keepdims=True)


REFERENCES = {
    "roc_auc": sklearn_metrics.roc_auc_score,
    "gini": lambda t, p: 2 * sklearn_metrics.roc_auc_score(t, p) - 1,
    "average_precision": sklearn_metrics.average_precision_score,
    "log_loss": sklearn_metrics.log_loss,
    "brier": sklearn_metrics.brier_score_loss,
}


@pytest.mark.parametrize("name", REFERENCES)
@given(arrays=binary_problems())
def test_two_classes_score_as_in_scikit_learn(name, arrays):
    assert METRICS[name](*arrays) == pytest.approx(REFERENCES[name](*arrays), abs=1e-12)


@given(arrays=multiclass_problems())
def test_several_classes_score_as_in_scikit_learn(arrays):
    y_true, y_pred = arrays
    assert log_loss(y_true, y_pred) == pytest.approx(sklearn_metrics.log_loss(y_true, y_pred))
    expected = sklearn_metrics.roc_auc_score(y_true, y_pred, multi_class="ovr", average="macro")
    assert METRICS["roc_auc_ovr_macro"](y_true, y_pred) == pytest.approx(expected)


@given(first=binary_problems(), second=binary_problems())
def test_several_labels_score_as_the_mean_of_their_columns(first, second):
    n = min(len(first[0]), len(second[0]))
    y_true, y_pred = (np.column_stack([a[:n], b[:n]]) for a, b in zip(first, second, strict=True))
    assume(all(0 < column.sum() < n for column in y_true.T))
    expected = sklearn_metrics.roc_auc_score(y_true, y_pred, average="macro")
    assert METRICS["roc_auc_mean"](y_true, y_pred) == pytest.approx(expected)
    columns = [sklearn_metrics.log_loss(t, p) for t, p in zip(y_true.T, y_pred.T, strict=True)]
    assert log_loss(y_true, y_pred) == pytest.approx(np.mean(columns))


@pytest.mark.parametrize("name", ["roc_auc", "gini", "average_precision"])
@given(arrays=binary_problems())
def test_only_the_order_of_scores_counts(name, arrays):
    y_true, y_pred = arrays
    expected = METRICS[name](y_true, y_pred)
    assert METRICS[name](y_true, np.log(y_pred) * 3 - 100) == pytest.approx(expected, abs=1e-12)
    assert METRICS[name](y_true, y_pred**9) == pytest.approx(expected, abs=1e-12)


@given(arrays=binary_problems())
def test_the_other_class_seen_as_positive_turns_the_area_over(arrays):
    y_true, y_pred = arrays
    assert roc_auc(1 - y_true, y_pred) == pytest.approx(1 - roc_auc(y_true, y_pred), abs=1e-12)
    assert roc_auc(1 - y_true, -y_pred) == pytest.approx(roc_auc(y_true, y_pred), abs=1e-12)


@given(arrays=binary_problems())
def test_two_columns_of_probabilities_cost_the_same_as_one(arrays):
    y_true, y_pred = arrays
    assert log_loss(y_true, np.column_stack([1 - y_pred, y_pred])) == pytest.approx(log_loss(y_true, y_pred))


@given(st.lists(st.sampled_from([-1.5, 0.0, 0.25, 7.0, 1e300]), min_size=1, max_size=20))
def test_ranks_are_those_of_scipy(values):
    assert average_ranks(np.array(values)).tolist() == rankdata(values).tolist()


def test_equal_scores_are_chance():
    y_true = np.array([0, 1, 1, 0, 0])
    assert roc_auc(y_true, np.full(5, 0.3)) == 0.5
    assert METRICS["gini"](y_true, np.full(5, 0.3)) == 0.0
    assert METRICS["average_precision"](y_true, np.full(5, 0.3)) == 0.4  # the share of positives


def test_areas_of_a_million_rows_are_exact():
    n = 500_000  # p * q = 2.5e11, the sum of ranks 3.75e11
    y_true = np.repeat([0, 1], n)
    assert roc_auc(y_true, np.arange(2 * n, dtype=np.float64)) == 1.0
    assert roc_auc(y_true, np.tile(np.arange(n, dtype=np.float64), 2)) == 0.5


def test_a_certain_error_costs_what_kaggle_takes():
    assert log_loss(np.array([1]), np.array([0.0])) == pytest.approx(15 * np.log(10))  # -log(1e-15) = 34.54
    assert log_loss(np.array([0, 1]), np.array([0.0, 1.0])) == pytest.approx(0.0, abs=1e-14)
    assert log_loss(np.array([0]), np.array([[0.0, 1.0]])) == pytest.approx(15 * np.log(10))


def test_rounded_rows_are_divided_by_their_sum():
    y_pred = np.array([[0.33, 0.33, 0.33], [0.25, 0.25, 0.505]])
    expected = (np.log(3) + np.log(1.005 / 0.505)) / 2
    assert log_loss(np.array([2, 2]), y_pred) == pytest.approx(expected)


def test_the_mean_area_leaves_out_what_is_not_defined():
    y_true = np.array([[0, 1, 0], [1, 1, 0], [0, 1, 0]])  # columns 1 and 2 have one class only
    y_pred = np.array([[0.1, 0.5, 0.9], [0.2, 0.5, 0.1], [0.9, 0.5, 0.2]])
    assert METRICS["roc_auc_mean"](y_true, y_pred) == 0.5  # pairs (0.2, 0.1) right, (0.2, 0.9) wrong
    with pytest.raises(ValueError, match="no column of `y_true` holds both 0 and 1"):
        METRICS["roc_auc_mean"](y_true[:, 1:], y_pred[:, 1:])


def test_the_macro_area_leaves_out_classes_without_rows():
    y_pred = np.array([[0.7, 0.2, 0.1], [0.3, 0.1, 0.6], [0.8, 0.1, 0.1]])
    # class 0 against 2: rows 0.7 and 0.8 above 0.3, and 0.6 above 0.1 and 0.1
    assert METRICS["roc_auc_ovr_macro"](np.array([0, 2, 0]), y_pred) == 1.0
    with pytest.raises(ValueError, match="`y_true` is 2 in all 3 rows, but the area needs two classes"):
        METRICS["roc_auc_ovr_macro"](np.array([2, 2, 2]), y_pred)


@pytest.mark.parametrize(
    ("name", "y_true", "y_pred", "message"),
    [
        ("roc_auc", [1, 1], [0.2, 0.3], "`y_true` is 1 in all 2 rows, but the area needs both classes"),
        ("gini", [0, 0], [0.2, 0.3], "`y_true` is 0 in all 2 rows, but the area needs both classes"),
        ("roc_auc", [0, 2], [0.2, 0.3], "`y_true[1]` is 2, but labels are 0 or 1"),
        ("roc_auc", [0, 1], [0.2, np.inf], "`y_pred[1]` is inf, but a metric takes finite numbers"),
        ("roc_auc", [[0], [1]], [[0.2], [0.3]], "`y_true` has shape (2, 1), but the metric is for one column"),
        ("average_precision", [0, 0], [0.2, 0.3],
         "`y_true` is 0 in all 2 rows, but the average precision needs a positive one"),
        ("log_loss", [0, 1], [0.2, 1.5], "`y_pred[1]` is 1.5, but probabilities lie in [0, 1]"),
        ("log_loss", [0, 1], [0.2, 1.0000001], "`y_pred[1]` is 1.0000001, but probabilities lie in [0, 1]"),
        ("log_loss", [0, 1], [[0.5, 0.5], [0.2, -0.1]], "`y_pred[1, 1]` is -0.1, but probabilities lie in [0, 1]"),
        ("log_loss", [0, 1], [[0.5, 0.5], [0.5, 0.25]],
         "`y_pred.sum(axis=1)[1]` is 0.75, but the probabilities of a row sum to 1"),
        ("log_loss", [0, 2], [[0.5, 0.5], [0.5, 0.5]],
         "`y_true[1]` is 2, but `y_pred` has columns for the classes 0 to 1"),
        ("log_loss", [0, 1, 1], [[0.5, 0.5], [0.5, 0.5]],
         "`y_true` has shape (3,) and `y_pred` (2, 2), but (n,) and (n, n_classes) are needed"),
        ("brier", [0, 1], [-0.1, 0.5], "`y_pred[0]` is -0.1, but probabilities lie in [0, 1]"),
        ("roc_auc_ovr_macro", [0.5, 1], [[0.5, 0.5], [0.5, 0.5]],
         "`y_true[0]` is 0.5, but `y_pred` has columns for the classes 0 to 1"),
    ],
)  # fmt: skip
def test_wrong_values_are_named(name, y_true, y_pred, message):
    with pytest.raises(ValueError) as caught:
        METRICS[name](np.array(y_true), np.array(y_pred))
    assert str(caught.value) == message
