"""What a model is told about the data: sizes, cardinalities and bin edges."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from aicomp.data.rows import Media
from aicomp.models.sides import Sides

_LOOKED_AT = 1000


@dataclass(frozen=True)
class MediaInput:
    """Images or sounds of a row, for a model that reads them; its `forward` gets (batch, n, *shape).

    Attributes:
        n: How many a row has.
        shape: Channels, height and width: of a sound 1, bands of pitch, steps in time.
        mean: Of each channel in the training rows: images go from 0 to 1, sounds are in decibels.
        deviation: Standard deviation of each channel there.
    """

    n: int
    shape: tuple[int, int, int]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


@dataclass(frozen=True)
class SeriesSpec:
    """What a model that forecasts is told about the series.

    Attributes:
        n_series: Series that train and test have; a new one has a number from there on.
        n_keys: Leading columns of `Rows.x_cat` that are keys of the series; the others vary in time.
        horizon: Steps that are forecast.
        gap: Steps between the last known one and the first that is forecast.
        seasons: Steps after which a series comes round, the most important first; (1,) without any.
    """

    n_series: int
    n_keys: int
    horizon: int
    gap: int
    seasons: tuple[float, ...]


@dataclass(frozen=True)
class ModelSpec:
    """Inputs and outputs of a tabular network.

    A model takes `x_num`, float32 (batch, n_num), and `x_cat`, int64 codes (batch, n_cat), and returns
    (batch, n_outputs), or (batch, k, n_outputs) if it is an ensemble of k members that are trained side by
    side.

    Attributes:
        n_num: Number of numeric columns.
        cardinalities: Number of distinct codes of each categorical column; codes run from 0.
        n_outputs: Numbers per row: classes, labels or targets; a single logit for two classes.
        bins: Rising bin edges of each numeric column, float32, at least two per column; from the training
            rows alone.
        dropout: Probability with which a hidden unit is silenced in training.
        outputs: What the outputs are: values, logits of labels that are 0 or 1, or logits of exclusive classes.
        n_text: Number of texts of a row, for a model that reads them itself.
        media: Images or sounds of a row, for a model that reads them.
        sides: Which columns are about the user and which about the item, where rows are pairs of both.
        series: What there is to forecast; None for models that do not.
        monotone: For each numeric column 1 where predictions may only rise with it, -1 where they may only fall, else
            0; empty where nothing is asked for.
    """

    n_num: int
    cardinalities: tuple[int, ...]
    n_outputs: int
    bins: tuple[Tensor, ...] = ()
    dropout: float = 0.0
    outputs: Literal["values", "labels", "classes"] = "values"
    n_text: int = 0
    media: MediaInput | None = None
    sides: Sides | None = None
    series: SeriesSpec | None = None
    monotone: tuple[int, ...] = ()

    @property
    def n_cat(self) -> int:
        """Number of categorical columns."""
        return len(self.cardinalities)


def media_input(media: Media) -> MediaInput:
    """What the files of some training rows are like; of many rows a part is looked at."""
    places = media.index[:: max(1, len(media.index) // _LOOKED_AT)]
    values = media.files[np.unique(places[places >= 0])].astype(np.float32)
    if media.files.dtype == np.uint8:
        values /= 255
    values = values if len(values) else np.zeros((1, *media.files.shape[1:]), dtype=np.float32)
    mean, deviation = (part.tolist() for part in (values.mean(axis=(0, 2, 3)), values.std(axis=(0, 2, 3))))
    _, channels, height, width = media.files.shape
    return MediaInput(
        media.index.shape[1], (channels, height, width), tuple(mean), tuple(max(d, 1e-3) for d in deviation)
    )


def bin_edges(x: np.ndarray, n_bins: int) -> Tensor:
    """Edges of at most `n_bins` bins for the values of one column.

    A value that occurs c times counts as sqrt(c) and the bins hold equal counts: between quantiles (which
    spend every edge on the commonest values) and an even grid over the distinct values. A column with few
    distinct values gets an edge at each.

    Args:
        x: Values, (n,), without NaN.
        n_bins: Largest number of bins.

    Returns:
        Rising edges, float32 (n_edges,), from the smallest to the largest value.

    >>> bin_edges(np.array([0.0, 1.0, 1.0, 5.0]), n_bins=48)
    tensor([0., 1., 5.])
    """
    values, counts = np.unique(x, return_counts=True)
    if len(values) > n_bins + 1:
        weight = np.cumsum(np.sqrt(counts))
        picks = np.searchsorted(weight / weight[-1], np.linspace(0, 1, n_bins + 1))
        picks[0], picks[-1] = 0, len(values) - 1
        values = values[picks]
    edges = np.unique(values.astype(np.float32))
    if len(edges) < 2:  # a constant column: any width will do
        edges = np.array([edges[0], edges[0] + 1], np.float32) if len(edges) else np.array([0, 1], np.float32)
    return torch.from_numpy(edges)
