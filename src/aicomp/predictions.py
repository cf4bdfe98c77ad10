"""Predictions as a table: the ids, then one column per target or per class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from aicomp.competition import Competition
from aicomp.task import Task


def prediction_columns(competition: Competition) -> list[str]:
    """Names for the columns of a prediction array: classes for multiclass, else the targets."""
    if competition.problem_type == "multiclass":
        return [f"{competition.target[0]}={label}" for label in competition.labels]
    return list(competition.target)


def prediction_frame(
    competition: Competition, ids: pd.DataFrame, predictions: np.ndarray, start: int = 0
) -> pd.DataFrame:
    """Ids beside predictions.

    Args:
        competition: The contract.
        ids: Id columns, n rows; without columns the row number becomes the id.
        predictions: (n,) or (n, n_columns).
        start: Number of the first row.
    """
    names = prediction_columns(competition)
    values = pd.DataFrame(predictions.reshape(len(predictions), len(names)), columns=names)
    left = ids.reset_index(drop=True) if ids.shape[1] else pd.DataFrame({"row": range(start, start + len(values))})
    return pd.concat([left, values], axis=1)


def without_prediction(predictions: np.ndarray) -> np.ndarray:
    """Which rows have none: a number of theirs is NaN or infinite, or a string is None; bool (n,).

    >>> without_prediction(np.array(["a", None], object)), without_prediction(np.array([[0.5, np.nan]]))
    (array([False,  True]), array([ True]))
    """
    if predictions.dtype == object:
        return np.array([value is None for value in predictions], dtype=bool)
    return np.asarray(~np.isfinite(predictions.reshape(len(predictions), -1)).all(axis=1))


def no_predictions(n_rows: int, like: np.ndarray) -> np.ndarray:
    """Rows that all have none, of the columns and the type of other predictions."""
    missing = None if like.dtype == object else np.nan
    return np.full((n_rows, *like.shape[1:]), missing, dtype=object if missing is None else np.float64)


def pool_folds(task: Task, n_rows: int, folds: Sequence[dict[str, np.ndarray]]) -> np.ndarray:
    """Out-of-fold predictions of train: the folds that validate a row together; none where no fold does.

    Args:
        task: How predictions of one row are put together.
        n_rows: Rows of train.
        folds: Arrays of each fold, see `Run.predictions`.
    """
    pooled = no_predictions(n_rows, folds[0]["valid"])
    count = np.zeros(n_rows, dtype=np.int64)
    for fold in folds:
        count[fold["valid_rows"]] += 1
    if task.is_string:
        of_row: dict[int, list[str]] = {}
        for fold in folds:
            for row, value in zip(fold["valid_rows"].tolist(), fold["valid"], strict=True):
                of_row.setdefault(row, []).append(value)
        for row, values in of_row.items():
            pooled[row] = values[0] if len(values) == 1 else task.combine_row(values, [1.0] * len(values))
        return pooled
    pooled[count > 0] = 0
    for fold in folds:
        pooled[fold["valid_rows"]] += fold["valid"]
    return np.asarray(pooled / np.maximum(count, 1).reshape(-1, *[1] * (pooled.ndim - 1)))
