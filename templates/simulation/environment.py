"""An environment of your own in Gymnasium's form; `competition.toml` names it as "environment:LaneKeeping".

A car with the kinematic bicycle model on a winding road: keep the lane, and be fast where the road allows it.
"""

import math
from typing import Any

import gymnasium
import numpy as np
from cars import ACTIONS, LANE, OBSERVATIONS, PIECE, Array, ManyCars


class LaneKeeping(gymnasium.Env[Array, Array]):
    """One car on one road; 30 seconds.

    Observation: distance to the lane's middle (in half lanes), angle to the road, speed, steering, bends ahead (times
    20 m). Action: change of steering and of speed, each from -1 to 1. Reward: metres of road in a step over 10, less a
    tenth of the squared change of steering; leaving the lane ends the episode with -5.
    """

    observation_space, action_space = OBSERVATIONS, ACTIONS
    vector_entry_point = ManyCars  # optional: steps many at once, for a training that is several times faster

    def __init__(self) -> None:
        self._car = ManyCars(1)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """A new road, and the car on it near the middle of its lane."""
        super().reset(seed=seed)
        self._car.place(0, self.np_random)
        return self._car.observe()[0], {}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Steer, change speed, and drive for a tenth of a second."""
        observations, rewards, is_out, is_late, _ = self._car.step(np.asarray(action)[None])
        return observations[0], float(rewards[0]), bool(is_out[0]), bool(is_late[0]), {}

    def picture(self) -> list[tuple[str, str, list[tuple[float, float]], float]]:
        """Shapes for `episode.gif`, see `aicomp.simulation.drawing`: the road from the car's bonnet on, and the car."""
        car = self._car
        x, y, heading, middle = -float(car.aside[0]), 0.0, -float(car.angle[0]), []
        for bend in car.bends[0, int(car.along[0] / PIECE) :][:120]:
            middle.append((x, y, heading))
            heading += float(bend) * PIECE
            x, y = x - math.sin(heading) * PIECE, y + math.cos(heading) * PIECE

        def edge(offset: float) -> list[tuple[float, float]]:
            return [((x - offset * math.cos(h)) / 30, (y - offset * math.sin(h)) / 30 - 0.8) for x, y, h in middle]

        left, right, body = edge(LANE), edge(-LANE), [(-0.03, -0.85), (0.03, -0.85), (0.03, -0.7), (-0.03, -0.7)]
        top = -0.9 + float(car.speed[0]) / 12
        return [
            ("polygon", "#b8c9a8", [(-1.5, -1.0), (1.5, -1.0), (1.5, 1.0), (-1.5, 1.0)], 0),
            ("polygon", "#777777", [*left, *reversed(right)], 0),
            *(("line", "#ffffff", side, 0.01) for side in (left, right)),
            ("polygon", "#D55E00", body, 0),
            ("polygon", "#0072B2", [(-1.4, -0.9), (-1.35, -0.9), (-1.35, top), (-1.4, top)], 0),
        ]
