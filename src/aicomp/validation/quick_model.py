"""A model that is fitted in a moment, out of fold: gradient-boosted trees of scikit-learn with settings that stand."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from aicomp.validation.matrix import Matrix

MOST_ROWS = 6_000
"""Rows of a part that quick models learn from; of more, so many are drawn."""


def drawn(n: int, most: int = MOST_ROWS, seed: int = 0) -> np.ndarray:
    """Row numbers, all or so many drawn, in their order.

    >>> drawn(3).tolist(), len(drawn(100, 10))
    ([0, 1, 2], 10)
    """
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def parts_of(y: np.ndarray, n_parts: int = 5, seed: int = 0) -> np.ndarray:
    """A part from 0 on for each row, with about the same share of each value of `y` (classes) in each."""
    order = np.random.default_rng(seed).permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    part = np.empty(len(y), dtype=np.int64)
    part[order] = np.arange(len(y)) % n_parts
    return part


def one_thread() -> AbstractContextManager[Any]:
    """Fits and predictions within take one thread: on some thousand rows, waiting for others takes longer than work."""
    import sklearn.ensemble  # noqa: F401 - a library that is loaded later would not hear of the limit
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(1)  # type: ignore[no-any-return]


def classifier(matrix: Matrix, n_rows: int) -> Any:
    """The model for classes."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(**_settings(matrix, n_rows))


def regressor(matrix: Matrix, n_rows: int) -> Any:
    """The model for amounts."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(**_settings(matrix, n_rows))


def _settings(matrix: Matrix, n_rows: int) -> dict[str, Any]:
    return {
        "max_iter": 40,
        "learning_rate": 0.15,
        "max_leaf_nodes": 15,
        "min_samples_leaf": int(np.clip(n_rows // 50, 2, 20)),
        "l2_regularization": 1.0,
        "categorical_features": matrix.is_category if matrix.is_category.any() else None,
        "early_stopping": False,
        "random_state": 0,
    }


def predict_classes(matrix: Matrix, y: np.ndarray, n_classes: int, folds: Sequence[tuple[Any, Any]]) -> np.ndarray:
    """Probabilities of each class, each row by a model that has not seen it.

    Args:
        matrix: The rows.
        y: Class codes.
        n_classes: Classes; one that a training part lacks has probability 0.
        folds: Rows to train on and rows to predict.

    Returns:
        float64 (n, n_classes); NaN where no fold predicts the row.
    """
    found = np.full((len(y), n_classes), np.nan)
    with one_thread():
        for train, valid in folds:
            model = classifier(matrix, len(train)).fit(matrix.x[train], y[train])
            found[valid] = 0.0
            found[np.ix_(valid, model.classes_.astype(int))] = model.predict_proba(matrix.x[valid])
    return found


def predict_values(matrix: Matrix, y: np.ndarray, folds: Sequence[tuple[Any, Any]]) -> np.ndarray:
    """Amounts, each row by a model that has not seen it; float64 (n,), NaN where no fold predicts it."""
    found = np.full(len(y), np.nan)
    with one_thread():
        for train, valid in folds:
            found[valid] = regressor(matrix, len(train)).fit(matrix.x[train], y[train]).predict(matrix.x[valid])
    return found
