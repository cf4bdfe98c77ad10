"""Whether probabilities are shares, and values means: what was predicted against what came true."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from aicomp.diagnosis.noise import wilson
from aicomp.diagnosis.rows import Validated

_BINS = 10
_MOST_OUTPUTS = 12
_LEAST_ROWS = 20


@dataclass(frozen=True)
class Bin:
    """Rows of similar predictions.

    Attributes:
        n: Its rows.
        predicted: Mean prediction.
        observed: Share that is true, or mean truth.
        low: Lower end of the interval of 95 % of what was observed.
        high: Upper end.
    """

    n: int
    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """Predictions of one output against the truth.

    Attributes:
        of: Of what, such as "probability of “yes”" or "price".
        kind: Whether probabilities or values.
        n: Rows.
        bins: From the smallest predictions to the largest, about equally many rows each.
        error: Of probabilities the expected calibration error, the mean distance of shares from predictions; of values
            the mean distance of means, in the target's unit.
        error_by_chance: What a perfectly calibrated model would show with these rows on average.
        error_at_most: What it would exceed in 5 % of the cases.
    """

    of: str
    kind: Literal["probability", "value"]
    n: int
    bins: tuple[Bin, ...]
    error: float
    error_by_chance: float
    error_at_most: float

    @property
    def is_off(self) -> bool:
        """Whether the error is beyond what chance brings."""
        return self.error > self.error_at_most

    @property
    def lean(self) -> float:
        """Mean prediction less mean truth, of all rows."""
        weights = np.array([b.n for b in self.bins]) / self.n
        return float(sum(w * (b.predicted - b.observed) for w, b in zip(weights, self.bins, strict=True)))

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def calibrations(validated: Validated) -> list[Calibration]:
    """Calibration of each output; of several classes first how sure the likeliest one is, whatever it is."""
    task, y, y_pred = validated.task, validated.y, validated.y_pred
    names = validated.competition.target
    if task.is_string or len(y) < _LEAST_ROWS:
        return []
    if task.problem_type == "binary":
        return [of_probabilities(y == 1, y_pred, f"probability of “{task.labels[1]}”")]
    if task.problem_type == "multiclass":
        likeliest = y_pred.argmax(axis=1)
        found = [of_probabilities(likeliest == y, y_pred.max(axis=1), "probability of the likeliest class")]
        classes = task.labels[:_MOST_OUTPUTS]
        return found + [of_probabilities(y == k, y_pred[:, k], f"probability of “{c}”") for k, c in enumerate(classes)]
    if task.problem_type == "multilabel":
        found = [of_probabilities(y.ravel() == 1, y_pred.ravel(), "probability of any label")]
        labels = names[:_MOST_OUTPUTS]
        return found + [of_probabilities(y[:, k] == 1, y_pred[:, k], f"“{c}”") for k, c in enumerate(labels)]
    columns = [(y, y_pred)] if y.ndim == 1 else [(y[:, k], y_pred[:, k]) for k in range(y.shape[1])]
    return [of_values(*pair, name) for pair, name in zip(columns[:_MOST_OUTPUTS], names, strict=False)]


def of_probabilities(is_true: np.ndarray, probability: np.ndarray, of: str) -> Calibration:
    """Calibration of probabilities.

    Args:
        is_true: Whether what was predicted came true, bool (n,).
        probability: That was predicted for it, (n,).
        of: See `Calibration`.

    >>> of_probabilities(np.array([True, False] * 50), np.full(100, 0.7), "it").error  # half of them are true
    0.2
    """
    codes = _bins_of(probability)
    n, predicted, observed = _means(codes, probability, is_true.astype(np.float64))
    low, high = wilson(observed * n, n)
    deviations = np.sqrt(np.bincount(codes, probability * (1 - probability))) / n
    return _calibration(of, "probability", (n, predicted, observed, low, high), deviations)


def of_values(y: np.ndarray, y_pred: np.ndarray, of: str) -> Calibration:
    """Calibration of values: mean truth of rows with similar predictions."""
    codes = _bins_of(y_pred)
    n, predicted, observed = _means(codes, y_pred, y)
    squares = np.bincount(codes, (y - observed[codes]) ** 2)
    deviations = np.sqrt(squares / np.maximum(n - 1, 1) / n)
    reach = 1.959964 * deviations
    return _calibration(of, "value", (n, predicted, observed, observed - reach, observed + reach), deviations)


def _bins_of(predictions: np.ndarray) -> np.ndarray:
    """Bin of each row, by the rank of its prediction; equal predictions share one."""
    edges = np.unique(np.quantile(predictions, np.arange(1, _BINS) / _BINS))
    codes = np.searchsorted(edges, predictions, side="left")
    return np.asarray(np.unique(codes, return_inverse=True)[1])


def _means(codes: np.ndarray, predicted: np.ndarray, observed: np.ndarray) -> tuple[np.ndarray, ...]:
    n = np.bincount(codes).astype(np.float64)
    return n, np.bincount(codes, predicted) / n, np.bincount(codes, observed) / n


def _calibration(
    of: str, kind: Literal["probability", "value"], columns: tuple[np.ndarray, ...], deviations: np.ndarray
) -> Calibration:
    n, predicted, observed, low, high = columns
    weights = n / n.sum()
    # Of a calibrated model the distance in each bin is about normal, with the deviation that its rows give.
    by_chance = abs(np.random.default_rng(0).standard_normal((4000, len(n)))) * deviations @ weights
    bins = [Bin(int(n[k]), *(float(values[k]) for values in (predicted, observed, low, high))) for k in range(len(n))]
    error = float(weights @ abs(predicted - observed))
    return Calibration(
        of, kind, int(n.sum()), tuple(bins), round(error, 12), float(by_chance.mean()),
        float(np.quantile(by_chance, 0.95)),
    )  # fmt: skip
