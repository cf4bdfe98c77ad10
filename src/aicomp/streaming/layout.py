"""Lay out a run whose tables are larger than memory: typed columns on disk, targets, folds and ids; `READY` last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from aicomp.data.arrays import save_arrays
from aicomp.data.columns import Column, infer_columns, joined
from aicomp.data.id_files import StoredIds
from aicomp.data.monotone import check_monotone
from aicomp.data.table_file import TableWriter, smallest_integer
from aicomp.data.values import CONVERT, TimeFormat, as_seconds, as_strings, time_format
from aicomp.dataset import Dataset
from aicomp.errors import DataError, UsageError
from aicomp.files import atomic_write, partial_file
from aicomp.fold_choice import choose_folds
from aicomp.folds import Folds
from aicomp.project import Project
from aicomp.recording.write import write_folds_in_parts
from aicomp.run import Run
from aicomp.streaming.files import STREAM_FILE
from aicomp.streaming.sample import SAMPLE_ROWS
from aicomp.streaming.survey import MOST_LEVELS, Reader, Seen, TableSurvey, survey

_NAMES = ("train", "test")


@dataclass(frozen=True)
class Typing:
    """How columns are written.

    Attributes:
        columns: Kind of each.
        times: How times are written.
        levels: Strings of each column of codes, sorted; train and test share them.
        exact: Columns of numbers that float32 holds exactly.
    """

    columns: list[Column]
    times: Mapping[str, TimeFormat]
    levels: dict[str, list[str]]
    exact: frozenset[str]


def lay_out_in_parts(project: Project, run: Run, reason: str) -> Run:
    """Read the data in parts, choose column kinds and folds, and write what workers need.

    Args:
        project: The project.
        run: A new run, which holds nothing but `run.json`.
        reason: Why it is done in parts.

    Raises:
        DataError: The data breaks the contract.
        UsageError: The config or the project's code is wrong.
    """
    reader, found = _survey_both(project)
    typing, notes = _choose(project, reader, found)
    check_monotone(project.config.model.monotone, typing.columns)
    name, why, made = choose_folds(project, _dataset(found["train"]))
    made = replace(made, notes=[reason, *notes, *made.notes])
    for table in _NAMES:
        with partial_file(run.work / f"{table}.safetensors") as path:
            _write_table(reader, table, found[table].n_rows, typing, path)
    _write_rest(run, reader, found, typing, made, (name, why))
    return run


def _survey_both(project: Project) -> tuple[Reader, dict[str, TableSurvey]]:
    """Both tables, with every column that holds strings somewhere read as strings everywhere."""
    texts: frozenset[str] = frozenset()
    while True:
        reader = Reader(project, texts)
        found = {name: survey(reader, name) for name in _NAMES}
        mixed = _mixed(reader, found) - texts
        if not mixed:
            return reader, found
        texts |= mixed


def _mixed(reader: Reader, found: Mapping[str, TableSurvey]) -> frozenset[str]:
    """Raw columns that hold strings in some part, and something else in another."""
    mixed = {name for table in found.values() for name, classes in table.raw.items() if len(classes) > 1}
    for own, other in (_NAMES, _NAMES[::-1]):
        if reader.paths[own].suffix != ".parquet":  # parquet knows its types
            raw = found[other].raw
            mixed |= {
                c for c, classes in found[own].raw.items() if classes == {"number"} and "string" in raw.get(c, ())
            }
    return frozenset(mixed)


def _choose(project: Project, reader: Reader, found: Mapping[str, TableSurvey]) -> tuple[Typing, list[str]]:
    """Kinds by a sample of the rows, held against what all rows say."""
    train, test = (found[name].sample.frame() for name in _NAMES)
    _check_classes(project, found)
    columns = infer_columns(train, test, project.config.columns)
    of_train = found["train"].seen
    columns = [
        replace(c, kind="drop", reason="constant in train")
        if c.kind != "drop" and c.name not in project.config.columns and of_train[c.name].is_constant
        else c
        for c in columns
    ]
    notes = []
    if any(found[name].sample.step > 1 for name in _NAMES):
        notes.append(
            f"kinds of columns are chosen by {len(train)} of {found['train'].n_rows} train rows and {len(test)} of "
            f"{found['test'].n_rows} test rows, those with extreme and missing values among them"
        )
    times = {c.name: time_format(joined(train[c.name], test[c.name])) for c in columns if c.kind == "datetime"}
    coded = [c.name for c in columns if c.kind != "drop" and c.kind not in CONVERT]
    levels = {name: sorted(_levels_of(reader, found, name)) for name in coded}
    exact = {c.name for c in columns if c.kind in ("number", "code") and _is_exact(found, c.name)}
    exact |= {c.name for c in columns if c.kind == "boolean"}
    return Typing(columns, times, levels, frozenset(exact)), notes


def _check_classes(project: Project, found: Mapping[str, TableSurvey]) -> None:
    """Refuse features that are strings in some parts and numbers in others: raw columns were made alike before."""
    for table in found.values():
        for name, seen in table.seen.items():
            if len(seen.classes) > 1:
                kinds = " and ".join(sorted(seen.classes))
                raise UsageError(
                    f"`{project.config.features.function}` gives `{name}` as {kinds} in different parts of the rows",
                    f"give it one type, such as `table[{name!r}].astype(float)`",
                )


def _is_exact(found: Mapping[str, TableSurvey], name: str) -> bool:
    both = [found[table].seen[name] for table in _NAMES]
    return all(seen.is_exact and seen.classes <= {"number", "timedelta"} for seen in both)


def _levels_of(reader: Reader, found: Mapping[str, TableSurvey], name: str) -> set[str]:
    both = [found[table].seen.get(name, Seen()) for table in _NAMES]
    levels: set[str] = set()
    for table, seen in zip(_NAMES, both, strict=True):
        if seen.levels is None:
            raise DataError(
                f"`{name}` has more than {MOST_LEVELS} distinct values, too many for a category that is read in parts",
                f'write `"{name}" = "drop"` under [columns], or make another feature of it in features.py',
            )
        if seen.classes <= {"string", "bool"}:
            levels |= seen.levels
        else:  # numbers or times that are to be taken as names
            for part in reader.parts(table):
                levels |= set(as_strings(part.features[name]).dropna().unique())
    return levels


def _dataset(train: TableSurvey) -> Dataset:
    """What the choice of folds wants to know."""
    nothing = pd.DataFrame(index=range(0))
    return Dataset(nothing, nothing, train.y, nothing, nothing, groups=None, time=None, fold_column=None)


def _write_table(reader: Reader, name: str, n_rows: int, typing: Typing, path: Path) -> None:
    wanted = [c for c in typing.columns if c.kind != "drop"]
    numbers = {
        c.name: np.dtype(np.float32 if c.name in typing.exact else np.float64)
        for c in wanted
        if c.name not in typing.levels
    }
    codes = {column: smallest_integer(len(levels)) for column, levels in typing.levels.items()}
    index = {column: pd.Index(levels, dtype=object) for column, levels in typing.levels.items()}
    with path.open("wb") as file:
        writer = TableWriter(file, n_rows, numbers, codes, typing.levels)
        for part in reader.parts(name):
            _check_columns(part.features, wanted, reader.paths[name])
            for column in wanted:
                values = part.features[column.name]
                if column.name in index:
                    writer.write(
                        f"code:{column.name}", part.start, index[column.name].get_indexer(pd.Index(as_strings(values)))
                    )
                else:
                    writer.write(f"number:{column.name}", part.start, _numbers(column, values, typing.times))


def _check_columns(frame: pd.DataFrame, wanted: Sequence[Column], path: Path) -> None:
    absent = [c.name for c in wanted if c.name not in frame.columns]
    if absent:
        raise DataError(f"a part of `{path.name}` has no column `{absent[0]}`", "make the same features of all rows")


def _numbers(column: Column, values: pd.Series, times: Mapping[str, TimeFormat]) -> np.ndarray:
    if column.name in times:
        return as_seconds(values, times[column.name])
    return CONVERT[column.kind](values)


def _write_rest(
    run: Run,
    reader: Reader,
    found: Mapping[str, TableSurvey],
    typing: Typing,
    made: Folds,
    splitter: tuple[str, str],
) -> None:
    """Everything beside the tables, as `Layout.write` does."""
    for name in _NAMES:
        found[name].ids.save(run.folder, name)
    n_rows = [found[name].n_rows for name in _NAMES]
    run.write("columns.json", [msgspec.to_builtins(c) for c in typing.columns])
    plan: dict[str, Any] = {"splitter": splitter[0], "splitter_reason": splitter[1], "notes": made.notes}
    run.write("plan.json", {**plan, "streamed": True, "n_folds": len(made.folds), "n_rows": n_rows})
    raw = {name: classes for table in found.values() for name, classes in table.raw.items() if "string" in classes}
    run.write(
        "reading.json",
        {
            "texts": [c for c in found["train"].raw if c in raw],
            "hidden": sorted(set(reader.hidden)),
            "times": {name: msgspec.to_builtins(fmt) for name, fmt in typing.times.items()},
            "media": {},
            "panel": None,
        },
    )
    run.write("work/media.json", {})
    extremes = sorted(set(found["train"].sample.extremes)) if found["train"].n_rows > SAMPLE_ROWS else []
    run.write(f"work/{STREAM_FILE}", {"extremes": extremes})
    save_arrays(run.work / "target.safetensors", {"y": found["train"].y})
    for k, fold in enumerate(made.folds):
        save_arrays(run.work / f"fold-{k}.safetensors", {"train": fold.train, "valid": fold.valid})
    write_folds_in_parts(run, StoredIds(run.folder, "train"), n_rows[0], [fold.valid for fold in made.folds])
    atomic_write(run.work / "READY", "")
