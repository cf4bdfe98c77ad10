"""Measures of single competitions against the plainest code that follows their pages, and where they refuse."""

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from aicomp.metrics import clusters, finance, orders

RANDOM = np.random.default_rng(5)


def test_gini_stability_with_a_fitted_line():
    week = RANDOM.choice([3, 4, 8, 9, 20], 400)
    y, p = RANDOM.integers(0, 2, 400), RANDOM.random(400).round(1)
    gini = [2 * sk.roc_auc_score(y[week == w], p[week == w]) - 1 for w in np.unique(week)]
    a, b = np.polyfit(np.arange(5), gini, 1)
    expected = np.mean(gini) + 88 * min(0, a) - 0.5 * np.std(gini - (a * np.arange(5) + b))
    assert finance.gini_stability(y, p, week=week) == pytest.approx(expected, abs=1e-10)
    assert finance.gini_stability(y, y, week=week) == pytest.approx(1.0)  # no fall, no deviation
    with pytest.raises(ValueError, match="`week` 8 has rows of one class, but the area needs both"):
        finance.gini_stability(y * (week != 8), p, week=week)
    with pytest.raises(ValueError, match="`week` is 1 in all 400 rows, but a line needs two weeks"):
        finance.gini_stability(y, p, week=np.ones(400))


def test_jane_street_utility_by_dates():
    frame = pd.DataFrame({"date": RANDOM.choice([*"abcdef"], 90), "weight": RANDOM.random(90)})
    frame["resp"], frame["action"] = RANDOM.normal(0.02, 1, 90), RANDOM.integers(0, 2, 90)
    p = (frame.weight * frame.resp * frame.action).groupby(frame.date).sum()
    t = p.sum() / np.sqrt((p**2).sum()) * np.sqrt(250 / 6)
    expected = min(max(t, 0), 6) * p.sum()
    arguments = frame.resp.to_numpy(), frame.action.to_numpy()
    columns = {"date": frame.date.to_numpy(dtype=object), "weight": frame.weight.to_numpy()}
    assert finance.jane_street_utility(*arguments, **columns) == pytest.approx(expected)
    assert finance.jane_street_utility(arguments[0], arguments[1] * 0, **columns) == 0.0
    with pytest.raises(ValueError, match=r"`y_pred\[0\]` is 0.5, but an action is 0 or 1"):
        finance.jane_street_utility(arguments[0], np.full(90, 0.5), **columns)


def test_spread_return_with_a_table():
    n_stocks, n_dates = 430, 4
    frame = pd.DataFrame({"date": np.tile([*"abcd"], n_stocks), "y": RANDOM.normal(size=n_stocks * n_dates)})
    frame["rank"] = frame.groupby("date")["y"].transform(lambda v: RANDOM.permutation(len(v)))
    weights = np.linspace(2, 1, 200)

    def of_day(day):
        bought = (day.sort_values("rank")["y"][:200] * weights).sum()
        return (bought - (day.sort_values("rank", ascending=False)["y"][:200] * weights).sum()) / weights.mean()

    spread = pd.Series([of_day(day) for _, day in frame.groupby("date")])
    y, rank, date = frame["y"].to_numpy(), frame["rank"].to_numpy(), frame["date"].to_numpy(dtype=object)
    assert finance.spread_return_sharpe(y, rank, date=date) == pytest.approx(spread.mean() / spread.std())
    with pytest.raises(ValueError, match=r"the ranks of a date are 0, 1, 2 ..., each once"):
        finance.spread_return_sharpe(y, rank + 1, date=date)
    with pytest.raises(ValueError, match="`date` a has 4 rows, but 200 are bought and 200 sold"):
        finance.spread_return_sharpe(y[:8], np.repeat(np.arange(4), 2), date=np.array(list("ab") * 4, dtype=object))


def test_signed_root_of_r2():
    y = RANDOM.normal(size=50)
    for p in (y + 0.5 * RANDOM.normal(size=50), -0.2 * y, y + 0.1):
        r2 = sk.r2_score(y, p)
        assert finance.signed_root_r2(y, p) == pytest.approx(np.sign(r2) * abs(r2) ** 0.5)
    assert finance.signed_root_r2(y, y + 99) == -1.0


