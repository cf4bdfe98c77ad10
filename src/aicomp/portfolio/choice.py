"""Which member comes next, and how long a fold of it may take: by costs, shares and the time that is left.

Where no member fits whole, one on a sample of the rows stands in, so that there is more than the prior to submit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aicomp.portfolio.attempt import Attempt
from aicomp.portfolio.costs import Costs
from aicomp.portfolio.members import on_sample

_GENEROUS = 1.6
"""A member may take more than its share: not every one of the others will be tried."""
_DOUBT = 0.3
"""A guess may be that much too high: a model is only left out for it if even this part would not fit."""
_PATIENCE = 4
"""A fold that stopped early cost less than its epochs would: another one may take that many times as long."""
_WORTH_MORE = 0.02
"""Weight in the blend from which on a kind is worth further members."""

_QUICK = ("lightgbm", "xgboost", "extra-trees", "ridge")
"""What is trained on a sample, the first that is there; or the single model that is asked for."""
_OF_SAMPLE = 0.25
"""Part of a fold's time that learning a first sample shall take: reading all rows to predict comes on top."""
_LEAST_SAMPLE = 1000
_LARGER = 2.0
"""A further sample has at least so many times the rows."""


@dataclass(frozen=True)
class Room:
    """What is left for members.

    Attributes:
        seconds: Until training has to stop, after what is under way.
        workers: Processes.
        n_folds: Folds of a member.
    """

    seconds: float
    workers: int
    n_folds: int

    def per_fold(self, seconds: float) -> float:
        """Seconds of one core for each fold, when all folds shall be trained within some time."""
        rounds = self.n_folds / min(self.workers, self.n_folds)
        return seconds / rounds


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
            budget = room.per_fold(share * room.seconds)
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
    too_slow = {a.member.model: a.member for a in attempts if a.member.is_first and (a.status == "waiting" or a.tries)}
    models = [*too_slow] if len(too_slow) == 1 else [m for m in _QUICK if m in too_slow]
    model = next(iter(models), None)
    budget = room.per_fold(room.seconds)
    if model is None or budget <= 0:
        return None
    before = [(a.member.train_rows, a.seconds / a.n_folds) for a in attempts if a.member.train_rows and a.is_finished]
    if before:
        n_before, seconds = max(before)
        n_rows = min(int(0.7 * n_before * budget / seconds), costs.n_rows)
        if n_rows < _LARGER * n_before:
            return None
    else:
        n_rows = costs.rows_within(model, _OF_SAMPLE * budget)
    if n_rows < min(_LEAST_SAMPLE, costs.n_rows):
        return None
    return Choice(Attempt(on_sample(too_slow[model], n_rows)), budget)


def _needed(attempt: Attempt, costs: Costs) -> float:
    doubt = 1.0 if costs.knows(attempt.member.model) else _DOUBT
    return costs.least(attempt.member.model) * doubt


def _choose_further(waiting: list[Attempt], costs: Costs, room: Room, weights: Mapping[str, float]) -> Choice | None:
    """The first that fits whole, of the kinds that have weight before those that have none."""
    for attempt in sorted(waiting, key=lambda a: weights.get(a.member.model, 0.0) < _WORTH_MORE):
        expected, budget = costs.expected(attempt.member.model, attempt.member.name), room.per_fold(room.seconds)
        if costs.knows(attempt.member.model) and expected <= budget:
            return Choice(attempt, min(budget, _PATIENCE * expected))
        attempt.reason = "no time was left"
    return None


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
