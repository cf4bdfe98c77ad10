"""A training that is killed goes on where it was, and ends with the same bits."""

import random

import numpy as np
import pytest
import torch
from training_cases import BINARY, MULTICLASS, REGRESSION, a_config, a_fold

from aicomp.errors import AicompError, DataError
from aicomp.models import MODELS
from aicomp.training.checkpoints import Checkpoints
from aicomp.training.fit import fit_fold, prepare_fold
from aicomp.training.stacked import fit_stacked
from aicomp.training.state_file import load_state, save_state

CPU = torch.device("cpu")


class Killed(Exception):  # noqa: N818
    """Stands for SIGKILL: nothing of the training catches it."""


class Dying(Checkpoints):
    """Writes at every call, and dies right after the `n`-th state was written."""

    dies_after = 0

    def keep(self, state):
        self._next = 0.0  # not less often, however long it takes to write
        super().keep(state)
        self.dies_after -= 1
        if self.dies_after == 0:
            raise Killed


def dying(path, n):
    checkpoints = Dying(path, every=1e-9)
    checkpoints.dies_after = n
    return checkpoints


def same(first, second):
    np.testing.assert_array_equal(first.valid_pred, second.valid_pred)
    np.testing.assert_array_equal(first.test_pred, second.test_pred)
    assert first.state_dict.keys() == second.state_dict.keys()
    for name, tensor in first.state_dict.items():
        assert torch.equal(tensor, second.state_dict[name]), name
    without_time = [[{k: v for k, v in row.items() if k != "seconds"} for row in r.history] for r in (first, second)]
    assert without_time[0] == without_time[1]
    assert (first.best_epoch, first.n_epochs, first.notes) == (second.best_epoch, second.n_epochs, second.notes)


def test_a_state_comes_back_with_the_same_bits(tmp_path):
    tied = torch.randn(3, 4)
    state = {
        "weights": {"a": tied, "b": tied, "row": tied[1], "half": torch.randn(5).bfloat16(), "none": torch.empty(0, 2)},
        "groups": [{"lr": 0.1 + 0.2, "betas": (0.9, 0.999), "params": [0, 1]}],
        "by number": {0: {"step": torch.tensor(3.0)}, 1: {}},
        "odd": [float("nan"), float("inf"), -0.0, 1e-320, 2**70, True, None, "ä"],
        "keys": np.arange(624, dtype=np.uint32),
        "wide": np.arange(12).reshape(3, 4).T,
    }
    save_state(tmp_path / "s", state)
    back = load_state(tmp_path / "s")
    assert torch.equal(back["weights"]["a"], tied)
    assert torch.equal(back["weights"]["b"], tied)
    assert torch.equal(back["weights"]["row"], tied[1])
    assert torch.equal(back["weights"]["half"], state["weights"]["half"])
    assert back["weights"]["half"].dtype == torch.bfloat16
    assert back["weights"]["none"].shape == (0, 2)
    assert back["groups"] == state["groups"]
    assert isinstance(back["groups"][0]["betas"], tuple)
    assert back["by number"] == {0: {"step": torch.tensor(3.0)}, 1: {}}
    assert repr(back["odd"]) == repr(state["odd"])
    np.testing.assert_array_equal(back["keys"], state["keys"])
    np.testing.assert_array_equal(back["wide"], state["wide"])
    with pytest.raises(TypeError, match="object"):
        save_state(tmp_path / "s", {"x": object()})
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_random_numbers_go_on(tmp_path):
    def draw():
        return float(torch.rand(())), float(np.random.rand()), random.random()

    checkpoints = Checkpoints(tmp_path / "c", every=1e-9)
    checkpoints.keep(lambda: {"n": 1})
    drawn = draw()
    draw()
    assert checkpoints.resume() == {"n": 1}
    assert draw() == drawn


def test_states_are_written_as_often_as_asked_and_cost_a_twentieth_at_most(tmp_path):
    now = [0.0]
    written = []

    def state():
        written.append(now[0])
        now[0] += 6.0  # it takes as long to write
        return {}

    checkpoints = Checkpoints(tmp_path / "c", every=60.0, clock=lambda: now[0])
    for _ in range(400):
        now[0] += 1.0
        checkpoints.keep(state)
    assert written[:3] == [60.0, 186.0, 312.0]  # 60 and then 120 seconds apart, for 6 seconds are a twentieth of 120
    checkpoints.drop()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_kept_where_nothing_was_asked_for(tmp_path):
    Checkpoints(tmp_path / "c", every=0.0).keep(lambda: {})
    Checkpoints().keep(lambda: {})
    Checkpoints().drop()
    assert Checkpoints().resume() is None
    assert list(tmp_path.iterdir()) == []


