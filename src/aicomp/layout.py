"""What all runs on the same data and folds have in common: typed tables, columns, folds, ids."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aicomp.data.arrays import save_arrays
from aicomp.data.clamps import check_clamps, clamps_of
from aicomp.data.columns import SET_BY_HAND, Column, infer_columns, joined
from aicomp.data.interactions import HISTORY
from aicomp.data.monotone import check_monotone
from aicomp.data.panel import SERIES_FILE
from aicomp.data.reading import line_numbers
from aicomp.data.table import Table
from aicomp.data.values import time_format
from aicomp.dataset import Dataset, load_dataset
from aicomp.files import atomic_write, partial_file, writing
from aicomp.fold_choice import choose_folds
from aicomp.folds import Folds
from aicomp.media import DecodedMedia, decode_media, described_decodings
from aicomp.project import Project
from aicomp.recording.write import write_folds_csv, write_ids
from aicomp.run import Run


@dataclass(frozen=True)
class Layout:
    """A project's data, read and folded.

    Attributes:
        dataset: The data.
        columns: How each column is taken.
        splitter: Name of the splitter.
        splitter_reason: Why this one.
        made: The folds.
        tables: Train and test with typed columns.
        decoded: The files that columns name.
    """

    dataset: Dataset
    columns: list[Column]
    splitter: str
    splitter_reason: str
    made: Folds
    tables: tuple[Table, Table]
    decoded: DecodedMedia

    @classmethod
    def of(cls, project: Project) -> "Layout":
        """Read the data, choose column kinds and folds.

        Raises:
            UsageError: The config or the project's code is wrong.
            DataError: The data breaks the contract.
        """
        dataset = load_dataset(project)
        columns = column_kinds(project, dataset)
        name, reason, made = choose_folds(project, dataset)
        tables = Table.build_pair(dataset.train, dataset.test, columns)
        check_clamps(clamps_of(project.config.features.clamp), columns, tables)
        check_monotone(project.config.model.monotone, columns)
        decoded = decode_media(project, dataset.media, columns, tables[0].levels, _places(project, dataset))
        made = replace(made, notes=[*made.notes, *decoded.notes])
        return cls(dataset, columns, name, reason, made, tables, decoded)

    def noting(self, note: str) -> "Layout":
        """The same with a note before those about its folds; "" adds none."""
        return replace(self, made=replace(self.made, notes=[note, *self.made.notes])) if note else self

    def write(self, folder: Path) -> None:
        """Write it into a run's folder: `work/READY` last."""
        run, dataset, folds = Run(folder), self.dataset, self.made.folds
        run.write("columns.json", [msgspec.to_builtins(c) for c in self.columns])
        run.write("plan.json", self._plan())
        run.write("reading.json", self._reading())
        write_folds_csv(run, dataset.train_ids, len(dataset.train), [fold.valid for fold in folds])
        for name, table in zip(("train", "test"), self.tables, strict=True):
            with partial_file(run.work / f"{name}.safetensors") as temporary:
                table.save(temporary)
        run.write("work/media.json", {kind: str(files.path) for kind, files in self.decoded.files.items()})
        bad = {kind: files.bad for kind, files in self.decoded.files.items() if files.bad}
        if bad:
            run.write("bad_files.json", bad)
        save_arrays(run.work / "target.safetensors", {"y": dataset.y})
        if dataset.series is not None:
            save_arrays(run.work / SERIES_FILE, {"train": dataset.series.train, "test": dataset.series.test})
        for k, fold in enumerate(folds):
            save_arrays(run.work / f"fold-{k}.safetensors", {"train": fold.train, "valid": fold.valid})
        write_ids(run, dataset.train_ids, dataset.test_ids)
        atomic_write(run.work / "READY", "")

    def _plan(self) -> dict[str, Any]:
        return {
            "splitter": self.splitter,
            "splitter_reason": self.splitter_reason,
            "notes": self.made.notes,
            "n_folds": len(self.made.folds),
            "n_rows": [table.n_rows for table in self.tables],
        }

    def _reading(self) -> dict[str, Any]:
        """How the files were read, so that the run can predict other rows."""
        dates = [c.name for c in self.columns if c.kind == "datetime"]
        both = {name: joined(self.dataset.train[name], self.dataset.test[name]) for name in dates}
        times = {name: msgspec.to_builtins(time_format(values)) for name, values in both.items()}
        series = self.dataset.series
        media = {**self.dataset.media.to_json(), "decodings": described_decodings(self.decoded)}
        return {
            "texts": self.dataset.texts,
            "hidden": self.dataset.hidden,
            "times": times,
            "media": media,
            "panel": None if series is None else series.panel.as_dict(),
        }


def column_kinds(project: Project, dataset: Dataset) -> list[Column]:
    """How each column of a project's data is taken, by its values, its contract and its config.

    Raises:
        UsageError: The config names an unknown column or kind.
        DataError: No column is left, or a value does not fit the kind that the config says.
    """
    kinds = {**_pair_kinds(project, dataset), **_overrides(project, dataset)}
    return _saying_whom(infer_columns(dataset.train, dataset.test, kinds, dataset.media.kinds), project)


def _overrides(project: Project, dataset: Dataset) -> dict[str, str]:
    """Kinds that are not inferred: keys of series name something, whatever they are written as."""
    keys = [] if dataset.series is None else dataset.series.panel.names
    here = {name: "category" for name in keys if name in dataset.train.columns and name in dataset.test.columns}
    return {**here, **project.config.columns}


def _places(project: Project, dataset: Dataset) -> Callable[[str, str], str]:
    """Says in which line of which file a column names a path."""
    files = project.competition.files

    def where(column: str, path: str) -> str:
        for name, table in ((files.train, dataset.train), (files.test, dataset.test)):
            rows = np.flatnonzero((table[column] == path).to_numpy())
            if len(rows):
                rows = rows if dataset.firsts is None or name == files.test else dataset.firsts[rows]
                return f"`{name}` line {line_numbers(project.raw / name)[rows[0]]}"
        return f"`{files.train}`"

    return where


def _pair_kinds(project: Project, dataset: Dataset) -> dict[str, str]:
    """User and item name something, whatever their values look like; a list of items is read as it is."""
    if project.competition.is_of_lists:
        return {HISTORY: "text"} if HISTORY in dataset.train.columns else {}
    pair = (project.competition.user, project.competition.item)
    return {column: "category" for column in pair if column is not None and column in dataset.train.columns}


def _saying_whom(columns: list[Column], project: Project) -> list[Column]:
    """The columns, those of user and item with what they are as their reason."""
    reasons = {project.competition.user: "names the user", project.competition.item: "names the item"}
    return [
        replace(c, reason=c.reason.replace(SET_BY_HAND, reasons[c.name]))
        if c.name in reasons and c.name not in project.config.columns
        else c
        for c in columns
    ]


def share_layout(source: Path, run: Run) -> None:
    """Give a run the files of a layout that is written already; they are on disk once.

    Args:
        source: Folder of `Layout.write`.
        run: A run that holds nothing but `run.json`.
    """
    ready = Path("work", "READY")
    names = sorted(p.relative_to(source) for p in source.rglob("*") if p.is_file())
    with writing(run.folder):
        run.work.mkdir(parents=True, exist_ok=True)
        for name in [*(n for n in names if n != ready), ready]:
            _link(source / name, run.folder / name)


def _link(source: Path, target: Path) -> None:
    """A second name of a file that is never changed in place, or a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
