"""Permutation importance: how much worse a run's score gets if a column's values are shuffled among validated rows.

Breiman, "Random Forests" (Machine Learning 45, 2001); for any model: Fisher, Rudin, Dominici, "All Models are Wrong,
but Many are Useful" (JMLR 20, 2019). Each fold's own model is asked on the rows that it did not train on. Columns that
are near copies of each other hide each other: shuffling one leaves the others to the model. They are shuffled together
as well, with the same order.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from aicomp.explain.association import associations, near_copies
from aicomp.explain.subject import Predict, Subject, shuffled

N_SHUFFLES = 10
_FIRST_SHUFFLES = 2
_LEAST_ROWS = 200
_ROWS_AT_ONCE = 20_000
_LEVEL = 0.95


@dataclass(frozen=True)
class Importance:
    """What the score loses without a column.

    Attributes:
        columns: One column, or some that are near copies of each other and are shuffled together.
        mean: How much worse the score gets, in the metric's unit; below 0 where it gets better.
        low: Lower end of its 95 % interval, see `Importances.interval`.
        high: Upper end.
        folds: The mean of each fold.
    """

    columns: tuple[str, ...]
    mean: float
    low: float
    high: float
    folds: tuple[float, ...]

    @property
    def name(self) -> str:
        """The columns in words."""
        return ", ".join(self.columns)

    @property
    def is_noise(self) -> bool:
        """Whether 0 lies within the interval."""
        return self.low <= 0 <= self.high


@dataclass(frozen=True)
class Importances:
    """Importance of each column, the greatest first.

    Attributes:
        metric: Name of the metric.
        greater_is_better: Its direction.
        score: Of the rows as they are, mean over folds.
        columns: An entry for each column.
        groups: An entry for each group of near copies, shuffled together.
        interval: What the intervals are made of: "folds" (Student's t over the folds' means: other rows and models
            trained on other rows) or, where there is one fold, "shuffles" (over its shuffles alone, which says nothing
            about other rows).
        n_rows: Validated rows that were shuffled.
        n_validated: All validated rows.
        n_shuffles: Shuffles of each column in each fold.
    """

    metric: str
    greater_is_better: bool
    score: float
    columns: tuple[Importance, ...]
    groups: tuple[Importance, ...]
    interval: Literal["folds", "shuffles"]
    n_rows: int
    n_validated: int
    n_shuffles: int

    @property
    def ranked(self) -> list[Importance]:
        """Columns and groups, the greatest first; a group stands for its columns."""
        grouped = {name for group in self.groups for name in group.columns}
        alone = [entry for entry in self.columns if entry.columns[0] not in grouped]
        return sorted([*alone, *self.groups], key=lambda entry: -entry.mean)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def permutation_importance(
    subject: Subject, *, n_shuffles: int = N_SHUFFLES, seconds: float | None = None, seed: int = 0
) -> Importances:
    """Shuffle each column of the validated rows, and each group of near copies, and score what the models predict.

    Args:
        subject: The models and their rows.
        n_shuffles: Shuffles of each column in each fold.
        seconds: About how long it may take: then there are fewer shuffles, down to two, and fewer rows, down to 200.
        seed: Of shuffles and of rows that are drawn.

    Raises:
        DataError: The metric is not defined for the rows of a fold.
    """
    names = subject.names
    rows = np.unique(np.concatenate(subject.folds))
    copies = near_copies(associations(subject.table.take(rows), names, seed))
    entries = [(name,) for name in names] + [tuple(names[i] for i in group) for group in copies]
    whole, started = subject, time.perf_counter()
    if seconds is not None:
        per_row = subject.seconds_per_row() * len(entries) * min(n_shuffles, _FIRST_SHUFFLES)
        subject = subject.sampled(max(_LEAST_ROWS, int(seconds / max(per_row, 1e-12))), seed)
    folds = [_Fold(subject, rows, np.random.default_rng([seed, k])) for k, rows in enumerate(subject.folds)]
    losses = np.empty((len(entries), len(folds), 0))
    while losses.shape[2] < n_shuffles:
        more = min(n_shuffles - losses.shape[2], 2 * losses.shape[2] or _FIRST_SHUFFLES)
        used = time.perf_counter() - started
        if seconds is not None and losses.shape[2] and used * (1 + more / losses.shape[2]) > seconds:
            break
        found = [[fold.losses(subject.model(k), entry, more) for entry in entries] for k, fold in enumerate(folds)]
        losses = np.concatenate([losses, np.swapaxes(found, 0, 1)], axis=2)
    summed = [_summed(entry, losses[i]) for i, entry in enumerate(entries)]
    return Importances(
        metric=subject.task.metric.name,
        greater_is_better=subject.task.metric.greater_is_better,
        score=float(np.mean([fold.score for fold in folds])),
        columns=_ranked(summed[: len(names)]),
        groups=_ranked(summed[len(names) :]),
        interval="folds" if len(subject.folds) > 1 else "shuffles",
        n_rows=subject.n_validated,
        n_validated=whole.n_validated,
        n_shuffles=losses.shape[2],
    )


class _Fold:
    """The rows that a fold validated.

    Args:
        subject: What is explained.
        rows: Numbers of its rows.
        random: Of the shuffles.

    Attributes:
        score: Of the rows as they are, once `losses` was called.
    """

    def __init__(self, subject: Subject, rows: np.ndarray, random: np.random.Generator) -> None:
        self._task, self._step, self._random = subject.task, subject.step, random
        self._table, self._y = subject.table.take(rows), subject.y[rows]
        self.score = np.nan

    def losses(self, predict: Predict, columns: Sequence[str], n_shuffles: int) -> np.ndarray:
        """How much worse the score gets with each shuffle, (n_shuffles,).

        Args:
            predict: The fold's model.
            columns: What is shuffled, in the same order.
            n_shuffles: How often.
        """
        if np.isnan(self.score):
            self.score = self._score(predict(self._table))
        n = self._table.n_rows
        at_once = max(1, _ROWS_AT_ONCE // n)
        found: list[float] = []
        while len(found) < n_shuffles:
            some = min(at_once, n_shuffles - len(found))
            repeated = self._table.take(np.tile(np.arange(n), some))
            order = np.concatenate([self._random.permutation(n) for _ in range(some)])
            predictions = predict(shuffled(repeated, dict.fromkeys(columns, order)))
            found += [self._score(part) for part in np.split(predictions, some)]
        sign = 1 if self._task.metric.greater_is_better else -1
        return np.asarray(sign * (self.score - np.array(found)))

    def _score(self, predictions: np.ndarray) -> float:
        return self._task.score(self._y, predictions, self._step)


def _summed(columns: tuple[str, ...], losses: np.ndarray) -> Importance:
    """One entry of the losses of each fold and shuffle, (n_folds, n_shuffles)."""
    folds = losses.mean(axis=1)
    low, high = interval(folds if len(folds) > 1 else losses[0])
    return Importance(columns, float(folds.mean()), low, high, tuple(map(float, folds)))


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of some values by Student's t; (-inf, inf) for one value.

    >>> low, high = interval(np.array([1.0, 2.0, 3.0]))  # 2 ± 4.303 / sqrt(3)
    >>> round(low, 3), round(high, 3)
    (-0.484, 4.484)
    """
    from scipy.stats import t

    n = len(values)
    if n < 2:
        return -np.inf, np.inf
    half = float(t.ppf((1 + _LEVEL) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return float(values.mean()) - half, float(values.mean()) + half


def _ranked(entries: list[Importance]) -> tuple[Importance, ...]:
    return tuple(sorted(entries, key=lambda entry: -entry.mean))
