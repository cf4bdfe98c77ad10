"""Each optimizer against its paper, on a quadratic, and on a fold."""

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from test_models import a_spec
from torch import nn
from training_cases import BINARY, REGRESSION, a_config, a_fold

from aicomp.errors import UsageError
from aicomp.models import MODELS
from aicomp.training.adam import FusedAdam
from aicomp.training.fit import fit_fold
from aicomp.training.inference import tensors_of
from aicomp.training.lion import Lion
from aicomp.training.muon import Together, hidden_matrices
from aicomp.training.optimizers import make_optimizer, set_learning_rate, split_parameters
from aicomp.training.recipe import resolve_settings
from aicomp.training.schedule_free import ScheduleFreeAdamW

CPU = torch.device("cpu")
NAMES = ["adam", "adamw", "lion", "muon", "schedule-free", "sgd"]


def settings(regularization=None, **training):
    config = a_config(regularization=regularization, **({"learning_rate": "auto"} | training))
    return resolve_settings(config, BINARY, n_rows=1000, device=CPU)


def fit(optimizer, regularization=None, build=None, **training):
    config = a_config(optimizer=optimizer, learning_rate="auto", regularization=regularization, **training)
    build = build or (lambda spec: MODELS["mlp"](spec, d_block=16, n_blocks=2))
    return fit_fold(a_fold(REGRESSION), REGRESSION, config, build, seed=0, device=CPU)


def a_vector(*values):
    return nn.Parameter(torch.tensor(values))


# each of them


@pytest.mark.parametrize("name", NAMES)
def test_it_descends_a_quadratic(name):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    optimizer = make_optimizer(model, settings(optimizer=name, regularization={"weight_decay": 0}))

    def loss():
        return sum((p**2).sum() for p in model.parameters())

    before = loss().item()
    for _ in range(400):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    assert loss().item() < 0.2 * before


@pytest.mark.parametrize("name", NAMES)
def test_it_trains_a_fold(name):
    result = fit(name, epochs=30)
    assert result.settings["optimizer"] == name
    assert min(row["score"] for row in result.history) < 0.5 * a_fold(REGRESSION).valid_y.std()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("entry", [{}, {"sam": 0.05}, {"ema": 0.9}, {"swa": 0.5, "early_stopping": 0}], ids=str)
