"""Between a regression target's unit and one that a model learns well."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from aicomp.errors import DataError
from aicomp.training.aims import Asked, Kind

_POWERS = (-2.0, 2.0)
"""Range in which the power is sought: beyond it a few rows decide."""

_LONG_TAIL = 4.0
"""Skewness from which a power is learned: of a lognormal target it is 6.2, of most prices and counts below 3."""

_IS_LOGARITHM = 1e-6  # a power this near to 0 is the logarithm; the formula would divide by it


@dataclass(frozen=True)
class TargetTransform:
    """A monotone function, then mean 0 and standard deviation 1.

    Attributes:
        kind: "standard" (no function), "log1p" (log(1 + y)), "box-cox" ((y^p - 1) / p, for y > 0: Box & Cox, "An
            analysis of transformations", 1964) or "yeo-johnson" (the same of 1 + |y| with powers p and 2 - p on the
            two sides of 0: Yeo & Johnson, "A new family of power transformations", 2000).
        mean: Of each target after the function, (n_targets,).
        std: Of each target after the function, (n_targets,).
        low: Least value that is predicted, in the target's unit.
        high: Greatest one.
        power: p of each target, the likeliest under a normal distribution; empty without one.
    """

    kind: Kind
    mean: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray
    power: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def fit(cls, y: np.ndarray, kind: Asked = "standard") -> "TargetTransform":
        """Learn the transform from training targets, (n,) or (n, n_targets); "auto" takes `suited_kind`.

        Raises:
            DataError: A target that the function does not take.
        """
        y = y.reshape(len(y), -1).astype(np.float64)
        kind = suited_kind(y) if kind == "auto" else kind
        _check(y, kind)
        low, high = _limits(y)
        power = np.zeros(0)
        if kind in ("box-cox", "yeo-johnson"):
            power = np.array([_likeliest_power(column, kind) for column in y.T])
        if kind == "box-cox":
            low = np.maximum(low, y.min(axis=0) / 2)
        z = _bend(y, kind, power)
        std = z.std(axis=0)
        return cls(kind, z.mean(axis=0), np.where(std > 0, std, 1.0), low, high, power)

    @classmethod
    def unscaled(cls, y: np.ndarray, kind: Asked) -> "TargetTransform":
        """The function alone, (n,) targets: for models that scale by themselves and may leave the range that was seen.

        Predictions end at 0 where no target is below.

        Raises:
            DataError: A target that the function does not take.
        """
        column = y.reshape(-1, 1).astype(np.float64)
        if kind == "auto" or kind not in ("standard", "log1p"):
            raise ValueError(f"{kind} is not defined beyond the targets that were seen")
        _check(column, kind)
        widest = np.finfo(np.float64).max / 4
        low = 0.0 if column.min() >= 0 else -widest
        return cls(kind, np.zeros(1), np.ones(1), np.array([low]), np.array([widest]))

    def transform(self, y: np.ndarray) -> np.ndarray:
        """Targets to the model's unit: float32 (n, n_targets)."""
        y = y.reshape(len(y), -1)
        if self.kind == "box-cox":
            y = np.maximum(y, self.low)  # validation rows may lie below all that were seen, at 0 for instance
        else:
            _check(y, self.kind)
        z: np.ndarray = (_bend(y, self.kind, self.power) - self.mean) / self.std
        return z.astype(np.float32)

    def inverse(self, z: Tensor) -> Tensor:
        """Outputs on the CPU to the target's unit, clipped to [low, high]: (..., n_targets) float64."""
        mean, std, low, high = map(torch.from_numpy, (self.mean, self.std, self.low, self.high))
        y = z * std + mean
        if self.kind != "standard":
            # Clipping before the inverse as well: a wild output must leave neither its range nor that of floats.
            ends = [torch.from_numpy(_bend(end, self.kind, self.power)) for end in (self.low, self.high)]
            y = _unbend(torch.maximum(torch.minimum(y, ends[1]), ends[0]), self.kind, torch.from_numpy(self.power))
        return torch.maximum(torch.minimum(y, high), low)


def suited_kind(y: np.ndarray) -> Kind:
    """The function for targets of which nothing else is known: a power if they reach from 0 up into a long tail.

    Args:
        y: Training targets, (n,) or (n, n_targets).
    """
    y = y.reshape(len(y), -1).astype(np.float64)
    deviation = y - y.mean(axis=0)
    variance = (deviation**2).mean(axis=0)
    if y.min() < 0 or not (variance > 0).all():
        return "standard"
    skewness = (deviation**3).mean(axis=0) / variance**1.5
    if skewness.max() < _LONG_TAIL:
        return "standard"
    return "box-cox" if y.min() > 0 else "yeo-johnson"


