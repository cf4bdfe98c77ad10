"""One pass over train and test in parts: what every row has to say, exactly, and a sample of the rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.data.dates import parse_dates
from aicomp.data.id_files import IdWriter
from aicomp.data.reading import check_finite
from aicomp.data.values import as_numbers, as_strings
from aicomp.dataset import apply_features, exact_columns
from aicomp.errors import DataError, UsageError
from aicomp.grading.keys import Keys, words_of
from aicomp.grading.text_table import show_id
from aicomp.ids_and_targets import check_classes, columns_hint, encode_target
from aicomp.project import Project
from aicomp.streaming.frames import frames
from aicomp.streaming.sample import RowSample

MOST_LEVELS = 2_000_000
"""Distinct strings of a column up to which they are collected."""

_CHECKED_ROWS = 2000
"""Rows on which features of parts are compared with features of the whole."""


@dataclass
class Seen:
    """What all values of a column have in common.

    Attributes:
        classes: "bool", "number", "datetime", "timedelta" and "string", as parts were read.
        is_exact: Whether every number is one of float32.
        low: Least number.
        high: Largest number.
        levels: Distinct strings; None where they are too many to be collected.
        is_constant: Whether all values seen are the same, a missing one being a value.
    """

    classes: set[str] = field(default_factory=set)
    is_exact: bool = True
    low: float = np.inf
    high: float = -np.inf
    levels: set[str] | None = field(default_factory=set)
    n_missing: int = 0
    n_rows: int = 0

    @property
    def is_constant(self) -> bool:
        """Whether all values are the same, a missing one being a value of its own."""
        if self.n_missing:
            return self.n_missing == self.n_rows
        return self.low == self.high if not self.levels and self.levels is not None else self._n_levels <= 1

    @property
    def _n_levels(self) -> int:
        return MOST_LEVELS if self.levels is None else len(self.levels)

    def add(self, values: pd.Series) -> list[int]:
        """Look at some more values; returns the places of a few that are extremes so far, or the first one missing."""
        missing = values.isna().to_numpy()
        places = [int(np.argmax(missing))] if missing.any() and not self.n_missing else []
        self.n_missing, self.n_rows = self.n_missing + int(missing.sum()), self.n_rows + len(values)
        found = class_of(values)
        if found is None:
            return places
        self.classes.add(found)
        if found in ("number", "timedelta"):
            numbers = as_numbers(values)
            with np.errstate(over="ignore"):
                self.is_exact &= bool((numbers.astype(np.float32) == numbers)[~missing].all())
            lowest, highest = int(np.nanargmin(numbers)), int(np.nanargmax(numbers))
            places += [lowest] if numbers[lowest] < self.low else []
            places += [highest] if numbers[highest] > self.high else []
            self.low, self.high = min(self.low, numbers[lowest]), max(self.high, numbers[highest])
        elif self.levels is not None:
            new = set(as_strings(values).dropna().unique()) - self.levels
            places += (
                [int(np.argmax((values == value).to_numpy())) for value in list(new)[:1]] if not self.levels else []
            )
            self.levels |= new
            self.levels = self.levels if len(self.levels) <= MOST_LEVELS else None
        return places


@dataclass
class Part:
    """Some rows of a table, read and checked.

    Attributes:
        start: Number of the first.
        features: The columns that may be learned from.
    """

    start: int
    features: pd.DataFrame


@dataclass
class TableSurvey:
    """What one table says.

    Attributes:
        n_rows: Rows.
        seen: Of each feature.
        raw: Classes of each raw column.
        sample: Some rows of the features, all of them if they are few.
        extremes: Numbers of rows with extreme or missing values.
        ids: Id columns, packed.
        y: Targets of train, shapes as in docs/architecture.md.
    """

    n_rows: int
    seen: dict[str, Seen]
    raw: dict[str, set[str]]
    sample: RowSample
    ids: IdWriter
    y: np.ndarray


class Reader:
    """Reads a project's tables in parts.

    Args:
        project: The project.
        texts: Columns that hold strings in some rows, and are strings in all.
    """

    def __init__(self, project: Project, texts: frozenset[str] = frozenset()) -> None:
        self.project = project
        self.texts = texts
        files = project.competition.files
        self.paths = {"train": project.raw / files.train, "test": project.raw / files.test}
        self.hidden = (*self._name_ids(), *project.competition.target)

    def raw_parts(self, name: str) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """Rows as they are in the file, and their lines."""
        encoding = self.project.competition.files.encoding
        yield from frames(self.paths[name], encoding, exact_columns(self.project), self.texts)

    def features(self, frame: pd.DataFrame, path: Path, lines: np.ndarray) -> pd.DataFrame:
        """What may be learned from of some rows."""
        table = apply_features(self.project, frame.drop(columns=[c for c in frame.columns if c in self.hidden]))
        check_finite(table, path, lines)
        return table

    def parts(self, name: str) -> Iterator[Part]:
        """Features of all rows of a table."""
        start = 0
        for frame, lines in self.raw_parts(name):
            yield Part(start, self.features(frame, self.paths[name], lines))
            start += len(frame)

    def _name_ids(self) -> list[str]:
        """Id columns that say nothing but which row it is; see `dataset`."""
        ids, path = list(self.project.competition.id), self.paths["test"]
        encoding = self.project.competition.files.encoding
        blocks: dict[str, list[np.ndarray]] = {column: [] for column in ids}
        dated: set[str] = set()
        for k, (frame, _) in enumerate(frames(path, encoding, exact_columns(self.project), self.texts)):
            absent = [c for c in ids if c not in frame.columns]
            if absent:
                raise DataError(f"`{path.name}` has no id column `{absent[0]}`", columns_hint(frame))
            dated |= {c for c in ids if k == 0 and parse_dates(frame[c]) is not None}
            if len(ids) == 1:  # that one is unique, or else refused below
                break
            for column in ids:
                blocks[column].append(words_of(frame[[column]].fillna("")))
        unique = [c for c in ids if len(ids) == 1 or Keys.joined(blocks[c]).first_twice() is None]
        return [c for c in unique if c not in dated]


def survey(reader: Reader, name: str) -> TableSurvey:
    """Read a table once.

    Raises:
        DataError: The table breaks the contract; the message names file, line, column and value.
        UsageError: The feature function is wrong, or gives other features for parts of the rows.
    """
    competition, path = reader.project.competition, reader.paths[name]
    seen: dict[str, Seen] = {}
    raw: dict[str, set[str]] = {}
    sample, y, blocks = RowSample(), list[np.ndarray](), list[np.ndarray]()
    ids: IdWriter | None = None
    n_rows = 0
    for frame, lines in reader.raw_parts(name):
        own = [c for c in competition.id if c in frame.columns]
        if name == "test" or len(own) == len(competition.id):
            _check_missing(frame, own, path, lines)
            blocks += [words_of(frame[own])] if own else []
        ids = ids or IdWriter(own)
        ids.add(frame[own])
        if name == "train":
            y.append(encode_target(frame, competition, path, lines))
        for column in frame.columns:
            found = class_of(frame[column])
            raw.setdefault(column, set()).update({found} if found else ())
        if not n_rows:
            _check_row_wise(reader, frame, path, lines)
        features = reader.features(frame, path, lines)
        for column in features.columns:
            seen.setdefault(str(column), Seen())
        places = [place for column, of in seen.items() for place in of.add(features[column])]
        sample.add(features, n_rows, places)
        n_rows += len(frame)
    if not n_rows:
        raise DataError(f"`{path.name}` has a header and no rows", "download it again")
    if blocks:
        _check_unique(Keys.joined(blocks), reader, name)
    targets = np.concatenate(y) if y else np.empty(0)
    if name == "train" and competition.labels:
        check_classes(targets, competition, path)
    assert ids is not None
    return TableSurvey(n_rows, seen, raw, sample, ids, targets)


def class_of(values: pd.Series) -> str | None:
    """How the values of a column were read, None if all are missing."""
    if not values.notna().any():
        return None
    if pd.api.types.is_bool_dtype(values):
        return "bool"
    if pd.api.types.is_numeric_dtype(values):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(values):
        return "datetime"
    return "timedelta" if pd.api.types.is_timedelta64_dtype(values) else "string"


def _check_missing(frame: pd.DataFrame, ids: list[str], path: Path, lines: np.ndarray) -> None:
    missing = np.argwhere(frame[ids].isna().to_numpy())
    if len(missing):
        row, column = missing[0]
        raise DataError(f"`{path.name}` line {lines[row]}: id `{ids[column]}` is missing", "fill it in")


def _check_unique(keys: Keys, reader: Reader, name: str) -> None:
    twice = keys.first_twice()
    if twice is None:
        return
    start = 0
    for frame, lines in reader.raw_parts(name):
        row = twice[0] - start
        if row < len(frame):
            value = show_id(frame[list(reader.project.competition.id)].iloc[row])
            raise DataError(
                f"`{reader.paths[name].name}` line {lines[row]}: id {value} appears a second time",
                "remove the duplicate, or name all id columns with `--id`",
            )
        start += len(frame)


def _check_row_wise(reader: Reader, frame: pd.DataFrame, path: Path, lines: np.ndarray) -> None:
    """Refuse features of a row that hang on other rows: each part would have others."""
    if reader.project.add_features is None or len(frame) < 3:
        return
    n = min(len(frame), _CHECKED_ROWS)
    cuts = [0, n // 3, n]
    whole = reader.features(frame.iloc[:n].reset_index(drop=True), path, lines)
    pieces = [reader.features(frame.iloc[a:b].reset_index(drop=True), path, lines[a:b]) for a, b in pairwise(cuts)]
    function = reader.project.config.features.function
    hint = "make each feature of a row of that row alone, or write `--set data.streaming=false`"
    if any(list(piece.columns) != list(whole.columns) for piece in pieces):
        raise UsageError(f"`{function}` gives other columns for a part of the rows than for all of them", hint)
    for column in whole.columns:
        a, b = whole[column], pd.concat([piece[column] for piece in pieces], ignore_index=True)
        differ = np.flatnonzero(~((a == b) | (a.isna() & b.isna())).to_numpy(dtype=bool))
        if len(differ):
            row = differ[0]
            raise UsageError(
                f"`{function}` gives `{column}` = `{b.iloc[row]}` for `{path.name}` line {lines[row]} when it gets a "
                f"part of the rows, and `{a.iloc[row]}` when it gets more of them; tables are read in parts here",
                hint,
            )
