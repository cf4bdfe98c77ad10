"""Small folds and tasks for the tests of training."""

import numpy as np
import torch

from aicomp.config import Config, ModelConfig, RegularizationConfig, TrainingConfig
from aicomp.data.rows import Rows
from aicomp.metrics.base import Metric
from aicomp.models import MODELS
from aicomp.models.estimator import reads_media, reads_texts
from aicomp.task import Task
from aicomp.training.fit import FoldData

TABULAR = sorted(name for name, build in MODELS.items() if not reads_texts(build) and reads_media(build) is None)
"""Networks for numbers and codes alone."""

torch.set_num_threads(1)  # as in a worker: threads of small models wait for each other more than they compute

ACCURACY = Metric("accuracy", lambda y, p: float((y == p).mean()), True, "label", frozenset({"binary", "multiclass"}))
RMSE = Metric("rmse", lambda y, p: float(np.sqrt(np.mean((y - p) ** 2))), False, "value", frozenset({"regression"}))
RMSLE = Metric(
    "rmsle",
    lambda y, p: float(np.sqrt(np.mean((np.log1p(y) - np.log1p(p)) ** 2))),
    False,
    "value",
    frozenset({"regression"}),
)
LABEL_ACCURACY = Metric("label_accuracy", lambda y, p: float((y == p).mean()), True, "label", frozenset())

BINARY = Task("binary", ("no", "yes"), 1, ACCURACY)
MULTICLASS = Task("multiclass", ("a", "b", "c"), 1, ACCURACY)
REGRESSION = Task("regression", (), 1, RMSE)
MULTILABEL = Task("multilabel", (), 2, LABEL_ACCURACY)
MULTI_TARGET = Task("multi-target", (), 2, RMSE)
TASKS = [BINARY, MULTICLASS, REGRESSION, MULTILABEL, MULTI_TARGET]


def targets(task, x_num, x_cat):
    """Targets that follow from the columns: a threshold, a sector, or a sum."""
    signal = x_num[:, 0] + (x_cat[:, 0] == 1)
    if task.problem_type == "binary":
        return (signal > 0.5).astype(np.int64)
    if task.problem_type == "multiclass":
        return np.digitize(signal, [0.0, 1.0]).astype(np.int64)
    if task.problem_type == "regression":
        return 100 + 10 * signal.astype(np.float64)
    both = np.stack([signal, x_num[:, 1]], axis=1).astype(np.float64)
    return (both > 0).astype(np.float64) if task.problem_type == "multilabel" else 100 + 10 * both


def a_fold(task, n=300, seed=0):
    """A fold of `n` training, 90 validation and 40 test rows with three numbers and one category."""
    rng = np.random.default_rng(seed)
    sizes = (n, 90, 40)
    x_num = [rng.normal(size=(m, 3)).astype(np.float32) for m in sizes]
    x_cat = [rng.integers(0, 3, size=(m, 1)) for m in sizes]
    y, valid_y, _ = (targets(task, a, b) for a, b in zip(x_num, x_cat, strict=True))
    train, valid, test = (Rows(a, b) for a, b in zip(x_num, x_cat, strict=True))
    return FoldData(train, y, valid, valid_y, test, (3,))


def a_config(model="mlp", regularization=None, **training):
    """A config that trains in a moment; `regularization` is a dict."""
    training = {"epochs": 3, "batch_size": 64, "learning_rate": 0.01} | training
    return Config(
        model=ModelConfig(name=model),
        training=TrainingConfig(**training),
        regularization=RegularizationConfig(**(regularization or {})),
    )
