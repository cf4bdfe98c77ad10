"""Which columns of a solution and of a submission are compared, and how they are read."""

from dataclasses import dataclass

from aicomp.boxes import Form
from aicomp.competition import Competition
from aicomp.metrics.base import ProblemType


@dataclass(frozen=True)
class Roles:
    """The part that each column plays in grading.

    Attributes:
        problem_type: See `Competition.problem_type`.
        id: Columns that name a row in both files; empty if rows belong together by position.
        target: Columns of the solution that hold the truth: the labels or values, or one 0/1 column per class.
        predictions: Columns of the submission that hold predictions; one per class for the probabilities of several
            classes, in the order of `labels`.
        labels: Labels in the order of the class codes, positive last of two; empty for values and 0/1 columns.
        form: Of strings of boxes, how both files write them; None for other strings.
        columns: Further columns of the solution that the metric reads: its name of them, and those of the solution.
    """

    problem_type: ProblemType
    id: tuple[str, ...]
    target: tuple[str, ...]
    predictions: tuple[str, ...]
    labels: tuple[str, ...] = ()
    form: Form | None = None
    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()


def contract_roles(competition: Competition) -> Roles:
    """The roles that a competition's contract gives the columns."""
    return Roles(
        problem_type=competition.row_problem,
        id=competition.id,
        target=competition.target,
        predictions=competition.prediction_columns,
        labels=competition.labels,
        form=None if competition.boxes is None else competition.boxes.form,
        columns=tuple((name, tuple(columns)) for name, columns in competition.metric_columns.items()),
    )
