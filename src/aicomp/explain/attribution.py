"""What each column adds to the predictions of single rows, and what that is like over many rows."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from aicomp.data.table import Table
from aicomp.explain.choice import Choice
from aicomp.explain.shapley import Scalar, Shares, shapley
from aicomp.explain.subject import Predict, Subject
from aicomp.explain.wording import explained_output, log_odds, value_in_words

Method = Literal["shapley", "gradients"]

_MOST_OTHERS = 300
_ORDERS = (8, 64)
"""Fewest and most orders for a row that is shown."""

_SUMMARY_ORDERS = 8
_SUMMARY_ROWS = 200
_FEWEST_SUMMARY_ROWS = 40


@dataclass(frozen=True)
class Part:
    """What a column adds to a prediction.

    Attributes:
        column: The column, or two of which the model makes numbers together.
        value: What the row has there, in words.
        attribution: In the unit of what is explained.
        error: Its standard error, by what was drawn.
    """

    column: str
    value: str
    attribution: float
    error: float


@dataclass(frozen=True)
class RowParts:
    """What moved the prediction of one row away from the mean.

    Attributes:
        row: Its number in train, from 0.
        fold: The fold that validated it, and whose model is asked.
        of: What is explained, such as "log-odds of “yes”".
        base: Mean over the rows of the fold that the row is compared with.
        prediction: Of the row.
        parts: The greatest first; they add up to the prediction less the base, but for `gap`.
    """

    row: int
    fold: int
    of: str
    base: float
    prediction: float
    parts: tuple[Part, ...]

    @property
    def gap(self) -> float:
        """What is missing in the sum: rounding alone for Shapley values, the error of 96 steps for gradients.

        >>> round(RowParts(0, 0, "y", 1.0, 3.5, (Part("a", "1", 2.0, 0), Part("b", "2", 0.25, 0))).gap, 6)
        0.25
        """
        return self.prediction - self.base - sum(part.attribution for part in self.parts)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {**asdict(self), "gap": self.gap}


@dataclass(frozen=True)
class ColumnSpread:
    """What a column adds, row by row.

    Attributes:
        column: The column.
        size: Mean of the absolute attributions.
        attributions: Of each row, (n_rows,).
        places: Where the row's value lies among the others, from 0 (least) to 1; NaN where it has no order.
    """

    column: str
    size: float
    attributions: np.ndarray
    places: np.ndarray


@dataclass(frozen=True)
class Spread:
    """Attributions of many validated rows.

    Attributes:
        of: What is explained.
        method: "shapley" or "gradients".
        columns: The one that adds most first.
        n_rows: Rows.
        n_orders: Orders that were drawn for each; 0 for gradients.
        gap: Largest part of a row's prediction that the sum lacks, over the standard deviation of the predictions.
    """

    of: str
    method: Method
    columns: tuple[ColumnSpread, ...]
    n_rows: int
    n_orders: int
    gap: float

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON; of single rows the mean and the ends."""
        columns = [
            {
                "column": c.column,
                "size": c.size,
                "least": float(c.attributions.min()),
                "greatest": float(c.attributions.max()),
            }
            for c in self.columns
        ]
        return {
            **{name: getattr(self, name) for name in ("of", "method", "n_rows", "n_orders", "gap")},
            "columns": columns,
        }


