"""Errors and associations of values, weighted, grouped and of series, against scikit-learn, scipy or loops."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from aicomp.metrics import association, deviations, grouped, pairs, places, series_errors, weighted

RANDOM = np.random.default_rng(5)
T = RANDOM.gamma(2.0, 3.0, 200)
P = T * RANDOM.uniform(0.5, 1.5, 200)
GROUP = np.array([f"g{i}" for i in RANDOM.integers(0, 9, 200)], dtype=object)
W = RANDOM.random(200)


def test_deviations():
    assert deviations.explained_variance(T, P) == pytest.approx(sk.explained_variance_score(T, P))
    assert deviations.max_error(T, P) == pytest.approx(sk.max_error(T, P))
    assert deviations.poisson_deviance(np.floor(T), P) == pytest.approx(sk.mean_poisson_deviance(np.floor(T), P))
    assert deviations.gamma_deviance(T, P) == pytest.approx(sk.mean_gamma_deviance(T, P))
    for power in (1.2, 1.5, 1.9):
        expected = sk.mean_tweedie_deviance(np.floor(T), P, power=power)
        assert deviations.tweedie_deviance(np.floor(T), P, power) == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"`y_pred\[1\]` is 0, but a deviance takes predictions above 0"):
        deviations.poisson_deviance(np.array([1.0, 1.0]), np.array([1.0, 0.0]))
    assert deviations.log_cosh(T, P) == pytest.approx(np.log(np.cosh(P - T)).mean())
    assert deviations.huber(T, P, delta=1e9) == pytest.approx(((P - T) ** 2).mean() / 2)


def test_deviations_of_torchmetrics():
    torch = pytest.importorskip("torch")
    reference = pytest.importorskip("torchmetrics.functional.regression")
    t, p = torch.tensor(T), torch.tensor(P)
    assert deviations.ccc(T, P) == pytest.approx(float(reference.concordance_corrcoef(p, t)), rel=1e-2)
    assert deviations.log_cosh(T, P) == pytest.approx(float(reference.log_cosh_error(p, t)), rel=1e-6)
    assert association.kendall(T, P) == pytest.approx(float(reference.kendall_rank_corrcoef(p, t)), rel=1e-6)


@pytest.mark.parametrize("n_distinct", [2, 7, 1000])
def test_kendall_with_ties(n_distinct):
    t, p = RANDOM.integers(0, n_distinct, 300), RANDOM.integers(0, n_distinct + 1, 300)
    assert association.kendall(t, p) == pytest.approx(stats.kendalltau(t, p).statistic)


def test_smaller_before_are_those_of_a_loop():
    for n_distinct in (1, 2, 5, 500):
        v = RANDOM.integers(0, n_distinct, 200).astype(float)
        assert pairs.count_smaller_before(v).tolist() == [int((v[:i] < v[i]).sum()) for i in range(len(v))]
        assert pairs.count_equal_before(v).tolist() == [int((v[:i] == v[i]).sum()) for i in range(len(v))]


def test_columns():
    t, p = RANDOM.random((50, 3)), RANDOM.random((50, 3))
    spearman = [stats.spearmanr(t[:, k], p[:, k]).statistic for k in range(3)]
    assert association.spearman_mean(t, p) == pytest.approx(np.mean(spearman))
    pearson = [stats.pearsonr(t[:, k], p[:, k]).statistic for k in range(3)]
    assert association.pearson_mean(t, p) == pytest.approx(np.mean(pearson))


def test_gini_of_a_binary_target_is_that_of_the_area():
    y, p = RANDOM.integers(0, 2, 100), np.round(RANDOM.random(100), 1)
    assert association.normalized_gini_of_values(y, p) == pytest.approx(2 * sk.roc_auc_score(y, p) - 1)


def test_places():
    torch_like = np.radians(np.array([[48.85, 2.35], [40.71, -74.0]]))
    a, b = np.degrees(torch_like[:1]), np.degrees(torch_like[1:])
    expected = sk.pairwise.haversine_distances(torch_like)[0, 1] * places.EARTH_RADIUS
    assert places.haversine(a, b) == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"`y_true\[0, 0\]` is 91, but latitudes lie in \[-90, 90\]"):
        places.haversine(np.array([[91.0, 0.0]]), b)
    t, p = RANDOM.uniform(0, np.pi, (40, 2)), RANDOM.uniform(0, np.pi, (40, 2))

    def unit(angles):
        azimuth, zenith = angles.T
        return np.column_stack([np.cos(azimuth) * np.sin(zenith), np.sin(azimuth) * np.sin(zenith), np.cos(zenith)])

    assert places.angular_error(t, p) == pytest.approx(np.arccos((unit(t) * unit(p)).sum(axis=1)).mean())


def test_weights():
    assert weighted.wmae(T, P, weight=W) == pytest.approx(sk.mean_absolute_error(T, P, sample_weight=W))
    assert weighted.weighted_rmse(T, P, weight=W) == pytest.approx(sk.root_mean_squared_error(T, P, sample_weight=W))
    squared = sk.mean_squared_log_error(T, P, sample_weight=W)
    assert weighted.nwrmsle(T, P, weight=W) == pytest.approx(np.sqrt(squared))
    y, p = RANDOM.integers(0, 3, 200), RANDOM.integers(0, 3, 200)
    assert weighted.weighted_accuracy(y, p, weight=W) == pytest.approx(sk.accuracy_score(y, p, sample_weight=W))
    expected = 1 - (W * (P - T) ** 2).sum() / (W * T**2).sum()
    assert weighted.weighted_zero_mean_r2(T, P, weight=W) == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"`weight` has shape \(3,\), but `y_true` has 200 rows"):
        weighted.wmae(T, P, weight=W[:3])
    with pytest.raises(ValueError, match="`weight` is 0 in all 200 rows"):
        weighted.wmae(T, P, weight=W * 0)


def test_groups():
    sets = [np.flatnonzero(g == GROUP) for g in sorted(set(GROUP))]
    expected = np.mean([np.log(abs(P[s] - T[s]).mean()) for s in sets])
    assert grouped.log_mae(T, P, group=GROUP) == pytest.approx(expected)
    assert grouped.log_mae(T, T, group=GROUP) == pytest.approx(np.log(1e-9))
    rounded = np.round(P)
    pearson = np.mean([stats.pearsonr(T[s], rounded[s]).statistic for s in sets])
    assert grouped.pearson_by_group(T, rounded, group=GROUP) == pytest.approx(pearson)
    spearman = np.mean([stats.spearmanr(T[s], rounded[s]).statistic for s in sets])
    assert grouped.spearman_by_group(T, rounded, group=GROUP) == pytest.approx(spearman)


def test_groups_that_do_not_vary():
    group = np.array(["a", "a", "b", "b"], dtype=object)
    t, p = np.array([1.0, 2.0, 5.0, 5.0]), np.array([3.0, 4.0, 1.0, 2.0])
    assert grouped.pearson_by_group(t, p, group=group) == pytest.approx(1.0)  # b has no order to find
    assert grouped.pearson_by_group(t, p * 0, group=group) == 0.0
    with pytest.raises(ValueError, match="the same in all rows of each `group`"):
        grouped.pearson_by_group(t * 0, p, group=group)


@pytest.mark.parametrize("k", [2, 5, 100])
def test_queries(k):
    relevance = RANDOM.integers(0, 4, 200).astype(float)
    expected, reciprocal = [], []
    for g in sorted(set(GROUP)):
        rows = np.flatnonzero(g == GROUP)
        gains = (2 ** relevance[rows] - 1)[None]
        expected.append(sk.ndcg_score(gains, P[rows][None], k=k))
        ranked = relevance[rows][np.argsort(-P[rows])]
        reciprocal.append(1 / (np.argmax(ranked > 0) + 1))
    assert grouped.ndcg_by_query(relevance, P, k, query=GROUP) == pytest.approx(np.mean(expected))
    assert grouped.mrr_by_query(relevance, P, query=GROUP) == pytest.approx(np.mean(reciprocal))


def test_series():
    scale = np.array([1.0 + int(g[1:]) for g in GROUP])
    share = np.array([1.0 / (1 + int(g[1:])) for g in GROUP])
    sets = [np.flatnonzero(g == GROUP) for g in sorted(set(GROUP))]
    mase = np.mean([abs(P[s] - T[s]).mean() / scale[s[0]] for s in sets])
    assert series_errors.mase(T, P, series=GROUP, scale=scale) == pytest.approx(mase)
    each = np.array([np.sqrt(((P[s] - T[s]) ** 2).mean() / scale[s[0]]) for s in sets])
    assert series_errors.rmsse(T, P, series=GROUP, scale=scale) == pytest.approx(each.mean())
    weights = np.array([share[s[0]] for s in sets])
    found = series_errors.wrmsse(T, P, series=GROUP, scale=scale, weight=share)
    assert found == pytest.approx((each * weights).sum() / weights.sum())
    scale[sets[0][1]] += 1
    with pytest.raises(ValueError, match=r"`scale\[\d+\]` is 2, but all rows of a series have the same one"):
        series_errors.mase(T, P, series=GROUP, scale=scale)


def test_wrmsse_of_m5_from_days_and_products():
    """Two products in one store: three levels here, whose weights are a third each of what M5 says."""
    train = np.array([[0.0, 2, 4, 2], [3, 3, 5, 1]])
    truth, guess = np.array([[3.0, 1], [2, 2]]), np.array([[2.0, 2], [2, 4]])
    price = np.array([1.0, 3.0])
    rows, values = [], []
    for name, members in (("all", [0, 1]), ("a", [0]), ("b", [1])):
        history = train[members].sum(axis=0)
        history = history[np.argmax(history > 0) :]
        scale = np.mean(np.diff(history) ** 2)
        sales = (train[members] * price[members, None]).sum()
        weight = sales / (train * price[:, None]).sum() / 2  # of two levels: all, and products
        error = np.sqrt(np.mean((guess[members].sum(axis=0) - truth[members].sum(axis=0)) ** 2) / scale)
        values.append(weight * error)
        for day in range(2):
            rows.append((name, truth[members, day].sum(), guess[members, day].sum(), scale, weight))
    series, t, p, scale, weight = (np.array(column) for column in zip(*rows, strict=True))
    assert series_errors.wrmsse(t, p, series=series, scale=scale, weight=weight) == pytest.approx(sum(values))


def test_weighted_interval_score_is_that_of_intervals():
    y, low, middle, high = 7.0, 2.0, 4.0, 6.0
    alpha = 0.2
    interval = (high - low) + 2 / alpha * max(0, low - y, y - high)
    expected = (abs(y - middle) / 2 + alpha / 2 * interval) / 1.5  # Bracher et al., with one interval
    level = np.array([0.1, 0.5, 0.9])
    found = series_errors.weighted_interval_score(np.full(3, y), np.array([low, middle, high]), level=level)
    assert found == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"`level\[1\]` is 1, but the level of a quantile lies between 0 and 1"):
        series_errors.weighted_interval_score(np.zeros(2), np.zeros(2), level=np.array([0.5, 1.0]))


def test_scaled_pinball():
    level, scale = RANDOM.uniform(0.1, 0.9, 200), RANDOM.uniform(1, 2, 200)
    losses = [sk.mean_pinball_loss(T[[i]], P[[i]], alpha=level[i]) / scale[i] for i in range(200)]
    found = series_errors.weighted_scaled_pinball(T, P, level=level, scale=scale, weight=W)
    assert found == pytest.approx(np.average(losses, weights=W))
