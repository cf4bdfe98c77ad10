"""What labels are taken for which."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from aicomp.diagnosis.rows import Validated

_MOST_WHOLE = 25
"""Different whole numbers, from 0 or not, that are still looked at as classes."""


@dataclass(frozen=True)
class ClassScore:
    """How one label is predicted.

    Attributes:
        label: The label.
        n: Rows that have it.
        n_predicted: Rows for which it is predicted.
        precision: Share of these that have it; None if there are none.
        recall: Share of those that have it for which it is predicted; None if there are none.
        f1: Harmonic mean of both; None if there are neither rows nor predictions.
    """

    label: str
    n: int
    n_predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Confusion:
    """How often each label is predicted for rows of each label.

    Attributes:
        labels: The labels in order.
        counts: Rows by true label, then by predicted one; empty where labels do not exclude each other.
        classes: Each label's scores.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    classes: tuple[ClassScore, ...]

    @property
    def mistaken(self) -> list[tuple[str, str, int]]:
        """Pairs of a true label and another that was predicted, with their number, the most frequent first."""
        pairs = [
            (self.labels[i], self.labels[j], n)
            for i, row in enumerate(self.counts)
            for j, n in enumerate(row)
            if i != j and n
        ]
        return sorted(pairs, key=lambda pair: -pair[2])

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def find_confusion(validated: Validated) -> Confusion | None:
    """Labels as the run decides them; None where nothing is decided."""
    task, y = validated.task, validated.y
    if task.is_string:
        return None
    if task.problem_type == "multilabel":
        decided = validated.final if task.metric.needs == "label" else task.decide(validated.y_pred)
        names = validated.competition.target
        return Confusion(
            names, (), tuple(_class_score(c, y[:, k] == 1, decided[:, k] == 1) for k, c in enumerate(names))
        )
    if task.is_classification:
        decided = validated.final if task.metric.needs == "label" else task.decide(validated.y_pred)
        return confuse(y.astype(np.int64), decided, task.labels)
    if task.metric.needs == "label":  # whole numbers
        values = np.unique(np.concatenate([y.astype(np.int64), validated.final]))
        if len(values) > _MOST_WHOLE:
            return None
        true, decided = (np.searchsorted(values, v) for v in (y.astype(np.int64), validated.final))
        return confuse(true, decided, tuple(str(v) for v in values))
    return None


def confuse(y_true: np.ndarray, decided: np.ndarray, labels: tuple[str, ...]) -> Confusion:
    """Count.

    Args:
        y_true: Codes of the true labels, (n,).
        decided: Codes of the predicted ones.
        labels: The labels by code.

    >>> made = confuse(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), ("no", "yes"))
    >>> made.counts, made.classes[1].precision, made.classes[1].recall, made.mistaken
    (((2, 1), (0, 1)), 0.5, 1.0, [('no', 'yes', 1)])
    """
    n = len(labels)
    counts = np.bincount(y_true * n + decided, minlength=n * n).reshape(n, n)
    classes = tuple(_class_score(label, y_true == k, decided == k) for k, label in enumerate(labels))
    return Confusion(tuple(labels), tuple(tuple(int(v) for v in row) for row in counts), classes)


def _class_score(label: str, is_true: np.ndarray, is_predicted: np.ndarray) -> ClassScore:
    n, n_predicted, n_right = int(is_true.sum()), int(is_predicted.sum()), int((is_true & is_predicted).sum())
    f1 = 2 * n_right / (n + n_predicted) if n + n_predicted else None
    return ClassScore(
        label, n, n_predicted, n_right / n_predicted if n_predicted else None, n_right / n if n else None, f1
    )
