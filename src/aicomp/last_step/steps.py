"""The last steps by name, each with its parameters: what they make of predictions, and their JSON."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aicomp.errors import DataError
from aicomp.files import atomic_write

FILE = "last_step.json"
"""Name of the file in a run's folder."""

_LEAST = 1e-7  # float32 knows no probability between this and 1


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="name"):
    """What is done with predictions before they are scored or submitted.

    Predictions have the shapes of docs/architecture.md: (n,), (n, n_classes), (n, n_labels) or (n, n_targets).
    """

    def adjust(self, y_pred: np.ndarray) -> np.ndarray:
        """Probabilities or values as they are scored and submitted, of the same shape."""
        return y_pred

    def decide(self, y_pred: np.ndarray, *, exclusive: bool) -> np.ndarray:
        """Class codes, (n,), or 0 and 1 per label, (n, n_labels), int64.

        Args:
            y_pred: Probabilities.
            exclusive: Whether the columns are classes of which a row has one; else each column is a matter of its own.
        """
        adjusted = self.adjust(y_pred)
        return _codes(adjusted.argmax(axis=1) if exclusive else adjusted >= 0.5)

    def whole(self, y_pred: np.ndarray) -> np.ndarray:
        """Whole numbers of values, int64 of the same shape."""
        return _codes(np.rint(self.adjust(y_pred)))

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name, as JSON holds them."""
        return {key: value for key, value in msgspec.to_builtins(self).items() if key != "name"}

    @property
    def name(self) -> str:
        """Name of the step."""
        return str(type(self).__struct_config__.tag)


class Plain(Step, frozen=True, tag="plain"):
    """The likeliest class, 0.5 as threshold, probabilities and values as they are."""


class Threshold(Step, frozen=True, tag="threshold"):
    """Two classes, decided by another threshold than 0.5.

    Attributes:
        threshold: The least probability of class 1 that makes a row one of class 1.
    """

    threshold: float

    def decide(self, y_pred: np.ndarray, *, exclusive: bool) -> np.ndarray:  # noqa: D102
        return _codes(y_pred.astype(np.float64) >= self.threshold)


class Thresholds(Step, frozen=True, tag="thresholds"):
    """Several labels, each decided by a threshold of its own.

    Attributes:
        thresholds: One per label.
    """

    thresholds: tuple[float, ...]

    def decide(self, y_pred: np.ndarray, *, exclusive: bool) -> np.ndarray:  # noqa: D102
        _check_columns(self, len(self.thresholds), y_pred)
        return _codes(y_pred.astype(np.float64) >= np.array(self.thresholds))


class Multipliers(Step, frozen=True, tag="multipliers"):
    """Classes of which the one with the largest product of probability and multiplier is taken.

    Attributes:
        multipliers: One per class, above 0.
    """

    multipliers: tuple[float, ...]

    def decide(self, y_pred: np.ndarray, *, exclusive: bool) -> np.ndarray:  # noqa: D102
        _check_columns(self, len(self.multipliers), y_pred)
        return _codes((y_pred * np.array(self.multipliers)).argmax(axis=1))


class CutPoints(Step, frozen=True, tag="cut-points"):
    """Ordered classes, decided by where the expected class code lies between cut points.

    Attributes:
        cuts: One less than there are classes, ascending; a row at or above the first is of class 1 at least.
    """

    cuts: tuple[float, ...]

    def decide(self, y_pred: np.ndarray, *, exclusive: bool) -> np.ndarray:  # noqa: D102
        _check_columns(self, len(self.cuts) + 1, y_pred)
        return _codes(np.searchsorted(self.cuts, expected_code(y_pred), side="right"))


class ValueCuts(Step, frozen=True, tag="value-cuts"):
    """Whole numbers in order, decided by where a predicted value lies between cut points.

    Attributes:
        first: The least of the numbers.
        cuts: One less than there are numbers, ascending; a value at or above the first is `first` + 1 at least.
    """

    first: int
    cuts: tuple[float, ...]

    def whole(self, y_pred: np.ndarray) -> np.ndarray:  # noqa: D102
        return _codes(self.first + np.searchsorted(self.cuts, y_pred.astype(np.float64), side="right"))


class Temperature(Step, frozen=True, tag="temperature"):
    """Probabilities made less sure (above 1) or surer (below 1): Guo et al., "On calibration", ICML 2017.

    Attributes:
        temperature: Divides the logarithms of the odds, or of the classes' probabilities.
        exclusive: Whether the columns are classes of which a row has one.
    """

    temperature: float
    exclusive: bool

    def adjust(self, y_pred: np.ndarray) -> np.ndarray:  # noqa: D102
        if self.exclusive:
            return _softmax(log_probabilities(y_pred) / self.temperature)
        return _sigmoid(log_odds(y_pred) / self.temperature)


class Platt(Step, frozen=True, tag="platt"):
    """Log odds stretched and shifted: Platt, "Probabilistic outputs for support vector machines", 1999.

    Attributes:
        slopes: One per label; of a binary problem, one.
        intercepts: Likewise.
    """

    slopes: tuple[float, ...]
    intercepts: tuple[float, ...]

    def adjust(self, y_pred: np.ndarray) -> np.ndarray:  # noqa: D102
        _check_columns(self, len(self.slopes), y_pred)
        odds = log_odds(y_pred).reshape(len(y_pred), -1)
        return _sigmoid(odds * np.array(self.slopes) + np.array(self.intercepts)).reshape(y_pred.shape)


class Clip(Step, frozen=True, tag="clip"):
    """Values kept within the range of the targets that were seen.

    Attributes:
        low: Least value of each target.
        high: Largest value of each target.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    def adjust(self, y_pred: np.ndarray) -> np.ndarray:  # noqa: D102
        _check_columns(self, len(self.low), y_pred)
        values = y_pred.reshape(len(y_pred), -1)
        return np.asarray(np.clip(values, np.array(self.low), np.array(self.high)).reshape(y_pred.shape))


