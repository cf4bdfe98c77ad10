"""An environment of your own in Gymnasium's form; `competition.toml` names it as "environment:LaneKeeping".

A car with the kinematic bicycle model on a winding road: keep the lane, and be fast where the road allows it.
"""

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

SECONDS = 0.1  # of a step
N_STEPS = 300
AXLES = 2.7  # metres between them
LANE = 1.8  # metres from the middle of the lane to its edge
SLOWEST, FASTEST = 3.0, 20.0  # metres a second
MOST_STEERING = 0.5  # radians
GRIP = 6.0  # most sideways acceleration that the tyres hold, metres / s^2
AHEAD = (0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0)  # metres at which the road's bend is seen
PIECE = 0.5  # metres of road between two points
PIECES_AHEAD = (np.array(AHEAD) / PIECE).astype(int)

Observation = np.ndarray[Any, np.dtype[np.float32]]


class LaneKeeping(gymnasium.Env[Observation, Observation]):
    """One car on one road; 30 seconds.

    Observation: distance to the lane's middle (in half lanes), angle to the road, speed, steering, bends ahead (times
    20 m). Action: change of steering and of speed, each from -1 to 1. Reward: metres of road in a step over 10, less a
    tenth of the squared change of steering; leaving the lane ends the episode with -5.
    """

    observation_space = spaces.Box(-10.0, 10.0, (4 + len(AHEAD),), np.float32)
    action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """A new road, and the car on it near the middle of its lane."""
        super().reset(seed=seed)
        self._bends = self._draw_road()
        self._along, self._steps, self._steering, self._speed = 0.0, 0, 0.0, 8.0
        self._aside, self._angle = float(self.np_random.uniform(-0.5, 0.5)), float(self.np_random.uniform(-0.1, 0.1))
        return self._observe(), {}

    def step(self, action: Observation) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Steer, change speed, and drive for a tenth of a second."""
        turn, push = (within(float(part), 1.0) for part in action)
        self._steering = within(self._steering + 0.15 * turn, MOST_STEERING)
        self._speed = min(max(self._speed + (3.0 if push > 0 else 6.0) * push * SECONDS, SLOWEST), FASTEST)
        # What the tyres do not hold, the car does not turn.
        turning = within(self._speed * math.tan(self._steering) / AXLES, GRIP / self._speed)
        bend = float(self._bends[int(self._along / PIECE)])
        forward = self._speed * math.cos(self._angle) / max(0.2, 1 - self._aside * bend) * SECONDS
        self._aside += self._speed * math.sin(self._angle) * SECONDS
        self._angle += turning * SECONDS - bend * forward
        self._along += max(0.0, forward)
        self._steps += 1
        is_out = abs(self._aside) > LANE or abs(self._angle) > 1.2
        reward = forward / 10 - 0.1 * turn**2 - (5.0 if is_out else 0.0)
        return self._observe(), reward, is_out, self._steps >= N_STEPS, {}

    def _draw_road(self) -> Observation:
        """Bends (1 / radius in metres) of a road that is long enough: straights, and curves of 12 to 80 m."""
        bends: list[float] = []
        while len(bends) * PIECE < 1.5 * FASTEST * SECONDS * N_STEPS + 2 * AHEAD[-1]:
            is_curve, side = self.np_random.random() < 0.7, float(self.np_random.choice([-1.0, 1.0]))
            bend = side / self.np_random.uniform(12, 80) if is_curve else 0.0
            bends += [bend] * int(self.np_random.uniform(15, 60) / PIECE)
        smooth = np.convolve(bends, np.full(20, 1 / 20), mode="same")  # over 10 m
        smooth[: int(10 / PIECE)] = 0.0
        return smooth.astype(np.float32)

    def _observe(self) -> Observation:
        state = [self._aside / LANE, self._angle, (self._speed - 10) / 10, self._steering / MOST_STEERING]
        return np.concatenate([np.array(state, np.float32), 20 * self._bends[int(self._along / PIECE) + PIECES_AHEAD]])

    def picture(self) -> list[tuple[str, str, list[tuple[float, float]], float]]:
        """Shapes for `episode.gif`, see `aicomp.simulation.drawing`: the road from the car's bonnet on, and the car."""
        x, y, heading, middle = -self._aside, 0.0, -self._angle, []
        for i in range(120):
            middle.append((x, y, heading))
            heading += float(self._bends[int(self._along / PIECE) + i]) * PIECE
            x, y = x - math.sin(heading) * PIECE, y + math.cos(heading) * PIECE

        def edge(offset: float) -> list[tuple[float, float]]:
            return [((x - offset * math.cos(h)) / 30, (y - offset * math.sin(h)) / 30 - 0.8) for x, y, h in middle]

        left, right, car = edge(LANE), edge(-LANE), [(-0.03, -0.85), (0.03, -0.85), (0.03, -0.7), (-0.03, -0.7)]
        speed = [(-1.4, -0.9), (-1.35, -0.9), (-1.35, -0.9 + self._speed / 12), (-1.4, -0.9 + self._speed / 12)]
        return [
            ("polygon", "#b8c9a8", [(-1.5, -1.0), (1.5, -1.0), (1.5, 1.0), (-1.5, 1.0)], 0),
            ("polygon", "#777777", [*left, *reversed(right)], 0),
            *(("line", "#ffffff", side, 0.01) for side in (left, right)),
            ("polygon", "#D55E00", car, 0),
            ("polygon", "#0072B2", speed, 0),
        ]


def within(value: float, most: float) -> float:
    """A number cut to what lies between -most and most."""
    return min(max(value, -most), most)
