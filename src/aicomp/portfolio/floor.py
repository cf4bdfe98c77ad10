"""The floor: the prior of the targets as a Run that is there within a moment, without a process and without torch."""

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from aicomp.layout import Layout
from aicomp.portfolio.folder import Runs
from aicomp.portfolio.outcome import set_outcome
from aicomp.project import Project
from aicomp.provenance import describe
from aicomp.recording.write import Predicted, write_run
from aicomp.run import Run
from aicomp.task import Task

NAME = "prior"


class Floor:
    """The run to submit until a member is ready; it is written beside the training, for on large data that takes long.

    Args:
        project: The project.
        layout: Its data.
        runs: Where runs lie.
    """

    def __init__(self, project: Project, layout: Layout, runs: Runs) -> None:
        self._project, self._layout, self._runs = project, layout, runs
        self._writing: Future[Run] | None = None

    def begin(self) -> None:
        """Begin to write it."""
        thread = ThreadPoolExecutor(1)
        self._writing = thread.submit(self._write)
        thread.shutdown(wait=False)

    def check(self) -> None:
        """Stop if it could not be written.

        Raises:
            DataError, AicompError: See `write_floor`.
        """
        if self._writing is not None and self._writing.done():
            self._writing.result()

    def run(self) -> Run:
        """It, as soon as it is written; raises as `check`."""
        assert self._writing is not None
        return self._writing.result()

    def remove(self) -> None:
        """Remove it, for there is something better."""
        if self._writing is not None:
            self._runs.remove(self.run())
            self._writing = None

    def _write(self) -> Run:
        run = write_floor(self._project, self._layout)
        set_outcome(self._project.runs, run)
        return run


def write_floor(project: Project, layout: Layout) -> Run:
    """Write the run that predicts the same for every row: shares of the classes, or the best constant.

    Raises:
        DataError: It cannot be scored, such as a fold with one class under an area under the ROC.
        AicompError: The disk is full or the folder cannot be written.
    """
    y, folds = layout.dataset.y, layout.made.folds
    constants = [prior(project.task, y[fold.train]) for fold in folds]
    test = np.mean(constants, axis=0)
    info = describe(project)
    info["config"]["model"] = {"name": NAME, "params": {}}
    predicted = Predicted(
        y=y,
        train_ids=layout.dataset.train_ids,
        test_ids=layout.dataset.test_ids,
        valid_rows=[fold.valid for fold in folds],
        valid=[_repeat(constant, len(fold.valid)) for constant, fold in zip(constants, folds, strict=True)],
        test=_repeat(test, len(layout.dataset.test_ids)),
    )
    plan = {"splitter": layout.splitter, "splitter_reason": layout.splitter_reason, "notes": layout.made.notes}
    return write_run(project, {**info, "kind": "saved"}, predicted, [{}] * len(folds), plan)


def prior(task: Task, y: np.ndarray) -> np.ndarray:
    """What is predicted for a row that nothing is known of: shape () or (n_outputs,).

    Args:
        task: What is learned. Of values the best of mean, median and the mean of logarithms by its metric is taken.
        y: Targets of the training rows.
    """
    if task.problem_type == "multiclass":
        return np.bincount(y, minlength=task.n_outputs) / len(y)
    if task.is_classification:
        return np.asarray(y.mean(axis=0))
    constants = [y.mean(axis=0), np.median(y, axis=0)]
    if y.min() > -1:
        constants.append(np.expm1(np.log1p(y).mean(axis=0)))
    best, best_score = np.asarray(constants[0]), None
    for constant in constants:
        score = task.score(y, _repeat(np.asarray(constant), len(y)))
        if best_score is None or task.metric.better(score, best_score):
            best, best_score = np.asarray(constant), score
    return best


def _repeat(constant: np.ndarray, n: int) -> np.ndarray:
    return np.broadcast_to(constant, (n, *constant.shape)).astype(np.float64)
