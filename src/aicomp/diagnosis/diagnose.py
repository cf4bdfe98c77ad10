"""All that out-of-fold predictions tell of a run."""

from dataclasses import dataclass
from typing import Any

from aicomp.diagnosis.by_fold import ByFold, find_folds
from aicomp.diagnosis.calibration import Calibration, calibrations
from aicomp.diagnosis.confusion import Confusion, find_confusion
from aicomp.diagnosis.detection import Detection, find_detection
from aicomp.diagnosis.residuals import Residuals, find_residuals
from aicomp.diagnosis.rows import Validated, validated_rows
from aicomp.diagnosis.segments import Segments, find_segments
from aicomp.diagnosis.worst import WorstRow, worst_rows
from aicomp.project import Project
from aicomp.run import Run


@dataclass(frozen=True)
class Diagnosis:
    """What was found; parts that make no sense for the task are empty, and `missing` says why.

    Attributes:
        metric: Name of the metric.
        greater_is_better: Its direction.
        n: Validated rows.
        folds: Scores of the folds.
        segments: Score by level of each column.
        calibrations: Predictions against shares or means.
        confusion: Labels that are taken for others.
        residuals: Truth less prediction.
        detection: Labels of boxes.
        worst: The rows that are most wrong.
        notes: What to know when reading, as sentences.
        missing: What does not apply, as sentences.
    """

    metric: str
    greater_is_better: bool
    n: int
    folds: ByFold
    segments: Segments
    calibrations: tuple[Calibration, ...]
    confusion: Confusion | None
    residuals: tuple[Residuals, ...]
    detection: Detection | None
    worst: tuple[WorstRow, ...]
    notes: tuple[str, ...]
    missing: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "metric": self.metric,
            "greater_is_better": self.greater_is_better,
            "n": self.n,
            "folds": self.folds.to_dict(),
            "segments": self.segments.to_dict(),
            "calibrations": [c.to_dict() for c in self.calibrations],
            "confusion": None if self.confusion is None else self.confusion.to_dict(),
            "residuals": [r.to_dict() for r in self.residuals],
            "detection": None if self.detection is None else self.detection.to_dict(),
            "worst": [row.to_dict() for row in self.worst],
            "notes": list(self.notes),
            "missing": list(self.missing),
        }


def diagnose(project: Project, run: Run) -> Diagnosis:
    """Diagnose a run by its out-of-fold predictions.

    Args:
        project: The project that the run belongs to.
        run: A run that is done, of any kind that predicts rows: trained, saved or a blend.

    Raises:
        UsageError: The data has changed since the run.
        DataError: A file breaks the contract, or the run is damaged.
    """
    return diagnose_rows(validated_rows(project, run), run)


def diagnose_rows(validated: Validated, run: Run) -> Diagnosis:
    """Diagnose rows that are put together already."""
    metric = validated.task.metric
    detection = find_detection(validated)
    return Diagnosis(
        metric=metric.name,
        greater_is_better=metric.greater_is_better,
        n=len(validated),
        folds=find_folds(validated, run),
        segments=find_segments(validated),
        calibrations=tuple(calibrations(validated)),
        confusion=find_confusion(validated),
        residuals=tuple(find_residuals(validated)),
        detection=detection,
        worst=tuple(worst_rows(validated, cut=0.0 if detection is None else detection.cut)),
        notes=validated.notes,
        missing=tuple(_missing(validated)),
    )


def _missing(validated: Validated) -> list[str]:
    """What does not apply to this task."""
    task = validated.task
    if validated.competition.boxes is not None:
        return ["Boxes have no classes of rows and no residuals: instead, each label is scored by itself."]
    if task.is_string:
        return [
            "Predictions are strings: they have no probabilities that could be calibrated, no classes that could be "
            "confused and no residuals. Rows are compared by the metric of each alone."
        ]
    if task.is_classification:
        return ["Labels have no residuals: how far probabilities are off is what calibration shows."]
    found = ["Values have no classes that could be confused: calibration compares means of predictions and of truth."]
    return [] if task.metric.needs == "label" else found
