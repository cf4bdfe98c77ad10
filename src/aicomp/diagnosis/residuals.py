"""Truth less prediction: how large it is, which way it leans, and where it grows."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from aicomp.diagnosis.losses import has_log_scale, on_scale
from aicomp.diagnosis.rows import Validated

_BINS = 20
_HISTOGRAM = 41
_QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
_MOST_TARGETS = 6


@dataclass(frozen=True)
class Band:
    """Residuals of rows with similar predictions.

    Attributes:
        predicted: Their mean prediction.
        n: How many they are.
        quantiles: A tenth, a quarter, a half, three quarters and nine tenths of them are below these.
    """

    predicted: float
    n: int
    quantiles: tuple[float, float, float, float, float]


@dataclass(frozen=True)
class Residuals:
    """Residuals of one target.

    Attributes:
        target: Its name.
        is_log: Whether of log(1 + value), because the metric compares these.
        mean: Their mean; above 0 the truth is larger.
        error: Standard error of that.
        std: Their standard deviation.
        quantiles: By the share that is below.
        kurtosis: Excess over that of a normal distribution: far ones are more frequent than there, if above 0.
        bands: Along the prediction.
        edges: Of a histogram; residuals beyond its ends count in the outer bars.
        counts: Of that.
    """

    target: str
    is_log: bool
    mean: float
    error: float
    std: float
    quantiles: dict[str, float]
    kurtosis: float
    bands: tuple[Band, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def find_residuals(validated: Validated) -> list[Residuals]:
    """Residuals of each target, six at most; none where labels or strings are predicted."""
    task = validated.task
    if task.is_classification or task.is_string or len(validated) < 3:
        return []
    y, y_pred = (on_scale(v, task).reshape(len(validated), -1) for v in (validated.y, validated.y_pred))
    names = validated.competition.target[:_MOST_TARGETS]
    return [residuals_of(y[:, k], y_pred[:, k], name, is_log=has_log_scale(task)) for k, name in enumerate(names)]


def residuals_of(y: np.ndarray, y_pred: np.ndarray, target: str, *, is_log: bool = False) -> Residuals:
    """Residuals of one target on the scale of the metric.

    >>> found = residuals_of(np.array([1.0, 2.0, 6.0]), np.array([1.0, 2.0, 3.0]), "price")
    >>> found.mean, round(found.std, 4), found.quantiles["50 %"]
    (1.0, 1.7321, 0.0)
    """
    residual = y - y_pred
    std = float(residual.std(ddof=1))
    quantiles = np.quantile(residual, _QUANTILES)
    low, high = np.quantile(residual, (0.005, 0.995))
    if low == high:
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(np.clip(residual, low, high), bins=_HISTOGRAM, range=(low, high))
    centred = residual - residual.mean()
    kurtosis = float((centred**4).mean() / (centred**2).mean() ** 2 - 3) if std > 0 else 0.0
    return Residuals(
        target=target,
        is_log=is_log,
        mean=float(residual.mean()),
        error=std / float(np.sqrt(len(residual))),
        std=std,
        quantiles={f"{100 * q:g} %": float(v) for q, v in zip(_QUANTILES, quantiles, strict=True)},
        kurtosis=kurtosis,
        bands=_bands(residual, y_pred),
        edges=tuple(float(e) for e in edges),
        counts=tuple(int(c) for c in counts),
    )


def _bands(residual: np.ndarray, y_pred: np.ndarray) -> tuple[Band, ...]:
    n_bins = int(np.clip(len(y_pred) // 15, 1, _BINS))
    edges = np.unique(np.quantile(y_pred, np.arange(1, n_bins) / n_bins))
    codes = np.searchsorted(edges, y_pred, side="left")
    bands = []
    for k in np.unique(codes):
        own = residual[codes == k]
        five = np.quantile(own, (0.1, 0.25, 0.5, 0.75, 0.9))
        a, b, c, d, e = (float(v) for v in five)
        bands.append(Band(float(y_pred[codes == k].mean()), len(own), (a, b, c, d, e)))
    return tuple(bands)
