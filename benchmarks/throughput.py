"""Rows a second in the training of five folds: `aicomp` beside skorch and Lightning, with the same network.

    make peers                                                    # once
    python benchmarks/throughput.py [--rows 10000] [--columns 20] [--epochs 20] [--batch-size 256] [--rounds 3]

Everyone trains `plain_network.py` with AdamW, the same learning rate, epochs and batch size, on the same numbers, and
validates after each epoch; no early stopping, no clipping, no schedule. Counted on both sides is training alone, of all
five folds, validation included: with aicomp, whose folds run side by side in processes, the wall time from the start of
the first fold's training to the end of the last one's, so with what its workers do between two folds; with the others,
whose folds follow one another, the time inside `fit`, with torch's own number of threads and with one. Reading,
encoding, imports and the start of processes count for nobody. The rounds take turns; a number is the median of them.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from made_data import make_project

HERE = Path(__file__).resolve().parent
PYTHON = HERE.parent / ".peers" / "pytabkit" / "bin" / "python"  # pytabkit brings skorch and Lightning
PEERS = {"skorch": 0, "skorch, 1 thread": 1, "lightning": 0, "lightning, 1 thread": 1}
"""Threads of each; 0 is what torch takes by itself."""
N_SPLITS = 5
AIM = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=1e-2)
    arguments = parser.parse_args()
    if not PYTHON.exists():
        parser.error(f"no environment in `{PYTHON.parents[1]}`: run `make peers`")
    systems = ("aicomp", "aicomp, bfloat16", *PEERS)
    answers: dict[str, list[dict[str, float]]] = {system: [] for system in systems}
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch), arguments.rows, arguments.columns)
        shutil.copy(HERE / "plain_network.py", project)
        job = write_job(project, arguments)
        for _ in range(arguments.rounds):
            for system in systems:
                train = train_peer if system in PEERS else train_aicomp
                answers[system].append(train(system, job))
    print(as_table(answers, arguments))


def write_job(project: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """What a peer is told; the numbers are standardized and in folds of the same sizes as aicomp's."""
    train = pd.read_csv(project / "data" / "raw" / "train.csv")
    x = train.drop(columns=["id", "y"]).to_numpy(np.float32)
    fold = np.random.default_rng(0).permutation(len(train)) % N_SPLITS
    arrays = project.parent / "arrays.npz"
    np.savez(arrays, x=(x - x.mean(axis=0)) / x.std(axis=0), y=train["y"].to_numpy(), fold=fold)
    names = ("epochs", "batch_size", "width", "learning_rate", "weight_decay")
    return {
        "project": str(project),
        "arrays": str(arrays),
        "network": str(HERE / "plain_network.py"),
        **{name: getattr(arguments, name) for name in names},
    }


def train_peer(system: str, job: dict[str, Any]) -> dict[str, float]:
    file = Path(job["arrays"]).with_name("job.json")
    told = {**job, "system": system.split(",")[0], "threads": PEERS[system]}
    file.write_text(json.dumps(told), encoding="utf-8")
    command = [str(PYTHON), str(HERE / "peers" / "loop_peer.py"), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=file.parent, check=False)
    if done.returncode:
        sys.exit(f"{system} failed:\n{done.stderr}")
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def train_aicomp(system: str, job: dict[str, Any]) -> dict[str, float]:
    """Train by `aicomp`'s engine, as `aicomp train` does, and note when each fold begins and ends."""
    from aicomp.cross_validation import cross_validate
    from aicomp.engine.events import EpochEvent
    from aicomp.project import Project

    times: list[tuple[float, float]] = []

    def on_event(event: object) -> None:
        if isinstance(event, EpochEvent):
            now = time.perf_counter()
            times.append((now - event.seconds, now))

    project = Project.open(Path(job["project"]), overrides(job, amp="bfloat16" in system))
    run = cross_validate(project, fresh=True, on_event=on_event)
    n_num = json.loads((run.folder / "folds" / "0" / "spec.json").read_text())["n_num"]
    n_columns = len(pd.read_csv(project.raw / "test.csv", nrows=1).columns) - 1
    assert n_num == n_columns, f"the network got {n_num} numbers, not {n_columns}"
    return {"seconds": max(end for _, end in times) - min(start for start, _ in times), "auc": run.scores["mean"]}


def overrides(job: dict[str, Any], *, amp: bool) -> list[str]:
    values = {
        "model.name": '"plain_network:build"',
        "model.params.width": job["width"],
        "split.n_splits": N_SPLITS,
        "training.optimizer": '"adamw"',
        "training.schedule": '"constant"',
        "training.learning_rate": job["learning_rate"],
        "training.batch_size": job["batch_size"],
        "training.epochs": job["epochs"],
        "training.amp": str(amp).lower(),
        "regularization.weight_decay": job["weight_decay"],
        "regularization.clip_norm": 0.0,
        "regularization.early_stopping": 0,
        "regularization.ema": 0.0,
    }
    return [f"{key}={value}" for key, value in values.items()]


def as_table(answers: dict[str, list[dict[str, float]]], arguments: argparse.Namespace) -> str:
    rows = arguments.rows * (N_SPLITS - 1) * arguments.epochs
    rates = {system: rows / statistics.median(a["seconds"] for a in of) for system, of in answers.items()}
    fastest = max(rates[s] for s in PEERS)
    lines = [
        f"{arguments.rows} x {arguments.columns}, {N_SPLITS} folds, {arguments.epochs} epochs, batches of "
        f"{arguments.batch_size}, 3 x {arguments.width} units, {arguments.rounds} rounds in turn",
        "",
        "| | rows a second | seconds: median (all) | x the faster peer |",
        "|---|---|---|---|",
    ]
    for system, of in answers.items():
        seconds = [a["seconds"] for a in of]
        each = ", ".join(f"{s:.1f}" for s in seconds)
        lines.append(
            f"| {system} | {rates[system]:,.0f} | {statistics.median(seconds):.1f} ({each}) | "
            f"{rates[system] / fastest:.2f} |"
        )
    reached = rates["aicomp"] >= AIM * fastest, rates["aicomp, bfloat16"] >= AIM * fastest
    verdicts = [f"{name} {'pass' if ok else 'FAIL'}" for name, ok in zip(("float32", "bfloat16"), reached, strict=True)]
    return "\n".join([*lines, "", f"- aim, {AIM:g} x the faster peer: {', '.join(verdicts)}"])


if __name__ == "__main__":
    main()
