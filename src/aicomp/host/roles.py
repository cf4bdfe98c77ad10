"""Which columns of a hosted competition are compared, found in its solution and its sample submission."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from aicomp.data.reading import read_table
from aicomp.grading import Roles, TextTable, infer_roles, read_text_table
from aicomp.grading.metric_columns import find_metric_columns
from aicomp.host.solution import read_solution_table
from aicomp.labels import order_labels
from aicomp.metrics import Metric
from aicomp.metrics.base import ProblemType
from aicomp.suggest import unknown_name


def find_roles(
    train: Path | None,
    sample: Path,
    solution: Path,
    metric: Metric,
    *,
    id_columns: Sequence[str] = (),
    target: Sequence[str] = (),
    problem_type: str | None = None,
    encoding: str = "utf-8",
    columns: Mapping[str, Sequence[str]] | None = None,
) -> Roles:
    """Find the roles of the columns.

    Args:
        train: The train file, whose labels are all that can be predicted; None takes those of the solution.
        sample: The sample submission.
        solution: The hidden solution.
        metric: What scores submissions.
        id_columns: Columns that name a row; empty takes the solution's first.
        target: Columns to predict; empty takes all that solution and sample have in common.
        problem_type: See `Competition.problem_type`; None infers it.
        encoding: Of the tables' text.
        columns: Further columns of the solution that the metric reads, by its names of them; see `infer_roles`.

    Raises:
        UsageError: The metric is not defined for what the files hold, or the problem type is not known.
        DataError: A file cannot be read, or the columns do not fit together.
    """
    truth, _ = read_solution_table(solution, encoding)
    asked = read_text_table(sample, encoding=encoding)
    if target:
        ids = list(id_columns or truth.frame.columns[:1])
        truth.need_columns([*ids, *target])
        read = [c for _, names in find_metric_columns(truth, metric, columns or {}) for c in names]
        truth = replace(truth, frame=truth.frame[[*ids, *target, *read]])
    labels = _labels(train, truth, id_columns, metric, encoding)
    roles, _ = infer_roles(
        truth,
        _filled(asked, truth, labels, metric),
        metric,
        id_columns=id_columns,
        problem_type=_problem_type(problem_type),
        labels=labels,
        columns=columns,
    )
    return roles


def _labels(
    train: Path | None, truth: TextTable, id_columns: Sequence[str], metric: Metric, encoding: str
) -> list[str]:
    """Labels of train in the order of their codes, () where the metric takes none."""
    targets = [str(c) for c in truth.frame.columns if c not in (id_columns or truth.frame.columns[:1])]
    if metric.needs in ("value", "string") or len(targets) != 1 or train is None:
        return []
    frame = read_table(train, strings=targets, encoding=encoding)
    if targets[0] not in frame.columns:
        return []
    known = {*frame[targets[0]].dropna(), *truth.frame[targets[0]].dropna()}
    return order_labels(known)[0]


def _filled(asked: TextTable, truth: TextTable, labels: list[str], metric: Metric) -> TextTable:
    """The sample with one of the solution's labels in every row: what it holds is often a mere placeholder."""
    common = [c for c in asked.frame.columns[1:] if c in truth.frame.columns]
    if metric.needs != "label" or not labels or len(common) != 1:
        return asked
    truth.need_values(common[0])
    return replace(asked, frame=asked.frame.assign(**{common[0]: truth.frame[common[0]].iloc[0]}))


def _problem_type(name: str | None) -> ProblemType | None:
    known: tuple[ProblemType, ...] = get_args(ProblemType)
    for kind in known:
        if kind == name:
            return kind
    if name is not None:
        raise unknown_name("problem type", name, known)
    return None
