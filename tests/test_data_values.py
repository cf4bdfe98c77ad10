from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aicomp.data.dates import parse_date_numbers, parse_dates, read_dates, to_seconds
from aicomp.data.values import (
    TimeFormat,
    as_booleans,
    as_numbers,
    as_seconds,
    as_strings,
    is_boolean_words,
    time_format,
)
from aicomp.errors import DataError

DAY = 86400.0


def seconds(*when: int) -> float:
    return datetime(*when, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


class TestParseDates:
    @pytest.mark.parametrize(
        ("text", "expected", "shown"),
        [
            ("2012-03-15", seconds(2012, 3, 15), "YYYY-MM-DD"),
            ("2012/3/5", seconds(2012, 3, 5), "YYYY-MM-DD"),
            ("2012.03.15", seconds(2012, 3, 15), "YYYY-MM-DD"),
            ("2012-03-15 21:04", seconds(2012, 3, 15, 21, 4), "YYYY-MM-DD"),
            ("2012-03-15T21:04:05.250Z", seconds(2012, 3, 15, 21, 4, 5) + 0.25, "YYYY-MM-DD"),
            ("2012-03-15 21:04:05+02:00", seconds(2012, 3, 15, 21, 4, 5), "YYYY-MM-DD"),  # the hour stays the local one
            ("03/15/2012", seconds(2012, 3, 15), "MM/DD/YYYY"),
            ("15/03/2012", seconds(2012, 3, 15), "DD/MM/YYYY"),
            ("03/04/2012", seconds(2012, 3, 4), "MM/DD/YYYY"),
            ("03.04.2012", seconds(2012, 4, 3), "DD.MM.YYYY"),
            ("03.15.2012", seconds(2012, 3, 15), "MM.DD.YYYY"),
            ("3/4/12", seconds(2012, 3, 4), "MM/DD/YY"),
            ("3/4/71 5:06 PM", seconds(1971, 3, 4, 17, 6), "MM/DD/YY"),
            ("15 March 2012", seconds(2012, 3, 15), "DD Mon YYYY"),
            ("15-Mar-2012", seconds(2012, 3, 15), "DD Mon YYYY"),
            ("15-Mar-12", seconds(2012, 3, 15), "DD-Mon-YY"),
            ("Thu, 15 Mar 2012 10:00:00 GMT", seconds(2012, 3, 15, 10), "DD Mon YYYY"),
            ("March 1st, 2012", seconds(2012, 3, 1), "Mon DD, YYYY"),
            ("Sept 9, 2012 12:00 a.m.", seconds(2012, 9, 9), "Mon DD, YYYY"),
            ("20120315", seconds(2012, 3, 15), "YYYYMMDD"),
            ("2012-03", seconds(2012, 3, 1), "YYYY-MM"),
            ("3/2012", seconds(2012, 3, 1), "MM/YYYY"),
            ("May 2012", seconds(2012, 5, 1), "Mon YYYY"),
            ("2012 Q3", seconds(2012, 7, 1), "YYYY Qn"),
            ("Q4-2012", seconds(2012, 10, 1), "Qn YYYY"),
            ("13:30", 13.5 * 3600, "HH:MM"),
            ("12:30 AM", 1800.0, "HH:MM"),
            ("1969-12-31", -DAY, "YYYY-MM-DD"),
            ("1600-01-01", seconds(1600, 1, 1), "YYYY-MM-DD"),
        ],
    )
    def test_formats(self, text, expected, shown):
        parsed = parse_dates(pd.Series([text, None, f" {text} "]))
        assert parsed is not None
        assert parsed[1] == shown
        np.testing.assert_array_equal(parsed[0], [expected, np.nan, expected])

    @pytest.mark.parametrize(
        "text",
        [
            "2012-02-30",
            "2011-02-29",
            "2012-13-01",
            "2012-00-10",
            "2012-03-00",
            "31/31/2012",
            "25:00",
            "10:60",
            "13:00 PM",
            "0:30 AM",
            "2012",
            "1.2.3",
            "192.168.1.1",
            "2012-03/15",
            "May",
            "May 12",
            "9999-01-01",
            "2012-03-15x",
            "A12-03-15",
            "",
        ],
    )
    def test_no_dates(self, text):
        assert parse_dates(pd.Series([text])) is None

    def test_one_day_beyond_the_twelfth_decides_for_all(self):
        parsed = parse_dates(pd.Series(["03/04/2012", "13/04/2012"]))
        assert parsed is not None
        assert parsed[1] == "DD/MM/YYYY"
        assert parsed[0].tolist() == [seconds(2012, 4, 3), seconds(2012, 4, 13)]

    def test_formats_may_not_mix(self):
        assert parse_dates(pd.Series(["2012-03-15", "15/03/2012"])) is None

    def test_zones_that_differ_are_taken_to_utc(self):
        parsed = parse_dates(pd.Series(["2012-03-15T10:00+02:00", "2012-03-15T10:00-05:30", "2012-03-15T10:00Z"]))
        assert parsed is not None
        assert parsed[0].tolist() == [seconds(2012, 3, 15, h, m) for h, m in ((8, 0), (15, 30), (10, 0))]

    def test_nothing_but_missing_values(self):
        assert parse_dates(pd.Series([None, np.nan], dtype=object)) is None

    @given(st.lists(st.datetimes(datetime(1500, 1, 1), datetime(2299, 12, 31)), min_size=1, max_size=20))
    def test_iso_dates_agree_with_the_standard_library(self, times):
        parsed = parse_dates(pd.Series([t.isoformat(sep=" ") for t in times]))
        assert parsed is not None
        expected = [t.replace(tzinfo=UTC).timestamp() for t in times]
        np.testing.assert_allclose(parsed[0], expected, rtol=0, atol=1e-5)

    def test_numbers_as_dates(self):
        np.testing.assert_array_equal(
            parse_date_numbers(pd.Series([20120315.0, np.nan])), [seconds(2012, 3, 15), np.nan]
        )
        for values in ([20121315], [20120315.5], [1234], [20120315, 99999999], []):
            assert parse_date_numbers(pd.Series(values, dtype=float)) is None

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_seconds_of_a_datetime_column(self, unit):
        values = pd.Series(pd.to_datetime(["1970-01-02 00:00:01", None])).astype(f"datetime64[{unit}]")
        np.testing.assert_array_equal(to_seconds(values), [DAY + 1, np.nan])
        local = values.dt.tz_localize("Asia/Tokyo")
        np.testing.assert_array_equal(to_seconds(local), [DAY + 1, np.nan])


class TestStrings:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (pd.Series([3, 4]), ["3", "4"]),
            (pd.Series([3.0, 4.5, np.nan]), ["3", "4.5", None]),
            (pd.Series([1e20, -0.0]), ["100000000000000000000", "0"]),
            (pd.Series([3, None], dtype="Int64"), ["3", None]),
            (pd.Series([True, False]), ["True", "False"]),
            (pd.Series([True, None], dtype="boolean"), ["True", None]),
            (pd.Series([" a ", None, "b"]), ["a", None, "b"]),
            (pd.Series([" a ", None, "b"], dtype="string"), ["a", None, "b"]),
            (pd.Series(["a", None], dtype="category"), ["a", None]),
            (pd.Series([3.0, 4.0]).astype("category"), ["3", "4"]),
            (pd.Series([3, 3.0, "3", " 3", 2.5, True, None], dtype=object), ["3", "3", "3", "3", "2.5", "True", None]),
            (pd.Series([], dtype=object), []),
        ],
    )
    def test_as_strings(self, values, expected):
        strings = as_strings(values.rename("x"))
        assert [None if pd.isna(v) else v for v in strings] == expected
        assert strings.dtype == object
        assert strings.name == "x"

    @given(
        st.lists(st.one_of(st.integers(-(2**53), 2**53).map(float), st.floats(allow_nan=False, allow_infinity=False)))
    )
    def test_numbers_come_back_from_their_strings(self, numbers):
        assert [float(s) for s in as_strings(pd.Series(numbers, dtype=float))] == numbers


