"""Where memory does not suffice, fewer rows are taken at once: the same step, with a word, and an error at one row."""

import json

import numpy as np
import pytest
import torch
from synthetic import init_project, open_quick, quick_arguments
from torch import nn
from training_cases import BINARY, a_config, a_fold

from aicomp.cli.main import main
from aicomp.cross_validation import cross_validate
from aicomp.engine.events import FoldEvent, LayoutEvent
from aicomp.errors import AicompError
from aicomp.models import build_mlp
from aicomp.run import find_run
from aicomp.training.fit import fit_fold
from aicomp.training.stacked_trainer import StackedTrainer

CPU = torch.device("cpu")
ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: not enough memory: you tried to allocate"),
    MemoryError(),
]


class Hungry(nn.Module):
    """A network that needs more memory than there is above so many rows in training, and so many in prediction."""

    def __init__(self, network, error, train=10**9, predict=10**9):
        super().__init__()
        self.network, self.error, self.most = network, error, {True: train, False: predict}
        self.is_tried = False

    def forward(self, x_num, x_cat):
        outputs = self.network(x_num, x_cat)  # random numbers are drawn before it fails
        if len(x_num) > self.most[self.training] and self.is_tried:
            raise self.error
        self.is_tried = True  # on two rows, before training
        return outputs


def fit(build, regularization=None, report=lambda epoch: None, **training):
    """300 rows by batches of at most 64: five batches of 60."""
    config = a_config(regularization=regularization or {"dropout": 0.2}, amp=False, **training)
    return fit_fold(a_fold(BINARY), BINARY, config, build, seed=0, device=CPU, report=report)


def hungry(error=ERRORS[0], network=build_mlp, **limits):
    return lambda spec: Hungry(network(spec), error, **limits)


def assert_same(a, b):
    for name, weights in a.state_dict.items():
        assert torch.equal(weights, b.state_dict[name]), name
    np.testing.assert_array_equal(a.test_pred, b.test_pred)
    assert [row["train_loss"] for row in a.history] == [row["train_loss"] for row in b.history]


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
def test_a_step_that_does_not_fit_is_taken_again_in_halves(error):
    """Bit for bit as if micro-batches of 30 had been asked for: dropout is drawn anew from where it was."""
    found, asked = fit(hungry(error, train=40)), fit(hungry(), micro_batch=30)
    assert_same(found, asked)
    assert found.notes[0] == "batch of 60 did not fit into memory: continues with micro-batches of 30"
    assert asked.notes == found.notes[1:]


def test_halves_are_halved_until_they_fit():
    found, asked = fit(hungry(train=10), {"dropout": 0.2, "sam": 0.05}), fit(
        hungry(), {"dropout": 0.2, "sam": 0.05}, micro_batch=8
    )  # fmt: skip
    assert_same(found, asked)
    assert [note.rpartition(" ")[2] for note in found.notes[:3]] == ["30", "15", "8"]


def test_it_is_told_with_the_epoch_in_which_it_happened():
    told = []
    fit(hungry(train=40), report=lambda epoch: told.append(epoch.note))
    assert told == ["batch of 60 did not fit into memory: continues with micro-batches of 30", "", ""]


def test_means_over_a_batch_are_those_of_smaller_batches():
    """A network with batch norm: 5 batches of 60 become 10 of 30, and a step that was not taken leaves no trace."""

    def build(spec):
        return nn.ModuleDict({"norm": nn.BatchNorm1d(spec.n_num), "mlp": build_mlp(spec)})

    class Normed(nn.Module):
        def __init__(self, spec):
            super().__init__()
            self.parts = build(spec)

        def forward(self, x_num, x_cat):
            return self.parts["mlp"](self.parts["norm"](x_num), x_cat)

    found = fit(hungry(network=Normed, train=40), epochs=1)
    assert found.notes == ["batch of 60 did not fit into memory: continues with batches of 30"]
    assert int(found.state_dict["network.parts.norm.num_batches_tracked"]) == 10
    usual = fit(hungry(network=Normed), epochs=1)
    assert int(usual.state_dict["network.parts.norm.num_batches_tracked"]) == 5


