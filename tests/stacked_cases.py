"""Folds that differ in everything that encoders fit: levels, bins, columns and rows; and models of a project's own."""

import numpy as np
import torch
from torch import nn
from training_cases import targets

from aicomp.data.rows import Rows
from aicomp.models import MODELS, FeatureEmbedding
from aicomp.training.device import reproducible
from aicomp.training.fit import FoldData, fit_fold, prepare_fold
from aicomp.training.stacked import choose_stack, fit_stacked

CPU = torch.device("cpu")


def folds(task, n_folds=5, n=230, seed=0):
    """Folds whose categories have other levels, one with a constant number, one with a coarse one, one without."""
    rng = np.random.default_rng(seed)
    made = {}
    for k in range(n_folds):
        sizes = (n + k % 3, 60 + 5 * k, 30)
        cardinalities = (3, 11 + k % 3, 30 + 7 * k)  # the second is one-hot up to 12 levels, a vector beyond
        n_num = 3 if k == 4 else 4
        parts = []
        for m in sizes:
            x_num = rng.normal(size=(m, n_num)).astype(np.float32)
            if k == 1:
                x_num[:, 1] = 0.0
            if k == 2:
                x_num[:, 1] = np.round(x_num[:, 1])
            x_cat = np.stack([rng.integers(0, c, m) for c in cardinalities], axis=1)
            parts.append((Rows(x_num, x_cat), targets(task, x_num, x_cat)))
        (train, y), (valid, valid_y), (test, _) = parts
        made[k] = FoldData(train, y, valid, valid_y, test, cardinalities)
    return made


class Own(nn.Module):
    """A project's own network: embeddings of the library, a layer of its own, a norm, and a table without bias."""

    def __init__(self, spec):
        super().__init__()
        self.embedding = FeatureEmbedding(spec, 4)
        self.first = nn.Linear(self.embedding.d_out, 16, bias=False)
        self.norm = nn.LayerNorm(16)
        self.tables = nn.ModuleList(nn.Embedding(n, 16) for n in spec.cardinalities)
        self.scale = nn.Parameter(torch.ones(1))
        self.dropout = nn.Dropout(spec.dropout)
        self.head = nn.Linear(16, spec.n_outputs)

    def forward(self, x_num, x_cat):
        x = self.first(self.embedding(x_num, x_cat))
        for j, table in enumerate(self.tables):
            x = x + self.scale * table(x_cat[:, j])
        return self.head(self.dropout(self.norm(x).relu()))


BUILDERS = {
    "mlp": lambda spec: MODELS["mlp"](spec, d_block=16, n_blocks=2, d_embedding=4),
    "tabm": lambda spec: MODELS["tabm"](spec, d_block=16, k=4, d_embedding=4),
    "realmlp": lambda spec: MODELS["realmlp"](spec, d_block=16, n_blocks=2, n_waves=4),
    "linear": MODELS["linear"],
    "own": Own,
}


def train_alone(data, task, config, build):
    return {k: fit_fold(d, task, config, build, seed=10 + k, device=CPU) for k, d in data.items()}


def prepare(data, task, config, build):
    prepared = {}
    for k, d in data.items():
        with reproducible(10 + k, CPU):
            prepared[k] = prepare_fold(d, task, config, build, device=CPU)
    return prepared


def train_stacked(data, task, config, build, report=lambda k, epoch: None):
    prepared = prepare(data, task, config, build)
    assert choose_stack(prepared) == (list(data), "")
    results = {}
    seeds = {k: 10 + k for k in data}
    fit_stacked(prepared, task, seeds=seeds, device=CPU, report=report, on_result=results.__setitem__)
    return results
