"""The stacking network: it begins as the mean, departs from it only where that helps, and knows when to stop."""

import numpy as np
import pytest
import torch
from ensemble_cases import make_members, make_task

from aicomp.ensemble.budget import Budget, OutOfTime
from aicomp.ensemble.methods import Options, too_large
from aicomp.ensemble.nested import evaluate
from aicomp.ensemble.network import N_NETWORKS, Stackers, fit_network_stack
from aicomp.ensemble.objective import AnyMetric, LogLosses


def logistic(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


def test_it_begins_as_the_mean() -> None:
    networks = Stackers(N_NETWORKS, 4, 3).eval()
    x = torch.randn(N_NETWORKS, 5, 4, 3)
    assert torch.allclose(networks(x), x.mean(dim=2), atol=1e-6)


def test_members_that_are_equally_good_stay_near_the_mean() -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=600)
    task, members = make_task("regression", "rmse"), make_members(y, y + random.normal(size=(6, 600)))
    mean, network = (evaluate(task, members, method, Options()) for method in ("mean", "stacking-network"))
    assert network.honest_mean < 1.02 * mean.honest_mean
    assert network.fitted.weights == pytest.approx(np.full(6, 1 / 6), abs=0.08)


def test_it_learns_what_no_weights_can() -> None:
    """The first member is right where the second one is above 0, and wrong by its sign elsewhere."""
    random = np.random.default_rng(1)
    y, gate = random.normal(size=3000), random.choice([-2.0, 2.0], size=3000)
    task, members = make_task("regression", "rmse"), make_members(y, [np.where(gate > 0, y, -y), gate])
    stack, network = (evaluate(task, members, method, Options()) for method in ("stacking", "stacking-network"))
    assert network.honest_mean < 0.8 * stack.honest_mean


@pytest.mark.parametrize("problem", ["binary", "multiclass", "multilabel", "multi-target"])
def test_predictions_have_the_form_of_the_members(problem: str) -> None:
    random = np.random.default_rng(2)
    n, columns = 300, {"binary": (), "multiclass": (3,), "multilabel": (2,), "multi-target": (2,)}[problem]
    metric = {"binary": "log_loss", "multiclass": "log_loss", "multilabel": "log_loss", "multi-target": "mcrmse"}[
        problem
    ]
    task = make_task(problem, metric, 3 if problem == "multiclass" else 2)  # type: ignore[arg-type]
    raw = random.normal(size=(4, n, *columns))
    if problem == "multiclass":
        y = random.integers(0, 3, size=n)
        raw[:, np.arange(n), y] += 1
        predictions = np.exp(raw) / np.exp(raw).sum(axis=2, keepdims=True)
    elif problem == "multi-target":
        y = random.uniform(1, 2, size=(n, 2))
        predictions = y + 0.1 * raw
    else:
        y = random.integers(0, 2, size=(n, *columns))
        predictions = logistic(2 * y - 1 + raw)
    members = make_members(y, predictions)
    network = fit_network_stack(task, members.parts)
    mixed = network.combine(members.test)
    assert mixed.shape == members.test.shape[1:]
    assert network.weights.shape == (4,)
    if problem == "multiclass":
        assert mixed.sum(axis=1) == pytest.approx(1)
    assert task.score(y, network.combine(predictions)) < min(task.score(y, p) for p in predictions)


def test_the_same_seed_gives_the_same_bits_and_leaves_torch_as_it_was() -> None:
    random = np.random.default_rng(3)
    y = random.integers(0, 2, size=400)
    task, members = make_task("binary", "roc_auc"), make_members(y, logistic(2 * y - 1 + random.normal(size=(3, 400))))
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    a, b = (fit_network_stack(task, members.parts, seed=5).combine(members.test) for _ in range(2))
    assert a.tobytes() == b.tobytes()
    assert a.tobytes() != fit_network_stack(task, members.parts, seed=6).combine(members.test).tobytes()
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_it_stops_when_the_budget_is_spent() -> None:
    members = make_members(np.arange(400.0), [np.arange(400.0), np.zeros(400)])
    threads = torch.get_num_threads()
    with pytest.raises(OutOfTime):
        fit_network_stack(make_task("regression", "rmse"), members.parts, budget=Budget(0))
    assert torch.get_num_threads() == threads


def test_few_rows_and_many_inputs_are_left_out_of_auto() -> None:
    few, wide = make_members(np.zeros(50), np.zeros((2, 50))), make_members(np.zeros(300), np.zeros((60, 300, 20)))
    assert too_large("stacking-network", few) == "50 rows are too few for a network, it takes 200"
    assert too_large("stacking-network", wide) == "1200 inputs are too many for a network, it takes 1000"
    assert too_large("stacking", wide) == ""


@pytest.mark.parametrize("problem", ["binary", "multiclass", "multilabel"])
def test_log_losses_of_additions_are_those_of_the_metric(problem: str) -> None:
    random = np.random.default_rng(7)
    columns: tuple[int, ...] = {"binary": (), "multiclass": (3,), "multilabel": (2,)}[problem]
    task = make_task(problem, "log_loss", 3 if problem == "multiclass" else 2)  # type: ignore[arg-type]
    predictions = random.uniform(0.01, 1, size=(5, 60, *columns))
    if problem == "multiclass":
        predictions /= predictions.sum(axis=2, keepdims=True)
        y = random.integers(0, 3, size=60)
    else:
        y = random.integers(0, 2, size=(60, *columns))
    parts = make_members(y, predictions, 3).parts
    fast, slow = LogLosses(task, parts), AnyMetric(task, parts)
    assert fast.single() == pytest.approx(slow.single())
    counts = np.array([2.0, 0, 1, 0, 0])
    for m in range(5):
        candidate = np.array([m])
        assert fast.best_addition(counts, candidate)[1] == pytest.approx(slow.best_addition(counts, candidate)[1])
