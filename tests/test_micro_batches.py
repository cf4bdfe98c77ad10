"""Steps whose rows are not all in memory at once: the same gradients as those of the whole batch."""

import numpy as np
import pytest
import torch
from torch import nn
from training_cases import BINARY, MULTI_TARGET, MULTICLASS, a_config, a_fold

from aicomp.errors import UsageError
from aicomp.models import build_mlp
from aicomp.training.fit import fit_fold, prepare_fold
from aicomp.training.inference import batch_of
from aicomp.training.micro_batches import parts
from aicomp.training.optimizers import split_parameters
from aicomp.training.regularization import Average
from aicomp.training.stacked import choose_stack
from aicomp.training.trainer import Trainer

CPU = torch.device("cpu")


def a_trainer(task, regularization=None, **training):
    plain = {"dropout": 0.0, "clip_norm": 0.0}
    config = a_config(regularization=plain | (regularization or {}), amp=False, **training)
    torch.manual_seed(0)
    fold = prepare_fold(a_fold(task), task, config, build_mlp, device=CPU)
    return Trainer(fold.model, task, fold.objective, fold.settings, CPU), fold


@pytest.mark.parametrize("task", [BINARY, MULTICLASS, MULTI_TARGET], ids=lambda t: t.problem_type)
@pytest.mark.parametrize("sam", [0.0, 0.05])
def test_the_gradient_is_that_of_the_whole_batch(task, sam):
    found = []
    for micro_batch in ("auto", 7, 1):
        trainer, fold = a_trainer(task, {"sam": sam}, micro_batch=micro_batch)
        batch = batch_of(fold.model, fold.data.train.take(slice(50)), fold.objective.encode(fold.data.y[:50]), CPU)
        loss = trainer.step(batch)
        found.append((loss, [p.grad.clone() for p in trainer.model.parameters() if p.grad is not None]))
    for loss, gradients in found[1:]:
        torch.testing.assert_close(loss, found[0][0])
        torch.testing.assert_close(gradients, found[0][1], rtol=1e-4, atol=1e-6)


def test_parts_have_all_rows_once_and_none_too_many():
    _, fold = a_trainer(BINARY)
    batch = batch_of(fold.model, fold.data.train.take(slice(50)), fold.objective.encode(fold.data.y[:50]), CPU)
    cut = list(parts(batch, 8))
    assert [len(part.targets) for part in cut] == [7, 7, 6, 6, 6, 6, 6, 6]
    torch.testing.assert_close(torch.cat([part.x_num for part in cut]), batch.x_num)
    torch.testing.assert_close(torch.cat([part.targets for part in cut]), batch.targets)


def test_a_whole_training_is_the_same():
    plain = a_config(regularization={"dropout": 0.0}, amp=False)
    in_parts = a_config(regularization={"dropout": 0.0}, amp=False, micro_batch=10)
    whole, small = (fit_fold(a_fold(BINARY), BINARY, c, build_mlp, seed=0, device=CPU) for c in (plain, in_parts))
    np.testing.assert_allclose(small.test_pred, whole.test_pred, atol=1e-4)
    assert [row["train_loss"] for row in small.history] == pytest.approx([r["train_loss"] for r in whole.history])


@pytest.mark.parametrize("rows", [-1, 65])
def test_a_part_that_is_none_is_refused(rows):
    with pytest.raises(UsageError, match=f"`training.micro_batch` is {rows}, but a part of a batch has 1 to 64 rows"):
        a_trainer(BINARY, micro_batch=rows)


def test_means_over_the_batch_are_refused():
    def build(spec):
        return nn.Sequential(build_mlp(spec), nn.BatchNorm1d(spec.n_outputs))

    with pytest.raises(UsageError, match=r"`1` \(BatchNorm1d\) takes means over all rows"):
        prepare_fold(a_fold(BINARY), BINARY, a_config(micro_batch=8, amp=False), build, device=CPU)


def test_folds_are_not_stacked_then():
    _, fold = a_trainer(BINARY, micro_batch=8)
    assert choose_stack({0: fold, 1: fold}) == ([], "`training.micro_batch` is set")


def test_weights_that_are_not_trained_are_left_alone_and_not_copied():
    trainer, fold = a_trainer(BINARY)
    frozen = next(fold.model.parameters())
    frozen.requires_grad_(False)
    decayed, exempt = split_parameters(fold.model)
    assert id(frozen) not in {id(p) for p in [*decayed, *exempt]}
    average = Average(fold.model)
    before = frozen.clone()
    with torch.no_grad():
        for p in fold.model.parameters():
            if p is not frozen:
                p += 1
    average.update_ema(fold.model, 0.9)
    mine = dict(average.model.named_parameters())
    assert next(iter(mine.values())) is frozen
    torch.testing.assert_close(frozen, before)
    moved = [n for n, p in fold.model.named_parameters() if not torch.equal(p, mine[n])]
    assert len(moved) == sum(p.numel() > 0 for p in mine.values()) - 1
    assert trainer.model is fold.model
