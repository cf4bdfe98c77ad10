"""What is known of many series up to an origin, as a grid without holes."""

from dataclasses import dataclass

import numpy as np

from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.models.spec import ModelSpec, SeriesSpec


@dataclass(frozen=True)
class History:
    """Targets by series and step.

    A step that is missing inside a series is taken from the season before, else from the step before; so is what a
    series lacks at its end, if it ends before the others.

    Attributes:
        values: float64 (n_series, n_steps), NaN before a series begins.
        known: Whether a row said so, bool (n_series, n_steps).
        first: Number of the first step.
        keys: Codes of the keys of each series, int64 (n_series, n_keys), -1 where nothing is known of it.
    """

    values: np.ndarray
    known: np.ndarray
    first: int
    keys: np.ndarray

    @classmethod
    def of(cls, rows: Rows, y: np.ndarray, series: SeriesSpec) -> "History":
        """The grid of some rows.

        Args:
            rows: With places.
            y: Their targets, (n,).
            series: The series.
        """
        assert rows.places is not None
        at, steps = rows.places.T
        first = int(steps.min())
        n_series = max(series.n_series, int(at.max()) + 1)
        values = np.full((n_series, int(steps.max()) - first + 1), np.nan)
        values[at, steps - first] = y
        known = ~np.isnan(values)
        return cls(fill(values, period_of(series)), known, first, _keys(rows, series, n_series))

    @property
    def origin(self) -> int:
        """Number of the last known step."""
        return int(self.first + self.values.shape[1] - 1)

    @property
    def begun(self) -> np.ndarray:
        """Whether a series has any value, bool (n_series,)."""
        return np.asarray(self.known.any(axis=1))

    def ahead(self, rows: Rows, series: SeriesSpec) -> np.ndarray:
        """Which step of the horizon each row is, from 0, int64 (n,).

        Raises:
            UsageError: A row lies outside of the horizon.
        """
        assert rows.places is not None
        return steps_ahead(rows.places[:, 1], self.origin, series)


def steps_ahead(steps: np.ndarray, origin: int, series: SeriesSpec) -> np.ndarray:
    """Which step of the horizon each row is, counted from 0.

    Raises:
        UsageError: A row lies outside of the horizon.
    """
    ahead = steps - origin - series.gap - 1
    if len(ahead) and not (ahead.min() >= 0 and ahead.max() < series.horizon):
        wrong = ahead.min() if ahead.min() < 0 else ahead.max()
        raise UsageError(
            f"a row lies {wrong + series.gap + 1} steps after the last known one, and {series.gap + 1} to "
            f"{series.gap + series.horizon} are predicted",
            "models of series need the splitter `rolling-origin`",
        )
    return np.asarray(ahead)


def period_of(series: SeriesSpec) -> int:
    """Whole steps after which a series comes round, 1 without any."""
    return max(1, int(series.seasons[0]))


def series_of(spec: ModelSpec, name: str) -> SeriesSpec:
    """The series of a model that can do nothing without.

    Raises:
        UsageError: Nothing is forecast.
    """
    if spec.series is None:
        raise UsageError(f"model `{name}` forecasts series, and there are none", "take another model")
    return spec.series


def fill(values: np.ndarray, period: int) -> np.ndarray:
    """Values without holes after a series' first one.

    >>> fill(np.array([[np.nan, 1.0, 2.0, np.nan, np.nan, 5.0]]), 2)
    array([[nan,  1.,  2.,  1.,  2.,  5.]])
    >>> fill(np.array([[3.0, np.nan, np.nan]]), 2)
    array([[3., 3., 3.]])
    """
    filled = values.copy()
    for t in range(1, filled.shape[1]):
        missing = np.isnan(filled[:, t])
        if missing.any():
            season = filled[:, t - period] if t >= period else np.full(len(filled), np.nan)
            filled[missing, t] = np.where(np.isnan(season), filled[:, t - 1], season)[missing]
    return filled


def _keys(rows: Rows, series: SeriesSpec, n_series: int) -> np.ndarray:
    keys = np.full((n_series, series.n_keys), -1, dtype=np.int64)
    assert rows.places is not None
    keys[rows.places[:, 0]] = rows.x_cat[:, : series.n_keys]
    return keys


def similar(keys: np.ndarray, known: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Series that are taken for one of which nothing is known: those that share most of its keys.

    Args:
        keys: Of all series, int64 (n_series, n_keys).
        known: Which of them may be taken, bool (n_series,).
        key: Of the one, int64 (n_keys,).

    Returns:
        Numbers of series, int64 (n,); all that are known where no key is shared.

    >>> similar(np.array([[0, 1], [0, 2], [3, 2]]), np.array([True, True, True]), np.array([0, 5]))
    array([0, 1])
    """
    shared = np.where(known, (keys == key).sum(axis=1), -1)
    return np.flatnonzero(known & (shared == shared.max()))
