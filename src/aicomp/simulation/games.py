"""Many games of connect-x at once, on boards of bits: what self-play trains on."""

import numpy as np

from aicomp.simulation.player.connect import Rules


class Games:
    """`n` games side by side; whose turn it is may differ from game to game.

    Args:
        n: Number of games.
        rules: Of the game.

    Attributes:
        stones: Boards of both players, uint64 (n, 2).
        turn: Who moves next, 0 or 1, (n,).
    """

    def __init__(self, n: int, rules: Rules) -> None:
        self.rules = rules
        self.stones = np.zeros((n, 2), np.uint64)
        self.turn = np.zeros(n, np.int64)
        self._columns = np.array([rules.column_bits(column) for column in range(rules.columns)], np.uint64)

    def __len__(self) -> int:
        return len(self.turn)

    def sides(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Stones of the player to move and of the other in some of the games, each (len(rows),)."""
        turn = self.turn[rows]
        return self.stones[rows, turn], self.stones[rows, 1 - turn]

    def legal(self, rows: np.ndarray) -> np.ndarray:
        """Columns that have room, bool (len(rows), columns)."""
        landing = self.rules.landing(self.stones[rows, 0] | self.stones[rows, 1])
        legal: np.ndarray = (landing[:, None] & self._columns) != 0
        return legal

    def play(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Let the players to move drop a stone in some of the games.

        Args:
            rows: Numbers of the games, (m,).
            columns: One for each, with room, (m,).

        Returns:
            Whether that move wins, and whether the board is full, bool (m,) each.
        """
        turn = self.turn[rows]
        landing = self.rules.landing(self.stones[rows, 0] | self.stones[rows, 1])
        self.stones[rows, turn] |= landing & self._columns[columns]
        won: np.ndarray = self.rules.wins(self.stones[rows, turn])
        full: np.ndarray = self.rules.landing(self.stones[rows, 0] | self.stones[rows, 1]) == 0
        self.turn[rows] = 1 - turn
        return won, full

    def restart(self, rows: np.ndarray) -> None:
        """Empty the boards of some games; player 0 begins."""
        self.stones[rows] = 0
        self.turn[rows] = 0
