"""Which members are tried on some data, and why others are not."""

from aicomp.layout import Layout
from aicomp.portfolio.attempt import Attempt
from aicomp.portfolio.members import Member, missing_package
from aicomp.portfolio.variants import first_members
from aicomp.project import Project

_MOST_TOKENS = 40
"""Columns from which on attention between columns costs more than it brings."""


def plan(project: Project, layout: Layout, only: str | None) -> list[Attempt]:
    """The first members in their order; those that cannot be tried are dropped with the reason.

    Args:
        project: The project.
        layout: Its data.
        only: The one model that shall be tried, None for all.
    """
    attempts = [Attempt(member) for member in first_members(project, only=only)]
    for attempt in attempts:
        reason = None if only is not None else _reason_against(attempt.member, layout)
        if reason is not None:
            attempt.status, attempt.reason = "dropped", reason
    return attempts


def _reason_against(member: Member, layout: Layout) -> str | None:
    package = missing_package(member.model)
    if package is not None:
        return f"needs `{package}`: pip install 'aicomp[boost]'"
    if member.model == "ft-transformer":
        n_texts = sum(column.kind == "text" for column in layout.columns)
        if n_texts:
            return "its time grows with the columns, and a text counts as many"
        if len(layout.columns) > _MOST_TOKENS:
            return f"its time grows with the columns, and there are {len(layout.columns)}"
    return None
