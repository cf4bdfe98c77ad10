"""Attributions by hand: Shapley values by sampling, and gradients along lines."""

import numpy as np
import pytest
import torch
from explain_cases import subject
from torch import nn

from aicomp.data.rows import Rows
from aicomp.data.table import Table
from aicomp.errors import UsageError
from aicomp.explain.attribution import Attributor
from aicomp.explain.choice import Choice
from aicomp.explain.drawings.attribution import draw_row, draw_spread
from aicomp.explain.gradients import expected_gradients
from aicomp.explain.shapley import shapley

CPU = torch.device("cpu")


def table(**numbers):
    arrays = {name: np.array(values, dtype=float) for name, values in numbers.items()}
    return Table(len(next(iter(arrays.values()))), arrays, {}, {})


def test_a_product_is_shared_by_halves():
    row, zero = table(a=[2], b=[3]), table(a=[0], b=[0])
    found = shapley(lambda t: t.numbers["a"] * t.numbers["b"], row, zero, ["a", "b"], n_orders=8)
    np.testing.assert_allclose(found.values, [[3, 3]])  # each is worth 0 first and 6 last
    np.testing.assert_allclose(found.errors, 0)
    assert (found.base[0], found.predictions[0]) == (0, 6)
    # Compared with (1, 1): a alone makes 2, b alone 3: a gets (1 + 3) / 2, b (2 + 4) / 2.
    found = shapley(lambda t: t.numbers["a"] * t.numbers["b"], row, table(a=[1], b=[1]), ["a", "b"], n_orders=2)
    np.testing.assert_allclose(found.values, [[2, 3]])


def test_a_sum_gives_each_column_its_own_and_parts_add_up_whatever_is_drawn():
    random = np.random.default_rng(0)
    rows = table(**{name: random.normal(size=5) for name in "abc"})
    others = table(**{name: random.normal(size=50) for name in "abc"})

    def crooked(t):
        a, b, c = (t.numbers[name] for name in "abc")
        return 3 * a + np.exp(b) * (c > 0) - a * c

    for n_orders in (2, 6):
        found = shapley(crooked, rows, others, list("abc"), n_orders=n_orders, seed=1)
        np.testing.assert_allclose(found.values.sum(axis=1), found.predictions - found.base)
        np.testing.assert_allclose(found.predictions, crooked(rows))
    found = shapley(
        lambda t: 3 * t.numbers["a"] - t.numbers["b"], rows, table(a=[1], b=[2], c=[9]), list("abc"), n_orders=4
    )
    np.testing.assert_allclose(found.values[:, 0], 3 * (rows.numbers["a"] - 1))
    np.testing.assert_allclose(found.values[:, 1], -(rows.numbers["b"] - 2))
    np.testing.assert_allclose(found.values[:, 2], 0, atol=1e-12)


def test_sampled_values_lie_within_their_errors():
    """Against all orders and all compared rows, counted one by one."""
    from itertools import permutations

    random = np.random.default_rng(3)
    x, z = random.normal(size=4), random.normal(size=(6, 4))

    def f(points):
        return points[..., 0] * points[..., 1] + np.maximum(points[..., 2], points[..., 3])

    exact = np.zeros(4)
    for other in z:
        for order in permutations(range(4)):
            at = other.copy()
            for j in order:
                before = f(at)
                at[j] = x[j]
                exact[j] += (f(at) - before) / (6 * 24)
    names = list("abcd")
    rows, others = table(**dict(zip(names, x[:, None], strict=True))), table(**dict(zip(names, z.T, strict=True)))

    def predict(t):
        return f(np.stack([t.numbers[name] for name in names], axis=-1))

    found = shapley(predict, rows, others, names, n_orders=2000, seed=0)
    assert (np.abs(found.values[0] - exact) < 4 * found.errors[0]).all()
    assert found.errors.max() < 0.1


class Net(nn.Module):
    """2 x - y + the vector of a code's first number + that of another."""

    def __init__(self, weight=(2.0, -1.0)):
        super().__init__()
        self.first, self.second = nn.Embedding(3, 1), nn.Embedding(2, 1)
        with torch.no_grad():
            self.first.weight[:, 0] = torch.tensor([0.0, 5.0, 7.0])
            self.second.weight[:, 0] = torch.tensor([1.0, 2.0])
        self.weight = torch.tensor(weight)

    def forward(self, x_num, x_cat):
        return (x_num @ self.weight)[:, None] + self.first(x_cat[:, 0]) * self.second(x_cat[:, 1])


def rows_of(numbers, codes):
    return Rows(np.array(numbers, np.float32), np.array(codes, np.int64))


def flat(outputs):
    return outputs.double().mean(dim=(1, 2))


