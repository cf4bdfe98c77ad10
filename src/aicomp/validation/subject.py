"""What is checked: a project's data as it is trained on, with its folds; read anew, or as a run has laid it out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pandas as pd

from aicomp.competition import Competition
from aicomp.data.arrays import load_arrays
from aicomp.data.columns import Column
from aicomp.data.reading import read_table
from aicomp.data.table import Table
from aicomp.data.values import as_strings
from aicomp.dataset import load_dataset
from aicomp.fold_choice import choose_folds
from aicomp.folds import Fold
from aicomp.layout import column_kinds
from aicomp.media import FoundMedia
from aicomp.project import Project
from aicomp.run import Run
from aicomp.task import Task


@dataclass(frozen=True)
class Subject:
    """A project's data and folds.

    Attributes:
        project: The project.
        columns: How each column is taken.
        train: Typed columns of train.
        test: Those of test, with the same levels.
        y: Targets, see docs/architecture.md for shapes.
        splitter: Name of the splitter that is in use.
        folds: Its folds.
        ids: Id columns of train and of test as strings; without columns where there are none.
        groups: Group of each train row by the project's `group`, None if it names none.
        test_groups: The same of test, None where test lacks the column.
        time: Time of each train row by the project's `time`, None if it names none.
        only_train: Feature columns that test lacks.
        media: Columns that name files.
        is_series: Whether series are forecast: then test is later by design.
    """

    project: Project
    columns: Sequence[Column]
    train: Table
    test: Table
    y: np.ndarray
    splitter: str
    folds: Sequence[Fold]
    ids: tuple[pd.DataFrame, pd.DataFrame] = field(default_factory=lambda: (pd.DataFrame(), pd.DataFrame()))
    groups: np.ndarray | None = None
    test_groups: np.ndarray | None = None
    time: np.ndarray | None = None
    only_train: pd.DataFrame = field(default_factory=pd.DataFrame)
    media: FoundMedia = field(default_factory=FoundMedia)
    is_series: bool = False

    @classmethod
    def of(cls, project: Project) -> "Subject":
        """Read the data, apply the project's features, choose column kinds and folds; files are not decoded.

        Raises:
            UsageError: The config or the project's code is wrong.
            DataError: The data breaks the contract.
        """
        dataset = load_dataset(project)
        columns = column_kinds(project, dataset)
        splitter, _, made = choose_folds(project, dataset)
        train, test = Table.build_pair(dataset.train, dataset.test, columns)
        lacking = [c for c in dataset.train.columns if c not in dataset.test.columns]
        return cls(
            project=project,
            columns=columns,
            train=train,
            test=test,
            y=dataset.y,
            splitter=splitter,
            folds=made.folds,
            ids=(dataset.train_ids, dataset.test_ids),
            groups=dataset.groups,
            test_groups=None if dataset.groups is None else _test_groups(project),
            time=dataset.time,
            only_train=dataset.train[lacking],
            media=dataset.media,
            is_series=dataset.series is not None,
        )

    @classmethod
    def of_run(cls, project: Project, run: Run) -> "Subject":
        """What a run has laid out and not yet trained: without ids, groups, times and files."""
        folds = [load_arrays(path) for path in sorted(run.work.glob("fold-*.safetensors"), key=_number)]
        train, test = (Table.load(run.work / f"{name}.safetensors") for name in ("train", "test"))
        return cls(
            project=project,
            columns=[msgspec.convert(c, Column) for c in run.read("columns.json")],
            train=train,
            test=test,
            y=load_arrays(run.work / "target.safetensors")["y"],
            splitter=str(run.read("plan.json")["splitter"]),
            folds=[Fold(fold["train"], fold["valid"]) for fold in folds],
            is_series=bool(project.competition.horizon),
        )

    @property
    def competition(self) -> Competition:
        """The contract."""
        return self.project.competition

    @property
    def task(self) -> Task:
        """The learning problem."""
        return self.project.task

    @property
    def n_train(self) -> int:
        """Rows of train."""
        return self.train.n_rows

    @property
    def n_test(self) -> int:
        """Rows of test."""
        return self.test.n_rows

    def names(self, *kinds: str) -> list[str]:
        """Columns of some kinds that are trained on."""
        return [c.name for c in self.columns if c.kind in kinds]

    def kind(self, name: str) -> str:
        """Kind of a column."""
        return next(c.kind for c in self.columns if c.name == name)

    def row_names(self, rows: np.ndarray) -> tuple[str, ...]:
        """What some rows of train are called: their ids, or "row 17"."""
        ids = self.ids[0]
        if not ids.shape[1]:
            return tuple(f"row {row}" for row in rows)
        return tuple(", ".join(map(str, values)) for values in ids.iloc[rows].itertuples(index=False))

    def strings(self, name: str, table: Table, rows: np.ndarray) -> list[str]:
        """Values of a column of codes in some rows; "" is missing."""
        levels = [*table.levels[name], ""]
        return [levels[code] for code in table.codes[name][rows]]


def _number(path: object) -> int:
    return int(str(path).rpartition("-")[2].partition(".")[0])


def _test_groups(project: Project) -> np.ndarray | None:
    competition = project.competition
    name = project.config.split.group or competition.group
    assert name is not None
    path = project.raw / competition.files.test
    table = read_table(path, strings={name}, encoding=competition.files.encoding)
    return as_strings(table[name]).to_numpy(dtype=object) if name in table.columns else None
