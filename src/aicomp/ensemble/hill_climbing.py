"""Greedy selection of members with replacement.

Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of models", ICML 2004: begin with the best
member, add again and again the one that helps the mean most, keep the best of all these means; a member that is added
twice weighs twice. Bagging repeats it on random halves of the library and averages the weights.
"""

from collections.abc import Sequence

import numpy as np

from aicomp.ensemble.budget import UNLIMITED, Budget
from aicomp.ensemble.members import Part
from aicomp.ensemble.objective import Objective, make_objective
from aicomp.task import Task

_MAX_STEPS = 50
_PATIENCE = 3
_BAG_SHARE = 0.5


def climb(task: Task, parts: Sequence[Part], n_bags: int = 1, seed: int = 0, budget: Budget = UNLIMITED) -> np.ndarray:
    """Weights of the members, (n_members,), >= 0 and summing to 1.

    Args:
        task: The learning problem.
        parts: Rows to fit on; the score is the mean over the parts.
        n_bags: Random halves of the library; 1 takes the whole library once.
        seed: Seed of the bags.
        budget: Looked at before each step.

    Raises:
        OutOfTime: The budget is spent.
    """
    objective = make_objective(task, parts)
    single = objective.single()
    n_members = len(single)
    if n_bags == 1:
        return _climb(objective, single, np.arange(n_members), budget)
    random = np.random.default_rng(seed)
    size = max(int(np.ceil(_BAG_SHARE * n_members)), min(2, n_members))
    bags = [np.sort(random.choice(n_members, size, replace=False)) for _ in range(n_bags)]
    return np.asarray(np.mean([_climb(objective, single, bag, budget) for bag in bags], axis=0))


def _climb(objective: Objective, single: np.ndarray, candidates: np.ndarray, budget: Budget) -> np.ndarray:
    counts = np.zeros(len(single))
    first = candidates[int(np.argmax(single[candidates]))]
    counts[first] = 1
    best, best_score, since = counts.copy(), float(single[first]), 0
    for _ in range(_MAX_STEPS):
        budget.check()
        added, score = objective.best_addition(counts, candidates)
        counts[added] += 1
        since += 1
        # A gain within rounding is none: a member that is added to itself changes nothing.
        if score > best_score + 1e-12 * max(1.0, abs(best_score)):
            best, best_score, since = counts.copy(), score, 0
        if since >= _PATIENCE:
            break
    return np.asarray(best / best.sum())
