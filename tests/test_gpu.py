"""What only a GPU can show: `AICOMP_TEST_GPU=1 pytest tests/test_gpu.py` on a machine that has one."""

import os

import numpy as np
import pytest
import torch
from test_checkpoints import Killed, dying
from training_cases import MULTICLASS, a_config, a_fold

from aicomp.models import MODELS
from aicomp.training.checkpoints import Checkpoints
from aicomp.training.fit import fit_fold

pytestmark = pytest.mark.skipif(
    not (os.environ.get("AICOMP_TEST_GPU") and torch.cuda.is_available()), reason="asks for AICOMP_TEST_GPU=1 and a GPU"
)

CUDA = torch.device("cuda")
RECIPES = {
    "adamw": ("mlp", {}, {}),
    "ema": ("tabm", {"ema": 0.9}, {}),
    "mixup": ("realmlp", {"mixup": 0.4}, {}),
    "micro-batches": ("ft-transformer", {"micro_batch": 16}, {}),
    "muon": ("mlp", {"optimizer": "muon"}, {}),
    "schedule-free": ("mlp", {"optimizer": "schedule-free"}, {}),
    "memory": ("modern-nca", {}, {}),
    "bfloat16": ("tabm", {"amp": True}, {}),
    "compiled": ("mlp", {"compile": True}, {}),
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_killed_fold_goes_on_where_it_was(name, tmp_path):
    model, *sections = RECIPES[name]
    both = {**sections[0], **sections[1]}
    regularization = {key: both.pop(key) for key in ("ema", "mixup") if key in both}
    config, data = a_config(model, regularization, epochs=4, **both), a_fold(MULTICLASS, n=160)

    def fit(checkpoints=None):
        return fit_fold(data, MULTICLASS, config, MODELS[model], seed=3, device=CUDA, checkpoints=checkpoints)

    never_killed, path = fit(), tmp_path / "c.safetensors"
    for steps in (3, 1, 4):
        with pytest.raises(Killed):
            fit(dying(path, steps))
    resumed = fit(Checkpoints(path, every=1e-9))
    assert resumed.best_epoch == never_killed.best_epoch
    np.testing.assert_allclose(resumed.valid_pred, never_killed.valid_pred, rtol=1e-3, atol=1e-4)


def test_a_gpu_and_the_processor_learn_the_same():
    config, data = a_config("mlp", epochs=8), a_fold(MULTICLASS, n=600)
    here, there = (
        fit_fold(data, MULTICLASS, config, MODELS["mlp"], seed=3, device=device)
        for device in (torch.device("cpu"), CUDA)
    )
    assert abs(MULTICLASS.score(data.valid_y, here.valid_pred) - MULTICLASS.score(data.valid_y, there.valid_pred)) < 0.1
