"""Competitions of any size, made of random numbers, for measuring cost."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

N_TEST = 1000
ROWS_AT_ONCE = 200_000


def write_competition(folder: Path, n_rows: int, n_columns: int, seed: int = 0) -> None:
    """Write train, test and a sample submission: normal numbers and a target of two classes that some of them sway."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(seed)
    weights = draw.normal(size=n_columns) * (np.arange(n_columns) < 20)
    first = 0
    for name, count in (("train", n_rows), ("test", N_TEST)):
        for start in range(0, count, ROWS_AT_ONCE):
            size = min(ROWS_AT_ONCE, count - start)
            x = draw.normal(size=(size, n_columns)).astype(np.float32)
            table = pd.DataFrame(x.round(4), columns=[f"x{j}" for j in range(n_columns)])
            table.insert(0, "id", np.arange(first, first + size))
            if name == "train":
                table["y"] = (np.tanh(x @ weights) + draw.normal(size=size) > 0).astype(int)
            table.to_csv(folder / f"{name}.csv", index=False, mode="a" if start else "w", header=not start)
            first += size
    ids = np.arange(n_rows, n_rows + N_TEST)
    pd.DataFrame({"id": ids, "y": 0.5}).to_csv(folder / "sample_submission.csv", index=False)


def make_project(folder: Path, n_rows: int, n_columns: int) -> Path:
    """A project of such a competition, in `folder`."""
    write_competition(folder / "made", n_rows, n_columns)
    project = folder / "project"
    command = ["init", str(folder / "made"), "--metric", "roc_auc", "--into", str(project), "--json"]
    done = subprocess.run([sys.executable, "-m", "aicomp", *command], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"`aicomp init` failed: {json.loads(done.stdout)['error']['message']}")
    return project
