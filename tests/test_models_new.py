"""RealMLP and FT-Transformer: their parts by hand, and what both learn."""

import inspect
from dataclasses import replace

import numpy as np
import pytest
import torch
from prediction_cases import init_rich
from synthetic import open_quick
from training_cases import BINARY, REGRESSION, a_config, a_fold

from aicomp.cross_validation import cross_validate
from aicomp.errors import UsageError
from aicomp.models import MODELS, ModelSpec, ParametricActivation, PeriodicEmbedding, ScaledLinear, with_params
from aicomp.prediction import predict_run
from aicomp.training.fit import fit_fold

NEW = ["realmlp", "ft-transformer"]
DEFAULTS = {
    "realmlp": {
        "n_blocks": 3, "d_block": 256, "d_embedding": 4, "d_category": 8, "n_waves": 16, "sigma": 0.5,
        "activation": "mish",
    },
    "ft-transformer": {"n_blocks": 2, "d_token": 32, "n_heads": 4, "d_hidden": 48},
}  # fmt: skip
SMALL = {
    "realmlp": {"d_block": 32, "n_blocks": 2},
    "ft-transformer": {"d_token": 16, "n_heads": 2, "d_hidden": 16},
    "linear": {},
}
CPU = torch.device("cpu")


def a_model(name, n_num, cardinalities, n_outputs):
    torch.manual_seed(0)
    bins = tuple(torch.linspace(-1, 1, 5) for _ in range(n_num))
    return MODELS[name](ModelSpec(n_num, cardinalities, n_outputs, bins), **SMALL[name])


@pytest.mark.parametrize("n_outputs", [1, 4])
@pytest.mark.parametrize(
    ("n_num", "cardinalities"),
    [(0, (2,)), (0, (3, 40)), (1, ()), (1, (2,)), (1, (3, 40)), (3, ()), (3, (2,)), (3, (3, 40))],
    ids=str,
)
@pytest.mark.parametrize("name", NEW)
def test_outputs_have_their_shape_and_every_parameter_a_gradient(name, n_num, cardinalities, n_outputs):
    model = a_model(name, n_num, cardinalities, n_outputs)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.1 * torch.randn_like(p))  # the head starts at zero and would pass nothing on
    x_num = torch.randn(8, n_num)
    x_cat = torch.stack([torch.arange(8) % n for n in cardinalities], dim=1) if cardinalities else torch.zeros(8, 0)
    outputs = model(x_num, x_cat.long())
    assert outputs.shape == (8, n_outputs)
    outputs.square().sum().backward()
    for parameter_name, parameter in model.named_parameters():
        if parameter.numel():  # a table of no rows is never looked up
            assert parameter.grad is not None, parameter_name
            assert torch.isfinite(parameter.grad).all(), parameter_name
            assert parameter.grad.any(), parameter_name


@pytest.mark.parametrize("name", NEW)
def test_the_head_starts_at_zero(name):
    outputs = a_model(name, 2, (3,), 2)(torch.randn(5, 2), torch.zeros(5, 1, dtype=torch.int64))
    assert outputs.tolist() == [[0.0, 0.0]] * 5


@pytest.mark.parametrize("name", NEW)
def test_products_in_bfloat16_come_close(name):
    model = a_model(name, 2, (3, 40), 1)
    torch.nn.init.normal_(list(model.modules())[-1].weight if name == "ft-transformer" else model.layers[-1].weight)
    x_num, x_cat = torch.randn(6, 2), torch.randint(0, 3, (6, 2))
    exact = model(x_num, x_cat)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(model(x_num, x_cat).float(), exact, atol=0.1, rtol=0.1)


def crooked(seed):
    """Numbers whose product and bend, which no line follows, make the target."""
    rng = np.random.default_rng(seed)
    data = a_fold(REGRESSION, n=600, seed=seed)
    x_num, valid_x_num = (rng.uniform(-2, 2, size=(n, 3)).astype(np.float32) for n in (600, 90))
    y, valid_y = (10 * x[:, 0] * x[:, 1] + 10 * np.abs(x[:, 2]) for x in (x_num, valid_x_num))
    train, valid = replace(data.train, x_num=x_num), replace(data.valid, x_num=valid_x_num)
    return replace(data, train=train, y=y.astype(float), valid=valid, valid_y=valid_y)


