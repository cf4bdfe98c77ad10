"""What a fold of a model costs: a rough guess by the size of the data, then what was measured here."""

import math
from dataclasses import dataclass, field
from statistics import median

_PER_MILLION_CELLS = {
    # Seconds of one core for a whole fold, per million of training rows times columns, epochs or rounds included.
    "lightgbm": 6.0,
    "xgboost": 9.0,
    "catboost": 40.0,
    "extra-trees": 8.0,
    "ridge": 1.5,
    "linear": 4.0,
    "forecast-net": 70.0,
    "forecast-trees": 100.0,
    "ets": 200.0,
    "theta": 2.0,
    "seasonal-growth": 2.0,
    "forecast-mean": 70.0,
    "seasonal-mean": 2.0,
    "drift": 1.0,
}
_PER_EPOCH = {
    # Seconds of one core for an epoch of 10,000 rows, and as much again for each 20 columns.
    "tabm": 0.9,
    "mlp": 0.15,
    "realmlp": 0.25,
    "modern-nca": 1.5,
    "ft-transformer": 4.0,
    "linear": 0.05,
    "text-bag": 8.0,
}
_PER_POINT = {
    # Seconds of one core for an epoch of 10,000 rows, for each pixel of a row's images or point of its sounds.
    "image-resnet": 0.006,
    "audio-resnet": 0.006,
}
_BOOSTED = frozenset({"lightgbm", "xgboost", "catboost"})
_OF_ANOTHER_MODEL = 1.0
_SMALLEST_SHARE = 0.2
"""Of a network's epochs and of a boosted model's rounds: with fewer it is not worth a try."""


@dataclass
class Costs:
    """Seconds of one core for a fold.

    Attributes:
        n_rows: Training rows of a fold.
        n_columns: Columns.
        n_classes: Classes of multiclass, else 1.
        n_points: Pixels of a row's images, or points of its sounds, all channels together.
        measured: What folds took, by member name.
        by_model: What folds took, by model.
        estimated: What a fold of a model would take by its first rounds, until one is measured.
    """

    n_rows: int
    n_columns: int
    n_classes: int = 1
    n_points: int = 0
    measured: dict[str, list[float]] = field(default_factory=dict)
    by_model: dict[str, list[float]] = field(default_factory=dict)
    estimated: dict[str, float] = field(default_factory=dict)

    def estimate(self, model: str, seconds: float) -> None:
        """Take note of what a fold would take that was given up; what was measured before holds no more."""
        self.by_model.pop(model, None)
        self.estimated[model] = seconds

    def add(self, model: str, name: str, seconds: float) -> None:
        """Take note of what a fold took."""
        self.measured.setdefault(name, []).append(seconds)
        self.by_model.setdefault(model, []).append(seconds)

    def knows(self, model: str) -> bool:
        """Whether a fold of this model was begun."""
        return model in self.by_model or model in self.estimated

    def expected(self, model: str, name: str = "") -> float:
        """Seconds of one core that a fold will take, in full length."""
        if name in self.measured:
            return median(self.measured[name])
        if model in self.by_model:
            return 1.25 * max(self.by_model[model])
        if model in self.estimated:
            return 1.25 * self.estimated[model]
        return self._guess(model) * self._speed

    def rows_within(self, model: str, seconds: float) -> int:
        """Training rows of a fold that a model would learn within some time, reading apart; at most all of them."""
        slower = self.expected(model) / self._guess(model)
        n_rows = self.n_rows
        while n_rows > 1 and slower * self._training(model, n_rows) > seconds:
            n_rows = int(0.9 * n_rows)
        return n_rows

    def least(self, model: str, name: str = "") -> float:
        """Seconds of the shortest fold that is worth a try."""
        whole = self.expected(model, name)
        can_be_short = model in _PER_EPOCH or model in _PER_POINT or model in _BOOSTED
        return whole * _SMALLEST_SHARE if can_be_short else whole

    @property
    def _speed(self) -> float:
        """How much slower than guessed this machine and this data are."""
        ratios = [median(seconds) / self._guess(model) for model, seconds in self.by_model.items()]
        return min(max(median(ratios), 0.2), 10.0) if ratios else 1.0

    def _guess(self, model: str) -> float:
        return 0.3 + self.n_rows * self.n_columns * 2e-6 + self._training(model, self.n_rows)

    def _training(self, model: str, n_rows: int) -> float:
        epochs = min(70.0, max(8.0, 28 * math.sqrt(10_000 / max(n_rows, 1))))
        if model in _PER_POINT:
            return epochs * _PER_POINT[model] * max(self.n_points, 1) * n_rows / 10_000
        if model in _PER_EPOCH:
            return epochs * _PER_EPOCH[model] * n_rows / 10_000 * (1 + self.n_columns / 20) / 2
        cells = n_rows * self.n_columns / 1e6
        classes = self.n_classes if model in _BOOSTED else 1
        return _PER_MILLION_CELLS.get(model, 10.0 * _OF_ANOTHER_MODEL) * max(cells, 0.02) * classes
