"""Models that learn a fold as a whole: which are installed here, and parameters with which they take a moment."""

import pytest

from aicomp.config import Config, ModelConfig, TrainingConfig
from aicomp.models import ESTIMATORS, is_installed, with_params
from aicomp.training.whole import fit_whole

QUICK = {
    "lightgbm": {"n_estimators": 40, "learning_rate": 0.2},
    "catboost": {"iterations": 40, "learning_rate": 0.3},
    "xgboost": {"n_estimators": 40, "learning_rate": 0.2},
    "extra-trees": {"n_estimators": 30},
    "ridge": {"penalty": 3.0},
}


def each(*names):
    """Parameters for a test: these models, or all; those whose package is absent are skipped and say so."""
    return [
        pytest.param(
            name, marks=pytest.mark.skipif(not is_installed(ESTIMATORS[name]), reason=f"{name} is not installed")
        )
        for name in names or QUICK
    ]


def quick_config(name, loss="auto", **params):
    """A config with the parameters of `QUICK`, and further ones."""
    return Config(model=ModelConfig(name=name, params={**QUICK[name], **params}), training=TrainingConfig(loss=loss))


def fit(data, task, config, seed=0, **kwargs):
    """Fit the config's model on a fold."""
    return fit_whole(
        data, task, config, with_params(ESTIMATORS[config.model.name], config.model.params), seed=seed, **kwargs
    )
