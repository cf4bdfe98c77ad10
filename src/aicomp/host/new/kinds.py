"""Problem type, metric and sample submission of a new competition."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
import pandas as pd

from aicomp.errors import DataError, UsageError
from aicomp.host.new.wishes import Choosing
from aicomp.labels import order_labels
from aicomp.metrics import Metric, get_metric
from aicomp.metrics.base import ProblemType
from aicomp.suggest import unknown_name

USUAL = {
    "binary": ("roc_auc", "it ranks probabilities and needs no threshold"),
    "multiclass": ("accuracy", "the share of rows that are right, which everybody can read"),
    "regression": ("rmse", "the usual one of amounts"),
    "multilabel": ("roc_auc_mean", "it ranks each column's probabilities and needs no threshold"),
    "multi-target": ("mcrmse", "the mean of the columns' RMSE"),
}
"""Metric that is taken where none is named, by problem type, and why."""

MOST_CLASSES = 30


def choose_problem(y: pd.DataFrame, choosing: Choosing) -> ProblemType:
    """What kind of target this is.

    Raises:
        UsageError: No such problem type, or one that a competition of one table is not made of.
        DataError: The target is one value in every row, or neither classes nor numbers.
    """
    given = choosing.wishes.problem_type
    if given is not None:
        if given not in get_args(ProblemType):
            raise unknown_name("problem type", given, get_args(ProblemType))
        if given == "string":
            raise UsageError("a competition of strings is not made from one table", "write its files yourself")
        choosing.chose("problem", given, "given with --problem-type")
        return next(known for known in get_args(ProblemType) if known == given)
    found, because = _kind_of(y, choosing.wishes.train.name)
    choosing.chose("problem", found, because)
    return found


def _kind_of(y: pd.DataFrame, name: str) -> tuple[ProblemType, str]:
    numbers = pd.DataFrame({str(c): pd.to_numeric(y[c], errors="coerce") for c in y.columns})
    if y.shape[1] > 1:
        if numbers.isna().any(axis=None):
            raise DataError(f"`{name}`: several targets have to be numbers", "name one column with `--target`")
        flags = bool(numbers.isin([0, 1]).all(axis=None))
        what = "columns of 0 and 1" if flags else "columns of numbers"
        return "multilabel" if flags else "multi-target", f"{y.shape[1]} {what}"
    column = str(y.columns[0])
    values = y[column]
    n = values.nunique()
    if n < 2:
        raise DataError(f"`{name}`: the target `{column}` is `{values.iloc[0]}` in every row", "name another column")
    numeric = bool(numbers[column].notna().all())
    if n == 2:
        return "binary", f"2 values, {' and '.join(sorted(values.unique()))}"
    few = n <= MOST_CLASSES and n <= len(values) / 5
    if numeric and not (few and (numbers[column] % 1 == 0).all()):
        return "regression", f"{n} distinct numbers"
    if not few:
        raise DataError(
            f"`{name}`: the target `{column}` has {n} distinct texts in {len(values)} rows, too many for classes",
            "name another column with `--target`",
        )
    whole = "; `--problem-type regression` takes them as amounts" if numeric else ""
    return "multiclass", f"{n} distinct {'whole numbers' if numeric else 'texts'}{whole}"


def choose_metric(kind: ProblemType, choosing: Choosing) -> Metric:
    """What scores submissions.

    Raises:
        UsageError: No such metric, or it does not fit the problem.
    """
    given = choosing.wishes.metric
    if given is None:
        name, because = USUAL[kind]
        choosing.chose("metric", name, f"{because}; `--metric` names another")
        return get_metric(name)
    if ":" in given:
        raise UsageError(
            f"`--metric {given}` lies in a folder, and there is none yet",
            f'take a built-in one now; then write `metric = "{given}"` into host.toml and put the file beside it',
        )
    metric = get_metric(given)
    if kind not in metric.problem_types:
        raise UsageError(
            f"metric `{metric.name}` is for {', '.join(sorted(metric.problem_types))}, and the target is {kind}",
            f"take `--metric {USUAL[kind][0]}`, or name the right `--problem-type`",
        )
    if metric.why_graded_only:
        raise UsageError(
            f"metric `{metric.name}` cannot guide a training: {metric.why_graded_only}",
            f"take `--metric {USUAL[kind][0]}`, or write the folder yourself as docs/hosting.md says",
        )
    choosing.chose("metric", metric.name, "given with --metric")
    return metric


def sample_submission(ids: pd.DataFrame, y: pd.DataFrame, kind: ProblemType, metric: Metric) -> pd.DataFrame:
    """The ids, with one constant in each column that says nothing about them.

    Args:
        ids: Of test.
        y: Targets of train alone: a label of test would give one away.
        kind: The problem type.
        metric: What scores submissions.
    """
    columns: Sequence[str] = [str(c) for c in y.columns]
    first = y[columns[0]]
    constant: str | float = 0.0 if metric.needs == "value" else 0.5
    if metric.needs == "label":
        constant = order_labels(first)[0][0] if kind in ("binary", "multiclass") else 0
    if metric.needs == "label" and kind == "regression":
        constant = str(first.mode().iloc[0])
    if kind == "multiclass" and metric.needs == "probability":
        columns = order_labels(first)[0]
        constant = float(np.round(1 / len(columns), 6))
    return ids.assign(**dict.fromkeys(columns, constant))
