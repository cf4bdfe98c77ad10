"""The medal that a score would have been, by the thresholds of a contract."""

import itertools

from aicomp.competition import Competition
from aicomp.competition_checks import MEDALS, listed_medals
from aicomp.errors import UsageError
from aicomp.metrics.base import Metric


def medal_of(score: float, metric: Metric, competition: Competition) -> str | None:
    """The best medal whose threshold the score reaches, None for none or where the contract has no thresholds.

    Raises:
        UsageError: The thresholds get easier in the metric's good direction, so that one of the two is wrong.
    """
    medals = {name: competition.medals[name] for name in MEDALS if name in competition.medals}
    scores = list(medals.values())
    if any(metric.better(worse, better) for better, worse in itertools.pairwise(scores)):
        direction = "higher" if metric.greater_is_better else "lower"
        raise UsageError(
            f"the medals of `{competition.slug}` ({listed_medals(medals)}) go against `{metric.name}`, of which "
            f"{direction} is better",
            "correct `medals` or `metric` in its contract",
        )
    reached = (name for name, value in medals.items() if name != "median" and not metric.better(value, score))
    return next(reached, None)