class TestNumbers:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (pd.Series([1, 2]), [1, 2]),
            (pd.Series([1, None], dtype="Int64"), [1, np.nan]),
            (pd.Series([True, False]), [1, 0]),
            (pd.Series([" 1.5", "2e3", None]), [1.5, 2000, np.nan]),
            (pd.Series(["1", "2"], dtype="category"), [1, 2]),
            (pd.Series(pd.to_timedelta([1, None], unit="h")), [3600, np.nan]),
        ],
    )
    def test_as_numbers(self, values, expected):
        numbers = as_numbers(values)
        np.testing.assert_array_equal(numbers, expected)
        assert numbers.dtype == np.float64

    @pytest.mark.parametrize(
        ("values", "value"),
        [(["1", "x1", "y"], "x1"), (["1,5"], "1,5"), (pd.to_datetime(["2020-01-01"]), "2020-01-01 00:00:00")],
    )
    def test_what_is_no_number(self, values, value):
        with pytest.raises(DataError, match=f"`age` is to be taken as number, but its value `{value}` is no number"):
            as_numbers(pd.Series(values, name="age"))


class TestBooleans:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (["Yes", " no", None, "Y", "n"], [1, 0, np.nan, 1, 0]),
            (["TRUE", "f", "on", "OFF", "1", "0"], [1, 0, 1, 0, 1, 0]),
            ([True, False], [1, 0]),
            ([1, 0], [1, 0]),
            ([1.0, 0.0, np.nan], [1, 0, np.nan]),
            (pd.array([True, None], dtype="boolean"), [1, np.nan]),
            (np.array([True, None, "false"], dtype=object), [1, np.nan, 0]),
        ],
    )
    def test_as_booleans(self, values, expected):
        np.testing.assert_array_equal(as_booleans(pd.Series(values)), expected)

    @pytest.mark.parametrize("values", [["yes", "maybe"], [0, 2], ["1.5"]])
    def test_what_is_no_boolean(self, values):
        with pytest.raises(DataError, match="is no spelling of true or false"):
            as_booleans(pd.Series(values, name="x"))

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ({"yes", "n"}, True),
            ({"t", "f", "1"}, True),
            ({"true", "no"}, True),
            ({"t", "n"}, False),
            ({"0", "1"}, False),
            ({"yes", "2"}, False),
            (set(), False),
        ],
    )
    def test_words(self, words, expected):
        assert is_boolean_words(words) is expected


