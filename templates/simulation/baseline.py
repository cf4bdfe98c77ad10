"""A driver by rules, which a learned one has to beat: `aicomp train --set model.name=baseline:make_driver`."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from environment import AHEAD, AXLES, FASTEST, LANE, MOST_STEERING, SLOWEST, LaneKeeping

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
        place, heading, speed = observation[0] * LANE, observation[1], 10 + 10 * observation[2]
        bends = observation[4:] / 20
        bend = (1 - early) * bends[0] + early * bends[1]
        steering = np.arctan(AXLES * bend) - aside * place - angle * heading
        # Braking brings the speed down to what a bend at distance d allows: v^2 = v_d^2 + 2 braking d.
        allowed = np.sqrt(sideways / np.maximum(np.abs(bends), 1e-3) + 2 * braking * distances).min()
        wanted = np.clip(allowed, SLOWEST, FASTEST)
        turn = (steering - observation[3] * MOST_STEERING) / 0.15
        return np.clip([turn, 2 * (wanted - speed)], -1, 1)

    return act


def make_driver(seeds: Sequence[int]) -> Driver:
    """The best driver of the grid on some roads of training.

    Args:
        seeds: Of the roads that may be looked at.
    """
    environment = LaneKeeping()
    roads = [int(seed) for seed in seeds[:N_ROADS]]
    settings = [dict(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values())]
    # Halving: all on two roads, then the better half on twice as many.
    n = 2
    while len(settings) > 1:
        found = sorted(settings, key=lambda chosen: -mean_return(environment, driver(**chosen), roads[:n]))
        settings, n = found[: max(1, len(found) // 3)], min(2 * n, len(roads))
    return driver(**settings[0])


def mean_return(environment: LaneKeeping, act: Driver, roads: Iterable[int]) -> float:
    """Mean of the returns on some roads."""
    returns = []
    for seed in roads:
        observation, _ = environment.reset(seed=seed)
        total, is_over = 0.0, False
        while not is_over:
            observation, reward, is_out, is_late, _ = environment.step(act(observation))
            total, is_over = total + reward, is_out or is_late
        returns.append(total)
    return float(np.mean(returns))