PLAIN = Plain()

AnyStep = Plain | Threshold | Thresholds | Multipliers | CutPoints | ValueCuts | Temperature | Platt | Clip


def save_step(folder: Path, step: Step) -> None:
    """Write a run's `last_step.json`."""
    atomic_write(folder / FILE, msgspec.json.format(msgspec.json.encode(step), indent=1).decode() + "\n")


def load_step(folder: Path) -> Step:
    """The last step of a run; a run of before there were any has the plain one.

    Args:
        folder: The run's.

    Raises:
        DataError: The file is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return PLAIN
    try:
        step: Step = msgspec.json.decode(path.read_bytes(), type=AnyStep)
    except msgspec.DecodeError as e:
        raise DataError(f"`{path}` is damaged: {e}", "train again, or put back what stood there") from e
    return step


def expected_code(y_pred: np.ndarray) -> np.ndarray:
    """Mean class code under class probabilities, (n,).

    >>> expected_code(np.array([[0.5, 0.0, 0.5], [0.0, 0.0, 1.0]])).tolist()
    [1.0, 2.0]
    """
    return np.asarray(y_pred.astype(np.float64) @ np.arange(y_pred.shape[1], dtype=np.float64))


def log_odds(y_pred: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)), with p kept off 0 and 1."""
    p = np.clip(y_pred.astype(np.float64), _LEAST, 1 - _LEAST)
    return np.asarray(np.log(p) - np.log1p(-p))


def log_probabilities(y_pred: np.ndarray) -> np.ndarray:
    """log(p), with p kept off 0."""
    return np.asarray(np.log(np.maximum(y_pred.astype(np.float64), _LEAST)))


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * z)))


def _codes(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=np.int64)


def _check_columns(step: Step, n: int, y_pred: np.ndarray) -> None:
    n_columns = y_pred.shape[1] if y_pred.ndim == 2 else 1
    if n != n_columns:
        raise DataError(
            f"the last step `{step.name}` is for {n} columns, but there are predictions of {n_columns}",
            f"look at the run's `{FILE}`",
        )
