import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from training_cases import (
    BINARY,
    MULTICLASS,
    REGRESSION,
    RMSE,
    RMSLE,
    TABULAR,
    TASKS,
    a_config,
    a_fold,
)

from aicomp.config import Config
from aicomp.errors import AicompError, DataError, UsageError
from aicomp.metrics.base import Metric
from aicomp.models import MODELS
from aicomp.task import Task
from aicomp.training import inference
from aicomp.training import trainer as trainer_module
from aicomp.training.device import choose_device, has_bfloat16, reproducible
from aicomp.training.fit import fit_fold
from aicomp.training.inference import tensors_of
from aicomp.training.recipe import resolve_settings

CPU = torch.device("cpu")
SMALL = {
    "tabm": {"k": 4, "d_block": 16},
    "mlp": {"d_block": 16, "n_blocks": 1},
    "realmlp": {"d_block": 16, "n_blocks": 1},
    "ft-transformer": {"d_token": 8, "n_heads": 2, "d_hidden": 8},
    "modern-nca": {"d_block": 16, "d_key": 16, "n_candidates": 64},
    "linear": {},
}


def fit(data, task, config, seed=0, build=None, **kwargs):
    name = config.model.name
    build = build or (lambda spec: MODELS[name](spec, **SMALL[name]))
    return fit_fold(data, task, config, build, seed=seed, device=CPU, **kwargs)


def settings(task=BINARY, n_rows=1000, device=CPU, regularization=None, **training):
    config = a_config(regularization=regularization, **({"epochs": "auto"} | training))
    return resolve_settings(config, task, n_rows=n_rows, device=device)


# what comes out


@pytest.mark.parametrize("name", TABULAR)
@pytest.mark.parametrize("task", TASKS, ids=lambda t: t.problem_type)
def test_every_model_fits_every_problem_type(task, name):
    data = a_fold(task)
    result = fit(data, task, a_config(name))
    shape = {"multiclass": (3,), "multilabel": (2,), "multi-target": (2,)}.get(task.problem_type, ())
    assert result.valid_pred.shape == (90, *shape)
    assert result.test_pred.shape == (40, *shape)
    assert np.isfinite(result.test_pred).all()
    if task.is_classification:
        assert ((result.test_pred >= 0) & (result.test_pred <= 1)).all()
    if task.problem_type == "multiclass":
        np.testing.assert_allclose(result.valid_pred.sum(axis=1), 1)


@pytest.mark.parametrize("task", [BINARY, MULTICLASS, REGRESSION], ids=lambda t: t.problem_type)
def test_it_learns(task):
    data = a_fold(task)
    result = fit(data, task, a_config("tabm", epochs=25))
    score = task.score(data.valid_y, result.valid_pred)
    if task.is_classification:
        assert score > 0.9
    else:
        assert score < 0.2 * data.valid_y.std()


def test_the_history_has_a_row_per_epoch_and_the_predictions_are_those_of_the_best():
    data = a_fold(REGRESSION)
    reports = []
    result = fit(data, REGRESSION, a_config(epochs=6), report=reports.append)
    assert [row["epoch"] for row in result.history] == [1, 2, 3, 4, 5, 6]
    assert set(result.history[0]) == {
        "epoch", "train_loss", "valid_loss", "score", "learning_rate", "seconds",
    }  # fmt: skip
    scores = [row["score"] for row in result.history]
    assert result.best_epoch == 1 + int(np.argmin(scores))
    assert RMSE(data.valid_y, result.valid_pred) == pytest.approx(min(scores))
    assert [r.best_score for r in reports] == [min(scores[: i + 1]) for i in range(6)]
    assert [r.epoch for r in reports] == [1, 2, 3, 4, 5, 6]
    assert {r.n_epochs for r in reports} == {6}


def test_the_saved_weights_make_the_predictions():
    data = a_fold(MULTICLASS)
    built = []

    def build(spec):
        built.append(MODELS["mlp"](spec, d_block=16))
        return built[-1]

    result = fit(data, MULTICLASS, a_config(amp=False), build=build)
    model = copy.deepcopy(built[0])
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
    model.load_state_dict(result.state_dict)
    logits = model.eval()(*tensors_of(data.test))
    np.testing.assert_allclose(logits.double().softmax(1).detach().numpy(), result.test_pred, atol=1e-6)


