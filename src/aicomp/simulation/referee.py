"""Plays a submission in a process of its own: `python -m aicomp.simulation.referee REQUEST`; writes `result.json`.

Runs without network, see `simulation.check`. Where kaggle-environments is installed, its own rules and opponents play.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aicomp.errors import AicompError, DataError
from aicomp.simulation.environments import Arena
from aicomp.simulation.episodes import Act, Episode, IllegalActionError, play
from aicomp.simulation.faults import observation_text, place_text

RESULT = "result.json"


@dataclass(frozen=True)
class Request:
    """What is to be played; plain JSON.

    Attributes:
        file: The submission's Python file.
        environment: Name of the environment.
        folder: The project's Python files, for an environment of its own.
        first_seed: Of the first episode.
        n: Episodes; of a game, with the opponents in turn on both sides.
        opponents: Of a game; "itself" is one of them.
        step_limit: Seconds that an action may take.
        by_kaggle: Whether kaggle-environments is to play.
    """

    file: str
    environment: str
    folder: str
    first_seed: int
    n: int
    opponents: tuple[str, ...]
    step_limit: float
    by_kaggle: bool


def main() -> None:
    """Read a request, play, write the result."""
    request = Request(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    Path(RESULT).write_text(json.dumps(judge(request)), encoding="utf-8")


def judge(request: Request) -> dict[str, Any]:
    """Play what is asked for.

    Returns:
        engine (who played), episodes (list of seed, opponent, score, steps, slowest), fault ("" or the first thing that
        is wrong, with its place and observation).
    """
    content: dict[str, Any] = {"engine": "aicomp", "episodes": [], "fault": ""}
    try:
        if request.by_kaggle:
            content["engine"], episodes = _by_kaggle(request)
        else:
            arena = Arena(request.environment, Path(request.folder))
            # Each game of a program begins it anew, as Kaggle does; between episodes of an environment it lives on.
            act = load_agent(Path(request.file))
            episodes = play(
                arena, act, request.first_seed, request.n,
                opponents=request.opponents, step_limit=request.step_limit,
            )  # fmt: skip
    except IllegalActionError as e:
        seen = observation_text(e.observation)
        content["fault"] = f"it {e.reason} ({place_text(e.episode)}) for the observation {seen}"
    except AicompError as e:
        content["fault"] = e.message
    else:
        content["episodes"] = [{k: v for k, v in asdict(e).items() if k != "frames"} for e in episodes]
    return content


def load_agent(path: Path) -> Act:
    """The last thing in a Python file that can be called, as Kaggle finds it; the file does not know its own name.

    Raises:
        DataError: It fails, or holds nothing that can be called.
    """
    names: dict[str, Any] = {"__name__": "submission"}
    folder = str(path.parent)
    sys.path.insert(0, folder)
    try:
        exec(compile(path.read_text(encoding="utf-8"), "submission", "exec"), names)
    except Exception as e:  # it is somebody's own code
        raise DataError(f"`{path.name}` fails when it is read: {type(e).__name__}: {e}", "correct it") from e
    finally:
        sys.path.remove(folder)
    found = [value for name, value in names.items() if callable(value) and name != "__builtins__"]
    if not found:
        raise DataError(f"`{path.name}` holds no function", "end it with `def agent(observation, configuration): ...`")
    return _with_fitting_arguments(found[-1])


def _with_fitting_arguments(function: Callable[..., Any]) -> Act:
    """Kaggle hands a function as many of observation and configuration as it takes."""
    code = getattr(function, "__code__", None)
    n = 2 if code is None else code.co_argcount
    return function if n >= 2 else lambda observation, configuration: function(*(observation,)[:n])


def _by_kaggle(request: Request) -> tuple[str, list[Episode]]:
    """Have kaggle-environments play the games.

    Raises:
        IllegalActionError: The agent failed, was too slow, or moved as it must not.
    """
    from importlib.metadata import version

    from kaggle_environments import make

    name = request.environment.partition(":")[2]
    episodes = []
    for i in range(request.n):
        opponent, side = request.opponents[i // 2 % len(request.opponents)], i % 2
        episode = Episode(request.first_seed + i, f"{opponent}, moving {'second' if side == 0 else 'first'}")
        other = request.file if opponent == "itself" else opponent
        random.seed(episode.seed)  # its opponents draw from this generator
        game = make(name, debug=False)
        began = time.perf_counter()
        steps = game.run([request.file, other] if side == 0 else [other, request.file])
        episode.slowest = (time.perf_counter() - began) / max(1, len(steps))  # of both, on average
        last = steps[-1][side]
        episode.steps = sum(step[side]["status"] == "ACTIVE" for step in steps)
        if last["status"] != "DONE":
            seen = dict(steps[max(0, len(steps) - 2)][0]["observation"], mark=side + 1)
            said = {"ERROR": "failed", "INVALID": "made a move that is not allowed", "TIMEOUT": "was too slow"}
            reason = f"{said.get(last['status'], last['status'])}: action `{last['action']!r}`"
            raise IllegalActionError(reason, seen, episode)
        episode.score = {1: 1.0, 0: 0.5}.get(last["reward"], 0.0)
        episodes.append(episode)
    return f"kaggle-environments {version('kaggle-environments')}", episodes


if __name__ == "__main__":
    main()
