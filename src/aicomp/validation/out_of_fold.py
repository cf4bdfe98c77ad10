"""Predictions of rows that the model has not seen: of the newest run, of another one, or of a quick model."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aicomp.ensemble.members import folds_hash, read_folds
from aicomp.raw_data import data_hash
from aicomp.run import Run, list_runs
from aicomp.validation.matrix import matrix_of
from aicomp.validation.quick_model import MOST_ROWS, drawn, predict_classes, predict_values
from aicomp.validation.subject import Subject

QUICK = "a quick model"


@dataclass(frozen=True)
class Predicted:
    """Predictions by fold.

    Attributes:
        by: The run, or `QUICK`.
        rows: Validated rows of each fold, int64.
        values: Predictions for them, see docs/architecture.md for shapes.
    """

    by: str
    rows: Sequence[np.ndarray]
    values: Sequence[np.ndarray]

    @classmethod
    def of(cls, run: Run) -> "Predicted":
        """Those of a run that is done."""
        folds = [run.predictions(k) for k in range(len(run.scores["folds"]))]
        return cls(f"run {run.id}", [f["valid_rows"] for f in folds], [f["valid"] for f in folds])

    def pooled(self) -> tuple[np.ndarray, np.ndarray]:
        """Each row once, by the first fold that validates it: row numbers and predictions."""
        rows, values = np.concatenate(list(self.rows)), np.concatenate(list(self.values))
        first = np.unique(rows, return_index=True)[1]
        return rows[first], values[first]


class Predictions:
    """What is predicted of a project's rows, each kind made once.

    Args:
        subject: The data.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    @cached_property
    def runs(self) -> list[Run]:
        """Runs that are done on this data with this metric, the newest first."""
        project = self._subject.project
        current, metric = data_hash(project.folder), project.task.metric.name
        done = [run for run in reversed(list_runs(project.runs)) if run.is_done]
        return [run for run in done if run.info.get("data_hash") == current and run.scores["metric"] == metric]

    @cached_property
    def newest(self) -> Predicted | None:
        """Of the newest run, None if there is none."""
        return Predicted.of(self.runs[0]) if self.runs else None

    @cached_property
    def other(self) -> Predicted | None:
        """Of the next run with the same folds."""
        if not self.runs:
            return None
        same = folds_hash(read_folds(self.runs[0]))
        found = next((run for run in self.runs[1:] if folds_hash(read_folds(run)) == same), None)
        return None if found is None else Predicted.of(found)

    @cached_property
    def quick(self) -> Predicted | None:
        """Of gradient-boosted trees on the project's folds and at most so many rows.

        None for other problems, and where files have to be seen or heard: trees know little more of them than sizes.
        """
        subject = self._subject
        problem = subject.task.problem_type
        if problem not in ("binary", "multiclass", "regression") or subject.names("image", "audio"):
            return None
        folds = self._subject.folds if self.newest is None else None
        rows = drawn(subject.n_train, MOST_ROWS if not subject.names("text") else MOST_ROWS // 2)
        matrix = matrix_of(subject, rows, np.zeros(0, dtype=np.int64))
        if not matrix.names:
            return None
        valid_rows = [f.valid for f in folds] if folds is not None else list(self.newest.rows)  # type: ignore[union-attr]
        pairs = []
        for valid in valid_rows:
            is_valid = np.isin(rows, valid)
            pairs.append((np.flatnonzero(~is_valid), np.flatnonzero(is_valid)))
        pairs = [(train, valid) for train, valid in pairs if len(train) and len(valid)]
        y = subject.y[rows]
        if problem == "regression":
            made = predict_values(matrix, y, pairs)
        else:
            made = predict_classes(matrix, y, int(y.max()) + 1, pairs)
            made = made[:, 1] if problem == "binary" else made
        return Predicted(QUICK, [rows[valid] for _, valid in pairs], [made[valid] for _, valid in pairs])
