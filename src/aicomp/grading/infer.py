"""Find out what the columns of two files mean when there is no contract that says so."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aicomp.errors import DataError, UsageError
from aicomp.grading.metric_columns import find_metric_columns
from aicomp.grading.roles import Roles
from aicomp.grading.text_table import TextTable
from aicomp.labels import order_labels, same_label, with_positive
from aicomp.metrics.base import Metric, ProblemType


def infer_roles(
    solution: TextTable,
    submission: TextTable,
    metric: Metric,
    *,
    id_columns: Sequence[str] = (),
    problem_type: ProblemType | None = None,
    labels: Sequence[str] = (),
    positive: str | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Roles, list[str]]:
    """Say which columns are compared, and how.

    Args:
        solution: The truth.
        submission: The predictions.
        metric: What they are to be scored with.
        id_columns: Columns that name a row; empty takes the solution's first column, if the submission has it.
        problem_type: What is predicted; None infers it from the metric, the columns and the labels.
        labels: Labels in the order of the class codes; empty sorts those of the files.
        positive: The positive one of two labels; None takes it from the labels.
        columns: Which columns of the solution the metric reads beside the targets, by its own names of them; those that
            are not said are called as the metric calls them.

    Returns:
        The roles, and what was assumed on the way, as sentences for people.

    Raises:
        UsageError: The metric is not defined for what the files hold, or an option contradicts them.
        DataError: The files have no columns in common that could be compared.
    """
    ids = _id_columns(solution, submission, id_columns)
    read = find_metric_columns(solution, metric, columns or {})
    rest = replace(solution, frame=solution.frame.drop(columns=[c for _, names in read for c in names]))
    if metric.parts:
        roles = _parts_role(ids, rest, submission, metric, problem_type, labels, positive)
        return replace(roles, columns=read), []
    roles, notes = _infer(rest, submission, metric, ids, problem_type, labels, positive)
    return replace(roles, columns=read), notes


def _infer(
    solution: TextTable,
    submission: TextTable,
    metric: Metric,
    ids: tuple[str, ...],
    problem_type: ProblemType | None,
    labels: Sequence[str],
    positive: str | None,
) -> tuple[Roles, list[str]]:
    target, predictions, notes = _compared(solution, submission, ids, metric)
    if metric.needs == "string":
        return _strings_role(ids, target, predictions, metric, problem_type, labels, positive), notes
    # Several columns that both files have are numbers, or one 0/1 column per label, unless the user says: per class.
    per_class = len(target) > 1 and problem_type in ("binary", "multiclass")
    if metric.needs == "value" or problem_type == "regression" or (len(target) > 1 and not per_class):
        _refuse_label_options(labels, positive, metric, target)
        kind = problem_type or _kind_of_numbers(metric, len(target))
        _check_metric(metric, kind)
        if (kind == "regression") != (len(target) == 1):
            raise UsageError(
                f"`--problem-type {kind}` does not fit the columns to compare: {', '.join(target)}",
                "leave `--problem-type` out, or correct it",
            )
        return Roles(kind, ids, target, predictions), notes
    if per_class:
        ordered, reason = list(labels or target), ""
    else:
        ordered, reason = _labels(solution, submission, target[0], predictions, metric, labels, positive)
    kind = problem_type or ("binary" if len(ordered) == 2 else "multiclass")
    two_are_meant = metric.problem_types == {"binary"} or _is_binary(solution, target[0])
    if len(ordered) != 2 and (kind == "binary" or (two_are_meant and not labels and problem_type is None)):
        raise _not_binary(solution, submission, target[0], ordered, metric)
    _check_metric(metric, kind)
    if kind == "binary" and reason and not labels and positive is None:
        notes.append(f"the positive class is `{ordered[-1]}` ({reason}); `--positive` chooses another")
    if metric.needs == "probability":
        has_order = per_class or bool(labels)
        predictions = _of_classes(submission, predictions, ordered, kind, has_order=has_order)
    return Roles(kind, ids, target, predictions, tuple(ordered)), notes


def _parts_role(
    ids: tuple[str, ...],
    solution: TextTable,
    submission: TextTable,
    metric: Metric,
    problem_type: ProblemType | None,
    labels: Sequence[str],
    positive: str | None,
) -> Roles:
    """One target beside predictions of several columns: by the metric's names of them, else in their order."""
    target = tuple(str(c) for c in solution.frame.columns if c not in ids)
    predictions = tuple(str(c) for c in submission.frame.columns if c not in ids)
    _refuse_label_options(labels, positive, metric, target)
    _check_metric(metric, problem_type or "regression")
    if len(target) != 1:
        raise UsageError(
            f"metric `{metric.name}` has one target, and `{solution.name}` has {len(target)} columns beside the ids: "
            f"{', '.join(target)}",
            "remove the other columns, or name them as ids with `--id`",
        )
    if len(predictions) != len(metric.parts):
        shown = ", ".join(metric.parts[:4]) + (" ..." if len(metric.parts) > 4 else "")
        raise DataError(
            f"`{submission.name}` has {len(predictions)} column{'' if len(predictions) == 1 else 's'} beside the ids, "
            f"and `{metric.name}` takes {len(metric.parts)}: {shown}",
            "write each part of a prediction into a column of its own",
        )
    return Roles("regression", ids, target, metric.parts if set(predictions) == set(metric.parts) else predictions)


