"""The Keras template: one network, the same on each backend; and what is said where Keras or a backend is absent."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from training_cases import BINARY, MULTICLASS, REGRESSION, a_fold

from aicomp.cli.main import main
from aicomp.config import Config, ModelConfig
from aicomp.errors import UsageError
from aicomp.models import keras_backend, with_params
from aicomp.models.keras_backend import load_keras
from aicomp.registry import load_object
from aicomp.resources import bundled
from aicomp.run import Run
from aicomp.training.whole import fit_whole, make_model, predict_whole

needs_keras = pytest.mark.skipif(find_spec("keras") is None, reason="keras is not installed")
QUICK = {"epochs": 12, "batch_size": 32, "d_block": 32, "learning_rate": 0.01, "dropout": 0.0}


def build(**params):
    return with_params(load_object("model:KerasModel", bundled("templates") / "keras"), {**QUICK, **params})


def fitted(data, task, seed=0, **params):
    config = Config(model=ModelConfig(name="model:KerasModel"))
    return fit_whole(data, task, config, build(**params), seed=seed)


@needs_keras
@pytest.mark.parametrize("task", [BINARY, MULTICLASS, REGRESSION], ids=lambda t: t.problem_type)
def test_it_learns_and_what_it_learned_is_kept(task):
    data = a_fold(task)
    result = fitted(data, task)
    score = task.score(data.valid_y, result.valid_pred)
    assert score < 0.4 * data.valid_y.std() if task is REGRESSION else score > 0.85
    assert 1 <= result.best_epoch <= result.n_epochs <= QUICK["epochs"]
    model = make_model(build(), result.spec, task)
    model.load_state_dict({name: tensor.numpy() for name, tensor in result.state_dict.items()})
    np.testing.assert_allclose(predict_whole(model, task, result.transform, data.test), result.test_pred, rtol=1e-5)


@needs_keras
def test_a_seed_repeats():
    data = a_fold(BINARY)
    first, again, other = (fitted(data, BINARY, seed=seed, epochs=2).valid_pred for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@needs_keras
@pytest.mark.slow
def test_a_project_trains_and_its_submission_is_valid(tmp_path):
    folder = tmp_path / "project"
    assert main(["init", "iris", "--template", "keras", "--into", str(folder), "--json"]) == 0
    trained = train(folder, "torch", "model.params.epochs=30", "model.params.batch_size=16", "split.n_splits=3")
    assert trained["mean"] > 0.8
    command = [sys.executable, "-m", "aicomp", "submit", "--dry-run", "--json"]
    assert json.loads(subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout)["status"] == "valid"


def train(folder, backend, *settings):
    entries = [f'model.params.backend="{backend}"', *settings]
    more = [part for entry in entries for part in ("--set", entry)]
    command = [sys.executable, "-m", "aicomp", "train", "--json", *more]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.heavy
@pytest.mark.slow
@pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed: `make test-all` has it")
def test_both_backends_learn_the_same(tmp_path):
    folder = tmp_path / "project"
    assert main(["init", "breast-cancer", "--template", "keras", "--into", str(folder), "--json"]) == 0
    runs = {backend: train(folder, backend) for backend in ("torch", "tensorflow")}
    for trained in runs.values():
        assert trained["mean"] > 0.97
    oof = {name: oof_of(folder, trained["run"]) for name, trained in runs.items()}
    assert np.corrcoef(oof["torch"], oof["tensorflow"])[0, 1] > 0.95
    assert not np.array_equal(oof["torch"], oof["tensorflow"])
    # What TensorFlow learned, torch predicts: weights are arrays in one order.
    run = Run(folder / "runs" / runs["tensorflow"]["run"])
    info = run.info
    info["config"]["model"]["params"]["backend"] = "torch"
    run.write("run.json", info)
    code = (
        "import sys, numpy as np\nfrom aicomp.prediction import predict_run\nfrom aicomp.project import Project\n"
        "from aicomp.run import Run\nrun = Run(__import__('pathlib').Path(sys.argv[1]))\n"
        "values = predict_run(Project.open(), run).values\n"
        "assert __import__('keras').backend.backend() == 'torch'\n"
        "np.testing.assert_allclose(values, run.test_predictions(), atol=1e-4)"
    )
    subprocess.run([sys.executable, "-c", code, str(run.folder)], cwd=folder, check=True)


def oof_of(folder: Path, run: str) -> np.ndarray:
    return pd.read_csv(folder / "runs" / run / "oof.csv").iloc[:, -1].to_numpy()


@pytest.mark.parametrize(
    ("backend", "absent", "message", "hint"),
    [
        ("tensorfow", (), "unknown backend `tensorfow`", "did you mean `tensorflow`?"),
        ("torch", ("keras",), "the package `keras` is not installed", "run `pip install 'aicomp[keras]'`"),
        ("jax", ("jax",), "the backend `jax` of Keras is not installed", "run `pip install jax`"),
    ],
)
def test_what_is_absent_is_named(monkeypatch, backend, absent, message, hint):
    monkeypatch.setattr(keras_backend, "find_spec", lambda name: None if name in absent else object())
    with pytest.raises(UsageError) as e:
        load_keras(backend)
    assert e.value.message.startswith(message)
    assert e.value.hint.startswith(hint)


@needs_keras
def test_a_process_has_one_backend(monkeypatch):
    load_keras("torch")
    monkeypatch.setattr(keras_backend, "find_spec", lambda name: object())
    with pytest.raises(UsageError, match="runs with `torch` in this process already, and `jax` is asked for"):
        load_keras("jax")