def test_it_gives_up_at_one_row():
    with pytest.raises(AicompError, match="not even one row fits into memory in training"):
        fit(hungry(train=0))
    with pytest.raises(AicompError, match="not even one row can be predicted"):
        fit(hungry(predict=0, train=10**9), epochs=1)


def test_other_errors_are_not_taken_for_it():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        fit(hungry(RuntimeError("mat1 and mat2 shapes cannot be multiplied"), train=40))


def test_rows_to_predict_are_halved_and_predicted_all_the_same():
    found, usual = fit(hungry(predict=25)), fit(hungry())
    np.testing.assert_allclose(found.valid_pred, usual.valid_pred, rtol=1e-5)
    np.testing.assert_allclose(found.test_pred, usual.test_pred, rtol=1e-5)
    assert found.notes[:2] == [
        "90 rows to predict did not fit into memory: continues with 45 at once",
        "45 rows to predict did not fit into memory: continues with 23 at once",
    ]
    assert len([note for note in found.notes if "to predict" in note]) == 2  # and not anew in each epoch


MODEL = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, spec):
        super().__init__()
        {begin}
        self.layer = nn.Linear(spec.n_num, spec.n_outputs)

    def forward(self, x_num, x_cat):
        if self.training and len(x_num) > 20:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.layer(x_num)


def build_model(spec):
    return Model(spec)
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_people_see_it_and_the_run_keeps_it(tmp_path, capsys, workers):
    folder = init_project(tmp_path)
    (folder / "model.py").write_text(MODEL.format(begin=""))
    arguments = quick_arguments('model.name="model:build_model"', f"workers={workers}", "training.layout=processes")
    assert main(["train", "--project", str(folder), *arguments]) == 0
    said = "batch of 30 did not fit into memory: continues with micro-batches of 15"
    err = capsys.readouterr().err
    for k in range(3):
        assert f"note: fold {k}: {said}\n" in err
        assert find_run(folder / "runs").result(k)["notes"][0] == said


def test_a_network_that_cannot_even_be_built_is_an_error_in_words(tmp_path, capsys):
    folder = init_project(tmp_path)
    (folder / "model.py").write_text(MODEL.format(begin="raise MemoryError"))
    capsys.readouterr()
    arguments = quick_arguments('model.name="model:build_model"', "training.layout=processes")
    assert main(["train", "--json", "--project", str(folder), *arguments]) == 1
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    assert json.loads(captured.out)["error"]["message"] == "fold 0 did not fit into memory: no more memory"


def test_a_stack_that_does_not_fit_is_trained_fold_by_fold(tmp_path, monkeypatch):
    settings = ('model.name="mlp"', "model.params.d_block=16", "training.amp=false")
    folder = init_project(tmp_path)
    alone = cross_validate(open_quick(folder, *settings, "training.layout=processes"))
    steps, events = [], []
    step = StackedTrainer.step

    def hungry_step(self, batch, sizes):
        steps.append(1)
        if len(steps) == 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return step(self, batch, sizes)

    monkeypatch.setattr(StackedTrainer, "step", hungry_step)
    run = cross_validate(open_quick(folder, *settings, "training.layout=stacked"), on_event=events.append)
    reason = "their stack did not fit into memory"
    assert [e for e in events if isinstance(e, LayoutEvent)][1:] == [LayoutEvent(False, [0, 1, 2], reason)]
    assert sorted(e.fold for e in events if isinstance(e, FoldEvent)) == [0, 1, 2]
    assert run.read("layout.json") == {"stacked": False, "folds": [0, 1, 2], "reason": reason}
    for k in range(3):
        np.testing.assert_array_equal(run.predictions(k)["test"], alone.predictions(k)["test"])
        assert run.result(k)["notes"][0] == "trained alone: a stack with the other folds did not fit into memory"
