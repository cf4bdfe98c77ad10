"""One fold trained by two processes that divide its weights and batches."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from test_transformer import write_encoder
from training_cases import BINARY, a_config, a_fold

from aicomp.cli.main import main
from aicomp.config import Config
from aicomp.engine.ranks import n_ranks
from aicomp.errors import UsageError
from aicomp.models import build_mlp
from aicomp.run import list_runs
from aicomp.training.fit import fit_fold
from aicomp.training.share import Share

CPU = torch.device("cpu")
PLAIN = [
    "model.name=mlp", "workers=2", "split.n_splits=2", "training.epochs=3", "training.batch_size=16",
    "training.amp=false", "regularization.dropout=0", "training.layout=processes",
]  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    assert main(["init", "iris", "--into", str(folder), "--json"]) == 0
    return folder


def command(folder: Path, *entries: str) -> list[str]:
    settings = [part for entry in [*PLAIN, *entries] for part in ("--set", entry)]
    return [sys.executable, "-m", "aicomp", "train", "--project", str(folder), "--json", *settings]


def train(folder: Path, *entries: str) -> dict:
    done = subprocess.run(command(folder, *entries), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_losses_and_predictions_are_those_of_one_process(project: Path) -> None:
    for more in ([], ["training.shard=true"], ['training.shard="ddp"']):
        train(project, "training.micro_batch=3", *more)
    alone, divided, copied = list_runs(project / "runs")
    for k, together in itertools.product(range(2), (divided, copied)):
        one, two = (run.result(k)["history"] for run in (alone, together))
        for name in ("train_loss", "valid_loss"):
            assert [row[name] for row in two] == pytest.approx([row[name] for row in one], rel=1e-4)
        for part in ("valid", "test"):
            np.testing.assert_allclose(together.predictions(k)[part], alone.predictions(k)[part], atol=2e-3)


def tuned_together(n: int, store: Path, encoder: Path, lora: int) -> list[dict]:
    script = Path(__file__).parent / "shard_process.py"
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo" if sys.platform == "linux" else "lo0"}
    processes = [
        subprocess.Popen([sys.executable, str(script), str(rank), str(n), str(store), str(encoder), str(lora)],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        for rank in range(n)
    ]  # fmt: skip
    said = [process.communicate(timeout=300) for process in processes]
    assert not any(process.returncode for process in processes), said
    return [json.loads(out) for out, _ in said]


@pytest.mark.slow
@pytest.mark.parametrize("lora", [0, 2])
def test_an_encoder_is_tuned_together_as_it_is_alone(tmp_path: Path, lora: int) -> None:
    if lora:
        pytest.importorskip("peft", reason="the extra [large] is not installed")
    encoder = write_encoder(tmp_path / "encoder", dropout=0.0)
    [alone] = tuned_together(1, tmp_path / "store-1", encoder, lora)
    first, second = tuned_together(2, tmp_path / "store-2", encoder, lora)
    assert first == second
    assert first["weights"] == alone["weights"]
    np.testing.assert_allclose(first["losses"], alone["losses"], rtol=1e-3)
    np.testing.assert_allclose(first["test"], alone["test"], atol=2e-3)


def ranks(pid: int) -> list[psutil.Process]:
    try:
        below = psutil.Process(pid).children(recursive=True)
        return [p for p in below if "aicomp.engine.rank" in p.cmdline()]
    except psutil.NoSuchProcess:
        return []


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=20)
    return not alive


@pytest.mark.slow
@pytest.mark.parametrize(("victim", "shard"), [("rank", "true"), ("rank", '"ddp"'), ("command", "true")])
def test_a_dead_rank_is_named_and_none_is_left(project: Path, victim: str, shard: str) -> None:
    started = command(project, f"training.shard={shard}", "training.epochs=5000", "regularization.early_stopping=0")
    process = subprocess.Popen(started, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while len(found := ranks(process.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(found) == 2
    if victim == "command":
        everyone = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate()
        assert gone(everyone)
        return
    second = next(p for p in found if p.cmdline()[-3:-1] == ["1", "2"])
    os.kill(second.pid, signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "fold 0: rank 1 of 2 ended with code -9 (killed: perhaps out of memory)" in said
    assert gone(found)


@pytest.mark.slow
def test_what_a_rank_refuses_is_told_as_it_is(project: Path) -> None:
    with (project / "model.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef broken(spec):\n    raise RuntimeError(spec.n_num)\n")
    wrong = command(project, "training.shard=true", 'model.name="model:broken"')
    done = subprocess.run(wrong, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.search(r"fold 0: rank [01] of 2 ended with code 1\n", done.stderr)
    [crashed] = list_runs(project / "runs")
    small = command(project, "training.shard=true", "training.batch_size=1")
    done = subprocess.run(small, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "`training.shard` divides a batch of 1 rows by 2 processes" in done.stderr
    assert [run.id for run in list_runs(project / "runs")] == [crashed.id]


def test_rows_are_shared_without_gap() -> None:
    shares = [Share(rank, 3) for rank in range(3)]
    assert [s.rows(8) for s in shares] == [slice(0, 2), slice(2, 5), slice(5, 8)]
    assert [s.equal_rows(8).tolist() for s in shares] == [[0, 1, 2], [3, 4, 5], [6, 7, 7]]


@pytest.mark.parametrize(
    ("regularization", "training", "message"),
    [
        ({"ema": 0.9}, {}, r"`regularization.ema` \(0.9\) needs the whole"),
        ({"sam": 0.1}, {}, r"`regularization.sam` \(0.1\) needs the whole"),
        ({}, {"optimizer": "muon"}, "`training.optimizer` `muon` needs the whole"),
        ({}, {"layout": "stacked"}, "`training.shard` trains one fold at a time"),
        ({}, {"compile": True}, "`training.compile` does not go with `training.shard`"),
    ],
)
def test_what_needs_whole_weights_is_refused(regularization, training, message) -> None:
    config = a_config(regularization=regularization, shard=True, amp=False, **training)
    with pytest.raises(UsageError, match=message):
        fit_fold(a_fold(BINARY), BINARY, config, build_mlp, seed=0, device=CPU)


def test_one_process_has_nothing_to_divide_by() -> None:
    with pytest.raises(UsageError, match="`workers` is 1: a fold cannot be divided"):
        n_ranks(Config(workers=1), CPU)
    assert n_ranks(Config(workers=3), CPU) == 3


def test_the_time_limit_does_not_go_with_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "--project", str(project), "--time-limit", "10s", "--set", "training.shard=true"]
    assert main(arguments) == 2
    assert "`training.shard` does not go with `--time-limit`" in capsys.readouterr().err
