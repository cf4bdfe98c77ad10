"""Estimators that train in loops of their own: one that is killed goes on where it was, and ends with the same bits."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import test_ctc
import test_detector
import test_extract
import test_seq2seq
import torch
from ratings import tables
from series_cases import MAE
from test_forecast_models import HORIZON, N_STEPS, a_learner, rows_between, some_series

from aicomp.data.rows import Rows
from aicomp.models import CTC, Detector, Extract, Factorization, ForecastNet, Goal, ModelSpec, Round, Seq2Seq
from aicomp.models.sides import Side, Sides
from aicomp.training.checkpoints import Checkpoints

STRINGS = Goal("string", 1, 0, 1)


class Killed(Exception):  # noqa: N818
    """Stands for SIGKILL: nothing of the training catches it."""


@dataclass
class Dying(Checkpoints):
    """Writes at every call, and dies right after the `left[0]`-th state was written, whatever part it is of."""

    left: list[int] = field(default_factory=lambda: [10**9])

    def keep(self, state: Callable[[], Any], *, now: bool = False) -> None:
        super().keep(state, now=True)
        self.left[0] -= 1
        if self.left[0] == 0:
            raise Killed


class Told:
    """Rounds that were told; kept with the checkpoints as `fit_whole` does."""

    def __init__(self) -> None:
        self.rounds: list[tuple[float, ...]] = []

    def tell(self, step: Round) -> None:
        self.rounds.append((step.done, step.total, step.train_loss, step.valid_loss))

    def state(self) -> dict[str, Any]:
        return {"rounds": self.rounds}

    def restore(self, state: dict[str, Any]) -> None:
        self.rounds = state["rounds"]


@dataclass
class Case:
    """An estimator and its data; `extends` learns all rows once more."""

    make: Callable[[], Any]
    train: tuple[Rows, np.ndarray]
    valid: tuple[Rows, np.ndarray]
    goal: Goal = STRINGS
    extends: bool = False

    def fit(self, checkpoints: Checkpoints | None = None) -> tuple[Any, ...]:
        """Weights, predictions, the epoch that is kept, and rounds."""
        told = Told()
        goal = replace(self.goal, checkpoints=replace(checkpoints or Checkpoints(), companion=told))
        model = self.make()
        kept = model.fit(*self.train, *self.valid, goal, told.tell)
        if self.extends:
            model.extend(*self.train, goal, told.tell)
        return model.state_dict(), model.predict(self.valid[0]), kept, str(told.rounds)


def of_ctc() -> Case:
    train, valid = test_ctc.rows_of(40, 0), test_ctc.rows_of(12, 1)
    params = {**test_ctc.SMALL, "epochs": 4, "batch_size": 8, "width": 4, "d": 8}
    return Case(lambda: CTC(test_ctc.spec_of(train[0]), **params), train, valid)


def of_detector() -> Case:
    train, valid = test_detector.rows_of(20, 0), test_detector.rows_of(6, 1)
    params = {**test_detector.SMALL, "epochs": 4, "width": 8, "d": 8, "batch_size": 4}
    return Case(lambda: Detector(test_detector.spec_of(train[0]), **params), train, valid)


def of_seq2seq() -> Case:
    train, valid = test_seq2seq.some_rows(60, 0), test_seq2seq.some_rows(10, 1)
    params = {**test_seq2seq.TINY, "epochs": 4, "dropout": 0.2}
    return Case(lambda: Seq2Seq(ModelSpec(0, (), 1, n_text=1), **params), train, valid)


def of_extract() -> Case:
    train, valid = test_extract.some_rows(120, 0), test_extract.some_rows(10, 1)
    return Case(lambda: Extract(ModelSpec(0, (), 1, n_text=1), epochs=4, n_networks=2), train, valid)


def of_forecast() -> Case:
    values, _ = some_series()
    train, valid = rows_between(values, 0, N_STEPS - HORIZON), rows_between(values, N_STEPS - HORIZON, N_STEPS)
    return Case(lambda: a_learner(ForecastNet, epochs=3, batch_size=256), train, valid, MAE, extends=True)


def of_factorization() -> Case:
    table, _, _, _ = tables(20, 15, 280)
    codes = table[["user_id", "item_id"]].to_numpy() + 2
    rows, y = Rows(np.zeros((len(codes), 0), np.float32), codes), table["rating"].to_numpy()
    spec = ModelSpec(0, (22, 17), 1, sides=Sides(Side(0, (), ()), Side(1, (), ())))
    train, valid = (rows.take(np.arange(180)), y[:180]), (rows.take(np.arange(180, len(y))), y[180:])
    return Case(lambda: Factorization(spec, rank=3, sweeps=30), train, valid, Goal("mse", 1, 0, 1))


def same(first: tuple[Any, ...], second: tuple[Any, ...]) -> None:
    for name, array in first[0].items():
        np.testing.assert_array_equal(array, second[0][name], err_msg=name)
    np.testing.assert_array_equal(first[1], second[1])
    assert first[2:] == second[2:]


CASES = {
    "ctc": of_ctc, "detector": of_detector, "extract": of_extract, "factorization": of_factorization,
    "forecast-net": of_forecast, "seq2seq": of_seq2seq,
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_one_that_is_killed_ends_with_the_same_bits(name: str, tmp_path: Path) -> None:
    case = CASES[name]()
    never_killed = case.fit()
    left = [10**9]
    same(case.fit(Dying(tmp_path / "whole" / "c.safetensors", 1e-9, left=left)), never_killed)
    n_states = 10**9 - left[0]
    assert n_states > 12
    path = tmp_path / "killed" / "c.safetensors"
    for n in (3, 1, n_states // 2):  # within an epoch, right after it went on, and over the end of an epoch
        with pytest.raises(Killed):
            case.fit(Dying(path, 1e-9, left=[n]))
    same(case.fit(Checkpoints(path, 1e-9)), never_killed)


def test_a_part_that_ended_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = of_forecast()
    states = [10**9]
    never_killed = case.fit(Dying(tmp_path / "whole" / "c.safetensors", 1e-9, left=states))
    n_states = 10**9 - states[0]
    path = tmp_path / "killed" / "c.safetensors"
    with pytest.raises(Killed):
        case.fit(Dying(path, 1e-9, left=[n_states - 2]))
    n_steps = 0
    step = torch.optim.AdamW.step

    def counted(*args: Any, **keywords: Any) -> Any:
        nonlocal n_steps
        n_steps += 1
        return step(*args, **keywords)

    monkeypatch.setattr(torch.optim.AdamW, "step", counted)
    again = case.fit(Checkpoints(path, 1e-9))
    assert n_steps <= 1  # of the part that was being trained
    same(again, never_killed)
