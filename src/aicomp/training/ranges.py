"""Numbers of the config that cannot be meant, whatever the data is: refused before anything is read.

What hangs on other entries, or on the data, is refused where it is used.
"""

import math
from typing import Any

import msgspec

from aicomp.config import AugmentationConfig, Config
from aicomp.errors import UsageError

AUGMENTATION_LIMITS = {"rotate": 180.0, "randaugment": 10.0, "cutmix": 10.0, "gain": 60.0, "noise": 80.0, "masks": 10.0}
"""Largest value of the entries of `[augmentation]` that are no shares."""

_RANGES: dict[str, tuple[float, float]] = {
    "seed": (0, 4_000_000_000),  # libraries take 32 bits, and each fold adds a thousand
    "workers": (0, 10_000),
    "data.image_size": (1, 8192),
    "data.sample_rate": (1, 768_000),
    "data.n_mels": (1, 4096),
    "split.n_repeats": (1, 10_000),
    "split.seed": (0, 4_000_000_000),
    "training.batch_size": (1, 2**31),
    "training.micro_batch": (0, 2**31),
    "training.epochs": (1, 1_000_000),
    "training.learning_rate": (0, 1000),
    "regularization.weight_decay": (0, 1000),
    "regularization.mixup": (0, 1000),
    "regularization.early_stopping": (0, 1_000_000),
    "regularization.sam": (0, 1000),
    "regularization.input_noise": (0, 1000),
    "forecast.period": (1, 1_000_000),
    "pseudo.confidence": (0, math.nextafter(1, 0)),
}
"""Smallest and largest value."""

_ABOVE_ZERO = ("data.seconds", "pseudo.share", "training.learning_rate")


def check_ranges(config: Config) -> None:
    """Refuse numbers that are none, or out of any range.

    Raises:
        UsageError: The first such number.
    """
    content = msgspec.to_builtins(config)
    for key, value in _numbers(content):
        if not math.isfinite(value):
            raise UsageError(f"`{key}` is {value}, which is no number to work with", _hint(key, content))
        low, high = _RANGES.get(key, (-math.inf, math.inf))
        if key in _ABOVE_ZERO and value <= 0:
            raise UsageError(f"`{key}` is {value}, but it must be above 0", _hint(key, content))
        if value < low:
            raise UsageError(f"`{key}` is {value}, it must be at least {low:g}", _hint(key, content))
        if value > high:
            what = "below 1" if key == "pseudo.confidence" else f"at most {high:,.0f}"
            raise UsageError(f"`{key}` is {value}, it must be {what}", _hint(key, content))
    check_augmentation(config.augmentation)


def check_augmentation(config: AugmentationConfig) -> None:
    """Refuse numbers that are out of range.

    Raises:
        UsageError: The first such number.
    """
    for name in AugmentationConfig.__struct_fields__:
        value = getattr(config, name)
        most = AUGMENTATION_LIMITS.get(name, 1.0)
        if isinstance(value, int | float) and not 0 <= value <= most:
            raise UsageError(
                f"`augmentation.{name}` is {value}, but it must be from 0 to {most:g}",
                f"write `--set augmentation.{name}=0` to switch it off",
            )


def _numbers(content: dict[str, Any]) -> list[tuple[str, float]]:
    """Every number of the sections that training reads, with its key; what is a range or a parameter is left out."""
    found = []
    for key, value in content.items():
        if key in ("columns", "features", "model", "notebook", "tune", "output", "check", "augmentation"):
            continue
        entries = value.items() if isinstance(value, dict) else [("", value)]
        for name, number in entries:
            if isinstance(number, int | float) and not isinstance(number, bool):
                found.append((f"{key}.{name}" if name else key, number))
    return found


def _hint(key: str, content: dict[str, Any]) -> str:
    default: Any = msgspec.to_builtins(Config())
    for name in key.split("."):
        default = default[name]
    shown = f'"{default}"' if isinstance(default, str) else default
    return f"remove it, or write `--set {key}={shown}`"
