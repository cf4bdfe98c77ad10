"""Of boxes: which labels are found, missed, or seen where nothing is."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from aicomp.boxes import Boxes, areas, overlaps, parse_boxes, write_boxes
from aicomp.diagnosis.rows import Validated
from aicomp.explain.boxes import best_cut
from aicomp.metrics.detection import map50, match

_OVERLAP = 0.5


@dataclass(frozen=True)
class LabelScore:
    """One label.

    Attributes:
        label: The label.
        n: True boxes.
        precision: Average precision at an overlap of a half; None where there is no true box.
        found: Of the true boxes, those that a shown box of the label takes.
        wrong: Shown boxes that take none.
        small: Share of the smallest third of the true boxes that is found; None without any.
        large: Of the largest third.
    """

    label: str
    n: int
    precision: float | None
    found: int
    wrong: int
    small: float | None
    large: float | None


@dataclass(frozen=True)
class Detection:
    """Labels of boxes.

    Attributes:
        cut: Confidence from which on boxes are shown: the one of the highest F1.
        labels: Each label.
    """

    cut: float
    labels: tuple[LabelScore, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def find_detection(validated: Validated) -> Detection | None:
    """Score each label; None where no boxes are predicted."""
    if validated.competition.boxes is None:
        return None
    truth = [parse_boxes(text) for text in validated.y]
    ranked = [parse_boxes(text).ranked() for text in validated.final]
    places = {"valid_rows": np.arange(len(validated)), "valid": validated.final}
    cut = best_cut(validated.y, [places])
    labels = sorted({str(label) for boxes in (*truth, *ranked) for label in boxes.labels})
    return Detection(cut, tuple(_of_label(validated, label, truth, ranked, cut) for label in labels))


def _of_label(validated: Validated, label: str, truth: list[Boxes], ranked: list[Boxes], cut: float) -> LabelScore:
    sizes, hits, wrong = [np.empty(0)], [np.empty(0, dtype=bool)], 0
    for true, boxes in zip(truth, ranked, strict=True):
        own, shown = true.take(true.labels == label), boxes.take((boxes.labels == label) & (boxes.scores >= cut))
        taken = match(overlaps(shown.corners, own.corners), _OVERLAP)
        wrong += int((taken < 0).sum())
        sizes.append(areas(own.corners))
        hits.append(np.isin(np.arange(len(own)), taken))
    of_all, is_hit = np.concatenate(sizes), np.concatenate(hits)
    low, high = np.quantile(of_all, (1 / 3, 2 / 3)) if len(of_all) else (0.0, 0.0)
    return LabelScore(
        label, len(of_all), _precision(validated, label), int(is_hit.sum()), wrong,
        _share(is_hit[of_all <= low]), _share(is_hit[of_all >= high]),
    )  # fmt: skip


def _share(hits: np.ndarray) -> float | None:
    return float(hits.mean()) if len(hits) else None


def _precision(validated: Validated, label: str) -> float | None:
    only = [
        np.array([write_boxes((b := parse_boxes(t)).take(b.labels == label)) for t in texts], dtype=object)
        for texts in (validated.y, validated.final)
    ]
    try:
        return map50(*only)
    except ValueError:  # no true box of this label
        return None
