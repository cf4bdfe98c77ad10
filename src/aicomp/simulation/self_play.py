"""Games against a pool of opponents and earlier selves, as environments of one player."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from aicomp.simulation.games import Games
from aicomp.simulation.opponents import Opponent, play_by, play_one_ahead, play_random
from aicomp.simulation.player.connect import Rules
from aicomp.simulation.player.policy import Policy
from aicomp.simulation.spaces import Spaces
from aicomp.simulation.vector import Step

N_SELVES = 12
"""Earlier selves that are kept; when there are more, the oldest goes."""

_SHARES = (0.1, 0.3, 0.6)
"""Of the games, by opponent: by chance, one move ahead, earlier selves."""


class SelfPlay:
    """n games side by side. The learner has either side; its opponent moves inside a step. A win is 1, a loss -1.

    Args:
        n: Number of games.
        rules: Of the game.
    """

    def __init__(self, n: int, rules: Rules) -> None:
        self.spaces = spaces_of(rules)
        self.selves: list[Policy] = []
        self._games = Games(n, rules)
        self._all = np.arange(n)
        self._random = np.random.default_rng(0)
        self._seat = np.zeros(n, np.int64)
        self._opponent = np.zeros(n, np.int64)

    def __len__(self) -> int:
        return len(self._games)

    def add_self(self, policy: Policy) -> None:
        """Take a policy into the pool."""
        self.selves = [*self.selves, policy][-N_SELVES:]

    def reset(self, seed: int) -> np.ndarray:
        """See `VectorEnvironment`."""
        self._random = np.random.default_rng(seed)
        self._begin(self._all)
        return self._observe()

    is_due = False

    def state(self) -> dict[str, Any]:
        """See `VectorEnvironment`; earlier selves are in it."""
        return {
            "random": self._random.bit_generator.state,
            "stones": self._games.stones.view(np.int64),
            "turn": self._games.turn,
            "seat": self._seat,
            "opponent": self._opponent,
            "selves": [policy.weights for policy in self.selves],
        }

    def restore(self, state: Mapping[str, Any]) -> np.ndarray:
        """See `VectorEnvironment`; the games themselves are told, and nothing has to be played again."""
        self._random.bit_generator.state = state["random"]
        self._games.stones, self._games.turn = state["stones"].view(np.uint64).copy(), state["turn"].copy()
        self._seat, self._opponent = state["seat"].copy(), state["opponent"].copy()
        return self._observe()

    def legal(self) -> np.ndarray:
        """Columns that have room."""
        return self._games.legal(self._all)

    def step(self, actions: np.ndarray) -> Step:
        """See `VectorEnvironment`."""
        won, full = self._games.play(self._all, actions)
        rewards = won.astype(np.float64)
        ended = won | full
        others = np.flatnonzero(~ended)
        lost, full = self._answer(others)
        rewards[others[lost]] = -1
        ended[others[lost | full]] = True
        self._begin(np.flatnonzero(ended))
        observations = self._observe()
        never = np.zeros(len(self), bool)
        return Step(observations, rewards, ended, never, observations, rewards[ended].tolist())

    def _begin(self, rows: np.ndarray) -> None:
        """Start games: deal sides and opponents, and let those opponents begin that have the first move."""
        self._games.restart(rows)
        self._seat[rows] = self._random.integers(2, size=len(rows))
        kind = self._random.choice(3, p=_SHARES, size=len(rows))
        # -2 plays by chance, -1 one move ahead, others are numbers of earlier selves.
        earlier = self._random.integers(max(1, len(self.selves)), size=len(rows))
        self._opponent[rows] = np.where(kind == 2, earlier if self.selves else -1, kind - 2)
        self._answer(rows[self._seat[rows] == 1])

    def _answer(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Let the opponents move in some games; whether they win, and whether the board is full."""
        if not len(rows):
            return np.zeros(0, bool), np.zeros(0, bool)
        columns = np.zeros(len(rows), np.int64)
        for number in np.unique(self._opponent[rows]):
            mine = self._opponent[rows] == number
            columns[mine] = self._player(int(number))(self._games, rows[mine], self._random)
        return self._games.play(rows, columns)

    def _player(self, number: int) -> Opponent:
        if number == -2:
            return play_random
        return play_one_ahead if number == -1 or number >= len(self.selves) else play_by(self.selves[number])

    def _observe(self) -> np.ndarray:
        return self._games.rules.planes(*self._games.sides(self._all))


def spaces_of(rules: Rules) -> Spaces:
    """What a player of the game sees and does."""
    return Spaces(shape=(4 * rules.columns * rules.rows,), n_actions=rules.columns)