class TestSeconds:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (["1970-01-02", None], [DAY, np.nan]),
            ([19700102, 19700103], [DAY, 2 * DAY]),
            ([1_331_769_600, np.nan], [1_331_769_600, np.nan]),
            ([1_331_769_600_000], [1_331_769_600]),
            (pd.to_datetime(["1970-01-02"]), [DAY]),
            (["19700102"], [DAY]),
        ],
    )
    def test_as_seconds(self, values, expected):
        np.testing.assert_array_equal(as_seconds(pd.Series(values)), expected)

    @pytest.mark.parametrize(
        ("values", "value"),
        [
            (["2020-01-01", "soon"], "soon"),
            ([None, "2020-01-01", "2020-02-30"], "2020-02-30"),
            (["2020-01-01", "15/03/2012"], "2020-01-01"),  # each is a date, but in no common format
        ],
    )
    def test_what_is_no_time(self, values, value):
        with pytest.raises(DataError, match=f"`when` is to be taken as datetime, but its value `{value}` is no date"):
            as_seconds(pd.Series(values, name="when"))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["2012-03-15", "2012-03-16 10:00"], TimeFormat("YYYY-MM-DD")),
        (["03/04/2012", "13/04/2012"], TimeFormat("DD/MM/YYYY")),
        (["2012-03-15T10:00+02:00", "2012-03-15T10:00Z"], TimeFormat("YYYY-MM-DD", to_utc=True)),
        (["2012-03-15T10:00+02:00", "2012-03-16T10:00+02:00"], TimeFormat("YYYY-MM-DD")),
        ([20120315, 20120316], TimeFormat("dates")),
        ([1.5e9, 1.6e9], TimeFormat("seconds")),
        ([1.5e12, 1.6e12], TimeFormat("milliseconds")),
        (pd.to_datetime(["2012-03-15"]), TimeFormat("times")),
    ],
)
def test_a_part_of_the_values_is_read_as_the_whole_was(values, expected):
    """Each value alone, in the format of all, is what it was among all."""
    whole = pd.Series(values)
    assert time_format(whole) == expected
    together = as_seconds(whole)
    for i in range(len(whole)):
        assert as_seconds(whole.iloc[[i]], expected)[0] == together[i]


def test_a_day_that_could_be_a_month_is_read_in_the_known_format():
    known = TimeFormat("DD/MM/YYYY")
    assert as_seconds(pd.Series(["03/04/2012"]), known)[0] == pd.Timestamp("2012-04-03").timestamp()
    assert as_seconds(pd.Series(["03/04/2012"]))[0] == pd.Timestamp("2012-03-04").timestamp()
    with pytest.raises(DataError, match="is no date or time in the column's format"):
        as_seconds(pd.Series(["04/13/2012"], name="when"), known)


def test_missing_and_unfitting_dates_are_told_apart():
    read = read_dates(pd.Series(["2012-03-15", None, "soon"]), "YYYY-MM-DD", to_utc=False)
    np.testing.assert_array_equal(read, [pd.Timestamp("2012-03-15").timestamp(), np.nan, np.nan])
    np.testing.assert_array_equal(as_seconds(pd.Series([None, None]), TimeFormat("times")), [np.nan, np.nan])
