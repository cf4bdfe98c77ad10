"""Proximal policy optimization: advantages by hand, tiny environments learned in seconds, the policy in numpy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from simulation_cases import Corridor, Follow, Lamp, box
from test_simulation_many import counters

from aicomp.errors import UsageError
from aicomp.simulation.advantages import advantages
from aicomp.simulation.config import SimulationConfig
from aicomp.simulation.environments import GAMES, Arena
from aicomp.simulation.imitation import imitate
from aicomp.simulation.networks import ActorCritic
from aicomp.simulation.player.policy import Policy
from aicomp.simulation.ppo import PPO
from aicomp.simulation.recipe import Recipe, choose_recipe
from aicomp.simulation.scaling import RewardScale
from aicomp.simulation.scores import of_mean, of_share
from aicomp.simulation.self_play import SelfPlay
from aicomp.simulation.spaces import Spaces
from aicomp.simulation.vector import Environments, VectorEnvironment
from aicomp.training.state_file import load_state, save_state


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def recipe(environments: VectorEnvironment, **changes: Any) -> Recipe:
    found = choose_recipe(SimulationConfig(), environments.spaces, is_game=False)
    return Recipe(**{**found.__dict__, **changes})


def test_advantages_are_those_computed_by_hand() -> None:
    # Two environments, three steps, gamma 0.5, lambda 0.5: what comes later counts a quarter.
    rewards = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 4.0]])
    values = np.array([[1.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    ended = np.array([[False, False], [True, False], [False, False]])
    after = np.array([[1.0, 1.0], [0.0, 1.0], [4.0, 2.0]])  # 0: the first environment's episode came to its end
    # First:  delta = 1 + 0.5 - 1, 2 + 0 - 1, 3 + 2 - 2 = 0.5, 1, 3; the end keeps the 3 from the steps before it.
    # Second: delta = 0.5 - 1, 0.5 - 1, 4 + 1 - 1 = -0.5, -0.5, 4.
    expected = [[0.5 + 0.25 * 1, -0.5 + 0.25 * (-0.5 + 0.25 * 4)], [1.0, -0.5 + 0.25 * 4], [3.0, 4.0]]
    assert advantages(rewards, values, ended, after, 0.5, 0.5) == pytest.approx(np.array(expected))


def test_an_episode_that_is_cut_is_worth_what_would_have_followed() -> None:
    """A truncated step takes the value of its last observation, a terminated one nothing."""

    class Endless(Corridor):
        def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, object]]:
            return 0, 1.0, False, True, {}

    environments = Environments(Endless, 2, "endless")
    ppo = PPO(environments, recipe(environments, normalize=False, rollout=4), 0)
    rollout, returns = ppo._collect()
    value = float(ppo.policy().value(np.eye(5, dtype=np.float32)[:1])[0])
    started = ppo.policy().value(rollout.x.numpy())
    assert rollout.returns.numpy() == pytest.approx(np.full(8, 1 + 0.99 * value), abs=1e-5)
    assert rollout.advantages.numpy() == pytest.approx(1 + 0.99 * value - started, abs=1e-5)
    assert returns == [1.0] * 8


def test_a_corridor_is_learned() -> None:
    environments = Environments(Corridor, 8, "corridor")
    ppo = PPO(environments, recipe(environments, rollout=32, batch_size=64, hidden=(16,)), 0)
    for i in range(20):
        told = ppo.update(i / 20)
    policy = ppo.policy()
    assert [policy.act(np.eye(5, dtype=np.float32)[cell]) for cell in range(4)] == [1, 1, 1, 1]
    assert told["return"] > 0.6  # from cell 0 four steps: 1 - 0.3
    assert told["entropy"] < 0.5


def test_a_continuous_action_is_learned() -> None:
    environments = Environments(Follow, 16, "follow")
    ppo = PPO(environments, recipe(environments, rollout=16, batch_size=64, learning_rate=3e-3, hidden=(32,)), 0)
    for i in range(60):
        ppo.update(i / 60)
    seen = np.linspace(-1.8, 1.8, 7, dtype=np.float32)
    answers = np.array([ppo.policy().act(np.array([x]))[0] for x in seen])
    assert np.abs(answers - seen).max() < 0.5


def test_pictures_are_learned_by_convolutions() -> None:
    environments = Environments(Lamp, 16, "lamp")
    assert environments.spaces == Spaces((3, 20, 20), None, 255.0, 2)
    ppo = PPO(environments, recipe(environments, rollout=16, batch_size=64, learning_rate=1e-3, hidden=(16,)), 0)
    for i in range(12):
        told = ppo.update(i / 12)
    assert told["return"] > 0.9  # by chance it is 0.5


@pytest.mark.parametrize(
    "spaces",
    [
        Spaces((5,), 5, 1.0, 3),
        Spaces((4,), None, 1.0, 0, (-1.0, 0.0), (1.0, 2.0)),
        Spaces((3, 20, 24), None, 255.0, 2),
        Spaces((3, 96, 96), None, 255.0, 0, (-1.0,), (1.0,)),
    ],
    ids=["numbers", "vector", "small image", "image"],
)
def test_the_policy_in_numpy_has_the_numbers_of_the_network(spaces: Spaces) -> None:
    torch.manual_seed(0)
    network = ActorCritic(spaces, (8, 8), "tanh")
    policy = Policy(network.spec(), network.arrays())
    x = np.random.default_rng(0).integers(0, 255, (6, *spaces.shape)).astype(np.uint8)
    distribution, values = network(torch.from_numpy(x.astype(np.float32) / np.float32(spaces.scale)))
    outputs = distribution.logits if spaces.is_discrete else distribution.mean
    found = policy.outputs(x)
    if spaces.is_discrete:  # torch subtracts the logarithm of their sum
        found = found - np.log(np.exp(found).sum(axis=1, keepdims=True))
    assert found == pytest.approx(outputs.detach().numpy(), abs=1e-4)
    assert policy.value(x) == pytest.approx(values.detach().numpy(), abs=1e-4)


def test_actions_that_are_not_allowed_are_never_taken() -> None:
    network = ActorCritic(Spaces((2,), None, 1.0, 4), (8,), "relu")
    legal = torch.tensor([[True, False, True, False]])
    distribution, _ = network(torch.zeros(1, 2), legal)
    assert distribution.probs[0, 1] == distribution.probs[0, 3] == 0
    assert Policy(network.spec(), network.arrays()).act(np.zeros(2), np.array([False, False, False, True])) == 3


def test_a_training_goes_on_from_its_state(tmp_path: Path) -> None:
    environments = Environments(Corridor, 4, "corridor")
    numbers = recipe(environments, rollout=16, batch_size=32)
    ppo = PPO(environments, numbers, 3)
    for _ in range(3):
        ppo.update(0.1)
    save_state(tmp_path / "state", ppo.state())
    other = PPO(Environments(Corridor, 4, "corridor"), numbers, 3)
    assert other.load(load_state(tmp_path / "state"))
    assert (other.steps, other.updates) == (ppo.steps, 3)
    told = [[{k: v for k, v in p.update(0.5).items() if k != "seconds"} for _ in range(2)] for p in (ppo, other)]
    assert str(told[0]) == str(told[1])
    for name, array in ppo.weights().items():
        assert np.array_equal(other.weights()[name], array), name


class Moody(Corridor):
    """Begins where it pleases."""

    begun = 0

    def reset(self, *, seed: int, options: None = None) -> tuple[int, dict[str, object]]:
        Moody.begun += 1
        return super().reset(seed=Moody.begun)


def test_an_environment_that_does_not_repeat_itself_is_noticed() -> None:
    numbers = recipe(Environments(Corridor, 4, "corridor"), rollout=16, batch_size=32)
    ppo, other = (PPO(Environments(Moody, 4, "corridor"), numbers, 3) for _ in range(2))
    ppo.update(0.1)
    assert not other.load(ppo.state())
    other.update(0.2)  # episodes begin anew
    assert other.updates == 2


@pytest.mark.parametrize("name", ["game", "many"])
def test_others_come_to_where_they_were_too(name: str, tmp_path: Path) -> None:
    def make() -> VectorEnvironment:
        return SelfPlay(6, GAMES["kaggle:connectx"]) if name == "game" else counters(tmp_path).vector(6)

    def play(environment: VectorEnvironment, seed: int) -> list[bytes]:
        random = np.random.default_rng(seed)
        found = []
        for _ in range(12):
            legal = environment.legal()
            drawn = random.random((6, 1))
            actions = drawn if legal is None else (legal * (drawn + random.random(legal.shape))).argmax(axis=1)
            step = environment.step(actions)
            found.append(step.observations.tobytes() + step.rewards.tobytes())
        return found

    first, second = make(), make()
    first.reset(5)
    play(first, 1)
    save_state(tmp_path / "state", first.state())
    second.restore(load_state(tmp_path / "state"))
    assert play(second, 2) == play(first, 2)


def test_those_that_step_many_begin_anew_when_it_has_been_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aicomp.simulation.vector._MOST_STEPS", 32)
    environment = counters(tmp_path).vector(4)
    ppo = PPO(environment, recipe(environment, rollout=16, batch_size=32), 3)
    lengths = []
    for _ in range(5):
        ppo.update(0.1)
        lengths.append(len(environment.state()["actions"]))
    assert lengths == [16, 32, 16, 32, 16]


def test_rewards_are_scaled_by_the_spread_of_returns() -> None:
    scale = RewardScale(1000, 0.0)
    rewards = np.random.default_rng(0).normal(0, 50, (20, 1000))
    scaled = [scale(row, np.zeros(1000, bool)) for row in rewards]
    assert np.std(scaled[-1]) == pytest.approx(1, rel=0.1)


def test_intervals_hold_the_true_mean_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    held = [found.low <= 3 <= found.high for found in (of_mean(random.normal(3, 2, 20)) for _ in range(1000))]
    won = [i.low <= 0.9 <= i.high for i in (of_share((random.random(50) < 0.9).astype(float)) for _ in range(1000))]
    assert 0.93 < np.mean(held) < 0.97
    assert 0.92 < np.mean(won) < 0.98


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"observation_space": box(0, 1, ())}, "environment `e` has observations of the kind"),
        ({"action_space": box(-np.inf, 1, (2,))}, "environment `e` has actions of the kind"),
        ({"step": None}, ""),
    ],
)
def test_spaces_that_no_network_takes_are_refused(changes: dict[str, object], message: str) -> None:
    kind = type("Strange", (Corridor,), changes)
    if not message:
        assert Spaces.of(kind(), "e").n_actions == 2
        return
    with pytest.raises(UsageError, match=message):
        Spaces.of(kind(), "e")


def test_unknown_environments_are_named(tmp_path: Path) -> None:
    for name, message in (
        ("CartPol-v1", "Gymnasium has no environment `CartPol-v1`"),
        ("kaggle:halite", "environment `kaggle:halite` is not known here"),
        ("environment:Missing", "`environment:Missing` names `environment.py`, which is not in"),
    ):
        with pytest.raises(UsageError, match=message):
            Arena(name, tmp_path).spaces()


@pytest.mark.slow
def test_cart_pole_is_learned() -> None:
    arena = Arena("CartPole-v1", Path())
    numbers = choose_recipe(SimulationConfig(), arena.spaces(), is_game=False)
    ppo = PPO(arena.vector(numbers.n_environments), numbers, 0)
    told = [ppo.update(i / 24)["return"] for i in range(24)]
    assert np.nanmean(told[-5:]) > 400


def test_a_policy_begins_with_what_an_agent_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("aicomp.simulation.imitation.N_STEPS", 4000)
    for kind, answer in ((Follow, lambda seen, how: 0.5 * seen), (Corridor, lambda seen, how: int(seen % 2))):
        monkeypatch.setattr(Arena, "maker", lambda arena, kind=kind: kind)
        environments = Environments(kind, 8, "tiny")
        ppo = PPO(environments, recipe(environments, hidden=(32,), rollout=8, batch_size=32), 0)
        ppo.value_first = 1
        assert imitate(ppo, Arena("tiny", tmp_path), answer, 0) < 0.05
        before = ppo.policy()
        ppo.update(0.0)
        seen = [np.array([x], np.float32) for x in (-1.5, 0.2, 1.0)] if kind is Follow else list(np.eye(5))
        for i, x in enumerate(seen):
            wanted = 0.5 * x[0] if kind is Follow else i % 2
            assert before.act(x) == pytest.approx(wanted, abs=0.15)
        # Of the first update the value alone has learned.
        after = ppo.network.arrays()
        assert np.array_equal(after["policy.0.weight"], before.weights["policy.0.weight"])
        assert not np.array_equal(after["value.0.weight"], before.weights["value.0.weight"])
