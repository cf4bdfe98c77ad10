"""Models by name, and the layers that a project's own `model.py` is built from.

A network (`MODELS`) is what `build_model(spec, **params)` returns: an `nn.Module` whose `forward(x_num, x_cat)` gives
(batch, n_outputs), or (batch, k, n_outputs) for k members side by side; see `ModelSpec`. A model that learns a fold
as a whole (`ESTIMATORS`) is a class with `fit` and `predict`; see `Estimator`.
"""

from collections.abc import Callable
from importlib.util import find_spec

from torch import nn

from aicomp.data.rows import Rows
from aicomp.models.backbone import Backbone, build_image_timm
from aicomp.models.catboost import CatBoost
from aicomp.models.ctc import CTC
from aicomp.models.detector import Detector
from aicomp.models.dropout import Dropout, SharedDropout
from aicomp.models.ease import Ease
from aicomp.models.embeddings import (
    CategoryEmbedding,
    FeatureEmbedding,
    PiecewiseLinearEmbedding,
)
from aicomp.models.encoder import Encoder, mean_state
from aicomp.models.estimator import Estimator, Forecaster, Goal, PerColumn, Round, State, Watch, is_estimator
from aicomp.models.extra_trees import ExtraTrees
from aicomp.models.extract import Extract
from aicomp.models.factorization import Factorization
from aicomp.models.forecast_mean import ForecastMean
from aicomp.models.forecast_net import ForecastNet
from aicomp.models.forecast_trees import ForecastTrees
from aicomp.models.ft_transformer import FTTransformer, build_ft_transformer
from aicomp.models.history import History
from aicomp.models.join import Join
from aicomp.models.lightgbm import LightGBM
from aicomp.models.linear import Linear, build_linear
from aicomp.models.local import Drift, Local, Naive, SeasonalMean, SeasonalNaive, seasonal_mean
from aicomp.models.media import reading_images, reading_sounds
from aicomp.models.memory import Memory, RemembersRows, remembers_rows
from aicomp.models.mlp import MLP, build_mlp
from aicomp.models.modern_nca import ModernNCA, build_modern_nca
from aicomp.models.params import with_params
from aicomp.models.pretrained_seq2seq import PretrainedSeq2Seq
from aicomp.models.realmlp import ParametricActivation, PeriodicEmbedding, RealMLP, build_realmlp
from aicomp.models.resnet import ResidualBlock, ResNet, build_audio_resnet, build_image_resnet
from aicomp.models.rewrite import Rewrite
from aicomp.models.ridge import Ridge
from aicomp.models.scaled import ScaledLinear
from aicomp.models.sentences import Lead
from aicomp.models.seq2seq import Seq2Seq
from aicomp.models.sides import Side, Sides
from aicomp.models.smoothed import SeasonalGrowth, Theta
from aicomp.models.spec import MediaInput, ModelSpec, SeriesSpec, bin_edges
from aicomp.models.statistical import ETS, AutoARIMA, AutoTheta
from aicomp.models.tabm import BatchEnsembleLinear, EnsembleLinear, TabM, build_tabm
from aicomp.models.text_bag import TextBag, build_text_bag
from aicomp.models.text_linear import TextLinear
from aicomp.models.text_vectors import TextVectors
from aicomp.models.texts import ReadsTexts, hashed_terms, hashed_words, reading_texts
from aicomp.models.transformer import Transformer, build_transformer
from aicomp.models.two_tower import TwoTower, build_two_tower
from aicomp.models.xgboost import XGBoost

MODELS: dict[str, Callable[..., nn.Module]] = {
    "tabm": build_tabm,
    "mlp": build_mlp,
    "realmlp": build_realmlp,
    "ft-transformer": build_ft_transformer,
    "modern-nca": build_modern_nca,
    "linear": build_linear,
    "text-bag": build_text_bag,
    "transformer": build_transformer,
    "image-resnet": build_image_resnet,
    "image-timm": build_image_timm,
    "audio-resnet": build_audio_resnet,
    "two-tower": build_two_tower,
}

