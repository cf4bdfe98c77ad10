import re
import string

import numpy as np
import pandas as pd
import pytest

from aicomp.data.columns import KINDS, check_usable, infer_columns, infer_kind, joined
from aicomp.errors import DataError, UsageError

N = 600
RNG = np.random.default_rng(0)


def kind(values: object, name: str = "x") -> str:
    return infer_kind(name, pd.Series(values, name=name))[0]  # type: ignore[call-overload]


def infer(
    train: dict[str, object], test: dict[str, object] | None = None, **overrides: str
) -> dict[str, tuple[str, str]]:
    """Kind and reason by column."""
    columns = infer_columns(pd.DataFrame(train), pd.DataFrame(train if test is None else test), overrides)
    return {c.name: (c.kind, c.reason) for c in columns}


def hashes(n: int) -> list[str]:
    return ["".join(RNG.choice(list("0123456789abcdef"), 24)) for _ in range(n)]


def words(n: int, rng: np.random.Generator) -> list[str]:
    return ["".join(rng.choice(list(string.ascii_lowercase), size=5)) for _ in range(n)]


class TestKinds:
    @pytest.mark.parametrize(
        "values",
        [
            ["true", "false", "true"],
            ["True", "FALSE", None],
            ["Yes", "no", "YES"],
            ["Y", "N", "Y"],
            ["y", "0", "1"],
            ["t", "f", np.nan],
            ["on", "off", "On"],
            ["true", "no", "off"],
            [" Yes", "No ", "No"],
            [True, False, True],
            np.array([True, None, False], dtype=object),
            pd.array([True, None, False], dtype="boolean"),
        ],
    )
    def test_booleans(self, values):
        assert kind(values) == "boolean"

    @pytest.mark.parametrize("values", [["y", "n", "t"], ["yes", "no", "maybe"], ["t", "x"], ["male", "female"]])
    def test_no_booleans(self, values):
        assert kind(values) == "category"

    def test_zero_and_one_are_numbers(self):
        assert kind([0, 1, 1]) == kind(["0", "1", "1"]) == "number"

    @pytest.mark.parametrize(
        "values",
        [[1.5, 2.5, np.nan], [1, 2, 3], ["1.5", " 2", None], pd.array([1, None], dtype="Int64"), ["1e3", "-2", "3"]],
    )
    def test_numbers(self, values):
        assert kind(values) == "number"

    def test_time_spans_are_numbers(self):
        assert kind(pd.to_timedelta([1, 2, None], unit="D")) == "number"

    @pytest.mark.parametrize(
        "values",
        [
            pd.to_datetime(["2020-01-01", None]),
            pd.to_datetime(["2020-01-01", "2021-01-01"], utc=True),
            ["2020-01-01", None, "2021-12-31 23:59:59"],
            ["12:30", "0:05"],
            np.arange(20200101, 20200131),
        ],
    )
    def test_times(self, values):
        assert kind(values) == "datetime"

    def test_dates_are_told_from_codes_and_years(self):
        assert kind([20200101, 20200131, 20201301, 20200102, 20200103, 20200104]) == "number"  # no 13th month
        assert kind([1990, 1991, 2020]) == "number"
        assert kind(["2020-02-30", "2020-01-01", "2020-01-02"]) == "category"

    @pytest.mark.parametrize(
        "name", ["Pclass", "MSSubClass", "zip", "shop_id", "storeId", "postcode", "item_type", "cat1"]
    )
    def test_repeating_whole_numbers_are_codes_if_the_name_says_so(self, name):
        assert kind(RNG.integers(0, 5, N), name) == "code"
        assert kind(RNG.normal(size=N), name) == "number"

    @pytest.mark.parametrize("name", ["width", "paid", "humid", "candid", "classes_taken", "age"])
    def test_other_names_do_not(self, name):
        assert kind(RNG.integers(0, 5, N), name) == "number"

    def test_an_id_of_each_row_is_no_code(self):
        assert kind(np.arange(N), "user_id") == "number"

    def test_scattered_or_uneven_whole_numbers_are_codes(self):
        codes = RNG.choice(90_000, 60, replace=False) * 7 + 3
        weights = 1 / np.arange(1, 61)
        assert kind(RNG.choice(codes, 3000, p=weights / weights.sum())) == "code"
        assert kind(RNG.choice(RNG.permutation(60), 3000, p=weights / weights.sum())) == "code"

    def test_codes_of_few_rows_each_show_by_how_unevenly_neighbours_repeat(self):
        codes = RNG.choice(300_000, 1500, replace=False)
        weights = 1 / np.arange(1, 1501) ** 0.9
        assert kind(RNG.choice(codes, 6000, p=weights / weights.sum())) == "code"

    def test_amounts_of_which_each_is_common_have_a_meaning_of_their_own(self):
        """A code is given to the model as a number too: what an amount says by its size is not lost."""
        gains = np.where(RNG.random(6000) < 0.9, 0, RNG.choice(90_000, 60)[RNG.integers(0, 60, 6000)])
        hours = np.where(RNG.random(3000) < 0.7, RNG.integers(2, 16, 3000) * 5, RNG.integers(1, 99, 3000))
        assert kind(gains) == "code"
        assert kind(hours) == "code"

    @pytest.mark.parametrize(
        "values",
        [
            RNG.poisson(30, 3000),  # a smooth distribution
            np.where(RNG.random(3000) < 0.6, 0, RNG.integers(1, 900, 3000)),  # zero-inflated, as an area of a porch
            np.where(RNG.random(3000) < 0.9, 0, RNG.choice(90_000, 60)[RNG.integers(0, 60, 3000)]),  # 5 rows per amount
        ],
    )
    def test_quantities_are_no_codes(self, values):
        assert kind(values) == "number"


