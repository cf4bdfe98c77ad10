"""Who a game is played against, many games at once in training: by chance, by looking a move ahead, earlier selves."""

from collections.abc import Callable

import numpy as np

from aicomp.errors import UsageError
from aicomp.simulation.games import Games
from aicomp.simulation.player.connect import Rules, Search
from aicomp.simulation.player.policy import Policy
from aicomp.suggest import unknown_name

Opponent = Callable[[Games, np.ndarray, np.random.Generator], np.ndarray]
"""Columns for the players to move in some of the games: games, their numbers (m,), random numbers -> (m,)."""

NEGAMAX_DEPTH = 4
"""Moves that the built-in opponent `negamax` looks ahead, as that of kaggle-environments does."""


def play_random(games: Games, rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Any column that has room."""
    return _choose(games.legal(rows), random)


def play_one_ahead(games: Games, rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A column that wins, else one that the other would win with, else any."""
    own, other = games.sides(rows)
    occupied = own | other
    landing = games.rules.landing(occupied)
    columns = np.array([games.rules.column_bits(column) for column in range(games.rules.columns)], np.uint64)
    allowed = games.legal(rows)
    for stones in (other, own):  # the second wins over the first
        good = ((games.rules.threats(stones, occupied) & landing)[:, None] & columns) != 0
        allowed = np.where(good.any(axis=1, keepdims=True), good, allowed)
    return _choose(allowed, random)


def play_by(policy: Policy) -> Opponent:
    """An opponent that draws its moves from a policy's probabilities."""

    def play(games: Games, rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
        logits = policy.outputs(games.rules.planes(*games.sides(rows)))
        # The largest of logits with Gumbel noise is a draw from their softmax.
        noisy = logits + random.gumbel(size=logits.shape)
        return np.asarray(np.argmax(np.where(games.legal(rows), noisy, -np.inf), axis=1))

    return play


def play_negamax(games: Games, rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A search of `NEGAMAX_DEPTH` moves that knows wins and losses alone; what is equal to it is left to chance."""
    return np.array([_negamax(games.rules, *sides, random) for sides in zip(*games.sides(rows), strict=True)])


def _negamax(rules: Rules, own: np.uint64, other: np.uint64, random: np.random.Generator) -> int:
    search = Search(rules, lambda mine, theirs: 0.0)
    search.shuffle(random.permutation(rules.columns).tolist())
    return search.choose(int(own), int(other), NEGAMAX_DEPTH, seconds=60.0)


OPPONENTS: dict[str, Opponent] = {
    "random": play_random,
    "one-ahead": play_one_ahead,
    "negamax": play_negamax,
}
"""Built-in opponents by name."""


def get_opponent(name: str) -> Opponent:
    """A built-in opponent.

    Raises:
        UsageError: No such name.
    """
    if name not in OPPONENTS:
        error = unknown_name("opponent", name, OPPONENTS)
        raise UsageError(error.message, f"{error.hint}; set `evaluation.opponents`")
    return OPPONENTS[name]


def _choose(allowed: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """One of the allowed columns of each row, all alike."""
    return np.asarray(np.argmax(np.where(allowed, random.random(allowed.shape), -1.0), axis=1))
