"""Put the trained folds of a run together: out-of-fold and test predictions, scores, curves."""

import shutil
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from aicomp.data.arrays import load_arrays, save_arrays
from aicomp.data.panel import SERIES_FILE, Panel
from aicomp.errors import DataError
from aicomp.files import atomic_write, partial_file
from aicomp.last_step.choice import Choice, apply_nested, choose_last_step, pooled_score
from aicomp.last_step.steps import save_step
from aicomp.last_step.trials import FoldPredictions
from aicomp.predictions import pool_folds, prediction_frame, without_prediction
from aicomp.project import Project
from aicomp.report.curves import draw_curves, write_curves_csv
from aicomp.report.forecasts import Forecasts, draw_forecasts
from aicomp.run import TEST_FILE, Run
from aicomp.task import Task


@dataclass(frozen=True)
class _Parts:
    """What the folds predicted.

    Attributes:
        y: Targets of train.
        folds: Arrays of each fold, see `Run.predictions`.
    """

    y: np.ndarray
    folds: list[dict[str, np.ndarray]]


def assemble(project: Project, run: Run) -> Run:
    """Write everything that a run has beside its folds, `DONE` last, and remove its `work/`.

    Raises:
        DataError: A fold predicts what is no number, or its rows cannot be scored.
        AicompError: The disk is full or the folder cannot be written.
    """
    n_folds = run.read("plan.json")["n_folds"]
    y = load_arrays(run.work / "target.safetensors")["y"]
    parts = _Parts(y, [run.predictions(k) for k in range(n_folds)])
    _check_finite(parts, run)
    oof = pool_folds(project.task, len(y), parts.folds)
    folds = [FoldPredictions(fold["valid_rows"], fold["valid"]) for fold in parts.folds]
    choice = choose_last_step(project.task, y, folds, project.config.output.last_step)
    scores = _score(project.task, parts, oof, folds, choice)
    test = project.task.combine([fold["test"] for fold in parts.folds])
    if project.task.is_string:  # a mean is found again at once, what is most like the others is not
        save_arrays(run.folder / TEST_FILE, {"test": test})
    adjusted = apply_nested(oof, folds, choice, lambda values, step: step.adjust(values))
    _write_predictions(project, run, adjusted, choice.step.adjust(test))
    _write_curves(project.task, run, n_folds)
    _draw_series(project, run, parts, choice.step.adjust(test))
    save_step(run.folder, choice.step)
    run.write("scores.json", scores)
    atomic_write(run.folder / "DONE", "")
    shutil.rmtree(run.work)
    return run


def _check_finite(parts: _Parts, run: Run) -> None:
    for k, fold in enumerate(parts.folds):
        for name in ("valid", "test"):
            bad = np.flatnonzero(without_prediction(fold[name]))
            if len(bad):
                row = fold["valid_rows"][bad[0]] if name == "valid" else bad[0]
                what = "nothing" if fold[name].dtype == object else "NaN or infinity"
                raise DataError(
                    f"run `{run.id}`: fold {k} predicts {what} for {'train' if name == 'valid' else 'test'} "
                    f"row {row}, counted from 0",
                    "look at that row, and at what features.py and model.py make of it",
                )


def _score(task: Task, parts: _Parts, oof: np.ndarray, folds: list[FoldPredictions], choice: Choice) -> dict[str, Any]:
    """Score of each fold, their mean and deviation, and the score of all validated rows together.

    Each fold is scored with the last step as fitted on the other folds; without any, the scores are in `last_step`.
    """
    validated = ~without_prediction(oof)
    rows = np.flatnonzero(validated)
    nested = _summary(choice.scores, pooled_score(task, parts.y, rows, oof[rows], folds, choice))
    report: dict[str, Any] = {"name": choice.step.name, "parameters": choice.step.parameters, "reason": choice.reason}
    if choice.tried:
        without = task.score(parts.y[validated], oof[validated])
        report |= {"without": _summary(choice.plain, without), "nested": nested, "tried": list(choice.tried)}
    return {
        "metric": task.metric.name,
        "greater_is_better": task.metric.greater_is_better,
        **nested,
        "n_validated": int(validated.sum()),
        "last_step": report,
    }


def _summary(folds: tuple[float, ...], pooled: float) -> dict[str, Any]:
    return {"folds": list(folds), "mean": float(np.mean(folds)), "std": float(np.std(folds)), "pooled": pooled}


def _write_predictions(project: Project, run: Run, oof: np.ndarray, test: np.ndarray) -> None:
    folds = pd.read_csv(run.folder / "folds.csv", dtype=str, chunksize=_PART, usecols=lambda name: name == "fold")
    for name, predictions in (("oof", oof), ("test", test)):
        ids = run.ids(name if name == "test" else "train")
        with partial_file(run.folder / f"{name}.csv") as path, path.open("w", encoding="utf-8", newline="") as file:
            for start in range(0, max(1, len(predictions)), _PART):
                part = predictions[start : start + _PART]
                of_part = ids.piece(start, start + len(part)) if ids.columns else pd.DataFrame(index=range(len(part)))
                frame = prediction_frame(project.competition, of_part, part, start)
                if name == "oof":
                    frame.insert(max(1, len(ids.columns)), "fold", next(folds)["fold"].to_numpy())
                frame.to_csv(file, index=False, header=not start, lineterminator="\n")
    folds.close()


_PART = 2**19
"""Rows that are written at once."""


def _draw_series(project: Project, run: Run, parts: _Parts, test: np.ndarray) -> None:
    path = run.work / SERIES_FILE
    if path.is_file():  # only where something is forecast, and not for predictions that came from elsewhere
        panel = Panel.from_dict(run.read("reading.json")["panel"])
        drawn = Forecasts(panel, load_arrays(path), parts.y, parts.folds, test)
        draw_forecasts(drawn, run.folder / "forecasts.png", project.competition.target[0])


def _write_curves(task: Task, run: Run, n_folds: int) -> None:
    histories = [run.result(k)["history"] for k in range(n_folds)]
    if not any(histories):
        return  # predictions that came from elsewhere have no course
    write_curves_csv(histories, run.folder / "curves.csv")
    draw_curves(
        histories,
        run.folder / "curves.png",
        metric_name=task.metric.name,
        greater_is_better=task.metric.greater_is_better,
    )
