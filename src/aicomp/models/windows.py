"""What models that are common to all series see of one series at one origin: scaled values, and simple forecasts.

Each origin sees the steps up to itself and no later one. Values are divided by the series' own mean size and counted
from its recent level, so that large and small series are alike (Salinas et al., "DeepAR", arXiv 1704.04110, section
3.3). The simple forecasts follow "Forecasting: principles and practice", 3rd ed., section 5.2; that of growth takes the
level of all series, or of those with the same key, for what a single noisy series cannot tell (section 11.4, top-down).
"""

from dataclasses import dataclass

import numpy as np

from aicomp.models.history import History, period_of
from aicomp.models.local import last_seasons
from aicomp.models.spec import SeriesSpec

_YEARS = (1, 2, 3, 5, 8, 12)
"""Seasons over which means are taken."""

BASE_YEARS = 8
"""Seasons that growth is counted against."""

_MOST_KEYS = 4
"""Keys whose groups have a growth of their own."""

_MOST_GROWTH = 4.0
_FEWEST_LAGS, _MOST_LAGS = 16, 64


@dataclass(frozen=True)
class Windows:
    """Series at origins.

    Attributes:
        series: Number of the series, int64 (n,).
        origins: Known steps, int64 (n,): the number of columns of the history that are seen.
        context: What is known at the origin, float32 (n, n_context), without NaN.
        simple: Simple forecasts, scaled, float32 (n, horizon, n_simple), without NaN.
        level: What is counted from, float64 (n,).
        scale: What is divided by, float64 (n,), above 0.
    """

    series: np.ndarray
    origins: np.ndarray
    context: np.ndarray
    simple: np.ndarray
    level: np.ndarray
    scale: np.ndarray

    def __len__(self) -> int:
        return len(self.series)

    @classmethod
    def joined(cls, parts: "list[Windows]") -> "Windows":
        """Several of them, one behind the other."""
        names = ("series", "origins", "context", "simple", "level", "scale")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Values of the horizon in the windows' unit, (n, horizon) -> float32 (n, horizon)."""
        return np.asarray((values - self.level[:, None]) / self.scale[:, None], dtype=np.float32)

    def unscaled(self, values: np.ndarray) -> np.ndarray:
        """And back, float64 (n, horizon)."""
        return np.asarray(values * self.scale[:, None] + self.level[:, None])


