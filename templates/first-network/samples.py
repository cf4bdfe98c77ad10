"""The classroom's data: points of a wave, measured with noise. Made here, so the true curve is known."""

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def true_curve(x: Vector) -> Vector:
    """What the network is to find and never sees: two sine waves over [-1, 1]."""
    return np.sin(2 * np.pi * x)


def make_samples(n_samples: int, noise: float, seed: int) -> tuple[Vector, Vector]:
    """Draw points at random places and measure the curve there.

    Args:
        n_samples: Number of points.
        noise: Standard deviation of the measuring error.
        seed: Equal seeds give equal points.

    Returns:
        Inputs x in [-1, 1] and measured values y, each of shape (n_samples,).
    """
    random = np.random.default_rng(seed)
    x = np.sort(random.uniform(-1.0, 1.0, n_samples))
    return x, true_curve(x) + random.normal(0.0, noise, n_samples)
