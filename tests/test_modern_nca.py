"""ModernNCA, and what training does for a model that looks up training rows."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from prediction_cases import init_rich, rich_rows
from safetensors.torch import load_file
from synthetic import open_quick
from torch import nn
from training_cases import BINARY, MULTICLASS, MULTILABEL, REGRESSION, TASKS, a_config, a_fold

from aicomp.cross_validation import cross_validate
from aicomp.data.rows import Rows
from aicomp.errors import AicompError, UsageError
from aicomp.models import MODELS, Memory, ModelSpec, build_modern_nca, modern_nca, remembers_rows
from aicomp.prediction import predict_run
from aicomp.training.fit import fit_fold
from aicomp.training.fold import FoldData

CPU = torch.device("cpu")
SMALL = {"d_block": 32, "d_key": 16, "n_candidates": 128}


def a_spec(n_outputs=1, outputs="values"):
    bins = tuple(torch.linspace(-2, 2, 9) for _ in range(3))
    return ModelSpec(n_num=3, cardinalities=(3,), n_outputs=n_outputs, bins=bins, outputs=outputs)


def rows(n, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, 3, generator=g), torch.randint(3, (n, 1), generator=g)


def a_model(n=50, n_outputs=1, outputs="values", targets=None, **params):
    """A model that remembers `n` rows."""
    torch.manual_seed(0)
    model = build_modern_nca(a_spec(n_outputs, outputs), **SMALL | params)
    model.remember(*rows(n), torch.randn(n, n_outputs) if targets is None else targets)
    return model


def fit(data, task, build=None, seed=0, regularization=None, **training):
    build = build or (lambda spec: build_modern_nca(spec, **SMALL))
    config = a_config("modern-nca", regularization, **training)
    return fit_fold(data, task, config, build, seed=seed, device=CPU)


def twins(n, n_valid, seed=0):
    """A fold whose validation rows are training rows again, to within a breath, and whose targets are chance."""
    rng = np.random.default_rng(seed)
    x_num = rng.normal(size=(n, 2)).astype(np.float32)
    y = rng.integers(0, 2, n)
    again = rng.choice(n, n_valid, replace=False)
    nearly = x_num[again] + rng.normal(scale=1e-3, size=(n_valid, 2)).astype(np.float32)
    # Each training row stands there twice: training has to find that nearness tells something.
    both = np.concatenate([x_num, x_num + rng.normal(scale=1e-3, size=x_num.shape).astype(np.float32)])
    none = [np.zeros((m, 0), np.int64) for m in (2 * n, n_valid)]
    valid = Rows(nearly, none[1])
    return FoldData(Rows(both, none[0]), np.concatenate([y, y]), valid, y[again], valid, ())


# the formula


def test_outputs_are_the_mean_of_targets_by_distance():
    targets = torch.tensor([[1.0], [5.0], [-2.0]])
    model = a_model(3, targets=targets).eval()
    x = rows(4, seed=9)
    with torch.no_grad():
        keys, others = model._encode(*x), model._encode(*rows(3))
        outputs = model(*x)
    for i in range(4):
        weights = [float(torch.exp(-(keys[i] - other).norm())) for other in others]
        by_hand = sum(w * float(t) for w, t in zip(weights, targets, strict=True)) / sum(weights)
        assert float(outputs[i]) == pytest.approx(by_hand, abs=1e-4)


def test_logits_are_those_of_the_neighbours_shares():
    """With keys that are all alike every row has the same weight: the shares are those among all rows."""
    x_num, x_cat = torch.zeros(8, 3), torch.zeros(8, 1, dtype=torch.int64)
    classes = torch.tensor([0, 0, 0, 0, 0, 1, 1, 2])
    torch.manual_seed(0)
    model = build_modern_nca(a_spec(3, "classes"), **SMALL).eval()
    model.remember(x_num, x_cat, classes)
    np.testing.assert_allclose(model(x_num[:1], x_cat[:1]).softmax(dim=1)[0].tolist(), [5 / 8, 2 / 8, 1 / 8], atol=1e-6)
    model = build_modern_nca(a_spec(1, "labels"), **SMALL).eval()
    model.remember(x_num, x_cat, (classes == 0).float().unsqueeze(1))
    assert model(x_num[:1], x_cat[:1]).sigmoid().item() == pytest.approx(5 / 8, abs=1e-6)


def test_a_class_that_no_neighbour_has_is_not_impossible():
    targets = torch.zeros(50, dtype=torch.int64)
    targets[0] = 1
    model = a_model(50, 2, "classes", targets, prior=0.1).eval()
    far = model(torch.full((1, 3), 30.0), torch.zeros(1, 1, dtype=torch.int64)).softmax(dim=1)
    assert far[0, 1].item() >= 0.1 / 50 / 1.1 - 1e-6
    assert torch.isfinite(far).all()


# no leaks


def test_a_row_in_training_is_not_its_own_neighbour():
    """Its own target changes nothing in its output, wherever the row is drawn; those of others do."""
    targets = torch.randn(50, 1)
    other = targets.clone()
    other[7] += 100
    x_num, x_cat = rows(50)
    outputs = []
    for remembered in (targets, other):
        model = a_model(50, targets=remembered, n_candidates=200)
        torch.manual_seed(1)
        outputs.append(model(x_num, x_cat, torch.arange(50)).detach())
    changed = (outputs[0] != outputs[1]).flatten()
    assert not changed[7]
    assert changed[torch.arange(50) != 7].all()


def test_a_row_that_is_compared_with_nothing_but_itself_has_an_output():
    model = a_model(1, targets=torch.tensor([[5.0]]))
    assert model(*rows(1), torch.tensor([0])).tolist() == [[0.0]]


def test_only_training_rows_are_remembered():
    data = a_fold(BINARY)
    saved = fit(data, BINARY, epochs=1).state_dict
    assert np.array_equal(saved["memory.x_num"].numpy(), data.train.x_num)
    assert np.array_equal(saved["memory.x_cat"].numpy(), data.train.x_cat)
    assert np.array_equal(saved["memory.targets"].numpy()[:, 0], data.y)


def test_validation_targets_change_no_prediction():
    data = a_fold(BINARY)
    first = fit(data, BINARY, epochs=1)
    second = fit(dataclasses.replace(data, valid_y=1 - data.valid_y), BINARY, epochs=1)
    assert np.array_equal(first.valid_pred, second.valid_pred)


def test_shuffled_targets_give_no_skill_in_training():
    """Chance cannot be predicted: a loss below that of the base rate would come from a row's own target."""
    data = a_fold(BINARY, n=600)
    y = np.random.default_rng(0).permutation(np.arange(600) % 2)
    result = fit(dataclasses.replace(data, y=y), BINARY, epochs=2, regularization={"early_stopping": 0})
    assert result.history[0]["train_loss"] > 0.95 * np.log(2)


