"""Members of blends that nobody had to train."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from synthetic import init_project

from aicomp.ensemble.members import Members, Part
from aicomp.metrics import METRICS
from aicomp.metrics.base import ProblemType
from aicomp.project import Project
from aicomp.run import Run
from aicomp.task import Task


def make_task(problem_type: ProblemType, metric: str, n_labels: int = 2) -> Task:
    labels = tuple(map(str, range(n_labels))) if problem_type in ("binary", "multiclass") else ()
    return Task(problem_type, labels, 1, METRICS[metric])


def make_members(y: np.ndarray, predictions: Any, n_folds: int = 5) -> Members:
    """Members of given out-of-fold predictions (n_members, n, ...) on folds of neighbouring rows."""
    array = np.asarray(predictions, dtype=np.float64)
    rows = tuple(np.array_split(np.arange(len(y)), n_folds))
    return Members((), y, rows, tuple(Part(y[r], array[:, r]) for r in rows), array[:, :3])


def save_run(folder: Path, name: str, noise: float, seed: int, *overrides: str) -> Run:
    """A saved run that knows the binary target of a synthetic project up to noise on the log odds."""
    random = np.random.default_rng(seed)
    project = Project.open(folder, list(overrides))
    train = pd.read_csv(project.raw / "train.csv", dtype=str)
    test = pd.read_csv(project.raw / "test.csv", dtype=str)
    signal = np.where(train["bought"] == "Yes", 1.0, -1.0) + noise * random.normal(size=len(train))
    oof = pd.DataFrame({"id": train["id"], "bought": 1 / (1 + np.exp(-signal))})
    guess = random.uniform(size=len(test))
    return Run.create(name, project).save(oof=oof.sample(frac=1, random_state=seed), test=guess)


def binary_project(tmp_path: Path) -> Path:
    return init_project(tmp_path)
