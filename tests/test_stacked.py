"""Folds trained as one network of stacked weights learn what each learns alone."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from stacked_cases import BUILDERS, CPU, folds, prepare, train_alone, train_stacked
from torch import nn
from training_cases import BINARY, MULTICLASS, MULTILABEL, REGRESSION, a_config

from aicomp.errors import AicompError
from aicomp.training import layout
from aicomp.training.device import has_bfloat16, reproducible
from aicomp.training.fit import prepare_fold
from aicomp.training.stacked import choose_stack, fit_stacked
from aicomp.training.stacked_rows import StackedRows
from aicomp.training.stacked_trainer import StackedTrainer, clip_each

OFF = {"dropout": 0.0, "early_stopping": 3}
TASKS = [BINARY, MULTICLASS, REGRESSION]


def config(model, **training):
    regularization = training.pop("regularization", {})
    return a_config(model, {**OFF, **regularization}, **{"epochs": 8, "amp": False, "learning_rate": 0.005} | training)


def assert_equal(alone, stacked, rtol=1e-3):
    assert sorted(stacked) == list(alone)
    for k, expected in alone.items():
        result = stacked[k]
        assert (result.best_epoch, result.n_epochs, result.notes) == (
            expected.best_epoch, expected.n_epochs, expected.notes,
        )  # fmt: skip
        scale = np.abs(expected.test_pred).max()
        for name in ("valid_pred", "test_pred"):
            np.testing.assert_allclose(
                getattr(result, name), getattr(expected, name), rtol=rtol, atol=rtol * 0.1 * scale
            )
        assert {n: t.shape for n, t in result.state_dict.items()} == {
            n: t.shape for n, t in expected.state_dict.items()
        }
        for name in ("train_loss", "valid_loss", "score", "learning_rate"):
            np.testing.assert_allclose(
                [row[name] for row in result.history], [row[name] for row in expected.history], rtol=rtol, atol=1e-4
            )


@pytest.mark.parametrize("name", sorted(BUILDERS))
@pytest.mark.parametrize("task", TASKS, ids=lambda t: t.problem_type)
def test_folds_learn_together_what_they_learn_alone(task, name):
    data = folds(task)
    assert_equal(
        train_alone(data, task, config(name), BUILDERS[name]), train_stacked(data, task, config(name), BUILDERS[name])
    )


def test_several_labels_are_learned_together():
    data = folds(MULTILABEL, n_folds=3)
    asked = config("mlp")
    assert_equal(
        train_alone(data, MULTILABEL, asked, BUILDERS["mlp"]), train_stacked(data, MULTILABEL, asked, BUILDERS["mlp"])
    )


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "lion"])
def test_every_elementwise_optimizer(optimizer):
    data = folds(REGRESSION, n_folds=3)
    asked = config("mlp", optimizer=optimizer, learning_rate=0.002)
    assert_equal(
        train_alone(data, REGRESSION, asked, BUILDERS["mlp"]), train_stacked(data, REGRESSION, asked, BUILDERS["mlp"])
    )


# what may differ between folds alone: when they stop


def test_a_fold_that_stops_early_leaves_the_stack_and_the_others_go_on():
    data = folds(REGRESSION)
    patience = {"early_stopping": 2}
    asked = config("mlp", epochs=12, learning_rate=0.02, regularization=patience)
    widths = []
    step = StackedTrainer.step

    def watched(trainer, batch, sizes):
        widths.append(len(sizes))
        return step(trainer, batch, sizes)

    reported = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StackedTrainer, "step", watched)
        stacked = train_stacked(
            data, REGRESSION, asked, BUILDERS["mlp"], report=lambda k, epoch: reported.append((k, epoch.epoch))
        )
    assert_equal(train_alone(data, REGRESSION, asked, BUILDERS["mlp"]), stacked)
    n_epochs = {k: result.n_epochs for k, result in stacked.items()}
    assert len(set(n_epochs.values())) > 1
    assert any(n < 12 for n in n_epochs.values())
    assert sum(widths) == sum(4 * n for n in n_epochs.values())  # 4 batches of at most 64 of 230 rows
    assert {k: max(e for f, e in reported if f == k) for k in data} == n_epochs


def test_clipping_is_of_each_model_by_itself():
    gradients = [torch.tensor([[3.0, 0.0], [0.3, 0.0]]), torch.tensor([[[4.0]], [[0.4]]])]
    clip_each(gradients, 1.0)  # norms 5 and 0.5
    torch.testing.assert_close(gradients[0], torch.tensor([[0.6, 0.0], [0.3, 0.0]]))
    torch.testing.assert_close(gradients[1], torch.tensor([[[0.8]], [[0.4]]]))


def test_every_row_is_in_one_batch_of_its_own_fold_in_each_epoch():
    data = folds(BINARY, n_folds=3)
    prepared = prepare(data, BINARY, config("mlp"), BUILDERS["mlp"])
    rows = StackedRows(list(prepared.values()), "train", CPU)
    places, sizes = rows.shuffled(4, [torch.Generator().manual_seed(k) for k in data])
    for k, fold in data.items():
        seen = torch.cat([rows.at(places[s]).x_num[k, : sizes[s][k], 0] for s in range(4)])
        assert sorted(seen.tolist()) == sorted(fold.train.x_num[:, 0].tolist())
    assert sorted({n for step in sizes for n in step}) == [57, 58]  # 230, 231 and 232 rows in four


# what is random


@pytest.mark.parametrize(
    ("entry", "is_old"),
    [({"dropout": 0.3}, False), ({"dropout": 0.3}, True), ({"mixup": 0.5}, False), ({"input_noise": 0.2}, False)],
)
def test_what_is_random_differs_between_folds_and_repeats_by_seed(entry, is_old, monkeypatch):
    """The same fold twice: dropout and noise must not be the same in both, and a second run gives the same bits.

    With torch before 2.13, stacks draw their masks without the view that it does not know.
    """
    monkeypatch.setattr("aicomp.models.dropout._HAS_NO_VIEW", is_old)
    one = folds(BINARY, n_folds=1)[0]
    asked = config("mlp", regularization=entry)

    def train():
        with reproducible(3, CPU):
            first = prepare_fold(one, BINARY, asked, BUILDERS["mlp"], device=CPU)
        twice = {k: dataclasses.replace(first, model=copy.deepcopy(first.model)) for k in (0, 1)}
        results = {}
        fit_stacked(
            twice, BINARY, seeds={0: 3, 1: 3}, device=CPU, report=lambda k, e: None, on_result=results.__setitem__
        )
        return results

    results, again = train(), train()
    assert not np.allclose(results[0].test_pred, results[1].test_pred, rtol=1e-3)
    for k in (0, 1):
        assert results[k].test_pred.tobytes() == again[k].test_pred.tobytes()
        assert BINARY.score(one.valid_y, results[k].valid_pred) > 0.75


def test_dropout_is_off_when_validation_rows_are_predicted():
    data = folds(BINARY, n_folds=2)
    asked = config("own", regularization={"dropout": 0.4})
    for k, result in train_stacked(data, BINARY, asked, BUILDERS["own"]).items():
        best = max(row["score"] for row in result.history)
        assert BINARY.score(data[k].valid_y, result.valid_pred) == pytest.approx(best)


@pytest.mark.skipif(not has_bfloat16(CPU), reason="this processor has no bfloat16")
def test_mixed_precision_trains_as_well():
    data = folds(BINARY)
    asked = config("tabm", amp=True)
    alone, stacked = (train(data, BINARY, asked, BUILDERS["tabm"]) for train in (train_alone, train_stacked))
    for k in data:
        np.testing.assert_allclose(stacked[k].history[0]["train_loss"], alone[k].history[0]["train_loss"], rtol=0.02)
        assert np.corrcoef(stacked[k].test_pred, alone[k].test_pred)[0, 1] > 0.9


# what cannot be stacked, and why


class Normed(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.norm, self.head = nn.BatchNorm1d(spec.n_num), nn.Linear(spec.n_num, spec.n_outputs)

    def forward(self, x_num, x_cat):
        return self.head(self.norm(x_num))


class Branching(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.head = nn.Linear(3, spec.n_outputs)

    def forward(self, x_num, x_cat):
        x = x_num[:, :3]
        return self.head(x) if x.sum() > 0 else self.head(2 * x)


class Counting(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.head = nn.Linear(3, spec.n_outputs)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x_num, x_cat):
        if self.training:
            self.seen += 1
        return self.head(x_num[:, :3])


class RowMean(nn.Module):
    """Padding of columns with zeros changes their mean."""

    def __init__(self, spec):
        super().__init__()
        self.head = nn.Linear(1, spec.n_outputs)

    def forward(self, x_num, x_cat):
        return self.head(x_num.mean(dim=1, keepdim=True))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (Normed, "`norm` (BatchNorm1d) gathers statistics while it trains"),
        (Branching, "`torch.func.vmap` cannot run the model: RuntimeError: "),
        (Counting, "its `seen` changes while it trains"),
        (RowMean, "padded to one size, the folds' models compute something else than alone"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_model_that_cannot_be_stacked_is_told(build, words):
    prepared = prepare(folds(BINARY), BINARY, config("own"), build)
    chosen, reason = choose_stack(prepared)
    assert chosen == []
    assert reason.startswith(words)


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"optimizer": "muon"}, "the optimizer `muon` works on whole matrices"),
        ({"regularization": {"ema": 0.9}}, "`regularization.ema` is set"),
        ({"regularization": {"sam": 0.1}}, "`regularization.sam` is set"),
    ],
)
def test_a_recipe_that_cannot_be_stacked_is_told(training, words):
    prepared = prepare(folds(BINARY), BINARY, config("mlp", **training), BUILDERS["mlp"])
    assert choose_stack(prepared)[0] == []
    assert choose_stack(prepared)[1].startswith(words)


def test_folds_of_another_length_are_left_out():
    data = folds(BINARY, n_folds=4)
    data[2] = folds(BINARY, n_folds=1, n=400)[0]
    chosen, reason = choose_stack(prepare(data, BINARY, config("mlp"), BUILDERS["mlp"]))
    assert chosen == [0, 1, 3]
    assert reason == "the other folds have another recipe or another number of batches an epoch"


def test_a_diverging_loss_names_its_fold():
    data = folds(REGRESSION, n_folds=3)
    x_num = data[1].train.x_num.copy()
    x_num[100:, 0] = np.inf
    data[1] = dataclasses.replace(data[1], train=dataclasses.replace(data[1].train, x_num=x_num))
    with pytest.raises(AicompError, match=r"^fold 1: the loss became (nan|inf) in epoch 1, step"):
        train_stacked(data, REGRESSION, config("linear", schedule="constant"), BUILDERS["linear"])


# the choice


def test_no_steps_of_a_large_network_are_timed_on_a_cpu(monkeypatch):
    fold = prepare(folds(BINARY, n_folds=1), BINARY, config("mlp"), BUILDERS["mlp"])[0]
    n_weights = sum(p.numel() for p in fold.model.parameters())
    monkeypatch.setattr(layout, "LARGE", n_weights)
    monkeypatch.setattr(layout, "_fastest", lambda step, device: pytest.fail("a step was timed"))
    chosen = layout.choose_layout(fold, BINARY, CPU, n_folds=5, n_stacked=5, n_processes=1)
    assert chosen == layout.Layout(False, f"{n_weights} weights are many: their steps leave nothing to spare")


def test_a_slow_step_is_not_stacked_on_a_cpu(monkeypatch):
    fold = prepare(folds(BINARY, n_folds=1), BINARY, config("mlp"), BUILDERS["mlp"])[0]
    monkeypatch.setattr(layout, "_fastest", lambda step, device: 0.02)
    chosen = layout.choose_layout(fold, BINARY, CPU, n_folds=5, n_stacked=5, n_processes=1)
    assert chosen == layout.Layout(False, "a step of one fold takes 20.0 ms, too much for stacking to spare any")


@pytest.mark.parametrize(("stacked_ms", "n_processes", "wins"), [(2.0, 1, True), (2.0, 2, True), (3.0, 2, False)])
def test_the_faster_way_is_taken(monkeypatch, stacked_ms, n_processes, wins):
    """Five folds of 1 ms a step: 5 ms in one process, 3 in two."""
    fold = prepare(folds(BINARY, n_folds=1), BINARY, config("mlp", epochs=100_000), BUILDERS["mlp"])[0]
    times = iter([0.001, stacked_ms / 1000])
    monkeypatch.setattr(layout, "_fastest", lambda step, device: step() is None or next(times))
    chosen = layout.choose_layout(fold, BINARY, CPU, n_folds=5, n_stacked=4, n_processes=n_processes)
    assert chosen.stacked == wins
    assert chosen.reason.startswith(f"{stacked_ms} ms a step of 4 folds stacked, 1.0 ms of one fold")


def test_a_run_that_is_soon_over_is_not_measured():
    fold = prepare(folds(BINARY, n_folds=1), BINARY, config("linear"), BUILDERS["linear"])[0]
    chosen = layout.choose_layout(fold, BINARY, CPU, n_folds=5, n_stacked=5, n_processes=1)
    assert not chosen.stacked
    assert chosen.reason.startswith("32 steps of ")
    assert chosen.reason.endswith(" ms are over before both ways are measured")
