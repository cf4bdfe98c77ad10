"""Partial dependence is the function's own curve where that is known."""

import json

import numpy as np
import pytest
from explain_cases import subject

from aicomp.explain.dependence import partial_dependence
from aicomp.explain.drawings.dependence import draw_dependence


def linear(table):
    missing = np.isnan(table.numbers["a"])
    return np.where(missing, -7.0, 2 * table.numbers["a"]) + table.numbers["b"] + 10 * (table.codes["c"] == 1)


@pytest.fixture
def asked():
    random = np.random.default_rng(0)
    n = 600
    a = random.normal(size=n)
    a[:30] = np.nan
    a[-1] = 40.0
    codes = {"c": np.where(np.arange(n) < 3, -1, random.integers(0, 2, n)).astype(np.int32)}
    numbers = {"a": a, "b": random.integers(0, 4, n).astype(float), "t": np.linspace(0, 1e8, n)}
    return subject(linear, numbers, np.zeros(n), codes=codes, levels={"c": ["red", "green"]}, kinds={"t": "datetime"})


def test_a_line_is_a_line(asked):
    [found] = partial_dependence(asked, ["a"])
    grid = np.array(found.grid)
    assert (np.diff(grid) > 0).all()
    assert grid[-1] < 3  # the single 40 is beyond the outer quantiles
    slopes = np.diff(found.mean[:, 0]) / np.diff(grid)
    np.testing.assert_allclose(slopes, 2)
    np.testing.assert_allclose(np.diff(found.lines, axis=1), np.broadcast_to(2 * np.diff(grid), (24, len(grid) - 1)))
    # At a = 0 and without a: the means of b and c are 0 + ... and -7 + ... of the same rows.
    assert found.missing[0] - (found.mean[0, 0] - 2 * grid[0]) == pytest.approx(-7)
    assert found.counts.sum() == ((asked.table.numbers["a"] >= grid[0]) & (asked.table.numbers["a"] <= grid[-1])).sum()
    assert found.outputs == ("y",)
    assert found.span == pytest.approx(2 * (grid[-1] - grid[0]))
    assert found.n_rows == 400


def test_levels_and_where_rows_are_few(asked):
    [found] = partial_dependence(asked, ["c"])
    assert found.kind == "levels"
    assert set(found.grid) == {"red", "green", "missing"}
    at = dict(zip(found.grid, found.mean[:, 0], strict=True))
    assert at["green"] - at["red"] == pytest.approx(10)
    assert dict(zip(found.grid, found.is_few, strict=True)) == {"red": False, "green": False, "missing": True}
    assert dict(zip(found.grid, found.rows, strict=True))["missing"] == 3
    assert "Few rows: missing." in draw_dependence(found, 0).caption


def test_numbers_of_few_values_are_asked_one_by_one(asked):
    [found] = partial_dependence(asked, ["b"])
    assert found.grid == (0, 1, 2, 3)
    np.testing.assert_allclose(np.diff(found.mean[:, 0]), 1)


def test_a_stretch_without_rows_is_told():
    a = np.concatenate([np.linspace(0, 1, 300), np.linspace(9, 10, 300)])
    [found] = partial_dependence(subject(lambda t: t.numbers["a"], {"a": a}, np.zeros(600)), ["a"])
    few = [(found.grid[i - 1], found.grid[i]) for i in range(1, len(found.grid)) if found.is_few[i]]
    assert few
    assert all(low > 0.9 and high < 9.1 for low, high in few)
    drawing = draw_dependence(found, 3)
    assert "Dotted: hardly any rows there." in drawing.caption
    assert drawing.name == "curve-3"


def test_times_have_days(asked):
    [found] = partial_dependence(asked, ["t"])
    assert found.kind == "times"
    assert "1970-01-1" in draw_dependence(found, 0).alt


def test_texts_have_no_curve(asked):
    from dataclasses import replace

    from aicomp.data.columns import Column

    texts = replace(asked, columns=(Column("a", "number", ""), Column("c", "text", "")))
    assert [d.column for d in partial_dependence(texts, ["c", "a"])] == ["a"]


def test_little_time_means_fewer_rows(asked):
    [found] = partial_dependence(asked, ["a"], seconds=1e-9)
    assert found.n_rows == 48  # 12 of each fold
    json.dumps(found.to_dict(), allow_nan=False)
