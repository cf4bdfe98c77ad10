"""How much each part of a text moved a prediction: the prediction with it, less the one without it.

Occlusion (Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", arXiv 1311.2901; of words: Li,
Monroe, Jurafsky, "Understanding Neural Networks through Representation Erasure", arXiv 1612.08220). It asks nothing of
a model but predictions, so that it is the same for a linear model, a network and trees, and can be compared.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aicomp.explain.spans import spans_of, without

Predict = Callable[[pd.DataFrame], np.ndarray]
"""Predictions of a table's rows as one number each, (n,): log-odds of a class, or values in the target's unit."""


@dataclass(frozen=True)
class Part:
    """A part of a text.

    Attributes:
        text: As it stands.
        attribution: What the prediction would lose without it, in the unit of `Predict`.
    """

    text: str
    attribution: float


def occlude(row: pd.DataFrame, column: str, predict: Predict) -> list[Part]:
    """Attributions of the parts of one text; the other columns stay as they are.

    Args:
        row: A table of one row.
        column: The column of text.
        predict: Predicts such rows.

    Returns:
        A part per word or run of words, in their order; none where the text is missing or has one part alone.
    """
    text = row[column].iloc[0]
    spans = [] if pd.isna(text) else spans_of(str(text))
    if len(spans) < 2:
        return []
    table = pd.concat([row] * (len(spans) + 1), ignore_index=True)
    table[column] = [text, *(without(spans, k) for k in range(len(spans)))]
    predictions = predict(table)
    return [Part(span, float(predictions[0] - p)) for span, p in zip(spans, predictions[1:], strict=True)]
