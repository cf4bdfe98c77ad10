"""Rows that have a twin: among the training rows of their fold, or among train for test; and with which targets."""

from dataclasses import dataclass

import numpy as np

from aicomp.validation.finding import MOST_ROWS, Finding, Severity, counted
from aicomp.validation.subject import Subject

_FEW, _MANY = 0.005, 0.05
"""Shares of rows below which twins are not worth a word, and from which on they are worth a change."""
_NATURAL = 0.3
"""Share of the twins that shuffled columns have too, from which on twins come of columns with few values."""


@dataclass(frozen=True)
class Twins:
    """Which rows are twins.

    Attributes:
        what: For people, such as "rows with the same values".
        name: Of the findings, such as "same-rows".
        train: Number of the set of twins of each train row, int64; rows of one set are twins.
        test: The same of test.
        train_rows: The rows of train that are meant, where they are a sample; else all.
        by_chance: Share of validation rows that have a twin if the columns are shuffled independently.
        copies: Whether twins are copies of one thing, and not values that lie close together.
    """

    what: str
    name: str
    train: np.ndarray
    test: np.ndarray
    train_rows: np.ndarray
    by_chance: float = 0.0
    copies: bool = True


def twin_finding(subject: Subject, twins: Twins) -> Finding:
    """Compare validation rows with a twin among training rows with test rows with a twin in train."""
    valid, n_valid = _share_of_folds(subject, twins)
    known = np.unique(twins.train)
    of_test = float(np.isin(twins.test, known).mean()) if len(twins.test) else 0.0
    sizes = np.unique(twins.train, return_inverse=True, return_counts=True)
    doubled = sizes[2][sizes[1]] > 1
    n_conflicts, conflicting = _conflicts(subject, twins, sizes[1], doubled)
    numbers = {
        "validation_share": valid,
        "test_share": of_test,
        "train_rows_with_twin": float(doubled.sum()),
        "conflicting_rows": float(n_conflicts),
        "by_chance": twins.by_chance,
    }
    evidence = (
        f"{valid:.1%} of the validation rows have a twin among the training rows of their fold, {of_test:.1%} of the "
        f"test rows one in train; {counted(int(doubled.sum()), 'row')} of train have a twin there."
    )
    if subject.task.is_classification and n_conflicts:
        evidence += f" {counted(n_conflicts, 'of these rows has', 'of these rows have')} a twin with another label."
    if twins.by_chance >= _NATURAL * valid > 0:
        evidence += f" With columns shuffled independently, {twins.by_chance:.1%} would: there are few distinct values."
    pooled = (valid * n_valid + of_test * len(twins.test)) / max(1, n_valid + len(twins.test))
    error = np.sqrt(max(pooled * (1 - pooled), 1e-4) * (1 / max(1, n_valid) + 1 / max(1, len(twins.test))))
    severity, title, advice = _verdict(twins, valid, of_test, 3 * float(error), subject)
    worst = conflicting if len(conflicting) else np.flatnonzero(doubled)
    rows = subject.row_names(twins.train_rows[worst[:MOST_ROWS]]) if severity != "ok" else ()
    return Finding(twins.name, severity, title, evidence, advice, numbers, rows=rows)


def _verdict(twins: Twins, valid: float, of_test: float, noise: float, subject: Subject) -> tuple[Severity, str, str]:
    what = twins.what
    apart = (
        f"Give {what} one value in a column of train and keep them together, by `--set split.group=COLUMN`; or remove "
        "all but one from train."
    )
    if max(valid, of_test) < _FEW:
        return "ok", f"Hardly any {what}", ""
    if twins.by_chance >= _NATURAL * valid and valid <= of_test + noise:
        return "low", f"{what[:1].upper()}{what[1:]}, as few values make them", ""
    if valid > max(2 * of_test, of_test + noise, _MANY):
        title = f"{what[:1].upper()}{what[1:]} across folds make validation easier than the test"
        return "high", title, apart
    if of_test > max(2 * valid, valid + noise, _MANY) and not subject.is_series:
        title = f"Test has {what} as train"
        return (
            "medium",
            title,
            "Targets of test rows may be looked up in train; folds that mirror it are of rows at random.",
        )
    title = f"{what[:1].upper()}{what[1:]}, in train and test alike"
    alike = (
        "The score tells what test will give, as long as test has such rows too. To see how new rows are predicted: "
        f"{apart[:1].lower()}{apart[1:]}"
    )
    return ("medium", title, alike) if valid >= _MANY and twins.copies else ("low", title, "")


def _share_of_folds(subject: Subject, twins: Twins) -> tuple[float, int]:
    """Share of validated rows with a twin among the training rows of their fold, and how many rows that are."""
    place = np.full(subject.n_train, -1)
    place[twins.train_rows] = np.arange(len(twins.train_rows))
    n, n_with = 0, 0
    for fold in subject.folds:
        train, valid = (twins.train[place[rows][place[rows] >= 0]] for rows in (fold.train, fold.valid))
        n += len(valid)
        n_with += int(np.isin(valid, train).sum())
    return (n_with / n if n else 0.0), n


def _conflicts(subject: Subject, twins: Twins, inverse: np.ndarray, doubled: np.ndarray) -> tuple[int, np.ndarray]:
    """How many rows have a twin with another label, and their places; of amounts and strings none."""
    if subject.task.problem_type not in ("binary", "multiclass"):
        return 0, np.zeros(0, dtype=np.int64)
    y = subject.y[twins.train_rows]
    n_sets = int(inverse.max()) + 1
    lowest, highest = np.full(n_sets, y.max()), np.full(n_sets, -1)
    np.minimum.at(lowest, inverse, y)
    np.maximum.at(highest, inverse, y)
    found = np.flatnonzero(doubled & (lowest != highest)[inverse])
    return len(found), found
