"""Memory that is counted before anything is trained: on steps without numbers, beside what real steps hold."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from training_cases import BINARY, MULTICLASS, TABULAR, a_config, a_fold

from aicomp.cli.main import main
from aicomp.engine import memory_plan
from aicomp.models import MODELS
from aicomp.training.fit import prepare_fold
from aicomp.training.footprint import count_footprint
from aicomp.training.live_memory import LiveMemory
from aicomp.training.optimizers import split_parameters

CPU = torch.device("cpu")


def footprint(model="mlp", build=None, regularization=None, task=BINARY, **training):
    config = a_config(model, regularization, amp=False, **training)
    built = build or MODELS[model]

    def prepare(is_sketch):
        return prepare_fold(a_fold(task), task, config, built, device=CPU, is_sketch=is_sketch)

    return count_footprint(prepare, task, CPU, lambda model: 0)


def test_storages_are_counted_once_and_while_they_live():
    with LiveMemory() as live:
        a = torch.zeros(100)
        assert live.now == 400
        b = a.view(10, 10)[2:]  # the same storage
        assert live.now == 400
        c = a + 1
        assert (live.now, live.peak) == (800, 800)
        del c
        assert (live.now, live.peak) == (400, 800)
        del a
        assert live.now == 400
        del b
        assert live.now == 0


def two_layers(spec):
    model = nn.Sequential(nn.Linear(3, 8, bias=False), nn.Sigmoid(), nn.Linear(8, 1, bias=False))
    model.forward = lambda x_num, x_cat: nn.Sequential.forward(model, x_num)
    return model


def test_the_parts_of_a_network_of_two_layers_by_hand():
    found = footprint(build=two_layers, optimizer="adamw", batch_size=50, regularization={"dropout": 0.0})
    n = 3 * 8 + 8 * 1
    assert (found.parameters, found.trained, found.rows, found.length) == (n, n, 50, 0)
    assert found.weights == found.gradients == found.kept == 4 * n
    assert found.optimizer == 2 * 4 * n + 2 * 4  # two means, and a step for each of two matrices
    hidden, outputs = 4 * 50 * 8, 4 * 50
    assert found.activations >= hidden + outputs
    assert found.activations <= hidden + 4 * outputs + 8  # a loss needs its outputs and targets, and is a number
    assert found.is_traced
    assert found.peak >= found.weights + found.optimizer + found.kept + found.activations


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "lion", "muon", "schedule-free"])
def test_each_optimizers_state_is_counted(optimizer):
    found = footprint(optimizer=optimizer)
    config = a_config(amp=False, optimizer=optimizer)
    fold = prepare_fold(a_fold(BINARY), BINARY, config, MODELS["mlp"], device=CPU)
    trained = 4 * sum(p.numel() for p in fold.model.parameters())
    copies = {"sgd": 1, "lion": 1, "adam": 2, "adamw": 2, "schedule-free": 3}
    if optimizer == "muon":
        assert trained < found.optimizer < 2 * trained  # one for hidden matrices, two for the others
    else:
        assert copies[optimizer] * trained <= found.optimizer <= copies[optimizer] * trained + 100
    assert split_parameters(fold.model)


@pytest.mark.parametrize("model", TABULAR)
def test_every_network_can_be_counted_and_fewer_rows_need_less(model):
    whole, few = footprint(model, task=MULTICLASS), footprint(model, task=MULTICLASS, micro_batch=8)
    assert whole.parameters == few.parameters > 0
    assert whole.rows > 8 >= few.rows
    assert whole.activations > few.activations
    assert whole.peak > whole.weights + whole.gradients + whole.optimizer


def test_what_is_kept_beside_the_weights_is_counted():
    plain = footprint()
    assert footprint(regularization={"ema": 0.9}).kept == pytest.approx(2 * plain.kept, rel=0.01)
    assert footprint(regularization={"sam": 0.1}).kept == pytest.approx(2 * plain.kept, rel=0.01)


def test_a_network_that_looks_at_numbers_is_counted_on_real_steps():
    class Looking(nn.Module):
        def __init__(self, spec):
            super().__init__()
            self.layer = nn.Linear(spec.n_num, spec.n_outputs)

        def forward(self, x_num, x_cat):
            return self.layer(x_num) * (2.0 if float(self.layer.bias.detach().sum()) > 100 else 1.0)

    found = footprint(build=Looking, regularization={"dropout": 0.0})
    assert not found.is_traced
    assert (found.parameters, found.gradients) == (4, 16)


def test_what_is_counted_without_numbers_is_what_real_steps_hold():
    def real(spec):
        model = MODELS["mlp"](spec)
        layers = nn.Sequential(model)
        layers.forward = lambda x_num, x_cat: model(x_num, x_cat) * (1.0 if float(x_num.sum()) < 1e9 else 2.0)
        return layers

    traced, measured = footprint(), footprint(build=real)
    assert (traced.is_traced, measured.is_traced) == (True, False)
    assert traced.optimizer == measured.optimizer
    assert traced.peak == pytest.approx(measured.peak, rel=0.02)


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    assert main(["init", "iris", "--into", str(folder), "--json"]) == 0
    return folder


def plan(project, capsys, *entries):
    capsys.readouterr()
    settings = [part for entry in entries for part in ("--set", entry)]
    code = main(["train", "--plan", "--project", str(project), "--json", *settings])
    return code, json.loads(capsys.readouterr().out)


def test_a_plan_states_the_memory_and_leaves_no_run(project, capsys):
    code, found = plan(project, capsys, "workers=2")
    assert code == 0
    assert found["fits"]
    assert not found["hint"]
    assert found["total"] == found["rest"] + 2 * found["per_process"]
    assert found["per_process"] == found["process"] + found["peak"] + found["allocator"]
    assert not (project / "runs").exists() or not list(Path(project / "runs").glob("2*"))


def test_a_plan_that_does_not_fit_names_what_would(project, capsys, monkeypatch):
    _, found = plan(project, capsys, "workers=2")
    one = found["rest"] + found["per_process"]
    monkeypatch.setattr(memory_plan, "free_bytes", lambda device: int(one + found["per_process"] / 2))
    monkeypatch.setattr(memory_plan, "resident_bytes", lambda: found["process"])
    code, short = plan(project, capsys, "workers=2")
    assert (code, short["fits"], short["hint"]) == (2, False, "aicomp train --set workers=1")
    monkeypatch.setattr(memory_plan, "resident_bytes", lambda: 0)
    _, few = plan(project, capsys, "workers=2", "training.micro_batch=24")
    assert few["peak"] < found["peak"]
    monkeypatch.setattr(memory_plan, "free_bytes", lambda device: few["peak"] + few["allocator"])
    code, short = plan(project, capsys, "workers=2")
    assert code == 2
    assert short["hint"].startswith("aicomp train --set workers=1 --set training.micro_batch=")
    again = short["hint"].removeprefix("aicomp train --set ").split(" --set ")
    assert plan(project, capsys, *again)[0] == 0
    monkeypatch.setattr(memory_plan, "free_bytes", lambda device: 1000)
    code, none = plan(project, capsys)
    assert code == 2
    assert "a smaller model" in none["hint"]


def test_the_plan_is_shown_to_people(project, capsys):
    assert main(["train", "--plan", "--project", str(project)]) == 0
    said = capsys.readouterr().out
    assert "the optimizer's state" in said
    assert said.splitlines()[-1] == "fits"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "model.name=ridge"], "`ridge` is no network, and what it holds is not known"),
        (["--time-limit", "10s"], "`--plan` trains nothing, and `--time-limit` would have no effect"),
        (["--seeds", "2"], "`--plan` trains nothing, and `--seeds` would have no effect"),
    ],
)
def test_what_cannot_be_planned_is_said(project, capsys, arguments, message):
    assert main(["train", "--plan", "--project", str(project), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_without_workers_there_is_one_process(project, capsys):
    _, found = plan(project, capsys, "workers=0")
    assert found["rest"] == 0
    assert found["total"] == found["per_process"]


def test_processes_that_divide_a_fold_hold_a_share_each(project, capsys):
    _, whole = plan(project, capsys, "workers=2", "training.batch_size=32")
    _, half = plan(project, capsys, "workers=2", "training.batch_size=32", "training.shard=true")
    assert half["processes"] == 2
    assert half["rows"] == whole["rows"] // 2
    for part in ("weights", "gradients", "optimizer"):
        assert half[part] == -(-whole[part] // 2)
    assert half["activations"] < whole["activations"]
    _, copied = plan(project, capsys, "workers=2", "training.batch_size=32", 'training.shard="ddp"')
    for part in ("processes", "rows", "activations"):
        assert copied[part] == half[part]
    held = 0
    for part in ("weights", "gradients", "optimizer", "kept"):
        assert copied[part] == whole[part]
        held += whole[part]
    assert copied["peak"] >= held + whole["gradients"]  # while they are added up, a copy of them is there
