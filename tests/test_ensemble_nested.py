from dataclasses import replace

import numpy as np
import pytest
from ensemble_cases import make_members, make_task

from aicomp.ensemble.budget import Budget
from aicomp.ensemble.choice import select, standard_error
from aicomp.ensemble.members import Members, Part
from aicomp.ensemble.methods import METHODS, Options
from aicomp.ensemble.nested import correlations, evaluate


def noisy(n: int = 60, n_members: int = 30) -> Members:
    """Few rows and many members that are equally good: there is nothing to learn but noise."""
    random = np.random.default_rng(0)
    y = random.normal(size=n)
    return make_members(y, y + random.normal(size=(n_members, n)))


def test_the_honest_score_shows_that_an_overfitted_stack_is_worse() -> None:
    task, members = make_task("regression", "rmse"), noisy()
    mean, stack = (evaluate(task, members, method, Options()) for method in ("mean", "stacking"))
    assert stack.optimistic_mean < mean.optimistic_mean  # it looks better ...
    assert stack.honest_mean > 1.2 * mean.honest_mean  # ... and is not
    selection = select(task, members, ["mean", "stacking"], Options())
    assert selection.chosen.method == "mean"
    assert [(c.method, c.against, c.better) for c in selection.compared] == [
        ("mean", "", True), ("stacking", "mean", False),
    ]  # fmt: skip
    assert mean.honest == mean.optimistic


def test_weights_of_a_fold_know_nothing_of_its_targets() -> None:
    task, members = make_task("regression", "rmse"), noisy()
    other = replace(
        members, parts=(Part(members.parts[0].y[::-1] + 5, members.parts[0].predictions), *members.parts[1:])
    )
    for method in METHODS:
        if method == "rank":
            continue
        a, b = (evaluate(task, m, method, Options()) for m in (members, other))
        assert a.fold_weights[0].tolist() == b.fold_weights[0].tolist()
        assert a.valid[0].tolist() == b.valid[0].tolist()
        if method != "mean":
            assert a.fold_weights[1].tolist() != b.fold_weights[1].tolist()


def test_rows_of_the_fold_are_left_out_of_its_repeats_too() -> None:
    y = np.arange(4.0)
    rows = tuple(map(np.array, ([0, 1], [2, 3], [0, 2], [1, 3])))
    parts = tuple(Part(y[r], y[None, r]) for r in rows)
    members = Members((), y, rows, parts, y[None])
    assert [part.y.tolist() for part in members.without(0)] == [[2.0, 3.0], [2.0], [3.0]]


def test_a_single_fold_leaves_nothing_to_fit_on() -> None:
    task = make_task("regression", "rmse")
    members = make_members(np.arange(6.0), [np.arange(6.0), np.zeros(6)], n_folds=1)
    found = evaluate(task, members, "hill-climbing", Options())
    assert found.fitted.weights.tolist() == [1.0, 0.0]
    assert found.fold_weights.tolist() == [[0.5, 0.5]]


def test_of_equally_good_methods_the_simplest_is_taken() -> None:
    task = make_task("regression", "rmse")
    y = np.arange(20.0)
    selection = select(task, make_members(y, [y, y]), ["mean", "hill-climbing"], Options())
    assert [e.honest_mean for e in selection.tried] == [0, 0]
    assert selection.chosen.method == "mean"


def test_a_gain_within_noise_is_none() -> None:
    """Two members as good as each other but for luck: climbing finds a better weight and is not believed."""
    random = np.random.default_rng(4)
    y = random.normal(size=400)
    task = make_task("regression", "rmse")
    alike = make_members(y, y + random.normal(size=(2, 400)) * [[1.0], [1.02]])
    found = select(task, alike, ["mean", "hill-climbing"], Options())
    assert found.chosen.method == "mean"
    unlike = make_members(y, y + random.normal(size=(2, 400)) * [[1.0], [3.0]])
    found = select(task, unlike, ["mean", "hill-climbing"], Options())
    assert found.chosen.method == "hill-climbing"
    assert found.compared[1].gain > found.compared[1].standard_error > 0


def test_the_standard_error_is_that_of_a_mean() -> None:
    """Errors of -1 and 1 against 0 everywhere: the mean absolute error of n rows, each 0 or 1 in its gain."""
    random = np.random.default_rng(0)
    y, right = np.zeros(2000), random.uniform(size=2000) < 0.5
    members = make_members(y, [np.ones(2000), np.where(right, 0.0, 1.0)], n_folds=2)
    task = make_task("regression", "mae")
    a = evaluate(task, members, "mean", Options())
    b = replace(a, valid=tuple(part.predictions[1] for part in members.parts))
    a = replace(a, valid=tuple(part.predictions[0] for part in members.parts))
    assert standard_error(task, members, a, b) == pytest.approx(0.5 / np.sqrt(2000), rel=0.35)


def test_a_spent_budget_leaves_the_mean() -> None:
    found = select(
        make_task("regression", "rmse"), noisy(), ["mean", "hill-climbing", "stacking"], Options(), Budget(0)
    )
    assert [e.method for e in found.tried] == ["mean"]
    assert found.left_out == {"hill-climbing": "no time left for it", "stacking": "no time left for it"}


def test_correlations_are_about_the_mean_of_each_column() -> None:
    a = np.array([1.0, 2.0, 3.0, 4.0])
    found = correlations(make_members(np.zeros(4), [a, -a, 7 * np.ones(4), 2 * a + 5], 2))
    assert found[0] == pytest.approx([1, -1, 0, 1])
