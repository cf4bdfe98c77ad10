"""How near the training of the networks comes to this machine's matrix products: `python benchmarks/flops.py`.

For each network, at its default size and at a wide one: the floating-point operations of its matrix products in an
epoch, over the time of `fit_fold`'s epochs. Counted by torch, twice the multiplications: forward and backward for
training rows; forward alone for validation rows, a quarter as many, as in five folds. That over the FLOP/s of a product
of two large matrices in the same dtype, in the same process and with the same number of threads. All that is no matrix
product counts as lost time: activations, norms, the members' scales, optimizer, shuffling, the metric. With one thread,
times are those of the processor, so that a busy machine spoils them less. The column before the last is what
validation takes, in per cent of the training proper.

    python benchmarks/flops.py [--rows 16384] [--columns 50] [--epochs 3] [--threads 1] [--only tabm]
"""

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch, as in aicomp's workers

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from aicomp.config import Config, ModelConfig, RegularizationConfig, TrainingConfig
from aicomp.data.rows import Rows
from aicomp.metrics import get_metric
from aicomp.models import MODELS
from aicomp.models.spec import ModelSpec, bin_edges
from aicomp.task import Task
from aicomp.training.device import has_bfloat16
from aicomp.training.fit import FoldData, fit_fold
from aicomp.training.inference import tensors_of
from aicomp.training.recipe import N_BINS
from aicomp.training.trainer import Trainer

WIDE: dict[str, dict[str, int]] = {
    "mlp": {"d_block": 1024},
    "tabm": {"d_block": 512, "k": 16},
    "realmlp": {"d_block": 1024},
}
LARGE = 2048
AIM = 0.5
OF_VALID = 0.25
MOST_OF_VALIDATION = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=16_384)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="default 1, as in aicomp's workers")
    parser.add_argument("--only", default=",".join(WIDE), help="comma-separated networks")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    dtypes = [torch.float32] + [torch.bfloat16] * has_bfloat16(torch.device("cpu"))
    data = make_fold(arguments.rows, arguments.columns)
    print(f"{arguments.rows} x {arguments.columns}, {arguments.threads} thread(s)\n")
    print("| network | size | dtype | batch | MFLOP a row | GFLOP/s | product, GFLOP/s | share | | validation | |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for dtype in dtypes:
        for name in arguments.only.split(","):
            for size, params in (("default", {}), ("wide", WIDE[name])):
                print(measure(name, size, params, dtype, data, arguments.epochs), flush=True)


def measure(name: str, size: str, params: dict[str, int], dtype: torch.dtype, data: FoldData, epochs: int) -> str:
    """A line of the table; the large product is timed before and after the training, and their mean counts."""
    config = Config(
        model=ModelConfig(name=name, params=params),
        training=TrainingConfig(epochs=epochs, amp=dtype == torch.bfloat16),
        regularization=RegularizationConfig(early_stopping=0),
    )

    def build(spec: ModelSpec) -> torch.nn.Module:
        return MODELS[name](spec, **params)

    task = Task("binary", ("0", "1"), 1, get_metric("roc_auc"))
    before = product_rate(dtype)
    ticks: list[float] = []
    with timed_validation() as validations:
        result = fit_fold(
            data, task, config, build, seed=0, device=torch.device("cpu"), report=lambda epoch: ticks.append(clock())
        )
    peak = (before + product_rate(dtype)) / 2
    model = build(spec_of(data))
    per_row = flops_per_row(model, data, backward=True)
    operations = per_row * len(data.y) + flops_per_row(model, data, backward=False) * len(data.valid_y)
    seconds = float(statistics.median(np.diff(ticks)))  # from the second epoch on: the first one warms up
    validating = statistics.median(validations[1:])
    of_training = validating / (seconds - validating)
    rate = operations / seconds
    share = rate / peak
    shown = ", ".join(f"{k}={v}" for k, v in params.items()) or "default"
    verdict = ("pass" if share >= AIM else "FAIL") if size == "wide" else ""
    is_quick = "pass" if of_training <= MOST_OF_VALIDATION else "FAIL"
    return (
        f"| {name} | {shown} | {str(dtype).removeprefix('torch.')} | {result.settings['batch_size']} | "
        f"{per_row / 1e6:.2f} | {rate / 1e9:.1f} | {peak / 1e9:.1f} | {share:.2f} | {verdict} | "
        f"{of_training:.1%} | {is_quick} |"
    )


@contextmanager
def timed_validation() -> Iterator[list[float]]:
    """Seconds of each validation of the trainings within."""
    seconds: list[float] = []
    validate = Trainer._validate

    def timed(*arguments: Any) -> tuple[float, float]:
        started = clock()
        found = validate(*arguments)
        seconds.append(clock() - started)
        return found

    with patch.object(Trainer, "_validate", timed):
        yield seconds


def clock() -> float:
    """Seconds of this process's only thread, or of the wall if it has several."""
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def flops_per_row(model: torch.nn.Module, data: FoldData, *, backward: bool, n_rows: int = 256) -> float:
    """Operations of the matrix products of a forward pass, and of a backward pass too if wanted, for one row."""
    rows = tensors_of(data.train.take(slice(n_rows)))
    model.train()
    with FlopCounterMode(display=False) as counter:
        loss = model(*rows).float().sum()
        if backward:
            loss.backward()
    return counter.get_total_flops() / n_rows


def product_rate(dtype: torch.dtype, rounds: int = 5) -> float:
    """FLOP/s of a large matrix product: the fastest of some rounds."""
    a, b = (torch.randn(LARGE, LARGE).to(dtype) for _ in range(2))
    out = a @ b
    times = []
    for _ in range(rounds):
        started = clock()
        torch.mm(a, b, out=out)
        times.append(clock() - started)
    return 2 * LARGE**3 / min(times)


def make_fold(n_rows: int, n_columns: int) -> FoldData:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(n_rows + int(OF_VALID * n_rows), n_columns)).astype(np.float32)
    y = (x[:, 0] + draw.normal(size=len(x)) > 0).astype(np.int64)
    codes = np.empty((len(x), 0), np.int64)
    train, valid = slice(None, n_rows), slice(n_rows, None)
    return FoldData(
        train=Rows(x[train], codes[train]),
        y=y[train],
        valid=Rows(x[valid], codes[valid]),
        valid_y=y[valid],
        test=Rows(x[valid], codes[valid]),
        cardinalities=(),
    )


def spec_of(data: FoldData) -> ModelSpec:
    bins = tuple(bin_edges(column, N_BINS) for column in data.train.x_num.T)
    return ModelSpec(n_num=data.train.x_num.shape[1], cardinalities=(), n_outputs=1, bins=bins, dropout=0.1)


if __name__ == "__main__":
    main()
