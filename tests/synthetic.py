"""Small competitions in Kaggle's form, made on the spot, and projects on them that train in a moment."""

from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.cli.main import main
from aicomp.project import Project

METRIC = {
    "binary": "roc_auc",
    "multiclass": "accuracy",
    "regression": "rmse",
    "multilabel": "f1_macro",
    "multi-target": "mcrmse",
}
QUICK = [
    'model.name="linear"',
    "workers=0",
    "training.epochs=2",
    "training.batch_size=32",
    "regularization.dropout=0",
    "split.n_splits=3",
]
"""Overrides with which three folds train in well under a second, in this process."""


def write_folder(folder: Path, problem: str = "binary", n_train: int = 90, n_test: int = 30, seed: int = 0) -> Path:
    """Write train.csv, test.csv and sample_submission.csv whose targets follow from the columns.

    Ids are strings with leading zeros, so that a tool that reads them as numbers is found out.
    """
    random = np.random.default_rng(seed)
    n = n_train + n_test
    frame = pd.DataFrame(
        {
            "id": [f"{i:05d}" for i in random.permutation(n)],
            "size": random.normal(size=n).round(4),
            "weight": random.gamma(2.0, size=n).round(4),
            "color": random.choice(["red", "green", "blue"], size=n),
            "when": [
                f"2012-{m:02d}-{d:02d}"
                for m, d in zip(random.integers(1, 13, n), random.integers(1, 28, n), strict=True)
            ],
        }
    )
    signal = frame["size"] + (frame["color"] == "red") - 0.3 * frame["weight"]
    targets = _targets(problem, signal.to_numpy(), frame["size"].to_numpy())
    folder.mkdir(parents=True, exist_ok=True)
    train = pd.concat([frame, targets], axis=1).iloc[:n_train]
    train.to_csv(folder / "train.csv", index=False)
    frame.iloc[n_train:].to_csv(folder / "test.csv", index=False)
    sample = pd.concat([frame[["id"]], targets], axis=1).iloc[n_train:]
    for name in targets:
        sample[name] = 0.5 if problem == "binary" else train[name].iloc[0]
    sample.to_csv(folder / "sample_submission.csv", index=False)
    return folder


def _targets(problem: str, signal: np.ndarray, other: np.ndarray) -> pd.DataFrame:
    match problem:
        case "binary":
            return pd.DataFrame({"bought": np.where(signal > 0, "Yes", "No")})
        case "multiclass":
            return pd.DataFrame({"grade": np.array(["low", "middle", "high"])[np.digitize(signal, [-0.5, 0.5])]})
        case "regression":
            return pd.DataFrame({"price": (100 + 10 * signal).round(2)})
        case "multilabel":
            return pd.DataFrame({"big": (signal > 0).astype(int), "wide": (other > 0).astype(int)})
        case "multi-target":
            return pd.DataFrame({"height": (5 + signal).round(3), "width": (2 - other).round(3)})
    raise ValueError(problem)


def init_project(tmp_path: Path, problem: str = "binary", **sizes: int) -> Path:
    """Make a project with `aicomp init` on a folder of `write_folder`; returns the project's folder."""
    source = write_folder(tmp_path / "downloads" / problem, problem, **sizes)
    into = tmp_path / f"{problem}-project"
    assert main(["init", str(source), "--metric", METRIC[problem], "--into", str(into), "--json"]) == 0
    return into


def open_quick(folder: Path, *overrides: str) -> Project:
    """Open a project with the overrides of `QUICK` and further ones."""
    return Project.open(folder, [*QUICK, *overrides])


def quick_arguments(*overrides: str) -> list[str]:
    """`QUICK` and further overrides as arguments of `aicomp train`."""
    return [argument for entry in (*QUICK, *overrides) for argument in ("--set", entry)]
