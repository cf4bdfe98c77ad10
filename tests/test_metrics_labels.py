"""F-beta, Jaccard, kappa, ranked labels and losses of probabilities against scikit-learn, or by hand."""

import numpy as np
import pytest
from sklearn import metrics as sk

from aicomp.errors import UsageError
from aicomp.metrics import fbeta, get_metric, label_ranking, proper

RANDOM = np.random.default_rng(3)
BINARY = RANDOM.integers(0, 2, 200), RANDOM.integers(0, 2, 200)
CODES = RANDOM.integers(0, 5, 300), RANDOM.integers(0, 6, 300)
LABELS = RANDOM.integers(0, 2, (100, 4)), RANDOM.integers(0, 2, (100, 4))
SCORES = np.round(RANDOM.random((100, 4)), 1)  # with ties
PROBABILITIES = RANDOM.dirichlet(np.ones(5), 300)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_f_beta(beta):
    assert fbeta.f_beta(*BINARY, beta) == pytest.approx(sk.fbeta_score(*BINARY, beta=beta))
    for data in (CODES, LABELS):
        macro = sk.fbeta_score(*data, beta=beta, average="macro")
        assert fbeta.f_beta_macro(*data, beta) == pytest.approx(macro)
        assert fbeta.f_beta_micro(*data, beta) == pytest.approx(sk.fbeta_score(*data, beta=beta, average="micro"))
    samples = sk.fbeta_score(*LABELS, beta=beta, average="samples", zero_division=0)
    assert fbeta.f_beta_samples(*LABELS, beta) == pytest.approx(samples)


def test_jaccard_and_specificity():
    assert fbeta.jaccard(*BINARY) == pytest.approx(sk.jaccard_score(*BINARY))
    assert fbeta.jaccard_macro(*CODES) == pytest.approx(sk.jaccard_score(*CODES, average="macro"))
    assert fbeta.jaccard_macro(*LABELS) == pytest.approx(sk.jaccard_score(*LABELS, average="macro"))
    samples = sk.jaccard_score(*LABELS, average="samples", zero_division=0)
    assert fbeta.jaccard_samples(*LABELS) == pytest.approx(samples)
    assert fbeta.specificity(*BINARY) == pytest.approx(sk.recall_score(*BINARY, pos_label=0))


def test_linear_kappa_also_where_numbers_have_gaps():
    assert fbeta.linear_weighted_kappa(*CODES) == pytest.approx(sk.cohen_kappa_score(*CODES, weights="linear"))
    t, p = np.array([-3, 7, 7, 100]), np.array([7, 7, -3, 99])
    pairs = abs(t[:, None] - p).mean()
    assert fbeta.linear_weighted_kappa(t, p) == pytest.approx(1 - abs(t - p).mean() / pairs)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_accuracy_is_that_of_scikit_learn_where_nothing_is_tied(k):
    expected = sk.top_k_accuracy_score(CODES[0], PROBABILITIES, k=k, labels=range(5))
    assert fbeta.top_accuracy(CODES[0], PROBABILITIES, k) == pytest.approx(expected)


def test_probabilistic_f1_of_labels_is_f1():
    assert fbeta.probabilistic_f1(*BINARY) == pytest.approx(sk.f1_score(*BINARY))
    with pytest.raises(ValueError, match=r"`y_pred\[1\]` is 1.5, but probabilities lie in \[0, 1\]"):
        fbeta.probabilistic_f1(np.array([1, 0]), np.array([0.5, 1.5]))


def test_ranked_labels():
    y = LABELS[0].copy()
    y[:3] = 0
    y[3:5] = 1
    assert label_ranking.lrap(y, SCORES) == pytest.approx(sk.label_ranking_average_precision_score(y, SCORES))
    assert label_ranking.coverage_error(y, SCORES) == pytest.approx(sk.coverage_error(y, SCORES))
    assert label_ranking.ranking_loss(y, SCORES) == pytest.approx(sk.label_ranking_loss(y, SCORES))
    n_true = y.sum(axis=1)
    rows = n_true > 0
    weighted = sk.label_ranking_average_precision_score(y[rows], SCORES[rows], sample_weight=n_true[rows])
    assert label_ranking.lwlrap(y, SCORES) == pytest.approx(weighted)


def test_losses_of_probabilities():
    y, p = BINARY[0], RANDOM.random(200)
    weight = RANDOM.random(200)
    assert proper.weighted_log_loss(y, p, weight=weight) == pytest.approx(sk.log_loss(y, p, sample_weight=weight))
    codes, w = CODES[0], RANDOM.random(300)
    expected = sk.log_loss(codes, PROBABILITIES, sample_weight=w)
    assert proper.weighted_log_loss(codes, PROBABILITIES, weight=w) == pytest.approx(expected)
    of_class = [sk.log_loss(codes[codes == k], PROBABILITIES[codes == k], labels=range(5)) for k in range(5)]
    assert proper.balanced_log_loss(codes, PROBABILITIES) == pytest.approx(np.mean(of_class))
    brier = ((PROBABILITIES - np.eye(5)[codes]) ** 2).sum(axis=1).mean()
    assert proper.brier_multiclass(codes, PROBABILITIES) == pytest.approx(brier)
    columns = [sk.log_loss(LABELS[0][:, k], SCORES[:, k] * 0.98 + 0.01) for k in range(4)]
    expected = (columns[0] + columns[1] + columns[2] + 2 * columns[3]) / 5
    assert proper.last_twice_log_loss(LABELS[0], SCORES * 0.98 + 0.01) == pytest.approx(expected)


def test_kl_divergence():
    from scipy.stats import entropy

    t, p = RANDOM.dirichlet(np.ones(4), 50), RANDOM.dirichlet(np.ones(4), 50)
    t[0] = [0, 0, 1, 0]
    assert proper.kl_divergence(t, p) == pytest.approx(entropy(t, p, axis=1).mean())
    p[7] *= 1.1
    with pytest.raises(ValueError, match=r"`y_pred.sum\(axis=1\)\[7\]` is 1.1"):
        proper.kl_divergence(t, p)


def test_calibration_error_is_that_of_torchmetrics():
    torch = pytest.importorskip("torch")
    reference = pytest.importorskip("torchmetrics.functional.classification")
    y, p = BINARY[0], np.random.default_rng(0).random(200)
    expected = reference.binary_calibration_error(torch.tensor(p), torch.tensor(y), n_bins=10)
    assert proper.expected_calibration_error(y, p, bins=10) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("f_beta@0", "metric `f_beta@0` has the level `0`, which is no number above 0"),
        ("top_accuracy@2.5", "metric `top_accuracy@2.5` has the level `2.5`, which is no whole number from 1"),
        ("lift@1", "metric `lift@1` has the level `1`, which is no number between 0 and 1"),
        ("winkler@x", "metric `winkler@x` has the level `x`, which is no number between 0 and 1"),
        ("tweedie_deviance@2", "which is no number between 1 and 2"),
        ("huber@inf", "which is no number above 0"),
    ],
)
def test_a_wrong_level_is_refused(name, message):
    with pytest.raises(UsageError) as e:
        get_metric(name)
    assert message in e.value.message


def test_levels_reach_the_function():
    assert get_metric("F-beta score@0.5")(*BINARY) == pytest.approx(fbeta.f_beta(*BINARY, 0.5))
    assert get_metric("f_beta@2") is get_metric("f2")
    assert get_metric("top_accuracy@3").name == "top_accuracy@3"
    assert get_metric("f_beta@0.5").level is None  # a training would take it for a quantile's
