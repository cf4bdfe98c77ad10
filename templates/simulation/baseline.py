"""A driver by rules, which a learned one has to beat: `aicomp train --set model.name=baseline:make_driver`."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from cars import AHEAD, AXLES, FASTEST, LANE, MOST_STEERING, SLOWEST, ManyCars
from gymnasium.utils.seeding import np_random

Driver = Callable[[Any], Any]
N_ROADS = 12  # of training, on which settings are compared

GRID = {
    "aside": (0.01, 0.02, 0.05, 0.1),  # radians of steering for a metre beside the middle
    "angle": (0.3, 0.6, 1.0),  # radians of steering for a radian off the road's direction
    "sideways": (4.0, 5.0, 5.5, 6.0, 6.5, 7.0),  # acceleration in bends that the driver dares, metres / s^2
    "braking": (4.0, 5.0, 6.0),  # braking that the driver counts on, metres / s^2
    "early": (0.0, 0.5, 1.0),  # weight of the bend 5 m ahead, against the lag of the steering
}


def driver(aside: float, angle: float, sideways: float, braking: float, early: float) -> Driver:
    """Steer by the bend of the road and by the errors in place and angle; as fast as the bends ahead allow."""
    distances = np.array(AHEAD)

    def act(observation: Any) -> Any:
        """Actions (..., 2) for observations (..., 12), one or many."""
        seen = np.moveaxis(np.asarray(observation), -1, 0)
        place, heading, speed, bends = seen[0] * LANE, seen[1], 10 + 10 * seen[2], seen[4:] / 20
        bend = (1 - early) * bends[0] + early * bends[1]
        steering = np.arctan(AXLES * bend) - aside * place - angle * heading
        # Braking brings the speed down to what a bend at distance d allows: v^2 = v_d^2 + 2 braking d.
        by_bend = sideways / np.maximum(np.abs(bends), 1e-3)
        allowed = np.sqrt(np.moveaxis(by_bend, 0, -1) + 2 * braking * distances).min(axis=-1)
        wanted = np.clip(allowed, SLOWEST, FASTEST)
        turn = (steering - seen[3] * MOST_STEERING) / 0.15
        return np.clip(np.stack([turn, 2 * (wanted - speed)], axis=-1), -1, 1)

    return act


def make_driver(seeds: Sequence[int]) -> Driver:
    """The best driver of the grid on some roads of training.

    Args:
        seeds: Of the roads that may be looked at.
    """
    roads = [int(seed) for seed in seeds[:N_ROADS]]
    settings = [dict(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values())]
    # Halving: all on two roads, then the better third on twice as many.
    n = 2
    while len(settings) > 1:
        found = sorted(settings, key=lambda chosen: -mean_return(driver(**chosen), roads[:n]))
        settings, n = found[: max(1, len(found) // 3)], min(2 * n, len(roads))
    return driver(**settings[0])


def mean_return(act: Driver, roads: Sequence[int]) -> float:
    """Mean of the returns on some roads, driven side by side."""
    cars = ManyCars(len(roads))
    for i, seed in enumerate(roads):
        cars.place(i, np_random(seed)[0])
    observations, returns, drives = cars.observe(), np.zeros(len(roads)), np.ones(len(roads), bool)
    while drives.any():
        observations, rewards, is_out, is_late, _ = cars.step(act(observations))
        returns, drives = returns + rewards * drives, drives & ~(is_out | is_late)
    return float(returns.mean())