def test_orders_by_counted_swaps(monkeypatch):
    truth, predicted, swaps, most = [], [], 0, 0
    for n in (1, 2, 3, 7, 12):
        items = [f"c{n}{k}" for k in range(n)]
        given = RANDOM.permutation(items).tolist()
        swaps += sum(items.index(a) > items.index(b) for a, b in itertools.combinations(given, 2))
        most += n * (n - 1)
        truth.append(" ".join(items))
        predicted.append(" ".join(given))
    t, p = (np.array(rows, dtype=object) for rows in (truth, predicted))
    assert orders.kendall_of_orders(t, p) == pytest.approx(1 - 4 * swaps / most)
    assert orders.kendall_of_orders(t, t) == 1.0
    monkeypatch.setattr(orders, "_ITEMS", 4)  # a few rows at a time
    assert orders.kendall_of_orders(t, p) == pytest.approx(1 - 4 * swaps / most)
    backwards = np.array([" ".join(reversed(text.split())) for text in truth], dtype=object)
    assert orders.kendall_of_orders(t, backwards) == -1.0
    for wrong, message in (("a b", r"`y_pred\[0\]` has 2 items and not 3"), ("a b x", "has `x`, which is none of")):
        with pytest.raises(ValueError, match=message):
            orders.kendall_of_orders(np.array(["a b c"], object), np.array([wrong], object))
    with pytest.raises(ValueError, match=r"`y_true\[0\]` has an item twice"):
        orders.kendall_of_orders(np.array(["a a"], object), np.array(["a a"], object))


def test_sets_and_recalls_by_loops():
    t, p = (
        np.array([" ".join(RANDOM.choice([*"abcdefgh"], RANDOM.integers(0, 6))) for _ in range(60)], dtype=object)
        for _ in range(2)
    )
    sets = [(set(a.split()), set(b.split())) for a, b in zip(t, p, strict=True)]
    expected = np.mean([len(a & b) / len(a | b) if a | b else 1.0 for a, b in sets])
    assert orders.jaccard_of_sets(t, p) == pytest.approx(expected)
    kind = np.array(["clicks", "carts", "orders"] * 20, dtype=object)
    shares = {"clicks": 0.1, "carts": 0.3, "orders": 0.6}
    recalls = {
        name: sum(len(a & b) for (a, b), k in zip(sets, kind, strict=True) if k == name)
        / sum(len(a) for (a, _), k in zip(sets, kind, strict=True) if k == name)
        for name in shares
    }
    assert orders.otto_recall(t, p, kind=kind) == pytest.approx(sum(shares[k] * recalls[k] for k in shares))
    many = np.array([" ".join(map(str, range(25)))] * 3, dtype=object)
    assert orders.otto_recall(many, many, kind=kind[:3]) == pytest.approx(1.0)  # 20 of at most 20
    with pytest.raises(ValueError, match=r"`kind\[1\]` is views, but a kind is clicks, carts, orders"):
        orders.otto_recall(many, many, kind=np.array(["carts", "views", "orders"], dtype=object))
    with pytest.raises(ValueError, match="no row of the `kind` orders has a true item"):
        orders.otto_recall(many, many, kind=np.array(["carts", "clicks", "carts"], dtype=object))


@pytest.mark.parametrize(("n_true", "n_pred"), [(3, 5), (1, 4), (40, 2), (1, 1)])
def test_the_adjusted_rand_index_is_that_of_scikit_learn(n_true, n_pred):
    y, p = RANDOM.integers(0, n_true, 50), RANDOM.integers(-3, n_pred - 3, 50)
    assert clusters.adjusted_rand(y, p) == pytest.approx(sk.adjusted_rand_score(y, p), abs=1e-12)
    with pytest.raises(ValueError, match=r"`y_pred\[0\]` is 0.5, but groups are named by whole numbers"):
        clusters.adjusted_rand(y, np.full(50, 0.5))