def test_parts_are_apart_and_dropped_together(tmp_path):
    one, ten = (Checkpoints(tmp_path / f"checkpoint-{k}.safetensors", every=1e-9) for k in (1, 10))
    for checkpoints in (one.part("a"), one.part("b"), one, ten, ten.part("a")):
        checkpoints.keep(lambda: {})
    assert len(list(tmp_path.iterdir())) == 5
    one.drop()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-10.a.safetensors", "checkpoint-10.safetensors"]


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"{}"])
def test_a_damaged_state_is_an_error_that_names_it(tmp_path, content):
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(DataError, match="is damaged") as caught:
        Checkpoints(tmp_path / "c", every=1.0).resume()
    assert caught.value.hint.startswith("remove `")


RECIPES = {
    "adamw": ("mlp", {}, {}),
    "ema": ("mlp", {}, {"ema": 0.9}),
    "swa": ("realmlp", {"schedule": "constant"}, {"swa": 0.5, "early_stopping": 0}),
    "sam, noise, clip": ("mlp", {}, {"sam": 0.05, "input_noise": 0.1, "clip_norm": 1.0}),
    "mixup": ("mlp", {}, {"mixup": 0.4}),
    "muon": ("mlp", {"optimizer": "muon"}, {}),
    "lion": ("tabm", {"optimizer": "lion"}, {}),
    "sgd": ("linear", {"optimizer": "sgd"}, {}),
    "schedule-free": ("mlp", {"optimizer": "schedule-free"}, {}),
    "micro-batches": ("ft-transformer", {"micro_batch": 16}, {}),
    "memory": ("modern-nca", {}, {}),
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_killed_fold_ends_with_the_same_bits(name, tmp_path):
    model, training, regularization = RECIPES[name]
    config = a_config(model, regularization, epochs=4, **training)
    data = a_fold(MULTICLASS, n=160)

    def fit(checkpoints=None):
        return fit_fold(data, MULTICLASS, config, MODELS[model], seed=3, device=CPU, checkpoints=checkpoints)

    never_killed = fit()
    path = tmp_path / "c.safetensors"
    for steps in (3, 1, 4):  # within an epoch, right after it went on, and over the end of an epoch
        with pytest.raises(Killed):
            fit(dying(path, steps))
    same(fit(Checkpoints(path, every=1e-9)), never_killed)


def test_one_that_stopped_early_stops_at_the_same_epoch(tmp_path):
    config = a_config("mlp", {"early_stopping": 2}, epochs=50, learning_rate=0.2)
    data = a_fold(REGRESSION, n=130)

    def fit(checkpoints=None):
        return fit_fold(data, REGRESSION, config, MODELS["mlp"], seed=1, device=CPU, checkpoints=checkpoints)

    never_killed = fit()
    assert never_killed.n_epochs < 50
    with pytest.raises(Killed):
        fit(dying(tmp_path / "c", 2 * (never_killed.n_epochs - 1) + 1))
    same(fit(Checkpoints(tmp_path / "c", every=1e-9)), never_killed)


def test_folds_as_one_network_end_with_the_same_bits(tmp_path):
    config = a_config("mlp", {"early_stopping": 2}, epochs=12)
    data = [a_fold(BINARY, n=160, seed=s) for s in range(3)]

    def fit(checkpoints=None):
        folds = {}
        for k, rows in enumerate(data):
            torch.manual_seed(k)
            folds[k] = prepare_fold(rows, BINARY, config, MODELS["mlp"], device=CPU)
        found = {}
        with torch.random.fork_rng():
            fit_stacked(
                folds, BINARY, seeds={0: 0, 1: 1, 2: 2}, device=CPU, report=lambda k, epoch: None,
                on_result=found.__setitem__, checkpoints=checkpoints,
            )  # fmt: skip
        return found

    never_killed = fit()
    ends = sorted({result.n_epochs for result in never_killed.values()})
    assert len(ends) > 1, "one fold has to end before the others"
    per_epoch = 2
    path = tmp_path / "c"
    for steps in (3, per_epoch * ends[0] - 2):  # in the second epoch, and one step after the first fold has ended
        with pytest.raises(Killed):
            fit(dying(path, steps))
    ended = fit(Checkpoints(path, every=1e-9))
    assert set(ended) == {k for k, result in never_killed.items() if result.n_epochs > ends[0]}
    for k, result in ended.items():
        same(result, never_killed[k])


def test_a_full_disk_is_an_error_that_keeps_the_state_before(tmp_path, monkeypatch):
    path = tmp_path / "c"
    Checkpoints(path, every=1e-9).keep(lambda: {"n": 1})

    def no_space(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("aicomp.training.state_file.save_file", no_space)
    with pytest.raises(AicompError, match="No space left on device"):
        Checkpoints(path, every=1e-9).keep(lambda: {"n": 2})
    assert Checkpoints(path, every=1e-9).resume() == {"n": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["c"]
