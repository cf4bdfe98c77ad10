"""From a policy to an agent as Kaggle calls it: observation, configuration -> action."""

from collections.abc import Callable
from typing import Any

import numpy as np

from aicomp.simulation.player.connect import Leaf, Rules, Search, count_threats
from aicomp.simulation.player.policy import Policy, encoded


def acting_alone(policy: Policy) -> Callable[..., Any]:
    """An agent in an environment of one: the policy's likeliest action, or its mean."""

    def act(observation: Any, configuration: Any = None) -> Any:
        return policy.act(encoded(observation, policy.spec["n_values"]))

    return act


def playing(policy: Policy | None, depth: int, seconds: float, leaf: str) -> Callable[..., int]:
    """A player of connect-x.

    Args:
        policy: From self-play; None for a search on counted threats alone.
        depth: Moves that it looks ahead; 0 takes the policy's likeliest move.
        seconds: For a move, at most.
        leaf: "network" or "threats".
    """
    searches: dict[tuple[int, int, int], Search] = {}

    def act(observation: Any, configuration: Any) -> int:
        size = (configuration.columns, configuration.rows, configuration.inarow)
        if size not in searches:
            rules = Rules(*size)
            by_network = leaf == "network" and policy is not None
            searches[size] = Search(rules, _valued_by(policy, rules) if by_network else count_threats(rules))
        search = searches[size]
        own, other = search.rules.read(list(observation.board), observation.mark)
        if depth > 0 or policy is None:
            return search.choose(own, other, max(1, depth), seconds)
        landing = search.rules.landing(own | other)
        legal = [bool(landing & search.rules.column_bits(column)) for column in range(size[0])]
        return int(policy.act(search.rules.planes(own, other)[0], np.array(legal)))

    return act


def _valued_by(policy: Policy | None, rules: Rules) -> Leaf:
    assert policy is not None

    def leaf(own: int, other: int) -> float:
        return float(np.clip(policy.value(rules.planes(own, other))[0], -0.99, 0.99))

    return leaf
