"""What of a model can be tuned: a range for each setting, in the tuple `SPACE` of the model's own file.

A project's `model.py` has a `SPACE` of its own in the same way:

    from aicomp.models.space import DROPOUT, NETWORK, Int

    SPACE = (*NETWORK, DROPOUT, Int("model.params.n_blocks", 1, 4))
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aicomp.errors import UsageError

Only = Literal["classification", "regression"]


@dataclass(frozen=True)
class Float:
    """A number between two bounds, both of which may be taken.

    Attributes:
        key: Entry of `aicomp.toml`, such as "training.learning_rate" or "model.params.penalty".
        low: Least value.
        high: Greatest value.
        log: Whether equal ratios are equal steps; right for what spans powers of ten.
        default: What the model takes where the config says nothing, if that is a number that is known beforehand.
        only: Problems that have the setting; None is all.

    Raises:
        UsageError: Bounds that hold nothing, or that have no logarithm.
    """

    key: str
    low: float
    high: float
    log: bool = False
    default: float | None = None
    only: Only | None = None

    def __post_init__(self) -> None:
        _check_bounds(self.key, self.low, self.high, log=self.log)

    def holds(self, value: object) -> bool:
        """Whether a value lies in the range."""
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high

    def rounded(self, value: float) -> float:
        """The value to four digits, which can be typed, without leaving the range.

        >>> Float("model.params.penalty", 0.1, 1000.0, log=True).rounded(3.14159265)
        3.142
        """
        return min(max(float(f"{value:.4g}"), self.low), self.high)


@dataclass(frozen=True)
class Int:
    """A whole number between two bounds, both of which may be taken; for the attributes see `Float`.

    Attributes:
        step: Distance between neighbouring values; 1 on a logarithmic scale.
    """

    key: str
    low: int
    high: int
    log: bool = False
    step: int = 1
    default: int | None = None
    only: Only | None = None

    def __post_init__(self) -> None:
        _check_bounds(self.key, self.low, self.high, log=self.log)
        if self.step < 1 or (self.log and self.step != 1):
            raise UsageError(
                f"`{self.key}`: step is {self.step}, but it must be {'1 with log' if self.log else 'at least 1'}",
                "remove `step`",
            )
        if (self.high - self.low) % self.step:
            raise UsageError(
                f"`{self.key}`: steps of {self.step} from {self.low} do not meet {self.high}",
                f"write {self.high - (self.high - self.low) % self.step} as its high",
            )

    def holds(self, value: object) -> bool:
        """Whether a value is one of the range."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and self.low <= value <= self.high and (value - self.low) % self.step == 0  # type: ignore[operator]


@dataclass(frozen=True)
class Choice:
    """One of several values: strings, numbers or true and false; for the attributes see `Float`."""

    key: str
    values: tuple[Any, ...]
    default: Any = None
    only: Only | None = None

    def __post_init__(self) -> None:
        if len(set(map(repr, self.values))) < 2:
            raise UsageError(f"`{self.key}`: {len(self.values)} choices, two different ones are needed", "add another")
        odd = [value for value in self.values if not isinstance(value, bool | int | float | str)]
        if odd:
            raise UsageError(f"`{self.key}`: {odd[0]!r} is no string, number, true or false", "correct that choice")

    def holds(self, value: object) -> bool:
        """Whether a value is one of the choices."""
        return any(value == v and type(value) is type(v) for v in self.values)


Setting = Float | Int | Choice


def _check_bounds(key: str, low: float, high: float, *, log: bool) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(f"`{key}`: low is {low} and high is {high}; low must be below high", "correct the bounds")
    if log and low <= 0:
        raise UsageError(f"`{key}`: low is {low}, but with log it must be above 0", "raise it, or remove `log`")


NETWORK: Sequence[Setting] = (
    Float("training.learning_rate", 1e-3, 3e-2, log=True),
    Float("regularization.weight_decay", 1e-3, 0.3, log=True),
)
"""What every network has. Ranges of TabM (arXiv 2410.24210, appendix), moved to the learning rates of the recipe."""

DROPOUT = Float("regularization.dropout", 0.0, 0.5)
"""For networks with a dropout layer; the range of arXiv 2106.11959 and 2410.24210."""
