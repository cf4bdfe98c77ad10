"""Networks for tables: `MODELS` by name, and the layers that a project's own `model.py` is built from.

A model is what `build_model(spec, **params)` returns: an `nn.Module` whose `forward(x_num, x_cat)` gives
(batch, n_outputs), or (batch, k, n_outputs) for k members side by side; see `ModelSpec`.
"""

from collections.abc import Callable

from torch import nn

from aicomp.models.embeddings import (
    CategoryEmbedding,
    FeatureEmbedding,
    PiecewiseLinearEmbedding,
    SharedDropout,
)
from aicomp.models.linear import Linear, build_linear
from aicomp.models.mlp import MLP, build_mlp
from aicomp.models.params import with_params
from aicomp.models.spec import ModelSpec, bin_edges
from aicomp.models.tabm import BatchEnsembleLinear, EnsembleLinear, TabM, build_tabm

MODELS: dict[str, Callable[..., nn.Module]] = {"tabm": build_tabm, "mlp": build_mlp, "linear": build_linear}

__all__ = [
    "MLP",
    "MODELS",
    "BatchEnsembleLinear",
    "CategoryEmbedding",
    "EnsembleLinear",
    "FeatureEmbedding",
    "Linear",
    "ModelSpec",
    "PiecewiseLinearEmbedding",
    "SharedDropout",
    "TabM",
    "bin_edges",
    "build_linear",
    "build_mlp",
    "build_tabm",
    "with_params",
]
