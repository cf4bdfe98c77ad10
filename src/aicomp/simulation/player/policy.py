"""A trained policy in numpy: the same numbers as the network of `simulation.networks`, without torch."""

from typing import Any

import numpy as np


class Policy:
    """Layers of convolutions, if the observations are images, then two perceptrons: of actions and of the value.

    Args:
        spec: `activation` ("tanh" or "relu"), `strides` of the convolutions, `scale` by which observations are divided,
            `n_actions` of discrete actions, else `low` and `high` of continuous ones.
        weights: Arrays by name: `conv.0.weight`, `policy.0.weight`, `value.0.weight` and so on, each with its `.bias`;
            `mean` and `std` of the observations where these are standardized.
    """

    def __init__(self, spec: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
        self.spec, self.weights = spec, weights
        self._layers = {part: self._count(part) for part in ("conv", "policy", "value")}

    def _count(self, part: str) -> int:
        return sum(name.startswith(f"{part}.") and name.endswith(".weight") for name in self.weights)

    def outputs(self, observations: np.ndarray) -> np.ndarray:
        """Logits of discrete actions, or means of continuous ones in [-1, 1], of observations (n, ...)."""
        return self._perceptron("policy", self._features(observations))

    def value(self, observations: np.ndarray) -> np.ndarray:
        """What an episode is expected to bring from here on, (n, ...) -> (n,)."""
        return self._perceptron("value", self._features(observations))[:, 0]

    def act(self, observation: np.ndarray, legal: np.ndarray | None = None) -> int | np.ndarray:
        """The likeliest action for one observation.

        Args:
            observation: As the environment gives it.
            legal: Which discrete actions are allowed, (n_actions,); None allows all.
        """
        outputs = self.outputs(np.asarray(observation)[None])[0]
        if "n_actions" in self.spec:
            return int(np.argmax(outputs if legal is None else np.where(legal, outputs, -np.inf)))
        return self.to_range(outputs)

    def to_range(self, actions: np.ndarray) -> np.ndarray:
        """Continuous actions from [-1, 1] to what the environment takes; what lies beyond is cut off."""
        low, high = np.asarray(self.spec["low"]), np.asarray(self.spec["high"])
        moved: np.ndarray = low + (np.clip(actions, -1, 1) + 1) / 2 * (high - low)
        return moved.astype(np.float32)

    def _features(self, observations: np.ndarray) -> np.ndarray:
        x = np.asarray(observations, np.float32) / np.float32(self.spec["scale"])
        if "mean" in self.weights:
            x = np.clip((x - self.weights["mean"]) / self.weights["std"], -10, 10)
        for i in range(self._layers["conv"]):
            x = self._activate(self._convolve(i, x))
        return x.reshape(len(x), -1)

    def _convolve(self, i: int, x: np.ndarray) -> np.ndarray:
        weight, stride = self.weights[f"conv.{i}.weight"], self.spec["strides"][i]
        size = weight.shape[-1]
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
        summed = np.tensordot(windows, weight, axes=([1, 4, 5], [1, 2, 3]))  # (n, height, width, channels)
        return np.moveaxis(summed + self.weights[f"conv.{i}.bias"], 3, 1)

    def _perceptron(self, part: str, x: np.ndarray) -> np.ndarray:
        for i in range(self._layers[part]):
            x = x @ self.weights[f"{part}.{i}.weight"].T + self.weights[f"{part}.{i}.bias"]
            x = self._activate(x) if i < self._layers[part] - 1 else x
        return np.asarray(x)

    def _activate(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(np.tanh(x) if self.spec["activation"] == "tanh" else np.maximum(x, 0))


def encoded(observation: Any, n_values: int | None) -> np.ndarray:
    """An observation as the network takes it: a number of `n_values` as a one, images with their colours in front."""
    if n_values is not None:
        one: np.ndarray = np.eye(n_values, dtype=np.float32)[int(observation)]
        return one
    x = np.asarray(observation)
    if x.ndim == 3:
        return np.moveaxis(x, 2, 0)
    return x.reshape(-1) if x.ndim != 1 else x