# what it is for


def test_twins_are_found():
    data = twins(400, 200)
    found = fit(data, BINARY, lambda spec: build_modern_nca(spec, n_candidates=800), epochs=20)
    network = fit(data, BINARY, MODELS["mlp"], epochs=20)
    accuracy, other = (BINARY.score(data.valid_y, r.valid_pred) for r in (found, network))
    assert accuracy > 0.95
    assert other < 0.8


@pytest.mark.parametrize("task", TASKS, ids=lambda t: t.problem_type)
def test_it_learns_every_problem(task):
    data = a_fold(task)
    score = task.score(data.valid_y, fit(data, task, epochs=12).valid_pred)
    if task.is_classification:
        assert score > 0.85
    else:
        assert score < 0.4 * data.valid_y.std()


# memory


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    data = a_fold(MULTICLASS)
    first, second, third = (fit(data, MULTICLASS, seed=seed, epochs=2).valid_pred for seed in (3, 3, 4))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


@pytest.mark.parametrize("outputs", ["values", "labels"])
def test_chunks_give_what_one_chunk_gives(monkeypatch, outputs):
    model = a_model(70, outputs=outputs, targets=(torch.arange(70) % 2).float().unsqueeze(1)).eval()
    x = rows(40, seed=5)
    whole = model(*x)
    monkeypatch.setattr(modern_nca, "_PAIRS", {"cpu": 200})
    monkeypatch.setattr(modern_nca, "_ENCODED", 8)
    model.eval()  # forgets the keys
    torch.testing.assert_close(model(*x), whole, rtol=1e-5, atol=1e-5)


def test_keys_are_made_again_when_weights_change():
    model = a_model().eval()
    x = rows(5, seed=3)
    before = model(*x)
    other = a_model(targets=torch.ones(50, 1))
    torch.nn.init.normal_(other.first.weight)
    model.load_state_dict(other.state_dict())
    torch.testing.assert_close(model.eval()(*x), other.eval()(*x))
    assert not torch.equal(before, model(*x))


