"""Each fit is the best there is: against brute force on small data, and fast on large."""

import itertools

import numpy as np
import pytest

from aicomp.last_step.calibration import fit_platt, fit_temperature
from aicomp.last_step.counts import COUNT_SCORES
from aicomp.last_step.cut_points import best_cuts, default_cuts
from aicomp.last_step.multipliers import best_multipliers, prior_multipliers
from aicomp.last_step.steps import PLAIN, CutPoints, Multipliers, Threshold, Thresholds
from aicomp.last_step.thresholds import best_micro_thresholds, best_threshold, best_thresholds, shared_threshold
from aicomp.metrics import METRICS

BINARY = sorted(COUNT_SCORES)
SEVERAL = [name for name in BINARY if name != "f1"]


def decided(step, p):
    return step.decide(p, exclusive=False)


@pytest.mark.parametrize(("name", "n_classes"), [*((name, 2) for name in BINARY), *((name, 4) for name in SEVERAL)])
def test_scores_from_counts_are_the_metrics(name, n_classes):
    random = np.random.default_rng(0)
    for _ in range(20):
        y, pred = random.integers(0, n_classes, (2, 12))
        counts = [np.bincount(rows, minlength=n_classes) for rows in (y, pred, y[y == pred])]
        assert COUNT_SCORES[name](*counts) == pytest.approx(METRICS[name](y, pred), abs=1e-12)


@pytest.mark.parametrize("name", BINARY)
def test_the_threshold_is_the_best_of_all(name):
    random = np.random.default_rng(1)
    for _ in range(40):
        n = int(random.integers(2, 15))
        y, p = random.integers(0, 2, n), random.integers(0, 11, n) / 10  # with ties, 0 and 1
        if name == "cohen_kappa" and len(set(y.tolist())) == 1:
            continue  # not defined for the decision that is right throughout
        metric = METRICS[name]
        best = max(metric(y, (p >= t).astype(int)) for t in [*np.unique(p), 1.1])
        found = Threshold(best_threshold(y, p, COUNT_SCORES[name]))
        assert metric(y, decided(found, p)) == pytest.approx(best, abs=1e-12)


def test_of_equal_thresholds_the_one_next_to_one_half_is_taken():
    y = np.array([0, 0, 1, 1])
    # Any threshold in (0.2, 0.9] is perfect: 0.5 is among them. In (0.6, 0.9] it is not: the middle.
    assert best_threshold(y, np.array([0.1, 0.2, 0.9, 0.95]), COUNT_SCORES["f1"]) == 0.5
    assert best_threshold(y, np.array([0.1, 0.6, 0.9, 0.95]), COUNT_SCORES["f1"]) == 0.75
    # Without a positive row every F1 is 0.
    assert best_threshold(np.zeros(4, int), np.array([0.1, 0.2, 0.3, 0.9]), COUNT_SCORES["f1"]) == 0.5


def test_float32_probabilities_are_decided_as_they_were_counted():
    random = np.random.default_rng(2)
    p = random.random(500, dtype=np.float32)
    y = (random.random(500) < p).astype(int)
    p[:250] = p[250:] * np.float32(1 + 1e-7)  # neighbours that only float64 has a number between
    found = Threshold(best_threshold(y, p, COUNT_SCORES["f1"]))
    best = max(METRICS["f1"](y, (p >= t).astype(int)) for t in np.unique(p))
    assert METRICS["f1"](y, decided(found, p)) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "of_label"), [("f1_macro", "f1"), ("f1_weighted", "f1"), ("hamming_loss", "accuracy")]
)
def test_thresholds_of_labels_are_the_best_of_all(name, of_label):
    metric = METRICS[name]
    for y, p, all_decisions in _small_labels():
        found = Thresholds(best_thresholds(y, p, COUNT_SCORES[of_label]))
        scores = [metric(y, decision) for decision in all_decisions]
        best = max(scores) if metric.greater_is_better else min(scores)
        assert metric(y, decided(found, p)) == pytest.approx(best, abs=1e-12)


def test_thresholds_of_counts_added_up_are_the_best_of_all():
    for y, p, all_decisions in _small_labels():
        best = max(METRICS["f1_micro"](y, decision) for decision in all_decisions)
        found = Thresholds(best_micro_thresholds(y, p))
        assert METRICS["f1_micro"](y, decided(found, p)) == pytest.approx(best, abs=1e-12)


def test_one_threshold_for_all_labels():
    y = np.array([[1, 0], [1, 1], [0, 0]])
    p = np.array([[0.3, 0.1], [0.4, 0.35], [0.2, 0.05]])
    assert 0.2 < shared_threshold(y, p, METRICS["f1_samples"]) <= 0.3


def _small_labels():
    random = np.random.default_rng(3)
    for _ in range(15):
        y, p = random.integers(0, 2, (8, 2)), random.integers(0, 8, (8, 2)) / 7
        ways = [[*np.unique(p[:, k]), 1.1] for k in range(2)]
        yield y, p, [(p >= np.array(t)).astype(int) for t in itertools.product(*ways)]


