"""Categories for trees: the statistics of a training row never hold its own target."""

from dataclasses import replace

import numpy as np
import pytest
from boost_cases import each, fit, quick_config
from training_cases import ACCURACY, a_fold

from aicomp.data.rows import Rows
from aicomp.models.estimator import Goal
from aicomp.models.tree_inputs import TreeInputs
from aicomp.task import Task

GOAL = Goal("binary", 1, seed=0, threads=1)
MANY = 200


def rows_with_codes(n, seed=0):
    random = np.random.default_rng(seed)
    codes = np.stack([random.integers(0, 3, n), random.integers(0, MANY, n)], axis=1)
    return Rows(random.normal(size=(n, 2)).astype(np.float32), codes)


def test_few_levels_stay_codes_and_many_become_statistics():
    rows = rows_with_codes(2000)
    y = (rows.x_cat[:, 1] % 2).astype(np.int64)
    inputs, x = TreeInputs.fit(rows, y, GOAL, (3, MANY))
    assert x.shape == (2000, 2 + 1 + 2)
    assert inputs.categorical(2) == [2]
    np.testing.assert_array_equal(x[:, 2], rows.x_cat[:, 0])
    assert np.corrcoef(x[:, 3], y)[0, 1] > 0.9
    np.testing.assert_allclose(inputs(rows)[:, 4].sum(), (np.bincount(rows.x_cat[:, 1]) ** 2).sum() / 2000, rtol=1e-5)


def test_a_training_rows_statistics_do_not_depend_on_its_own_target():
    rows = rows_with_codes(300)
    y = np.random.default_rng(1).integers(0, 2, 300)
    _, before = TreeInputs.fit(rows, y, GOAL, (3, MANY))
    for row in (0, 17, 299):
        changed = y.copy()
        changed[row] = 1 - y[row]
        _, after = TreeInputs.fit(rows, changed, GOAL, (3, MANY))
        np.testing.assert_array_equal(after[row], before[row])
        assert not np.array_equal(after, before)


def test_a_level_without_rows_has_the_mean_of_all():
    rows = rows_with_codes(300)
    y = np.random.default_rng(1).integers(0, 2, 300)
    inputs, _ = TreeInputs.fit(rows, y, GOAL, (3, MANY + 1))
    unseen = Rows(np.zeros((1, 2), np.float32), np.array([[0, MANY]]))
    np.testing.assert_allclose(inputs(unseen)[0, 3:], [y.mean(), 0.0], rtol=1e-6)


def test_statistics_of_classes_and_of_very_many_classes():
    rows = rows_with_codes(300)
    y = np.random.default_rng(1).integers(0, 4, 300)
    _, x = TreeInputs.fit(rows, y, Goal("multiclass", 4, 0, 1), (3, MANY))
    assert x.shape[1] == 2 + 1 + 5
    np.testing.assert_allclose(x[:, 3:7].sum(axis=1), 1, rtol=1e-5)
    _, x = TreeInputs.fit(rows, y, Goal("multiclass", 40, 0, 1), (3, MANY))
    assert x.shape[1] == 2 + 1 + 1


@pytest.mark.parametrize("name", each())
def test_codes_with_many_levels_are_learned(name):
    task = Task("binary", ("no", "yes"), 1, ACCURACY)
    data = a_fold(task, n=3000)
    random = np.random.default_rng(2)
    says = random.integers(0, 2, MANY)
    train, valid, test = (
        replace(rows, x_cat=random.integers(0, MANY, (len(rows), 1))) for rows in (data.train, data.valid, data.test)
    )
    y, valid_y = says[train.x_cat[:, 0]], says[valid.x_cat[:, 0]]
    data = replace(data, train=train, y=y, valid=valid, valid_y=valid_y, test=test, cardinalities=(MANY,))
    result = fit(data, task, quick_config(name))
    assert task.score(data.valid_y, result.valid_pred) > 0.95
