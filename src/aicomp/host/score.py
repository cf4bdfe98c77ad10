"""The public and the private score of one submission, or what is wrong with it, in words for the team."""

from pathlib import Path
from typing import Any

import numpy as np

from aicomp.archives import check_packed
from aicomp.errors import DataError
from aicomp.grading import Roles, TextTable, grade, match_ids, read_text_table
from aicomp.grading.grade import predicted_array
from aicomp.host.solution import Solution, take_rows
from aicomp.metrics import Metric, get_metric

_PREFIX = "Evaluation Exception: "
_MOST_CHARACTERS = 500


def score_submission(job: dict[str, Any], solution: Solution, roles: Roles) -> dict[str, Any]:
    """Grade a job, see `grade_job`.

    Returns:
        `{"public", "private"}`, `{"error"}` for the team, or `{"fault"}` for whoever runs the host.
    """
    folder = Path(job["folder"])
    metric = get_metric(job["metric"], folder if ":" in job["metric"] else None)
    path = Path(job["submission"])
    try:
        public, private = _grade(path, job, solution, metric, roles)
    except DataError as e:
        # The solution was checked when the host started: what a metric says of it could quote hidden values.
        hidden = ("y_true", *(f"`{column.name}" for column in metric.columns))
        if any(name in e.message for name in hidden) or f"`{solution.table.name}` line" in e.message:
            return {"fault": e.message}
        # The team's own name for its file comes last: it may be any, such as that of the solution.
        message = e.message.replace(f"`{path.name}`", f"`{job['file_name']}`").replace(str(path), job["file_name"])
        return {"error": f"{_PREFIX}{message}"[:_MOST_CHARACTERS]}
    except MemoryError:
        return {"error": f"{_PREFIX}Submission needs too much memory"}
    return {"public": public, "private": private}


def _grade(path: Path, job: dict[str, Any], solution: Solution, metric: Metric, roles: Roles) -> tuple[float, float]:
    submission = _read(path, job)
    wanted = [*roles.id, *roles.predictions]
    missing = [c for c in wanted if c not in submission.frame.columns]
    if missing:
        raise DataError(f"Submission must have the columns {', '.join(wanted)}: `{missing[0]}` is missing")
    if len(submission) != len(solution.table):
        raise DataError(f"Submission must have {len(solution.table)} rows, it has {len(submission)}")
    rows = match_ids(solution.table, submission, roles.id)
    predicted_array(submission, roles, metric)
    scores = []
    # First all rows together: a complaint about the public ones alone would tell which rows they are.
    for counts in (solution.public | solution.private, solution.public, solution.private):
        mine = take_rows(submission, np.flatnonzero(counts[rows]))
        scores.append(grade(solution.part(counts), mine, metric, roles))
    return scores[1], scores[2]


def _read(path: Path, job: dict[str, Any]) -> TextTable:
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            raise DataError("Submission must be a CSV file, and this is Parquet")
    check_packed(path)
    return read_text_table(path, encoding=job["encoding"])
