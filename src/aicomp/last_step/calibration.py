"""Calibration with one or two numbers: the probabilities' logarithms stretched and shifted.

Fitted by Newton's method on the logarithmic loss, with the weight of one row's information on changing nothing: so that
probabilities which separate the classes do not drive the slope to infinity.
"""

import numpy as np

from aicomp.last_step.steps import Platt, Temperature, log_odds, log_probabilities

_MAX_ROUNDS = 100
_LEAST_SLOPE = 0.02
_SMALL = 1e-10


def fit_temperature(y: np.ndarray, p: np.ndarray, *, exclusive: bool) -> Temperature:
    """The temperature with the least logarithmic loss.

    Args:
        y: Class codes, (n,), or 0 and 1, (n,) or (n, n_labels).
        p: Probabilities, (n, n_classes), (n,) or (n, n_labels).
        exclusive: Whether the columns are classes of which a row has one.
    """
    # Two alternatives are two classes of log probabilities 0 and z.
    z = log_probabilities(p) if exclusive else np.stack([np.zeros(p.size), log_odds(p).ravel()], axis=1)
    of_true = np.take_along_axis(z, y.astype(np.int64).reshape(-1, 1), axis=1)[:, 0]
    beta = 1.0
    for _ in range(_MAX_ROUNDS):
        e = np.exp(beta * z - (beta * z).max(axis=1, keepdims=True))
        q = e / e.sum(axis=1, keepdims=True)
        mean = (q * z).sum(axis=1)
        slope = float(np.sum(mean - of_true)) + (beta - 1)
        curve = float(np.sum((q * z**2).sum(axis=1) - mean**2)) + 1
        moved = max(beta - slope / curve, beta / 2, _LEAST_SLOPE)
        moved = min(moved, 2 * beta)
        if abs(moved - beta) < _SMALL:
            break
        beta = moved
    return Temperature(1 / beta, exclusive)


def fit_platt(y: np.ndarray, p: np.ndarray) -> Platt:
    """Slope and intercept of the log odds with the least logarithmic loss, per label; a slope is never negative.

    Args:
        y: 0 or 1, (n,) or (n, n_labels).
        p: Probabilities of the same shape.
    """
    y, z = y.reshape(len(y), -1), log_odds(p).reshape(len(y), -1)
    fitted = [_fit_line(y[:, k].astype(np.float64), z[:, k]) for k in range(y.shape[1])]
    return Platt(tuple(a for a, _ in fitted), tuple(b for _, b in fitted))


def _fit_line(y: np.ndarray, z: np.ndarray) -> tuple[float, float]:
    x = np.stack([z, np.ones(len(z))], axis=1)
    at, free = np.array([1.0, 0.0]), np.array([True, True])
    loss = _loss(y, x, at)
    for _ in range(_MAX_ROUNDS):
        q = 0.5 * (1 + np.tanh(0.5 * (x @ at)))
        slope = x.T @ (q - y) + (at - np.array([1.0, 0.0]))
        curve = (x * (q * (1 - q))[:, None]).T @ x + np.eye(2)
        step = np.zeros(2)
        step[free] = np.linalg.solve(curve[np.ix_(free, free)], slope[free])
        at, reached = _shortened(y, x, at, step, loss)
        if at[0] < 0:  # turning the order round is not calibration
            at, free = np.array([0.0, at[1]]), np.array([False, True])
            reached = _loss(y, x, at)
        elif loss - reached < _SMALL:
            break
        loss = reached
    return float(at[0]), float(at[1])


def _shortened(y: np.ndarray, x: np.ndarray, at: np.ndarray, step: np.ndarray, loss: float) -> tuple[np.ndarray, float]:
    """A step that does not raise the loss."""
    for _ in range(30):
        moved = at - step
        reached = _loss(y, x, moved)
        if reached <= loss:
            return moved, reached
        step = step / 2
    return at, loss


def _loss(y: np.ndarray, x: np.ndarray, at: np.ndarray) -> float:
    z = x @ at
    away = at - np.array([1.0, 0.0])
    return float(np.sum(np.logaddexp(0, z) - y * z) + 0.5 * away @ away)
