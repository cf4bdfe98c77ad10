"""The rows that a run gets most wrong."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from aicomp.boxes import parse_boxes
from aicomp.competition import Competition
from aicomp.diagnosis.rows import Validated, as_plain
from aicomp.explain.wording import prediction_in_words, truth_in_words


@dataclass(frozen=True)
class WorstRow:
    """A row and what was predicted for it.

    Attributes:
        row: Its number in train, from 0.
        id: Its name.
        fold: The fold that validated it.
        truth: What is true, for people.
        predicted: What was predicted, for people.
        loss: How wrong that is, see `losses.row_losses`.
        values: What its columns hold.
    """

    row: int
    id: str
    fold: int
    truth: str
    predicted: str
    loss: float
    values: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def worst_rows(validated: Validated, n: int = 15, cut: float = 0.0) -> list[WorstRow]:
    """The rows of the largest loss, the worst first; of equal ones the first in train.

    Args:
        validated: All rows.
        n: How many.
        cut: Of boxes, the confidence from which on they are counted.
    """
    losses = np.where(np.isfinite(validated.losses), validated.losses, -np.inf)
    order = np.argsort(-losses, kind="stable")[:n]
    taken = validated.table.iloc[order]
    names = [c.name for c in validated.columns]
    found = []
    for place, i in enumerate(order):
        if not np.isfinite(losses[i]):
            break
        truth, predicted = _in_words(validated.competition, validated.y[i], validated.y_pred[i], cut)
        values = {name: as_plain(taken[name].iloc[place]) for name in names}
        found.append(
            WorstRow(
                int(validated.rows[i]), str(validated.ids[i]), int(validated.fold[i]), truth, predicted,
                float(losses[i]), values,
            )
        )  # fmt: skip
    return found


def boxes_in_words(text: str, cut: float = 0.0) -> str:
    """How many boxes of each label there are, of those that are sure enough.

    >>> boxes_in_words("a 0.9 0 0 1 1 b 0.8 0 0 1 1 a 0.2 0 0 1 1", 0.5), boxes_in_words("")
    ('1 a, 1 b', 'none')
    """
    boxes = parse_boxes(text)
    labels, counts = np.unique(boxes.labels[boxes.scores >= cut].astype(str), return_counts=True)
    return ", ".join(f"{n} {label}" for label, n in zip(labels, counts, strict=True)) or "none"


def _in_words(competition: Competition, y: Any, prediction: Any, cut: float) -> tuple[str, str]:
    if competition.boxes is not None:
        return boxes_in_words(str(y)), boxes_in_words(str(prediction), cut)
    if competition.problem_type == "string":
        return str(y), str(prediction)
    return truth_in_words(competition, y), prediction_in_words(competition, np.asarray(prediction))