def score(name, data, task, epochs):
    build = with_params(MODELS[name], SMALL[name])
    result = fit_fold(data, task, a_config(name, epochs=epochs, batch_size=64), build, seed=0, device=CPU)
    return task.score(data.valid_y, result.valid_pred)


@pytest.mark.parametrize("name", NEW)
def test_it_learns_what_a_line_cannot(name):
    data = crooked(1)
    assert score(name, data, REGRESSION, 30) < 0.6 * score("linear", data, REGRESSION, 30)


@pytest.mark.parametrize("name", NEW)
def test_it_separates_classes(name):
    assert score(name, a_fold(BINARY), BINARY, 20) > 0.9


@pytest.mark.parametrize("name", NEW)
def test_defaults_are_the_documented_ones(name):
    known = list(inspect.signature(MODELS[name]).parameters.values())[1:]
    assert {p.name: p.default for p in known} == DEFAULTS[name]


@pytest.mark.parametrize(
    ("name", "params", "message", "hint"),
    [
        ("realmlp", {"d_blok": 3}, r"unknown parameter `model\.params\.d_blok`", "`model.params.d_block`"),
        ("realmlp", {"activation": "mishh"}, "unknown activation `mishh`", "`mish`"),
        ("realmlp", {"d_embedding": 1}, "`model.params.d_embedding` is 1", "d_embedding=4"),
        ("ft-transformer", {"d_tokn": 3}, r"unknown parameter `model\.params\.d_tokn`", "`model.params.d_token`"),
        ("ft-transformer", {"d_token": 30}, "which 4 heads", "d_token=32"),
        ("ft-transformer", {"n_blocks": 0}, "without a block", "n_blocks=2"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(name, params, message, hint):
    with pytest.raises(UsageError, match=message) as caught:
        with_params(MODELS[name], params)(ModelSpec(1, (2,), 1, (torch.tensor([0.0, 1.0]),)))
    assert hint in caught.value.hint


def test_scaled_linear_divides_by_the_root_of_its_width():
    layer = ScaledLinear(4, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
        layer.bias.fill_(0.5)
    assert layer(torch.ones(1, 4)).item() == 0.5 + 10 / 2


def test_an_embedding_begins_with_the_number_and_adds_its_waves():
    layer = PeriodicEmbedding(1, d_embedding=2, n_waves=2, sigma=1.0)
    with torch.no_grad():
        layer.scale_waves.copy_(torch.tensor([[0.25, 0.125]]))  # times 4: one period per unit, and half of one
        layer.bias_waves.zero_()
        layer.weight.copy_(torch.tensor([[[1.0], [10.0]]]))
        layer.bias.fill_(0.25)
    # x = 1: a whole period, cos = 1, and half of one, cos = -1;  x = 0.5: cos = -1 and 0
    expected = torch.tensor([[[1.0, 1 - 10 + 0.25]], [[0.5, -1 + 0.25]]])
    torch.testing.assert_close(layer(torch.tensor([[1.0], [0.5]])), expected, atol=1e-5, rtol=0)


def test_the_share_of_an_activation_runs_from_a_line_to_the_activation():
    layer = ParametricActivation(3, "relu")
    with torch.no_grad():
        layer.scale.copy_(torch.tensor([0.0, 0.5, 1.0]))
    assert layer(torch.tensor([[-2.0, -2.0, -2.0]])).tolist() == [[-2.0, -1.0, 0.0]]


@pytest.mark.parametrize("name", NEW)
def test_a_run_predicts_its_test_rows_again_bit_for_bit(tmp_path, name):
    params = [f"model.params.{key}={value}" for key, value in SMALL[name].items()]
    project = open_quick(init_rich(tmp_path, "multiclass"), f'model.name="{name}"', *params)
    run = cross_validate(project)
    np.testing.assert_array_equal(predict_run(project, run).values, run.test_predictions())
