"""What is learned: the problem type from the target's values and the metric, and the classes in their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import pandas as pd

from aicomp.contract.columns import Targets
from aicomp.contract.inquiry import Inquiry, listing
from aicomp.contract.strings import guess_metric, guess_transcript_metric, holds_language, holds_transcripts
from aicomp.contract.tables import RawTable, Tables
from aicomp.data.reading import line_numbers, parse_numbers
from aicomp.errors import DataError, UsageError
from aicomp.labels import order_labels
from aicomp.metrics import (
    BOX_METRICS,
    METRICS,
    Reading,
    canonical_name,
    get_metric,
    guess_metric_names,
    nearest_metrics,
    read_statement,
)
from aicomp.metrics.base import Metric, ProblemType
from aicomp.metrics.statement import UNKNOWN
from aicomp.suggest import unknown_name

MOST_CLASSES = 1000
"""Distinct values beyond which a column holds no class labels."""

MOST_LIKELY_CLASSES = 30
"""Distinct whole numbers up to which, without a metric, classes are likelier than amounts."""

_N_USUAL = 5

_BOXES: tuple[tuple[ProblemType, ...], str] = (("string",), "all boxes of an image are one string")


@dataclass(frozen=True)
class Problem:
    """What is learned and how it is scored; see `Competition` for the members."""

    problem_type: ProblemType
    labels: tuple[str, ...]
    metric: Metric


def find_problem(
    tables: Tables, targets: Targets, inquiry: Inquiry, *, has_boxes: bool = False, has_sounds: bool = False
) -> Problem:
    """Choose the problem type that fits the target's values and the metric.

    Args:
        tables: The competition's tables.
        targets: The columns to predict.
        inquiry: What is given, and told what is found.
        has_boxes: Whether the target is a string of boxes.
        has_sounds: Whether a column names sound files, in which the target may be spoken.

    Raises:
        UsageError: The metric is not given, or is none for such a target.
        DataError: The target holds nothing that can be learned.
    """
    train = tables.train
    values = train.values(targets.columns)
    wanted = _given_type(inquiry)
    types, shape = _BOXES if has_boxes else _possible_types(tables, values, targets, has_sounds=has_sounds)
    if wanted is not None:
        if targets.classes and wanted != "multiclass":
            raise UsageError(
                f"the submission has one column per class of `{targets.columns[0]}`, which is not {wanted}",
                "leave `--problem-type` out",
            )
        types = (wanted,)
    metric = _guessed_metric(types, tables, targets, inquiry, has_boxes=has_boxes, has_sounds=has_sounds)
    metric = metric or _find_metric(types, inquiry, has_boxes=has_boxes)
    if metric.needs == "string" and len(targets.columns) == 1 and not targets.classes and wanted is None:
        types = ("string",)
    fitting = [t for t in types if t in metric.problem_types]
    if wanted is None and metric.needs == "label" and not _are_in_a_row(values):
        fitting = [t for t in fitting if t != "regression"]
    if not fitting:
        _refuse(train, values, types, shape, metric)
    problem_type = _by_needs(fitting, metric)
    if wanted is not None:
        reason = "given with --problem-type"
    elif len(types) == 1:
        reason = shape
    else:
        what = "whole numbers in order" if problem_type == "regression" and metric.needs == "label" else None
        reason = f"{shape}; metric {metric.name} scores {what or _plural(metric.needs)}"
    inquiry.found("problem type", problem_type, reason)
    labels = targets.classes
    if labels:
        inquiry.found("labels", ", ".join(labels), "in the order of the submission's columns")
    elif problem_type in ("binary", "multiclass"):
        ordered, why = order_labels(values[targets.columns[0]].dropna().str.strip())
        labels = tuple(ordered)
        inquiry.found("labels", _shortened(labels), why + ("; the last one is positive" if len(labels) == 2 else ""))
    return Problem(problem_type, labels, metric)


def _given_type(inquiry: Inquiry) -> ProblemType | None:
    name = inquiry.given.problem_type
    for known in get_args(ProblemType):
        if name == known:
            return known  # type: ignore[no-any-return]
    if name is not None:
        raise unknown_name("problem type", name, get_args(ProblemType))
    return None


def _guessed_metric(
    types: Sequence[ProblemType],
    tables: Tables,
    targets: Targets,
    inquiry: Inquiry,
    *,
    has_boxes: bool,
    has_sounds: bool,
) -> Metric | None:
    """The metric of sentences, boxes or speech where nobody names one; None where it cannot be guessed."""
    if types != ("string",) or inquiry.given.metric is not None or inquiry.given.stated_metric:
        return None
    if has_boxes:
        name, reason = BOX_METRICS[0], "the usual one of boxes"
    elif has_sounds:
        name, reason = guess_transcript_metric(tables.train.strings(targets.columns)[targets.columns[0]])
    elif not holds_language(tables.train.strings(targets.columns)[targets.columns[0]]):
        return None  # `--problem-type string`, and lists or numbers: nothing tells how they are scored
    else:
        name, reason = guess_metric(tables, targets.columns[0])
    inquiry.found("metric", name, f"{reason}; `--metric` names another")
    return get_metric(name)


def _possible_types(
    tables: Tables, values: pd.DataFrame, targets: Targets, *, has_sounds: bool
) -> tuple[tuple[ProblemType, ...], str]:
    """Problem types that the values allow, the likeliest first, and what the values look like."""
    train = tables.train
    if targets.classes:
        return ("multiclass",), "one column per class"
    if len(targets.columns) > 1:
        numbers = pd.DataFrame({c: parse_numbers(values[c], file=train.path, column=c) for c in targets.columns})
        if numbers.isin([0, 1]).to_numpy().all():
            return ("multilabel", "multi-target"), f"{len(targets.columns)} columns of 0 and 1"
        return ("multi-target",), f"{len(targets.columns)} columns of numbers"
    column = targets.columns[0]
    types, shape = _types_of_column(values[column], train, column)
    if has_sounds and holds_transcripts(values[column]):
        return ("string",), f"{shape}, spoken in sound files"
    sample = tables.sample.columns[-1]
    if not types and holds_language(values[column]) and not pd.api.types.is_numeric_dtype(tables.sample.frame[sample]):
        return ("string",), f"{shape}, sentences; {tables.sample.name} holds strings too"
    return types, shape


def _types_of_column(values: pd.Series, train: RawTable, column: str) -> tuple[tuple[ProblemType, ...], str]:
    present = values.dropna().str.strip()
    n_distinct = present.nunique()
    if n_distinct < 2:
        what = f"is `{present.iloc[0]}` in every row" if n_distinct else "holds no value"
        raise DataError(f"`{train.name}`: the target `{column}` {what}", "name another column with `--target`")
    numbers = pd.to_numeric(present, errors="coerce")
    numeric = bool(numbers.notna().all())
    # Beyond this, most classes would have a single row: the values are amounts or free text.
    classes = n_distinct <= MOST_CLASSES and n_distinct <= max(2, len(present) // 2)
    if numeric:
        shape = f"{n_distinct} distinct numbers"
        whole = bool((numbers % 1 == 0).all())
        if n_distinct == 2:
            return ("binary", "regression"), f"2 values, {' and '.join(sorted(present.unique()))}"
        if not classes:
            return ("regression",), shape
        likely_classes = whole and n_distinct <= MOST_LIKELY_CLASSES
        return (("multiclass", "regression") if likely_classes else ("regression", "multiclass")), shape
    if n_distinct == 2:
        return ("binary",), f"2 values, {' and '.join(sorted(present.unique()))}"
    return (("multiclass",) if classes else ()), f"{n_distinct} distinct texts"


def _find_metric(types: Sequence[ProblemType], inquiry: Inquiry, *, has_boxes: bool) -> Metric:
    name = inquiry.given.metric
    if name is None and inquiry.given.stated_metric:
        return _stated_metric(types, inquiry)
    if name is None:
        question = "which metric scores the submissions"
        if inquiry.ask is None:
            usual = "; ".join(f"for {t} {', '.join(guess_metric_names(t)[:_N_USUAL])}" for t in types)
            raise UsageError(
                f"the files do not say {question}",
                f"add `--metric NAME`, which is on the competition's page{', such as ' if usual else ''}{usual}; "
                "`aicomp list metrics` shows all",
            )
        candidates = list(dict.fromkeys(n for t in types for n in guess_metric_names(t)))
        metric = _trainable(get_metric(inquiry.ask(f"W{question[1:]}?", candidates)))
        inquiry.found("metric", metric.name, "as answered")
        return metric
    if ":" in name:
        raise UsageError(
            f"`--metric {name}` lies in a project, and there is none yet",
            f'take a built-in metric now, such as `--metric rmse`; then write `metric = "{name}"` in competition.toml',
        )
    if len(read_statement(name).names) > 1:
        name = read_statement(name, types).name or name  # the target tells some of one name apart
    known = canonical_name(name)
    # Of ranked lists, `map@50` is the mean average precision of their first fifty items.
    metric = _trainable(get_metric(known if has_boxes and known is not None else name))
    stated = f"; {inquiry.given.stated_by} says `{inquiry.given.stated_metric}`" if inquiry.given.stated_metric else ""
    inquiry.found("metric", metric.name, f"given with --metric{stated}")
    return metric


def _trainable(metric: Metric) -> Metric:
    """The metric itself.

    Raises:
        UsageError: It only grades.
    """
    if metric.why_graded_only:
        near = nearest_metrics(metric.name, among=METRICS)
        raise UsageError(
            f"metric `{metric.name}` grades files and cannot guide a training: {metric.why_graded_only}",
            f"add another `--metric`, such as {', '.join(near)}; `aicomp score SOLUTION SUBMISSION --metric "
            f"{metric.name}` grades",
        )
    return metric


def _stated_metric(types: Sequence[ProblemType], inquiry: Inquiry) -> Metric:
    """The metric that the competition's page names, or the one that a person takes for it.

    Raises:
        UsageError: No metric of aicomp has that name and fits the target, and nobody can be asked.
    """
    text, who = inquiry.given.stated_metric, inquiry.given.stated_by
    reading = read_statement(text, types)
    known = reading.name
    if known is not None:
        metric = get_metric(known)
        if not metric.why_graded_only and (not types or metric.problem_types.intersection(types)):
            inquiry.found("metric", metric.name, f"{who} says `{text}`")
            return metric
    fitting = list(dict.fromkeys(n for t in types for n in guess_metric_names(t)))
    meant = [m.name for m in map(get_metric, reading.names) if not m.why_graded_only and m.problem_types & set(types)]
    near = meant if len(reading.names) > 1 and meant else nearest_metrics(text, among=fitting)
    why = _why_not_taken(reading, types)
    if inquiry.ask is None:
        which = "the one that is meant" if near is meant else "the one that comes nearest"
        by = "" if near is meant else "by its name "
        raise UsageError(
            f"{who} scores by `{text}`, which {why}",
            f"add `--metric NAME` with {which}: {by}{', '.join(near)}; all that fit: {', '.join(fitting)}",
        )
    candidates = [*near, *(n for n in fitting if n not in near)]
    answer = inquiry.ask(f"Which metric scores the submissions? {who} says `{text}`, which {why}.", candidates)
    metric = _trainable(get_metric(answer))
    inquiry.found("metric", metric.name, f"as answered; {who} says `{text}`")
    return metric


def _why_not_taken(reading: Reading, types: Sequence[ProblemType]) -> str:
    """Why the metric that a page names is not simply taken."""
    if len(reading.names) > 1:
        return f"may be {' or '.join(reading.names)} here: {reading.because}"
    if reading.name is None:
        known = reading.because not in ("", UNKNOWN)
        return f"is no metric of aicomp{f' ({reading.because})' if known else ''}"
    metric = get_metric(reading.name)
    if metric.why_graded_only:
        return f"is {metric.name} here, which cannot guide a training: {metric.why_graded_only}"
    return f"is {metric.name} here, which is not for {' or '.join(types)}"


def _are_in_a_row(values: pd.DataFrame) -> bool:
    """Whether a target's values are whole numbers without a gap: with one, class codes would lie nearer than values."""
    numbers = pd.Series(pd.to_numeric(values.iloc[:, 0].dropna().unique(), errors="coerce"))
    whole = bool(numbers.notna().all() and (numbers % 1 == 0).all())
    return whole and numbers.max() - numbers.min() + 1 == numbers.nunique()


