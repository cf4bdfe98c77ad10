"""Episodes of an agent: played one by one on seeds of their own, and kept with all that is needed to show them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from aicomp.simulation.environments import Arena
from aicomp.simulation.games import Games
from aicomp.simulation.opponents import get_opponent
from aicomp.simulation.player.connect import Rules
from aicomp.simulation.spaces import Spaces
from aicomp.simulation.vector import TRAINING_SEEDS

SELECTION_SEEDS = TRAINING_SEEDS
"""Episodes by which policies and trainings are chosen begin with this seed and the next ones."""

EVALUATION_SEEDS = 2 * TRAINING_SEEDS
"""Those of a run's score."""

HIDDEN_SEEDS = 3 * TRAINING_SEEDS
"""Those of an embedded competition's own grade, which only `aicomp submit` plays."""

Act = Callable[[Any, Any], Any]
"""An agent as Kaggle calls it: observation, configuration -> action. What it sees of a game has `board` and `mark`."""


@dataclass
class Episode:
    """One episode.

    Attributes:
        seed: It began with this one.
        opponent: Of a game, who was played against, and from which side; "" without one.
        score: Its return; of a game 1, 0.5 or 0.
        steps: Actions of the agent.
        slowest: Seconds of the slowest of them.
        frames: What was there before each action and at the end, if it was to be kept.
    """

    seed: int
    opponent: str = ""
    score: float = 0.0
    steps: int = 0
    slowest: float = 0.0
    frames: list[Any] = field(default_factory=list)


class IllegalActionError(Exception):
    """An agent did what is not allowed, or failed.

    Args:
        reason: What is wrong with it.
        observation: What the agent saw.
        episode: Where it happened.
    """

    def __init__(self, reason: str, observation: Any, episode: Episode) -> None:
        super().__init__(reason)
        self.reason, self.observation, self.episode = reason, observation, episode


