"""The score of a submission: match the ids, turn strings into the arrays of the metric, call it."""

import re
from dataclasses import dataclass

import numpy as np

from aicomp.errors import DataError
from aicomp.grading.boxes import in_own_form
from aicomp.grading.metric_columns import metric_arrays
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
    return score_rows(read_rows(solution, submission, metric, roles), solution, submission, metric, roles)


@dataclass(frozen=True)
class Rows:
    """What a metric is called with, in the order of the submission.

    Attributes:
        y_true: Targets; shapes as in `aicomp.metrics.base.Metric`.
        y_pred: Predictions.
        columns: Further columns of the solution, by the metric's names of them.
    """

    y_true: np.ndarray
    y_pred: np.ndarray
    columns: dict[str, np.ndarray]

    def take(self, rows: np.ndarray) -> "Rows":
        """Some of the rows, by number."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return Rows(self.y_true[rows], self.y_pred[rows], columns)


def read_rows(solution: TextTable, submission: TextTable, metric: Metric, roles: Roles) -> Rows:
    """Match the ids and read what the metric takes; see `grade`."""
    solution.need_columns(roles.target)
    submission.need_columns(roles.predictions)
    rows = match_ids(solution, submission, roles.id)
    # In the order of the submission, so that an index in the metric's complaint is a row of the user's own file.
    y_true = true_array(solution, roles)[rows]
    columns = {name: values[rows] for name, values in metric_arrays(solution, roles, metric).items()}
    return Rows(y_true, predicted_array(submission, roles, metric), columns)


def score_rows(rows: Rows, solution: TextTable, submission: TextTable, metric: Metric, roles: Roles) -> float:
    """Score the rows of a submission; see `grade`."""
    try:
        return metric(rows.y_true, rows.y_pred, **rows.columns)
    except ValueError as e:
        place, at_fault = _place(str(e), solution, submission, roles)
        raise DataError(
            f"metric `{metric.name}` cannot score `{submission.name}`: {e}{place}",
            f"correct `{at_fault}`, or choose another metric of `aicomp list metrics`",
        ) from e


def true_array(solution: TextTable, roles: Roles) -> np.ndarray:
    """Targets as the metric takes them; shapes as in `aicomp.metrics.base.Metric`.

    Raises:
        DataError: A field is blank, no label, or no number; of strings, a blank one is an empty string.
    """
    if roles.problem_type == "string":
        column = roles.target[0]
        return solution.strings(column) if roles.form is None else in_own_form(solution, column, roles.form)
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
        column = roles.predictions[0]
        return submission.strings(column) if roles.form is None else in_own_form(submission, column, roles.form)
    if metric.needs == "label" and roles.labels:
        return submission.codes(roles.predictions[0], roles.labels)
    values = _columns(submission, roles.predictions)
    if metric.parts:
        return values
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


def _place(message: str, solution: TextTable, submission: TextTable, roles: Roles) -> tuple[str, str]:
    """Line and column that an index in a metric's complaint stands for, and the name of the table that holds them."""
    match = re.search(r"`(\w+)(?:\.sum\(axis=1\))?\[(\d+)(?:, (\d+))?\]", message)
    columns = {"y_true": roles.target, "y_pred": roles.predictions, **dict(roles.columns)}
    if match is None or match[1] not in columns:
        return "", submission.name
    row, names = int(match[2]), columns[match[1]]
    where = f"column `{names[int(match[3])]}`" if match[3] and int(match[3]) < len(names) else _listed(names)
    if match[1] == "y_pred":
        return f" (line {submission.line(row)}, {where})", submission.name
    row = int(match_ids(solution, submission, roles.id)[row])
    return f" ({solution.place(row)}, {where})", solution.name


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:4]) + (" ..." if len(names) > 4 else "")
    return f"column{'' if len(names) == 1 else 's'} {shown}"
