"""Encoding is fitted on training rows alone and gives a network clean numbers and codes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from aicomp.data.columns import Column
from aicomp.data.encoding import MISSING, UNSEEN, Encoder
from aicomp.data.table import Table
from aicomp.errors import DataError


def encode(values, kind, fitted=None, name="x"):
    """Encode one column, fitted on the rows `fitted` (default: all)."""
    columns = [Column(name, kind, "")]
    table = Table.build(pd.DataFrame({name: values}), columns)
    everything = np.arange(table.n_rows)
    encoder = Encoder(columns).fit(table, everything if fitted is None else np.asarray(fitted))
    return encoder, encoder.transform(table, everything)


def test_a_number_becomes_the_normal_quantile_of_its_mean_rank():
    _, encoded = encode([10.0, 1000.0, 20.0], "number")
    # mean ranks (1/2, 5/2, 3/2) of 3 are the shares 1/6, 5/6 and 1/2; the normal quantile of 5/6 is 0.9674
    np.testing.assert_allclose(encoded.x_num[:, 0], [-0.9674, 0.9674, 0.0], atol=1e-4)


def test_equal_numbers_share_their_mean_rank():
    _, encoded = encode([0.0, 0.0, 1.0, 5.0], "number")
    # two rows of four at 0: the share at their middle is 1/4, whose quantile is -0.6745
    assert encoded.x_num[0, 0] == encoded.x_num[1, 0] == pytest.approx(-0.6745, abs=1e-4)


def test_an_outlier_of_the_validation_rows_stays_within_the_training_range():
    _, encoded = encode([1.0, 2.0, 3.0, 1e9], "number", fitted=[0, 1, 2])
    assert encoded.x_num[3, 0] == encoded.x_num[2, 0]


def test_a_missing_number_is_the_median_and_says_so():
    encoder, encoded = encode([1.0, 2.0, 3.0, np.nan], "number")
    assert encoder.num_names == ["x", "x is missing"]
    np.testing.assert_allclose(encoded.x_num[3], [0.0, 1.0])
    np.testing.assert_allclose(encoded.x_num[1], [0.0, 0.0], atol=1e-6)


def test_a_number_that_only_validation_rows_miss_is_the_median():
    encoder, encoded = encode([1.0, 2.0, 3.0, np.nan], "number", fitted=[0, 1, 2])
    assert encoder.num_names == ["x"]
    assert encoded.x_num[3, 0] == 0.0


def test_two_values_become_minus_one_and_one():
    _, encoded = encode(["yes", "no", None, "yes"], "boolean")
    np.testing.assert_allclose(encoded.x_num[:, 0], [1, -1, 0, 1])


def test_rare_and_unseen_levels_share_a_code_and_missing_has_its_own():
    encoder, encoded = encode(["a", "a", "b", "b", "once", None, "new"], "category", fitted=range(6))
    assert encoder.cardinalities == (4,)
    assert encoded.x_cat[:, 0].tolist() == [2, 2, 3, 3, UNSEEN, MISSING, UNSEEN]


def test_where_every_level_is_rare_each_keeps_its_code():
    encoder, encoded = encode(["a", "b", "c"], "category")
    assert encoder.cardinalities == (5,)
    assert encoded.x_cat[:, 0].tolist() == [2, 3, 4]


def test_a_code_is_a_number_and_a_category():
    encoder, encoded = encode([10.0, 10.0, 30.0, 30.0, 20.0, 20.0], "code")
    assert encoder.num_names == encoder.cat_names == ["x"]
    assert encoded.x_cat[:, 0].tolist() == [2, 2, 4, 4, 3, 3]
    assert encoded.x_num[0, 0] < encoded.x_num[4, 0] < encoded.x_num[2, 0]


def test_a_time_is_split_into_parts_that_vary():
    stamps = ["2012-03-13 21:00", "2012-06-12 16:00", "2013-01-01 00:00", "2013-01-06 23:00"]
    encoder, encoded = encode(stamps, "datetime", name="t")
    names = ["elapsed", "year", "month", "day of year", "day of month", "weekday", "hour"]
    waves = [f"{wave} of {period}" for period in ("day", "week") for wave in ("sine", "cosine")]
    assert encoder.num_names == [f"t {name}" for name in names + waves]
    parts = dict(zip(encoder.num_names, encoded.x_num.T, strict=True))
    # Tuesday, Tuesday, Tuesday, Sunday; hours 21, 16, 0, 23
    assert parts["t weekday"].tolist() == [-1.0, -1.0, -1.0, 1.0]
    assert np.argsort(parts["t hour"]).tolist() == [2, 1, 0, 3]
    assert np.argsort(parts["t elapsed"]).tolist() == [0, 1, 2, 3]


def test_times_before_1970_have_the_right_parts():
    encoder, encoded = encode(["1969-12-31 23:00", "1969-12-30 01:00", "1968-02-29 05:00"], "datetime", name="t")
    parts = dict(zip(encoder.num_names, encoded.x_num.T, strict=True))
    assert np.argsort(parts["t hour"]).tolist() == [1, 2, 0]


def test_text_becomes_components_and_sizes():
    texts = ["red apple", "red pear", "green apple", "green pear"] * 5 + [None]
    encoder, encoded = encode(texts, "text")
    assert encoder.num_names[-2:] == ["x characters", "x words"]
    assert len(encoder.num_names) > 3
    assert np.isfinite(encoded.x_num).all()
    np.testing.assert_array_equal(encoded.x_num[0], encoded.x_num[4])
    assert not np.allclose(encoded.x_num[0], encoded.x_num[1])


def test_text_without_a_word_in_common_keeps_its_sizes():
    encoder, _ = encode(["ab", "cde", "fghi jklm nopqr stu"], "text")
    assert encoder.num_names == ["x characters", "x words"]


@pytest.mark.parametrize(
    ("kind", "values", "changed"),
    [
        ("number", [1.0, 2.0, 4.0, 9.0], [1.0, 2.0, 4.0, -50.0]),
        ("category", ["a", "a", "b", "b"], ["a", "a", "b", "c"]),
        ("text", ["red apple", "red pear", "red fig", "fig"], ["red apple", "red pear", "red fig", "zebra apple"]),
        (
            "datetime",
            ["2012-01-01", "2012-02-01", "2012-03-03", "2013-01-01"],
            ["2012-01-01"] * 1 + ["2012-02-01", "2012-03-03", "1990-05-05"],
        ),
    ],
)
def test_what_a_validation_row_holds_changes_no_training_row(kind, values, changed):
    _, before = encode(values, kind, fitted=[0, 1, 2])
    _, after = encode(changed, kind, fitted=[0, 1, 2])
    np.testing.assert_array_equal(before.x_num[:3], after.x_num[:3])
    np.testing.assert_array_equal(before.x_cat[:3], after.x_cat[:3])


def test_columns_that_are_constant_in_the_fold_are_left_out():
    columns = [Column("a", "number", ""), Column("b", "category", ""), Column("c", "number", "")]
    frame = pd.DataFrame({"a": [1.0, 1.0, 2.0], "b": ["x", "x", "y"], "c": [1.0, 2.0, 3.0]})
    table = Table.build(frame, columns)
    encoder = Encoder(columns).fit(table, np.array([0, 1]))
    assert (encoder.num_names, encoder.cat_names) == (["c"], [])


def test_a_fold_without_any_column_that_varies_is_refused():
    with pytest.raises(DataError, match="every column \\(`x`\\) is constant"):
        encode([1.0, 1.0, 2.0], "number", fitted=[0, 1])


@given(arrays(np.float64, st.integers(2, 60), elements=st.floats(-1e300, 1e300)))
def test_every_number_is_encoded_in_order_and_finite(values):
    if len(np.unique(values)) < 2:
        return
    _, encoded = encode(values, "number")
    z = encoded.x_num[:, 0]
    assert np.isfinite(z).all()
    assert (np.diff(z[np.argsort(values, kind="stable")]) >= 0).all()


def test_raw_numbers_keep_their_unit_and_say_nothing_about_missing_ones():
    frame = pd.DataFrame({"x": [1.0, np.nan, 300.0], "when": [1.6e9, 1.6e9 + 1, 1.6e9 + 2], "same": [2.0, 2.0, 2.0]})
    columns = [Column(name, "number", "") for name in frame]
    table = Table.build(frame, columns)
    encoder = Encoder(columns, numbers="raw").fit(table, np.arange(3))
    assert encoder.num_names == ["x", "when"]
    encoded = encoder.transform(table, np.arange(3))
    np.testing.assert_array_equal(encoded.x_num[:, 0], [1, np.nan, 300])
    np.testing.assert_array_equal(encoded.x_num[:, 1], [0, 1, 2])
