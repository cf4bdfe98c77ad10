"""Times as regular steps."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aicomp.data.dates import find_misfit, parse_dates
from aicomp.data.steps import Steps, read_times
from aicomp.errors import DataError

DAY = 86400


def a_file(tmp_path: Path, values: list[object]) -> tuple[pd.Series, Path]:
    path = tmp_path / "train.csv"
    pd.DataFrame({"when": values}).to_csv(path, index=False)
    return pd.read_csv(path)["when"], path


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2011-W05", "2011-01-31"),
        ("2011W05", "2011-01-31"),
        ("2011-W05-7", "2011-02-06"),
        ("2015-W53", "2015-12-28"),
        ("2021-W01", "2021-01-04"),
        ("1969-W01", "1968-12-30"),
        ("1998Q1", "1998-01-01"),
        ("1998 Q4", "1998-10-01"),
    ],
)
def test_weeks_and_quarters_begin_on_a_day(text: str, date: str) -> None:
    parsed = parse_dates(pd.Series([text]))
    assert parsed is not None
    assert parsed[0][0] == pd.Timestamp(date).timestamp()


@pytest.mark.parametrize("text", ["2014-W53", "2011-W00", "2011-W54", "1998 Q5"])
def test_a_week_or_quarter_that_there_is_not_is_no_date(text: str) -> None:
    assert parse_dates(pd.Series([text])) is None


@pytest.mark.parametrize(
    ("values", "name", "seasons", "numbers"),
    [
        (["1998 Q1", "1998 Q2", "1998 Q4"], "quarter", (4,), [112, 113, 115]),
        (["1998Q1", "1998Q2", "1998Q4"], "quarter", (4,), [112, 113, 115]),
        (["2011-03", "2011-04", "2011-06"], "month", (12,), [494, 495, 497]),
        ([201111, 201112, 201202], "month", (12,), [502, 503, 505]),
        (["2011-01-31", "2011-02-28", "2011-03-31"], "month", (12,), [492, 493, 494]),
        (["2011-W05", "2011-W06", "2011-W08"], "week", (52,), [2143, 2144, 2146]),
        (["1970-01-02", "1970-01-03", "1970-01-05"], "day", (7, 365.25), [1, 2, 4]),
        ([19700102, 19700103, 19700105], "day", (7, 365.25), [1, 2, 4]),
        (["1970-01-01 01:00", "1970-01-01 02:00", "1970-01-01 04:00"], "hour", (24, 168), [1, 2, 4]),
        (["1970-01-01 00:30", "1970-01-01 01:00", "1970-01-01 01:30"], "30 minutes", (48, 336), [1, 2, 3]),
        ([1998, 1999, 2001], "1 number", (1,), [1998, 1999, 2001]),
        ([3, 6, 9], "3 numbers", (1,), [1, 2, 3]),
    ],
    ids=str,
)
def test_steps_follow_from_the_times(
    tmp_path: Path, values: list[object], name: str, seasons: tuple[float, ...], numbers: list[int]
) -> None:
    column, path = a_file(tmp_path, values)
    steps = Steps.fit(read_times(column, path, "x"), "when")
    assert steps.name == name
    assert steps.seasons == seasons
    assert steps.read(column, path).tolist() == numbers
    assert steps.read(column[1:], path).tolist() == numbers[1:]
    assert Steps(**steps.as_dict()) == steps


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (["1998 Q1", "1998 Q2", "1998 Q5"], "line 4: `when` is `1998 Q5`, which is no time"),
        (["2011-W01", "2011-W60", "2011-W02"], "line 3: `when` is `2011-W60`, which is no time"),
        (["2011-01", None, "2011-02"], "line 3: `when` is missing, which is no time"),
        (["soon", "later", "2011-02"], "line 2: `when` is `soon`, which is no time"),
    ],
)
def test_what_is_no_time_is_named(tmp_path: Path, values: list[object], what: str) -> None:
    path = tmp_path / "train.csv"
    pd.DataFrame({"when": values, "x": 1}).to_csv(path, index=False)
    with pytest.raises(DataError, match=what):
        read_times(pd.read_csv(path)["when"], path, "x")


def test_a_misfit_is_sought_only_where_a_format_is_common() -> None:
    assert find_misfit(pd.Series(["a", "b", "2011-01-01"])) is None
    assert find_misfit(pd.Series(["2011-01-01", "2011-01-02", "2011-02-30"])) == 2


def test_times_off_the_grid_and_without_one_are_refused(tmp_path: Path) -> None:
    column, path = a_file(tmp_path, ["1970-01-01", "1970-01-03", "1970-01-05"])
    steps = Steps.fit(read_times(column, path, "x"), "when")
    assert steps.name == "2 days"
    with pytest.raises(DataError, match="line 2: `when` is `1970-01-02`, which is no step"):
        steps.read(pd.Series(["1970-01-02"], name="when"), path)
    with pytest.raises(DataError, match="line 2: `when` is `1970 Q1`, which is no time"):
        steps.read(pd.Series(["1970 Q1"], name="when"), path)
    scattered = np.sort(np.random.default_rng(0).choice(10**6, 50, replace=False))
    column, path = a_file(tmp_path, scattered.tolist())
    with pytest.raises(DataError, match="`when` has no regular step"):
        Steps.fit(read_times(column, path, "x"), "when")
    column, path = a_file(tmp_path, [1, 2])
    with pytest.raises(DataError, match="2 times, which make no series"):
        Steps.fit(read_times(column, path, "x"), "when")


def test_axes_show_times(tmp_path: Path) -> None:
    column, path = a_file(tmp_path, ["1998 Q1", "1998 Q2", "1998 Q4"])
    steps = Steps.fit(read_times(column, path, "x"), "when")
    assert steps.axis(np.array([112])).astype("datetime64[D]").astype(str).tolist() == ["1998-01-01"]