ESTIMATORS: dict[str, type[Estimator]] = {
    "lightgbm": LightGBM,
    "catboost": CatBoost,
    "xgboost": XGBoost,
    "extra-trees": ExtraTrees,
    "ridge": Ridge,
    "text-linear": TextLinear,
    "text-vectors": TextVectors,
    "seasonal-naive": SeasonalNaive,
    "seasonal-mean": SeasonalMean,
    "naive": Naive,
    "drift": Drift,
    "seasonal-growth": SeasonalGrowth,
    "theta": Theta,
    "forecast-mean": ForecastMean,
    "forecast-net": ForecastNet,
    "forecast-trees": ForecastTrees,
    "ets": ETS,
    "auto-theta": AutoTheta,
    "auto-arima": AutoARIMA,
    "rewrite": Rewrite,
    "extract": Extract,
    "lead": Lead,
    "seq2seq": Seq2Seq,
    "pretrained-seq2seq": PretrainedSeq2Seq,
    "factorization": Factorization,
    "ease": Ease,
    "detector": Detector,
    "ctc": CTC,
}

ALL_MODELS: dict[str, Callable[..., nn.Module] | type[Estimator]] = {**MODELS, **ESTIMATORS}
"""Every model by name."""


def is_installed(model: object) -> bool:
    """Whether the optional package that a model names as its `package` is there; True where it names none."""
    package = getattr(model, "package", None)
    return package is None or find_spec(package) is not None


__all__ = [
    "ALL_MODELS",
    "CTC",
    "ESTIMATORS",
    "ETS",
    "MLP",
    "MODELS",
    "AutoARIMA",
    "AutoTheta",
    "Backbone",
    "BatchEnsembleLinear",
    "CatBoost",
    "CategoryEmbedding",
    "Detector",
    "Drift",
    "Dropout",
    "Encoder",
    "EnsembleLinear",
    "Estimator",
    "ExtraTrees",
    "Extract",
    "FTTransformer",
    "Factorization",
    "FeatureEmbedding",
    "ForecastMean",
    "ForecastNet",
    "ForecastTrees",
    "Forecaster",
    "Goal",
    "History",
    "Join",
    "Lead",
    "LightGBM",
    "Linear",
    "Local",
    "MediaInput",
    "Memory",
    "ModelSpec",
    "ModernNCA",
    "Naive",
    "ParametricActivation",
    "PerColumn",
    "PeriodicEmbedding",
    "PiecewiseLinearEmbedding",
    "PretrainedSeq2Seq",
    "ReadsTexts",
    "RealMLP",
    "RemembersRows",
    "ResNet",
    "ResidualBlock",
    "Rewrite",
    "Ridge",
    "Round",
    "Rows",
    "ScaledLinear",
    "SeasonalGrowth",
    "SeasonalMean",
    "SeasonalNaive",
    "Seq2Seq",
    "SeriesSpec",
    "SharedDropout",
    "Side",
    "Sides",
    "State",
    "TabM",
    "TextBag",
    "TextLinear",
    "TextVectors",
    "Theta",
    "Transformer",
    "TwoTower",
    "Watch",
    "XGBoost",
    "bin_edges",
    "build_audio_resnet",
    "build_ft_transformer",
    "build_image_resnet",
    "build_image_timm",
    "build_linear",
    "build_mlp",
    "build_modern_nca",
    "build_realmlp",
    "build_tabm",
    "build_text_bag",
    "build_transformer",
    "build_two_tower",
    "hashed_terms",
    "hashed_words",
    "is_estimator",
    "is_installed",
    "mean_state",
    "reading_images",
    "reading_sounds",
    "reading_texts",
    "remembers_rows",
    "seasonal_mean",
    "with_params",
]