class TestStrings:
    def test_few_distinct_strings_are_categories(self):
        assert infer_kind("x", pd.Series(["a", "b c d e f g", None])) == ("category", "2 distinct strings")

    def test_repeating_strings_are_categories(self):
        assert kind(RNG.choice(words(50, RNG), N)) == "category"

    def test_sentences_are_text(self):
        vocabulary = words(100, RNG)
        assert kind([" ".join(RNG.choice(vocabulary, 6)) for _ in range(N)]) == "text"

    def test_sentences_without_blanks_are_text(self):
        characters = [chr(c) for c in range(0x4E00, 0x4E80)]
        assert kind(["".join(RNG.choice(characters, 12)) for _ in range(N)]) == "text"

    def test_codes_with_parts_are_text(self):
        decks = RNG.choice(list("ABCDEFG"), N)
        assert (
            kind([f"{d}/{i}/{s}" for d, i, s in zip(decks, RNG.permutation(N), RNG.choice(["P", "S"], N), strict=True)])
            == "text"
        )

    def test_names_of_rows_are_dropped(self):
        train, test = ({"x": hashes(N), "n": range(N)} for _ in range(2))
        assert infer(train, test)["x"] == (
            "drop",
            "100% of the values are distinct and have no parts that repeat: a name of the row",
        )

    @pytest.mark.parametrize("dtype", [object, "string", "category"])
    def test_any_dtype_of_strings(self, dtype):
        assert kind(pd.Series(["a", "b", "a", None], dtype=dtype)) == "category"


class TestColumns:
    def test_constant_and_duplicate_columns_are_dropped(self):
        inferred = infer(
            {
                "a": [1, 2, 3, 4],
                "one": [7, 7, 7, 7],
                "none": [None] * 4,
                "again": [1.0, 2.0, 3.0, 4.0],
                "s": ["x", "y", None, "x"],
                "t": ["x", "y", None, "x"],
                "rare": [1, 1, 1, None],
            }
        )
        assert inferred == {
            "a": ("number", "whole numbers"),
            "one": ("drop", "constant in train"),
            "none": ("drop", "constant in train"),
            "again": ("drop", "the same values as `a`"),
            "s": ("category", "2 distinct strings"),
            "t": ("drop", "the same values as `s`"),
            "rare": ("number", "whole numbers"),  # whether it is missing may tell
        }

    def test_columns_that_differ_in_test_are_no_duplicates(self):
        inferred = infer({"a": [1, 2], "b": [1, 2]}, {"a": [1, 2], "b": [1, 3]})
        assert [k for k, _ in inferred.values()] == ["number", "number"]

    def test_a_duplicate_of_a_dropped_column_is_dropped_for_its_own_reason(self):
        of_train, of_test = hashes(N), hashes(N)
        inferred = infer({"n": range(N), "h1": of_train, "h2": of_train}, {"n": range(N), "h1": of_test, "h2": of_test})
        assert inferred["h1"] == inferred["h2"]

    def test_column_only_in_train(self):
        assert infer({"a": [1, 2], "b": [1, 2]}, {"a": [3, 4]})["b"] == ("drop", "only in train")

    def test_column_only_in_test(self):
        with pytest.raises(DataError, match="test has a column `b` that train lacks") as e:
            infer({"a": [1, 2]}, {"a": [1, 2], "b": [1, 2]})
        assert "columns of train: a" in e.value.hint

    def test_order_is_that_of_train(self):
        assert list(infer({"b": [1, 2], "a": [3, 4]}, {"a": [1, 2], "b": [3, 4]})) == ["b", "a"]

    def test_values_of_test_count(self):
        assert infer({"a": ["1", "2"], "n": [1, 2]}, {"a": ["x", "2"], "n": [1, 2]})["a"][0] == "category"
        assert infer({"a": [1, 2]}, {"a": [None, None]})["a"][0] == "number"
        assert infer({"a": ["x", "y"]}, {"a": [np.nan, np.nan]})["a"][0] == "category"

    def test_no_column_is_left(self):
        with pytest.raises(DataError, match=re.escape("no column is left to learn from (`a`: constant in train)")):
            infer({"a": [1, 1]})
        with pytest.raises(DataError, match="there are none besides ids and targets"):
            check_usable([])

    @pytest.mark.parametrize(
        ("names", "message"),
        [(["a", "a"], "there are two columns `a`"), (["a", 0], "the column `0` is named by int, not by a string")],
    )
    def test_names_that_own_features_may_not_give(self, names, message):
        frame = pd.DataFrame([[1, 2], [3, 4]], columns=names)
        with pytest.raises(UsageError, match=message):
            infer_columns(frame, frame, {})


