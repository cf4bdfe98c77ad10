"""One fold trained by two processes over gloo: losses are those of one process with the same batches."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from aicomp.training.share import Share
from aicomp.training.synced_norm import SyncedBatchNorm, sync_batch_norm

DDP = ("parts", "sam", "swa", "muon", "schedule-free", "norm", "early")
FSDP = ("plain", "norm", "early")


def together(n: int, folder: Path, kind: str, *cases: str) -> list[dict]:
    """What each of `n` processes tells of cases."""
    script = Path(__file__).parent / "together_process.py"
    environment = {
        **os.environ,
        "GLOO_SOCKET_IFNAME": "lo" if sys.platform == "linux" else "lo0",
        "OMP_NUM_THREADS": "1",
    }
    processes = [
        subprocess.Popen(
            [sys.executable, str(script), str(rank), str(n), str(folder / f"store-{kind}"), kind, *cases],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )
        for rank in range(n)
    ]  # fmt: skip
    said = [process.communicate(timeout=300) for process in processes]
    assert not any(process.returncode for process in processes), said
    return [json.loads(out) for out, _ in said]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What one process tells of each case, and what two tell by kind."""
    folder = tmp_path_factory.mktemp("together")
    [alone] = together(1, folder, "", *dict.fromkeys((*DDP, *FSDP)))
    return alone, {"ddp": together(2, folder, "ddp", *DDP), "fsdp": together(2, folder, "fsdp", *FSDP)}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "case"), [*(("ddp", c) for c in DDP), *(("fsdp", c) for c in FSDP)])
def test_the_loss_curve_is_that_of_one_process(told, kind, case):
    alone, several = told
    expected = alone[case]
    first, second = (process[case] for process in several[kind])
    assert first == second  # with "ddp" the weights too, bit for bit
    assert first["names"] == expected["names"]
    assert len(first["losses"]) == len(expected["losses"])
    larger = 10 if case == "muon" else 1  # which multiplies in bfloat16
    np.testing.assert_allclose(first["losses"], expected["losses"], rtol=1e-4 * larger)
    np.testing.assert_allclose(first["valid"], expected["valid"], rtol=2e-3 * larger)
    np.testing.assert_allclose(first["test"], expected["test"], atol=2e-3 * larger)
    assert first["notes"] == expected["notes"]
    assert first["unused"] == expected["unused"]
    if case == "early":
        assert len(first["losses"]) < 60


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ddp", "fsdp"])
def test_a_training_that_was_cut_goes_on_to_the_same_bits(told, kind):
    first, second = (process["resume"] for process in told[1][kind])
    assert first["left"] == second["left"]
    assert len(first["left"]) == 2  # the newest of which the second process has lost
    assert int(first["left"][0]) > 1
    for process in (first, second):
        assert process["epochs"][0] > 1
        assert process["epochs"][-1] == 4
        assert (process["same"], process["losses"], process["test"]) == (True, True, True)
    assert first["files"] == []


def test_one_process_adds_up_nothing():
    layer = nn.Linear(2, 1)
    Share(kind="ddp").add_gradients(list(layer.parameters()))
    assert layer.weight.grad is None
    assert (Share(0, 4, "ddp").loss_factor, Share(0, 4, "fsdp").loss_factor) == (1, 4)


def test_batch_norm_keeps_its_weights_and_is_torchs_outside_of_training():
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Sequential(nn.BatchNorm2d(3, affine=False)))
    rows = torch.randn(4, 1, 6, 6)
    model(rows)
    before = {name: t.clone() for name, t in model.state_dict().items()}
    model.eval()
    expected = model(rows)
    parameters = list(model.parameters())
    sync_batch_norm(model)
    assert [type(m) for m in (model[1], model[2][0])] == [SyncedBatchNorm] * 2
    assert all(a is b for a, b in zip(parameters, model.parameters(), strict=True))
    assert before.keys() == model.state_dict().keys()
    assert torch.equal(model(rows), expected)
