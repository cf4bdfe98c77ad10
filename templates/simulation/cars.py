"""Cars on winding roads, as arrays of n numbers: `environment.py` drives one of them, training hundreds at once."""

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

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
N_PIECES = int((1.5 * FASTEST * SECONDS * N_STEPS + 2 * AHEAD[-1]) / PIECE)  # more than a car can drive

Array = np.ndarray[Any, Any]
OBSERVATIONS = spaces.Box(-10.0, 10.0, (4 + len(AHEAD),), np.float32)
ACTIONS = spaces.Box(-1.0, 1.0, (2,), np.float32)


class ManyCars(VectorEnv[Array, Array, Array]):
    """Cars side by side, each alone on a road of its own, as arrays of n numbers: training steps them together.

    An episode that is over begins anew by `reset(options={"reset_mask": mask})`.
    """

    metadata = {"autoreset_mode": AutoresetMode.DISABLED}  # noqa: RUF012 - as Gymnasium has it
    single_observation_space, single_action_space = OBSERVATIONS, ACTIONS

    def __init__(self, num_envs: int) -> None:
        self.num_envs = num_envs
        self.bends = np.zeros((num_envs, N_PIECES), np.float32)  # 1 / radius in metres, left is positive
        self.along, self.aside, self.angle, self.steering, self.speed = np.zeros((5, num_envs))
        self.steps = np.zeros(num_envs, int)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """A new road, and the car on it near the middle of its lane, for all cars or those of the mask."""
        mask = np.ones(self.num_envs, bool) if options is None else options["reset_mask"]
        super().reset(seed=seed)
        for i in np.flatnonzero(mask):
            self.place(int(i), self.np_random)
        return self.observe(), {}

    def place(self, i: int, random: np.random.Generator) -> None:
        """Put car `i` on a new road."""
        self.bends[i] = draw_road(random)
        self.along[i], self.steps[i], self.steering[i], self.speed[i] = 0.0, 0, 0.0, 8.0
        self.aside[i], self.angle[i] = random.uniform(-0.5, 0.5), random.uniform(-0.1, 0.1)

    def step(self, actions: Array) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Steer, change speed, and drive for a tenth of a second; actions are (n, 2)."""
        turn, push = np.clip(np.asarray(actions, float), -1, 1).T
        self.steering = np.clip(self.steering + 0.15 * turn, -MOST_STEERING, MOST_STEERING)
        change = np.where(push > 0, 3.0, 6.0) * push * SECONDS
        self.speed = np.clip(self.speed + change, SLOWEST, FASTEST)
        # What the tyres do not hold, the car does not turn.
        most = GRIP / self.speed
        turning = np.clip(self.speed * np.tan(self.steering) / AXLES, -most, most)
        bend = self.bends[np.arange(self.num_envs), (self.along / PIECE).astype(int)]
        forward = self.speed * np.cos(self.angle) / np.maximum(0.2, 1 - self.aside * bend) * SECONDS
        self.aside = self.aside + self.speed * np.sin(self.angle) * SECONDS
        self.angle = self.angle + turning * SECONDS - bend * forward
        self.along = self.along + np.maximum(0.0, forward)
        self.steps = self.steps + 1
        is_out = (np.abs(self.aside) > LANE) | (np.abs(self.angle) > 1.2)
        rewards = forward / 10 - 0.1 * turn**2 - 5.0 * is_out
        return self.observe(), rewards, is_out, self.steps >= N_STEPS, {}

    def observe(self) -> Array:
        """See `LaneKeeping`, (n, 12)."""
        state = (self.aside / LANE, self.angle, (self.speed - 10) / 10, self.steering / MOST_STEERING)
        seen = (self.along / PIECE).astype(int)[:, None] + PIECES_AHEAD
        bends = np.take_along_axis(self.bends, seen, axis=1)
        return np.concatenate([np.stack(state, axis=1), 20 * bends], axis=1).astype(np.float32)


def draw_road(random: np.random.Generator) -> Array:
    """Bends (1 / radius in metres) of a road that is long enough: straights, and curves of 12 to 80 m."""
    bends: list[float] = []
    while len(bends) < N_PIECES:
        is_curve, side = random.random() < 0.7, float(random.choice([-1.0, 1.0]))
        bend = side / random.uniform(12, 80) if is_curve else 0.0
        bends += [bend] * int(random.uniform(15, 60) / PIECE)
    smooth = np.convolve(bends, np.full(20, 1 / 20), mode="same")[:N_PIECES]  # over 10 m
    smooth[: int(10 / PIECE)] = 0.0
    return smooth.astype(np.float32)
