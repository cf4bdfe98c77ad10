"""Connect-x on bit boards, against rules written down in the plainest way."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aicomp.simulation.games import Games
from aicomp.simulation.opponents import play_negamax, play_one_ahead, play_random
from aicomp.simulation.player.connect import WIN, Rules, Search, count_threats
from aicomp.simulation.self_play import SelfPlay

SIZES = [(7, 6, 4), (5, 4, 3), (8, 6, 5), (4, 7, 4)]
STEPS = [(0, 1), (1, 0), (1, 1), (1, -1)]


def wins(board: np.ndarray, stone: int, inarow: int) -> bool:
    """Whether a board (rows, columns) holds a line, cell by cell."""
    rows, columns = board.shape
    for row, column, (down, right) in itertools.product(range(rows), range(columns), STEPS):
        cells = [(row + i * down, column + i * right) for i in range(inarow)]
        inside = all(0 <= r < rows and 0 <= c < columns for r, c in cells)
        if inside and all(board[cell] == stone for cell in cells):
            return True
    return False


def random_board(random: np.random.Generator, rules: Rules, stones: int) -> np.ndarray:
    board = np.zeros((rules.rows, rules.columns), int)
    for number in range(stones):
        column = random.choice(np.flatnonzero(board[0] == 0))
        row = np.flatnonzero(board[:, column] == 0)[-1]
        board[row, column] = 1 + number % 2
    return board


@pytest.mark.parametrize("size", SIZES)
def test_every_line_wins_and_a_gap_in_it_does_not(size: tuple[int, int, int]) -> None:
    rules = Rules(*size)
    for row, column, (down, right) in itertools.product(range(rules.rows), range(rules.columns), STEPS):
        cells = [(row + i * down, column + i * right) for i in range(rules.inarow)]
        if not all(0 <= r < rules.rows and 0 <= c < rules.columns for r, c in cells):
            continue
        board = np.zeros((rules.rows, rules.columns), int)
        for cell in cells:
            board[cell] = 1
        own, _ = rules.read(board.ravel().tolist(), 1)
        assert rules.wins(own)
        for gap in cells:
            holed = board.copy()
            holed[gap] = 0
            stones, other = rules.read(holed.ravel().tolist(), 1)
            assert not rules.wins(stones)
            bit = rules.read((board - holed).ravel().tolist(), 1)[0]
            assert rules.threats(stones, stones | other) & bit == bit


@pytest.mark.parametrize("size", SIZES)
def test_wins_and_threats_are_those_of_brute_force(size: tuple[int, int, int]) -> None:
    rules, random = Rules(*size), np.random.default_rng(0)
    boards = [random_board(random, rules, int(random.integers(4, size[0] * size[1]))) for _ in range(30)]
    both = [rules.read(board.ravel().tolist(), 1) for board in boards]
    batch = np.array(both, np.uint64)
    assert rules.wins(batch[:, 0]).tolist() == [wins(board, 1, size[2]) for board in boards]
    for board, (own, other) in zip(boards, both, strict=True):
        threats = rules.threats(own, own | other)
        for row, column in itertools.product(range(rules.rows), range(rules.columns)):
            bit = 1 << column * rules.height + (rules.rows - 1 - row)
            filled = board.copy()
            filled[row, column] = 1
            completes = board[row, column] == 0 and wins(filled, 1, size[2])
            # A board that is won already would be won by any stone: there only lines through the cell count.
            if not wins(board, 1, size[2]):
                assert bool(threats & bit) == completes
    many = rules.threats(batch[:, 0], batch[:, 0] | batch[:, 1])
    assert many.tolist() == [rules.threats(own, own | other) for own, other in both]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=60), st.sampled_from(SIZES))
def test_games_follow_the_plain_rules(moves: list[int], size: tuple[int, int, int]) -> None:
    rules = Rules(*size)
    games, row = Games(3, rules), np.array([1])
    board, turn = np.zeros((rules.rows, rules.columns), int), 0
    for move in moves:
        column = move % rules.columns
        assert games.legal(row)[0].tolist() == (board[0] == 0).tolist()
        if board[0, column]:
            continue
        board[np.flatnonzero(board[:, column] == 0)[-1], column] = turn + 1
        won, full = games.play(row, np.array([column]))
        assert won[0] == wins(board, turn + 1, rules.inarow)
        assert full[0] == (board != 0).all()
        turn = 1 - turn
        if won[0] or full[0]:
            break
    assert games.stones[1].tolist() == list(rules.read(board.ravel().tolist(), 1))
    assert not games.stones[[0, 2]].any()  # other games are not touched


def position(text: str) -> tuple[int, int, Rules]:
    """Stones of the player to move (x) and of the other (o), from rows of text."""
    rows = text.split()
    rules = Rules(len(rows[0]), len(rows), 4)
    board = [".xo".index(sign) for line in rows for sign in line]
    return (*rules.read(board, 1), rules)


OPEN_TWO = """.......
              .......
              .......
              .......
              .......
              ..xx..o"""
"""x to move plays a third stone between two open ends, and wins two moves later."""


def test_a_search_sees_what_wins_and_what_must_be_stopped() -> None:
    own, other, rules = position(OPEN_TWO)
    search = Search(rules, count_threats(rules))
    assert search.choose(own, other, 5, 60) in (1, 4)
    assert search._value(own, other, 5, -2 * WIN, 2 * WIN)[0] == WIN - 2
    # o to move has to take one of the two.
    assert search.choose(other, own, 4, 60) in (1, 4)


def minimax(board: np.ndarray, turn: int, depth: int, inarow: int) -> int:
    """1 if the player to move can win within `depth` moves, -1 if the other can, else 0; every move tried."""
    columns = np.flatnonzero(board[0] == 0)
    if depth == 0 or not len(columns):
        return 0
    best = -1
    for column in columns:
        after = board.copy()
        after[np.flatnonzero(board[:, column] == 0)[-1], column] = turn
        value = 1 if wins(after, turn, inarow) else -minimax(after, 3 - turn, depth - 1, inarow)
        best = max(best, value)
    return best


def test_a_search_finds_what_every_move_tried_finds() -> None:
    rules, random = Rules(4, 4, 3), np.random.default_rng(1)
    for number in range(60):
        board = random_board(random, rules, int(random.integers(2, 9)) // 2 * 2)
        if wins(board, 1, 3) or wins(board, 2, 3):
            continue
        own, other = rules.read(board.ravel().tolist(), 1)
        depth = 1 + number % 4
        # A search that has a leaf of 0 looks one move further where that move wins.
        value = Search(rules, lambda a, b: 0.0)
        value._ends = np.inf
        found = value._value(own, other, depth - 1, -2 * WIN, 2 * WIN)[0]
        assert np.sign(found) == minimax(board, 1, depth, 3), board


def test_a_search_keeps_to_its_time_and_moves_all_the_same() -> None:
    rules = Rules()
    assert 0 <= Search(rules, count_threats(rules)).choose(0, 0, 40, 0.0) < 7


def test_opponents_move_where_there_is_room_and_the_better_ones_take_what_wins() -> None:
    own, other, rules = position(OPEN_TWO.replace("..xx..o", ".xxx..o"))
    games, rows, random = Games(40, rules), np.arange(40), np.random.default_rng(0)
    games.stones[:] = [own, other]
    assert set(play_one_ahead(games, rows, random)) == {0, 4}
    assert set(play_negamax(games, rows[:10], random)) <= {0, 4}
    assert len(set(play_random(games, rows, random))) > 4
    games.turn[:] = 1  # the other has to stop one of them
    assert set(play_one_ahead(games, rows, random)) == {0, 4}
    games.stones[:] = [rules.board & ~rules.column_bits(3), 0]
    for play in (play_random, play_negamax):
        assert set(play(games, rows[:3], random)) == {3}


def test_self_play_deals_both_sides_and_pays_by_who_wins() -> None:
    environment = SelfPlay(64, Rules())
    seen = environment.reset(0)
    assert seen.shape == (64, 4 * 42)
    begun = seen[:, 42:84].sum(axis=1)  # stones of the other: where it has moved first, there is one
    assert set(begun) == {0.0, 1.0}
    assert 15 < begun.sum() < 49
    random, paid = np.random.default_rng(0), []
    for _ in range(40):
        legal = environment.legal()
        step = environment.step(np.argmax(np.where(legal, random.random(legal.shape), -1), axis=1))
        assert not step.truncated.any()
        assert (step.rewards[~step.terminated] == 0).all()
        paid += step.returns
    assert set(paid) <= {-1.0, 0.0, 1.0}
    assert np.mean(paid) < -0.2  # nine of ten opponents look a move ahead as long as there are no earlier selves
