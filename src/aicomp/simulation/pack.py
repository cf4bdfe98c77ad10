"""From a run to a submission: one Python file that needs numpy alone, with the weights inside."""

import base64
import io
import json
import re
import textwrap
import zlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from safetensors.numpy import load_file

from aicomp.errors import UsageError
from aicomp.files import atomic_write, reading
from aicomp.run import Run
from aicomp.simulation.agents import LEARNED
from aicomp.simulation.config import PlayConfig, SimulationConfig
from aicomp.simulation.environments import Arena
from aicomp.simulation.project import Simulation

_PLAYER = Path(__file__).parent / "player"
_FILES = ("policy", "connect", "agent")
_LINE = 110  # signs of a line of encoded weights

_UNPACK = '''

def _unpack(text: str) -> dict[str, np.ndarray]:
    """The weights, from the text in which this file holds them."""
    import base64
    import io
    import zlib

    with np.load(io.BytesIO(zlib.decompress(base64.b64decode(text)))) as file:
        return {name: file[name] for name in file.files}

'''

_AGENT = '''

def agent(observation: Any, configuration: Any = None) -> Any:
    """What Kaggle calls: the last thing in this file that can be called."""
    return _act(observation, configuration)
'''


def agent_path(simulation: Simulation, run: Run) -> Path:
    """Where the submission of a run lies."""
    return simulation.folder / "submissions" / f"{run.id}.py"


def build_agent(simulation: Simulation, run: Run, play: PlayConfig | None = None) -> Path:
    """Write a run's agent as a file that plays by itself.

    Args:
        simulation: The project.
        run: A run of `aicomp train` that is done.
        play: How it thinks in a game; None as in the run, whose score was made with that.

    Returns:
        `submissions/<run-id>.py` in the project; it is not validated yet.

    Raises:
        UsageError: The run's agent is the project's own code.
        DataError: The run is damaged.
    """
    config = msgspec.convert(run.info["config"], SimulationConfig)
    if config.model.name != LEARNED:
        raise UsageError(
            f"run `{run.id}` is of the project's own agent `{config.model.name}`, whose file is yours",
            "write it as one file whose last function is `agent(observation, configuration)`; "
            "`aicomp submit --file FILE` validates and sends it",
        )
    arena = Arena(simulation.competition.environment, simulation.folder)
    spec = run.read("agent.json")["spec"]
    with reading(run.folder / "weights.safetensors"):
        weights = load_file(run.folder / "weights.safetensors")
    plays = "" if arena.rules is None else ", **json.loads(_PLAY)"
    make = "acting_alone" if arena.rules is None else "playing"
    parts = [
        f'"""Agent of run {run.id} for `{simulation.competition.slug}`, made by `aicomp submit`."""\n',
        "import json\n",
        *(_source(name) for name in _FILES),
        f"\n_SPEC = {json.dumps(spec)!r}\n",
        "" if arena.rules is None else f"_PLAY = {json.dumps(msgspec.to_builtins(play or config.play))!r}\n",
        _weights_text(weights),
        _UNPACK,
        f"\n_act = {make}(Policy(json.loads(_SPEC), _unpack(_WEIGHTS)){plays})\n",
        _AGENT,
    ]
    path = agent_path(simulation, run)
    atomic_write(path, "".join(parts))
    return path


def _source(name: str) -> str:
    """One of the files that play, without what it takes from the others: in a submission they are one file."""
    text = (_PLAYER / f"{name}.py").read_text(encoding="utf-8")
    text = re.sub(r"^from aicomp\.simulation\.player\.\w+ import .*\n", "", text, flags=re.MULTILINE)
    assert "import aicomp" not in text
    assert "from aicomp" not in text
    return f"\n# {name}\n{text}\n"


def _weights_text(weights: dict[str, np.ndarray]) -> str:
    file = io.BytesIO()
    arrays: dict[str, Any] = {name: np.asarray(array, np.float32) for name, array in weights.items()}
    np.savez(file, **arrays)
    text = base64.b64encode(zlib.compress(file.getvalue(), 9)).decode()
    lines = "\n".join(f'    "{line}"' for line in textwrap.wrap(text, _LINE))
    return f"_WEIGHTS = (\n{lines}\n)\n"
