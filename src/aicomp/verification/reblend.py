"""Blend the members of a blend again."""

from pathlib import Path

import msgspec

from aicomp.competition import Competition
from aicomp.config import Config
from aicomp.ensemble.blending import blend
from aicomp.ensemble.methods import Options
from aicomp.errors import UsageError
from aicomp.project import Project
from aicomp.run import Run


def blend_again(folder: Path, run: Run) -> Run:
    """Make a blend once more of its members, by the method that it took.

    Args:
        folder: The stand-in of its project.
        run: The blend.

    Raises:
        UsageError: A member is gone.
    """
    info, details = run.info, run.info["blend"]
    members = [Run(run.folder.parent / str(member["run"])) for member in details["members"]]
    gone = [member.id for member in members if not member.is_done]
    if gone:
        raise UsageError(
            f"blend `{run.id}` cannot be made again: its member `{gone[0]}` is gone", "verify one of its members"
        )
    config = msgspec.convert(info["config"], Config)
    project = Project(folder, config, msgspec.convert(info["competition"], Competition))
    options = Options(nonnegative=details["nonnegative"], n_bags=details["n_bags"])
    return blend(project, members, details["method"], options).run
