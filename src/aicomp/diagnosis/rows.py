"""The validated rows of a run: what is true of each, what was predicted, and what its columns hold."""

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from aicomp.competition import Competition
from aicomp.data.columns import Column, infer_columns
from aicomp.data.interactions import HISTORY
from aicomp.data.strings import for_patterns
from aicomp.dataset import Dataset, load_dataset
from aicomp.diagnosis.losses import has_log_scale, row_losses
from aicomp.errors import UsageError
from aicomp.fold_model import run_columns, run_project
from aicomp.last_step.steps import load_step
from aicomp.predictions import pool_folds, without_prediction
from aicomp.project import Project
from aicomp.raw_data import data_hash
from aicomp.run import Run
from aicomp.task import Task


@dataclass(frozen=True)
class Derived:
    """Something about the rows that is no column of theirs, by which they are worth a look.

    Attributes:
        name: For people, such as "step of the horizon".
        values: A number of each row, float64 (n,).
    """

    name: str
    values: np.ndarray


@dataclass(frozen=True)
class Validated:
    """The rows of train that a fold validated, n of them; all members have them in the same order.

    Attributes:
        competition: The contract that the run was made with.
        task: What was learned.
        rows: Their numbers in train, from 0, int64.
        fold: The first fold that validated each, int64.
        y: Targets, see docs/architecture.md for shapes.
        y_pred: Predictions as they are scored: calibrated or clipped, if the run's last step does that.
        final: What the metric takes, made of them: codes, probabilities, values or strings.
        losses: How wrong each is, see `row_losses`.
        table: The features, as they are before they are encoded.
        columns: How each of these was taken.
        ids: Name of each row; its number where train has no ids.
        clusters: Rows that belong together, by the same number, int64; None where each stands for itself.
        derived: What else tells rows apart.
        notes: What a reader must know of all this, as sentences.
    """

    competition: Competition
    task: Task
    rows: np.ndarray
    fold: np.ndarray
    y: np.ndarray
    y_pred: np.ndarray
    final: np.ndarray
    losses: np.ndarray
    table: pd.DataFrame
    columns: tuple[Column, ...]
    ids: np.ndarray
    clusters: np.ndarray | None = None
    derived: tuple[Derived, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: np.ndarray) -> "Validated":
        """Some of the rows, by their places."""
        arrays = {name: getattr(self, name)[which] for name in _ARRAYS}
        return replace(
            self,
            **arrays,
            table=self.table.iloc[which].reset_index(drop=True),
            clusters=None if self.clusters is None else self.clusters[which],
            derived=tuple(replace(d, values=d.values[which]) for d in self.derived),
        )


_ARRAYS = ("rows", "fold", "y", "y_pred", "final", "losses", "ids")


def validated_rows(project: Project, run: Run) -> Validated:
    """Put a run's out-of-fold predictions beside the truth.

    Args:
        project: The project that the run belongs to.
        run: A run that is done, of any kind that predicts rows.

    Raises:
        UsageError: The data has changed since the run.
        DataError: A file breaks the contract, or the run is damaged.
    """
    info = run.info
    if data_hash(project.folder) != info["data_hash"]:
        raise UsageError(
            f"the files in `data/raw/` are not those of run `{run.id}`",
            "`aicomp train` makes a run with them as they are",
        )
    own = run_project(project, run)
    notes = []
    if project.code_hash() != info["code_hash"]:
        # The code of today may make other columns, which the run has never seen: take those of the files.
        plain = msgspec.structs.replace(own.config.features, function="")
        own = replace(own, config=msgspec.structs.replace(own.config, features=plain))
        notes.append("The project's Python files have changed since the run: columns are those of the raw files.")
    dataset = load_dataset(own)
    folds = [run.predictions(k) for k in range(run.read("plan.json")["n_folds"])]
    return _validated(own, run, dataset, folds, notes)