def test_settings_hold_no_auto():
    result = fit(a_fold(BINARY), BINARY, a_config(epochs=1))
    assert "auto" not in result.settings.values()
    assert result.settings["epochs"] == 1


# determinism


@pytest.mark.parametrize("amp", [False, True])
def test_same_seed_same_bits(amp):
    if amp and not has_bfloat16(CPU):
        pytest.skip("this processor has no bfloat16")
    data = a_fold(BINARY)
    config = a_config("tabm", amp=amp, regularization={"mixup": 0.4, "input_noise": 0.1, "ema": 0.9})
    first, again, other = (fit(data, BINARY, config, seed=s) for s in (3, 3, 4))
    assert first.test_pred.tobytes() == again.test_pred.tobytes()
    assert first.test_pred.tobytes() != other.test_pred.tobytes()


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    fit(a_fold(BINARY), BINARY, a_config(epochs=1))
    assert torch.equal(torch.rand(3), expected)


def test_denormals_are_flushed_inside_and_kept_outside():
    tiny = torch.tensor([1e-39])
    with reproducible(0, CPU):
        assert (tiny * 0.5).item() == 0.0
    assert (tiny * 0.5).item() != 0.0


# batches


@pytest.mark.parametrize(("n", "sizes"), [(300, {60}), (33, {33}), (97, {48, 49}), (1, {1})])
def test_every_row_is_in_one_batch_of_each_epoch(n, sizes, monkeypatch):
    data = a_fold(REGRESSION, n=300)
    data = dataclasses.replace(data, train=data.train.take(slice(n)), y=data.y[:n])
    seen = []
    step = trainer_module.Trainer.step
    monkeypatch.setattr(trainer_module.Trainer, "step", lambda self, b: seen.append(b) or step(self, b))
    fit(data, REGRESSION, a_config(epochs=1, batch_size=64))
    assert {len(b.targets) for b in seen} == sizes
    assert sorted(torch.cat([b.x_num[:, 0] for b in seen]).tolist()) == sorted(data.train.x_num[:, 0].tolist())


def test_predictions_do_not_depend_on_the_chunk(monkeypatch):
    data = a_fold(BINARY)
    whole = fit(data, BINARY, a_config(amp=False))
    monkeypatch.setitem(inference.CHUNK, "cpu", 7)
    np.testing.assert_allclose(fit(data, BINARY, a_config(amp=False)).test_pred, whole.test_pred, atol=1e-6)


# regularization in the loop


def test_early_stopping_ends_training_and_says_so():
    class Worse:
        """A metric that is best at its third call."""

        def __init__(self):
            self.calls = 0

        def __call__(self, y_true, y_pred):
            self.calls += 1
            return float(abs(self.calls - 3))

    task = Task("regression", (), 1, Metric("odd", Worse(), False, "value", frozenset()))
    result = fit(a_fold(REGRESSION), task, a_config(epochs=20, regularization={"early_stopping": 4}))
    assert result.n_epochs == 7
    assert result.best_epoch == 3
    assert result.notes == ["stopped after epoch 7: nothing better since epoch 3"]


def test_ema_weights_are_validated_and_saved():
    data = a_fold(REGRESSION)
    plain, ema = (fit(data, REGRESSION, a_config(schedule="constant", regularization={"ema": e})) for e in (0.0, 0.99))
    # the same seed trains the same weights, so what differs is the average that is looked at
    assert [r["train_loss"] for r in plain.history] == [r["train_loss"] for r in ema.history]
    assert [r["score"] for r in plain.history] != [r["score"] for r in ema.history]
    assert RMSE(data.valid_y, ema.valid_pred) == pytest.approx(min(r["score"] for r in ema.history))


