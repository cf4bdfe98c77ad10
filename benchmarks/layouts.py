"""Folds in processes against folds stacked into one network: steps a second of both, for widths, members and batches.

    python benchmarks/layouts.py [--folds 5] [--steps 20] [--threads 1] [--processes 2]

Each line times steps of one fold alone (what one of several processes does) and steps of all folds stacked, in turns in
one process, so that what else the machine does weighs on both. "stacked / processes" is how many times as fast the
stack gets all folds through a step as the processes do, each with a core of its own.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from aicomp.config import Config, ModelConfig, TrainingConfig
from aicomp.data.rows import Rows
from aicomp.metrics import METRICS
from aicomp.models import MODELS, with_params
from aicomp.task import Task
from aicomp.training.device import choose_device, reproducible
from aicomp.training.fit import Prepared, prepare_fold
from aicomp.training.fold import FoldData
from aicomp.training.inference import tensors_of
from aicomp.training.regularization import Batch
from aicomp.training.stacked_trainer import StackedTrainer
from aicomp.training.trainer import Trainer

CASES = [
    ("linear", {}, 256),
    *(("mlp", {"d_block": width}, batch) for width in (16, 64, 256) for batch in (32, 256)),
    *(("tabm", {"d_block": 64, "k": members}, batch) for members in (2, 8) for batch in (32, 256)),
    ("tabm", {}, 256),
    ("realmlp", {}, 256),
    ("ft-transformer", {}, 256),
]
N_NUMBERS, N_ROWS = 16, 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20, help="timed steps; the median counts")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2, help="that would train the folds one by one")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = choose_device(options.device)
    print(
        f"{options.folds} folds, {N_NUMBERS} numbers, {options.threads} thread(s), torch {torch.__version__}, {device}"
    )
    print("| model | batch | weights | alone, steps/s | stacked, steps/s | stacked / processes |")
    print("|---|---|---|---|---|---|")
    for name, params, batch_size in CASES:
        folds = prepare(name, params, batch_size, options.folds, device)
        alone, stacked = measure(folds, device, options.steps)
        rounds = -(-options.folds // options.processes)
        label = " ".join([name, *(f"{key}={value}" for key, value in params.items())])
        weights = sum(p.numel() for p in folds[0].model.parameters())
        ratio = rounds * alone / stacked
        print(f"| {label} | {batch_size} | {weights} | {1 / alone:.0f} | {1 / stacked:.0f} | {ratio:.2f} |", flush=True)


def prepare(name: str, params: dict, batch_size: int, n_folds: int, device: torch.device) -> dict[int, Prepared]:
    config = Config(model=ModelConfig(name), training=TrainingConfig(batch_size=batch_size, amp=False))
    task, build = Task("binary", ("no", "yes"), 1, METRICS["roc_auc"]), with_params(MODELS[name], params)
    folds = {}
    for k in range(n_folds + 1):  # one more, to train alone
        rng = np.random.default_rng(k)
        x = rng.normal(size=(N_ROWS, N_NUMBERS)).astype(np.float32)
        y, all_rows = (x[:, 0] > 0).astype(np.int64), Rows(x, np.empty((N_ROWS, 0), np.int64))
        data = FoldData(all_rows, y, all_rows.take(slice(64)), y[:64], all_rows.take(slice(8)), ())
        with reproducible(k, device):
            folds[k] = prepare_fold(data, task, config, build, device=device)
    return folds


def measure(folds: dict[int, Prepared], device: torch.device, n_steps: int) -> tuple[float, float]:
    """Seconds of a step of one fold, and of one of all but that fold stacked."""
    task = Task("binary", ("no", "yes"), 1, METRICS["roc_auc"])
    with reproducible(0, device):
        single = folds.pop(0)
        alone = Trainer(single.model.to(device), task, single.objective, single.settings, device)
        stacked = StackedTrainer(folds, task, device, dict.fromkeys(folds, 0))
        n = single.settings.batch_size
        one = rows(single, n, device)
        several = [rows(fold, n, device) for fold in folds.values()]
        folds[0] = single
        all_rows = Batch(*(torch.stack(t) for t in zip(*((b.x_num, b.x_cat, b.targets) for b in several), strict=True)))
        single.model.train()
        steps = (lambda: alone.step(one), lambda: stacked.step(all_rows, [n] * len(several)))
        seconds = [[timed(step, device) for step in steps] for _ in range(n_steps + 2)][2:]
    return float(np.median([s[0] for s in seconds])), float(np.median([s[1] for s in seconds]))


def rows(fold: Prepared, n: int, device: torch.device) -> Batch:
    tensors = tensors_of(fold.data.train.take(slice(n)), device)
    return Batch(*tensors, fold.objective.encode(fold.data.y[:n]).to(device))


def timed(step: Callable[[], object], device: torch.device) -> float:
    """Seconds of this process alone where it is one thread, so that others on the core do not count."""
    clock = time.process_time if device.type == "cpu" and torch.get_num_threads() == 1 else time.perf_counter
    started = clock()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock() - started


if __name__ == "__main__":
    main()
