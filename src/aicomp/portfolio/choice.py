"""Which member comes next, and how long a fold of it may take: by costs, shares and the time that is left.

Where no member fits whole, one on a sample of the rows stands in, so that there is more than the prior to submit.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aicomp.model_names import FORECASTER_NAMES, is_network
from aicomp.portfolio.attempt import Attempt
from aicomp.portfolio.costs import Costs
from aicomp.portfolio.members import Member, on_sample

_GENEROUS = 1.6
"""A member may take more than its share: not every one of the others will be tried."""
_DOUBT = 0.3
"""A guess may be that much too high: a model is only left out for it if even this part would not fit."""
_PATIENCE = 4
"""A fold that stopped early cost less than its epochs would: another one may take that many times as long."""
_WORTH_MORE = 0.02
"""Weight in the blend from which on a kind is worth further members."""

_QUICK = ("lightgbm", "xgboost", "extra-trees", "ridge")
"""What is trained on a sample before the others."""
_OF_ROOM = 0.45
"""Part of the time that a first sample may take, so that it can begin once more with fewer rounds."""
_OF_SAMPLE = 0.5
"""Part of that which learning shall take: reading all rows to predict comes on top."""
_LEAST_SAMPLE = 1000
_LARGER = 2.0
"""A further sample has at least so many times the rows."""
_OF_LARGER = 0.7
"""Part of the time that it shall take, if its rows take as long as those of the one before."""


@dataclass(frozen=True)
class Room:
    """What is left for members.

    Attributes:
        seconds: Until training has to stop, after what is under way.
        workers: Processes.
        n_folds: Folds of a member.
        networks: Processes that may train a network at the same time: one where they would share a GPU. None is all.
    """

    seconds: float
    workers: int
    n_folds: int
    networks: int | None = None

    def per_fold(self, seconds: float, model: str) -> float:
        """Seconds of one process for each fold of a model, when all folds shall be trained within some time."""
        rounds = self.n_folds / min(self.at_once(model), self.n_folds)
        return seconds / rounds

    def together(self, model: str) -> float:
        """Seconds for each fold of a model that is trained alone, one turn of its folds after the other."""
        return self.seconds / math.ceil(self.n_folds / self.at_once(model))

    def at_once(self, model: str) -> int:
        """Folds of a model that are trained at the same time."""
        return self.networks if self.networks is not None and is_network(model) else self.workers


@dataclass(frozen=True)
class Choice:
    """The next member.

    Attributes:
        attempt: It.
        budget: Seconds that a fold of it may take.
    """

    attempt: Attempt
    budget: float


def choose(
    waiting: Sequence[Attempt], costs: Costs, room: Room, weights: Mapping[str, float], *, has_run: bool
) -> Choice | None:
    """The next member, None if none fits; those that do not fit get the reason why.

    Args:
        waiting: Members that are not begun, in their order.
        costs: What folds take.
        room: What is left.
        weights: Weight of each kind in the blend so far.
        has_run: Whether a member is trained or under way.
    """
    first = _choose_first([a for a in waiting if a.member.is_first], costs, room, has_run=has_run)
    if first is not None:
        return first
    return _choose_further([a for a in waiting if not a.member.is_first], costs, room, weights)


def _choose_first(waiting: list[Attempt], costs: Costs, room: Room, *, has_run: bool) -> Choice | None:
    """The first of those that fit into their shares; whoever fits least gives its share to the others.

    As long as nothing is trained, the next may take half of the time.
    """
    fitting = list(waiting) if room.seconds > 0 else []
    least_share = 0.0 if has_run else 0.5
    while fitting:
        total = sum(a.member.share for a in fitting)
        excess = []
        for a in fitting:
            share = max(least_share, min(0.95, _GENEROUS * a.member.share / total))
            budget = room.per_fold(share * room.seconds, a.member.model)
            excess.append((_needed(a, costs) / max(budget, 1e-9), budget))
        worst = max(range(len(fitting)), key=lambda i: excess[i][0])
        if excess[worst][0] <= 1:
            return Choice(fitting[0], excess[0][1])
        left_out = fitting.pop(worst)
        needed, budget = costs.least(left_out.member.model), excess[worst][1]
        left_out.reason = f"a fold would take {_seconds(needed)} or more, its share is {_seconds(budget)}"
    return None


def choose_sample(attempts: Sequence[Attempt], costs: Costs, room: Room) -> Choice | None:
    """A member on a sample of the training rows, larger than one before; None if not even a small one fits.

    Args:
        attempts: All members so far.
        costs: What folds take.
        room: What is left.
    """
    samples = [a for a in attempts if a.member.train_rows]
    if room.seconds <= 0:
        return None
    if any(a.is_finished for a in samples):
        return _larger_sample(samples, costs, room)
    for model, member in _too_slow(attempts, failed={a.member.model for a in samples if a.status == "failed"}).items():
        budget = _OF_ROOM * room.together(model)
        given_up = [a.member.train_rows for a in samples if a.member.train_rows and a.status == "dropped"]
        n_rows = min(costs.rows_within(model, _OF_SAMPLE * budget), min([costs.n_rows, *given_up]) // 2)
        if n_rows >= min(_LEAST_SAMPLE, costs.n_rows // 2) > 0:
            return Choice(Attempt(on_sample(member, n_rows)), budget)
    return None


def _larger_sample(samples: Sequence[Attempt], costs: Costs, room: Room) -> Choice | None:
    """The same member on more rows; what does not end in time costs nothing, for there is a run already."""
    done = [a for a in samples if a.is_finished and a.member.train_rows]
    last = max(done, key=lambda a: a.member.train_rows or 0)
    n_before, budget = last.member.train_rows or 0, room.together(last.member.model)
    n_rows = min(int(_OF_LARGER * n_before * budget * last.n_folds / last.seconds), costs.n_rows)
    if n_rows < _LARGER * n_before or len(done) < len(samples):
        return None
    return Choice(Attempt(on_sample(last.member, n_rows)), _PATIENCE * budget)


def _too_slow(attempts: Sequence[Attempt], failed: set[str]) -> dict[str, Member]:
    """The models of which all rows take too long, the quick ones first; without those that fail on a sample."""
    found = {a.member.model: a.member for a in attempts if a.member.is_first and (a.status == "waiting" or a.tries)}
    found = {model: member for model, member in found.items() if model not in FORECASTER_NAMES}  # it would have holes
    quick = [model for model in _QUICK if model in found]
    return {model: found[model] for model in [*quick, *found] if model not in failed}


def _needed(attempt: Attempt, costs: Costs) -> float:
    doubt = 1.0 if costs.knows(attempt.member.model) else _DOUBT
    return costs.least(attempt.member.model) * doubt


def _choose_further(waiting: list[Attempt], costs: Costs, room: Room, weights: Mapping[str, float]) -> Choice | None:
    """The first that fits whole, of the kinds that have weight, or were not weighed, before those that have none."""
    for attempt in sorted(waiting, key=lambda a: weights.get(a.member.model, _WORTH_MORE) < _WORTH_MORE):
        model = attempt.member.model
        expected, budget = costs.expected(model, attempt.member.name), room.per_fold(room.seconds, model)
        if costs.knows(model) and expected <= budget:
            return Choice(attempt, min(budget, _PATIENCE * expected))
        attempt.reason = "no time was left"
    return None


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
