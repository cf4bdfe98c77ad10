"""Cross-validated scores of every optimizer, schedule and learning rate for each network: which is whose default?

    python benchmarks/optimizers.py DATA_DIR --out optimizers.jsonl [--rows 2000] [--only titanic] [--networks mlp]
    python benchmarks/optimizers.py --report optimizers.jsonl

DATA_DIR holds a folder per competition with train.csv, test.csv and sample_submission.csv; rows of train beyond
`--rows` are left out. Each line of the output is one configuration on one set: scores of the folds and seconds. The
same command goes on where it was cut; `--report` prints Markdown. Only train.csv is scored, by folds.
"""

import argparse
import contextlib
import io
import json
import math
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: spinning threads slow each other down

import numpy as np
import pandas as pd
import torch

from aicomp.cli.main import main as aicomp
from aicomp.data.columns import infer_columns
from aicomp.data.encoding import Encoder
from aicomp.data.table import Table
from aicomp.dataset import load_dataset
from aicomp.fold_choice import choose_folds
from aicomp.models import MODELS
from aicomp.project import Project
from aicomp.training.fit import FoldData, fit_fold

SETS = {
    "titanic": "roc_auc",
    "telco-churn": "roc_auc",
    "house-prices": "rmsle",
    "wine-quality": "accuracy",
    "bike-sharing": "rmsle",
    "california-housing": "rmse",
}
HIGHER = {"roc_auc", "accuracy"}
NETWORKS = ("tabm", "mlp", "realmlp", "ft-transformer")
OPTIMIZERS = {"adamw": 0.008, "adam": 0.008, "muon": 0.008, "lion": 0.002, "schedule-free": 0.008, "sgd": 0.02}
SCHEDULES = ("cosine", "coslog4", "one-cycle", "constant")
N_SPLITS, N_TEST = 3, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", metavar="DATA_DIR")
    parser.add_argument("--out", type=Path, default=Path("optimizers.jsonl"))
    parser.add_argument("--report", type=Path)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--only", default=",".join(SETS))
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin nothing new after this time")
    parser.add_argument(
        "--part", default="1/1", help="such as 1/2 and 2/2, for two processes with outputs of their own"
    )
    arguments = parser.parse_args()
    if arguments.report:
        print(report([json.loads(line) for line in arguments.report.read_text().splitlines()]))
        return
    if arguments.data is None:
        parser.error("name DATA_DIR or --report")
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    run_all(arguments)


def grid(networks: list[str], seeds: int) -> Iterator[tuple[str, str, str, float, int]]:
    """Configurations (network, optimizer, schedule, learning rate, seed), those that tell most first."""
    usual = {name: "warmup" if name == "schedule-free" else "cosine" for name in OPTIMIZERS}
    for seed in range(seeds):
        chosen = [(optimizer, usual[optimizer], 1.0) for optimizer in OPTIMIZERS]
        chosen += [("adamw", schedule, 1.0) for schedule in SCHEDULES[1:]]
        chosen += [(optimizer, usual[optimizer], factor) for factor in (1 / 3, 3.0) for optimizer in OPTIMIZERS]
        chosen += [("muon", schedule, 1.0) for schedule in SCHEDULES[1:]]
        for optimizer, schedule, factor in chosen:
            for network in networks:
                yield network, optimizer, schedule, float(f"{OPTIMIZERS[optimizer] * factor:.2g}"), seed


def run_all(arguments: argparse.Namespace) -> None:
    """Score what the output file does not hold yet."""
    done = set()
    if arguments.out.exists():
        rows = [json.loads(line) for line in arguments.out.read_text().splitlines()]
        done = {(r["set"], r["network"], r["optimizer"], r["schedule"], r["learning_rate"], r["seed"]) for r in rows}
    started = time.monotonic()
    part, n_parts = map(int, arguments.part.split("/"))
    with tempfile.TemporaryDirectory() as scratch:
        prepared = {s: prepare(s, arguments.data / s, Path(scratch), arguments.rows) for s in arguments.only.split(",")}
        tasks = [(slug, *c) for c in grid(arguments.networks.split(","), arguments.seeds) for slug in prepared]
        for number, (slug, network, optimizer, schedule, rate, seed) in enumerate(tasks):
            if number % n_parts != part - 1 or (slug, network, optimizer, schedule, rate, seed) in done:
                continue
            if (time.monotonic() - started) / 60 > arguments.minutes:
                break
            line = score(*prepared[slug], network, optimizer, schedule, rate, seed)
            with arguments.out.open("a") as file:
                file.write(json.dumps({"set": slug, **line}) + "\n")