def test_swa_saves_the_mean_of_the_last_epochs():
    data = a_fold(REGRESSION)
    states = []

    class Watched(nn.Module):
        def __init__(self, spec):
            super().__init__()
            self.inner = MODELS["linear"](spec)

        def forward(self, x_num, x_cat):
            return self.inner(x_num, x_cat)

    built = []

    def build(spec):
        built.append(Watched(spec))
        return built[-1]

    def remember(report):
        states.append({n: t.clone() for n, t in built[0].state_dict().items()})

    config = a_config(epochs=5, regularization={"swa": 0.4})
    result = fit(data, REGRESSION, config, build=build, report=remember)
    for name, value in result.state_dict.items():
        torch.testing.assert_close(value, (states[3][name] + states[4][name]) / 2)  # 40 % of 5 epochs
    assert result.best_epoch == 5
    assert "averaged over the last 40% of the epochs" in result.notes[0]


@pytest.mark.parametrize(
    "regularization",
    [{"sam": 0.1}, {"mixup": 0.5}, {"input_noise": 0.2}, {"label_smoothing": 0.2}, {"dropout": 0.4}],
)
def test_each_entry_changes_what_is_learned(regularization):
    data = a_fold(BINARY)
    off = {"dropout": 0.0, "label_smoothing": 0.0}
    plain = fit(data, BINARY, a_config(regularization=off))
    changed = fit(data, BINARY, a_config(regularization=off | regularization))
    assert not np.allclose(plain.test_pred, changed.test_pred)


# what is refused


def test_a_diverging_loss_names_its_step_and_the_remedy():
    data = a_fold(REGRESSION)
    x_num = data.train.x_num.copy()
    x_num[:, 0] = np.inf
    broken = dataclasses.replace(data, train=dataclasses.replace(data.train, x_num=x_num))
    with pytest.raises(AicompError, match=r"the loss became inf in epoch 1, step 1 of 5, at") as e:
        fit(broken, REGRESSION, a_config("linear", amp=False, schedule="constant"))
    assert e.value.exit_code == 1
    assert e.value.hint == "write `--set training.learning_rate=0.001`"


def test_a_huge_learning_rate_ends_in_that_error():
    off = {"clip_norm": 0}
    config = a_config(optimizer="sgd", learning_rate=1e30, schedule="constant", regularization=off)
    with pytest.raises(AicompError, match=r"the loss became (nan|inf) in epoch"):
        fit(a_fold(REGRESSION), REGRESSION, config)


@pytest.mark.parametrize(
    ("task", "regularization", "message"),
    [
        (REGRESSION, {"label_smoothing": 0.1}, "regression has no class"),
        (BINARY, {"ema": 0.9, "swa": 0.2}, "both average the weights"),
        (BINARY, {"swa": 0.2, "early_stopping": 5}, "averages the last epochs"),
        (BINARY, {"dropout": 1.0}, "`regularization.dropout` is 1.0"),
        (BINARY, {"mixup": -1.0}, "must not be negative"),
    ],
)
def test_options_without_effect_or_sense_are_refused(task, regularization, message):
    with pytest.raises(UsageError, match=message) as caught:
        settings(task, regularization=regularization)
    assert "--set regularization." in caught.value.hint


def test_dropout_on_a_model_without_dropout_is_refused():
    with pytest.raises(UsageError, match="`linear` has no dropout layer"):
        fit(a_fold(BINARY), BINARY, a_config("linear", regularization={"dropout": 0.2}))
    fit(a_fold(BINARY), BINARY, a_config("linear", epochs=1))  # the default may go without


@pytest.mark.parametrize(("task", "loss"), [(BINARY, "mse"), (MULTICLASS, "huber"), (REGRESSION, "cross-entropy")])
def test_a_loss_of_another_problem_type_is_refused(task, loss):
    with pytest.raises(UsageError, match=f"`training.loss` is `{loss}`"):
        settings(task, loss=loss)


@pytest.mark.parametrize("entry", [{"epochs": 0}, {"batch_size": -1}, {"learning_rate": 0.0}])
def test_sizes_must_be_above_zero(entry):
    with pytest.raises(UsageError, match="must be above 0"):
        settings(**entry)


