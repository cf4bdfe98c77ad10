"""Predict rows that a run has never seen, with what the run saved: encoders, weights and how its files were read."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from aicomp.competition import Competition
from aicomp.config import Config
from aicomp.data.columns import Column
from aicomp.data.table import Table
from aicomp.data.values import TimeFormat
from aicomp.dataset import load_test
from aicomp.errors import DataError, UsageError
from aicomp.last_step.steps import load_step
from aicomp.predictions import without_prediction
from aicomp.project import Project
from aicomp.run import Run
from aicomp.submission import read_sample
from aicomp.submission.build import write_submission

if TYPE_CHECKING:
    from aicomp.training.losses import Objective

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
    info = run.info
    config = msgspec.convert(info["config"], Config)
    project = Project(project.folder, config, msgspec.convert(info["competition"], Competition))
    columns = [msgspec.convert(c, Column) for c in run.read("columns.json")]
    reading = run.read("reading.json")
    path = test or project.raw / project.competition.files.test
    features, ids = load_test(project, path, texts=reading["texts"], hidden=reading["hidden"])
    times = {name: msgspec.convert(t, TimeFormat) for name, t in reading["times"].items()}
    table = Table.build(features, columns, times)
    n_folds = len(run.scores["folds"])
    values = project.task.combine([_predict_fold(project, run, k, columns, table) for k in range(n_folds)])
    bad = np.flatnonzero(without_prediction(values))
    if len(bad):
        what = "nothing" if project.task.is_string else "NaN or infinity"
        raise DataError(
            f"run `{run.id}` predicts {what} for row {bad[0]} of `{path.name}`, counted from 0",
            "look at that row, and at what features.py and model.py make of it",
        )
    return Prediction(ids, values)


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


def _predict_fold(project: Project, run: Run, k: int, columns: list[Column], table: Table) -> np.ndarray:
    from safetensors.torch import load_file

    from aicomp.data.encoding import Encoder
    from aicomp.models import ALL_MODELS, is_estimator, with_params
    from aicomp.registry import resolve
    from aicomp.training.checkpoint import load_spec
    from aicomp.training.device import choose_device, has_bfloat16, reproducible
    from aicomp.training.inference import predict
    from aicomp.training.whole import make_model, predict_whole

    found = resolve("model", project.config.model.name, ALL_MODELS, project.folder)
    build_model = with_params(found, project.config.model.params)
    weights = load_file(run.fold(k) / "weights.safetensors")
    spec, transform = load_spec(run.fold(k))
    encoded = Encoder.load(run.fold(k), columns).transform(table, np.arange(table.n_rows))
    if is_estimator(found):
        estimator = make_model(build_model, spec, project.task)
        estimator.load_state_dict({name: tensor.numpy() for name, tensor in weights.items()})
        return predict_whole(estimator, project.task, transform, encoded)
    settings: dict[str, Any] = run.result(k)["settings"]
    # A machine that only predicts need not have the device that trained.
    device = choose_device("auto" if project.config.device != "cpu" else "cpu")
    with reproducible(project.config.seed, device):
        model = build_model(spec)
        model.load_state_dict(weights)
        return predict(
            model.to(device),
            _objective(project, settings, transform),
            encoded,
            device=device,
            amp=bool(settings["amp"]) and has_bfloat16(device),
        )


def _objective(project: Project, settings: dict[str, Any], transform: Any) -> "Objective":
    from aicomp.training.losses import BinaryCrossEntropy, CrossEntropy, Regression

    problem = project.competition.problem_type
    if transform is not None:
        return Regression(settings["loss"], transform, is_flat=problem == "regression")
    return CrossEntropy() if problem == "multiclass" else BinaryCrossEntropy(is_flat=problem == "binary")
