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


def write_parquet(folder: Path, n_rows: int, n_columns: int, n_test: int = N_TEST, seed: int = 0) -> None:
    """Write train and test as Parquet in row groups: of ten columns six are float32, two whole numbers, two strings."""
    import pyarrow as pa
    from pyarrow import parquet

    folder.mkdir(parents=True)
    draw = np.random.default_rng(seed)
    weights = draw.normal(size=n_columns) * (np.arange(n_columns) < 30) * 0.3
    names = np.array([f"level {k}" for k in range(1000)], dtype=object)
    first = 0
    for name, count in (("train", n_rows), ("test", n_test)):
        writer = None
        for start in range(0, count, ROWS_AT_ONCE):
            size = min(ROWS_AT_ONCE, count - start)
            columns: dict[str, pa.Array] = {"id": pa.array(np.arange(first, first + size))}
            score = np.zeros(size, dtype=np.float32)
            for j in range(n_columns):
                x = draw.standard_normal(size, dtype=np.float32)
                score += np.float32(weights[j]) * x
                if j % 5 == 3:
                    columns[f"x{j}"] = pa.array(np.rint(20 * x).astype(np.int16))
                elif j % 5 == 4:
                    codes = (np.abs(x) * 10 ** (j % 3) * 3).astype(np.int64) % 1000
                    columns[f"x{j}"] = pa.array(names[codes])
                else:
                    columns[f"x{j}"] = pa.array(x, mask=draw.random(size, dtype=np.float32) < 0.02 * (j % 2))
            if name == "train":
                noise = draw.standard_normal(size, dtype=np.float32)
                columns["y"] = pa.array((np.tanh(score) + noise > 0).astype(np.int8))
            table = pa.table(columns)
            writer = writer or parquet.ParquetWriter(folder / f"{name}.parquet", table.schema)
            writer.write_table(table, row_group_size=ROWS_AT_ONCE)
            first += size
        assert writer is not None
        writer.close()
    with (folder / "sample_submission.csv").open("w") as file:
        for start in range(0, n_test, ROWS_AT_ONCE):
            ids = np.arange(n_rows + start, n_rows + min(start + ROWS_AT_ONCE, n_test))
            pd.DataFrame({"id": ids, "y": 0.5}).to_csv(file, index=False, header=not start)
