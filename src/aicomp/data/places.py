"""Latitude and longitude as directions and distances, which single numbers do not show."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from aicomp.data.table import Table

_LATITUDE = re.compile(r"(?<![a-z])(?:latitude|lat)(?![a-z])")
_LONGITUDE = re.compile(r"(?<![a-z])(?:longitude|long|lon|lng)(?![a-z])")
_LIMITS = (90.0, 180.0)
"""Largest latitude and longitude, in degrees."""

_ANGLES = (15, 30, 45, 60, 75, 105, 120, 135, 150, 165)
"""Degrees from east of the directions; east and north are the columns themselves."""

N_CENTERS = 8
_MOST_FITTED_ROWS = 10_000


def pair_names(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs (latitude, longitude) by their names, which are the same otherwise.

    >>> pair_names(["pickup_lat", "drop_lat", "drop_lon", "pickup_lon", "plate"])
    [('pickup_lat', 'pickup_lon'), ('drop_lat', 'drop_lon')]
    """
    longitudes = {}
    for name in names:
        if _LONGITUDE.search(_words(name)):
            longitudes[_LONGITUDE.sub("*", _words(name))] = name
    pairs = []
    for name in names:
        around = _LATITUDE.sub("*", _words(name))
        if around != _words(name) and around in longitudes:
            pairs.append((name, longitudes[around]))
    return pairs


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def are_degrees(latitude: np.ndarray, longitude: np.ndarray) -> bool:
    """Whether numbers can be degrees of places: within the limits, and finer than whole ones."""
    for values, limit in zip((latitude, longitude), _LIMITS, strict=True):
        known = values[~np.isnan(values)]
        if len(np.unique(known)) < 10 or np.abs(known).max() > limit or (known % 1 == 0).all():
            return False
    return True


@dataclass(frozen=True)
class Places:
    """Places seen along directions, and their distances to centres of the training rows.

    Attributes:
        latitude: The column of degrees north.
        longitude: The column of degrees east.
        middle: Mean place of the training rows, in degrees.
        shrink: Length of a degree of longitude over one of latitude, at the middle.
        centers: Centers of clusters (k-means) in degrees of latitude from the middle, (n_centers, 2) east and north.
        center: Mean of each number in the training rows.
        scale: One over its standard deviation there.
    """

    latitude: str
    longitude: str
    middle: np.ndarray
    shrink: float
    centers: np.ndarray
    center: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, latitude: str, longitude: str, table: "Table", rows: np.ndarray) -> "Places":
        """Learn from a fold's training rows, of which some have both degrees."""
        from sklearn.cluster import KMeans

        degrees = np.column_stack([table.numbers[longitude][rows], table.numbers[latitude][rows]])
        degrees = degrees[~np.isnan(degrees).any(axis=1)]
        middle = degrees.mean(axis=0)
        shrink = float(np.cos(np.radians(middle[1])))
        known = (degrees - middle) * [shrink, 1]
        picked = known[np.linspace(0, len(known) - 1, min(len(known), _MOST_FITTED_ROWS)).astype(np.int64)]
        n_centers = min(N_CENTERS, len(np.unique(picked, axis=0)))
        centers = KMeans(n_centers, n_init=1, random_state=0).fit(picked).cluster_centers_
        width = len(_ANGLES) + n_centers
        raw = cls(latitude, longitude, middle, shrink, centers, np.zeros(width), np.ones(width))._numbers(known)
        return cls(
            latitude, longitude, middle, shrink, centers, raw.mean(axis=0), 1 / np.maximum(raw.std(axis=0), 1e-9)
        )

    @property
    def names(self) -> list[str]:
        """See `ColumnEncoder`."""
        label = f"{self.latitude}, {self.longitude}"
        directions = [f"{label} along {angle} degrees" for angle in _ANGLES]
        return directions + [f"{label} from center {j + 1}" for j in range(len(self.centers))]

    def __call__(self, table: "Table", rows: np.ndarray) -> np.ndarray:
        """See `ColumnEncoder`; a missing place has the mean of each number, one far away at most 5 deviations."""
        degrees = np.column_stack([table.numbers[self.longitude][rows], table.numbers[self.latitude][rows]])
        z = (self._numbers((degrees - self.middle) * [self.shrink, 1]) - self.center) * self.scale
        return np.asarray(np.nan_to_num(np.clip(z, -5, 5), nan=0.0))

    def _numbers(self, places: np.ndarray) -> np.ndarray:
        angles = np.radians(_ANGLES)
        along = places @ np.stack([np.cos(angles), np.sin(angles)])
        distances = np.sqrt(((places[:, None] - self.centers) ** 2).sum(axis=2))
        return np.hstack([along, distances])
