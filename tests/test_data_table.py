from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aicomp.data.columns import Column, infer_columns
from aicomp.data.table import Table
from aicomp.errors import DataError

COLUMNS = [
    Column("age", "number", ""),
    Column("town", "category", ""),
    Column("zip", "code", ""),
    Column("paid", "boolean", ""),
    Column("when", "datetime", ""),
    Column("note", "text", ""),
    Column("row", "drop", ""),
]


def frame(n: int = 3) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": [31.5, np.nan, 40.0],
            "town": ["Köln", None, "Aachen"],
            "zip": [50667, 52062, 50667],
            "paid": ["yes", "No", None],
            "when": ["1970-01-02", None, "1970-01-01 00:01"],
            "note": ["zwei Wörter", "ein, Komma", "zwei Wörter"],
            "row": ["a", "b", "c"],
        }
    ).head(n)


def assert_same(a: Table, b: Table) -> None:
    assert a.n_rows == b.n_rows
    assert a.levels == b.levels
    for x, y in ((a.numbers, b.numbers), (a.codes, b.codes)):
        assert list(x) == list(y) or {*x} == {*y}
        for name in x:
            assert x[name].dtype == y[name].dtype
            np.testing.assert_array_equal(x[name], y[name])


def test_kinds_become_numbers_and_codes():
    table = Table.build(frame(), COLUMNS)
    assert table.n_rows == 3
    expected = {
        "age": [31.5, np.nan, 40],
        "zip": [50667, 52062, 50667],
        "paid": [1, 0, np.nan],
        "when": [86400, np.nan, 60],
    }
    assert list(table.numbers) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(table.numbers[name], values)
        assert table.numbers[name].dtype == np.float64
    assert table.levels == {"town": ["Aachen", "Köln"], "note": ["ein, Komma", "zwei Wörter"]}
    assert {name: codes.tolist() for name, codes in table.codes.items()} == {"town": [1, -1, 0], "note": [1, 0, 1]}
    assert table.codes["town"].dtype == np.int32


def test_train_and_test_share_levels():
    columns = [Column("x", "category", ""), Column("y", "number", "")]
    train = pd.DataFrame({"x": ["b", "d", None], "y": [1, 2, 3]})
    test = pd.DataFrame({"y": [4.5], "x": ["a"]})
    first, second = Table.build_pair(train, test, columns)
    assert first.levels == second.levels == {"x": ["a", "b", "d"]}
    assert first.codes["x"].tolist() == [1, 2, -1]
    assert second.codes["x"].tolist() == [0]
    assert (first.n_rows, second.n_rows) == (3, 1)
    assert second.numbers["y"].tolist() == [4.5]


def test_a_number_as_category_is_one_category_however_it_is_written():
    train, test = pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"x": [1.0, np.nan]})
    first, second = Table.build_pair(train, test, [Column("x", "category", "")])
    assert first.levels["x"] == ["1", "2"]
    assert second.codes["x"].tolist() == [0, -1]


def test_days_come_first_in_both_files_if_one_shows_it():
    train, test = pd.DataFrame({"d": ["03/04/2012", "05/06/2012"]}), pd.DataFrame({"d": ["13/04/2012"]})
    first, _ = Table.build_pair(train, test, infer_columns(train, test, {}))
    assert first.numbers["d"][0] == pd.Timestamp("2012-04-03").timestamp()


def test_a_value_that_does_not_fit():
    with pytest.raises(DataError, match="`town` is to be taken as number, but its value `Köln` is no number"):
        Table.build(frame(), [Column("town", "number", "")])


@pytest.mark.parametrize("n", [0, 1, 3])
def test_what_is_loaded_is_what_was_saved(tmp_path: Path, n: int):
    table = Table.build(
        frame().astype({"town": object, "note": object}).head(n), [c for c in COLUMNS if c.name != "when"]
    )
    table.save(tmp_path / "t.safetensors")
    assert_same(Table.load(tmp_path / "t.safetensors"), table)


def test_a_part_of_a_pair_is_saved_alone(tmp_path: Path):
    _, test = Table.build_pair(frame(), frame(2), COLUMNS)
    test.save(tmp_path / "t.safetensors")
    assert_same(Table.load(tmp_path / "t.safetensors"), test)


def test_loaded_columns_are_views_of_the_file_that_cannot_be_written(tmp_path: Path):
    Table.build(frame(), COLUMNS).save(tmp_path / "t.safetensors")
    table = Table.load(tmp_path / "t.safetensors")
    for array in (*table.numbers.values(), *table.codes.values()):
        assert not array.flags.owndata
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


names = st.text(st.characters(codec="utf-8"), max_size=6)


@given(
    st.dictionaries(names, st.lists(st.one_of(st.none(), st.floats()), min_size=4, max_size=4), max_size=3),
    st.dictionaries(names, st.lists(st.one_of(st.none(), names), min_size=4, max_size=4), max_size=3),
)
def test_any_names_and_values_survive(tmp_path_factory, numbers, texts):
    texts = {name: values for name, values in texts.items() if name not in numbers}
    data = pd.DataFrame(
        {
            **{k: np.array(v, dtype=float) for k, v in numbers.items()},
            **{k: pd.Series(v, dtype=object) for k, v in texts.items()},
        }
    )
    data = data.reindex(range(4))
    table = Table.build(
        data, [*(Column(n, "number", "") for n in numbers), *(Column(t, "category", "") for t in texts)]
    )
    path = tmp_path_factory.mktemp("table") / "t.safetensors"
    table.save(path)
    loaded = Table.load(path)
    assert_same(loaded, table)
    for name, values in texts.items():
        decoded = [None if c < 0 else loaded.levels[name][c] for c in loaded.codes[name]]
        assert decoded == [None if v is None else v.strip() for v in values]
