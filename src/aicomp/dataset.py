"""A project's data, ready to be folded: features of train and test, targets as arrays, ids, groups and times."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aicomp.competition import Competition
from aicomp.data.box_tables import gather_boxes
from aicomp.data.dates import parse_dates
from aicomp.data.interactions import HISTORY, Interactions
from aicomp.data.panel import Panel
from aicomp.data.reading import check_finite, is_strings, line_numbers, read_pair, read_table
from aicomp.data.side_tables import add_columns, read_side_table
from aicomp.data.steps import read_times
from aicomp.data.strings import for_patterns
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.ids_and_targets import check_ids, columns_hint, encode_target
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
        firsts: Where train has several rows per image, the number of each image's first one in the file; else None.
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
    firsts: np.ndarray | None = None


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
    if competition.is_of_lists:
        return _load_lists(project)
    group, time = split.group or competition.group, split.time or competition.time
    strings = exact_columns(project)
    train_path, test_path = (project.raw / name for name in (competition.files.train, competition.files.test))
    train, test = read_pair(train_path, test_path, strings=strings, encoding=competition.files.encoding)
    texts = tuple(c for c in train.columns if any(is_strings(t[c]) for t in (train, test) if c in t.columns))
    _number_rows(test, competition)
    train, test = (_joined(project, t, path) for t, path in ((train, train_path), (test, test_path)))
    for name, column in (("group", group), ("time", time), ("fold_column", split.fold_column)):
        if column is not None and column not in train.columns:
            raise UsageError(
                f"`split.{name}` is `{column}`, which `{train_path.name}` does not have", columns_hint(train)
            )
    firsts = None
    if competition.boxes is not None:
        check_finite(train.drop(columns=list(competition.id), errors="ignore"), train_path)
        train, firsts = _gathered(train, competition, train_path)
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
    features = [apply_features(project, t.drop(columns=[c for c in t.columns if c in hidden])) for t in (train, test)]
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
        firsts=firsts,
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
                    f"`{path.name}` has no column `{column}`, which `series` or `time` names", columns_hint(table)
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


def _load_lists(project: Project) -> Dataset:
    """Users as rows: what they took before, and the list that they took then."""
    competition = project.competition
    path = project.raw / competition.files.test
    test = read_table(path, strings=competition.id, encoding=competition.files.encoding)
    check_ids(test, competition, path)
    taken = _interactions(project, project.raw / competition.files.train)
    users, known, held = taken.split()
    if not users:
        raise DataError(
            f"`{competition.files.train}` has one `{competition.item}` for each `{competition.user}`",
            "with two or more, one can be held out to validate: check `user` and `item` in competition.toml",
        )
    ids = test[list(competition.id)]
    histories = pd.DataFrame({HISTORY: known}, dtype=object), taken.histories(ids[competition.id[0]])
    train, features = (apply_features(project, table) for table in histories)
    return Dataset(
        train=train,
        test=features,
        y=np.array(held, dtype=object),
        train_ids=pd.DataFrame({competition.id[0]: users}, dtype=object),
        test_ids=ids,
        groups=None,
        time=None,
        fold_column=None,
    )


def _interactions(project: Project, path: Path) -> Interactions:
    """Who took what, by the rows of train.

    Raises:
        DataError: A user or item is missing, an item has a blank in it, or a time is none.
    """
    competition, time = project.competition, project.config.split.time or project.competition.time
    pair = [competition.id[0], competition.target[0]]
    train = read_table(path, strings=pair, encoding=competition.files.encoding)
    absent = [c for c in (*pair, time) if c is not None and c not in train.columns]
    if absent:
        raise DataError(f"`{path.name}` has no column `{absent[0]}`", columns_hint(train))
    for column in pair:
        bad = np.flatnonzero(
            train[column].isna() | for_patterns(train[column]).str.strip().str.contains(r"\s", na=False)
        )
        if len(bad):
            value = train[column].iloc[bad[0]]
            what = "is missing" if pd.isna(value) else f"is `{value}`, and a list has its items between blanks"
            raise DataError(f"`{path.name}` line {line_numbers(path)[bad[0]]}: `{column}` {what}", "correct that line")
    return Interactions.of(train[pair[0]], train[pair[1]], _time(train, time, path), project.config.split.seed)


def read_train_targets(competition: Competition, path: Path) -> np.ndarray:
    """Targets of a train file as the task wants them, see docs/architecture.md for shapes.

    Raises:
        DataError: See `encode_target` and `gather_boxes`.
    """
    columns = {*competition.id, *competition.target, *_label_column(competition)}
    train = read_table(path, strings=columns, encoding=competition.files.encoding)
    if competition.boxes is not None:
        train, _ = _gathered(train, competition, path)
    return encode_target(train, competition, path)


def _gathered(train: pd.DataFrame, competition: Competition, path: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """A row per image of a train with a row per box, and the number of its first one."""
    assert competition.boxes is not None
    gathered = gather_boxes(train, path, competition.boxes, competition.id, competition.target[0])
    return gathered.frame, gathered.firsts


def _label_column(competition: Competition) -> tuple[str, ...]:
    boxes = competition.boxes
    return () if boxes is None or boxes.label is None else (boxes.label,)


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
    table = read_table(
        path, strings=exact_columns(project), texts=reading["texts"], encoding=competition.files.encoding
    )
    if competition.is_of_lists:
        check_ids(table, competition, path)
        beside = path.parent / competition.files.train
        taken = _interactions(project, beside if beside.is_file() else project.raw / competition.files.train)
        histories = taken.histories(table[competition.id[0]])
        return apply_features(project, histories), table[list(competition.id)], FoundMedia(), None
    _number_rows(table, competition)
    table = _joined(project, table, path)
    check_ids(table, competition, path)
    features = apply_features(project, table.drop(columns=[c for c in table.columns if c in reading["hidden"]]))
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


def exact_columns(project: Project) -> set[str]:
    """Columns that are read as the exact strings of the file."""
    competition, split = project.competition, project.config.split
    group = split.group or competition.group
    keys = (competition.user, competition.item, *competition.files.tables.values())
    named = (group, split.fold_column, *competition.series, *keys)
    return {*competition.id, *competition.target, *_label_column(competition), *(c for c in named if c)}


def _joined(project: Project, table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """A table with the columns of the side tables, which lie beside its file or, if not there, in the project.

    Raises:
        DataError: The table lacks a key's column, or a side table is wrong.
    """
    files = project.competition.files
    for name, key in files.tables.items():
        if key not in table.columns:
            raise DataError(f"`{path.name}` has no column `{key}`, by which `{name}` is joined", columns_hint(table))
        beside = path.parent / name
        side = read_side_table(beside if beside.is_file() else project.raw / name, key, files.encoding)
        table = add_columns(table, key, side, name.partition(".")[0])
    return table


def _number_rows(test: pd.DataFrame, competition: Competition) -> None:
    """Give test the id column that counts its rows, where the contract says so."""
    if competition.first_row_id is not None:
        first = competition.first_row_id
        test.insert(0, competition.id[0], [str(i) for i in range(first, first + len(test))])


def _only_names(ids: pd.Series) -> bool:
    """Whether an id column says nothing but which row it is: not so for times, nor for one id of several."""
    return bool(ids.is_unique) and parse_dates(ids) is None


def _strings(table: pd.DataFrame, column: str | None) -> np.ndarray | None:
    return None if column is None else table[column].to_numpy(dtype=object)


def _time(table: pd.DataFrame, column: str | None, path: Path) -> np.ndarray | None:
    if column is None:
        return None
    return read_times(table[column], path, "correct it, or set `time` under `[split]` to another column").values


def apply_features(project: Project, table: pd.DataFrame) -> pd.DataFrame:
    """A table with the project's own features.

    Raises:
        UsageError: The feature function is wrong.
    """
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