def test_of_many_rows_a_sample_is_remembered_and_saved():
    memory = Memory(20)
    torch.manual_seed(0)
    x_num, x_cat = rows(100)
    memory.hold(x_num, x_cat, torch.arange(100))
    assert len(memory) == len(set(memory.rows.tolist())) == 20
    assert torch.equal(memory.x_num, x_num[memory.rows])
    assert torch.equal(memory.targets, memory.rows)
    again = Memory(20)
    again.load_state_dict(memory.state_dict())
    assert torch.equal(again.x_num, memory.x_num)
    assert set(memory.state_dict()) == {"x_num", "x_cat", "targets", "rows"}


def test_a_sample_is_trained_with_all_rows():
    data = a_fold(REGRESSION)
    result = fit(data, REGRESSION, lambda spec: build_modern_nca(spec, **SMALL, n_memory=64), epochs=8)
    assert len(result.state_dict["memory.rows"]) == 64
    assert REGRESSION.score(data.valid_y, result.valid_pred) < 0.5 * data.valid_y.std()


def test_before_it_was_given_rows_it_refuses_to_predict():
    with pytest.raises(AicompError, match="before it was given any") as e:
        build_modern_nca(a_spec())(*rows(3))
    assert "remember" in str(e.value.hint)


# runs


@pytest.mark.parametrize("problem", ["binary", "multiclass", "regression", "multi-target"])
def test_a_saved_run_predicts_alike(tmp_path, problem):
    small = [f"model.params.{name}={value}" for name, value in SMALL.items()]
    project = open_quick(init_rich(tmp_path, problem), 'model.name="modern-nca"', *small)
    run = cross_validate(project)
    np.testing.assert_array_equal(predict_run(project, run).values, run.test_predictions())
    new = rich_rows(9, seed=4, new=True).astype(object)
    new.to_csv(tmp_path / "new.csv", index=False)
    new.iloc[[4]].to_csv(tmp_path / "one.csv", index=False)
    values = predict_run(project, run, tmp_path / "new.csv").values
    np.testing.assert_allclose(predict_run(project, run, tmp_path / "one.csv").values[0], values[4], atol=1e-5)
    n_valid = len(run.predictions(0)["valid_rows"])
    n_rows = len(pd.read_csv(project.raw / "train.csv"))
    assert len(load_file(run.fold(0) / "weights.safetensors")["memory.rows"]) == n_rows - n_valid


@pytest.mark.parametrize("regularization", [{"ema": 0.9}, {"swa": 0.5}, {"sam": 0.05}, {"input_noise": 0.1}], ids=str)
def test_it_goes_with_what_regularizes(regularization):
    data = a_fold(MULTILABEL)
    assert np.isfinite(fit(data, MULTILABEL, regularization=regularization, epochs=4).valid_pred).all()


@pytest.mark.parametrize(
    ("params", "regularization", "message"),
    [
        ({"n_candidates": 0}, {}, r"`model\.params\.n_candidates` is 0"),
        ({"prior": 0.0}, {}, r"`model\.params\.prior` is 0\.0"),
        ({}, {"mixup": 0.2}, r"`regularization\.mixup` is 0\.2, but `modern-nca` looks up"),
    ],
    ids=["candidates", "prior", "mixup"],
)
def test_what_cannot_be_is_refused(params, regularization, message):
    with pytest.raises(UsageError, match=message) as e:
        fit(a_fold(BINARY), BINARY, lambda spec: build_modern_nca(spec, **params), regularization=regularization)
    assert e.value.hint


def test_a_project_s_own_model_may_look_up_rows():
    """Anything with the two methods does; here a nearest neighbour."""

    class Nearest(nn.Module):
        def __init__(self, spec):
            super().__init__()
            self.memory = Memory(10_000)
            self.scale = nn.Parameter(torch.ones(spec.n_num))
            self.dropout = nn.Dropout(spec.dropout)
            self.numbers = []

        def remember(self, x_num, x_cat, targets):
            self.memory.hold(x_num, x_cat, targets)

        def forward(self, x_num, x_cat, rows=None):
            distances = torch.cdist(x_num * self.scale, self.memory.x_num * self.scale)
            if rows is not None:
                self.numbers += rows.tolist()
                assert torch.equal(x_num, self.memory.x_num[rows])
                distances = distances.masked_fill(rows.unsqueeze(1) == self.memory.rows, float("inf"))
            return (-9 * distances).softmax(dim=1) @ self.memory.targets

    built = []
    data = a_fold(REGRESSION)
    result = fit(data, REGRESSION, lambda spec: built.append(Nearest(spec)) or built[0], epochs=2)
    assert remembers_rows(built[0])
    assert not remembers_rows(MODELS["mlp"](result.spec))
    assert sorted(built[0].numbers) == sorted([*range(300)] * 2)
    assert REGRESSION.score(data.valid_y, result.valid_pred) < data.valid_y.std()
