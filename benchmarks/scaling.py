"""Time and memory of `aicomp train` against rows, columns and folds: `python benchmarks/scaling.py`.

    python benchmarks/scaling.py [--rows 1000,1e4,1e5,1e6] [--columns 10,100,1000] [--seconds 600] [--model mlp]
    python benchmarks/scaling.py --rows '' --columns '' --folds 2,5,10

Made-up numbers, a target of two classes. First the rows grow at `--few` columns, then the columns at `--many` rows.
The recipe chooses batches and epochs as for anyone; a point that is not done after `--seconds` is stopped, and its
line tells the folds that were done. Memory is the peak of all processes together, shared pages counted once, beside
what one copy of the encoded columns takes (float32: 4 bytes x rows x columns).

At last the folds grow, on the same data, with a linear model and one epoch, whose own memory is small: "more, in
copies" is what the peak exceeds that of the first line by. It would grow with the folds if each had a copy of the data.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from made_data import make_project
from measured import MB, Measured, run_measured

FOLD_SIZE = 200_000, 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=numbers, default=[10**3, 10**4, 10**5, 10**6], help="up to 1e7, such as 1e6,1e7")
    parser.add_argument("--columns", type=numbers, default=[10, 100, 1000])
    parser.add_argument("--folds", type=numbers, default=[2, 5, 10])
    parser.add_argument("--few", type=int, default=10, help="columns while the rows grow")
    parser.add_argument("--many", type=int, default=10_000, help="rows while the columns grow")
    parser.add_argument("--seconds", type=float, default=600, help="patience with a point (default 600)")
    parser.add_argument("--model", default="", help="another model than the default one")
    parser.add_argument("--folder", type=Path, help="where to write data and runs; by default the temporary folder")
    arguments = parser.parse_args()
    for title, sizes in (
        ("rows", [(rows, arguments.few) for rows in arguments.rows]),
        ("columns", [(arguments.many, columns) for columns in arguments.columns]),
    ):
        if sizes:
            print_sizes(title, sizes, arguments)
    if arguments.folds:
        print_folds(arguments)
    print(f"\nprocessors: {len(os.sched_getaffinity(0))}")


def print_sizes(title: str, sizes: list[tuple[int, int]], arguments: argparse.Namespace) -> None:
    """A table against rows or columns."""
    print(f"\nAgainst {title}\n")
    print("| rows | columns | s | us a row and epoch | folds | epochs | peak MB | one copy MB |")
    print("|---|---|---|---|---|---|---|---|")
    for rows, columns in sizes:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
            project = make_project(Path(scratch), rows, columns)
            settings = [f"model.name={arguments.model}"] if arguments.model else []
            measured = train(project, arguments.seconds, settings)
            print(size_line(measured, project, rows, columns), flush=True)


def print_folds(arguments: argparse.Namespace) -> None:
    """A table against the number of folds, of the same data."""
    rows, columns = FOLD_SIZE
    print(f"\nAgainst folds, {rows:,} x {columns}, a linear model, one epoch\n")
    print("| folds | s | peak MB | one copy MB | more, in copies |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        project = make_project(Path(scratch), rows, columns)
        first = None
        for n_splits in arguments.folds:
            settings = ["model.name=linear", "training.epochs=1", f"split.n_splits={n_splits}"]
            measured = train(project, arguments.seconds, settings)
            first = measured.peak_mb if first is None else first
            more = (measured.peak_mb - first) / copy_mb(rows, columns)
            shown = f"{measured.peak_mb:.0f} | {copy_mb(rows, columns):.1f} | {more:.1f}"
            print(f"| {n_splits} | {outcome(measured)} | {shown} |", flush=True)


def numbers(text: str) -> list[int]:
    """Sizes such as "1000,1e6"."""
    return [int(float(part)) for part in text.split(",")] if text else []


def train(project: Path, patience: float, settings: list[str]) -> Measured:
    overrides = [part for setting in settings for part in ("--set", setting)]
    command = [sys.executable, "-m", "aicomp", "train", "--fresh", *overrides, "--json"]
    return run_measured(command, project, patience)


def copy_mb(rows: int, columns: int) -> float:
    return 4 * rows * columns / MB


def outcome(measured: Measured) -> str:
    if measured.problem:
        return f"failed: {measured.problem}"
    return f"stopped at {measured.seconds:.0f}" if measured.stopped else f"{measured.seconds:.1f}"


def size_line(measured: Measured, project: Path, rows: int, columns: int) -> str:
    epochs = epochs_of(project)
    row_epochs = rows * 0.8 * sum(epochs)  # of five folds, four fifths are trained on
    cost = f"{measured.seconds / row_epochs * 1e6:.1f}" if measured.answer is not None and row_epochs else ""
    shown = f"{min(epochs)}-{max(epochs)}" if epochs else ""
    return (
        f"| {rows:,} | {columns} | {outcome(measured)} | {cost} | {len(epochs)} | {shown} | {measured.peak_mb:.0f} | "
        f"{copy_mb(rows, columns):.1f} |"
    )


def epochs_of(project: Path) -> list[int]:
    """Epochs of each fold that was trained to its end."""
    return [json.loads(file.read_text())["n_epochs"] for file in sorted(project.glob("runs/*/folds/*/result.json"))]


if __name__ == "__main__":
    main()