def _strings_role(
    ids: tuple[str, ...],
    target: tuple[str, ...],
    predictions: tuple[str, ...],
    metric: Metric,
    problem_type: ProblemType | None,
    labels: Sequence[str],
    positive: str | None,
) -> Roles:
    _refuse_label_options(labels, positive, metric, target)
    _check_metric(metric, problem_type or "string")
    if len(target) != 1:
        raise UsageError(
            f"metric `{metric.name}` compares one column of strings, and there are {len(target)}: {', '.join(target)}",
            "remove the other columns, or name them as ids with `--id`",
        )
    return Roles("string", ids, target, predictions)


def _kind_of_numbers(metric: Metric, n_columns: int) -> ProblemType:
    if metric.needs != "value":
        return "multilabel"
    return "regression" if n_columns == 1 else "multi-target"


def _refuse_label_options(labels: Sequence[str], positive: str | None, metric: Metric, target: tuple[str, ...]) -> None:
    if not labels and positive is None:
        return
    option = "--labels" if labels else "--positive"
    if metric.needs in ("value", "string"):
        raise UsageError(
            f"`{option}` names classes, but metric `{metric.name}` takes {metric.needs}s", f"leave `{option}` out"
        )
    raise UsageError(
        f"`{option}` names classes, but {', '.join(target)} are taken as one 0/1 column per label",
        f"leave `{option}` out, or add `--problem-type multiclass` if one of them is 1 in each row",
    )


def _id_columns(solution: TextTable, submission: TextTable, asked: Sequence[str]) -> tuple[str, ...]:
    if asked:
        solution.need_columns(asked)
        submission.need_columns(asked)
        return tuple(asked)
    first = str(solution.frame.columns[0])
    if first not in submission.frame.columns:
        common = [str(c) for c in solution.frame.columns if c in submission.frame.columns]
        raise DataError(
            f"`{submission.name}` has no column `{first}`, the first of `{solution.name}`, to match the rows by",
            f"name the id with `--id {common[0]}`" if common else "the two have no column in common; rename the ids",
        )
    return (first,)


