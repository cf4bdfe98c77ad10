"""Environments that step many at once: the same as one by one, and begun anew only where an episode is over."""

from pathlib import Path

import numpy as np
import pytest

from aicomp.errors import UsageError
from aicomp.registry import load_object
from aicomp.resources import bundled
from aicomp.simulation.environments import Arena
from aicomp.simulation.vector import ManyAtOnce

COUNTERS = '''
from types import SimpleNamespace

import numpy as np


class ManyCounters:
    """Each counts what it is given, and is over at 3; cut after four steps."""

    metadata = {"autoreset_mode": SimpleNamespace(name="MODE")}

    def __init__(self, num_envs):
        self.num_envs, self.total, self.steps = num_envs, np.zeros(num_envs), np.zeros(num_envs, int)

    def reset(self, *, seed=None, options=None):
        mask = np.ones(self.num_envs, bool) if options is None else options["reset_mask"]
        self.total[mask], self.steps[mask] = 0, 0
        return self.total[:, None].copy(), {}

    def step(self, actions):
        self.total, self.steps = self.total + actions[:, 0], self.steps + 1
        return self.total[:, None].copy(), actions[:, 0] / 2, self.total >= 3, self.steps >= 4, {}


class Counter:
    observation_space = SimpleNamespace(shape=(1,), low=np.zeros(1), high=np.ones(1), dtype=np.float32)
    action_space = SimpleNamespace(shape=(1,), low=np.zeros(1), high=np.ones(1), dtype=np.float32)
    vector_entry_point = ManyCounters

    def reset(self, *, seed=None, options=None):
        return np.zeros(1), {}

    def step(self, action):
        return np.zeros(1), 0.0, True, False, {}
'''


def counters(folder: Path, mode: str = "DISABLED") -> Arena:
    (folder / "counters.py").write_text(COUNTERS.replace("MODE", mode))
    return Arena("counters:Counter", folder)


def test_only_those_whose_episode_is_over_begin_anew(tmp_path: Path) -> None:
    arena = counters(tmp_path)
    assert arena.steps_many
    many = arena.vector(2)
    assert isinstance(many, ManyAtOnce)
    assert many.reset(0).tolist() == [[0], [0]]
    actions = np.array([[2.0], [0.5]])
    first = many.step(actions)
    assert (first.observations.tolist(), first.rewards.tolist(), first.returns) == ([[2], [0.5]], [1, 0.25], [])
    second = many.step(actions)
    assert second.terminated.tolist() == [True, False]
    assert second.last.tolist() == [[4], [1]]
    assert second.observations.tolist() == [[0], [1]]
    assert second.returns == [2.0]
    many.step(actions)
    fourth = many.step(actions)  # the first is at its end for the second time, the second is cut after 4 x 0.25
    assert (fourth.terminated.tolist(), fourth.truncated.tolist()) == ([True, False], [False, True])
    assert (fourth.returns, fourth.last.tolist(), fourth.observations.tolist()) == ([2, 1], [[4], [2]], [[0], [0]])


def test_another_autoreset_would_lose_steps_and_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="autoreset mode NEXT_STEP") as caught:
        counters(tmp_path, "NEXT_STEP").vector(2)
    assert "AutoresetMode.DISABLED" in caught.value.hint


def test_many_cars_drive_as_one_does() -> None:
    pytest.importorskip("gymnasium")
    from gymnasium.utils.seeding import np_random

    make = load_object("environment:LaneKeeping", bundled("templates") / "simulation")
    seeds, random = (3, 4, 5), np.random.default_rng(0)
    many, single = make.vector_entry_point(num_envs=3), [make() for _ in seeds]
    for i, seed in enumerate(seeds):
        many.place(i, np_random(seed)[0])
    seen = np.stack([car.reset(seed=seed)[0] for car, seed in zip(single, seeds, strict=True)])
    np.testing.assert_array_equal(many.observe(), seen)
    for _ in range(20):
        actions = random.uniform(-0.3, 0.3, (3, 2)).astype(np.float32)
        observations, rewards, is_out, is_late, _ = many.step(actions)
        for i, car in enumerate(single):
            one = car.step(actions[i])
            np.testing.assert_array_equal(observations[i], one[0])
            assert (rewards[i], is_out[i], is_late[i]) == one[1:4]
    before = many.observe()
    many.reset(options={"reset_mask": np.array([False, True, False])})
    assert (many.steps.tolist(), many.along[1]) == ([20, 0, 20], 0)
    np.testing.assert_array_equal(many.observe()[[0, 2]], before[[0, 2]])
    assert make.vector_entry_point.metadata["autoreset_mode"].name == "DISABLED"
