"""A project's data, ready to be folded: features of train and test, targets as arrays, ids, groups and times."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aicomp.competition import Competition
from aicomp.data.dates import parse_dates
from aicomp.data.panel import Panel
from aicomp.data.reading import check_finite, is_strings, line_numbers, parse_numbers, read_pair, read_table
from aicomp.data.steps import read_times
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.media import FoundMedia, naming_files, take_media, take_other_media
from aicomp.project import Project
from aicomp.raw_data import unpack_media


@dataclass(frozen=True)
class Dataset:
    """Tables of one competition; row i of every train member is the same row.

    Attributes:
        train: Features of train, n_train rows, without ids, targets, groups and fold column.
        test: Features of test, n_test rows.
        y: Targets, see docs/architecture.md for shapes.
        train_ids: Id columns of train as the exact strings of the file; no columns when train has no ids.
        test_ids: Id columns of test.
        groups: Group of each train row, None if there is none.
        time: Time of each train row as seconds or as its number, None if there is none.
        fold_column: Fold of each train row as the user gave it, None if there is none.
        texts: Columns of the raw files that were read as strings.
        hidden: Columns of the raw files that are no features.
        series: Series and steps of the rows, None if nothing is forecast.
        media: Columns that name files, whose values are paths, or that are pixels.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    y: np.ndarray
    train_ids: pd.DataFrame
    test_ids: pd.DataFrame
    groups: np.ndarray | None
    time: np.ndarray | None
    fold_column: np.ndarray | None
    texts: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    media: FoundMedia = field(default_factory=FoundMedia)
    series: "SeriesRows | None" = None


@dataclass(frozen=True)
class SeriesRows:
    """Series and steps of the rows of a competition that is forecast.

    Attributes:
        panel: The series.
        train: Number of the series and of the step of each train row, int64 (n_train, 2).
        test: The same of test.
    """

    panel: Panel
    train: np.ndarray
    test: np.ndarray


def load_dataset(project: Project) -> Dataset:
    """Read the raw files, check them against the contract, and apply the project's own features.

    Raises:
        DataError: A file breaks the contract; the message names file, line, column and value.
        UsageError: The config names a column that is not there, or the feature function is wrong.
    """
    competition, split = project.competition, project.config.split
    group, time = split.group or competition.group, split.time or competition.time
    strings = _exact(project)
    train_path, test_path = (project.raw / name for name in (competition.files.train, competition.files.test))
    train, test = read_pair(train_path, test_path, strings=strings, encoding=competition.files.encoding)
    texts = tuple(c for c in train.columns if any(is_strings(t[c]) for t in (train, test) if c in t.columns))
    _number_rows(test, competition)
    for name, column in (("group", group), ("time", time), ("fold_column", split.fold_column)):
        if column is not None and column not in train.columns:
            raise UsageError(f"`split.{name}` is `{column}`, which `{train_path.name}` does not have", _columns(train))
    y = encode_target(train, competition, train_path)
    check_ids(test, competition, test_path)
    if set(competition.id) <= set(train.columns):
        check_ids(train, competition, train_path)

    fold_only = {c for c in (group, split.fold_column) if c}
    index = unpack_media(project.raw)
    of_train = [c for c in competition.id if c in train.columns]
    files = naming_files(train[of_train], test[of_train], index)
    ids = {c for c in competition.id if c not in train.columns or (_only_names(test[c]) and c not in files)}
    hidden = {*ids, *competition.target, *fold_only}
    features = [_features(project, t.drop(columns=[c for c in t.columns if c in hidden])) for t in (train, test)]
    for table, path in zip(features, (train_path, test_path), strict=True):
        check_finite(table, path)
    media, of_rows, of_test = take_media(project, features[0], features[1], index)
    return Dataset(
        train=of_rows,
        test=of_test,
        y=y,
        train_ids=train[[c for c in competition.id if c in train.columns]],
        test_ids=test[list(competition.id)],
        groups=_strings(train, group),
        time=_time(train, time, train_path),
        fold_column=_strings(train, split.fold_column),
        texts=texts,
        hidden=tuple(sorted(hidden)),
        series=_series(project, (train, train_path), (test, test_path), time),
        media=media,
    )


