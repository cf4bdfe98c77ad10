"""Which columns of a solution and of a submission are compared, and how they are read."""

from dataclasses import dataclass

from aicomp.boxes import Form
from aicomp.competition import Competition
from aicomp.errors import UsageError
from aicomp.metrics.base import Metric, ProblemType


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


def contract_roles(competition: Competition, metric: Metric | None = None) -> Roles:
    """The roles that a competition's contract gives the columns.

    Args:
        competition: The contract.
        metric: What scores. Where the contract is of a problem that aicomp cannot train, it says what is compared, and
            its parts are found by their names, or else in the order of the columns.

    Raises:
        UsageError: The metric is not for the contract's targets.
    """
    kind = competition.row_problem if metric is None else _problem(competition, metric)
    predictions = competition.prediction_columns
    if metric is not None and set(metric.parts) == set(predictions):
        predictions = metric.parts
    return Roles(
        problem_type=kind,
        id=competition.id,
        target=competition.target,
        predictions=predictions,
        labels=competition.labels or (("0", "1") if kind == "binary" else ()),
        form=None if competition.boxes is None else competition.boxes.form,
        columns=tuple((name, tuple(columns)) for name, columns in competition.metric_columns.items()),
    )


def _problem(competition: Competition, metric: Metric) -> ProblemType:
    """What is compared: the contract's problem type, or the only one of the metric that fits its targets."""
    if competition.problem_type != "other":
        fitting = metric.problem_types & {competition.problem_type}
    elif len(competition.target) == 1:
        fitting = metric.problem_types & {"regression", "string"} or metric.problem_types & {"binary"}
    else:
        fitting = metric.problem_types & {"multi-target"} or metric.problem_types & {"multilabel"}
    if not fitting:
        n = len(competition.target)
        targets = f" of {n} target{'' if n == 1 else 's'}" if competition.problem_type == "other" else ""
        raise UsageError(
            f"metric `{metric.name}` is for {', '.join(sorted(metric.problem_types))}, and `{competition.slug}` is "
            f"{competition.problem_type}{targets}",
            "`aicomp list metrics` shows what each is for",
        )
    return min(fitting)