def play(
    arena: Arena,
    act: Act,
    first_seed: int,
    n: int,
    *,
    opponents: tuple[str, ...] = (),
    until: float | None = None,
    keep: int = 0,
    step_limit: float | None = None,
) -> list[Episode]:
    """Play episodes with the seeds `first_seed`, `first_seed + 1` and so on.

    Args:
        arena: Where.
        act: The agent.
        first_seed: Of the first episode.
        n: Number of episodes; of a game they go through the opponents in turn, on both sides.
        opponents: Of a game.
        until: No episode is begun after this time of `time.monotonic`, but for the first.
        keep: Episodes, from the first, whose frames are kept.
        step_limit: Seconds that an action may take; None for no limit.

    Raises:
        IllegalActionError: The agent failed or did what is not allowed.
    """
    made = None if arena.rules is not None else arena.maker()()
    found: list[Episode] = []
    for i in range(n):
        if found and until is not None and time.monotonic() > until:
            break
        player = _Player(act, Episode(first_seed + i), step_limit, keeps=i < keep)
        if arena.rules is not None:
            opponent = opponents[i // 2 % len(opponents)]
            play_game(arena.rules, player, opponent, side=i % 2)
        else:
            _play_alone(made, arena.name, player)
        found.append(player.episode)
    return found


class _Player:
    """An agent in one episode: asks it, takes its time, and tells what it did wrong."""

    def __init__(self, act: Act, episode: Episode, step_limit: float | None, *, keeps: bool) -> None:
        self._act, self.episode, self._limit, self.keeps = act, episode, step_limit, keeps

    def ask(self, observation: Any, configuration: Any, fault: Callable[[Any], str]) -> Any:
        """Its action.

        Args:
            observation: What it sees.
            configuration: Of the environment.
            fault: Says what is wrong with an action, "" if nothing is.

        Raises:
            IllegalActionError: It failed, took too long, or its action is not allowed.
        """
        began = time.perf_counter()
        try:
            action = self._act(observation, configuration)
        except Exception as e:  # it is somebody's own code
            raise IllegalActionError(f"{type(e).__name__}: {e}", observation, self.episode) from e
        seconds = time.perf_counter() - began
        self.episode.steps += 1
        self.episode.slowest = max(self.episode.slowest, seconds)
        reason = fault(action)
        if not reason and self._limit is not None and seconds > self._limit:
            reason = f"took {seconds:.2f} s for an action, and {self._limit:g} s are allowed"
        if reason:
            raise IllegalActionError(reason, observation, self.episode)
        return action


def _play_alone(environment: Any, name: str, player: _Player) -> None:
    from aicomp.simulation.drawing import frame_of

    spaces = Spaces.of(environment, name)
    observation, _ = environment.reset(seed=player.episode.seed)
    ended = False
    while not ended:
        if player.keeps:
            player.episode.frames.append(frame_of(environment, observation, player.episode.score))
        action = player.ask(observation, None, lambda action: action_fault(action, spaces))
        # Plain numbers: an agent may return any type that behaves like one.
        action = int(action) if spaces.is_discrete else np.asarray(action, np.float32).reshape(len(spaces.low))
        observation, reward, terminated, truncated, _ = environment.step(action)
        player.episode.score += float(reward)
        ended = bool(terminated or truncated)
    if player.keeps:
        player.episode.frames.append(frame_of(environment, observation, player.episode.score))


def action_fault(action: Any, spaces: Spaces) -> str:
    """What is wrong with an action, "" if nothing is."""
    try:
        values = np.asarray(action, np.float64)
    except (TypeError, ValueError):
        return f"returned `{action!r}`, which is no action"
    if spaces.is_discrete:
        is_whole = values.size == 1 and float(values.item()).is_integer()
        if is_whole and 0 <= values.item() < spaces.n_actions:
            return ""
        return f"returned `{action!r}`, and actions are whole numbers from 0 to {spaces.n_actions - 1}"
    if values.size != len(spaces.low) or not np.isfinite(values).all():
        return f"returned `{action!r}`, and actions are {len(spaces.low)} numbers"
    flat = values.reshape(-1)
    if (flat < np.array(spaces.low) - 1e-6).any() or (flat > np.array(spaces.high) + 1e-6).any():
        return f"returned `{action!r}`, and actions lie from {list(spaces.low)} to {list(spaces.high)}"
    return ""


class Seen(dict[str, Any]):
    """An observation or configuration of Kaggle: entries can be read as attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def play_game(rules: Rules, player: _Player, opponent: str, side: int) -> None:
    """Play one game of connect-x against a built-in opponent, or, as "itself", both sides.

    Args:
        rules: Of the game.
        player: The agent.
        opponent: See `opponents.OPPONENTS`.
        side: 0 moves first.
    """
    games, row = Games(1, rules), np.zeros(1, np.int64)
    random = np.random.default_rng(player.episode.seed)
    answer = None if opponent == "itself" else get_opponent(opponent)
    player.episode.opponent = f"{opponent}, moving {'first' if side else 'second'}"
    configuration = Seen(columns=rules.columns, rows=rules.rows, inarow=rules.inarow, actTimeout=2, timeout=2)
    while True:
        turn = int(games.turn[0])
        board = board_of(games)
        if player.keeps:
            player.episode.frames.append(board)
        if turn == side or answer is None:
            seen = Seen(board=board, mark=turn + 1, step=sum(stone > 0 for stone in board), remainingOverageTime=60)
            column = int(player.ask(seen, configuration, partial(column_fault, board, rules)))
        else:
            column = int(answer(games, row, random)[0])
        won, full = games.play(row, np.array([column]))
        if won[0] or full[0]:
            player.episode.score = 0.5 if not won[0] else float(turn == side)
            if player.keeps:
                player.episode.frames.append(board_of(games))
            return


def board_of(games: Games) -> list[int]:
    """The first game's board as Kaggle lists it: row by row from the top, 1 and 2 for the players."""
    bits = (games.stones[0][:, None] >> games.rules.cells) & np.uint64(1)
    return [int(stone) for stone in bits[0] + 2 * bits[1]]


def column_fault(board: list[int], rules: Rules, action: Any) -> str:
    """What is wrong with a move, "" if nothing is."""
    fault = action_fault(action, spaces=Spaces((1,), n_actions=rules.columns))
    if not fault and board[int(action)]:
        return f"returned `{action!r}`, and that column is full"
    return fault


def scores_of(episodes: list[Episode]) -> np.ndarray:
    """Scores of episodes, (n,)."""
    return np.array([episode.score for episode in episodes])


def check_opponents(arena: Arena, opponents: tuple[str, ...]) -> None:
    """Refuse an opponent that is not known, before anything is trained.

    Raises:
        UsageError: It is not.
    """
    for name in opponents if arena.rules is not None else ():
        get_opponent(name)
