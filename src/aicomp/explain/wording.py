"""Targets and predictions as people read them."""

import numpy as np

from aicomp.competition import Competition
from aicomp.data.columns import Column
from aicomp.data.table import Table


def explained_output(competition: Competition, prediction: np.ndarray) -> tuple[int | None, str]:
    """Which output is explained, None where there is one; and its name."""
    if competition.problem_type == "binary":
        return None, f"log-odds of “{competition.labels[1]}”"
    if competition.problem_type == "multiclass":
        likeliest = int(prediction.argmax())
        return likeliest, f"log-odds of “{competition.labels[likeliest]}”"
    if prediction.ndim == 0:
        return None, f"“{competition.target[0]}”"
    largest = int(prediction.argmax()) if competition.problem_type == "multilabel" else 0
    return largest, ("log-odds of " if competition.problem_type == "multilabel" else "") + competition.target[largest]


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Of sure predictions too, where a probability hardly changes whatever is taken away."""
    p = np.clip(probabilities, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(p / (1 - p)))


def truth_in_words(competition: Competition, y: np.ndarray) -> str:
    """The target of one row, (), or (n_targets,)."""
    if competition.labels:
        return competition.labels[int(y)]
    if np.ndim(y) == 0:
        return f"{float(y):g}"
    if competition.problem_type == "multilabel":
        return ", ".join(c for c, value in zip(competition.target, y, strict=True) if value) or "none"
    return ", ".join(f"{c} {value:g}" for c, value in zip(competition.target, y, strict=True))


def prediction_in_words(competition: Competition, prediction: np.ndarray) -> str:
    """The prediction of one row, () or (n_columns,): the likeliest label with its probability, or values."""
    if competition.problem_type == "binary":
        label = competition.labels[int(prediction > 0.5)]
        return f"{label} ({float(prediction if prediction > 0.5 else 1 - prediction):.1%})"
    if competition.problem_type == "multiclass":
        return f"{competition.labels[int(prediction.argmax())]} ({float(prediction.max()):.1%})"
    if prediction.ndim == 0:
        return f"{float(prediction):.6g}"
    if competition.problem_type == "multilabel":
        likely = [f"{c} {p:.0%}" for c, p in zip(competition.target, prediction, strict=True) if p > 0.5]
        return ", ".join(likely) or "none"
    return ", ".join(f"{c} {p:.6g}" for c, p in zip(competition.target, prediction, strict=True))


def value_in_words(table: Table, column: Column, row: int) -> str:
    """What a row has in a column, cut to 40 letters; "missing" where it has nothing."""
    value = table.values(column.name)[row]
    if column.name in table.codes:
        return "missing" if value < 0 else _cut(table.levels[column.name][int(value)])
    if np.isnan(value):
        return "missing"
    if column.kind == "boolean":
        return "yes" if value else "no"
    return moment(value) if column.kind == "datetime" else f"{value:.6g}"


def moment(seconds: float) -> str:
    """Seconds since 1970-01-01 as day and, if it is not midnight, time.

    >>> moment(86400.0), moment(90060.0)
    ('1970-01-02', '1970-01-02 01:01')
    """
    stamp = np.datetime64(int(seconds), "s")
    return str(stamp.astype("datetime64[D]" if seconds % 86400 == 0 else "datetime64[m]")).replace("T", " ")


def _cut(text: str, most: int = 40) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
