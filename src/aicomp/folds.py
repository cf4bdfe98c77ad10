"""The noun Fold: rows to train on and rows to validate on, checked, with notes on what they lack."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aicomp.errors import UsageError
from aicomp.metrics.base import ProblemType

Rows = np.ndarray
_MAX_NOTES = 5


@dataclass(frozen=True)
class Fold:
    """One fold.

    Attributes:
        train: Rows to train on, int64 (n_train_rows,).
        valid: Rows to validate on, int64 (n_valid_rows,); none of them is in `train`.
    """

    train: Rows
    valid: Rows


@dataclass(frozen=True)
class Folds:
    """The folds of a run.

    Attributes:
        folds: In the order in which the splitter yields them.
        notes: What is worth knowing about them, a sentence each.
    """

    folds: list[Fold]
    notes: list[str]


def draw_rows(rows: Rows, most: int | str, seed: int) -> Rows:
    """Some of a fold's training rows, in their order, or all of them.

    Args:
        rows: The training rows.
        most: How many at most, "auto" for all: the config's `split.train_rows`.
        seed: Seed of the draw.

    >>> draw_rows(np.arange(5), "auto", 0)
    array([0, 1, 2, 3, 4])
    >>> len(draw_rows(np.arange(5), 3, 0))
    3
    """
    if isinstance(most, str) or len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def check_fold(splitter: str, k: int, pair: Any, n_rows: int) -> Fold:
    """Turn what a splitter yields into a Fold.

    Args:
        splitter: Its name, for messages.
        k: Number of the fold, for messages.
        pair: What it yields: two sequences of row numbers.
        n_rows: Rows of train.

    Raises:
        UsageError: It is no pair, a part is empty or holds what is no row, or a row is in it twice.
    """
    place = f"splitter `{splitter}`: fold {k}"
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise UsageError(
            f"{place} is a {type(pair).__name__}, not a pair (train rows, validation rows)",
            "yield two arrays of row numbers",
        )
    train = _check_rows(f"{place}, training part:", pair[0], n_rows)
    valid = _check_rows(f"{place}, validation part:", pair[1], n_rows)
    both = np.intersect1d(train, valid)
    if len(both):
        raise UsageError(f"{place}: row {both[0]} is in both parts", "train on no row that is validated")
    return Fold(train, valid)


def _check_rows(place: str, rows: Any, n_rows: int) -> Rows:
    array = np.asarray(rows)
    if not array.size:
        raise UsageError(f"{place} no rows", "leave that fold out, or give it a row")
    if array.ndim != 1 or array.dtype.kind not in "iu":
        hint = "turn a mask into rows by `np.flatnonzero(mask)`" if array.dtype == bool else "yield integers, (n_rows,)"
        raise UsageError(f"{place} {array.dtype} of shape {array.shape}, not row numbers", hint)
    outside = array[(array < 0) | (array >= n_rows)]
    if len(outside):
        raise UsageError(f"{place} no row {outside[0]}", f"the rows of train are 0 to {n_rows - 1}")
    levels, counts = np.unique(array, return_counts=True)
    if counts.max() > 1:
        raise UsageError(f"{place} row {levels[counts > 1][0]} more than once", "name each row once")
    return array.astype(np.int64)


def describe_folds(
    folds: list[Fold],
    *,
    y: np.ndarray,
    problem_type: ProblemType,
    groups: np.ndarray | None,
    labels: Sequence[str] = (),
) -> list[str]:
    """Notes on what folds lack: classes, rows, and groups kept together.

    Args:
        folds: At least one.
        y: Targets, class codes (n,), values (n,), or (n, n_targets).
        problem_type: See `Competition.problem_type`.
        groups: Code of the group of each row, -1 where it has none, int64 (n,).
        labels: Names of the classes by code, or of the columns of a multilabel target.
    """
    return [*_class_notes(folds, y, problem_type, labels), *_row_notes(folds, groups, len(y))]


def _class_notes(folds: list[Fold], y: np.ndarray, problem_type: ProblemType, labels: Sequence[str]) -> list[str]:
    if problem_type not in ("binary", "multiclass", "multilabel"):
        return []
    singular, plural = ("label", "labels") if problem_type == "multilabel" else ("class", "classes")
    total = _counts(y, y)
    absent_train = np.stack([_counts(y, y[f.train]) == 0 for f in folds])
    absent_valid = np.stack([_counts(y, y[f.valid]) == 0 for f in folds])

    def shown(c: int) -> str:
        rows = "row" if total[c] == 1 else "rows"
        return f"{singular} `{labels[c] if c < len(labels) else c}` ({total[c]} {rows})"

    notes: list[list[str]] = [[], []]
    for c in map(int, np.flatnonzero(total)):
        n_valid = int(absent_valid[:, c].sum())
        if n_valid:
            notes[0].append(f"{shown(c)} is not validated in {n_valid} of the {len(folds)} folds")
        untrained = np.flatnonzero(absent_train[:, c])
        if len(untrained):
            which = f"fold{'s' if len(untrained) > 1 else ''} {', '.join(map(str, untrained))}"
            notes[1].append(f"{shown(c)} is not in the training part of {which}")
    return [
        *_first(notes[0], f"{plural} are not validated in every fold"),
        *_first(notes[1], f"{plural} are not in the training part of every fold"),
    ]


def _counts(y: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Rows of each class, or with each label, in a part of y; int64 (n_classes,)."""
    if y.ndim == 2:
        return np.asarray((part != 0).sum(axis=0))
    return np.bincount(part, minlength=int(y.max()) + 1)


def _first(notes: list[str], rest: str) -> Iterator[str]:
    yield from notes[:_MAX_NOTES]
    if len(notes) > _MAX_NOTES:
        yield f"{len(notes) - _MAX_NOTES} more {rest}"


def _row_notes(folds: list[Fold], groups: np.ndarray | None, n_rows: int) -> Iterator[str]:
    n_validated = len(np.unique(np.concatenate([f.valid for f in folds])))
    if n_validated < n_rows:
        yield f"{n_rows - n_validated} of {n_rows} rows are in no validation part"
    if groups is None:
        return
    shared = [np.intersect1d(groups[f.train], groups[f.valid]) for f in folds]
    n_shared = len(np.setdiff1d(np.concatenate(shared), [-1]))
    if n_shared:
        n_groups = len(np.setdiff1d(groups, [-1]))
        yield f"{n_shared} of {n_groups} groups have rows on both sides of a fold"