class TestOverrides:
    @pytest.mark.parametrize("override", [kind for kind in KINDS if kind not in ("image", "audio")])
    def test_every_kind_can_be_set(self, override):
        values = ["20200101", "20200102"] if override == "datetime" else ["1", "0"]
        inferred = infer({"x": values, "n": [1, 2]}, x=override)
        assert inferred["x"] == (override, "set in [columns]")

    @pytest.mark.parametrize("override", ["image", "audio"])
    def test_files_can_be_set_where_there_are_files(self, override):
        with pytest.raises(UsageError, match=f"`x` is to be taken as {override}, but its values name no files"):
            infer({"x": ["1", "0"], "n": [1, 2]}, x=override)

    def test_a_constant_column_can_be_kept(self):
        assert infer({"x": [1, 1]}, x="number")["x"] == ("number", "set in [columns]")

    @pytest.mark.parametrize(
        ("override", "message"),
        [
            ("number", "`x` is to be taken as number, but its value `b7` is no number"),
            ("code", "`x` is to be taken as number, but its value `b7` is no number"),
            ("boolean", "`x` is to be taken as boolean, but its value `b7` is no spelling of true or false"),
            ("datetime", "`x` is to be taken as datetime, but its value `1` is no date or time in the column's format"),
        ],
    )
    def test_values_that_do_not_fit(self, override, message):
        with pytest.raises(DataError) as e:
            infer({"x": ["1", None]}, {"x": ["b7", "0"]}, x=override)
        assert e.value.message == message
        assert '"x" = "category"' in e.value.hint

    def test_unknown_kind_or_column(self):
        with pytest.raises(UsageError, match=re.escape("`[columns]`: unknown kind `categry` of column `x`")) as e:
            infer({"x": [1, 2]}, x="categry")
        assert e.value.hint == "did you mean `category`?"
        with pytest.raises(UsageError, match=re.escape("`[columns]`: unknown column `Agee`")) as e:
            infer({"Age": [1, 2]}, Agee="number")
        assert e.value.hint == "did you mean `Age`?"

    def test_column_that_test_lacks(self):
        with pytest.raises(UsageError, match="`b` is to be taken as number, but test lacks it"):
            infer({"a": [1, 2], "b": [1, 2]}, {"a": [1, 2]}, b="number")
        assert infer({"a": [1, 2], "b": [1, 2]}, {"a": [1, 2]}, b="drop")["b"] == ("drop", "set in [columns]")


class TestJoined:
    @pytest.mark.parametrize(
        ("train", "test", "expected"),
        [
            (pd.Series([1, 2]), pd.Series([1.5, None]), [1, 2, 1.5, None]),
            (pd.Series([1, 2]), pd.Series(["x", "2"]), ["1", "2", "x", "2"]),
            (pd.Series([1.0, None]), pd.Series(["x", "1"]), ["1", None, "x", "1"]),
            (pd.Series([True, False]), pd.Series([1, 0]), ["True", "False", "1", "0"]),
            (pd.Series([True, False]), pd.Series(["True", None]), ["True", "False", "True", None]),
            (pd.Series(["x", "y"]), pd.Series([np.nan, np.nan]), ["x", "y", None, None]),
            (pd.Series(["x"], dtype="category"), pd.Series(["y"], dtype="category"), ["x", "y"]),
        ],
    )
    def test_types_that_differ_meet_as_strings(self, train, test, expected):
        values = joined(train.rename("x"), test.rename("x"))
        assert [None if pd.isna(v) else v for v in values] == expected
        assert values.name == "x"
        assert values.index.equals(pd.RangeIndex(len(expected)))

    def test_times_of_other_precision_stay_times(self):
        train = pd.Series(pd.to_datetime(["2020-01-01"])).astype("datetime64[ns]")
        test = pd.Series(pd.to_datetime(["2020-01-02"])).astype("datetime64[s]")
        assert list(joined(train, test)) == [pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-02")]
