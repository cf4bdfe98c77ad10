"""Time and score `aicomp`'s defaults beside other libraries on folders in Kaggle's form.

    python benchmarks/tabular.py DATA_DIR [--peers catboost,lightgbm] [--only titanic,adult] [--out results.json]

DATA_DIR holds a folder per competition with train.csv, test.csv, sample_submission.csv and, for scoring alone,
solution.csv. Needs `pip install -e '.[bench]'`. All runs share the machine's processors and follow one after the other.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

METRICS = {
    "titanic": "accuracy",
    "house-prices": "rmsle",
    "telco-churn": "roc_auc",
    "california-housing": "rmse",
    "wine-quality": "accuracy",
    "bike-sharing": "rmsle",
    "diamonds": "rmse",
    "adult": "roc_auc",
}
COMPETITOR_FILES = ("train.csv", "test.csv", "sample_submission.csv")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA_DIR")
    parser.add_argument("--peers", default="", help="comma-separated: catboost, lightgbm")
    parser.add_argument("--only", default=",".join(METRICS), help="comma-separated names of folders")
    parser.add_argument("--out", type=Path, help="also write the results as JSON")
    arguments = parser.parse_args()
    data = arguments.data.resolve()
    systems = ["aicomp", *filter(None, arguments.peers.split(","))]
    results = []
    for slug in arguments.only.split(","):
        with tempfile.TemporaryDirectory() as scratch:
            project = start_project(slug, data / slug, Path(scratch))
            for system in systems:
                results.append(measure(system, slug, project, data / slug / "solution.csv"))
                print(as_line(results[-1]), flush=True)
    print_totals(systems, results)
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def start_project(slug: str, source: Path, scratch: Path) -> Path:
    """Copy what a competitor gets and run `aicomp init` on it."""
    folder = scratch / "downloaded" / slug
    folder.mkdir(parents=True)
    for name in COMPETITOR_FILES:
        shutil.copy(source / name, folder)
    run_command("init", str(folder), "--metric", METRICS[slug], "--into", str(scratch / slug))
    return scratch / slug


def measure(system: str, slug: str, project: Path, solution: Path) -> dict[str, object]:
    """Train one system on one project; returns its scores, wall seconds and peak memory in MB."""
    command = (
        [sys.executable, "-m", "aicomp", "train", "--json"]
        if system == "aicomp"
        else [sys.executable, str(Path(__file__).with_name("peers.py")), system, str(project)]
    )
    started = time.perf_counter()
    trained, memory = run_measured(command, project)
    seconds = time.perf_counter() - started
    file = trained.get("file") or run_command("submit", "--dry-run", cwd=project)["file"]
    graded = run_command("score", str(solution), str(file), "--metric", METRICS[slug], cwd=project)
    return {
        "slug": slug,
        "system": system,
        "metric": METRICS[slug],
        "cv": trained["mean"],
        "hidden": graded["score"],
        "seconds": seconds,
        "peak_mb": memory,
    }


def run_command(*arguments: str, cwd: Path | None = None) -> dict[str, object]:
    """Run an aicomp command and return its JSON object."""
    command = [sys.executable, "-m", "aicomp", *arguments, "--json"]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    content: dict[str, object] = json.loads(done.stdout)
    return content


def run_measured(command: list[str], cwd: Path) -> tuple[dict[str, object], float]:
    """Run a command that prints one JSON object; returns it and the largest memory of its process tree in MB.

    Memory is the proportional set size: pages that processes share count once.
    """
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        peak, ended = [0.0], threading.Event()

        def watch() -> None:
            while not ended.wait(0.5):
                peak[0] = max(peak[0], tree_memory(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        stdout, stderr = process.communicate()
        ended.set()
        watcher.join()
    if process.returncode:
        sys.exit(f"{' '.join(command)}\n{stdout}{stderr}")
    return json.loads(stdout), peak[0]


def tree_memory(pid: int) -> float:
    """Proportional set size of a process and its descendants, in MB."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            total += process.memory_full_info().pss
    except psutil.NoSuchProcess:  # it ended between two looks
        pass
    return total / 2**20


def as_line(result: dict[str, object]) -> str:
    return (
        f"{result['slug']:<20} {result['system']:<10} {result['metric']:<9} cv {result['cv']:<10.5g} "
        f"hidden {result['hidden']:<10.5g} {result['seconds']:7.1f} s {result['peak_mb']:7.0f} MB"
    )


def print_totals(systems: list[str], results: list[dict[str, object]]) -> None:
    totals = {s: sum(float(str(r["seconds"])) for r in results if r["system"] == s) for s in systems}
    for system, seconds in totals.items():
        ratio = seconds / totals["aicomp"]
        print(f"{'all':<20} {system:<10} {seconds:7.1f} s, {ratio:.2f} x aicomp's time")
    print(f"processors: {len(os.sched_getaffinity(0))}")


if __name__ == "__main__":
    main()