def prepare(slug: str, source: Path, scratch: Path, n_rows: int) -> tuple[Path, list[FoldData]]:
    """A project of some of a set's rows, and its folds, encoded once."""
    folder = scratch / "downloaded" / slug
    folder.mkdir(parents=True)
    train = pd.read_csv(source / "train.csv", dtype=str, keep_default_na=False)
    train.sample(min(n_rows, len(train)), random_state=0).to_csv(folder / "train.csv", index=False)
    for name in ("test.csv", "sample_submission.csv"):
        pd.read_csv(source / name, dtype=str, keep_default_na=False)[:N_TEST].to_csv(folder / name, index=False)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = aicomp(["init", str(folder), "--metric", SETS[slug], "--into", str(scratch / slug), "--json"])
    if code:
        sys.exit(f"`aicomp init` of {slug} failed")
    project = Project.open(scratch / slug, [f"split.n_splits={N_SPLITS}"])
    dataset = load_dataset(project)
    columns = infer_columns(dataset.train, dataset.test, project.config.columns)
    tables = Table.build_pair(dataset.train, dataset.test, columns)
    folds = choose_folds(project, dataset)[2].folds
    return scratch / slug, [encode(columns, tables, dataset.y, fold.train, fold.valid) for fold in folds]


def encode(columns, tables, y, train, valid) -> FoldData:  # type: ignore[no-untyped-def]
    encoder = Encoder(columns).fit(tables[0], train)
    return FoldData(
        train=encoder.transform(tables[0], train),
        y=y[train],
        valid=encoder.transform(tables[0], valid),
        valid_y=y[valid],
        test=encoder.transform(tables[1], np.arange(tables[1].n_rows)),
        cardinalities=encoder.cardinalities,
    )


def score(
    folder: Path, folds: list[FoldData], network: str, optimizer: str, schedule: str, rate: float, seed: int
) -> dict[str, object]:
    """Train and score all folds with one configuration."""
    overrides = [
        f'training.optimizer="{optimizer}"',
        f'training.schedule="{schedule}"',
        f"training.learning_rate={rate}",
    ]
    project = Project.open(folder, overrides)
    task, scores, started = project.task, [], time.process_time()
    for k, data in enumerate(folds):
        fold_seed = seed + 1000 * k
        try:
            result = fit_fold(data, task, project.config, MODELS[network], seed=fold_seed, device=torch.device("cpu"))
            scores.append(task.score(data.valid_y, result.valid_pred))
        except Exception as e:  # a rate at which the loss becomes infinite is a result too
            print(f"{network} {optimizer} {schedule} {rate}: {e}", file=sys.stderr)
            scores.append(math.nan)
    return {
        "network": network,
        "optimizer": optimizer,
        "schedule": schedule,
        "learning_rate": rate,
        "seed": seed,
        "scores": scores,
        "seconds": time.process_time() - started,
    }


def report(rows: list[dict]) -> str:  # type: ignore[type-arg]
    """Markdown: a table for each network, the best configuration first.

    A configuration's error (rmse, rmsle, 1 - AUC or 1 - accuracy) on a fold is divided by that of AdamW with its usual
    rate and cosine on the same fold and seed. The mean of the logarithm over folds and seeds, then over sets, is the
    relative error; its standard error is that over sets. Ranks are those of the mean score on each set.
    """
    return "\n".join(table(network, rows) for network in NETWORKS if any(r["network"] == network for r in rows))


def table(network: str, rows: list[dict]) -> str:  # type: ignore[type-arg]
    errors: dict[tuple[str, str, float], dict[tuple[str, int], np.ndarray]] = defaultdict(dict)
    seconds = defaultdict(list)
    for r in rows:
        if r["network"] == network:
            key = (r["optimizer"], r["schedule"], r["learning_rate"])
            scores = np.array(r["scores"], dtype=float)
            errors[key][r["set"], r["seed"]] = 1 - scores if SETS[r["set"]] in HIGHER else scores
            seconds[key].append(r["seconds"])
    base = errors[("adamw", "cosine", OPTIMIZERS["adamw"])]
    sets = sorted({s for s, _ in base})
    lines = []
    for key, by_set in errors.items():
        logs = {s: [np.log(e / base[p]) for p, e in by_set.items() if p[0] == s and p in base] for s in sets}
        means = np.array([np.mean(logs[s]) if logs[s] else np.nan for s in sets])
        lines.append((key, means, float(np.mean(seconds[key]))))
    complete = [line for line in lines if np.isfinite(line[1]).all()]
    ranks = np.mean([pd.Series([m[i] for _, m, _ in complete]).rank() for i in range(len(sets))], axis=0)
    text = [
        f"\n`{network}`\n",
        "| optimizer | schedule | learning rate | "
        + " | ".join(sets)
        + " | mean | standard error | mean rank | CPU s |",
        "|---" * (7 + len(sets)) + "|",
    ]
    for ((optimizer, schedule, rate), means, spent), rank in sorted(
        zip(complete, ranks, strict=True), key=lambda line: float(line[0][1].mean())
    ):
        cells = " | ".join(f"{100 * math.expm1(m):+.1f} %" for m in means)
        error = means.std(ddof=1) / math.sqrt(len(means)) if len(means) > 1 else math.nan
        mean = f"{100 * math.expm1(means.mean()):+.1f} % | {100 * error:.1f} % | {rank:.1f} | {spent:.1f}"
        text.append(f"| {optimizer} | {schedule} | {rate:g} | {cells} | {mean} |")
    return "\n".join(text)


if __name__ == "__main__":
    main()