def _compared(
    solution: TextTable, submission: TextTable, ids: tuple[str, ...], metric: Metric
) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Target columns of the solution, prediction columns of the submission, and what is left out."""
    truth = [str(c) for c in solution.frame.columns if c not in ids]
    predicted = [str(c) for c in submission.frame.columns if c not in ids]
    for table, columns in ((solution, truth), (submission, predicted)):
        if not columns:
            raise DataError(f"`{table.name}` has no column besides the ids {', '.join(ids)}", "name others with `--id`")
    common = [c for c in truth if c in predicted]
    if common:
        foreign = [c for c in predicted if c not in common]
        if foreign:
            raise DataError(
                f"`{submission.name}` has the column `{foreign[0]}`, which `{solution.name}` lacks",
                f"remove it; the columns to compare are {', '.join(common)}",
            )
        left = [c for c in truth if c not in common]
        notes = [f"not compared: {', '.join(left)} of `{solution.name}`"] if left else []
        return tuple(common), tuple(common), notes
    if len(truth) == 1 and len(predicted) > 1 and metric.needs == "probability":
        return tuple(truth), tuple(predicted), []
    raise DataError(
        f"`{submission.name}` has none of the columns to compare of `{solution.name}`: {', '.join(truth)}",
        f"rename its columns; they are {', '.join(predicted)}",
    )


def _labels(
    solution: TextTable,
    submission: TextTable,
    target: str,
    predictions: tuple[str, ...],
    metric: Metric,
    asked: Sequence[str],
    positive: str | None,
) -> tuple[list[str], str]:
    """Labels in the order of their codes, and the reason for it."""
    solution.need_values(target)
    labels, reason = order_labels(solution.frame[target])
    if metric.needs == "label":
        submission.need_values(predictions[0])
        _check_spelling(submission, predictions[0], labels)
        labels, reason = order_labels([*labels, *submission.frame[predictions[0]].unique()])
    if len(set(asked)) != len(asked):
        raise UsageError(f"`--labels` names a label twice: {_listed(asked)}", "name each label once")
    if asked:
        labels, reason = list(asked), "as `--labels` says"
    if positive is not None:
        if positive not in labels or len(labels) != 2:
            raise UsageError(
                f"`--positive {positive}`: the labels are {_listed(labels)}",
                "name one of two labels, spelled as in the file",
            )
        labels, reason = with_positive(labels, positive), "as `--positive` says"
    return labels, reason


def _check_spelling(submission: TextTable, column: str, labels: list[str]) -> None:
    """Refuse "true" where the solution says "True", and labels none of which the solution has.

    Taken for classes of their own, every such row would be wrong, and the score 0 without a word.
    """
    values = list(submission.frame[column].unique())
    foreign = [value for value in values if value not in labels]
    for value in foreign:
        meant = next((label for label in labels if same_label(value, label)), None)
        if meant is not None or len(foreign) == len(values):
            bad = (submission.frame[column] == value).to_numpy()
            known = f"the solution's labels are {_listed(labels)}"
            why = f"but the solution spells it `{meant}`" if meant is not None else f"but {known}"
            submission.refuse(bad, column, why, f"write `{meant}`" if meant is not None else "write one of them")


def _is_binary(solution: TextTable, target: str) -> bool:
    return solution.frame[target].nunique() == 2


def _not_binary(
    solution: TextTable, submission: TextTable, target: str, labels: list[str], metric: Metric
) -> DataError | UsageError:
    known = sorted(set(solution.frame[target]))
    foreign = [label for label in labels if label not in known]
    if len(known) == 2 and foreign and target in submission.frame.columns:
        row = int((submission.frame[target] == foreign[0]).to_numpy().argmax())
        return DataError(
            f"{submission.place(row)}: `{target}` is `{foreign[0]}`, but the solution's labels are {_listed(known)}",
            "write one of them; if there are more than two classes, add `--problem-type multiclass`",
        )
    return UsageError(
        f"`{metric.name}` needs two classes, and `{target}` has {len(labels)}: {_listed(labels)}",
        "`aicomp list metrics` shows those for several classes",
    )


def _of_classes(
    submission: TextTable, columns: tuple[str, ...], labels: list[str], kind: ProblemType, *, has_order: bool
) -> tuple[str, ...]:
    """The prediction columns in the order of the labels."""
    if kind == "binary" and len(columns) == 1:
        return columns
    if len(columns) != len(labels):
        raise DataError(
            f"`{submission.name}` has {len(columns)} columns of probabilities for {len(labels)} classes",
            f"name every class in the order of the columns with `--labels`; the solution has {_listed(labels)}",
        )
    if set(columns) == set(labels):
        return tuple(labels)
    if has_order:
        return columns
    by_ending = {label: [c for c in columns if c.endswith(label)] for label in labels}
    prefixes = {c[0].removesuffix(label) for label, c in by_ending.items() if len(c) == 1}
    if all(len(c) == 1 for c in by_ending.values()) and len(prefixes) == 1:
        return tuple(by_ending[label][0] for label in labels)
    raise DataError(
        f"the columns of `{submission.name}` ({', '.join(columns)}) are not named like the labels {_listed(labels)}",
        f"give the labels in the order of the columns: `--labels {','.join(labels)}`",
    )


def _check_metric(metric: Metric, kind: ProblemType) -> None:
    if kind not in metric.problem_types:
        raise UsageError(
            f"metric `{metric.name}` is for {', '.join(sorted(metric.problem_types))}, and this is {kind}",
            "`aicomp list metrics` shows what each is for",
        )


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(f"`{label}`" for label in labels[:20]) + (" ..." if len(labels) > 20 else "")
