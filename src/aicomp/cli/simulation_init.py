"""`aicomp init` of a simulation that is not embedded: there is nothing to download and nothing to infer."""

from pathlib import Path
from typing import TYPE_CHECKING

from aicomp.errors import UsageError

if TYPE_CHECKING:
    from aicomp.contract import Given
    from aicomp.scaffold import Created


def is_new_simulation(source: str, template: str | None, environment: str | None) -> bool:
    """Whether a source is the name of a simulation that the options describe.

    Raises:
        UsageError: The options contradict each other or the source.
    """
    from aicomp import catalogue
    from aicomp.scaffold import SIMULATION_TEMPLATE

    if environment is not None and template not in (None, SIMULATION_TEMPLATE):
        raise UsageError(
            f"`--environment` is for simulations, and `--template {template}` is for rows", "leave out one of them"
        )
    if source in catalogue.names():
        if environment is not None:
            raise UsageError(
                f"`--environment` cannot be given for `{source}`: its contract is known",
                "leave it out, or edit competition.toml afterwards",
            )
        return False
    return environment is not None or template == SIMULATION_TEMPLATE


def new_simulation(
    slug: str, into: Path | None, environment: str | None, template: str | None, given: "Given", host: str | None
) -> "Created":
    """Make the project.

    Args:
        slug: Name of the simulation.
        into: Folder of the project.
        environment: Its environment.
        template: As given; the simulation template in any case.
        given: What else is said: a metric alone makes sense.
        host: A host in Kaggle's place.

    Raises:
        UsageError: There is no environment, or something was said that a simulation does not have.
    """
    from dataclasses import fields

    from aicomp.kaggle.endpoint import find_endpoint
    from aicomp.scaffold import create_simulation
    from aicomp.simulation.environments import GAMES

    if environment is None:
        raise UsageError(
            f"which environment is `{slug}`?",
            "add `--environment NAME`: CartPole-v1 or another one of Gymnasium, kaggle:connectx, or "
            "environment:LaneKeeping for the file of that name in the project",
        )
    said = [f.name for f in fields(given) if f.name != "metric" and getattr(given, f.name) != f.default]
    if said:
        raise UsageError(
            f"`--{said[0].rstrip('_')}` is for competitions with files, not for a simulation", "leave it out"
        )
    metric = given.metric or ("win_rate" if environment in GAMES else "mean_return")
    return create_simulation(slug, into, environment, metric, find_endpoint(host).host)
