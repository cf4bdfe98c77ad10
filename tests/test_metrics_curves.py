"""Areas under curves and other scores of order, against scikit-learn or by brute force."""

import numpy as np
import pytest
from sklearn import metrics as sk

from aicomp.metrics import roc

RANDOM = np.random.default_rng(4)
Y = RANDOM.integers(0, 2, 150)
P = np.round(Y * 0.3 + RANDOM.random(150), 1)  # with ties
WIDE = RANDOM.integers(0, 2, (80, 3))
WIDE_P = np.round(RANDOM.random((80, 3)), 1)


def test_several_classes_and_labels():
    codes, p = RANDOM.integers(0, 3, 90), RANDOM.dirichlet(np.ones(3), 90)
    expected = sk.roc_auc_score(codes, p, multi_class="ovr", average="weighted")
    assert roc.roc_auc_weighted(codes, p) == pytest.approx(expected)
    assert roc.roc_auc_micro(WIDE, WIDE_P) == pytest.approx(sk.roc_auc_score(WIDE, WIDE_P, average="micro"))
    for name in ("macro", "micro"):
        expected = sk.average_precision_score(WIDE, WIDE_P, average=name)
        assert getattr(roc, f"average_precision_{name}")(WIDE, WIDE_P) == pytest.approx(expected)


def test_weights():
    w = RANDOM.random(150)
    assert roc.weighted_roc_auc(Y, P, weight=w) == pytest.approx(sk.roc_auc_score(Y, P, sample_weight=w))
    with pytest.raises(ValueError, match=r"`weight\[2\]` is -1, but it must be 0 or more"):
        roc.weighted_roc_auc(Y[:3], P[:3], weight=np.array([1.0, 2.0, -1.0]))
    with pytest.raises(ValueError, match="`weight` is 0 in all rows where `y_true` is 1"):
        roc.weighted_roc_auc(np.array([0, 1]), np.array([0.1, 0.2]), weight=np.array([1.0, 0.0]))


def test_area_above_a_rate_is_the_partial_area_of_the_other_class():
    scaled = sk.roc_auc_score(1 - Y, -P, max_fpr=0.2)  # McClish's: from 0.5 to 1
    least, most = 0.2**2 / 2, 0.2
    assert roc.pauc_80_tpr(Y, P) == pytest.approx(least + (scaled - 0.5) / 0.5 * (most - least))


def test_the_areas_of_all_rates_are_the_whole():
    fpr, tpr = roc.curve(Y, P)
    below, above = roc._area_between(fpr, tpr, 0.0, 0.4), roc._area_between(fpr, tpr, 0.4, 1.0)
    assert below + above == pytest.approx(sk.roc_auc_score(Y, P))
    assert roc.alaska2_auc(Y, P) == pytest.approx((2 * below + above) / 1.4)
    # By many lines through the curve.
    heights = (np.arange(200_000) + 0.5) / 200_000 * 0.4
    right = 1 - np.interp(heights, tpr, fpr)
    assert below == pytest.approx(right.mean() * 0.4, abs=1e-4)


def test_ks_is_that_of_two_samples():
    from scipy.stats import ks_2samp

    found = ks_2samp(P[Y == 1], P[Y == 0], alternative="less").statistic
    assert roc.ks_statistic(Y, P) == pytest.approx(found)


def test_lift_of_a_tied_border_is_that_of_all_its_orders():
    y, p = np.array([1, 0, 1, 0]), np.array([0.9, 0.5, 0.5, 0.1])
    # Two of four rows: the first, and one of the two at 0.5, of which half are positive.
    assert roc.lift(y, p, share=0.5) == pytest.approx((1 + 0.5) / 2 / 0.5)


def test_amex_by_a_loop_over_rows():
    y, p = RANDOM.integers(0, 2, 300), RANDOM.random(300)

    def gini(order):
        rows = [(1.0 if y[i] else 20.0, y[i]) for i in order]
        total, positives = sum(w for w, _ in rows), sum(w * t for w, t in rows)
        random = found = area = 0.0
        for w, t in rows:
            random, found = random + w / total, found + w * t / positives
            area += (found - random) * w
        return area

    order = np.argsort(-p)
    weight, captured = 0.0, 0
    for i in order:
        weight += 1 if y[i] else 20
        if weight > int(0.04 * (y.sum() + 20 * (1 - y).sum())):
            break
        captured += y[i]
    expected = (gini(order) / gini(np.argsort(-y, kind="stable")) + captured / y.sum()) / 2
    assert roc.amex(y, p) == pytest.approx(expected)


def test_areas_of_groups():
    group = np.array([f"g{i % 7}" for i in range(150)], dtype=object)
    group[:2] = "alone"
    y = Y.copy()
    y[:2] = 1
    areas = [sk.roc_auc_score(y[group == g], P[group == g]) for g in sorted(set(group)) if len(set(y[group == g])) == 2]
    assert len(areas) == 7
    assert roc.roc_auc_by_group(y, P, group=group) == pytest.approx(np.mean(areas))
