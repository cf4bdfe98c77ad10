"""`training.compile`."""

import shutil

import numpy as np
import pytest
import torch
from torch import nn
from torch._dynamo.exc import BackendCompilerFailed
from training_cases import REGRESSION, a_config, a_fold

from aicomp.errors import AicompError
from aicomp.models import MODELS
from aicomp.training.compiling import compiled
from aicomp.training.fit import fit_fold

CPU = torch.device("cpu")


def fit(model, **training):
    config = a_config(model, {"dropout": 0.0}, epochs=3, amp=False, **training)
    build = lambda spec: MODELS[model](spec, d_block=16)  # noqa: E731
    return fit_fold(a_fold(REGRESSION), REGRESSION, config, build, seed=0, device=CPU)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for a CPU with g++")
def test_a_compiled_network_learns_the_same():
    plain, fast = fit("mlp", compile=False), fit("mlp", compile=True)
    assert plain.state_dict.keys() == fast.state_dict.keys()
    losses = [[row["train_loss"] for row in result.history] for result in (plain, fast)]
    np.testing.assert_allclose(*losses, rtol=1e-3)


def test_nothing_is_compiled_unless_it_is_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(nn.Module, "compile", lambda model, **options: asked.append(options))
    fit("mlp")
    assert asked == []
    fit("mlp", compile=True)
    assert asked == [{"dynamic": True}]


def test_what_cannot_be_compiled_is_told_in_a_line():
    failure = BackendCompilerFailed(lambda: None, RuntimeError("no compiler in sight"), None)
    with (
        pytest.raises(AicompError, match=r"the network cannot be compiled: .*no compiler in sight") as caught,
        compiled(nn.Linear(1, 1), asked=True),
    ):
        raise failure
    assert caught.value.hint == "write `--set training.compile=false`"