def _by_needs(fitting: Sequence[ProblemType], metric: Metric) -> ProblemType:
    """Among the types that a metric is defined for, amounts if it scores values, and else classes.

    Whole numbers under the quadratic kappa are amounts, whose cut points are fitted: on four of five sets that scored
    better than a probability of each number.
    """
    if metric.needs == "label" and "regression" in fitting and "binary" not in fitting:
        return "regression"
    values: tuple[ProblemType, ...] = ("regression", "multi-target")
    preferred = [t for t in fitting if (t in values) == (metric.needs == "value")]
    return (preferred or list(fitting))[0]


def _refuse(train: RawTable, values: pd.DataFrame, types: Sequence[ProblemType], shape: str, metric: Metric) -> None:
    """Say why no problem type fits.

    Raises:
        DataError: The metric wants numbers and a value is none, or the values are neither classes nor numbers.
        UsageError: The metric is for another problem type.
    """
    column = str(values.columns[0])
    if metric.problem_types <= {"regression", "multi-target"}:
        try:
            parse_numbers(values[column], file=train.path, column=column)
        except DataError as e:
            raise DataError(
                e.message,
                "correct that value; if the values are classes, add a `--metric` that scores them, such as accuracy",
            ) from None
    if not types:
        line = line_numbers(train.path)[0]
        text = str(values[column].iloc[0])
        raise DataError(
            f"`{train.name}` line {line}: the target `{column}` is `{text if len(text) <= 60 else text[:57] + '...'}`; "
            f"{shape} in {len(values)} rows are neither classes nor numbers",
            "name another column with `--target`",
        )
    fitting = listing(list(dict.fromkeys(n for t in types for n in guess_metric_names(t))))
    raise UsageError(
        f"metric `{metric.name}` is for {', '.join(sorted(metric.problem_types))}, and the target has {shape} "
        f"({' or '.join(types)})",
        f"add another `--metric`: {fitting}",
    )


def _plural(needs: str) -> str:
    return "probabilities" if needs == "probability" else f"{needs}s"


def _shortened(labels: Sequence[str]) -> str:
    return ", ".join(labels) if len(labels) <= 12 else f"{', '.join(labels[:12])} and {len(labels) - 12} more"
