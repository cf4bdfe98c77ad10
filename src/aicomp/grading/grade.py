"""The score of a submission: match the ids, turn strings into the arrays of the metric, call it."""

import re

import numpy as np

from aicomp.errors import DataError
from aicomp.grading.roles import Roles
from aicomp.grading.text_table import TextTable, match_ids
from aicomp.metrics.base import Metric


def grade(solution: TextTable, submission: TextTable, metric: Metric, roles: Roles) -> float:
    """Score a submission, in the metric's own unit.

    Args:
        solution: The truth.
        submission: The predictions; their rows may stand in any order.
        metric: What to compute. What it needs (labels, probabilities, values) is what the submission must hold.
        roles: Which columns are compared.

    Raises:
        DataError: A column is absent, the ids differ, a value is none that the metric takes, or the metric is not
            defined for these rows. The message names file, line, column and value.
    """
    solution.need_columns(roles.target)
    submission.need_columns(roles.predictions)
    rows = match_ids(solution, submission, roles.id)
    # In the order of the submission, so that an index in the metric's complaint is a row of the user's own file.
    y_true = true_array(solution, roles)[rows]
    y_pred = predicted_array(submission, roles, metric)
    try:
        return metric(y_true, y_pred)
    except ValueError as e:
        raise DataError(
            f"metric `{metric.name}` cannot score `{submission.name}`: {e}{_place(str(e), submission)}",
            f"correct `{submission.name}`, or choose another metric of `aicomp list metrics`",
        ) from e


def true_array(solution: TextTable, roles: Roles) -> np.ndarray:
    """Targets as the metric takes them; shapes as in `aicomp.metrics.base.Metric`.

    Raises:
        DataError: A field is blank, no label, or no number; of strings, a blank one is an empty string.
    """
    if roles.problem_type == "string":
        return solution.strings(roles.target[0])
    if not roles.labels:
        values = _columns(solution, roles.target)
        if roles.problem_type == "multilabel":
            return _whole(solution, roles.target, values)
        return values[:, 0] if roles.problem_type == "regression" else values
    if len(roles.target) == 1:
        return solution.codes(roles.target[0], roles.labels)
    values = _whole(solution, roles.target, _columns(solution, roles.target))
    wrong = values.sum(axis=1) != 1
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"{solution.place(row)}: {values[row].sum()} of the columns {', '.join(roles.target)} are 1, not one",
            "grade several labels per row with `--problem-type multilabel`",
        )
    codes: np.ndarray = values.argmax(axis=1).astype(np.int64)
    return codes


def predicted_array(submission: TextTable, roles: Roles, metric: Metric) -> np.ndarray:
    """Predictions as the metric takes them; shapes as in `aicomp.metrics.base.Metric`.

    Raises:
        DataError: A field is blank, no label, or no number.
    """
    if roles.problem_type == "string":
        return submission.strings(roles.predictions[0])
    if metric.needs == "label" and roles.labels:
        return submission.codes(roles.predictions[0], roles.labels)
    values = _columns(submission, roles.predictions)
    if metric.needs == "label" and roles.problem_type == "multilabel":
        return _whole(submission, roles.predictions, values)
    if roles.problem_type == "binary":
        return values[:, -1]
    return values[:, 0] if roles.problem_type == "regression" else values


def _columns(table: TextTable, columns: tuple[str, ...]) -> np.ndarray:
    return np.column_stack([table.numbers(column) for column in columns])


def _whole(table: TextTable, columns: tuple[str, ...], values: np.ndarray) -> np.ndarray:
    for k, column in enumerate(columns):
        table.refuse((values[:, k] != 0) & (values[:, k] != 1), column, "but a label is 0 or 1", "write 0 or 1")
    return values.astype(np.int64)


def _place(message: str, submission: TextTable) -> str:
    """The line that an index in a metric's complaint stands for."""
    match = re.search(r"`y_pred(?:\.sum\(axis=1\))?\[(\d+)", message)
    return "" if match is None else f" (line {submission.line(int(match[1]))})"
