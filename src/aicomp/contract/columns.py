"""Which columns name a row, and which are to be predicted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aicomp.contract.inquiry import Inquiry, listing
from aicomp.contract.tables import RawTable, Tables
from aicomp.data.reading import line_numbers
from aicomp.errors import DataError, UsageError
from aicomp.suggest import unknown_name


@dataclass(frozen=True)
class Ids:
    """Columns that name a row.

    Attributes:
        columns: The columns; empty where the submission has none and follows the rows of test.
        first_row_id: See `Competition.first_row_id`.
    """

    columns: tuple[str, ...]
    first_row_id: int | None = None


@dataclass(frozen=True)
class Targets:
    """Columns to predict.

    Attributes:
        columns: Columns of train.
        classes: Labels of the one target in the order of the submission's columns, if it has one column per class.
    """

    columns: tuple[str, ...]
    classes: tuple[str, ...] = ()


def find_ids(tables: Tables, inquiry: Inquiry) -> Ids:
    """Find the id columns: those of the sample that test has too, or the number of the row.

    Raises:
        UsageError: A given column is not there.
        DataError: The sample has no column of test, and its first one does not count the rows.
    """
    test, sample = tables.test, tables.sample
    given = inquiry.given.id
    _check_given("--id", given, sample)
    absent = [c for c in given if c not in test.columns]
    if absent and len(given) > 1:
        raise DataError(f"`{test.name}` has no id column `{absent[0]}`", f"its columns: {listing(test.columns)}")
    in_test = [c for c in (given or sample.columns) if c in test.columns]
    blank = [c for c in in_test if c not in given and _is_empty_target(c, tables)]
    targets = inquiry.given.target
    ids = tuple(c for c in in_test if c not in blank and c not in targets)
    if ids:
        if set(ids) >= set(sample.columns):
            candidates = [c for c in tables.train.columns if c not in test.columns] or sample.columns
            raise UsageError(
                f"`{test.name}` has every column of `{sample.name}`: which of them is to be predicted is not clear",
                f"add `--target NAME`, such as {listing(candidates)}",
            )
        inquiry.found("id", ", ".join(ids), "given with --id" if given else f"in {test.name} and in {sample.name}")
        return Ids(ids)
    return _count_rows(tables, inquiry)


def _is_empty_target(column: str, tables: Tables) -> bool:
    """Whether test has the column but no value in it, as some competitions leave their target in place."""
    train = tables.train
    return bool(
        column in train.columns
        and tables.test.exact([column])[column].isna().all()
        and train.frame[column].notna().any()
    )


def _count_rows(tables: Tables, inquiry: Inquiry) -> Ids:
    test, sample = tables.test, tables.sample
    first = (inquiry.given.id or tuple(sample.columns))[0]
    alike = [c for c in test.columns if c.casefold() == first.casefold() and c != first]
    if alike:
        raise DataError(
            f"the id is `{first}` in `{sample.name}` and `{alike[0]}` in `{test.name}`", "rename one of the columns"
        )
    written = sample.strings([first])[first]
    if sample.is_sampled:
        raise DataError(
            f"`{test.name}` has none of the columns of `{sample.name}` ({', '.join(sample.columns)})",
            "name the right files with `--test` and `--sample`, or add the id column to the test file",
        )
    numbers = pd.to_numeric(written, errors="coerce").to_numpy(dtype=np.float64)
    expected = numbers[0] + np.arange(len(numbers))
    wrong = np.flatnonzero(numbers != expected)
    whole = bool(numbers[0] == np.floor(numbers[0]))
    if not len(wrong) and whole and len(sample.columns) > 1:
        inquiry.found("id", first, f"counts the rows of {test.name}, from {numbers[0]:.0f}")
        return Ids((first,), first_row_id=int(numbers[0]))
    if set(sample.columns) <= set(tables.train.columns):
        inquiry.found("id", "none", f"the rows of {sample.name} are those of {test.name}, in its order")
        return Ids(())
    row = int(wrong[0]) if len(wrong) else 0
    raise DataError(
        f"`{test.name}` has none of the columns of `{sample.name}` ({', '.join(sample.columns)}), and `{first}` does "
        f"not count its rows: line {line_numbers(sample.path)[row]} holds `{written.iloc[row]}`",
        "name the right files with `--test` and `--sample`, or add the id column to the test file",
    )


def find_targets(tables: Tables, ids: Ids, inquiry: Inquiry) -> Targets:
    """Find the target columns: what the sample asks for, found in train.

    Raises:
        UsageError: A given column is not there, or several could be meant.
        DataError: Train has no column for what the sample asks for.
    """
    train, test, sample = tables.train, tables.test, tables.sample
    asked = [c for c in sample.columns if c not in ids.columns]
    given = inquiry.given.target
    _check_given("--target", given, train)
    if not asked:
        raise DataError(f"`{sample.name}` has no column besides the id", "name the right file with `--sample`")
    if given and set(given) == set(asked) and len(asked) > 1:
        given = tuple(asked)  # in the order of the submission
    known = given or tuple(c for c in asked if c in train.columns)
    if tuple(asked) == known:
        reason = "given with --target" if given else f"in {train.name} and {sample.name}"
        inquiry.found("target", ", ".join(known), reason)
        return Targets(known)
    if len(given) > 1:
        raise UsageError(
            f"`--target` names {', '.join(given)}, but `{sample.name}` asks for {', '.join(asked)}",
            "name the same columns",
        )
    if not given and known:
        lost = [c for c in asked if c not in known]
        raise DataError(
            f"`{sample.name}` asks for `{lost[0]}`, which neither `{train.name}` nor `{test.name}` has",
            f"add `--target NAME`; columns of `{train.name}`: {listing(train.columns)}",
        )
    candidates = list(given) or [c for c in train.columns if c not in test.columns and c not in ids.columns]
    return _named_otherwise(asked, candidates, tables, inquiry)


def _named_otherwise(asked: Sequence[str], candidates: Sequence[str], tables: Tables, inquiry: Inquiry) -> Targets:
    """The target where no column of train bears a name of the sample: its classes do, or it is called otherwise."""
    train, sample = tables.train, tables.sample
    if not candidates:
        raise DataError(
            f"`{train.name}` has no target: `{sample.name}` asks for {listing(asked)}, and every column of "
            f"`{train.name}` is in `{tables.test.name}` too",
            "name the right file with `--train`, or the column with `--target`",
        )
    if len(asked) == 1:
        column = candidates[0]
        if len(candidates) > 1:
            column = inquiry.choose("--target", "which column is the target", candidates)
        inquiry.found("target", column, f"`{asked[0]}` in {sample.name}: {_why(column, inquiry, tables)}")
        return Targets((column,))
    classes = {c: match for c in candidates if (match := match_classes(_distinct(train, c), asked))}
    if not classes:
        values = sorted(_distinct(train, candidates[0]))
        raise DataError(
            f"`{sample.name}` has the columns {listing(asked)}, which are neither columns of `{train.name}` nor the "
            f"classes of `{candidates[0]}` ({listing(values)})",
            "name the column with `--target`, or correct the names",
        )
    column = next(iter(classes))
    if len(classes) > 1:
        column = inquiry.choose("--target", "which column is the target", list(classes))
    inquiry.found("target", column, f"its classes are the columns of {sample.name}")
    return Targets((column,), classes[column])


def _why(column: str, inquiry: Inquiry, tables: Tables) -> str:
    if column in inquiry.given.target:
        return "given with --target"
    return f"the column of {tables.train.name} that {tables.test.name} lacks"


def _distinct(table: RawTable, column: str) -> set[str]:
    return set(table.values([column])[column].dropna().str.strip())


def match_classes(labels: set[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Labels in the order of the columns that stand for them, exactly or behind a common prefix; () if they do not.

    >>> match_classes({"C", "CL", "D"}, ["Status_C", "Status_CL", "Status_D"])
    ('C', 'CL', 'D')
    >>> match_classes({"a", "b"}, ["b", "a"]), match_classes({"a", "b"}, ["a", "c"])
    (('b', 'a'), ())
    """
    if len(labels) != len(columns):
        return ()
    prefixes = {columns[0][: -len(label)] for label in labels if label and columns[0].endswith(label)}
    for prefix in sorted(prefixes):
        found = tuple(c.removeprefix(prefix) for c in columns)
        if all(c.startswith(prefix) for c in columns) and set(found) == labels:
            return found
    return ()


def _check_given(flag: str, names: Sequence[str], table: RawTable) -> None:
    for name in names:
        if name not in table.columns:
            error = unknown_name(f"column of `{table.name}`, given with `{flag}`:", name, table.columns)
            raise UsageError(error.message, f"{error.hint}; repeat `{flag}` for several columns")