def _validated(
    project: Project, run: Run, dataset: Dataset, folds: list[dict[str, np.ndarray]], notes: list[str]
) -> Validated:
    task, step = project.task, load_step(run.folder)
    oof = pool_folds(task, len(dataset.y), folds)
    rows = np.flatnonzero(~without_prediction(oof))
    fold = np.full(len(oof), -1, dtype=np.int64)
    for k in range(len(folds) - 1, -1, -1):
        fold[folds[k]["valid_rows"]] = k
    if step.name != "plain":
        notes.append(
            f"Predictions are taken after the run's last step (`{step.name}`) as it is submitted, fitted on all folds; "
            "the scores of the run itself come from steps that were fitted without each fold."
        )
    if sum(len(f["valid_rows"]) for f in folds) > len(rows):
        notes.append("Rows that several folds validated count once, with the mean of their predictions.")
    y, y_pred = dataset.y[rows], step.adjust(oof[rows])
    table = dataset.train.iloc[rows].reset_index(drop=True)
    return Validated(
        competition=project.competition,
        task=task,
        rows=rows,
        fold=fold[rows],
        y=y,
        y_pred=y_pred,
        final=task.final(oof[rows], step),
        losses=row_losses(y, y_pred, task, project.competition),
        table=table,
        columns=_columns(run, dataset),
        ids=_names(dataset.train_ids, rows),
        clusters=_clusters(project.competition, dataset, rows),
        derived=_derived(project.competition, dataset, rows, fold[rows], y),
        notes=(*notes, *_log_note(task)),
    )


def _log_note(task: Task) -> list[str]:
    if not has_log_scale(task):
        return []
    return [f"As `{task.metric.name}` measures logarithms, errors of rows are differences of log(1 + value)."]


def _columns(run: Run, dataset: Dataset) -> tuple[Column, ...]:
    """How the run took the columns, or, of one that nothing was trained for, how a training would."""
    path = run.folder / "columns.json"
    known = run_columns(run) if path.is_file() else infer_columns(dataset.train, dataset.test, {}, dataset.media.kinds)
    return tuple(c for c in known if c.name in dataset.train.columns)


def _names(ids: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    if not ids.shape[1]:
        return np.array([str(row) for row in rows], dtype=object)
    values = ids.iloc[rows]
    return np.array([", ".join(map(str, row)) for row in values.itertuples(index=False)], dtype=object)


def _clusters(competition: Competition, dataset: Dataset, rows: np.ndarray) -> np.ndarray | None:
    """Rows of one group, series or user, which are alike: their errors are too."""
    if dataset.series is not None:
        return np.asarray(dataset.series.train[rows, 0]) if len(dataset.series.panel.keys) > 1 else None
    if dataset.groups is not None:
        return np.asarray(pd.factorize(dataset.groups[rows])[0].astype(np.int64))
    user = competition.user
    if user is not None and user in dataset.train.columns:
        return np.asarray(pd.factorize(dataset.train[user].iloc[rows])[0].astype(np.int64))
    return None


def _derived(
    competition: Competition, dataset: Dataset, rows: np.ndarray, fold: np.ndarray, y: np.ndarray
) -> tuple[Derived, ...]:
    found: list[Derived] = []
    train = dataset.train
    if competition.is_of_lists:
        return (Derived("items in the history", _count_words(train[HISTORY].iloc[rows])),)
    if dataset.series is not None:
        steps = pd.Series(dataset.series.train[rows, 1])
        first = steps.groupby(fold).transform("min")  # each fold validates one window, the first step after its origin
        found.append(Derived("step of the horizon", (steps - first + 1).to_numpy(np.float64)))
    for column in (competition.user, competition.item):
        if column is not None and column in train.columns:
            counts = train[column].map(train[column].value_counts())
            found.append(Derived(f"rows of the same {column}", counts.iloc[rows].to_numpy(np.float64)))
    if competition.boxes is not None:
        from aicomp.boxes import parse_boxes

        found.append(Derived("true boxes in the image", np.array([float(len(parse_boxes(text))) for text in y])))
    elif competition.problem_type == "string":
        values, unit = _lengths(pd.Series(y, dtype=object))
        found.append(Derived(f"{unit} of the true {competition.target[0]}", values))
    return tuple(found)


def _lengths(texts: pd.Series) -> tuple[np.ndarray, str]:
    """Words of texts; characters where these are not written in words."""
    words = _count_words(texts)
    if np.median(words) >= 3:
        return words, "words"
    return texts.astype("string").str.len().fillna(0).to_numpy(np.float64), "characters"


def text_lengths(texts: pd.Series, name: str) -> Derived:
    """Length of the texts of a column."""
    values, unit = _lengths(texts)
    return Derived(f"{unit} of {name}", values)


def _count_words(texts: pd.Series) -> np.ndarray:
    return np.asarray(for_patterns(texts).str.count(r"\S+").fillna(0).to_numpy(np.float64))


def as_plain(value: Any) -> Any:
    """A value as JSON holds it: numbers of numpy become Python's, what is not finite None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
