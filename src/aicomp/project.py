"""A project folder: its config, its competition, and the code that belongs to the user."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aicomp.about import refuse_untrainable, refuse_without_metric
from aicomp.competition import Competition, load_competition
from aicomp.config import Config, load_config
from aicomp.errors import UsageError
from aicomp.metrics import get_metric
from aicomp.registry import load_object
from aicomp.task import Task
from aicomp.toml_files import read_toml

if TYPE_CHECKING:
    import pandas as pd

CONFIG_FILE = "aicomp.toml"


def code_hash(folder: Path) -> str:
    """SHA-256 over the Python files of a folder: names and contents."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


class AnyProject:
    """What a project is whatever it is about: a folder with `aicomp.toml`, its contract, its code and its runs.

    Attributes:
        folder: Absolute path of the project.
        competition: The contract.
    """

    folder: Path
    competition: Competition

    @property
    def runs(self) -> Path:
        """Folder of the runs."""
        return self.folder / "runs"

    def code_hash(self) -> str:
        """SHA-256 over the project's Python files: names and contents."""
        return code_hash(self.folder)


@dataclass(frozen=True)
class Project(AnyProject):
    """A project on rows: with data, folds and predictions. One on a simulation is a `simulation.project.Simulation`.

    Attributes:
        folder: Absolute path of the project.
        config: `aicomp.toml` with overrides applied.
        competition: The contract.
    """

    folder: Path
    config: Config
    competition: Competition

    @classmethod
    def open(cls, folder: Path | None = None, overrides: list[str] | None = None) -> "Project":
        """Open the project in `folder`, or the one that the current directory lies in.

        Args:
            folder: The project's folder; None searches the current directory and its parents.
            overrides: `key=value` entries that win over `aicomp.toml`.

        Raises:
            UsageError: No project there, its config or contract is wrong, or it is on a simulation.
        """
        root = require_root(folder)
        competition = load_competition(contract_path(root))
        if competition.is_simulation:
            raise UsageError(
                f"`{root}` is a project on a simulation: it has no rows that this could work on",
                "`aicomp train`, `aicomp runs`, `aicomp submit` and `aicomp submissions` are for it",
            )
        config = load_config(root / CONFIG_FILE, overrides)
        return cls(root, config, load_competition(root / config.competition))

    @property
    def raw(self) -> Path:
        """Folder of the competition's files as they came."""
        return self.folder / "data" / "raw"

    @cached_property
    def task(self) -> Task:
        """The learning problem, with the metric looked up.

        Raises:
            UsageError: Unknown metric, or one that is not defined for this problem type.
        """
        competition = self.competition
        refuse_untrainable(competition.slug, competition.metric, competition.about)
        remedy = f'write `metric = "{{}}"` into `{self.config.competition}`'
        refuse_without_metric(competition.slug, competition.metric, competition.about, remedy)
        metric = get_metric(competition.metric, self.folder)
        if competition.problem_type not in metric.problem_types:
            fitting = ", ".join(sorted(metric.problem_types))
            raise UsageError(
                f"metric `{metric.name}` is for {fitting}, and this competition is {competition.problem_type}",
                f"correct `metric` or `problem_type` in `{self.config.competition}`",
            )
        if metric.why_graded_only:
            raise UsageError(
                f"metric `{metric.name}` grades files and cannot guide a training: {metric.why_graded_only}",
                f"write the nearest one that can be trained for as `metric` in `{self.config.competition}`, and grade "
                f"with `aicomp score SOLUTION SUBMISSION --metric {metric.name}`",
            )
        return Task(competition.row_problem, competition.labels, len(competition.target), metric)

    @cached_property
    def add_features(self) -> "Callable[[pd.DataFrame], pd.DataFrame] | None":
        """The project's feature function, None if the config names none."""
        reference = self.config.features.function
        if not reference:
            return None
        function: Callable[[Any], Any] = load_object(reference, self.folder)
        if not callable(function):
            raise UsageError(f"`{reference}` is no function", "set `function` under `[features]`")
        return function


def find_root(start: Path) -> Path | None:
    """The project that a folder lies in, None if it lies in none."""
    return next((folder for folder in (start, *start.parents) if (folder / CONFIG_FILE).is_file()), None)


def require_root(folder: Path | None) -> Path:
    """The project in `folder`; None takes the one that the current directory lies in.

    Raises:
        UsageError: No project there.
    """
    root = folder.resolve() if folder is not None else find_root(Path.cwd())
    if root is None:
        raise UsageError(
            f"`{Path.cwd()}` lies in no project: no `{CONFIG_FILE}` here or above", "run `aicomp init` to make one"
        )
    if not (root / CONFIG_FILE).is_file():
        raise UsageError(f"`{root}` is no project: it has no `{CONFIG_FILE}`", "run `aicomp init` to make one")
    return root


def contract_path(root: Path) -> Path:
    """Where the contract of a project lies: its config may name another file than the usual one."""
    name = read_toml(root / CONFIG_FILE).get("competition", "competition.toml")
    return root / (name if isinstance(name, str) else "competition.toml")
