"""Predictions as a table: the ids, then one column per target or per class."""

import numpy as np
import pandas as pd

from aicomp.competition import Competition


def prediction_columns(competition: Competition) -> list[str]:
    """Names for the columns of a prediction array: classes for multiclass, else the targets."""
    if competition.problem_type == "multiclass":
        return [f"{competition.target[0]}={label}" for label in competition.labels]
    return list(competition.target)


def prediction_frame(competition: Competition, ids: pd.DataFrame, predictions: np.ndarray) -> pd.DataFrame:
    """Ids beside predictions.

    Args:
        competition: The contract.
        ids: Id columns, n rows; without columns the row number becomes the id.
        predictions: (n,) or (n, n_columns).
    """
    names = prediction_columns(competition)
    values = pd.DataFrame(predictions.reshape(len(predictions), len(names)), columns=names)
    left = ids.reset_index(drop=True) if ids.shape[1] else pd.DataFrame({"row": range(len(values))})
    return pd.concat([left, values], axis=1)
