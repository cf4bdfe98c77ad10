"""Multipliers of class probabilities, for metrics that weigh classes otherwise than by their rows."""

import numpy as np

from aicomp.last_step.counts import CountScore
from aicomp.last_step.steps import log_probabilities

_POWERS = np.linspace(0, 1.5, 16)
_STEP = 0.02
_GRID = np.arange(-7, 7 + _STEP / 2, _STEP)
"""Logarithms of multipliers that are tried: from a thousandth to a thousand, 2 % apart."""

_MAX_SWEEPS = 5
_TIED = 1e-9


def prior_multipliers(y: np.ndarray, p: np.ndarray, score: CountScore) -> tuple[float, ...]:
    """The classes' shares to the best of 16 negative powers: one number is fitted, whatever the number of classes.

    Where every class counts the same (balanced accuracy), the power 1 is best if the probabilities are right.

    Args:
        y: Class codes, (n,).
        p: Probabilities, (n, n_classes).
        score: The score from counts; higher is better.
    """
    z, inverse = log_probabilities(p), _log_inverse_shares(y, p.shape[1])
    scores = [_score(y, z + power * inverse, score) for power in _POWERS]
    best = int(np.argmax(np.array(scores) >= max(scores) - _TIED))  # of equal ones the least
    return _multipliers(_POWERS[best] * inverse)


def best_multipliers(y: np.ndarray, p: np.ndarray, score: CountScore) -> tuple[float, ...]:
    """Multipliers found class by class, from `prior_multipliers` on.

    With all others fixed, a row goes to class k from a certain multiplier of k on: counting the rows that go at each
    of 701 multipliers gives the scores of all of them in one pass.

    Args:
        y: Class codes, (n,).
        p: Probabilities, (n, n_classes).
        score: The score from counts; higher is better.
    """
    z = log_probabilities(p)
    n_classes = p.shape[1]
    n_true = np.bincount(y, minlength=n_classes)
    weights = np.log(np.array(prior_multipliers(y, p, score)))
    reached = _score(y, z + weights, score)
    for _ in range(_MAX_SWEEPS):
        before = reached
        for k in range(n_classes):
            scores = _scores_along(y, z, weights, k, n_true, score)
            tied = np.flatnonzero(scores >= scores.max() - _TIED)
            tried = weights.copy()
            tried[k] = _GRID[tied[np.argmin(abs(_GRID[tied] - weights[k]))]]
            # Counted again: the grid takes a row that is exactly between two classes for one of class k.
            found = _score(y, z + tried, score)
            if found > reached + _TIED:
                reached, weights = found, tried
        if reached <= before:
            break
    return _multipliers(weights)


def _scores_along(
    y: np.ndarray, z: np.ndarray, weights: np.ndarray, k: int, n_true: np.ndarray, score: CountScore
) -> np.ndarray:
    """Scores for each multiplier of class `k` in the grid, (n_grid,)."""
    n_classes, n_grid = len(weights), len(_GRID)
    others = z + weights
    others[:, k] = -np.inf
    second = others.argmax(axis=1)
    needed = others[np.arange(len(y)), second] - z[:, k]
    first = np.clip(np.ceil((needed - _GRID[0]) / _STEP), 0, n_grid).astype(np.int64)
    is_right = second == y
    pred_gone = _cumulated(first, second, n_classes)
    both_gone = _cumulated(first[is_right], second[is_right], n_classes)
    n_pred = np.bincount(second, minlength=n_classes) - pred_gone
    n_both = np.bincount(second[is_right], minlength=n_classes) - both_gone
    n_pred[:, k] = pred_gone.sum(axis=1)
    n_both[:, k] = np.cumsum(np.bincount(first[y == k], minlength=n_grid + 1))[:n_grid]
    return np.nan_to_num(score(n_true, n_pred, n_both), nan=-np.inf)


def _cumulated(first: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Rows of each class that have gone at each point of the grid, (n_grid, n_classes)."""
    size = (len(_GRID) + 1) * n_classes
    table = np.bincount(first * n_classes + classes, minlength=size).reshape(-1, n_classes)
    return np.asarray(np.cumsum(table, axis=0)[: len(_GRID)])


def _score(y: np.ndarray, z: np.ndarray, score: CountScore) -> float:
    n_classes = z.shape[1]
    pred = z.argmax(axis=1)
    counts = [np.bincount(rows, minlength=n_classes) for rows in (y, pred, y[y == pred])]
    return float(np.nan_to_num(score(*counts), nan=-np.inf))


def _log_inverse_shares(y: np.ndarray, n_classes: int) -> np.ndarray:
    """-log(share of each class), one row added to each so that none is infinite; the most frequent has 0."""
    logs = -np.log(np.bincount(y, minlength=n_classes) + 1.0)
    return np.asarray(logs - logs.min())


def _multipliers(logarithms: np.ndarray) -> tuple[float, ...]:
    return tuple(float(m) for m in np.exp(logarithms - logarithms.min()))
