"""Columns that order rows: times, and numbers by which test lies wholly behind or before train."""

import numpy as np

from aicomp.validation.single import auc
from aicomp.validation.subject import Subject

_FEWEST_LEVELS = 20
_MOST_ROWS = 50_000
BEHIND = 0.98
"""How often a row of test has the higher value, from where on test counts as later."""


def later(first: np.ndarray, second: np.ndarray) -> float:
    """How often a value of the second set is above one of the first; ties count one half, missing ones are left out.

    >>> later(np.array([1.0, 2.0]), np.array([3.0, np.nan]))
    1.0
    """
    random = np.random.default_rng(0)
    parts = [values[~np.isnan(values)] for values in (first, second)]
    parts = [p if len(p) <= _MOST_ROWS else random.choice(p, _MOST_ROWS, replace=False) for p in parts]
    is_second = np.arange(len(parts[0]) + len(parts[1])) >= len(parts[0])
    return auc(np.concatenate(parts), is_second)


def time_columns(subject: Subject) -> list[str]:
    """Columns of times, the project's own first, and other numbers by which test lies behind or before train."""
    named = subject.project.config.split.time or subject.competition.time
    found = [name for name in subject.names("datetime") if name in subject.train.numbers]
    found += [name for name in subject.names("number") if name not in found and _is_apart(subject, name)]
    if named in subject.train.numbers and named is not None:
        found = [named, *(name for name in found if name != named)]
    return found


def ordered_columns(subject: Subject) -> list[str]:
    """Columns by which train and test are told apart trivially if one lies behind the other; see `time_columns`.

    Codes by which test lies behind train are among them: new customers often have higher numbers.
    """
    codes = [name for name in subject.names("code") if _is_apart(subject, name)]
    return [*time_columns(subject), *codes]


def _is_apart(subject: Subject, name: str) -> bool:
    train, test = subject.train.numbers[name], subject.test.numbers[name]
    low, high = np.nanquantile(train, [0.02, 0.98]) if (~np.isnan(train)).any() else (0.0, 0.0)
    inside = (test >= low) & (test <= high)
    if inside.mean() > 0.1:  # the cheap look, which nearly all columns end at
        return False
    how_often = later(train, test)
    if max(how_often, 1 - how_often) < BEHIND:
        return False
    return len(np.unique(np.concatenate([train[:_MOST_ROWS], test[:_MOST_ROWS]]))) >= _FEWEST_LEVELS
