"""Series in time: how long they are, how they look, and whether they come round."""

from dataclasses import dataclass

import numpy as np

from aicomp.dataset import SeriesRows

_SHOWN = 6
_MOST_DRAWN = 400
_MOST_MEASURED = 500
_MOST_LAGS = 60


@dataclass(frozen=True)
class Season:
    """What comes round after some steps.

    Attributes:
        period: Steps.
        profile: Mean of the total at each place of the round, less or over its moving mean, (period,).
        is_ratio: Whether `profile` are ratios; else differences.
        strength: Of the total, from 0 to 1: 1 less the variance of what is left over that of season and rest.
        median_strength: The same of single series, the median.
    """

    period: int
    profile: np.ndarray
    is_ratio: bool
    strength: float
    median_strength: float


@dataclass(frozen=True)
class SeriesSet:
    """All series of train.

    Attributes:
        step: A step for people, such as "quarter".
        n_series: How many.
        n_steps: Steps from the first to the last of train.
        lengths: Least, median and largest number of rows of a series.
        holes: Share of the steps inside a series that have no row.
        zeros: Share of the values that are 0.
        horizon: Steps that test asks for; likewise `gap`.
        gap: Steps between train and these.
        shown: Name, axis and values of some series, from the largest to the smallest; at most 400 last steps.
        total: Axis and sum over the series at each step.
        autocorrelation: Of the total's differences, at lag 1, 2, ...
        season: None where no period is known or two rounds are not there.
    """

    step: str
    n_series: int
    n_steps: int
    lengths: tuple[int, float, int]
    holes: float
    zeros: float
    horizon: int
    gap: int
    shown: tuple[tuple[str, np.ndarray, np.ndarray], ...]
    total: tuple[np.ndarray, np.ndarray]
    autocorrelation: np.ndarray
    season: Season | None


def read_series(rows: SeriesRows, y: np.ndarray) -> SeriesSet:
    """Look at the series of train.

    Args:
        rows: Series and steps.
        y: Targets of train, (n,).
    """
    panel, number, step = rows.panel, rows.train[:, 0], rows.train[:, 1]
    order = np.lexsort((step, number))
    cuts = np.flatnonzero(np.diff(number[order])) + 1
    parts = [part for part in np.split(order, cuts) if len(part)]
    lengths = np.array([len(part) for part in parts])
    spans = np.array([step[part[-1]] - step[part[0]] + 1 for part in parts])
    sizes = np.array([np.abs(y[part]).sum() for part in parts])
    ranked = np.argsort(-sizes, kind="stable")
    picks = ranked[np.unique(np.linspace(0, len(ranked) - 1, min(_SHOWN, len(ranked))).round().astype(int))]
    shown = []
    for i in picks:
        part = parts[i][-_MOST_DRAWN:]
        name = ", ".join(panel.keys[number[part[0]]]) or "the series"
        shown.append((name, np.asarray(panel.steps.axis(step[part])), y[part]))
    steps = np.arange(step.min(), step.max() + 1)
    total = np.bincount(step - step.min(), weights=y, minlength=len(steps))
    period = round(panel.seasons[0])
    measured = [regular(step[parts[i]], y[parts[i]]) for i in ranked[:: max(1, len(ranked) // _MOST_MEASURED)]]
    return SeriesSet(
        step=panel.steps.name,
        n_series=len(parts),
        n_steps=len(steps),
        lengths=(int(lengths.min()), float(np.median(lengths)), int(lengths.max())),
        holes=float(1 - lengths.sum() / spans.sum()),
        zeros=float((y == 0).mean()),
        horizon=panel.horizon,
        gap=panel.gap,
        shown=tuple(shown),
        total=(np.asarray(panel.steps.axis(steps)), total),
        autocorrelation=autocorrelation(np.diff(total), min(_MOST_LAGS, max(2 * period + 1, 12), len(total) // 3)),
        season=_season(total, measured, period),
    )


def regular(steps: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A series without holes: a step that is missing gets a value between its neighbours.

    >>> regular(np.array([3, 5]), np.array([1.0, 2.0])).tolist()
    [1.0, 1.5, 2.0]
    """
    return np.asarray(np.interp(np.arange(steps[0], steps[-1] + 1), steps, values))


def autocorrelation(values: np.ndarray, n_lags: int) -> np.ndarray:
    """Correlation of a series with itself some steps before, from lag 1 to `n_lags`; none where it is constant.

    >>> autocorrelation(np.array([1.0, -1, 1, -1, 1, -1]), 2).round(2).tolist()
    [-0.83, 0.67]
    """
    centred = values - values.mean() if len(values) else values
    scale = float((centred**2).sum())
    if scale <= 0:
        return np.empty(0)
    return np.array([float((centred[lag:] * centred[:-lag]).sum()) / scale for lag in range(1, n_lags + 1)])


def decompose(values: np.ndarray, period: int) -> tuple[np.ndarray, float] | None:
    """Season of a series around its moving mean.

    The strength is that of Wang, Smith, Hyndman, "Characteristic-based clustering for time series data", 2006, by a
    classical decomposition.

    Returns:
        Mean difference from the moving mean at each place of the round, the first value's first, (period,), and the
        strength, from 0 to 1; None where there are not two whole rounds.
    """
    if period < 2 or len(values) < 2 * period + 1:
        return None
    weights = np.ones(period + 1 - period % 2)
    if period % 2 == 0:
        weights[[0, -1]] = 0.5
    trend = np.convolve(values, weights / period, mode="valid")
    start = len(weights) // 2
    rest = values[start : start + len(trend)] - trend
    places = (start + np.arange(len(rest))) % period
    counts = np.bincount(places, minlength=period)
    if (counts == 0).any():
        return None
    profile = np.bincount(places, weights=rest, minlength=period) / counts
    left, whole = (rest - profile[places]).var(), rest.var()
    return profile - profile.mean(), max(0.0, 1 - left / whole) if whole > 0 else 0.0


def _season(total: np.ndarray, series: list[np.ndarray], period: int) -> Season | None:
    found = decompose(total, period)
    if found is None:
        return None
    is_ratio = bool((total > 0).all())
    profile = found[0]
    if is_ratio:
        of_logarithms = decompose(np.log(total), period)
        assert of_logarithms is not None  # as long as the total
        profile = np.exp(of_logarithms[0])
    strengths = [f[1] for s in series if (f := decompose(s, period)) is not None]
    return Season(period, profile, is_ratio, found[1], float(np.median(strengths)) if strengths else 0.0)
