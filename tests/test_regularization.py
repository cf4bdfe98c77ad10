"""Each entry of `[regularization]` does what its sentence says."""

import copy

import numpy as np
import pytest
import torch
from test_models import a_spec
from torch import nn
from training_cases import ACCURACY, BINARY, MULTICLASS, RMSE, TABULAR, a_config

from aicomp.metrics import METRICS
from aicomp.metrics.base import Metric
from aicomp.models import MODELS
from aicomp.training.losses import CrossEntropy
from aicomp.training.optimizers import make_optimizer, split_parameters
from aicomp.training.recipe import resolve_settings
from aicomp.training.regularization import Average, Batch, EarlyStopping, add_noise, mixup, worst_point
from aicomp.training.trainer import Trainer

CPU = torch.device("cpu")


class Point(nn.Module):
    """A model that is nothing but a weight vector."""

    def __init__(self, *values):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(values))


def a_trainer(model, task=MULTICLASS, objective=None, **regularization):
    config = a_config(regularization=regularization, amp=False)
    settings = resolve_settings(config, task, n_rows=100, device=CPU)
    return Trainer(model, task, objective or CrossEntropy(settings.label_smoothing), settings, CPU)


def rows(n=32):
    torch.manual_seed(1)
    return Batch(torch.randn(n, 3), torch.randint(0, 2, (n, 2)), torch.randint(0, 3, (n,)))


# weight decay


@pytest.mark.parametrize("name", TABULAR)
def test_weight_decay_leaves_biases_and_scales_alone(name):
    model = MODELS[name](a_spec())
    names = {id(p): n for n, p in model.named_parameters()}
    decayed, exempt = ([names[id(p)] for p in part] for part in split_parameters(model))
    assert sorted(decayed + exempt) == sorted(names.values())
    assert all(n.endswith(("weight", "linear")) for n in decayed)
    assert all(n.rpartition(".")[2].startswith(("bias", "scale")) or n.endswith("norm.weight") for n in exempt)
    assert decayed
    assert exempt


def test_weight_decay_leaves_norms_alone():
    model = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3), nn.BatchNorm1d(3), nn.Embedding(4, 2))
    decayed, exempt = split_parameters(model)
    assert [id(p) for p in decayed] == [id(model[0].weight), id(model[3].weight)]
    assert len(exempt) == 5


def test_weight_decay_shrinks_a_weight_without_gradient_by_hand():
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, 2.0)
    nn.init.constant_(model.bias, 2.0)
    config = a_config(regularization={"weight_decay": 0.5}, learning_rate=0.1)
    optimizer = make_optimizer(model, resolve_settings(config, BINARY, n_rows=9, device=CPU))
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    assert model.weight.item() == pytest.approx(2.0 * (1 - 0.1 * 0.5))
    assert model.bias.item() == 2.0


# dropout and label smoothing: the layers and losses are tested in test_models.py and test_losses.py


def test_label_smoothing_reaches_the_training_loss_and_not_the_validation_loss():
    model = MODELS["linear"](a_spec())
    batch = rows()
    plain, smooth = a_trainer(model, label_smoothing=0.0), a_trainer(model, label_smoothing=0.3)
    assert plain._loss(batch) != smooth._loss(batch)
    assert plain._evaluate(model, batch)[1] == smooth._evaluate(model, batch)[1]


# mixup


def test_mixup_blends_numbers_and_keeps_both_targets():
    torch.manual_seed(0)
    batch = rows(64)
    mixed = mixup(batch, alpha=0.8)
    assert 0 < mixed.share < 1
    partner = [  # the row whose target and numbers make up the rest
        next(
            j
            for j in range(64)
            if torch.allclose(
                mixed.x_num[i], mixed.share * batch.x_num[i] + (1 - mixed.share) * batch.x_num[j], atol=1e-5
            )
        )
        for i in range(64)
    ]
    assert sorted(partner) == list(range(64))  # every row is somebody's partner once
    assert mixed.targets.tolist() == batch.targets.tolist()
    assert mixed.partner_targets.tolist() == batch.targets[partner].tolist()
    for i, j in enumerate(partner):
        for column in range(2):
            assert mixed.x_cat[i, column] in (batch.x_cat[i, column], batch.x_cat[j, column])


def test_mixup_takes_as_many_categories_from_the_partner_as_its_share():
    torch.manual_seed(0)
    own_codes = torch.arange(4000).unsqueeze(1).expand(-1, 3)  # each row has its own code
    mixed = mixup(Batch(torch.zeros(4000, 1), own_codes, torch.zeros(4000)), alpha=1.0)
    kept = (mixed.x_cat == own_codes).float().mean().item()
    assert kept == pytest.approx(mixed.share, abs=0.02)


def test_mixup_blends_the_losses():
    model = MODELS["linear"](a_spec())
    trainer = a_trainer(model)
    batch = rows()
    other = batch.targets.roll(1)
    own, partner = (trainer._loss(Batch(batch.x_num, batch.x_cat, t)).item() for t in (batch.targets, other))
    mixed = Batch(batch.x_num, batch.x_cat, batch.targets, partner_targets=other, share=0.3)
    assert trainer._loss(mixed).item() == pytest.approx(0.3 * own + 0.7 * partner)


# input noise


def test_input_noise_has_the_deviation_asked_for_and_leaves_the_rest():
    torch.manual_seed(0)
    batch = rows(5000)
    noise = add_noise(batch, 0.1).x_num - batch.x_num
    assert noise.std().item() == pytest.approx(0.1, rel=0.05)
    assert noise.mean().item() == pytest.approx(0.0, abs=0.01)
    assert add_noise(batch, 0.1).x_cat is batch.x_cat