def _series(
    project: Project, train: tuple[pd.DataFrame, Path], test: tuple[pd.DataFrame, Path], time: str | None
) -> SeriesRows | None:
    """Series and steps, where the contract says that something is forecast."""
    competition, period = project.competition, project.config.forecast.period
    if not competition.horizon:
        return None
    for column in (*competition.series, str(time)):
        for table, path in (train, test):
            if column not in table.columns:
                raise UsageError(
                    f"`{path.name}` has no column `{column}`, which `series` or `time` names", _columns(table)
                )
    if period != "auto" and period < 1:
        raise UsageError(f"`forecast.period` is {period}, it must be at least 1", "write `--set forecast.period=12`")
    panel = Panel.of(
        train,
        test,
        names=competition.series,
        time=str(time),
        horizon=competition.horizon,
        gap=competition.gap,
        period=None if period == "auto" else period,
    )
    places = [panel.place(*part) for part in (train, test)]
    panel.check_future(places[1], test[1])
    return SeriesRows(panel, *places)


def load_test(
    project: Project, path: Path, reading: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame, FoundMedia, np.ndarray | None]:
    """Read other test rows as those of a run were read.

    Args:
        project: The project.
        path: File of the form of the competition's test file; files that its columns name lie beside it or in the
            project's `data/raw/`.
        reading: `reading.json` of the run.

    Returns:
        Features and ids of the rows, which columns name files, and numbers of series and steps where they are forecast.

    Raises:
        DataError: The file breaks the contract.
        UsageError: The feature function is wrong.
    """
    competition = project.competition
    table = read_table(path, strings=_exact(project), texts=reading["texts"], encoding=competition.files.encoding)
    _number_rows(table, competition)
    check_ids(table, competition, path)
    features = _features(project, table.drop(columns=[c for c in table.columns if c in reading["hidden"]]))
    check_finite(features, path)
    media = FoundMedia()
    if reading.get("media"):  # absent in runs of old
        media, features = take_other_media(project, reading["media"], features, path.parent)
    places = None
    if reading.get("panel"):  # likewise
        panel = Panel.from_dict(reading["panel"])
        places = panel.place(table, path)
        panel.check_future(places, path)
    return features, table[list(competition.id)], media, places


def _exact(project: Project) -> set[str]:
    """Columns that are read as the exact strings of the file."""
    competition, split = project.competition, project.config.split
    group = split.group or competition.group
    named = (group, split.fold_column, *competition.series)
    return {*competition.id, *competition.target, *(c for c in named if c)}


def _number_rows(test: pd.DataFrame, competition: Competition) -> None:
    """Give test the id column that counts its rows, where the contract says so."""
    if competition.first_row_id is not None:
        first = competition.first_row_id
        test.insert(0, competition.id[0], [str(i) for i in range(first, first + len(test))])


def _only_names(ids: pd.Series) -> bool:
    """Whether an id column says nothing but which row it is: not so for times, nor for one id of several."""
    return bool(ids.is_unique) and parse_dates(ids) is None


def _columns(table: pd.DataFrame) -> str:
    return f"its columns: {', '.join(map(str, table.columns))}"


def _strings(table: pd.DataFrame, column: str | None) -> np.ndarray | None:
    return None if column is None else table[column].to_numpy(dtype=object)


def _time(table: pd.DataFrame, column: str | None, path: Path) -> np.ndarray | None:
    if column is None:
        return None
    return read_times(table[column], path, "correct it, or set `time` under `[split]` to another column").values


