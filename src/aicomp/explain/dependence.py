"""Partial dependence: what the models predict on average if a column had one value in all rows; and of single rows.

Friedman, "Greedy Function Approximation: A Gradient Boosting Machine" (Annals of Statistics 29, 2001); single rows:
Goldstein et al., "Peeking Inside the Black Box" (arXiv 1309.6392). A value that hardly occurs together with the rest of
a row is asked for all the same: where few rows lie, the curve is told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from aicomp.data.columns import Column
from aicomp.data.table import Table
from aicomp.explain.subject import Predict, Subject

N_COLUMNS = 6
_MOST_ROWS, _LEAST_ROWS = 400, 50
_MOST_LINES = 24
_MOST_LEVELS = 12
_FEW_VALUES = 12
_QUANTILES = np.linspace(0.01, 0.99, 13)
_N_EVEN = 9
_FEWEST = 5
_FEW_SHARE = 0.005
_N_BINS = 30
MISSING_LEVEL = "missing"
_DRAWN_KINDS = ("number", "code", "boolean", "datetime", "category")


@dataclass(frozen=True)
class Dependence:
    """How predictions follow a column.

    Attributes:
        column: The column.
        kind: "numbers" on a rising grid, "times" the same in seconds since 1970-01-01, or "levels".
        grid: Numbers, rising, or levels, the commonest first, of codes rising; a level "missing" where some are.
        outputs: What is predicted: a label's probability, or a target; several where there are several.
        unit: Of the curves: "probability", "value", or "deviations" (of several targets: the change from the mean in
            standard deviations of the predictions).
        mean: Mean over folds, (n_grid, n_outputs).
        folds: Curve of each fold's model on its own rows, (n_folds, n_grid, n_outputs).
        lines: Single rows, the first output, (n_lines, n_grid).
        rows: Train rows of a level; of numbers those from the grid point before to this one.
        is_few: Whether these, of numbers all within a ninth of the grid's range, are less than 0.5 % of the rows, or
            fewer than 5.
        bins: Edges of a histogram of the train rows between the ends of the grid; empty for levels.
        counts: Rows in each bin.
        missing: Of numbers that can be missing: mean prediction without them, (n_outputs,); else empty.
        n_rows: Validated rows that were asked.
    """

    column: str
    kind: Literal["numbers", "times", "levels"]
    grid: tuple[float, ...] | tuple[str, ...]
    outputs: tuple[str, ...]
    unit: Literal["probability", "value", "deviations"]
    mean: np.ndarray
    folds: np.ndarray
    lines: np.ndarray
    rows: tuple[int, ...]
    is_few: tuple[bool, ...]
    bins: np.ndarray
    counts: np.ndarray
    missing: np.ndarray
    n_rows: int

    @property
    def span(self) -> float:
        """Distance of the curve's highest and lowest point, of the output where it is largest."""
        return float(np.ptp(self.mean, axis=0).max())

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in values.items()}


@dataclass(frozen=True)
class _Grid:
    """Values that a column is set to, as its table holds them."""

    kind: Literal["numbers", "times", "levels"]
    values: np.ndarray
    labels: tuple[float, ...] | tuple[str, ...]
    rows: tuple[int, ...]
    near: tuple[int, ...] = ()
    """Of numbers: rows around the stretch from the point before to each one, a ninth of the range at least."""
    has_missing: bool = False
    """Whether numbers are missing in some rows: this is asked too, after the values."""

    @property
    def asked(self) -> np.ndarray:
        return np.append(self.values, np.nan) if self.has_missing else self.values


def partial_dependence(
    subject: Subject, names: Sequence[str], *, seconds: float | None = None, seed: int = 0
) -> list[Dependence]:
    """Curves of some columns, each by every fold's model on its own rows, 400 in all.

    Texts, images and sounds have no values that could be set, and are left out.

    Args:
        subject: The models and their rows.
        names: The columns.
        seconds: About how long it may take: then there are fewer rows, down to 50.
        seed: Of rows that are drawn.
    """
    kinds = {column.name: column for column in subject.columns}
    chosen = [kinds[name] for name in names if kinds[name].kind in _DRAWN_KINDS]
    grids = {column.name: _grid(column, subject) for column in chosen}
    n_rows = _MOST_ROWS
    if seconds is not None and grids:
        per_row = subject.seconds_per_row() * sum(len(grid.asked) for grid in grids.values())
        n_rows = int(np.clip(seconds / max(per_row, 1e-12), _LEAST_ROWS, _MOST_ROWS))
    sample = subject.sampled(n_rows, seed)
    curves: dict[str, list[np.ndarray]] = {name: [] for name in grids}
    for _, predict, rows in sample.predictors():
        table = sample.table.take(rows)
        for name, grid in grids.items():
            curves[name].append(_asked(predict, table, name, grid.asked))
    return [_joined(sample, subject.table, name, grids[name], curves[name]) for name in grids]


def _asked(predict: Predict, table: Table, name: str, values: np.ndarray) -> np.ndarray:
    """Predictions of all rows at each value, (n_values, n_rows, n_outputs)."""
    n, n_values = table.n_rows, len(values)
    repeated = table.take(np.tile(np.arange(n), n_values))
    found = predict(repeated.with_values({name: np.repeat(values, n).astype(table.values(name).dtype)}))
    return found.reshape(n_values, n, -1)


