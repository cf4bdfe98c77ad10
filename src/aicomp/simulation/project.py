"""The other kind of project: one on a simulation. `open_project` is the place that tells the two apart."""

from dataclasses import dataclass
from pathlib import Path

from aicomp.competition import Competition, load_competition
from aicomp.errors import UsageError
from aicomp.project import CONFIG_FILE, AnyProject, Project, contract_path, require_root
from aicomp.simulation.config import SimulationConfig
from aicomp.toml_files import apply_overrides, read_toml, to_struct


@dataclass(frozen=True)
class Simulation(AnyProject):
    """A project with an environment instead of data.

    Attributes:
        folder: Absolute path of the project.
        config: `aicomp.toml` with overrides applied.
        competition: The contract.
    """

    folder: Path
    config: SimulationConfig
    competition: Competition

    @classmethod
    def open(cls, folder: Path | None = None, overrides: list[str] | None = None) -> "Simulation":
        """Open the project in `folder`, or the one that the current directory lies in.

        Raises:
            UsageError: No project there, its config or contract is wrong, or it is on rows.
        """
        root = require_root(folder)
        competition = load_competition(contract_path(root))
        if not competition.is_simulation:
            raise UsageError(f"`{root}` is a project on rows, and no simulation", "open it as `aicomp.Project`")
        tree = read_toml(root / CONFIG_FILE)
        apply_overrides(tree, overrides or [])
        config = to_struct(tree, SimulationConfig, CONFIG_FILE)
        _check(config)
        return cls(root, config, competition)


def open_project(folder: Path | None = None, overrides: list[str] | None = None) -> Project | Simulation:
    """Open a project of either kind, as its contract says; arguments and errors are those of `Project.open`."""
    root = require_root(folder)
    kind = Simulation if load_competition(contract_path(root)).is_simulation else Project
    return kind.open(root, overrides)


def _check(config: SimulationConfig) -> None:
    """Refuse numbers that cannot be meant.

    Raises:
        UsageError: One is out of its range.
    """
    training, evaluation = config.training, config.evaluation
    at_least = {
        "training.seeds": (training.seeds, 1),
        "training.evaluations": (training.evaluations, 1),
        "evaluation.episodes": (evaluation.episodes, 2),
        "evaluation.selection": (evaluation.selection, 1),
        "play.depth": (config.play.depth, 0),
        **{
            f"training.{name}": (value, 1)
            for name in ("steps", "n_environments", "rollout", "epochs", "batch_size")
            if (value := getattr(training, name)) != "auto"
        },
    }
    for name, (value, least) in at_least.items():
        if value < least:
            raise UsageError(f"`{name}` is {value}", f"give a whole number of at least {least}")
    shares = {
        "training.gamma": training.gamma,
        "training.gae_lambda": training.gae_lambda,
        "training.clip": training.clip,
    }
    for name, share in shares.items():
        if share != "auto" and not 0 <= share <= 1:
            raise UsageError(f"`{name}` is {share}", "give a number from 0 to 1")
    if not evaluation.opponents:
        raise UsageError("`evaluation.opponents` is empty", 'name some, such as `opponents = ["random", "negamax"]`')