def test_gradients_of_numbers_and_codes_by_hand():
    row, other = rows_of([[1, 1]], [[1, 0]]), rows_of([[0, 3]], [[2, 1]])
    found = expected_gradients(Net(), flat, row, other, CPU, columns=np.array([0, 1, 2, 3]))
    # Numbers: 2 (1 - 0) and -(1 - 3). Codes: from 7 * 2 to 5 * 1 along a line, (5 - 7) * 1.5 and (1 - 2) * 6.
    np.testing.assert_allclose(found.values[0], [2, 2, -3, -6], rtol=1e-5)
    assert (found.base[0], found.predictions[0]) == (pytest.approx(11), pytest.approx(6))
    joined = expected_gradients(Net(), flat, row, other, CPU, columns=np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(joined.values[0], [4, -9], rtol=1e-5)


@pytest.mark.parametrize("name", ["tabm", "mlp", "realmlp", "ft-transformer", "linear"])
def test_gradients_of_each_network_add_up(name):
    from aicomp.models import MODELS, ModelSpec, bin_edges

    random = np.random.default_rng(0)
    x_num = random.normal(size=(40, 3)).astype(np.float32)
    x_cat = np.stack([random.integers(0, 4, 40), random.integers(0, 30, 40)], axis=1)
    spec = ModelSpec(3, (4, 30), 1, bins=tuple(bin_edges(column, 16) for column in x_num.T))
    torch.manual_seed(0)
    network = MODELS[name](spec)
    with torch.no_grad():  # some start with outputs that are 0
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    rows, others = rows_of(x_num[:3], x_cat[:3]), rows_of(x_num[3:], x_cat[3:])
    found = expected_gradients(network, flat, rows, others, CPU, columns=np.arange(5))
    gap = found.predictions - found.base - found.values.sum(axis=1)
    spread = flat(network(torch.from_numpy(x_num), torch.from_numpy(x_cat)).reshape(40, -1, 1)).std().item()
    assert np.abs(gap).max() < 0.1 * spread
    assert np.abs(found.values[:, 4]).max() > 0


def test_networks_without_lines_are_refused():
    class Mixing(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Module()
            self.inner.forward = lambda codes: (codes[:, :1] * codes[:, 1:]).float()

        def forward(self, x_num, x_cat):
            return self.inner(x_cat) + x_num.sum(dim=1, keepdim=True)

    class Bare(nn.Module):
        def forward(self, x_num, x_cat):
            return x_num.sum(dim=1, keepdim=True) + x_cat.float().sum(dim=1, keepdim=True)

    row, other = rows_of([[1, 1]], [[1, 1]]), rows_of([[0, 3]], [[2, 3]])
    for network, message in ((Mixing(), "mixes the codes"), (Bare(), "outside of any layer")):
        with pytest.raises(UsageError, match=message):
            expected_gradients(network, flat, row, other, CPU, columns=np.arange(4))
    texts = Rows(row.x_num, row.x_cat, texts=np.array([["a"]], dtype=object))
    with pytest.raises(UsageError, match="no line between two of them"):
        expected_gradients(Net(), flat, texts, texts, CPU, columns=np.arange(4))


def test_rows_and_many_rows_of_a_subject():
    random = np.random.default_rng(0)
    numbers = {"a": random.normal(size=120), "b": random.normal(size=120)}
    codes = {"<c>": random.integers(-1, 2, 120).astype(np.int32)}

    def predict(t):
        return 1 / (1 + np.exp(-(2 * t.numbers["a"] + (t.codes["<c>"] == 0))))

    y = random.integers(0, 2, 120)
    asked = subject(
        predict, numbers, y, codes=codes, levels={"<c>": ["x", "y"]}, labels=("no", "yes"), metric="roc_auc"
    )
    attributor = Attributor(asked)
    found = attributor.rows([Choice(5, 1, np.float64(0.9), 0.1, True)])[5]
    assert found.of == "log-odds of “yes”"
    assert abs(found.gap) < 1e-9
    assert {part.column for part in found.parts} == {"a", "b", "<c>"}
    by_name = {part.column: part for part in found.parts}
    assert by_name["b"].attribution == pytest.approx(0, abs=1e-9)
    assert by_name["a"].value == f"{numbers['a'][5]:.6g}"
    assert by_name["<c>"].value == {0: "x", 1: "y", -1: "missing"}[int(codes["<c>"][5])]
    spread = attributor.spread()
    assert [column.column for column in spread.columns] == ["a", "<c>", "b"]
    assert (spread.n_rows, spread.gap < 1e-9) == (120, True)
    places = {column.column: column.places for column in spread.columns}
    assert np.isnan(places["<c>"]).all()
    assert (places["a"].min(), places["a"].max()) == (0, 1)
    for drawing in (draw_row(found), draw_spread(spread)):
        assert "<c>" not in drawing.svg()
        assert "&lt;c&gt;" in drawing.svg()
    assert found.to_dict()["gap"] == found.gap