# gradient clipping


def test_clip_norm_bounds_the_gradient_of_a_step():
    model = MODELS["mlp"](a_spec())
    batch = Batch(100 * rows().x_num, rows().x_cat, rows().targets)
    norms = {}
    for clip_norm in (0.0, 0.01):
        a_trainer(copy.deepcopy(model), clip_norm=clip_norm, dropout=0).step(batch)
        trainer = a_trainer(copy.deepcopy(model), clip_norm=clip_norm, dropout=0)
        trainer.step(batch)
        norms[clip_norm] = torch.stack([p.grad.norm() for p in trainer.model.parameters()]).norm().item()
    assert norms[0.0] > 1
    assert norms[0.01] == pytest.approx(0.01, rel=1e-3)


# averages of weights


def test_ema_equals_the_average_computed_by_hand():
    model = Point(1.0)
    average = Average(model)
    by_hand = 1.0
    for n, value in enumerate([2.0, 4.0, 8.0], start=1):
        with torch.no_grad():
            model.weight.fill_(value)
        average.update_ema(model, decay=0.2)
        decay = min(0.2, (1 + n) / (10 + n))  # 2/11, then 0.2, 0.2
        by_hand = decay * by_hand + (1 - decay) * value
    assert by_hand == pytest.approx(0.2 * (0.2 * (2 / 11 * 1 + 9 / 11 * 2) + 0.8 * 4) + 0.8 * 8)
    assert average.model.weight.item() == pytest.approx(by_hand)


def test_swa_is_the_plain_mean():
    model = Point(100.0)
    average = Average(model)
    for value in (1.0, 2.0, 6.0):
        with torch.no_grad():
            model.weight.fill_(value)
        average.update_swa(model)
    assert average.model.weight.item() == pytest.approx(3.0)  # (1 + 2 + 6) / 3; the start does not count


# sharpness-aware minimization


def test_sam_takes_the_gradient_at_the_worst_point_of_a_quadratic():
    """w1^2 + 10 w2^2 at (3, 0.4): gradient (6, 8), norm 10; with radius 0.5 the worst point is (3.3, 0.8)."""
    model = Point(3.0, 0.4)

    def loss():
        return model.weight[0] ** 2 + 10 * model.weight[1] ** 2

    loss().backward()
    with worst_point(model, 0.5):
        assert model.weight.tolist() == pytest.approx([3.3, 0.8])
        loss().backward()
    assert model.weight.tolist() == pytest.approx([3.0, 0.4])
    assert model.weight.grad.tolist() == pytest.approx([2 * 3.3, 20 * 0.8])


def test_sam_steps_with_that_gradient():
    model = MODELS["linear"](a_spec())
    batch = rows()
    trainer = a_trainer(copy.deepcopy(model), sam=0.5, clip_norm=0)
    trainer.step(batch)
    by_hand = a_trainer(copy.deepcopy(model))
    by_hand._loss(batch).backward()
    weights = list(by_hand.model.parameters())
    norm = torch.cat([p.grad.flatten() for p in weights]).norm()
    with torch.no_grad():
        for p in weights:
            p += 0.5 * p.grad / norm
            p.grad = None
    by_hand._loss(batch).backward()
    for a, b in zip(trainer.model.parameters(), weights, strict=True):
        torch.testing.assert_close(a.grad, b.grad)


# early stopping


def watch(scores, patience, metric, losses=None):
    """Feed scores to early stopping; a model's weight is the epoch's number."""
    stopping, model = EarlyStopping(metric, patience), Point(0.0)
    for epoch, score in enumerate(scores, start=1):
        with torch.no_grad():
            model.weight.fill_(float(epoch))
        if stopping.update(epoch, score, losses[epoch - 1] if losses else 1.0, model):
            return epoch, stopping
    return None, stopping


@pytest.mark.parametrize(("metric", "sign"), [(ACCURACY, 1), (RMSE, -1)])
def test_early_stopping_waits_for_its_patience_and_keeps_the_best_weights(metric, sign):
    scores = sign * np.array([0.1, 0.5, 0.4, 0.45, 0.3, 0.9])
    stopped, stopping = watch(scores, patience=3, metric=metric)
    assert stopped == 5
    assert stopping.best_epoch == 2
    assert stopping.best_score == sign * 0.5
    assert stopping.best_state["weight"].item() == 2.0


def test_without_patience_nothing_stops_and_the_best_epoch_is_still_kept():
    stopped, stopping = watch([0.9, *[0.1] * 50], patience=0, metric=ACCURACY)
    assert stopped is None
    assert stopping.best_epoch == 1


def test_of_equal_scores_the_lower_validation_loss_wins():
    _, stopping = watch([0.5, 0.5, 0.5], patience=0, metric=ACCURACY, losses=[0.7, 0.6, 0.65])
    assert stopping.best_epoch == 2


def test_metrics_with_a_threshold_to_fit_are_told_by_the_loss():
    _, stopping = watch([0.3, 0.0, 0.1], patience=0, metric=METRICS["f1"], losses=[0.7, 0.4, 0.5])
    assert (stopping.best_epoch, stopping.best_score) == (2, 0.0)
    own = Metric("f1", lambda y, p: 0.0, True, "label", frozenset())
    _, stopping = watch([0.3, 0.0, 0.1], patience=0, metric=own, losses=[0.7, 0.4, 0.5])
    assert stopping.best_epoch == 1


def test_a_metric_with_another_direction_than_its_values_suggest():
    strange = Metric("gain", lambda y, p: 0.0, True, "value", frozenset())
    _, stopping = watch([-3.0, -1.0, -2.0], patience=0, metric=strange)
    assert stopping.best_epoch == 2
