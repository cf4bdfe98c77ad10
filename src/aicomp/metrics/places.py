"""Errors of predicted places and directions, each of which is made of several numbers."""

import numpy as np

from aicomp.metrics.checks import check_values, require

EARTH_RADIUS = 6371.0
"""Kilometres."""


def haversine(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean distance on the globe, in kilometres; lower is better, 0 is perfect.

    2 * r * asin(sqrt(sin^2(dlat / 2) + cos(lat) * cos(lat') * sin^2(dlon / 2))) with r = 6371 km. Kaggle's ECML/PKDD
    15 taxi competition on destinations (2015) takes its mean.

    Args:
        y_true: Latitude and longitude in degrees, (n, 2).
        y_pred: The same.

    Raises:
        ValueError: The shapes differ or are not (n, 2), a value is NaN or infinite, or a true latitude is beyond 90.

    >>> haversine(np.array([[0.0, 0.0]]), np.array([[0.0, 180.0]]))  # half of the equator, pi * 6371
    20015.08...
    """
    true, pred = _two_columns(y_true, y_pred)
    require("y_true", true, (abs(true) <= 90) | (np.arange(2) == 1), "latitudes lie in [-90, 90]")
    a, b = np.radians(true), np.radians(pred)
    half = np.sin((b - a) / 2) ** 2
    chord = half[:, 0] + np.cos(a[:, 0]) * np.cos(b[:, 0]) * half[:, 1]
    return float(2 * EARTH_RADIUS * np.mean(np.arcsin(np.sqrt(np.clip(chord, 0, 1)))))


def angular_error(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean angle between two directions, in radians; lower is better, 0 is perfect, pi / 2 is chance.

    The arc cosine of the product of the unit vectors, kept within [-1, 1]: the measure of Kaggle's IceCube -
    Neutrinos in Deep Ice (2023).

    Args:
        y_true: Azimuth and zenith in radians, (n, 2).
        y_pred: The same.

    Raises:
        ValueError: The shapes differ or are not (n, 2), or a value is NaN or infinite.

    >>> angular_error(np.array([[0.0, np.pi / 2]]), np.array([[np.pi / 2, np.pi / 2]]))  # along x and along y
    1.57...
    """
    true, pred = _two_columns(y_true, y_pred)
    product = np.sin(true[:, 1]) * np.sin(pred[:, 1]) * np.cos(true[:, 0] - pred[:, 0])
    product += np.cos(true[:, 1]) * np.cos(pred[:, 1])
    return float(np.mean(np.arccos(np.clip(product, -1, 1))))


def mean_distance(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean Euclidean distance between predicted and true point, in the targets' unit; lower is better, 0 is perfect.

    Args:
        y_true: Coordinates, (n, n_targets).
        y_pred: The same.

    Raises:
        ValueError: The shapes differ, there is one column only, or a value is NaN or infinite.

    >>> mean_distance(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]))
    5.0
    """
    true, pred = check_values(y_true, y_pred, ndim=2)
    return float(np.mean(np.sqrt(((pred - true) ** 2).sum(axis=1))))


def _two_columns(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    true, pred = check_values(y_true, y_pred, ndim=2)
    if true.shape[1] != 2:
        raise ValueError(f"`y_true` has shape {true.shape}, but (n, 2) is needed")
    return true, pred
