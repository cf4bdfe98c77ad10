"""Predict rows that a run has never seen, with what the run saved: encoders, weights and how its files were read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aicomp.data.columns import Column
from aicomp.data.reading import line_numbers
from aicomp.data.table import Table
from aicomp.dataset import load_test
from aicomp.errors import DataError, UsageError
from aicomp.fold_model import FoldModel, run_columns, run_project, run_table
from aicomp.last_step.steps import load_step
from aicomp.media import FoundMedia, decode_media, decodings_from, with_files
from aicomp.predictions import without_prediction
from aicomp.project import Project
from aicomp.run import Run
from aicomp.submission import read_sample
from aicomp.submission.build import write_submission

FOLD_FILES = ("encoder.json", "encoder.safetensors", "spec.json", "weights.safetensors", "result.json")
"""What each fold must have to predict."""

RUN_FILES = ("run.json", "columns.json", "reading.json", "scores.json", "DONE")
"""What a run must have to predict, beside its folds."""


@dataclass(frozen=True)
class Prediction:
    """Predictions of some rows.

    Attributes:
        ids: Id columns of the rows.
        values: The folds' predictions together, as `Run.test_predictions`.
    """

    ids: pd.DataFrame
    values: np.ndarray


def predict_run(project: Project, run: Run, test: Path | None = None) -> Prediction:
    """Predict the rows of a file with the models of a run; nothing is fitted.

    With the test file that the run was trained beside, the run's own test predictions come out.

    Args:
        project: The project that the run belongs to; its config is taken from the run.
        run: A run that is done.
        test: File of the form of the competition's test file, with any number of rows; None takes the project's.

    Raises:
        DataError: The file breaks the contract, or the run lacks a part.
        UsageError: The project's code has changed since the run.
    """
    check_can_predict(project, run)
    project = run_project(project, run)
    reading = run.read("reading.json")
    path = test or project.raw / project.competition.files.test
    features, ids, media, places = load_test(project, path, reading)
    table = run_table(run, features)
    if media.kinds:
        table = _with_media(project, media, run_columns(run), table, reading["media"]["decodings"], path)
    n_folds = len(run.scores["folds"])
    values = project.task.combine([FoldModel(project, run, k).predict(table, places) for k in range(n_folds)])
    bad = np.flatnonzero(without_prediction(values))
    if len(bad):
        what = "nothing" if project.task.is_string else "NaN or infinity"
        raise DataError(
            f"run `{run.id}` predicts {what} for row {bad[0]} of `{path.name}`, counted from 0",
            "look at that row, and at what features.py and model.py make of it",
        )
    return Prediction(ids, values)


def _with_media(
    project: Project,
    media: FoundMedia,
    columns: list[Column],
    table: Table,
    decodings: dict[str, Any],
    path: Path,
) -> Table:
    """The table with the files that its rows name, decoded as those of the run were."""

    def where(column: str, file: str) -> str:
        code = table.levels[column].index(file)
        return f"`{path.name}` line {line_numbers(path)[np.flatnonzero(table.codes[column] == code)[0]]}"

    decoded = decode_media(project, media, columns, table.levels, where, decodings_from(decodings))
    return with_files(table, {kind: files.path for kind, files in decoded.files.items()})


def check_can_predict(project: Project, run: Run) -> None:
    """Refuse a run that cannot predict new rows.

    Raises:
        DataError: It lacks a part.
        UsageError: The project's code has changed since the run.
    """
    n_folds = len(run.scores["folds"])
    wanted = [run.folder / name for name in RUN_FILES]
    wanted += [run.fold(k) / name for k in range(n_folds) for name in FOLD_FILES]
    for path in wanted:
        if not path.is_file():
            raise DataError(
                f"run `{run.id}` has no `{path.relative_to(run.folder)}` and cannot predict new rows",
                "`aicomp train --fresh` makes a run that can",
            )
    if project.code_hash() != run.info["code_hash"]:
        raise UsageError(
            f"the Python files of `{project.folder}` have changed since run `{run.id}`, which cannot predict with them",
            "`aicomp train` makes a run with the files as they are, or bring back the old ones",
        )


def predict_submission(folder: Path, run_id: str, files: Path, output: Path) -> int:
    """Predict a competition's test file and write the submission: what a kernel does.

    Args:
        folder: The project's folder; it needs neither data nor other runs.
        run_id: The run.
        files: Folder of the competition's files, of which test and sample submission are read.
        output: The file to write.

    Returns:
        Number of rows that were written.

    Raises:
        DataError: A file breaks the contract, or the run lacks a part.
        UsageError: The project's config or code is wrong.
    """
    project = Project.open(folder)
    run = Run(project.runs / run_id)
    prediction = predict_run(project, run, files / project.competition.files.test)
    sample = read_sample(project, files)
    write_submission(project, sample, prediction.ids, prediction.values, output, load_step(run.folder))
    return len(sample.table)
