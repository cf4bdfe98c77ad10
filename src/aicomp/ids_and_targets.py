"""The columns of a contract that name rows and that are predicted: checked, and targets as arrays."""

from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.competition import Competition
from aicomp.data.reading import line_numbers, parse_numbers
from aicomp.errors import DataError


def columns_hint(table: pd.DataFrame) -> str:
    """What to say where a table lacks a column."""
    return f"its columns: {', '.join(map(str, table.columns))}"


def check_ids(table: pd.DataFrame, competition: Competition, path: Path) -> None:
    """Refuse a table whose id columns are absent, missing a value or naming two rows alike.

    Raises:
        DataError: With file, line, column and value.
    """
    ids = list(competition.id)
    if not ids:
        return
    absent = [c for c in ids if c not in table.columns]
    if absent:
        raise DataError(f"`{path.name}` has no id column `{absent[0]}`", columns_hint(table))
    missing = np.argwhere(table[ids].isna().to_numpy())
    if len(missing):
        row, column = missing[0]
        raise DataError(f"`{path.name}` line {line_numbers(path)[row]}: id `{ids[column]}` is missing", "fill it in")
    twice = np.flatnonzero(table.duplicated(ids).to_numpy())
    if len(twice):
        value = ", ".join(str(v) for v in table[ids].iloc[twice[0]])
        raise DataError(
            f"`{path.name}` line {line_numbers(path)[twice[0]]}: id `{value}` appears a second time",
            "remove the duplicate, or name all id columns with `--id`",
        )


def encode_target(
    train: pd.DataFrame, competition: Competition, path: Path, lines: np.ndarray | None = None
) -> np.ndarray:
    """Targets of train as the array that the task wants.

    Args:
        train: Train with target columns as the exact strings of the file.
        competition: The contract.
        path: The file, for messages.
        lines: Line of each row, where these are a part of the file; a part may hold a single class.

    Returns:
        int64 class codes (n,), float64 values (n,), float64 (n, n_targets), or strings, object (n,).

    Raises:
        DataError: A target is missing, is no number, or is a label that the contract does not list.
    """
    absent = [c for c in competition.target if c not in train.columns]
    if absent:
        raise DataError(f"`{path.name}` has no target column `{absent[0]}`", columns_hint(train))
    for column in competition.target:
        missing = np.flatnonzero(train[column].isna().to_numpy())
        if len(missing) and not competition.submission.blank:
            line = _lines(path, lines)[missing[0]]
            raise DataError(f"`{path.name}` line {line}: target `{column}` is missing", "remove the row or fill it in")
    if competition.problem_type == "string":
        return train[competition.target[0]].fillna("").map(str).to_numpy(dtype=object)
    if competition.labels:
        return _codes(train[competition.target[0]], competition, path, lines)
    values = np.column_stack([parse_numbers(train[c], file=path, column=c, lines=lines) for c in competition.target])
    if competition.problem_type == "multilabel":
        _check_zero_one(values, competition, path, lines)
    elif competition.submission.wants == "label":
        _check_whole(values, competition, path, lines)
    return values[:, 0] if competition.problem_type == "regression" else values


def _lines(path: Path, lines: np.ndarray | None) -> np.ndarray:
    return line_numbers(path) if lines is None else lines


def _codes(target: pd.Series, competition: Competition, path: Path, lines: np.ndarray | None) -> np.ndarray:
    code_of = {label: code for code, label in enumerate(competition.labels)}
    codes = target.str.strip().map(code_of).fillna(-1).to_numpy(dtype=np.int64)
    unknown = np.flatnonzero(codes < 0)
    if len(unknown):
        row = unknown[0]
        raise DataError(
            f"`{path.name}` line {_lines(path, lines)[row]}: `{target.name}` is `{target.iloc[row]}`, "
            f"which is none of the labels {list(competition.labels)}",
            "correct the row, or `labels` in competition.toml",
        )
    if lines is None:
        check_classes(codes, competition, path)
    return codes


def check_classes(codes: np.ndarray, competition: Competition, path: Path) -> None:
    """Refuse a target that is the same in every row of train.

    Raises:
        DataError: With the label.
    """
    if len(np.unique(codes)) < 2:
        label = competition.labels[codes[0]]
        raise DataError(
            f"`{path.name}`: `{competition.target[0]}` is `{label}` in every row", "two classes are needed to learn"
        )


def _check_whole(values: np.ndarray, competition: Competition, path: Path, lines: np.ndarray | None) -> None:
    bad = np.flatnonzero(values[:, 0] != np.floor(values[:, 0]))
    if len(bad):
        raise DataError(
            f"`{path.name}` line {_lines(path, lines)[bad[0]]}: `{competition.target[0]}` is `{values[bad[0], 0]:g}`, "
            f"but metric `{competition.metric}` scores whole numbers",
            "correct it, or choose another metric in competition.toml",
        )


def _check_zero_one(values: np.ndarray, competition: Competition, path: Path, lines: np.ndarray | None) -> None:
    bad = np.argwhere((values != 0) & (values != 1))
    if len(bad):
        row, column = bad[0]
        raise DataError(
            f"`{path.name}` line {_lines(path, lines)[row]}: `{competition.target[column]}` is "
            f"`{values[row, column]:g}`, but a multilabel target is 0 or 1",
            'correct it, or set `problem_type = "multi-target"`',
        )
