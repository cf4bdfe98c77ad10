"""Cost of `aicomp train` from disk against rows: `python benchmarks/rows.py`.

    python benchmarks/rows.py [--rows 1e4,1e5,1e6,2e7] [--columns 50] [--results rows.jsonl] [--plot docs/rows.png]

Made-up Parquet of numbers, whole numbers and categories (`made_data.write_parquet`), a linear model, one epoch, a tenth
of the rows held out, `data.streaming=true`. For each number of rows: seconds by the clock, seconds of the processors
(where others work on the same machine, these tell more), and the peak of all processes together, shared pages once.
A point is a line of `--results`; the plot shows all lines of that file, those of earlier calls too.
"""

import argparse
import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from made_data import write_parquet
from measured import run_measured

SETTINGS = (
    "model.name=linear",
    "training.epochs=1",
    "training.batch_size=8192",
    "split.splitter=holdout",
    "split.holdout=0.1",
    "data.streaming=true",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1e4,1e5,1e6")
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--results", type=Path, default=Path("rows.jsonl"))
    parser.add_argument("--plot", type=Path, help="a PNG of all results")
    parser.add_argument("--folder", type=Path, help="where to write data and runs; by default the temporary folder")
    arguments = parser.parse_args()
    print("| rows | s of `init` | s of `train` | processor s of `train` | peak MB of `init` | peak MB of `train` |")
    print("|---|---|---|---|---|---|")
    for rows in [int(float(part)) for part in arguments.rows.split(",") if part]:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
            found = measure(Path(scratch), rows, arguments.columns)
        with arguments.results.open("a") as file:
            file.write(json.dumps(found) + "\n")
        print(line(found), flush=True)
    if arguments.plot:
        arguments.plot.write_bytes(plot([json.loads(text) for text in arguments.results.read_text().splitlines()]))


def measure(folder: Path, rows: int, columns: int) -> dict[str, Any]:
    """Make data and a project, and train it."""
    write_parquet(folder / "made", rows, columns)
    program = [sys.executable, "-m", "aicomp"]
    into = ["init", str(folder / "made"), "--metric", "roc_auc", "--into", str(folder / "project"), "--json"]
    made = run_measured([*program, *into], folder)
    before = cpu_seconds()
    overrides = [part for setting in SETTINGS for part in ("--set", setting)]
    trained = run_measured([*program, "train", "--fresh", *overrides, "--json"], folder / "project")
    if made.answer is None or trained.answer is None:
        sys.exit(f"{rows} rows: {made.problem or trained.problem}")
    return {
        "rows": rows,
        "columns": columns,
        "init_seconds": round(made.seconds, 1),
        "seconds": round(trained.seconds, 1),
        "cpu_seconds": round(cpu_seconds() - before, 1),
        "init_peak_mb": round(made.peak_mb),
        "peak_mb": round(trained.peak_mb),
        "score": trained.answer["mean"],
    }


def cpu_seconds() -> float:
    """Seconds of the processors that children of this process, and theirs, have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def line(found: dict[str, Any]) -> str:
    """A line of the table."""
    keys = ("init_seconds", "seconds", "cpu_seconds", "init_peak_mb", "peak_mb")
    return f"| {found['rows']:,} | " + " | ".join(f"{found[key]:,}" for key in keys) + " |"


def plot(results: list[dict[str, Any]]) -> bytes:
    """Seconds and memory against rows, both axes by powers of ten."""
    from aicomp.pages.drawing import COLORS, Drawing, new_figure

    results = sorted(results, key=lambda found: found["rows"])
    rows = [found["rows"] for found in results]
    with new_figure(7.5, 3.0) as figure:
        left, right = figure.subplots(1, 2)
        for key, name, color in (("cpu_seconds", "processors", COLORS[0]), ("seconds", "clock", COLORS[1])):
            left.plot(rows, [found[key] for found in results], "o-", color=color, label=name)
        for key, name, color in (("peak_mb", "train", COLORS[0]), ("init_peak_mb", "init", COLORS[1])):
            right.plot(rows, [found[key] / 1024 for found in results], "o-", color=color, label=name)
        for axes, title in ((left, "seconds of train"), (right, "GB at the peak")):
            axes.set(xscale="log", yscale="log", xlabel="rows", title=title)
            axes.set_xticks(rows, labels=[f"{n:,}" for n in rows])
            axes.minorticks_off()
            axes.legend(frameon=False)
        drawing = Drawing("rows", "Cost of training from disk against rows", figure)
        return drawing.png(dpi=96)


if __name__ == "__main__":
    main()
