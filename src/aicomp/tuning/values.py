"""Suggested values become a config, and a command that anybody can type."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from aicomp.config import Config
from aicomp.project import Project
from aicomp.toml_files import to_struct


def with_values(project: Project, values: Mapping[str, Any]) -> Project:
    """The project with some entries of its config replaced.

    Args:
        project: The project.
        values: By dotted key, such as "training.learning_rate".

    Raises:
        UsageError: A key that the config does not know, or a value of the wrong type.
    """
    tree: dict[str, Any] = msgspec.to_builtins(project.config)
    for key, value in values.items():
        *sections, name = key.split(".")
        at = tree
        for section in sections:
            at = at[section]
        at[name] = value
    return Project(project.folder, to_struct(tree, Config, "trial"), project.competition)


def command(overrides: Sequence[str], values: Mapping[str, Any]) -> str:
    """The `aicomp train` that trains the same.

    >>> command(["model.name=ridge"], {"model.params.penalty": 3.5, "training.optimizer": "lion"})
    'aicomp train --set model.name=ridge --set model.params.penalty=3.5 --set training.optimizer=lion'
    """
    entries = [*overrides, *(f"{key}={as_toml(value)}" for key, value in values.items())]
    return " ".join(["aicomp train", *(f"--set {shlex.quote(entry)}" for entry in entries)])


def as_toml(value: Any) -> str:
    """A string, number, true or false as `--set` reads it.

    >>> as_toml(True), as_toml(1e-05), as_toml("mish"), as_toml("1.5")
    ('true', '1e-05', 'mish', '"1.5"')
    """
    if not isinstance(value, str):
        return json.dumps(value)
    plain = value.replace("-", "").replace("_", "").isalpha() and value not in ("true", "false", "inf", "nan")
    return value if plain else json.dumps(value)


def short(values: Mapping[str, Any]) -> str:
    """Values for a line of a table, each by the last part of its key.

    >>> short({"training.learning_rate": 0.003, "model.params.d_block": 128})
    'learning_rate=0.003 d_block=128'
    """
    return " ".join(f"{key.rsplit('.', 1)[-1]}={as_toml(value)}" for key, value in values.items())
