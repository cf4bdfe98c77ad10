import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from training_cases import TABULAR

from aicomp.errors import UsageError
from aicomp.models import (
    MODELS,
    BatchEnsembleLinear,
    CategoryEmbedding,
    Dropout,
    FeatureEmbedding,
    ModelSpec,
    PiecewiseLinearEmbedding,
    SharedDropout,
    bin_edges,
    remembers_rows,
    with_params,
)


def a_spec(n_outputs=3, dropout=0.0):
    bins = (torch.tensor([0.0, 1.0, 3.0]), torch.tensor([0.0, 1.0]), torch.linspace(-1, 1, 9))
    return ModelSpec(n_num=3, cardinalities=(2, 30), n_outputs=n_outputs, bins=bins, dropout=dropout)


def a_batch(n=5):
    x_cat = torch.stack([torch.arange(n) % 2, torch.arange(n) % 30], dim=1)
    return torch.randn(n, 3), x_cat


def built(name, spec):
    """A model that can predict: one that looks up training rows gets some."""
    model = MODELS[name](spec)
    if remembers_rows(model):
        x_cat = (
            torch.stack([torch.arange(20) % n for n in spec.cardinalities], dim=1) if spec.n_cat else torch.zeros(20, 0)
        )
        model.remember(torch.randn(20, spec.n_num), x_cat.long(), torch.randn(20, spec.n_outputs))
    return model


@pytest.mark.parametrize("name", TABULAR)
def test_every_model_maps_a_row_to_its_outputs(name):
    torch.manual_seed(0)
    outputs = built(name, a_spec())(*a_batch())
    assert outputs.shape == ((5, 8, 3) if name == "tabm" else (5, 3))
    outputs.square().mean().backward()


@pytest.mark.parametrize("name", TABULAR)
def test_every_model_takes_numbers_alone_and_categories_alone(name):
    numbers = ModelSpec(n_num=1, cardinalities=(), n_outputs=1, bins=(torch.tensor([0.0, 1.0, 2.0]),))
    categories = ModelSpec(n_num=0, cardinalities=(3,), n_outputs=1)
    no_codes, no_numbers = torch.zeros(4, 0, dtype=torch.int64), torch.zeros(4, 0)
    assert built(name, numbers)(torch.randn(4, 1), no_codes).shape[0] == 4
    assert built(name, categories)(no_numbers, torch.tensor([[0], [1], [2], [0]])).shape[0] == 4


@pytest.mark.parametrize("name", TABULAR)
def test_rows_do_not_influence_each_other(name):
    torch.manual_seed(0)
    model = built(name, a_spec()).eval()
    x_num, x_cat = a_batch()
    together = model(x_num, x_cat)
    torch.testing.assert_close(model(x_num[2:3], x_cat[2:3])[0], together[2])


def test_piecewise_linear_embedding_by_hand():
    layer = PiecewiseLinearEmbedding([torch.tensor([0.0, 1.0, 3.0])], d_embedding=1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[10.0], [100.0]]]))
        layer.linear.fill_(1.0)
        layer.bias.fill_(0.5)
    # x = 0.25: a quarter through bin 1: 2.5;  x = 2: bin 1 whole, half of bin 2: 60;  x = 9: beyond both: 110
    expected = [[0.25 + 0.5 + 2.5], [2 + 0.5 + 60], [9 + 0.5 + 110]]
    assert layer(torch.tensor([[0.25], [2.0], [9.0]])).squeeze(2).tolist() == expected


def test_columns_with_fewer_bins_are_not_disturbed_by_their_padding():
    torch.manual_seed(0)
    short, long = torch.tensor([0.0, 2.0]), torch.linspace(0, 2, 8)
    layer = PiecewiseLinearEmbedding([short, long], d_embedding=4)
    with torch.no_grad():
        layer.weight[0, 1:] = 1e6  # belongs to bins that the first column does not have
    x = torch.tensor([[1.5, 0.3]])
    assert layer(x)[0, 0].tolist() == pytest.approx((layer.bias + 1.5 * layer.linear)[0].tolist())


def test_few_categories_are_one_hot_and_many_are_looked_up():
    layer = CategoryEmbedding([30, 3, 2], d_embedding=4)
    outputs = layer(torch.tensor([[7, 2, 1]]))
    assert layer.d_out == 3 + 2 + 4
    assert outputs[0, :5].tolist() == [0, 0, 1, 0, 1]
    assert outputs[0, 5:].tolist() == layer.table.weight[7].tolist()


def test_two_large_columns_do_not_share_rows_of_the_table():
    layer = CategoryEmbedding([20, 20], d_embedding=4)
    outputs = layer(torch.tensor([[3, 3]]))
    assert outputs[0, :4].tolist() == layer.table.weight[3].tolist()
    assert outputs[0, 4:].tolist() == layer.table.weight[23].tolist()


def test_a_flag_is_passed_on_as_it_is():
    layer = FeatureEmbedding(a_spec(), d_embedding=6)
    x_num, x_cat = a_batch()
    outputs = layer(x_num, x_cat)
    assert layer.widths == [6, 6, 1, 2, 6]  # two bent columns, the flag, one-hot, looked up
    assert outputs[:, 12].tolist() == x_num[:, 1].tolist()


def test_batch_ensemble_linear_equals_its_formula():
    torch.manual_seed(0)
    layer = BatchEnsembleLinear(4, 3, k=2)
    with torch.no_grad():
        layer.scale.normal_()
    x = torch.randn(2, 5, 4)
    for i in range(2):
        by_hand = (x[i] * layer.scale[i]) @ layer.weight + layer.bias[i]
        torch.testing.assert_close(layer(x)[i], by_hand)