def test_the_saved_weights_are_those_that_predicted(name, entry):
    if name == "schedule-free" and ("ema" in entry or "swa" in entry):
        with pytest.raises(UsageError, match="averages the weights itself"):
            fit(name, entry)
        return
    result = fit(name, entry, amp=False)
    model = MODELS["mlp"](result.spec, d_block=16, n_blocks=2)
    model.load_state_dict(result.state_dict)
    data = a_fold(REGRESSION)
    with torch.no_grad():
        outputs = model.eval()(*tensors_of(data.valid))
    values = result.transform.inverse(outputs.reshape(-1, 1).double()).numpy()[:, 0]
    np.testing.assert_allclose(values, result.valid_pred, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("model", ["mlp", "tabm"])
def test_weight_decay_leaves_the_same_parameters_alone(name, model):
    model = MODELS[model](a_spec())
    groups = make_optimizer(model, settings(optimizer=name, regularization={"weight_decay": 0.3})).param_groups
    decayed = {id(p) for group in groups if group["weight_decay"] == 0.3 for p in group["params"]}
    exempt = {id(p) for group in groups if group["weight_decay"] == 0.0 for p in group["params"]}
    assert (decayed, exempt) == tuple({id(p) for p in part} for part in split_parameters(model))
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


# the recipe


@pytest.mark.parametrize(
    ("name", "learning_rate", "weight_decay", "schedule"),
    [
        ("adamw", 0.008, 0.02, "cosine"),
        ("adam", 0.008, 0.0, "cosine"),
        ("muon", 0.008, 0.02, "cosine"),
        ("lion", 0.002, 0.08, "cosine"),
        ("schedule-free", 0.008, 0.02, "warmup"),
        ("sgd", 0.02, 0.02, "cosine"),
    ],
)
def test_auto_follows_the_optimizer(name, learning_rate, weight_decay, schedule):
    s = settings(optimizer=name)
    assert (s.learning_rate, s.weight_decay, s.schedule) == (learning_rate, weight_decay, schedule)


@pytest.mark.parametrize(("name", "kind"), [("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)])
def test_the_default_steps_with_the_same_bits_as_torch(name, kind):
    torch.manual_seed(0)
    ours = nn.Linear(3, 2)
    theirs = copy.deepcopy(ours)
    extra = {"momentum": 0.9, "nesterov": True} if name == "sgd" else {}
    groups = [{"params": [theirs.weight], "weight_decay": 0.02}, {"params": [theirs.bias], "weight_decay": 0.0}]
    optimizers = (
        make_optimizer(ours, settings(optimizer=name)),
        kind(groups, lr=0.008 if name == "adamw" else 0.02, fused=True, **extra),
    )
    x = torch.randn(8, 3)
    for _ in range(5):
        for model, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()
    assert torch.equal(ours.weight, theirs.weight)
    assert torch.equal(ours.bias, theirs.bias)


@pytest.mark.parametrize("schedule", ["cosine", "one-cycle", "coslog4"])
def test_a_falling_schedule_under_a_schedule_free_optimizer_is_refused(schedule):
    with pytest.raises(UsageError, match=f"`training.schedule` is `{schedule}`") as caught:
        settings(optimizer="schedule-free", schedule=schedule)
    assert caught.value.hint == 'write `--set training.schedule="warmup"`'


# Lion


def test_lion_steps_as_computed_by_hand():
    weight = a_vector(1.0, -2.0, 0.5)
    optimizer = Lion([weight], lr=0.1, weight_decay=0.5)
    weight.grad = torch.tensor([3.0, -0.01, 0.0])
    optimizer.step()  # momentum 0: signs +, -, 0; each weight is first multiplied by 1 - 0.1 * 0.5
    assert weight.tolist() == pytest.approx([0.95 - 0.1, -1.9 + 0.1, 0.475])
    weight.grad = torch.tensor([-0.2, 0.0, 1.0])
    optimizer.step()  # momentum (0.03, -0.0001, 0); 0.9 m + 0.1 g = (0.007, -0.00009, 0.1): signs +, -, +
    assert weight.tolist() == pytest.approx([0.8075 - 0.1, -1.71 + 0.1, 0.45125 - 0.1])
    momentum = [0.99 * 0.03 + 0.01 * -0.2, 0.99 * -0.0001, 0.01]
    assert optimizer.state[weight]["momentum"].tolist() == pytest.approx(momentum)


# Muon


def test_muon_gets_hidden_matrices_and_adamw_the_rest():
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 6), nn.LayerNorm(6), nn.Linear(6, 6), nn.Linear(6, 2))
    optimizer = make_optimizer(model, settings(optimizer="muon"))
    assert isinstance(optimizer, Together)
    muon, adamw = optimizer.optimizers
    assert isinstance(muon, torch.optim.Muon)
    assert isinstance(adamw, torch.optim.AdamW)
    assert [id(p) for g in muon.param_groups for p in g["params"]] == [id(model[1].weight), id(model[3].weight)]
    rest = {id(p) for g in adamw.param_groups for p in g["params"]}
    assert rest == {id(p) for p in model.parameters()} - {id(model[1].weight), id(model[3].weight)}


def test_muon_leaves_the_ensemble_and_the_embedding_of_tabm_to_adamw():
    model = MODELS["tabm"](a_spec())
    names = {id(p): name for name, p in model.named_parameters()}
    assert [names[id(p)] for p in hidden_matrices(model)] == ["blocks.0.weight", "blocks.1.weight"]


def test_muon_takes_linear_layers_of_other_makers_and_no_tables():
    class OwnLinear(nn.Module):
        def __init__(self, d_in, d_out):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(d_out, d_in))

    class Table(OwnLinear):
        pass

    model = nn.Sequential(Table(3, 4), OwnLinear(3, 4), OwnLinear(4, 1))
    assert [id(p) for p in hidden_matrices(model)] == [id(model[1].weight)]


def test_muon_without_a_hidden_layer_is_refused_before_training():
    with pytest.raises(UsageError, match="needs a hidden linear layer"):
        fit("muon", {"dropout": 0}, build=MODELS["linear"])


# schedule-free


def test_schedule_free_steps_as_computed_by_hand():
    """From w = 1 with gradients 2 and 1: Adam's first step is one learning rate long."""
    weight = a_vector(1.0)
    optimizer = ScheduleFreeAdamW([weight], lr=0.1, betas=(0.5, 0.9), weight_decay=0.2, eps=0)
    weight.grad = torch.tensor([2.0])
    optimizer.step()
    z = 1 - 0.1 * 0.2 * 1 - 0.1  # decay acts on y = 1
    assert weight.item() == pytest.approx(z)  # x = z after one step
    weight.grad = torch.tensor([1.0])
    optimizer.step()
    square = (0.9 * 0.1 * 4 + 0.1 * 1) / (1 - 0.9**2)
    z2 = z - 0.1 * 0.2 * z - 0.1 * 1 / square**0.5
    x2 = (z + z2) / 2
    assert weight.item() == pytest.approx(0.5 * z2 + 0.5 * x2)
    optimizer.average()
    assert weight.item() == pytest.approx(x2)
    with pytest.raises(RuntimeError, match="resume"):
        optimizer.step()
    optimizer.resume()
    assert weight.item() == pytest.approx(0.5 * z2 + 0.5 * x2)


def test_switching_to_the_average_and_back_changes_no_bit():
    weight = a_vector(1.0, 0.3)
    optimizer = ScheduleFreeAdamW([weight], lr=0.1)
    for gradient in ([0.1, -1.0], [0.3, 0.7], [-0.2, 0.9]):
        weight.grad = torch.tensor(gradient)
        optimizer.step()
    before = weight.detach().clone()
    optimizer.average()
    assert not torch.equal(weight, before)
    optimizer.average()
    optimizer.resume()
    assert torch.equal(weight, before)


def test_a_first_step_at_learning_rate_zero_moves_nothing():
    weight = a_vector(1.0)
    optimizer = ScheduleFreeAdamW([weight], lr=0.0)
    weight.grad = torch.tensor([2.0])
    optimizer.step()
    optimizer.average()
    assert weight.item() == 1.0


def test_a_weight_without_gradient_stays():
    for kind in (Lion, ScheduleFreeAdamW):
        moved, still = a_vector(1.0), a_vector(1.0)
        optimizer = kind([moved, still], lr=0.1, weight_decay=0.1)
        moved.grad = torch.tensor([1.0])
        optimizer.step()
        assert moved.item() < 1.0
        assert still.item() == 1.0


def test_batch_norm_under_a_schedule_free_optimizer_is_refused_before_training():
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    with pytest.raises(UsageError, match=r"the statistics of `1` \(BatchNorm1d\)"):
        make_optimizer(model, settings(optimizer="schedule-free"))


def test_muon_alone_moves_a_model_of_nothing_but_one_matrix_used_twice():
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    optimizer = make_optimizer(model, settings(optimizer="muon"))
    assert isinstance(optimizer, torch.optim.Muon)
    assert [id(p) for group in optimizer.param_groups for p in group["params"]] == [id(model[0].weight)]


@pytest.mark.parametrize("decoupled", [True, False], ids=["adamw", "adam"])
def test_fused_adam_moves_weights_as_torch_does_bit_for_bit(decoupled):
    torch.manual_seed(0)
    start = [torch.randn(5, 7), torch.randn(3), torch.randn(2)]
    ours, theirs = ([nn.Parameter(t.clone()) for t in start] for _ in range(2))
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    reference = kind(
        [{"params": theirs[:1], "weight_decay": 0.1}, {"params": theirs[1:], "weight_decay": 0.0}], lr=0.01, fused=True
    )
    optimizer = FusedAdam(
        [{"params": ours[:1], "weight_decay": 0.1}, {"params": ours[1:], "weight_decay": 0.0}],
        lr=0.01,
        decoupled=decoupled,
    )
    for i in range(4):
        gradients = [torch.randn_like(t) for t in start]
        for parameters in (ours, theirs):
            for parameter, gradient in zip(parameters[: 2 if i == 1 else 3], gradients, strict=False):
                parameter.grad = gradient.clone()
        for one in (optimizer, reference):
            set_learning_rate(one, 0.01 / (1 + i))
            one.step()
            one.zero_grad()
        for mine, other in zip(ours, theirs, strict=True):
            assert torch.equal(mine, other)


def test_training_does_not_import_the_compiler():
    """It takes a second of every process, for nothing."""
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from stacked_cases import BUILDERS, folds, train_alone, train_stacked\n"
        "from training_cases import BINARY, a_config\n"
        "data = folds(BINARY, n_folds=2)\n"
        "for train in (train_alone, train_stacked):\n"
        "    train(data, BINARY, a_config('mlp', epochs=1), BUILDERS['mlp'])\n"
        "print('torch._dynamo' in sys.modules)"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "False"