class Attributor:
    """Asks the models of a run what each column adds.

    Args:
        subject: The models and their rows.
        method: "shapley" for any model, "gradients" for a network that takes columns alone.
        seconds: About how long rows that are shown, and the summary, may take together.
        seed: Of what is drawn.
    """

    def __init__(self, subject: Subject, method: Method = "shapley", *, seconds: float | None = None, seed: int = 0):
        self._subject, self._method, self._seed = subject, method, seed
        self._affordable, self._seconds = np.inf, seconds
        if seconds is not None and method == "shapley":
            per_row = subject.seconds_per_row() * (len(subject.names) + 1)
            self._affordable = seconds / max(per_row, 1e-12)

    def rows(self, choices: Sequence[Choice]) -> dict[int, RowParts]:
        """Parts of chosen rows, by their numbers."""
        n_orders = int(np.clip(self._affordable / 2 / max(1, len(choices)), *_ORDERS)) // 2 * 2
        found: dict[int, RowParts] = {}
        for k in sorted({choice.fold for choice in choices}):
            for choice in (c for c in choices if c.fold == k):
                output, of = explained_output(self._subject.competition, choice.prediction)
                names, shares = self._shares(k, np.array([choice.row]), output, n_orders)
                found[choice.row] = self._row(choice, of, names, shares)
        return found

    def spread(self) -> Spread:
        """Attributions of up to 200 validated rows."""
        output, of = self._common_output()
        rows_in_time = self._affordable / 2 / _SUMMARY_ORDERS
        if self._method == "gradients" and self._seconds is not None:
            started = time.perf_counter()
            self._shares(0, self._subject.folds[0][:2], output, 0)
            rows_in_time = self._seconds / (time.perf_counter() - started)  # half of it for two rows
        n_rows = int(np.clip(rows_in_time, _FEWEST_SUMMARY_ROWS, _SUMMARY_ROWS))
        subject = self._subject.sampled(n_rows, self._seed)
        parts = [(rows, *self._shares(k, rows, output, _SUMMARY_ORDERS)) for k, rows in enumerate(subject.folds)]
        # Gradients name pairs of columns that only some folds have found.
        names = list(dict.fromkeys(name for _, found, _ in parts for name in found))
        values = np.concatenate([_in_order(shares.values, found, names) for _, found, shares in parts])
        predictions, base = (np.concatenate([getattr(s, a) for *_, s in parts]) for a in ("predictions", "base"))
        gaps = np.abs(predictions - base - values.sum(axis=1))
        rows = np.concatenate([rows for rows, *_ in parts])
        columns = [
            ColumnSpread(name, float(np.abs(added).mean()), added, self._places(name, rows))
            for name, added in zip(names, values.T, strict=True)
        ]
        return Spread(
            of=of,
            method=self._method,
            columns=tuple(sorted(columns, key=lambda column: -column.size)),
            n_rows=len(rows),
            n_orders=_SUMMARY_ORDERS if self._method == "shapley" else 0,
            gap=float(gaps.max() / max(float(predictions.std()), 1e-12)),
        )

    def _shares(self, k: int, rows: np.ndarray, output: int | None, n_orders: int) -> tuple[list[str], Shares]:
        subject = self._subject
        others = _some(subject.folds[k], _MOST_OTHERS, self._seed)
        if self._method == "gradients":
            return self._gradients(k, rows, others, output)
        predict = scalar(subject, subject.model(k), output)
        table, names = subject.table, subject.names
        seed = self._seed + int(rows[0])
        return names, shapley(predict, table.take(rows), table.take(others), names, n_orders=n_orders, seed=seed)

    def _gradients(self, k: int, rows: np.ndarray, others: np.ndarray, output: int | None) -> tuple[list[str], Shares]:
        from aicomp.explain.gradients import columns_of, expected_gradients
        from aicomp.explain.network_output import network_output

        assert self._subject.fold_model is not None
        model = self._subject.fold_model(k)
        network, explained = network_output(model, self._subject.task, output)
        assert model.device is not None
        encoded, compared = (model.encode(self._subject.table, some) for some in (rows, others))
        names, columns = columns_of(model.encoder)
        return names, expected_gradients(
            network, explained, encoded, compared, model.device, columns=columns, seed=self._seed
        )

    def _row(self, choice: Choice, of: str, names: Sequence[str], shares: Shares) -> RowParts:
        parts = [
            Part(name, self._words(name, choice.row), float(value), float(error))
            for name, value, error in zip(names, shares.values[0], shares.errors[0], strict=True)
        ]
        parts.sort(key=lambda part: -abs(part.attribution))
        return RowParts(choice.row, choice.fold, of, float(shares.base[0]), float(shares.predictions[0]), tuple(parts))

    def _words(self, name: str, row: int) -> str:
        columns = {column.name: column for column in self._subject.columns}
        known = [name] if name in columns else name.split(", ")
        return ", ".join(value_in_words(self._subject.table, columns[n], row) for n in known if n in columns)

    def _places(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Ranks of numbers from 0 to 1, the same for equal ones."""
        from scipy.stats import rankdata

        table: Table = self._subject.table
        if name not in table.numbers:
            return np.full(len(rows), np.nan)
        values = table.numbers[name][rows]
        known = ~np.isnan(values)
        places = np.full(len(rows), np.nan)
        ranks = rankdata(values[known])
        if known.any():
            places[known] = (ranks - ranks.min()) / max(np.ptp(ranks), 1)
        return places

    def _common_output(self) -> tuple[int | None, str]:
        """One output for all rows: of several the one that is predicted most."""
        _, predict, rows = next(self._subject.predictors())
        mean = predict(self._subject.table.take(_some(rows, _MOST_OTHERS, self._seed))).mean(axis=0)
        return explained_output(self._subject.competition, np.asarray(mean))


def scalar(subject: Subject, predict: Predict, output: int | None) -> Scalar:
    """Predictions as one number for each row: log-odds of a label, or values."""

    def one(table: Table) -> np.ndarray:
        values = predict(table)
        values = values if output is None else values[:, output]
        return log_odds(values) if subject.task.is_classification else values

    return one


def _some(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    if len(rows) <= most:
        return rows
    return np.asarray(np.sort(np.random.default_rng(seed).choice(rows, most, replace=False)))


def _in_order(values: np.ndarray, found: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """Columns of values by their names; 0 for those that are absent."""
    ordered = np.zeros((len(values), len(names)))
    ordered[:, [names.index(name) for name in found]] = values
    return ordered
