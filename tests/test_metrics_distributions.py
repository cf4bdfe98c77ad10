"""Intervals, uncertainties and distributions, survival and fairness, against references or by hand."""

import numpy as np
import pytest
from sklearn import metrics as sk

from aicomp.metrics import distributions, fairness, survival

RANDOM = np.random.default_rng(6)
Y = RANDOM.normal(size=100)


def test_intervals():
    bounds = np.sort(RANDOM.normal(size=(100, 2)), axis=1)
    scores = [
        (hi - lo) + 2 / 0.2 * max(lo - y, 0) + 2 / 0.2 * max(y - hi, 0) for y, (lo, hi) in zip(Y, bounds, strict=True)
    ]
    assert distributions.winkler(Y, bounds, 0.2) == pytest.approx(np.mean(scores))
    inside = np.mean([lo <= y <= hi for y, (lo, hi) in zip(Y, bounds, strict=True)])
    assert distributions.interval_coverage_error(Y, bounds, 0.2) == pytest.approx(abs(inside - 0.8))
    with pytest.raises(ValueError, match=r"`y_pred\[0, 0\]` is 2, but a lower bound is not above its upper one"):
        distributions.winkler(np.zeros(1), np.array([[2.0, 1.0]]))
    with pytest.raises(ValueError, match=r"but \(n,\) and \(n, 2\) are needed"):
        distributions.winkler(Y, Y)


def test_gaussians():
    from scipy.stats import norm

    mean, sigma = RANDOM.normal(size=100), RANDOM.uniform(0.5, 2, 100)
    pred = np.column_stack([mean, sigma])
    expected = norm.logpdf(Y, mean, sigma).mean()
    assert distributions.gaussian_log_likelihood(Y, pred) == pytest.approx(expected)
    # CRPS is the integral of the squared distance of the distribution functions.
    grid = np.linspace(-15, 15, 200_001)
    areas = [np.trapezoid((norm.cdf(grid, m, s) - (grid >= y)) ** 2, grid) for y, m, s in zip(Y[:5], mean, sigma)]  # noqa: B905
    assert distributions.crps_gaussian(Y[:5], pred[:5]) == pytest.approx(np.mean(areas), abs=1e-4)
    with pytest.raises(ValueError, match=r"`y_pred\[1, 1\]` is 0, but a standard deviation is above 0"):
        distributions.crps_gaussian(np.zeros(2), np.array([[0.0, 1.0], [0.0, 0.0]]))


def test_laplace_is_bounded_as_on_its_page():
    best = -np.log(np.sqrt(2) * 70)
    assert distributions.laplace_log_likelihood(np.array([5.0]), np.array([[5.0, 1.0]])) == pytest.approx(best)
    worst = -np.sqrt(2) * 1000 / 70 + best
    assert distributions.laplace_log_likelihood(np.array([9e9]), np.array([[5.0, 1.0]])) == pytest.approx(worst)


def test_nfl():
    yards = np.array([3, -99, 99])
    pred = np.sort(RANDOM.random((3, 199)), axis=1)
    total = sum((pred[i, n + 99] - (n >= yards[i])) ** 2 for i in range(3) for n in range(-99, 100))
    assert distributions.crps_nfl(yards, pred) == pytest.approx(total / (199 * 3))
    pred[1, 50] = pred[1, 49] / 2
    with pytest.raises(ValueError, match=r"`y_pred\[1, 50\]` is .* the probability of more yards cannot be smaller"):
        distributions.crps_nfl(yards, pred)


def brute_concordance(times, risk, event):
    right = n = 0.0
    for i in range(len(times)):
        for j in range(len(times)):
            if event[i] and (times[i] < times[j] or (times[i] == times[j] and not event[j])):
                n += 1
                right += 1 if risk[i] > risk[j] else 0.5 * (risk[i] == risk[j])
    return right / n


@pytest.mark.parametrize("seed", range(6))
def test_concordance_with_ties_everywhere(seed):
    random = np.random.default_rng(seed)
    times, risk = random.integers(0, 12, 80).astype(float), random.integers(0, 9, 80).astype(float)
    event = random.integers(0, 2, 80)
    found = survival.concordance_index(times, risk, event=event)
    assert found == pytest.approx(brute_concordance(times, risk, event))
    assert survival.concordance_index(times, risk) == pytest.approx(brute_concordance(times, risk, np.ones(80)))


