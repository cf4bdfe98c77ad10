"""Permutation importance tells what is planted, and which columns are copies of each other."""

import numpy as np
import pytest
from explain_cases import subject

from aicomp.data.table import Table
from aicomp.explain.association import associations, near_copies
from aicomp.explain.drawings.importance import draw_importances
from aicomp.explain.importance import permutation_importance


def planted(n=2000, noise=0.5, seed=0):
    """y = 3 a + b + noise; `c` enters the model a little, by mistake of the fit, and tells nothing."""
    random = np.random.default_rng(seed)
    numbers = {name: random.normal(size=n) for name in ("a", "b", "c", "unused")}
    y = 3 * numbers["a"] + numbers["b"] + noise * random.normal(size=n)
    return numbers, y


def predict(table):
    return 3 * table.numbers["a"] + table.numbers["b"] + 0.02 * table.numbers["c"]


def test_weights_are_told_in_the_metrics_unit():
    numbers, y = planted()
    found = permutation_importance(subject(predict, numbers, y))
    by_name = {entry.name: entry for entry in found.columns}
    # A shuffled column is independent of its own: the mean square grows by 2 w^2 times the variance 1.
    assert by_name["a"].mean == pytest.approx(18, rel=0.1)
    assert by_name["b"].mean == pytest.approx(2, rel=0.1)
    assert by_name["a"].low < by_name["a"].mean < by_name["a"].high
    assert by_name["b"].low > 0
    assert by_name["c"].is_noise
    assert (by_name["unused"].low, by_name["unused"].mean, by_name["unused"].high) == (0, 0, 0)
    assert [entry.name for entry in found.ranked[:2]] == ["a", "b"]
    assert found.groups == ()
    assert (found.interval, found.n_shuffles, found.n_rows) == ("folds", 10, 2000)
    assert found.score == pytest.approx(0.25, rel=0.1)
    assert len(by_name["a"].folds) == 4


def test_the_interval_of_noise_holds_zero_nineteen_times_in_twenty():
    held = 0
    for seed in range(40):
        numbers, y = planted(n=200, seed=seed)
        [entry] = [e for e in permutation_importance(subject(predict, numbers, y), seed=seed).columns if e.name == "c"]
        held += entry.is_noise
    assert held >= 34  # of 40 at 95 %: fewer than that happens once in a thousand times


def test_the_direction_of_the_metric_is_respected():
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 600))
    y = (a > 0).astype(np.int64)

    def sure(table):
        return 1 / (1 + np.exp(-5 * table.numbers["a"]))

    found = permutation_importance(subject(sure, {"a": a, "b": b}, y, metric="accuracy", labels=("no", "yes")))
    assert found.greater_is_better
    assert found.score == 1
    assert found.columns[0].name == "a"
    assert found.columns[0].mean == pytest.approx(0.5, abs=0.05)  # half of the signs are wrong then


def test_copies_are_shuffled_together():
    numbers, y = planted(n=800)
    numbers["copy"] = numbers["a"] + 0.01 * np.random.default_rng(1).normal(size=800)

    def halves(table):
        return 1.5 * table.numbers["a"] + 1.5 * table.numbers["copy"] + table.numbers["b"]

    found = permutation_importance(subject(halves, numbers, y))
    [group] = found.groups
    assert set(group.columns) == {"a", "copy"}
    alone = [entry.mean for entry in found.columns if entry.name in group.columns]
    assert group.mean == pytest.approx(18, rel=0.15)
    assert alone == [pytest.approx(4.5, rel=0.15)] * 2  # a half weight each, squared
    assert found.ranked[0] is group
    assert not [entry for entry in found.ranked if entry.name in group.columns]


def test_little_time_means_fewer_rows_and_says_so():
    numbers, y = planted(n=4000)
    found = permutation_importance(subject(predict, numbers, y), seconds=1e-9)
    assert (found.n_rows, found.n_validated, found.n_shuffles) == (200, 4000, 2)
    assert found.columns[0].name == "a"


def test_one_fold_has_intervals_over_its_shuffles_alone():
    numbers, y = planted(n=100)
    found = permutation_importance(subject(predict, numbers, y, n_folds=1))
    assert found.interval == "shuffles"
    assert found.columns[0].low < found.columns[0].mean < found.columns[0].high


def test_rare_classes_stay_when_rows_are_drawn():
    y = np.zeros(1000, dtype=np.int64)
    y[[3, 501, 742, 998]] = 1
    asked = subject(lambda table: table.numbers["a"], {"a": np.arange(1000.0)}, y, n_folds=1, labels=("no", "yes"))
    for seed in range(5):
        few = asked.sampled(20, seed)
        assert y[few.folds[0]].max() == 1
        assert len(few.folds[0]) <= 22
    assert asked.sampled(5000) is asked


def test_associations_of_all_kinds():
    random = np.random.default_rng(0)
    n = 1500
    x, kind, other = random.normal(size=n), random.integers(0, 4, n).astype(np.int32), random.normal(size=n)
    noise = random.integers(0, 50, n).astype(np.int32)
    numbers = {
        "x": x,
        "cubed": x**3,
        "other": other,
        "of kind": kind * 10.0 + random.normal(size=n),
        "same": np.ones(n),
    }
    table = Table(n, numbers, {"kind": kind, "renamed": 3 - kind, "noise": noise}, {})
    names = [*numbers, "kind", "renamed", "noise"]
    found = associations(table, names)
    assert found[0, 1] == pytest.approx(1)  # ranks do not see the cube
    assert found[0, 2] < 0.1
    assert found[3, 5] > 0.95
    assert found[5, 6] == pytest.approx(1, abs=0.01)
    assert found[5, 7] < 0.1  # many levels alone are no association
    assert found[0, 7] < 0.2
    assert found[4, :4].max() == 0
    groups = [[names[i] for i in group] for group in near_copies(found)]
    assert groups == [["x", "cubed"], ["of kind", "kind", "renamed"]]


def test_the_drawing_says_what_matters_most():
    numbers, y = planted(n=200)
    drawing = draw_importances(permutation_importance(subject(predict, numbers, y)))
    assert "Most important: a, without which mse gets worse by 1" in drawing.alt
    assert "unused" in drawing.svg()
