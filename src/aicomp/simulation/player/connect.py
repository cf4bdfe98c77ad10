"""Connect-x on bit boards: rules, what a network sees, and a search for the time of play.

A board is a number. Bit `column * (rows + 1) + row` stands for a cell, rows counted from the bottom; the bit above each
column stays 0, so that lines do not run over its top. The functions take Python's integers and numpy's uint64 arrays
alike: a search looks at one position, a training at hundreds at once.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np


class Rules:
    """The board's size and what wins.

    Args:
        columns: Columns of the board.
        rows: Rows of the board.
        inarow: Stones in a line that win.

    Raises:
        ValueError: The board has more cells than a number of 64 bits holds.
    """

    def __init__(self, columns: int = 7, rows: int = 6, inarow: int = 4) -> None:
        if columns * (rows + 1) > 63:
            raise ValueError(f"a board of {columns} x {rows} does not fit into 63 bits")
        self.columns, self.rows, self.inarow = columns, rows, inarow
        self.height = rows + 1
        self.steps = (1, self.height, self.height - 1, self.height + 1)  # up, right, and both diagonals
        self.bottom = sum(1 << column * self.height for column in range(columns))
        self.board = self.bottom * ((1 << rows) - 1)
        cells = [(column * self.height + row) for row in reversed(range(rows)) for column in range(columns)]
        self.cells = np.array(cells, np.uint64)  # row by row from the top, as Kaggle lists them
        self.order = sorted(range(columns), key=lambda column: abs(column - columns // 2))

    def wins(self, stones: Any) -> Any:
        """Whether stones hold a line: for arrays, of each board."""
        found = stones & 0
        for step in self.steps:
            line = stones
            for i in range(1, self.inarow):
                line = line & (stones >> i * step)
            found = found | line
        return found != 0

    def threats(self, stones: Any, occupied: Any) -> Any:
        """Empty cells that would complete a line of these stones, as a board."""
        found = stones & 0
        for step in self.steps:
            for gap in range(self.inarow):
                line = occupied | self.board
                for i in range(self.inarow):
                    distance = (i - gap) * step
                    if i != gap:
                        line = line & (stones >> distance if distance > 0 else stones << -distance)
                found = found | line
        return found & (self.board & ~occupied)

    def landing(self, occupied: Any) -> Any:
        """The cells that a stone can fall to, as a board."""
        return (occupied + self.bottom) & self.board

    def column_bits(self, column: int) -> int:
        """The cells of a column, as a board."""
        return ((1 << self.rows) - 1) << column * self.height

    def planes(self, own: Any, other: Any) -> np.ndarray:
        """What a network sees: own stones, the other's, and the threats of both; one or n boards -> (n, 4 x cells)."""
        occupied = own | other
        boards = (own, other, self.threats(own, occupied), self.threats(other, occupied))
        stacked = np.stack([np.atleast_1d(np.asarray(board, np.uint64)) for board in boards], axis=1)
        bits: np.ndarray = (stacked[:, :, None] >> self.cells) & np.uint64(1)
        return bits.reshape(len(stacked), -1).astype(np.float32)

    def read(self, board: list[int], mark: int) -> tuple[int, int]:
        """Stones of `mark` and of the other, from Kaggle's list of cells, row by row from the top."""
        own = other = 0
        for cell, stone in zip(self.cells.tolist(), board, strict=True):
            if stone == mark:
                own |= 1 << cell
            elif stone:
                other |= 1 << cell
        return own, other


WIN = 1000.0
"""The value of a position that is won at once; each move until then takes one off."""

Leaf = Callable[[int, int], float]
"""Value of a position for the player to move, own and the other's stones -> (-1, 1)."""


def count_threats(rules: Rules) -> Leaf:
    """A value without a network: who has more cells that would win."""

    def leaf(own: int, other: int) -> float:
        occupied = own | other
        more: int = rules.threats(own, occupied).bit_count() - rules.threats(other, occupied).bit_count()
        return more / (4.0 + abs(more))

    return leaf


class Search:
    """Alpha-beta search (Knuth and Moore 1975) with a table of positions, deeper and deeper until time is up.

    Args:
        rules: Of the game.
        leaf: Values what lies beyond the last move looked at.
    """

    def __init__(self, rules: Rules, leaf: Leaf) -> None:
        self.rules, self.leaf = rules, leaf
        self._order = rules.order
        self._table: dict[tuple[int, int], tuple[int, float, int, int]] = {}
        self._ends = 0.0

    def shuffle(self, order: list[int]) -> None:
        """Look at columns in this order, not from the middle: of moves that are equal the first is taken."""
        self._order = order

    def choose(self, own: int, other: int, depth: int, seconds: float) -> int:
        """The best column.

        Args:
            own: Stones of the player to move.
            other: The other's.
            depth: Moves to look ahead at most.
            seconds: Time it may take; at least one move is looked ahead.
        """
        self._table.clear()
        self._ends = time.perf_counter() + seconds
        landing = self.rules.landing(own | other)
        best = next(column for column in self._order if landing & self.rules.column_bits(column))
        empty = self.rules.columns * self.rules.rows - (own | other).bit_count()
        for plies in range(1, min(depth, empty) + 1):
            try:
                value, best = self._value(own, other, plies, -2 * WIN, 2 * WIN)
            except TimeoutError:
                break
            if abs(value) > 1:
                break  # it is known who wins
        return best

    def _value(self, own: int, other: int, depth: int, alpha: float, beta: float) -> tuple[float, int]:
        """Value for the player to move, and the best column; beyond alpha and beta a bound."""
        rules = self.rules
        if time.perf_counter() > self._ends:
            raise TimeoutError
        occupied = own | other
        landing = rules.landing(occupied)
        winning = rules.threats(own, occupied) & landing
        if winning:
            return WIN, self._column(winning)
        if depth == 0 or not landing:
            return (self.leaf(own, other) if landing else 0.0), -1
        known, first = self._known(own, occupied, depth, alpha, beta)
        if known is not None:
            return known, first
        # Where the other would win, there is no choice; of two such places one is left open, and the game is lost.
        must = rules.threats(other, occupied) & landing
        best, best_column, low = -3 * WIN, -1, alpha
        for column in self._order if first < 0 else [first, *(c for c in self._order if c != first)]:
            stone = (must or landing) & rules.column_bits(column)
            if not stone:
                continue
            value = -self._value(other, own | stone, depth - 1, -beta, -low)[0]
            value -= (value > 1) - (value < -1)
            if value > best:
                best, best_column = value, column
            low = max(low, best)
            if low >= beta:
                break
        self._table[own, occupied] = (depth, best, _bound(best, alpha, beta), best_column)
        return best, best_column

    def _known(self, own: int, occupied: int, depth: int, alpha: float, beta: float) -> tuple[float | None, int]:
        """The value of a position that was looked at as deeply before, None if it was not; and its best column then."""
        found = self._table.get((own, occupied))
        if found is None:
            return None, -1
        at, value, bound, column = found
        decides = bound == 0 or (bound > 0 and value >= beta) or (bound < 0 and value <= alpha)
        return (value if at >= depth and decides else None), column

    def _column(self, board: int) -> int:
        return ((board & -board).bit_length() - 1) // self.rules.height


def _bound(value: float, alpha: float, beta: float) -> int:
    """Whether the true value is at least (1), at most (-1) or exactly (0) this one."""
    return 1 if value >= beta else -1 if value <= alpha else 0