def test_members_differ_from_the_start_by_one_number_per_column():
    torch.manual_seed(0)
    layer = BatchEnsembleLinear(5, 3, k=4, widths=[3, 2])
    scale = layer.scale.detach()
    assert (scale[:, :3] == scale[:, :1]).all()
    assert (scale[:, 3:] == scale[:, 3:4]).all()
    assert len(scale.unique()) == 4 * 2


def test_tabm_shares_almost_all_weights():
    one, sixteen = (sum(p.numel() for p in MODELS["tabm"](a_spec(), k=k).parameters()) for k in (1, 16))
    assert sixteen < 1.5 * one


def test_shared_dropout_silences_the_same_units_in_all_members():
    torch.manual_seed(0)
    layer = SharedDropout(0.4)
    outputs = layer(torch.ones(3, 50, 40))
    assert (outputs == outputs[:1]).all()
    assert sorted(outputs.unique().tolist()) == [0.0, pytest.approx(256 / 154)]  # 0.4 is 102 of 256
    assert (outputs == 0).float().mean().item() == pytest.approx(0.4, abs=0.05)
    assert (layer.eval()(torch.ones(3, 5, 4)) == 1).all()


@pytest.mark.parametrize("p", [0.001, 0.1, 0.5, 0.999])
def test_dropout_keeps_the_mean_and_repeats_by_seed(p):
    layer, ones = Dropout(p), torch.ones(301, 997)
    torch.manual_seed(0)
    outputs = layer(ones)
    assert (outputs == 0).float().mean().item() == pytest.approx(p, abs=0.003)
    assert outputs.mean().item() == pytest.approx(1, abs=0.01 + 0.1 * (p > 0.9))
    silenced = outputs == 0
    both = (silenced[:, 1:] & silenced[:, :-1]).float().mean().item()
    assert both == pytest.approx(
        p * p, abs=0.004
    )  # units next to each other share a draw, and are independent all the same
    torch.manual_seed(0)
    assert torch.equal(layer(ones), outputs)
    assert layer.eval()(ones) is ones


@pytest.mark.parametrize("name", ["tabm", "mlp"])
def test_the_dropout_of_the_spec_is_used(name):
    torch.manual_seed(0)
    model = MODELS[name](a_spec(dropout=0.5))
    batch = a_batch()
    assert not torch.equal(model(*batch), model(*batch))
    model.eval()
    assert torch.equal(model(*batch), model(*batch))


def test_the_linear_model_is_linear():
    model = MODELS["linear"](a_spec())
    x_num, x_cat = a_batch()
    zero = model(torch.zeros_like(x_num), x_cat)
    torch.testing.assert_close(model(2 * x_num, x_cat) - zero, 2 * (model(x_num, x_cat) - zero))
    assert not [m for m in model.modules() if isinstance(m, nn.ReLU)]


def test_bin_edges_of_many_values_lie_denser_where_rows_are():
    x = np.concatenate([np.linspace(0, 1, 900), np.linspace(1, 10, 100)])
    edges = bin_edges(x, n_bins=10)
    assert len(edges) == 11
    assert (edges < 1).sum() == 9  # 900 of 1000 distinct values lie below 1: nine of ten inner edges or so
    assert (edges[0], edges[-1]) == (0, 10)


def test_bin_edges_weigh_a_value_by_the_root_of_its_count():
    # 0 occurs 10,000 times (weight 100), 1..100 once each (weight 1): half of the edges are left for 1..100.
    x = np.concatenate([np.zeros(10_000), np.arange(1, 101)])
    assert bin_edges(x, n_bins=4).tolist() == [0, 50, 100]


def test_bin_edges_of_a_constant_have_a_width():
    assert bin_edges(np.full(5, 7.0), n_bins=4).tolist() == [7, 8]


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=200), st.integers(1, 20))
def test_bin_edges_rise_and_span_the_values(values, n_bins):
    edges = bin_edges(np.array(values, np.float32), n_bins)
    assert (edges.diff() > 0).all()
    assert 2 <= len(edges) <= n_bins + 1
    assert edges[0] == min(values)
    assert edges[-1] >= max(values)


def test_a_project_can_build_its_own_model_from_the_layers():
    class OneLayer(nn.Module):
        def __init__(self, spec):
            super().__init__()
            self.embedding = FeatureEmbedding(spec, d_embedding=4)
            self.head = nn.Linear(self.embedding.d_out, spec.n_outputs)

        def forward(self, x_num, x_cat):
            return self.head(self.embedding(x_num, x_cat))

    assert OneLayer(a_spec())(*a_batch()).shape == (5, 3)


def test_parameters_reach_the_model():
    assert with_params(MODELS["tabm"], {"k": 3})(a_spec())(*a_batch()).shape == (5, 3, 3)


def test_an_unknown_parameter_is_refused_with_the_nearest_one():
    with pytest.raises(UsageError, match=r"unknown parameter `model\.params\.d_blok`") as caught:
        with_params(MODELS["tabm"], {"d_blok": 3})
    assert "did you mean `model.params.d_block`?" in caught.value.hint


def test_a_model_without_parameters_says_so():
    with pytest.raises(UsageError, match="unknown parameter") as caught:
        with_params(MODELS["linear"], {"k": 3})
    assert caught.value.hint == "this model takes no parameters"


def test_a_parameter_without_default_is_asked_for():
    with pytest.raises(UsageError, match="needs the parameter `width`"):
        with_params(lambda spec, width: nn.Linear(1, 1), {})