def test_a_negative_target_under_a_logarithmic_metric_is_refused():
    data = a_fold(REGRESSION)
    task = Task("regression", (), 1, RMSLE)
    with pytest.raises(DataError, match="logarithmic loss"):
        fit(dataclasses.replace(data, y=data.y - 200), task, a_config())


@pytest.mark.parametrize("width", [2, 4])
def test_a_model_of_the_wrong_width_is_refused(width):
    def build(spec):
        return MODELS["mlp"](dataclasses.replace(spec, n_outputs=width))

    with pytest.raises(UsageError, match=rf"returns shape \(2, {width}\) for 2 rows, but the task has 3"):
        fit(a_fold(MULTICLASS), MULTICLASS, a_config(), build=build)


def test_a_model_that_is_no_module_is_refused():
    with pytest.raises(UsageError, match="`mlp` is built as dict"):
        fit(a_fold(BINARY), BINARY, a_config(), build=lambda spec: {})


# the recipe


@pytest.mark.parametrize(
    ("metric", "loss", "target"),
    [
        ("rmse", "mse", "auto"),
        ("r2", "mse", "auto"),
        ("mae", "mae", "auto"),
        ("rmsle", "mse", "log1p"),
        ("mape", "mae", "log1p"),
        ("pinball", "quantile", "auto"),
    ],
)
def test_the_loss_follows_the_metric(metric, loss, target):
    task = Task("regression", (), 1, dataclasses.replace(RMSE, name=metric))
    resolved = settings(task)
    assert (resolved.loss, resolved.target) == (loss, target)


def test_a_loss_that_is_asked_for_overrides_the_metric():
    assert settings(Task("regression", (), 1, RMSLE), loss="huber").target == "standard"
    assert settings(REGRESSION, loss="log-mse").target == "log1p"
    assert settings(Task("regression", (), 1, RMSLE), target="standard").target == "standard"


def test_more_rows_take_fewer_epochs_but_more_steps():
    sizes = [500, 5_000, 50_000, 500_000]
    resolved = [settings(n_rows=n, batch_size="auto") for n in sizes]
    epochs = [s.epochs for s in resolved]
    steps = [s.epochs * n / s.batch_size for s, n in zip(resolved, sizes, strict=True)]
    assert epochs == sorted(epochs, reverse=True)
    assert steps == sorted(steps)


def test_every_auto_becomes_a_value_and_every_number_is_kept():
    everything = resolve_settings(Config(), BINARY, n_rows=1, device=CPU)
    assert "auto" not in everything.to_dict().values()
    kept = settings(learning_rate=0.123, epochs=7, batch_size=11, regularization={"ema": 0.5})
    assert (kept.learning_rate, kept.epochs, kept.batch_size, kept.ema) == (0.123, 7, 11, 0.5)


# devices and precision


def test_auto_takes_the_best_device_there_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == CPU
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == "cuda"
    assert choose_device("cpu") == CPU


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="device `cuda` is asked for") as caught:
        choose_device("cuda")
    assert caught.value.hint == 'write `--set device="auto"`'


def test_amp_falls_back_to_float32_without_bfloat16_and_is_refused_when_asked_for(monkeypatch):
    monkeypatch.setattr("aicomp.training.device.has_bfloat16", lambda device: False)
    assert settings().amp is False
    with pytest.raises(UsageError, match="does not multiply in bfloat16"):
        settings(amp=True)


def test_amp_multiplies_in_bfloat16():
    if not has_bfloat16(CPU):
        pytest.skip("this processor has no bfloat16")
    dtypes = []

    class Probe(nn.Module):
        def __init__(self, spec):
            super().__init__()
            self.layer = nn.Linear(spec.n_num, spec.n_outputs)

        def forward(self, x_num, x_cat):
            dtypes.append(self.layer(x_num).dtype)
            return self.layer(x_num)

    for amp in (True, False):
        fit(a_fold(BINARY), BINARY, a_config(epochs=1, amp=amp), build=Probe)
    assert dtypes[1] == torch.bfloat16  # the first call tries the model on two rows
    assert dtypes[-1] == torch.float32
