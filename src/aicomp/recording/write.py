"""Write the parts of a Run's folder, and a whole one whose predictions are there already."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from aicomp.assembly import assemble
from aicomp.data import id_files
from aicomp.data.arrays import save_arrays
from aicomp.files import atomic_write, partial_file
from aicomp.project import Project
from aicomp.run import Run, begin_whole, drop, publish


@dataclass(frozen=True)
class Predicted:
    """What a Run holds, whoever predicted it.

    Attributes:
        y: Targets of train, see docs/architecture.md for shapes.
        train_ids: Id columns of train as strings; no columns where train has no ids.
        test_ids: Id columns of test.
        valid_rows: Validation rows of each fold, int64.
        valid: Predictions of these rows, by fold.
        test: Predictions of test; a list has those of each fold's model.
        test_nested: Of a blend, see `Run.predictions`, by fold; empty if there are none.
    """

    y: np.ndarray
    train_ids: pd.DataFrame
    test_ids: pd.DataFrame
    valid_rows: Sequence[np.ndarray]
    valid: Sequence[np.ndarray]
    test: np.ndarray | list[np.ndarray]
    test_nested: Sequence[np.ndarray] = ()

    def of_fold(self, k: int) -> dict[str, np.ndarray]:
        """The arrays of fold `k`."""
        test = self.test[k] if isinstance(self.test, list) else self.test
        arrays = {"valid_rows": self.valid_rows[k].astype(np.int64), "valid": self.valid[k], "test": test}
        return {**arrays, "test_nested": self.test_nested[k]} if self.test_nested else arrays


def write_run(
    project: Project,
    info: dict[str, Any],
    predicted: Predicted,
    results: Sequence[dict[str, Any]],
    plan: dict[str, Any],
) -> Run:
    """Write a Run of predictions: scored as any other, without weights; it appears whole.

    Args:
        project: The project.
        info: `run.json`.
        predicted: The predictions.
        results: `result.json` of each fold, beside the entries that every run has.
        plan: `plan.json`, beside the numbers of folds and rows.

    Raises:
        DataError: The predictions cannot be scored.
        AicompError: The disk is full or the folder cannot be written.
    """
    run = begin_whole(project.runs, info)
    try:
        n_rows = [len(predicted.y), len(predicted.of_fold(0)["test"])]
        run.write("plan.json", {**plan, "n_folds": len(predicted.valid), "n_rows": n_rows})
        write_folds_csv(run, predicted.train_ids, len(predicted.y), predicted.valid_rows)
        write_ids(run, predicted.train_ids, predicted.test_ids)
        save_arrays(run.work / "target.safetensors", {"y": predicted.y})
        for k in range(len(predicted.valid)):
            save_arrays(run.fold(k) / "predictions.safetensors", predicted.of_fold(k))
            run.write(f"folds/{k}/result.json", {"seconds": 0.0, "notes": [], "history": [], **results[k]})
        return publish(project.runs, assemble(project, run))
    except BaseException:
        drop(project.runs, run)  # without a score it is worth nothing, and it can be written again
        raise


def write_folds_csv(run: Run, train_ids: pd.DataFrame, n_rows: int, valid_rows: Sequence[np.ndarray]) -> None:
    """One line per train row; a row of several validation folds (repeats) lists them, -1 is never validated."""
    folds = _folds_of_rows(n_rows, valid_rows)
    frame = train_ids.copy() if train_ids.shape[1] else pd.DataFrame({"row": range(n_rows)})
    frame["fold"] = folds
    atomic_write(run.folder / "folds.csv", frame.to_csv(index=False, lineterminator="\n"))


def write_folds_in_parts(
    run: Run, train_ids: id_files.StoredIds, n_rows: int, valid_rows: Sequence[np.ndarray]
) -> None:
    """As `write_folds_csv`, for more rows than there had better be in memory."""
    folds = _folds_of_rows(n_rows, valid_rows)
    with partial_file(run.folder / "folds.csv") as path, path.open("w", encoding="utf-8", newline="") as file:
        for start in range(0, n_rows, _PART):
            stop = min(start + _PART, n_rows)
            frame = train_ids.piece(start, stop) if train_ids.columns else pd.DataFrame({"row": range(start, stop)})
            frame["fold"] = folds[start:stop]
            frame.to_csv(file, index=False, header=not start, lineterminator="\n")


_PART = 2**19


def _folds_of_rows(n_rows: int, valid_rows: Sequence[np.ndarray]) -> np.ndarray:
    """The folds that validate each row, as text; as numbers where it is one at most."""
    counts = np.zeros(n_rows, dtype=np.int8)
    of_row = np.full(n_rows, -1, dtype=np.int32)
    for k, rows in enumerate(valid_rows):
        counts[rows] += 1
        of_row[rows] = k
    if counts.max(initial=0) <= 1:
        return of_row
    several: list[list[str]] = [[] for _ in range(n_rows)]
    for k, rows in enumerate(valid_rows):
        for row in rows:
            several[row].append(str(k))
    return np.array([" ".join(k) or "-1" for k in several], dtype=object)


def write_ids(run: Run, train_ids: pd.DataFrame, test_ids: pd.DataFrame) -> None:
    """Write the ids of train and test, see `data.id_files`."""
    for name, ids in (("train", train_ids), ("test", test_ids)):
        id_files.write_ids(run.folder, name, [ids])
