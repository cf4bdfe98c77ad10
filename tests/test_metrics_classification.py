"""Metrics of labels: against scikit-learn where it defines the same, by hand at the edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from aicomp.metrics import METRICS

REFERENCES = {
    "accuracy": sklearn_metrics.accuracy_score,
    "balanced_accuracy": sklearn_metrics.balanced_accuracy_score,
    "f1_macro": lambda t, p: sklearn_metrics.f1_score(t, p, average="macro", zero_division=0),
    "f1_micro": lambda t, p: sklearn_metrics.f1_score(t, p, average="micro", zero_division=0),
    "f1_weighted": lambda t, p: sklearn_metrics.f1_score(t, p, average="weighted", zero_division=0),
    "mcc": sklearn_metrics.matthews_corrcoef,
    "cohen_kappa": sklearn_metrics.cohen_kappa_score,
    # All five classes are given: scikit-learn takes the distance of classes from their place among those that occur.
    "quadratic_weighted_kappa": lambda t, p: sklearn_metrics.cohen_kappa_score(
        t, p, labels=range(5), weights="quadratic"
    ),
}
BINARY_REFERENCES = {
    "f1": lambda t, p: sklearn_metrics.f1_score(t, p, zero_division=0),
    "precision": lambda t, p: sklearn_metrics.precision_score(t, p, zero_division=0),
    "recall": lambda t, p: sklearn_metrics.recall_score(t, p, zero_division=0),
}
MULTILABEL_REFERENCES = {
    **{name: REFERENCES[name] for name in ("f1_macro", "f1_micro", "f1_weighted")},
    "f1_samples": lambda t, p: sklearn_metrics.f1_score(t, p, average="samples", zero_division=0),
    "subset_accuracy": sklearn_metrics.accuracy_score,
    "hamming_loss": sklearn_metrics.hamming_loss,
}


def pairs(n_classes, min_size=2):
    code = st.integers(0, n_classes - 1)
    rows = st.lists(st.tuples(code, code), min_size=min_size, max_size=30)
    return rows.map(lambda r: (np.array([t for t, _ in r]), np.array([p for _, p in r])))


def both_vary(y_true, y_pred):
    """Where kappa and its reference are defined."""
    return len(np.unique(y_true)) > 1 and len(np.unique(y_pred)) > 1


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true", "ignore:A single label was found")
@pytest.mark.parametrize("name", REFERENCES)
@given(arrays=pairs(5))
def test_class_codes_score_as_in_scikit_learn(name, arrays):
    if name in ("cohen_kappa", "quadratic_weighted_kappa") and not both_vary(*arrays):
        return
    assert METRICS[name](*arrays) == pytest.approx(REFERENCES[name](*arrays), abs=1e-12)


@pytest.mark.parametrize("name", BINARY_REFERENCES)
@given(arrays=pairs(2))
def test_two_classes_score_as_in_scikit_learn(name, arrays):
    assert METRICS[name](*arrays) == pytest.approx(BINARY_REFERENCES[name](*arrays), abs=1e-12)


@pytest.mark.parametrize("name", MULTILABEL_REFERENCES)
@given(seed=st.integers(0, 10_000), n_labels=st.integers(2, 4))
def test_several_labels_score_as_in_scikit_learn(name, seed, n_labels):
    random = np.random.default_rng(seed)
    y_true, y_pred = random.integers(0, 2, (2, 6, n_labels))
    assert METRICS[name](y_true, y_pred) == pytest.approx(MULTILABEL_REFERENCES[name](y_true, y_pred), abs=1e-12)


@given(arrays=pairs(4))
def test_renamed_classes_score_the_same(arrays):
    renamed = [np.array([7, 0, 3, 1])[codes] for codes in arrays]
    for name in ("accuracy", "balanced_accuracy", "f1_macro", "f1_micro", "f1_weighted", "mcc"):
        assert METRICS[name](*renamed) == pytest.approx(METRICS[name](*arrays), abs=1e-12)


@given(arrays=pairs(4))
def test_correlation_and_kappa_do_not_tell_truth_from_prediction(arrays):
    for name in ("mcc", "cohen_kappa", "quadratic_weighted_kappa"):
        if both_vary(*arrays):
            assert METRICS[name](*arrays) == pytest.approx(METRICS[name](*arrays[::-1]), abs=1e-12)


def test_quadratic_kappa_takes_the_distance_of_the_codes():
    y_true, kappa = np.array([0, 0, 9]), METRICS["quadratic_weighted_kappa"]
    # Off by 1 and off by 9, where places among the codes that occur would be off by 1 both times:
    # 1 - (1/3) / (18 + 146/9 + 1/9) and 1 - (81/3) / (18 + 18 + 9)
    assert kappa(y_true, np.array([0, 1, 9])) == pytest.approx(1 - 1 / 103)
    assert kappa(y_true, np.array([0, 9, 9])) == pytest.approx(0.4)


def test_large_numbers_of_rows_do_not_overflow():
    y_true = np.repeat([0, 1], 200_000)  # n^4 = 2.56e22 is past int64
    y_pred = np.roll(y_true, 100_000)  # half of each class right: chance
    assert METRICS["mcc"](y_true, y_pred) == pytest.approx(0.0, abs=1e-12)
    assert METRICS["cohen_kappa"](y_true, y_pred) == pytest.approx(0.0, abs=1e-12)
    assert METRICS["mcc"](y_true, y_true) == pytest.approx(1.0)


def test_great_class_codes_need_no_table():
    y_true = np.array([0, 10**12, 10**12])  # a table of classes by classes would not fit into memory
    assert METRICS["f1_macro"](y_true, np.array([0, 0, 10**12])) == pytest.approx(2 / 3)  # (2/3 + 2/3) / 2


@pytest.mark.parametrize(
    ("name", "y_true", "y_pred", "score"),
    [
        ("precision", [1, 0], [0, 0], 0.0),  # none predicted positive
        ("recall", [0, 0], [1, 0], 0.0),  # no positive row
        ("f1", [0, 0], [0, 0], 0.0),
        ("mcc", [0, 1, 1], [1, 1, 1], 0.0),  # one class for all rows is chance
        ("mcc", [2, 2], [2, 2], 0.0),
        ("cohen_kappa", [0, 1], [1, 1], 0.0),  # p_o = 1/2 = p_e
        ("balanced_accuracy", [0, 0, 1], [0, 2, 1], 0.75),  # (1/2 + 1) / 2: class 2 has no rows
        ("f1_macro", [0, 0, 1], [0, 2, 1], (2 / 3 + 1 + 0) / 3),  # class 2 counts: it was predicted
        ("accuracy", [1], [1], 1.0),
    ],
)
def test_edges_by_hand(name, y_true, y_pred, score):
    assert METRICS[name](np.array(y_true), np.array(y_pred)) == pytest.approx(score)


def test_labels_that_never_occur_count_in_the_macro_mean_of_a_multilabel_target():
    y_true = np.array([[1, 0], [0, 0]])
    assert METRICS["f1_macro"](y_true, y_true) == 0.5  # (1 + 0) / 2, as in scikit-learn
    assert METRICS["f1_samples"](y_true, y_true) == 0.5  # the second row has nothing to find


@pytest.mark.parametrize("name", ["cohen_kappa", "quadratic_weighted_kappa"])
def test_kappa_of_one_and_the_same_class_is_not_defined(name):
    with pytest.raises(ValueError, match="kappa is not defined: `y_true` and `y_pred` are 2 in every row"):
        METRICS[name](np.array([2, 2, 2]), np.array([2, 2, 2]))


@pytest.mark.parametrize(
    ("name", "y_true", "y_pred", "message"),
    [
        ("accuracy", [0, 1], [0, 0.25], "`y_pred[1]` is 0.25, but class codes are whole numbers from 0"),
        ("accuracy", [0, -1], [0, 1], "`y_true[1]` is -1, but class codes are whole numbers from 0"),
        ("accuracy", [0, 1], [0, 1.00000001], "`y_pred[1]` is 1.00000001, but class codes are whole numbers from 0"),
        ("accuracy", [[0, 1]], [[0, 1]], "`y_true` has shape (1, 2): several labels per row are for `subset_accuracy`"),
        ("mcc", [[0, 1]], [[0, 1]], "`y_true` has shape (1, 2), but the metric is for one column"),
        ("f1", [0, 2], [0, 1], "`y_true[1]` is 2, but labels are 0 or 1"),
        ("precision", [0, 1], [0, 0.7], "`y_pred[1]` is 0.7, but labels are 0 or 1"),
        ("recall", [0, 1], [3, 0], "`y_pred[0]` is 3, but labels are 0 or 1"),
        ("hamming_loss", [[0, 1], [1, 1]], [[0, 1], [2, 1]], "`y_pred[1, 0]` is 2, but labels are 0 or 1"),
        ("f1_samples", [0, 1], [0, 1], "`y_true` has shape (2,), but (n, n_labels) is needed"),
    ],
)
def test_wrong_values_are_named(name, y_true, y_pred, message):
    with pytest.raises(ValueError) as caught:
        METRICS[name](np.array(y_true), np.array(y_pred))
    assert str(caught.value) == message