@pytest.mark.parametrize(
    ("n_times", "n_risks", "expected", "of_events_alone"),
    [
        (23, 17, 0.506120598458516, 0.4965495608531995),
        (211, 199, 0.4669396420988778, 0.4997738693467337),
        (5, 3, 0.7135598731810422, 0.493375),
    ],
)
def test_concordance_is_that_of_lifelines(n_times, n_risks, expected, of_events_alone):
    """`lifelines.utils.concordance_index` of lifelines 0.30.3, which wants an older pandas: its values."""
    i = np.arange(200)
    times, risk, event = i * 37 % n_times, i * 53 % n_risks, i % 3 > 0
    assert survival.concordance_index(times, risk, event=event) == pytest.approx(expected, abs=1e-12)
    assert survival.concordance_index(times, risk) == pytest.approx(of_events_alone, abs=1e-12)


def test_stratified_concordance():
    times, risk, event = RANDOM.random(90), RANDOM.random(90), RANDOM.integers(0, 2, 90)
    group = np.array(list("abc") * 30, dtype=object)
    scores = [brute_concordance(times[group == g], risk[group == g], event[group == g]) for g in "abc"]
    found = survival.stratified_concordance_index(times, risk, group=group, event=event)
    assert found == pytest.approx(np.mean(scores) - np.sqrt(np.var(scores)))
    with pytest.raises(ValueError, match="no pair of `group` b is comparable"):
        survival.stratified_concordance_index(times, risk, group=group, event=event * (group != "b"))
    with pytest.raises(ValueError, match=r"`event\[0\]` is 2, but an event is 0 or 1"):
        survival.concordance_index(times, risk, event=event + 2 * (np.arange(90) == 0) * (1 - event / 2))


def test_bias_auc_by_subsets():
    y, p = RANDOM.integers(0, 2, 400), RANDOM.random(400)
    groups = RANDOM.integers(0, 2, (400, 3))
    areas = {name: [] for name in ("subgroup", "bpsn", "bnsp")}
    for k in range(3):
        g = groups[:, k] == 1
        areas["subgroup"].append(sk.roc_auc_score(y[g], p[g]))
        bpsn, bnsp = (g & (y == 0)) | (~g & (y == 1)), (g & (y == 1)) | (~g & (y == 0))
        areas["bpsn"].append(sk.roc_auc_score(y[bpsn], p[bpsn]))
        areas["bnsp"].append(sk.roc_auc_score(y[bnsp], p[bnsp]))
    means = [np.mean(np.array(v) ** -5.0) ** (-1 / 5) for v in areas.values()]
    assert fairness.bias_auc(y, p, groups=groups) == pytest.approx((sk.roc_auc_score(y, p) + sum(means)) / 4)
    with pytest.raises(ValueError, match=r"column 1 of `groups` has no area \(its own rows\)"):
        fairness.bias_auc(y, p, groups=np.column_stack([groups[:, 0], y]))


def test_an_area_of_nothing_makes_the_mean_nothing():
    y, p = np.array([0, 1, 0, 1]), np.array([0.9, 0.1, 0.5, 0.6])
    groups = np.array([[1], [1], [0], [0]])
    assert fairness.bias_auc(y, p, groups=groups) == pytest.approx((0.25 + 0 + 0 + 0) / 4)


def test_parity_and_odds():
    y, p = RANDOM.integers(0, 2, 200), RANDOM.integers(0, 2, 200)
    group = np.array(list("abcd") * 50, dtype=object)
    rates = [p[group == g].mean() for g in "abcd"]
    assert fairness.demographic_parity_difference(y, p, group=group) == pytest.approx(max(rates) - min(rates))
    gaps = []
    for label in (0, 1):
        rates = [p[(group == g) & (y == label)].mean() for g in "abcd"]
        gaps.append(max(rates) - min(rates))
    assert fairness.equalized_odds_difference(y, p, group=group) == pytest.approx(max(gaps))