def _features(project: Project, table: pd.DataFrame) -> pd.DataFrame:
    if project.add_features is None:
        return table
    name = project.config.features.function
    try:
        result = project.add_features(table.copy())
    except AicompError:
        raise
    except Exception as e:
        raise UsageError(
            f"`{name}` failed with {type(e).__name__}: {e}", "correct it, or run `python train.py` to debug"
        ) from e
    if not isinstance(result, pd.DataFrame) or len(result) != len(table):
        got = f"{len(result)} rows" if isinstance(result, pd.DataFrame) else type(result).__name__
        raise UsageError(f"`{name}` must return a DataFrame of {len(table)} rows, got {got}", "return one row per row")
    return result.reset_index(drop=True)


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
        raise DataError(f"`{path.name}` has no id column `{absent[0]}`", _columns(table))
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


def encode_target(train: pd.DataFrame, competition: Competition, path: Path) -> np.ndarray:
    """Targets of train as the array that the task wants.

    Args:
        train: Train with target columns as the exact strings of the file.
        competition: The contract.
        path: The file, for messages.

    Returns:
        int64 class codes (n,), float64 values (n,), float64 (n, n_targets), or strings, object (n,).

    Raises:
        DataError: A target is missing, is no number, or is a label that the contract does not list.
    """
    absent = [c for c in competition.target if c not in train.columns]
    if absent:
        raise DataError(f"`{path.name}` has no target column `{absent[0]}`", _columns(train))
    for column in competition.target:
        missing = np.flatnonzero(train[column].isna().to_numpy())
        if len(missing) and not competition.submission.blank:
            line = line_numbers(path)[missing[0]]
            raise DataError(f"`{path.name}` line {line}: target `{column}` is missing", "remove the row or fill it in")
    if competition.problem_type == "string":
        return train[competition.target[0]].fillna("").map(str).to_numpy(dtype=object)
    if competition.labels:
        return _codes(train[competition.target[0]], competition, path)
    values = np.column_stack([parse_numbers(train[c], file=path, column=c) for c in competition.target])
    if competition.problem_type == "multilabel":
        _check_zero_one(values, competition, path)
    elif competition.submission.wants == "label":
        _check_whole(values, competition, path)
    return values[:, 0] if competition.problem_type == "regression" else values


def _codes(target: pd.Series, competition: Competition, path: Path) -> np.ndarray:
    code_of = {label: code for code, label in enumerate(competition.labels)}
    codes = target.str.strip().map(code_of).fillna(-1).to_numpy(dtype=np.int64)
    unknown = np.flatnonzero(codes < 0)
    if len(unknown):
        row = unknown[0]
        raise DataError(
            f"`{path.name}` line {line_numbers(path)[row]}: `{target.name}` is `{target.iloc[row]}`, "
            f"which is none of the labels {list(competition.labels)}",
            "correct the row, or `labels` in competition.toml",
        )
    if len(np.unique(codes)) < 2:
        raise DataError(
            f"`{path.name}`: `{target.name}` is `{target.iloc[0]}` in every row", "two classes are needed to learn"
        )
    return codes


def _check_whole(values: np.ndarray, competition: Competition, path: Path) -> None:
    bad = np.flatnonzero(values[:, 0] != np.floor(values[:, 0]))
    if len(bad):
        raise DataError(
            f"`{path.name}` line {line_numbers(path)[bad[0]]}: `{competition.target[0]}` is `{values[bad[0], 0]:g}`, "
            f"but metric `{competition.metric}` scores whole numbers",
            "correct it, or choose another metric in competition.toml",
        )


def _check_zero_one(values: np.ndarray, competition: Competition, path: Path) -> None:
    bad = np.argwhere((values != 0) & (values != 1))
    if len(bad):
        row, column = bad[0]
        raise DataError(
            f"`{path.name}` line {line_numbers(path)[row]}: `{competition.target[column]}` is "
            f"`{values[row, column]:g}`, but a multilabel target is 0 or 1",
            'correct it, or set `problem_type = "multi-target"`',
        )
