"""Rows whose label a model contradicts: confident learning (Northcutt, Jiang, Chuang, arXiv 1911.00068)."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from aicomp.validation.drawings import histogram
from aicomp.validation.finding import MOST_ROWS, Finding, Outcome, Severity, counted
from aicomp.validation.out_of_fold import Predicted, Predictions
from aicomp.validation.subject import Subject

_SURE = 0.15
"""Probability of the given label below which it is contradicted for sure; up to one less this, the row is in doubt."""
_FEWEST, _SHARE = 10, 0.005
_APART = 0.5
"""Rows contradicted for sure for each row in doubt, from which on they are errors: hard rows leave many in doubt."""
_CONFIRMED = 3
"""Rows confirmed for sure for each one contradicted, without which the model is no judge."""
_FAR = 10.0
"""Residuals beyond the median, in robust standard deviations, that are no tail."""


@dataclass(frozen=True)
class Suspects:
    """Rows whose label is contradicted.

    Attributes:
        places: Of the rows, the surest first.
        margins: By how much another label's probability exceeds that of the given one, in the same order.
        share: Estimated share of all rows with a wrong label.
        likely: Code of the label that the model takes for right, in the same order.
    """

    places: np.ndarray
    margins: np.ndarray
    share: float
    likely: np.ndarray


def confident_joint(y: np.ndarray, probabilities: np.ndarray) -> Suspects:
    """Which labels are contradicted, and how many are wrong.

    A row counts for a label if its probability reaches the mean probability of that label in the rows that have it. The
    counts by given and likely label, scaled to the counts of given labels, estimate the share of wrong ones.

    Args:
        y: Codes of the given labels, int64 (n,).
        probabilities: Of each label, out of fold, (n, n_labels).

    >>> p = np.array([[0.9, 0.1], [0.8, 0.2], [0.9, 0.1], [0.2, 0.8], [0.1, 0.9]])
    >>> found = confident_joint(np.array([0, 0, 1, 1, 1]), p)
    >>> found.places.tolist(), found.likely.tolist(), round(found.share, 2)
    ([2], [0], 0.2)
    """
    n_labels = probabilities.shape[1]
    given = np.arange(n_labels) == y[:, None]
    n_given = given.sum(axis=0)
    thresholds = np.where(n_given > 0, (probabilities * given).sum(axis=0) / np.maximum(n_given, 1), np.inf)
    reached = np.where(probabilities >= thresholds, probabilities, -1.0)
    likely = np.where(reached.max(axis=1) >= 0, reached.argmax(axis=1), -1)
    known = likely >= 0
    joint = np.zeros((n_labels, n_labels))
    np.add.at(joint, (y[known], likely[known]), 1)
    of_rows = joint.sum(axis=1, keepdims=True)
    scaled = np.where(of_rows > 0, joint / np.maximum(of_rows, 1) * n_given[:, None], 0.0)
    wrong = float((scaled.sum() - np.trace(scaled)) / len(y))
    places = np.flatnonzero(known & (likely != y))
    margins = probabilities[places, likely[places]] - probabilities[places, y[places]]
    order = np.argsort(-margins, kind="stable")
    return Suspects(places[order], margins[order], wrong, likely[places[order]])


def check_labels(subject: Subject, predictions: Predictions) -> Outcome:
    """Look for rows whose target the newest run, or a quick model, contradicts."""
    problem = subject.task.problem_type
    if problem not in ("binary", "multiclass", "regression") or subject.is_series:
        what = "series are forecast" if subject.is_series else f"the problem is {problem}"
        return Outcome([Finding("labels", "ok", "Targets were not looked at", f"Here {what}.")])
    predicted = predictions.newest or predictions.quick
    if predicted is None:
        return Outcome([Finding("labels", "ok", "Targets were not looked at", "There is no run, and no quick model.")])
    if problem == "regression":
        return _of_amounts(subject, predicted)
    return _of_classes(subject, predicted)


def _of_classes(subject: Subject, predicted: Predicted) -> Outcome:
    rows, values = predicted.pooled()
    probabilities = np.stack([1 - values, values], axis=1) if values.ndim == 1 else values
    suspects = confident_joint(subject.y[rows], probabilities)
    own = probabilities[np.arange(len(rows)), subject.y[rows]]
    sure, doubtful = int((own < _SURE).sum()), int(((own >= _SURE) & (own <= 1 - _SURE)).sum())
    n = len(suspects.places)
    severity: Severity = "low" if n else "ok"
    confirmed = int((own > 1 - _SURE).sum())
    if sure >= max(_FEWEST, _SHARE * len(rows), _APART * doubtful) and confirmed >= _CONFIRMED * sure:
        severity = "medium"
    numbers = {
        "estimated_share": suspects.share,
        "suspects": float(n),
        "sure": float(sure),
        "in_doubt": float(doubtful),
        "rows": float(len(rows)),
    }
    evidence = (
        f"By confident learning on what {predicted.by} predicts of rows that it has not seen, about "
        f"{suspects.share:.1%} of {len(rows):,} labels are wrong or not to be told from the columns; it contradicts "
        f"{n:,} of them, and gives {sure:,} given labels a probability below {_SURE:g}; "
        f"it is in doubt about {doubtful:,} rows."
    )
    if severity == "medium":
        title = f"{counted(sure, 'label')} contradicted by a model that is sure of others"
        advice = "Look at the rows below, the surest first; correct or remove what is wrong, and train again."
    else:
        title = "Labels that a model contradicts" if n else "No label is contradicted"
        evidence += " Most are rows in doubt, not errors." if n else ""
        advice = "The rows below are the first to look at, if errors are likely." if n else ""
    drawings = []
    if n > 20:
        caption = (
            "Probability of the given label, out of fold: errors pile up at 0, doubts lie in between "
            "(the axis of rows is logarithmic)."
        )
        drawings.append(partial(histogram, "labels", own, caption, "probability of the given label"))
    worst = rows[suspects.places[:MOST_ROWS]]
    labels = subject.task.labels
    said = tuple(
        f"{name} ({labels[subject.y[row]]}, likely {labels[code]})"
        for name, row, code in zip(subject.row_names(worst), worst, suspects.likely[:MOST_ROWS], strict=True)
    )
    return Outcome([Finding("labels", severity, title, evidence, advice, numbers, rows=said)], drawings)


def _of_amounts(subject: Subject, predicted: Predicted) -> Outcome:
    rows, values = predicted.pooled()
    residuals = subject.y[rows] - values
    centre = float(np.median(residuals))
    spread = float(1.4826 * np.median(np.abs(residuals - centre)))
    far = np.abs(residuals - centre) / spread if spread else np.zeros(len(rows))
    order = np.argsort(-far, kind="stable")
    n = int((far > _FAR).sum())
    evidence = (
        f"Of {len(rows):,} targets, {counted(n, 'lies', 'lie')} more than {_FAR:g} robust standard deviations from "
        f"what {predicted.by} predicts, which has not seen them."
    )
    numbers = {"outliers": float(n), "rows": float(len(rows)), "farthest": float(far.max(initial=0.0))}
    if not n:
        return Outcome([Finding("labels", "ok", "No target far from what is predicted", evidence, "", numbers)])
    advice = "The rows below are the first to look at; a loss that feels them less: `--set training.loss=huber`."
    names = subject.row_names(rows[order[: min(n, MOST_ROWS)]])
    title = "Targets far from what is predicted"
    return Outcome([Finding("labels", "low", title, evidence, advice, numbers, rows=names)])
