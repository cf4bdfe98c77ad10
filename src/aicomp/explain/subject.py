"""What is explained: the model of each fold as a function of rows, and the rows that it validated."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from aicomp.competition import Competition
from aicomp.data.columns import Column
from aicomp.data.table import Table
from aicomp.errors import UsageError
from aicomp.fold_model import FoldModel
from aicomp.last_step.steps import PLAIN, Step, load_step
from aicomp.layout import Layout
from aicomp.media import with_files
from aicomp.project import Project
from aicomp.run import Run
from aicomp.task import Task

Predict = Callable[[Table], np.ndarray]
"""Predictions of a table's rows: probabilities, or values in the target's unit, (n,) or (n, n_columns)."""

_TIMED_ROWS = 400


@dataclass(frozen=True)
class Subject:
    """The models of a run, and their rows.

    Attributes:
        competition: Names targets and labels.
        task: What is learned and how it is scored.
        step: The run's last step.
        columns: The columns that the models take, after features.py.
        table: All rows of train.
        y: Their targets.
        folds: Numbers of the rows that each fold validated.
        model: Loads a fold's model.
        fold_model: Loads it as it is, with its network and its encoder; None where there is nothing but a function.
    """

    competition: Competition
    task: Task
    step: Step
    columns: tuple[Column, ...]
    table: Table
    y: np.ndarray
    folds: tuple[np.ndarray, ...]
    model: Callable[[int], Predict]
    fold_model: Callable[[int], FoldModel] | None = None

    @classmethod
    def of(cls, project: Project, run: Run, layout: Layout, *, is_clamped: bool = True) -> "Subject":
        """That of a run.

        Args:
            project: The project with the run's config, see `run_project`.
            run: A run that can predict, see `prediction.check_can_predict`.
            layout: The project's data.
            is_clamped: See `FoldModel`.
        """
        files = {kind: found.path for kind, found in layout.decoded.files.items()}
        n_folds = len(run.scores["folds"])

        # Each computation goes from fold to fold: one model in memory at a time.
        @lru_cache(maxsize=1)
        def load(k: int) -> FoldModel:
            return FoldModel(project, run, k, is_clamped=is_clamped)

        return cls(
            competition=project.competition,
            task=project.task,
            step=load_step(run.folder) or PLAIN,
            columns=tuple(column for column in layout.columns if column.kind != "drop"),
            table=with_files(layout.tables[0], files),
            y=layout.dataset.y,
            folds=tuple(run.predictions(k)["valid_rows"] for k in range(n_folds)),
            model=lambda k: load(k).predict,
            fold_model=load,
        )

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.columns]

    @property
    def n_validated(self) -> int:
        """Rows that were validated, those of repeated validation as often as they were."""
        return sum(len(rows) for rows in self.folds)

    def predictors(self) -> Iterator[tuple[int, Predict, np.ndarray]]:
        """Each fold with its model and its rows."""
        for k, rows in enumerate(self.folds):
            yield k, self.model(k), rows

    def sampled(self, n_rows: int, seed: int = 0) -> "Subject":
        """The same with at most so many validated rows, of all folds together; each fold keeps its share.

        Rows are spread evenly over the order of the target, and none of its classes is lost.
        """
        if n_rows >= self.n_validated:
            return self
        share = n_rows / self.n_validated
        random = np.random.default_rng(seed)
        folds = tuple(_spread(rows, self.y, max(2, round(share * len(rows))), random) for rows in self.folds)
        return replace(self, folds=folds)

    def seconds_per_row(self) -> float:
        """How long the model of the first fold takes for a row, in a table of some hundred."""
        rows = self.folds[0]
        table = self.table.take(np.resize(rows, min(_TIMED_ROWS, 4 * len(rows))))
        predict = self.model(0)
        predict(self.table.take(rows[:2]))  # what is only slow once shall not count
        started = time.perf_counter()
        predict(table)
        return (time.perf_counter() - started) / table.n_rows


def _spread(rows: np.ndarray, y: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """Some of the rows, rising, evenly over the order of their targets."""
    if n >= len(rows):
        return rows
    target = y[rows] if y.ndim == 1 else y[rows, 0]
    order = np.lexsort((random.random(len(rows)), target))
    picked = order[np.linspace(0, len(rows) - 1, n).round().astype(np.int64)]
    if np.issubdtype(y.dtype, np.integer):
        picked = np.union1d(picked, np.unique(target, return_index=True)[1])
    return np.asarray(np.sort(rows[picked]))


def check_explainable(project: Project) -> None:
    """Refuse a project whose models are no function of a row's columns.

    Raises:
        UsageError: Its targets are strings, or it is one of series.
    """
    if project.task.is_string:
        raise UsageError("strings have no part that could be counted", "explain a run of another task")
    if project.competition.horizon:
        raise UsageError(
            "a forecast follows from what came before a row, not from its columns", "explain a run of another task"
        )


def shuffled(table: Table, columns: Mapping[str, np.ndarray]) -> Table:
    """The table with each named column's values taken from other rows, by their numbers."""
    return table.with_values({name: table.values(name)[order] for name, order in columns.items()})