def _bend(y: np.ndarray, kind: Kind, power: np.ndarray | float) -> np.ndarray:
    """The function of each target, (..., n_targets)."""
    if kind == "standard":
        return y
    if kind == "log1p":
        return np.asarray(np.log1p(y))
    if kind == "box-cox":
        return _powered(np.log(y), power)
    signed = np.where(y < 0, 2 - np.asarray(power), power)
    return np.asarray(np.copysign(_powered(np.log1p(abs(y)), signed), y))


def _powered(u: np.ndarray, power: np.ndarray | float) -> np.ndarray:
    """(e^(p u) - 1) / p, which is u where p is 0."""
    power = np.asarray(power, dtype=np.float64)
    is_logarithm = abs(power) < _IS_LOGARITHM
    p = np.where(is_logarithm, 1.0, power)
    return np.where(is_logarithm, u, np.expm1(p * u) / p)


def _unbend(z: Tensor, kind: Kind, power: Tensor) -> Tensor:
    if kind == "log1p":
        return torch.expm1(z)
    if kind == "box-cox":
        return torch.exp(_unpowered(z, power))
    signed = torch.where(z < 0, 2 - power, power)
    return torch.copysign(torch.expm1(_unpowered(z.abs(), signed)), z)


def _unpowered(z: Tensor, power: Tensor) -> Tensor:
    is_logarithm = power.abs() < _IS_LOGARITHM
    p = torch.where(is_logarithm, torch.ones_like(power), power)
    return torch.where(is_logarithm, z, torch.log1p(p * z) / p)


def _likeliest_power(y: np.ndarray, kind: Kind) -> float:
    """The power under which the targets are likeliest to be normal; 1 for a target that is always the same."""
    from scipy.optimize import minimize_scalar

    if y.min() == y.max():
        return 1.0
    # Of the derivative of the function, log(dz/dy) is power - 1 times this, per row.
    slope = float(np.mean(np.log(y) if kind == "box-cox" else np.copysign(np.log1p(abs(y)), y)))

    def unlikely(power: float) -> float:
        with np.errstate(over="ignore"):
            spread = float(np.std(_bend(y, kind, power)))
        return np.log(spread) - (power - 1) * slope if 0 < spread < np.inf else np.inf

    return float(minimize_scalar(unlikely, bounds=_POWERS, method="bounded", options={"xatol": 1e-3}).x)


def _limits(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Range of predictions: that of the training targets and 5 % of it beyond each end.

    An end that many rows share is a limit of the target's unit, such as counts from 0 or prices capped at
    500,000, and is not passed.
    """
    low, high = y.min(axis=0), y.max(axis=0)
    margin = 0.05 * (high - low)
    shared = max(5, len(y) // 1000)
    low_margin = np.where((y == low).sum(axis=0) >= shared, 0.0, margin)
    high_margin = np.where((y == high).sum(axis=0) >= shared, 0.0, margin)
    return np.where(low >= 0, np.maximum(low - low_margin, 0), low - low_margin), high + high_margin


def _check(y: np.ndarray, kind: Kind) -> None:
    """Refuse targets that a function does not take.

    Raises:
        DataError: With row and value.
    """
    if kind == "log1p" and y.min() < 0:
        what, hint = "a logarithmic loss takes targets from 0 up", ("loss", "mse")
    elif kind == "box-cox" and y.min() <= 0:
        what, hint = "`box-cox` takes targets above 0", ("target", "yeo-johnson")
    else:
        return
    row, column = np.unravel_index(int(y.argmin()), y.shape)
    raise DataError(
        f"{what}, but the fold's row {row} has {y[row, column]:g}", f'write `--set training.{hint[0]}="{hint[1]}"`'
    )


def transform_from(stored: dict[str, Sequence[float] | str | bool]) -> TargetTransform:
    """A transform from its JSON in `spec.json`; before there were kinds it said whether it was a logarithm."""
    kind = stored.get("kind", "log1p" if stored.get("log") else "standard")
    arrays = {
        name: np.array(stored.get(name, ()), dtype=np.float64) for name in ("mean", "std", "low", "high", "power")
    }
    return TargetTransform(kind=kind, **arrays)  # type: ignore[arg-type]