def test_cut_points_are_the_best_of_all():
    metric = METRICS["quadratic_weighted_kappa"]
    random = np.random.default_rng(4)
    for _ in range(40):
        n, n_classes = int(random.integers(3, 11)), int(random.integers(2, 5))
        y = random.integers(0, n_classes, n)
        expected = np.clip(y + random.normal(0, 1.5, n), 0, n_classes - 1).round(1)
        if len(set(y.tolist())) == 1:
            continue
        places = [*np.unique(expected), 99.0]
        ways = itertools.combinations_with_replacement(places, n_classes - 1)
        best = max(metric(y, np.searchsorted(cuts, expected, side="right")) for cuts in ways)
        cuts = best_cuts(y, expected, n_classes)
        assert list(cuts) == sorted(cuts)
        found = metric(y, np.searchsorted(cuts, expected, side="right"))
        assert found == pytest.approx(best, abs=1e-12)


def test_cut_points_are_roundings_where_these_are_best():
    y = np.array([0, 1, 2, 3])
    assert best_cuts(y, y + 0.1, 4) == default_cuts(4) == (0.5, 1.5, 2.5)
    p = np.array([[0.5, 0.0, 0.5], [0.1, 0.1, 0.8]])
    assert CutPoints((0.5, 1.5)).decide(p, exclusive=True).tolist() == [1, 2]  # expected 1.0 and 1.7


@pytest.mark.parametrize("name", SEVERAL)
def test_multipliers_are_as_good_as_a_grid_of_all(name):
    metric, random = METRICS[name], np.random.default_rng(5)
    y = random.choice(3, 60, p=[0.7, 0.2, 0.1])
    p = random.dirichlet([3, 1, 1], 60) * 0.6 + 0.4 * np.eye(3)[y] * random.random((60, 1))
    p /= p.sum(axis=1, keepdims=True)
    grid = np.exp(np.linspace(-4, 4, 81))
    best = max(metric(y, (p * [1, a, b]).argmax(axis=1)) for a in grid for b in grid)
    found = Multipliers(best_multipliers(y, p, COUNT_SCORES[name]))
    of_priors = Multipliers(prior_multipliers(y, p, COUNT_SCORES[name]))
    plain = metric(y, p.argmax(axis=1))
    scores = [metric(y, step.decide(p, exclusive=True)) for step in (of_priors, found)]
    assert plain <= scores[0] <= scores[1]
    assert scores[1] >= best - 0.03  # class by class, so not always the best pair


def test_priors_undo_what_a_balanced_score_does_not_count():
    random = np.random.default_rng(6)
    y = random.choice(3, 20_000, p=[0.8, 0.15, 0.05])
    shown = (y[:, None] == np.arange(3)) + random.normal(0, 1, (20_000, 3))
    p = np.exp(shown) * [0.8, 0.15, 0.05]  # right probabilities: of equal noise the odds are exp of the difference
    p /= p.sum(axis=1, keepdims=True)
    multipliers = prior_multipliers(y, p, COUNT_SCORES["balanced_accuracy"])
    np.testing.assert_allclose(np.array(multipliers) * [0.8, 0.15, 0.05] / 0.8, 1, rtol=0.35)


def test_calibration_finds_what_was_done_to_probabilities():
    random = np.random.default_rng(7)
    odds = random.normal(0, 1.5, 40_000)
    y = (random.random(40_000) < 1 / (1 + np.exp(-odds))).astype(int)
    p = 1 / (1 + np.exp(-(2 * odds + 0.6)))
    platt = fit_platt(y, p)
    assert platt.slopes[0] == pytest.approx(0.5, abs=0.02)
    assert platt.intercepts[0] == pytest.approx(-0.3, abs=0.03)
    assert fit_temperature(y, 1 / (1 + np.exp(-2 * odds)), exclusive=False).temperature == pytest.approx(2, abs=0.08)
    three = random.normal(0, 1.5, (40_000, 3))
    right = np.exp(three) / np.exp(three).sum(axis=1, keepdims=True)
    codes = (right.cumsum(axis=1) < random.random((40_000, 1))).sum(axis=1)
    too_sure = right**3 / (right**3).sum(axis=1, keepdims=True)
    step = fit_temperature(codes, too_sure, exclusive=True)
    assert step.temperature == pytest.approx(3, abs=0.1)
    np.testing.assert_allclose(step.adjust(too_sure).sum(axis=1), 1)


@pytest.mark.parametrize("p", [[0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0], [0.3, 0.3, 0.3, 0.3], [0.9, 0.8, 0.2, 0.1]])
def test_calibration_of_extremes_stays_finite_and_never_turns_the_order(p):
    y, p = np.array([0, 0, 1, 1]), np.array(p)
    for step in (fit_platt(y, p), fit_temperature(y, p, exclusive=False)):
        adjusted = step.adjust(p)
        assert ((adjusted > 0) & (adjusted < 1)).all()
        assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
        assert METRICS["log_loss"](y, adjusted) <= METRICS["log_loss"](y, p) + 1e-6


def test_the_plain_step_is_the_likeliest_class_and_one_half():
    p = np.array([[0.4, 0.35, 0.25], [0.5, 0.1, 0.4]])
    assert PLAIN.decide(p, exclusive=True).tolist() == [0, 0]
    assert PLAIN.decide(p, exclusive=False).tolist() == [[0, 0, 0], [1, 0, 0]]
    assert PLAIN.adjust(p) is p
