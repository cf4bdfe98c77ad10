"""Choose among methods: a simpler one stays unless another is better beyond noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aicomp.ensemble.budget import UNLIMITED, Budget, OutOfTime
from aicomp.ensemble.members import Members
from aicomp.ensemble.methods import Method, Options, too_large
from aicomp.ensemble.nested import Evaluation, evaluate
from aicomp.errors import DataError
from aicomp.last_step.noise import N_BLOCKS, blocks_of
from aicomp.task import Task

MANY_ROWS = 200_000
"""From here on a gain is no longer a matter of luck."""


@dataclass(frozen=True)
class Comparison:
    """A method beside the one that it would take the place of.

    Attributes:
        method: Its name.
        against: Name of the other, the best so far; "" for the first.
        gain: Honest score above the other's; negative is worse, whatever the metric's direction.
        standard_error: Of the gain.
        better: Whether it took that place.
    """

    method: str
    against: str
    gain: float
    standard_error: float
    better: bool


@dataclass(frozen=True)
class Selection:
    """What came of trying methods.

    Attributes:
        chosen: The method to take.
        tried: All that were evaluated, in their order.
        compared: The same, each beside the best before it.
        left_out: Why others were not, by method.
    """

    chosen: Evaluation
    tried: tuple[Evaluation, ...]
    compared: tuple[Comparison, ...]
    left_out: dict[Method, str]


def select(
    task: Task, members: Members, methods: Sequence[Method], options: Options, budget: Budget = UNLIMITED
) -> Selection:
    """Evaluate methods, and choose one.

    The best of several scores is partly the luckiest. Beginning with the first, each takes the place of the best so far
    if its honest score is better by more than one standard error of that difference (Breiman, Friedman, Olshen and
    Stone, "Classification and Regression Trees", 1984, choose the size of a tree by this rule).

    Args:
        task: The learning problem.
        members: What is put together.
        methods: The simplest and cheapest first. A single one is evaluated whatever the members.
        options: Of the fitted methods.
        budget: When it is spent, the methods that are left are left out; the first is always evaluated.
    """
    best = evaluate(task, members, methods[0], options)
    tried, compared = [best], [Comparison(best.method, "", 0.0, 0.0, better=True)]
    left_out: dict[Method, str] = {}
    for method in methods[1:]:
        reason = too_large(method, members)
        if reason:
            left_out[method] = reason
            continue
        try:
            other = evaluate(task, members, method, options, budget)
            comparison = _compare(task, members, best, other, budget)
        except OutOfTime:
            left_out[method] = "no time left for it"
            continue
        tried.append(other)
        compared.append(comparison)
        best = other if comparison.better else best
    return Selection(best, tuple(tried), tuple(compared), left_out)


def _compare(task: Task, members: Members, best: Evaluation, other: Evaluation, budget: Budget) -> Comparison:
    sign = 1 if task.metric.greater_is_better else -1
    gain = sign * (other.honest_mean - best.honest_mean)
    error = standard_error(task, members, best, other, budget)
    return Comparison(other.method, best.method, gain, error, gain > error)


def standard_error(task: Task, members: Members, a: Evaluation, b: Evaluation, budget: Budget = UNLIMITED) -> float:
    """Standard error of the difference of two honest scores, by the jackknife over 25 blocks of rows.

    0 from 200,000 rows on. Where the metric is not defined for a fold without one of the blocks, from the differences
    of the folds; infinite with a single one.

    Raises:
        OutOfTime: The budget is spent.
    """
    if sum(len(part.y) for part in members.parts) >= MANY_ROWS:
        return 0.0
    ends = np.cumsum([len(rows) for rows in members.valid_rows])[:-1]
    blocks = np.split(blocks_of(np.concatenate(members.valid_rows)), ends)
    without = np.zeros(N_BLOCKS)
    try:
        for n in range(N_BLOCKS):
            budget.check()
            without[n] = _difference(task, members, a, b, [g != n for g in blocks])
    except DataError:
        differences = np.subtract(b.honest, a.honest)
        n_folds = len(differences)
        return float(differences.std(ddof=1) / np.sqrt(n_folds)) if n_folds > 1 else float("inf")
    return float(np.sqrt((N_BLOCKS - 1) * np.mean((without - without.mean()) ** 2)))


def _difference(task: Task, members: Members, a: Evaluation, b: Evaluation, kept: Sequence[np.ndarray]) -> float:
    """Mean over the folds of the score of `b` minus that of `a`, on some of the rows."""
    scores = [
        task.score(part.y[keep], of_b[keep]) - task.score(part.y[keep], of_a[keep])
        for part, of_a, of_b, keep in zip(members.parts, a.valid, b.valid, kept, strict=True)
    ]
    return float(np.mean(scores))
