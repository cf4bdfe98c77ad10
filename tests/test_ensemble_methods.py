from dataclasses import replace

import numpy as np
import pytest
from ensemble_cases import make_members, make_task
from submission_cases import competition

from aicomp.ensemble.hill_climbing import climb
from aicomp.ensemble.methods import METHODS, choose_methods
from aicomp.ensemble.objective import AnyMetric, SquaredErrors, make_objective
from aicomp.ensemble.stacking import fit_stack
from aicomp.errors import UsageError
from aicomp.metrics import METRICS
from aicomp.task import Task


def values(n: int = 200, n_members: int = 6) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    y = random.normal(10, 3, size=n)
    return y, y + random.normal(size=(n_members, n)) * np.linspace(1, 2, n_members)[:, None]


def test_opposite_errors_weigh_the_same() -> None:
    y = np.zeros(8)
    error = np.array([1.0, -1.0] * 4)
    weights = climb(make_task("regression", "rmse"), make_members(y, [error, -error, 9 + error], 2).parts)
    assert weights.tolist() == [0.5, 0.5, 0.0]


def test_a_climb_begins_with_the_best_member_and_is_never_worse() -> None:
    y, predictions = values()
    task = make_task("regression", "mae")
    parts = make_members(y, predictions).parts
    objective = make_objective(task, parts)
    weights = climb(task, parts)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert np.count_nonzero(weights) > 1
    mixed = float(np.mean([task.score(p.y, np.tensordot(weights, p.predictions, 1)) for p in parts]))
    assert mixed < -objective.single().max()


@pytest.mark.parametrize("name", ["rmse", "mse", "r2"])
def test_products_of_errors_give_the_scores_of_the_metric(name: str) -> None:
    y, predictions = values()
    task = make_task("regression", name)
    parts = make_members(y, predictions).parts
    fast, slow = make_objective(task, parts), AnyMetric(task, parts)
    assert isinstance(fast, SquaredErrors)
    assert fast.single() == pytest.approx(slow.single())
    counts = np.array([3.0, 0, 1, 0, 0, 2])
    ours, theirs = (o.best_addition(counts, np.arange(6)) for o in (fast, slow))
    assert ours[0] == theirs[0]
    assert ours[1] == pytest.approx(theirs[1])


def test_a_metric_of_ones_own_by_a_known_name_is_asked_itself() -> None:
    y, predictions = values()
    own = replace(METRICS["rmse"], fn=METRICS["mae"].fn)
    assert isinstance(make_objective(Task("regression", (), 1, own), make_members(y, predictions).parts), AnyMetric)


def test_many_rows_are_screened_and_the_climb_still_finds_the_pair() -> None:
    random = np.random.default_rng(1)
    y = (random.uniform(size=30_000) < 0.3).astype(np.int64)
    halves = random.normal(size=(2, len(y)))
    signals = np.stack([y + halves[0], y - halves[0], *(0.3 * y + random.normal(size=(8, len(y))))])
    parts = make_members(y, 1 / (1 + np.exp(-signals))).parts
    weights = climb(make_task("binary", "roc_auc"), parts)
    assert weights[:2].sum() > 0.9
    assert abs(weights[0] - weights[1]) < 0.2


def test_bags_spread_the_weights_and_repeat_by_their_seed() -> None:
    y, predictions = values(60, 8)
    task, parts = make_task("regression", "rmse"), make_members(y, predictions).parts
    bagged = climb(task, parts, n_bags=20, seed=1)
    assert bagged.sum() == pytest.approx(1)
    assert np.count_nonzero(bagged) >= np.count_nonzero(climb(task, parts))
    assert bagged.tolist() == climb(task, parts, n_bags=20, seed=1).tolist()


def test_a_stack_of_values_finds_weights_and_offset() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 500))
    y = 2 + 1.5 * a - 0.5 * b + 0.05 * random.normal(size=500)
    task, parts = make_task("regression", "rmse"), make_members(y, [a, b]).parts
    stack = fit_stack(task, parts)
    assert stack.weights == pytest.approx([1.5, -0.5], abs=0.02)
    assert stack.combine(np.array([[1.0], [1.0]])) == pytest.approx([3.0], abs=0.05)
    kept = fit_stack(task, parts, nonnegative=True).weights
    assert kept[1] == 0
    assert kept[0] > 1


def test_a_stack_for_rmsle_works_on_logarithms_and_never_goes_below_0() -> None:
    y, predictions = values()
    stack = fit_stack(make_task("regression", "rmsle"), make_members(abs(y), abs(predictions)).parts)
    assert (stack.combine(np.zeros((6, 2))) >= 0).all()
    assert stack.combine(np.full((6, 1), 10.0)) == pytest.approx([10.0], rel=0.1)


def test_a_stack_of_probabilities_sharpens_timid_members() -> None:
    random = np.random.default_rng(0)
    odds = random.normal(size=4000)
    y = (random.uniform(size=4000) < 1 / (1 + np.exp(-3 * odds))).astype(np.int64)
    p = 1 / (1 + np.exp(-odds))
    stack = fit_stack(make_task("binary", "log_loss"), make_members(y, [p, p]).parts)
    assert stack.weights.sum() == pytest.approx(3, rel=0.15)
    assert stack.weights[0] == pytest.approx(stack.weights[1], abs=1e-3)


@pytest.mark.parametrize("nonnegative", [False, True])
def test_a_stack_of_classes_gives_probabilities(nonnegative: bool) -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 3, size=300)
    good, bad = np.eye(3)[y] + random.uniform(size=(300, 3)), random.uniform(size=(300, 3)) + 0.1
    predictions = np.stack([p / p.sum(axis=1, keepdims=True) for p in (good, bad)])
    task = make_task("multiclass", "log_loss", 3)
    stack = fit_stack(task, make_members(y, predictions).parts, nonnegative=nonnegative)
    combined = stack.combine(predictions)
    assert combined.shape == (300, 3)
    assert combined.sum(axis=1) == pytest.approx(np.ones(300))
    assert task.score(y, combined) < task.score(y, predictions[0])
    assert stack.weights[0] > 10 * abs(stack.weights[1])


def test_methods_fit_the_metric() -> None:
    ranking, other = make_task("binary", "roc_auc"), make_task("binary", "log_loss")
    assert choose_methods("auto", ranking, competition()) == METHODS
    assert choose_methods("auto", other, competition()) == ("mean", "hill-climbing", "stacking", "stacking-network")
    assert choose_methods("rank", ranking, competition()) == ("rank",)
    with pytest.raises(UsageError, match="ranks cannot stand in for predictions: `log_loss`"):
        choose_methods("rank", other, competition())
    with pytest.raises(UsageError, match="unknown method `stakcing`") as caught:
        choose_methods("stakcing", other, competition())
    assert "did you mean `stacking`" in caught.value.hint
