"""Seconds and peak memory of `aicomp eda` on a made table of numbers, categories, dates and missing values."""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from measured import run_measured

ROWS_AT_ONCE = 200_000
N_CATEGORIES, N_DATES, N_WHOLE = 25, 2, 8


def made_rows(draw: np.random.Generator, n: int, n_columns: int, first: int, *, is_test: bool) -> pd.DataFrame:
    """Rows: a third of the columns with missing values, the first ones of each kind moved in test."""
    columns: dict[str, object] = {"id": np.arange(first, first + n)}
    for j in range(n_columns - N_CATEGORIES - N_DATES - N_WHOLE):
        columns[f"x{j}"] = (draw.normal(size=n) + 0.2 * is_test * (j == 0)).round(4)
    for j in range(N_WHOLE):
        columns[f"n{j}"] = draw.poisson(3 + 20 * j, size=n)
    for j in range(N_CATEGORIES):
        n_levels = (2, 5, 12, 60, 1000)[j % 5] * (50 if j == 24 else 1)
        levels = np.array([f"level {i}" for i in range(n_levels)], dtype=object)
        columns[f"c{j}"] = levels[(draw.random(n) ** (2 - 0.2 * is_test * (j == 0)) * n_levels).astype(int)]
    for j in range(N_DATES):
        days = np.datetime64("2020-01-01") + draw.integers(0, 1500, n)
        columns[f"d{j}"] = days.astype(str)
    frame = pd.DataFrame(columns)
    for name in [c for c in frame.columns if c != "id"][::3]:
        frame.loc[draw.random(n) < 0.1, name] = np.nan
    return frame


def write_competition(folder: Path, n_rows: int, n_columns: int, n_test: int, seed: int = 0) -> None:
    """Write train, test and a sample submission, of two classes."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(seed)
    first = 0
    for name, count in (("train", n_rows), ("test", n_test)):
        for start in range(0, count, ROWS_AT_ONCE):
            n = min(ROWS_AT_ONCE, count - start)
            frame = made_rows(draw, n, n_columns, first, is_test=name == "test")
            if name == "train":
                signal = frame["x1"].fillna(0) + 0.5 * frame["x2"].fillna(0) ** 2 + (frame["c1"] == "level 0")
                frame["y"] = (signal + draw.normal(size=n) > 0.7).astype(int)
            frame.to_csv(folder / f"{name}.csv", index=False, mode="a" if start else "w", header=not start)
            first += n
    pd.DataFrame({"id": np.arange(n_rows, n_rows + n_test), "y": 0.5}).to_csv(
        folder / "sample_submission.csv", index=False
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--test-rows", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, help="folder in which the project stays")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        project = folder / "project"
        if not project.exists():
            # The contract follows from a few rows; then the files are those of all.
            write_competition(folder / "few", 3000, arguments.columns, 1000)
            init = ["init", str(folder / "few"), "--metric", "roc_auc", "--into", str(project)]
            subprocess.run([sys.executable, "-m", "aicomp", *init], check=True, stdout=subprocess.DEVNULL)
            shutil.rmtree(project / "data" / "raw")
            write_competition(project / "data" / "raw", arguments.rows, arguments.columns, arguments.test_rows)
        command = [sys.executable, "-m", "aicomp", "eda", "--json"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        measured = run_measured(command, project)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if measured.answer is None:
        sys.exit(measured.problem)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{arguments.rows:,} x {arguments.columns}: {measured.seconds:.1f} s, {cpu:.1f} s of processors")
    print(f"peak {measured.peak_mb:.0f} MB, page {measured.answer['bytes'] / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
