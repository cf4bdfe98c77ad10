"""The ways to put members together, by name: what each fits, and how it combines predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np

from aicomp.competition import Competition
from aicomp.ensemble.averaging import scaled_ranks, sees_only_ranks, weighted_mean
from aicomp.ensemble.budget import UNLIMITED, Budget
from aicomp.ensemble.hill_climbing import climb
from aicomp.ensemble.members import Members, Part
from aicomp.ensemble.stacking import fit_stack
from aicomp.errors import UsageError
from aicomp.suggest import unknown_name
from aicomp.task import Task

Method = Literal["mean", "rank", "hill-climbing", "stacking", "stacking-network", "consensus"]
METHODS: tuple[Method, ...] = tuple(method for method in get_args(Method) if method != "consensus")
"""The simplest and cheapest first: another one is taken only if it is better beyond noise.

Strings have "consensus" alone."""

_FEWEST_ROWS = 200
_MOST_INPUTS = 1000


@dataclass(frozen=True)
class Options:
    """What can be chosen about the fitted methods.

    Attributes:
        n_bags: Random halves of the library that hill climbing averages over; 1 takes the whole library once.
        nonnegative: Whether stacking keeps its weights at 0 or above.
    """

    n_bags: int = 1
    nonnegative: bool = False


class Fitted(Protocol):
    """A way to combine predictions, with its weights."""

    @property
    def weights(self) -> np.ndarray:
        """Of the members, (n_members,)."""

    def combine(self, predictions: np.ndarray) -> np.ndarray:
        """Predictions (n_members, n) or (n_members, n, n_columns) as one, (n,) or (n, n_columns)."""


@dataclass(frozen=True)
class Average:
    """A weighted mean of predictions or of their ranks among the rows at hand.

    Attributes:
        weights: Of the members, summing to 1.
        of_ranks: Whether ranks are averaged.
    """

    weights: np.ndarray
    of_ranks: bool = False

    def combine(self, predictions: np.ndarray) -> np.ndarray:
        """See `Fitted`."""
        parts = np.stack([scaled_ranks(p) for p in predictions]) if self.of_ranks else predictions
        return weighted_mean(parts, self.weights)


@dataclass(frozen=True)
class Consensus:
    """Of each row, the prediction that the task makes of those of all members: for strings.

    Attributes:
        task: What is learned and how it is scored.
        order: The members, the best first: of predictions that are equally like the others, the first is taken.
    """

    task: Task
    order: tuple[int, ...]

    @property
    def weights(self) -> np.ndarray:
        """See `Fitted`; all are the same."""
        return np.full(len(self.order), 1 / len(self.order))

    def combine(self, predictions: np.ndarray) -> np.ndarray:
        """See `Fitted`."""
        return self.task.combine([predictions[m] for m in self.order])


def _fit_consensus(task: Task, parts: Sequence[Part]) -> Consensus:
    sign = 1 if task.metric.greater_is_better else -1
    n_members = len(parts[0].predictions)
    scores = [sign * float(np.mean([task.score(p.y, p.predictions[m]) for p in parts])) for m in range(n_members)]
    return Consensus(task, tuple(sorted(range(n_members), key=lambda m: -scores[m])))


def fit_nothing(task: Task, n_members: int) -> Fitted:
    """Members put together as they are, where there are no rows to fit anything on."""
    return Consensus(task, tuple(range(n_members))) if task.is_string else Average(np.full(n_members, 1 / n_members))


def fit(method: Method, task: Task, parts: Sequence[Part], options: Options, budget: Budget = UNLIMITED) -> Fitted:
    """Fit a method's weights on some rows; "mean" and "rank" have nothing to fit, "consensus" the order.

    Raises:
        OutOfTime: The budget is spent.
    """
    n_members = len(parts[0].predictions)
    equal = np.full(n_members, 1 / n_members)
    if method == "consensus":
        return _fit_consensus(task, parts)
    if method == "hill-climbing":
        return Average(climb(task, parts, options.n_bags, budget=budget))
    if method == "stacking":
        return fit_stack(task, parts, nonnegative=options.nonnegative, budget=budget)
    if method == "stacking-network":
        from aicomp.ensemble.network import fit_network_stack

        return fit_network_stack(task, parts, budget=budget)
    return Average(equal, of_ranks=method == "rank")


def too_large(method: Method, members: Members) -> str:
    """Why "auto" leaves a method out on some members, "" if it does not."""
    if method != "stacking-network":
        return ""
    n_rows, n_inputs = sum(len(part.y) for part in members.parts), members.parts[0].predictions[:, 0].size
    if n_rows < _FEWEST_ROWS:
        return f"{n_rows} rows are too few for a network, it takes {_FEWEST_ROWS}"
    if n_inputs > _MOST_INPUTS:
        return f"{n_inputs} inputs are too many for a network, it takes {_MOST_INPUTS}"
    return ""


def choose_methods(name: str, task: Task, competition: Competition) -> tuple[Method, ...]:
    """The methods to compare: one, or for "auto" all that fit the metric.

    Raises:
        UsageError: No such method, or it does not fit the metric.
    """
    ranks = sees_only_ranks(task.metric, competition)
    if task.is_string and name in ("auto", *get_args(Method)):
        return _methods_of_strings(name)
    if name == "auto":
        return tuple(method for method in METHODS if method != "rank" or ranks)
    chosen = next((method for method in get_args(Method) if method == name), None)
    if chosen is None:
        raise unknown_name("method", name, ["auto", *METHODS], "aicomp blend --help")
    if chosen == "consensus":
        raise UsageError("`--method consensus` is for strings, and these are numbers", "choose `--method mean`")
    if chosen == "rank" and not ranks:
        raise UsageError(
            f"ranks cannot stand in for predictions: `{task.metric.name}` and a submission of "
            f"`{competition.submission.wants}` see more than the order of rows",
            "choose `--method mean`",
        )
    return (chosen,)


def _methods_of_strings(name: str) -> tuple[Method, ...]:
    if name not in ("auto", "consensus"):
        raise UsageError(
            f"`--method {name}` weighs numbers, and the predictions of this competition are strings",
            "leave it out: of each row, the prediction that is most like the others is taken",
        )
    return ("consensus",)
