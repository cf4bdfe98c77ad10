"""Stacking: a small regularized model whose inputs are the members' predictions, fitted on out-of-fold rows.

Wolpert, "Stacked generalization", 1992. One weight per member, shared by all classes and targets, so that the stack of
many members stays small; shrunk towards equal weights, as Breiman, "Stacked regressions", 1996, found members to be
nearly alike. Values are stacked by ridge regression, probabilities by logistic regression on log odds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aicomp.ensemble.budget import UNLIMITED, Budget
from aicomp.ensemble.members import Part
from aicomp.task import Task

_PENALTY = 1e-3
_LEAST_PROBABILITY = 1e-6
_LOGARITHMIC = frozenset({"rmsle", "msle", "mcrmsle"})


@dataclass(frozen=True)
class Stack:
    """A fitted stack.

    Attributes:
        task: The learning problem.
        weights: Of the members, (n_members,); they need not sum to 1.
        intercept: Of each column, (n_columns,).
    """

    task: Task
    weights: np.ndarray
    intercept: np.ndarray

    def combine(self, predictions: np.ndarray) -> np.ndarray:
        """Predictions (n_members, n) or (n_members, n, n_columns) as one, (n,) or (n, n_columns)."""
        inputs = link(self.task, predictions)
        linear = np.tensordot(self.weights, inputs, axes=1) + self.intercept
        return np.asarray(inverse(self.task, linear).reshape(predictions.shape[1:]))


def fit_stack(task: Task, parts: Sequence[Part], *, nonnegative: bool = False, budget: Budget = UNLIMITED) -> Stack:
    """Fit a stack.

    Args:
        task: The learning problem.
        parts: Rows to fit on.
        nonnegative: Keep weights at 0 or above.
        budget: Looked at before each evaluation of the loss.

    Raises:
        OutOfTime: The budget is spent.
    """
    budget.check()
    inputs = np.concatenate([link(task, part.predictions) for part in parts], axis=1)
    y = np.concatenate([part.y for part in parts])
    if task.is_classification:
        return _fit_logistic(task, inputs, y, nonnegative, budget)
    return _fit_ridge(task, inputs, linked_values(task, y), nonnegative)


def _fit_ridge(task: Task, inputs: np.ndarray, y: np.ndarray, nonnegative: bool) -> Stack:
    """Least squares of centred columns, each in units of its best member's error."""
    from scipy.optimize import nnls

    n_members = len(inputs)
    centre_x, centre_y = inputs.mean(axis=1), y.mean(axis=0)
    scale = np.sqrt(((inputs - y) ** 2).mean(axis=1).min(axis=0))
    scale = np.where(scale > 0, scale, 1.0)
    x = ((inputs - centre_x[:, None]) / scale).reshape(n_members, -1)
    gram = x @ x.T / x.shape[1] + _PENALTY * np.eye(n_members)
    target = x @ ((y - centre_y) / scale).ravel() / x.shape[1] + _PENALTY / n_members
    if nonnegative:
        root = np.linalg.cholesky(gram)
        weights = nnls(root.T, np.linalg.solve(root, target))[0]
    else:
        weights = np.linalg.solve(gram, target)
    return Stack(task, weights, centre_y - weights @ centre_x)


def _fit_logistic(task: Task, inputs: np.ndarray, y: np.ndarray, nonnegative: bool, budget: Budget) -> Stack:
    """Log loss plus penalty, minimized by L-BFGS-B from equal weights."""
    from scipy.optimize import minimize

    n_members, n_rows, n_columns = inputs.shape
    hot = np.eye(n_columns)[y] if task.problem_type == "multiclass" else y.reshape(n_rows, n_columns).astype(np.float64)
    flat = inputs.reshape(n_members, -1)
    n_terms = n_rows if task.problem_type == "multiclass" else n_rows * n_columns

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        budget.check()
        weights, intercept = parameters[:n_members], parameters[n_members:]
        predicted = inverse(task, (weights @ flat).reshape(n_rows, n_columns) + intercept)
        kept = np.clip(np.where(hot > 0.5, predicted, 1 - predicted), 1e-15, None)
        # Of classes only the one that happened counts; of labels each does.
        logs = np.log(kept) * (hot if task.problem_type == "multiclass" else 1.0)
        slope = (predicted - hot) / n_terms
        off = weights - 1 / n_members
        gradient = np.concatenate([flat @ slope.ravel() + 2 * _PENALTY * off, slope.sum(axis=0)])
        return float(-logs.sum() / n_terms + _PENALTY * off @ off), gradient

    start = np.concatenate([np.full(n_members, 1 / n_members), np.zeros(n_columns)])
    bounds = [(0.0 if nonnegative else None, None)] * n_members + [(None, None)] * n_columns
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200}).x
    return Stack(task, found[:n_members], found[n_members:])


def linked_values(task: Task, y: np.ndarray) -> np.ndarray:
    """Targets that are values in the unit of `link`, (n, n_columns)."""
    return (np.log1p(y) if task.metric.name in _LOGARITHMIC else y).reshape(len(y), -1)


def link(task: Task, predictions: np.ndarray) -> np.ndarray:
    """Log odds, or values (log(1 + y) where the metric is logarithmic), (n_members, n, n_columns)."""
    columns = predictions.reshape(*predictions.shape[:2], -1)
    if not task.is_classification:
        return np.log1p(np.maximum(columns, 0)) if task.metric.name in _LOGARITHMIC else columns
    inside = np.clip(columns, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    return np.asarray(np.log(inside) if task.problem_type == "multiclass" else np.log(inside / (1 - inside)))


def inverse(task: Task, linear: np.ndarray) -> np.ndarray:
    """Predictions of the linear model's outputs, (n, n_columns); what `link` undid."""
    if not task.is_classification:
        return np.maximum(np.expm1(linear), 0) if task.metric.name in _LOGARITHMIC else linear
    if task.problem_type == "multiclass":
        powers = np.exp(linear - linear.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    return np.asarray(1 / (1 + np.exp(-np.clip(linear, -500, 500))))
