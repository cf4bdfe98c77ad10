"""Whether the files keep the contract: the same ids in test and sample, targets that can be learned, shared columns."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.competition import Competition
from aicomp.contract.boxes import GatheredTable
from aicomp.contract.inquiry import listing
from aicomp.contract.large_tables import LargeRawTable, check_same_ids, large, raw_table
from aicomp.contract.tables import RawTable, Tables
from aicomp.data.dates import parse_dates, to_seconds
from aicomp.data.reading import check_finite, line_numbers
from aicomp.data.side_tables import read_side_table
from aicomp.errors import DataError
from aicomp.ids_and_targets import check_ids

_WORDS_OF_TIME = ("date", "time", "year", "quarter", "month", "week", "day", "hour", "period")


def check_files(competition: Competition, folder: Path) -> None:
    """Check the files of a folder against a contract.

    Raises:
        DataError: A file is absent or breaks the contract; the message names file, line, column and value.
    """
    files = competition.files
    names = {"train": files.train, "test": files.test, "sample": files.sample_submission}
    tables = Tables(**{role: raw_table(folder / n, files.encoding) for role, n in names.items()})
    if competition.boxes is not None:
        train = GatheredTable(tables.train, competition.boxes, competition.id, competition.target[0])
        tables = replace(tables, train=train)
    check_tables(competition, tables)


def check_tables(competition: Competition, tables: Tables) -> None:
    """Check three tables against a contract.

    Raises:
        DataError: With file, line, column and value.
    """
    train, test, sample = tables.train, tables.test, tables.sample
    header = tuple(sample.columns)
    if header != competition.submission.columns:
        raise DataError(
            f"`{sample.name}` has the columns {listing(header)}, not {listing(competition.submission.columns)}",
            "take the competition's own sample submission",
        )
    _check_rows(competition, test, sample)
    if set(competition.id) <= set(train.columns) and not competition.is_of_lists:
        train.check_ids(competition)
    train.check_target(competition)
    for name, key in competition.files.tables.items():
        read_side_table(train.path.parent / name, key, competition.files.encoding)
    for table in (train, test):
        check_finite(table.frame.drop(columns=list(competition.id), errors="ignore"), table.path)


def _check_rows(competition: Competition, test: RawTable, sample: RawTable) -> None:
    """Refuse ids that are missing, come twice, or are not the same in test and sample; their order is free."""
    ids = list(competition.id)
    if sample.n_rows != test.n_rows and (not ids or competition.first_row_id is not None):
        raise DataError(
            f"`{sample.name}` has {sample.n_rows} rows and `{test.name}` {test.n_rows}",
            "name the right files with `--test` and `--sample`",
        )
    if not ids:
        return
    if isinstance(test, LargeRawTable) or isinstance(sample, LargeRawTable):
        if competition.first_row_id is not None:
            large(sample).check_ids(competition)
        else:
            check_same_ids(competition, test, sample)
        return
    sample_ids = sample.strings([c for c in ids if c in sample.columns])
    check_ids(sample_ids, competition, sample.path)
    if competition.first_row_id is not None:
        return
    test_ids = test.strings([c for c in ids if c in test.columns])
    check_ids(test_ids, competition, test.path)
    _check_subset(sample_ids, test_ids, sample, test)
    _check_subset(test_ids, sample_ids, test, sample)


def _check_subset(ids: pd.DataFrame, others: pd.DataFrame, table: RawTable, other: RawTable) -> None:
    known = set(others.itertuples(index=False, name=None))
    unknown = [i for i, row in enumerate(ids.itertuples(index=False, name=None)) if row not in known]
    if unknown:
        value = ", ".join(ids.iloc[unknown[0]])
        more = f", like {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise DataError(
            f"`{table.name}` line {line_numbers(table.path)[unknown[0]]}: {_names(ids)} `{value}` is not in "
            f"`{other.name}`{more}",
            "download both files again, or name the right ones with `--test` and `--sample`",
        )


def _names(ids: pd.DataFrame) -> str:
    return " and ".join(f"`{c}`" for c in ids.columns)


def only_in_train(hidden: Collection[str], tables: Tables) -> tuple[list[str], list[str]]:
    """Columns of train that test lacks, and those that both have.

    Args:
        hidden: Ids and targets, which are left out.
        tables: The tables.

    Raises:
        DataError: Test has no column of train to predict from.
    """
    features = [c for c in tables.train.columns if c not in hidden]
    shared = [c for c in features if c in tables.test.columns]
    if not shared:
        raise DataError(
            f"`{tables.test.name}` has none of the columns to predict from; `{tables.train.name}` has "
            f"{listing(features)}",
            "name the right files with `--train` and `--test`",
        )
    return [c for c in features if c not in shared], shared


def later_in_test(tables: Tables) -> str | None:
    """A column by which every row of test is later than every row of train, None if there is none."""
    shared = [c for c in tables.test.columns if c in tables.train.columns]
    for column in shared:
        if _is_later(tables.train.frame[column], tables.test.frame[column], column) and (
            not (tables.train.is_sampled or tables.test.is_sampled)
            or _is_later(tables.train.exact([column])[column], tables.test.exact([column])[column], column)
        ):
            return column
    return None


def _is_later(train: pd.Series, test: pd.Series, column: str) -> bool:
    train, test = train.dropna(), test.dropna()
    times = _times(pd.concat([train, test], ignore_index=True), column)
    return times is not None and bool(
        len(train) and len(test) and times[len(train) :].min() > times[: len(train)].max()
    )


def _times(values: pd.Series, column: str) -> np.ndarray | None:
    if pd.api.types.is_numeric_dtype(values):
        is_time = any(
            word in column.lower()
            for word in ("date", "time", "year", "quarter", "month", "week", "day", "hour", "period")
        )
        return values.to_numpy(dtype=np.float64) if is_time else None
    if pd.api.types.is_datetime64_any_dtype(values):
        return to_seconds(values)
    parsed = parse_dates(values.map(str))
    return None if parsed is None else parsed[0]
