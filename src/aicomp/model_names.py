"""Names of models by what they are, so that a command knows it without importing torch."""

FORECASTER_NAMES = (
    "seasonal-naive", "seasonal-mean", "seasonal-growth", "naive", "drift", "theta", "forecast-mean", "forecast-net",
    "forecast-trees", "ets", "auto-theta", "auto-arima",
)  # fmt: skip
"""The models that forecast series."""

STRING_MODEL_NAMES = ("rewrite", "extract", "lead", "seq2seq", "pretrained-seq2seq", "ease", "detector", "ctc")
"""The models whose predictions are strings."""

ESTIMATOR_NAMES = (
    "lightgbm", "catboost", "xgboost", "extra-trees", "ridge", "text-linear", "text-vectors", "factorization",
    *STRING_MODEL_NAMES, *FORECASTER_NAMES,
)  # fmt: skip
"""The models that are no networks."""

MONOTONE_NAMES = ("lightgbm", "xgboost", "catboost")
"""The models whose predictions can be held monotone in a column; others of a project say `takes_monotone = True`."""


def is_network(model: str) -> bool:
    """Whether a model takes `[training]`, `[regularization]` and a GPU; a project's own is taken for a network."""
    return model not in ESTIMATOR_NAMES


def takes_gpu(model: str) -> bool:
    """Whether a model is trained on a GPU where there is one."""
    return is_network(model) or model in ("rewrite", "seq2seq", "pretrained-seq2seq", "detector", "ctc")