def _grid(column: Column, subject: Subject) -> _Grid:
    name, table = column.name, subject.table
    if column.kind == "category":
        levels, counts = np.unique(table.codes[name], return_counts=True)
        common = np.argsort(-counts, kind="stable")[:_MOST_LEVELS]
        labels = tuple(MISSING_LEVEL if c < 0 else table.levels[name][c] for c in levels[common])
        return _Grid("levels", levels[common], labels, tuple(map(int, counts[common])))
    values = table.numbers[name]
    known = values[~np.isnan(values)]
    if column.kind in ("code", "boolean"):
        levels, counts = np.unique(known, return_counts=True)
        common = np.sort(np.argsort(-counts, kind="stable")[:_MOST_LEVELS])
        words = {0.0: "no", 1.0: "yes"} if column.kind == "boolean" else {}
        labels = tuple(words.get(value, f"{value:g}") for value in levels[common])
        chosen, rows = levels[common], tuple(map(int, counts[common]))
        if len(known) < len(values):
            chosen, labels = np.append(chosen, np.nan), (*labels, MISSING_LEVEL)
            rows = (*rows, len(values) - len(known))
        return _Grid("levels", chosen, labels, rows)
    points = _points(known)
    # Rows of an interval belong to its right end; those up to the first point to that one.
    at = np.searchsorted(points, known)
    rows = tuple(map(int, np.bincount(at, minlength=len(points))[: len(points)]))
    kind: Literal["times", "numbers"] = "times" if column.kind == "datetime" else "numbers"
    return _Grid(kind, points, tuple(map(float, points)), rows, _near(known, points), len(known) < len(values))


def _near(known: np.ndarray, points: np.ndarray) -> tuple[int, ...]:
    """Rows around the stretch before each point: a short one between close points is not without rows for that."""
    before = np.append(points[:1], points[:-1])
    half = np.maximum((points - before) / 2, np.ptp(points) / (2 * _N_EVEN))
    middle, ordered = (points + before) / 2, np.sort(known)
    counts = np.searchsorted(ordered, middle + half, side="right") - np.searchsorted(ordered, middle - half)
    return tuple(map(int, counts))


def _points(known: np.ndarray) -> np.ndarray:
    """Quantiles, and even steps between the outer ones: where rows are rare there are points too."""
    values = np.unique(known)
    if len(values) <= _FEW_VALUES:
        return values
    quantiles = np.unique(np.quantile(known, _QUANTILES, method="nearest"))
    return np.union1d(quantiles, np.linspace(quantiles[0], quantiles[-1], _N_EVEN))


def _joined(subject: Subject, table: Table, name: str, grid: _Grid, curves: list[np.ndarray]) -> Dependence:
    """What the folds' predictions, (n_grid, n_rows, n_outputs) each, say together."""
    outputs = output_names(subject)
    unit: Literal["probability", "value", "deviations"] = "value"
    if subject.task.is_classification:
        unit = "probability"
    elif len(outputs) > 1:
        unit, curves = "deviations", _in_deviations(curves)
    missing = np.empty(0)
    if grid.has_missing:
        missing = np.mean([curve[-1].mean(axis=0) for curve in curves], axis=0)
        curves = [curve[:-1] for curve in curves]
    few = max(_FEWEST, _FEW_SHARE * table.n_rows)
    lines = np.concatenate([curve[:, :, 0].T for curve in curves])
    picked = np.linspace(0, len(lines) - 1, min(_MOST_LINES, len(lines))).round().astype(np.int64)
    order = np.argsort(lines.mean(axis=1), kind="stable")
    values = table.numbers.get(name, np.empty(0))
    bins, counts = np.empty(0), np.empty(0, dtype=np.int64)
    if grid.kind != "levels":
        ends = float(grid.values[0]), float(grid.values[-1])
        counts, bins = np.histogram(values[(values >= ends[0]) & (values <= ends[1])], _N_BINS, ends)
    folds = np.stack([curve.mean(axis=1) for curve in curves])
    return Dependence(
        column=name,
        kind=grid.kind,
        grid=grid.labels,
        outputs=outputs,
        unit=unit,
        mean=folds.mean(axis=0),
        folds=folds,
        lines=lines[order[picked]],
        rows=grid.rows,
        is_few=tuple(n < few for n in grid.near or grid.rows),
        bins=bins,
        counts=counts,
        missing=missing,
        n_rows=len(lines),
    )


def _in_deviations(curves: list[np.ndarray]) -> list[np.ndarray]:
    every = np.concatenate([curve.reshape(-1, curve.shape[2]) for curve in curves])
    scale = np.where(every.std(axis=0) > 0, every.std(axis=0), 1.0)
    return [(curve - every.mean(axis=0)) / scale for curve in curves]


def output_names(subject: Subject) -> tuple[str, ...]:
    """What the columns of predictions are."""
    competition = subject.competition
    if competition.problem_type == "binary":
        return (competition.labels[1],)
    return tuple(competition.labels or competition.target)
