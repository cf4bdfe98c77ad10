"""The honest score of a blend: weights fitted on the other folds' rows, scored on the fold that was left out."""

from dataclasses import dataclass

import numpy as np

from aicomp.ensemble.budget import UNLIMITED, Budget
from aicomp.ensemble.members import Members
from aicomp.ensemble.methods import Fitted, Method, Options, fit, fit_nothing
from aicomp.metrics.consensus import chrf_similarity
from aicomp.task import Task

_MOST_COMPARED = 500
"""Rows whose strings are compared, character by character."""


@dataclass(frozen=True)
class Evaluation:
    """One method on some members.

    Attributes:
        method: Its name.
        fitted: Fitted on all out-of-fold rows: for test.
        nested: Fitted without each fold.
        valid: Nested predictions of each fold's rows, by the weights fitted without it.
        honest: Score of each fold by these.
        optimistic: Score of each fold by the weights that were fitted on its rows too.
    """

    method: Method
    fitted: Fitted
    nested: tuple[Fitted, ...]
    valid: tuple[np.ndarray, ...]
    honest: tuple[float, ...]
    optimistic: tuple[float, ...]

    @property
    def fold_weights(self) -> np.ndarray:
        """Weights fitted without each fold, (n_folds, n_members)."""
        return np.stack([fitted.weights for fitted in self.nested])

    @property
    def honest_mean(self) -> float:
        """Mean of the honest scores over the folds."""
        return float(np.mean(self.honest))

    @property
    def optimistic_mean(self) -> float:
        """Mean of the optimistic scores over the folds."""
        return float(np.mean(self.optimistic))


def evaluate(task: Task, members: Members, method: Method, options: Options, budget: Budget = UNLIMITED) -> Evaluation:
    """Fit a method on all rows, and once without each fold.

    Members that were trained on a fold's rows have seen its targets, as in any stacking of out-of-fold predictions; the
    weights have not.

    Raises:
        OutOfTime: The budget is spent.
    """
    fitted = fit(method, task, members.parts, options, budget)
    valid, nested = [], []
    for k, part in enumerate(members.parts):
        budget.check()
        others = members.without(k)
        # A fold whose rows are in every other fold too leaves nothing to fit on: equal weights need no rows.
        n_members = len(part.predictions)
        found = fit(method, task, others, options, budget) if others else fit_nothing(task, n_members)
        valid.append(found.combine(part.predictions))
        nested.append(found)
    honest = [task.score(part.y, v) for part, v in zip(members.parts, valid, strict=True)]
    optimistic = [task.score(part.y, fitted.combine(part.predictions)) for part in members.parts]
    return Evaluation(method, fitted, tuple(nested), tuple(valid), tuple(honest), tuple(optimistic))


def correlations(members: Members) -> np.ndarray:
    """Pearson's correlation of the members' out-of-fold predictions, (n_members, n_members).

    Each column is taken about its mean; 0 for a member that never varies. Strings have none: theirs is the mean chrF of
    the first rows, between 0 and 1.
    """
    if members.test.dtype == object:
        return _similarities(np.concatenate([part.predictions for part in members.parts], axis=1)[:, :_MOST_COMPARED])
    stacked = np.concatenate([part.predictions for part in members.parts], axis=1)
    stacked -= stacked.mean(axis=1, keepdims=True)
    centred = stacked.reshape(len(stacked), -1)
    norms = np.linalg.norm(centred, axis=1)
    scaled = centred / np.where(norms > 0, norms, 1.0)[:, None]
    return np.asarray(scaled @ scaled.T)


def _similarities(predictions: np.ndarray) -> np.ndarray:
    n_members = len(predictions)
    found = np.eye(n_members)
    for a in range(n_members):
        for b in range(a):
            pairs = zip(predictions[a], predictions[b], strict=True)
            found[a, b] = found[b, a] = np.mean([chrf_similarity(x, y) for x, y in pairs])
    return found
