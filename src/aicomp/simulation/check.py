"""A submission is played before it is sent: in a fresh process, without network, within the time that a move has."""

import importlib.util
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aicomp.archives import unpack_tar
from aicomp.errors import DataError
from aicomp.isolation import run_isolated
from aicomp.simulation.environments import Arena
from aicomp.simulation.project import Simulation
from aicomp.simulation.referee import RESULT, Request

STEP_SECONDS = 2.0
"""That an action may take: Kaggle's limit for connect-x. It gives a minute more for a whole game, which is not used."""

MEMORY_BYTES = 4 * 2**30
MOST_BYTES = 100 * 2**20
"""Kaggle's limit for the submission of a simulation."""

_MOST_UNPACKED = 2**30
_START_SECONDS = 120.0
_SECONDS_OF_EPISODE = 300.0
_MAIN = "main.py"


@dataclass(frozen=True)
class Played:
    """What came of playing a submission.

    Attributes:
        engine: Whose rules and opponents it were: "aicomp", or "kaggle-environments" with its version.
        isolation: What kept it from the network.
        episodes: A dict for each: seed, opponent, score, steps, slowest (seconds of an action).
    """

    engine: str
    isolation: str
    episodes: list[dict[str, Any]]


def check_agent(
    simulation: Simulation, file: Path, *, n: int, first_seed: int, opponents: Sequence[str], own_engine: bool = False
) -> Played:
    """Play a submission.

    Args:
        simulation: The project.
        file: A Python file whose last function is the agent, or a .tar.gz that holds such a `main.py`.
        n: Episodes.
        first_seed: Of the first one.
        opponents: Of a game; "itself" is one of them.
        own_engine: Whether not to ask kaggle-environments even where it is installed.

    Raises:
        DataError: It is no such file, fails, is too slow, or does what is not allowed; the first time that it does so
            is named, with the observation.
        AicompError: It cannot be played here.
    """
    size = file.stat().st_size
    if size > MOST_BYTES:
        raise DataError(f"`{file}` has {size:,} bytes, and {MOST_BYTES:,} are allowed", "make it smaller")
    arena = Arena(simulation.competition.environment, simulation.folder)
    package = importlib.util.find_spec("kaggle_environments") if arena.rules is not None and not own_engine else None
    with tempfile.TemporaryDirectory(prefix="aicomp-") as name:
        folder = Path(name) / "play"
        (folder / "project").mkdir(parents=True)
        for path in simulation.folder.glob("*.py"):
            shutil.copy(path, folder / "project")
        agent = _lay_out(file, folder)
        request = Request(
            file=str(agent),
            environment=arena.name,
            folder=str(folder / "project"),
            first_seed=first_seed,
            n=n,
            opponents=tuple(opponents),
            step_limit=STEP_SECONDS,
            by_kaggle=package is not None,
        )
        (folder / "request.json").write_text(json.dumps(asdict(request)), encoding="utf-8")
        return _play(file, folder, n, [] if package is None or package.origin is None else [package.origin])


def _play(file: Path, folder: Path, n: int, packages: Sequence[str]) -> Played:
    roots = [Path(origin).parent.parent for origin in packages]
    source = Path(__file__).parent.parent.parent
    log = folder.parent / "log"
    outcome = run_isolated(
        [sys.executable, "-P", "-m", "aicomp.simulation.referee", "request.json"],
        folder=folder,
        environment={
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": ":".join(str(place) for place in (source, *roots)),
        },
        seconds=_START_SECONDS + _SECONDS_OF_EPISODE * n,
        memory_bytes=MEMORY_BYTES,
        log=log,
        read_only=roots,
    )
    if outcome.timed_out or outcome.out_of_memory or outcome.code != 0 or not (folder / RESULT).is_file():
        words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-5:]
        why = "did not end" if outcome.timed_out else "ran out of memory" if outcome.out_of_memory else "broke off"
        raise DataError(f"`{file}` {why} while it was played\n{chr(10).join(words)}".rstrip(), "correct it")
    result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    if result["fault"]:
        raise DataError(f"`{file}`: {result['fault']}", "correct the agent, or train another one")
    return Played(result["engine"], outcome.isolation, result["episodes"])


def _lay_out(file: Path, folder: Path) -> Path:
    """Put a submission into the folder where it is played; the Python file that is the agent.

    Raises:
        DataError: It is neither Python nor a .tar.gz with a `main.py`.
    """
    if file.suffix == ".py":
        return Path(shutil.copy(file, folder / "submission.py"))
    if not file.name.endswith((".tar.gz", ".tgz")):
        raise DataError(f"`{file}` is neither a .py nor a .tar.gz", "name the file of an agent")
    unpack_tar(file, folder / "agent", _MOST_UNPACKED)
    if not (folder / "agent" / _MAIN).is_file():
        raise DataError(
            f"`{file}` holds no `{_MAIN}` on its top", f"pack `{_MAIN}` and what it needs, without a folder"
        )
    return folder / "agent" / _MAIN
