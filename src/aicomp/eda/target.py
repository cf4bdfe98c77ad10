"""What is to be predicted, as numbers of which a mean says something."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from aicomp.boxes import parse_boxes
from aicomp.competition import Competition

Form = Literal["classes", "labels", "values", "strings", "boxes", "lists"]

MOST_COLUMNS = 6
"""Classes or targets that are followed one by one; with more classes, the commonest."""


@dataclass(frozen=True)
class Target:
    """The target of train.

    Attributes:
        form: "classes" (one of several), "labels" (any of several), "values", "strings", "boxes" (of an image) or
            "lists" (of items).
        names: Of the columns of `numbers`.
        numbers: Whose means are followed over the values of a column, float64 (n, k): 0 and 1 per class or label;
            values; of strings, how long they are; of boxes, how many.
        what: What a mean of `numbers` is, for people.
        y: As training has it, see docs/architecture.md.
        counts: Rows of each class or label, by its name; none for the others.
    """

    form: Form
    names: tuple[str, ...]
    numbers: np.ndarray
    what: str
    y: np.ndarray
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def are_shares(self) -> bool:
        """Whether means are shares."""
        return self.form in ("classes", "labels")

    def take(self, rows: np.ndarray) -> "Target":
        """Some rows; counts stay those of all."""
        return Target(self.form, self.names, self.numbers[rows], self.what, self.y[rows], self.counts)


def target_of(competition: Competition, y: np.ndarray) -> Target:
    """The target of a competition.

    Args:
        competition: The contract.
        y: Targets, shapes as in docs/architecture.md.
    """
    names = tuple(competition.target)
    if competition.problem_type in ("binary", "multiclass"):
        return _classes(competition, y)
    if competition.problem_type == "multilabel":
        counts = {name: int(n) for name, n in zip(names, y.sum(axis=0), strict=True)}
        return Target("labels", names[:MOST_COLUMNS], y[:, :MOST_COLUMNS], "share of each label", y, counts)
    if competition.boxes is not None:
        numbers = np.array([len(parse_boxes(text)) for text in y], dtype=np.float64)
        return Target("boxes", ("boxes",), numbers[:, None], "boxes of an image", y)
    if competition.is_of_lists:
        numbers = np.array([len(text.split()) for text in y], dtype=np.float64)
        return Target("lists", names, numbers[:, None], f"items of `{names[0]}` held out", y)
    if competition.problem_type == "string":
        numbers = np.array([len(text) for text in y], dtype=np.float64)
        return Target("strings", names, numbers[:, None], f"characters of `{names[0]}`", y)
    values = y.reshape(len(y), -1)[:, :MOST_COLUMNS]
    if len(names) == 1:
        return Target("values", names, values, f"mean of `{names[0]}`", y)
    spread = values.std(axis=0)
    standard = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return Target("values", names[:MOST_COLUMNS], standard, "mean in standard deviations", y)


def _classes(competition: Competition, y: np.ndarray) -> Target:
    labels = competition.labels
    n = np.bincount(y, minlength=len(labels))
    counts = {label: int(count) for label, count in zip(labels, n, strict=True)}
    if len(labels) == 2:
        numbers = (y == 1).astype(np.float64)[:, None]
        return Target(
            "classes", (labels[1],), numbers, f"share of `{competition.target[0]}` = `{labels[1]}`", y, counts
        )
    common = np.sort(np.argsort(-n, kind="stable")[:MOST_COLUMNS])
    numbers = (y[:, None] == common[None, :]).astype(np.float64)
    what = "share of each class" if len(labels) <= MOST_COLUMNS else f"share of the {MOST_COLUMNS} commonest classes"
    return Target("classes", tuple(labels[i] for i in common), numbers, what, y, counts)