def windows_at(values: np.ndarray, keys: np.ndarray, origin: int, series: SeriesSpec) -> Windows:
    """All series that have begun, at one origin.

    Args:
        values: Without holes, float64 (n_series, n_steps), NaN before a series begins.
        keys: Codes of the keys, int64 (n_series, n_keys).
        origin: Steps that are seen.
        series: The series.
    """
    seen = values[:, :origin]
    chosen = np.flatnonzero(~np.isnan(seen[:, -1]))
    seen, period = seen[chosen], period_of(series)
    ahead = series.gap + np.arange(series.horizon)
    years = max(1, min(BASE_YEARS, origin // period))
    of_season = last_seasons(seen, period, max(_YEARS))
    means = {k: nan_mean(of_season[:, -k:], 1, seen[:, -1:]) for k in {*_YEARS, years}}
    recent = nan_mean(seen[:, -max(2 * period, 4) :], 1)
    base = means[years]
    usual = base.mean(axis=1)
    scale = nan_mean(abs(seen[:, -years * period :]), 1)
    scale = np.maximum(scale, 1e-6 * max(float(scale.max(initial=0)), 1e-6))

    def repeated(table: np.ndarray) -> np.ndarray:
        return np.asarray(table[:, ahead % period])

    grown = (means[1].mean(axis=1) - means[2].mean(axis=1)) * 2  # from the season before to the last one
    rounds = ahead // period + 1
    simple = [repeated(means[k]) for k in _YEARS]
    simple += [np.repeat(column[:, None], series.horizon, axis=1) for column in (recent, seen[:, -1])]
    simple += [repeated(base) + (recent - usual)[:, None], repeated(means[1]) + grown[:, None] * rounds]
    growth = growths(seen, keys[chosen], base, period)
    simple += [repeated(base) * factor[:, None] for factor in growth.T]
    simple += [_of_long_season(seen, round(s / period) * period, ahead, recent) for s in series.seasons[1:]]
    table = np.stack(simple, axis=2)
    context = [_lags(seen, period, recent, scale), np.log(scale)[:, None] / 5, np.log(growth) * 3]
    return Windows(
        series=chosen,
        origins=np.full(len(chosen), origin),
        context=np.concatenate(context, axis=1).astype(np.float32),
        simple=((table - recent[:, None, None]) / scale[:, None, None]).astype(np.float32),
        level=recent,
        scale=scale,
    )


def training_windows(history: History, series: SeriesSpec, most: int) -> tuple[Windows, np.ndarray]:
    """Windows whose horizon is known, at least in part.

    Args:
        history: What is known.
        series: The series.
        most: Windows at most: origins are then left out evenly.

    Returns:
        The windows, and their targets, float64 (n, horizon), NaN where a row was missing.
    """
    n_steps = history.values.shape[1]
    span = series.gap + series.horizon
    earliest = min(3 * period_of(series), max(2, (n_steps - span) // 2))
    origins = np.arange(earliest, n_steps - span + 1)
    if not len(origins):  # less than a window and a step before it: what there is of the last one
        origins = np.array([max(1, n_steps - span)])
    n_origins = max(4, most // max(1, len(history.values)))
    if len(origins) > n_origins:
        origins = origins[np.unique(np.linspace(0, len(origins) - 1, n_origins).round().astype(int))]
    observed = np.where(history.known, history.values, np.nan)
    pad = np.full((len(observed), span), np.nan)
    observed = np.concatenate([observed, pad], axis=1)
    parts, targets = [], []
    for origin in origins:
        part = windows_at(history.values, history.keys, int(origin), series)
        parts.append(part)
        targets.append(observed[part.series, origin + series.gap : origin + span])
    windows, table = Windows.joined(parts), np.concatenate(targets)
    has_target = ~np.isnan(table).all(axis=1)
    if not has_target.all():
        kept = np.flatnonzero(has_target)
        windows, table = _taken(windows, kept), table[kept]
    return windows, table


def _taken(windows: Windows, rows: np.ndarray) -> Windows:
    w = windows
    return Windows(w.series[rows], w.origins[rows], w.context[rows], w.simple[rows], w.level[rows], w.scale[rows])


def nan_mean(values: np.ndarray, axis: int, otherwise: np.ndarray | float = 0.0) -> np.ndarray:
    """Mean of what is no NaN; `otherwise` where nothing is."""
    counts = (~np.isnan(values)).sum(axis=axis)
    return np.asarray(np.where(counts > 0, np.nansum(values, axis=axis) / np.maximum(counts, 1), otherwise))


def growths(seen: np.ndarray, keys: np.ndarray, base: np.ndarray, period: int) -> np.ndarray:
    """Recent level by usual level, of all series together and of those with the same key, (n, n_growths)."""
    groups = [np.zeros(len(seen), dtype=np.int64), *(keys[:, j] for j in range(min(keys.shape[1], _MOST_KEYS)))]
    usual = base.mean(axis=1)
    factors = []
    for n_steps in (period, 2 * period):
        recent = nan_mean(seen[:, -n_steps:], 1)
        for group in groups:
            number = np.unique(group, return_inverse=True)[1]
            above, below = np.bincount(number, recent), np.bincount(number, usual)
            fits = (above > 0) & (below > 0)
            factor = np.where(fits, above / np.where(fits, below, 1.0), 1.0)
            factors.append(np.clip(factor, 1 / _MOST_GROWTH, _MOST_GROWTH)[number])
    return np.stack(factors, axis=1)


def _of_long_season(seen: np.ndarray, length: int, ahead: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """What was one long season, such as a week of hours, before; `otherwise` where a series is younger."""
    back = ahead - length * (ahead // length + 1)
    columns = seen.shape[1] + back
    found = np.where(columns >= 0, seen[:, np.maximum(columns, 0)], np.nan)
    return np.where(np.isnan(found), otherwise[:, None], found)


def _lags(seen: np.ndarray, period: int, level: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The last values, scaled, 0 before the beginning."""
    n_lags = int(np.clip(2 * period, _FEWEST_LAGS, _MOST_LAGS))
    lags = np.full((len(seen), n_lags), np.nan)
    taken = min(n_lags, seen.shape[1])
    lags[:, n_lags - taken :] = seen[:, seen.shape[1] - taken :]
    return np.asarray(np.nan_to_num((lags - level[:, None]) / scale[:, None]))
