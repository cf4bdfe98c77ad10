"""The short form that `aicomp train` makes before it trains: cheap checks on what the run has laid out."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from aicomp.project import Project
from aicomp.run import Run
from aicomp.validation.finding import Finding, Outcome, by_severity
from aicomp.validation.row_twins import check_rows
from aicomp.validation.split_mirror import check_split
from aicomp.validation.subject import Subject
from aicomp.validation.target_columns import check_columns

CHECK_FILE = "check.json"
"""In a run's folder: what the short form found."""

_SECONDS = 1.0
_MOST_ROWS = 5_000
_MOST_CELLS = 4_000_000


def check_run(project: Project, run: Run, clock: Callable[[], float] = time.monotonic) -> list[Finding]:
    """Make the cheap checks of a run that is laid out, and write `check.json` into it.

    After a second no further one is begun. Neither data nor random numbers of the training are touched.

    Args:
        project: The project.
        run: Its run, not yet trained.
        clock: Tells the time.
    """
    began = clock()
    subject = Subject.of_run(project, run)
    checks: dict[str, Callable[[Subject], Outcome]] = {
        "splitter": check_split,
        "columns": partial(check_columns, most=_MOST_ROWS),
        "rows": partial(check_rows, most_cells=_MOST_CELLS, near=False),
    }
    findings: list[Finding] = []
    skipped = []
    for name, check in checks.items():
        if clock() - began > _SECONDS:
            skipped.append(name)
            continue
        findings += check(subject).findings
    findings = by_severity(findings)
    content: dict[str, Any] = {
        "findings": [finding.to_dict() for finding in findings],
        "skipped": skipped,
        "seconds": round(clock() - began, 2),
    }
    run.write(CHECK_FILE, content)
    return findings


def short_lines(findings: list[Finding]) -> list[str]:
    """A line for each finding that is medium or high.

    >>> short_lines([Finding("a", "high", "Bad", ""), Finding("b", "low", "Fine", "")])
    ['check: high: Bad; see `aicomp check`']
    """
    return [f"check: {f.severity}: {f.title}; see `aicomp check`" for f in findings if f.severity in ("high", "medium")]
