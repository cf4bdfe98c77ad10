"""From a Run, or a blend of several, to a submission file."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.boxes import FORM, parse_boxes, write_boxes
from aicomp.competition import Competition
from aicomp.data.arrays import as_objects
from aicomp.errors import UsageError
from aicomp.files import partial_file
from aicomp.grading.large_table import LargeTextTable
from aicomp.grading.text_table import TextTable
from aicomp.last_step.steps import PLAIN, Step, load_step
from aicomp.project import Project
from aicomp.run import Run
from aicomp.submission.blend import Blend
from aicomp.submission.sample import Sample
from aicomp.submission.validate import validate_submission


def submission_path(project: Project, run: Run) -> Path:
    """Where the submission of a run lies."""
    return project.folder / "submissions" / f"{run.id}.csv"


def blend_path(project: Project, blended: Blend) -> Path:
    """Where the submission of a blend lies: its name stands for the runs and their weights."""
    parts = [f"{run.id} {weight:.6f}" for run, weight in zip(blended.runs, blended.weights, strict=True)]
    name = hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:8]
    return project.folder / "submissions" / f"blend-{name}.csv"


def build_submission(project: Project, run: Run, sample: Sample) -> Path:
    """Write a run's test predictions as a submission, in the rows and columns of the sample submission.

    The file is validated before it gets its name: a file of that name is a valid one.

    Args:
        project: The project.
        run: A run that is done.
        sample: The project's sample submission.

    Returns:
        `submissions/<run-id>.csv` in the project.

    Raises:
        DataError: The ids of the sample and of test differ.
        UsageError: The contract asks for what this problem's predictions are not.
    """
    return build_checked(project, run, sample)[0]


def build_checked(project: Project, source: Run | Blend, sample: Sample) -> tuple[Path, TextTable]:
    """As `build_submission` and `build_blend`; returns what was validated too."""
    if isinstance(source, Blend):
        ids, path = test_ids(project, source.runs[0]), blend_path(project, source)
        return path, _write(project, sample, ids, source.test, path, source.step)
    ids, path = test_ids(project, source), submission_path(project, source)
    return path, _write(project, sample, ids, source.test_predictions(), path, load_step(source.folder))


def build_blend(project: Project, blended: Blend, sample: Sample) -> Path:
    """Write a blend's test predictions as a submission, `submissions/blend-<name>.csv`; see `build_submission`."""
    return build_checked(project, blended, sample)[0]


def test_ids(project: Project, run: Run) -> TextTable | pd.DataFrame:
    """Ids of the rows that a run has predicted; millions of them are read piece by piece."""
    ids = run.ids("test")
    if not ids.are_many or not ids.columns:
        return ids.frame()
    return LargeTextTable(ids, ids.columns, project.competition.files.test)


def write_submission(
    project: Project,
    sample: Sample,
    test_ids: TextTable | pd.DataFrame,
    predictions: np.ndarray,
    path: Path,
    step: Step = PLAIN,
) -> Path:
    """Write predictions as a submission; the file is validated before it gets its name.

    Args:
        project: The project.
        sample: What the submission must look like.
        test_ids: Ids of the predicted rows.
        predictions: Of these rows, as `Run.test_predictions`.
        path: The file to write.
        step: The last step of the run that made them.

    Raises:
        DataError: The ids of the sample and of test differ, or a prediction is not what the contract wants.
        UsageError: The contract asks for what this problem's predictions are not.
    """
    _write(project, sample, test_ids, predictions, path, step)
    return path


def _write(
    project: Project,
    sample: Sample,
    test_ids: TextTable | pd.DataFrame,
    predictions: np.ndarray,
    path: Path,
    step: Step,
) -> TextTable:
    rows = sample.match_test(test_ids, len(predictions))
    header = list(sample.competition.submission.columns)
    with partial_file(path) as temporary:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            for start, ids in sample.table.pieces(sample.competition.id):
                columns = _columns(project, predictions[rows[start : start + len(ids)]], step)
                frame = pd.concat([ids.reset_index(drop=True), pd.DataFrame(columns)], axis=1)
                frame[header].to_csv(
                    file, index=False, header=not start, sep=sample.table.delimiter, lineterminator="\n"
                )
        table = validate_submission(temporary, sample, name=path.name)
    return table.moved(path)


def _columns(project: Project, predictions: np.ndarray, step: Step) -> dict[str, np.ndarray]:
    """Prediction columns by name, as strings or numbers, each (n_rows,).

    Args:
        project: The project.
        predictions: Rows of `Run.test_predictions`.
        step: The last step.
    """
    competition = project.competition
    names, wants = competition.prediction_columns, competition.submission.wants
    if wants == "label":
        has_labels = project.task.metric.needs == "label"
        codes = project.task.decide(predictions, step) if project.task.is_classification or has_labels else None
        if codes is None or (competition.labels and len(names) != 1):
            raise _contradiction(project)
        values = np.array(competition.labels, dtype=object)[codes] if competition.labels else codes
    elif wants == "string":
        form = FORM if competition.boxes is None else competition.boxes.form
        values = predictions if form == FORM else as_objects([write_boxes(parse_boxes(t), form) for t in predictions])
    elif (wants == "probability") != project.task.is_classification:
        raise _contradiction(project)
    elif competition.problem_type == "binary" and len(names) == 2:
        of_second = step.adjust(predictions)
        values = np.column_stack([1 - of_second, of_second])
    else:
        values = step.adjust(predictions)
    values = values.reshape(len(predictions), -1)
    if values.shape[1] != len(names):
        raise _contradiction(project)
    return {name: values[:, k] for k, name in enumerate(names)}


def _contradiction(project: Project) -> UsageError:
    competition: Competition = project.competition
    wants, names = competition.submission.wants, competition.prediction_columns
    return UsageError(
        f"`{project.config.competition}`: a {competition.problem_type} problem with {max(len(competition.labels), 1)} "
        f"labels and {len(competition.target)} targets has no `{wants}` for the columns {', '.join(names)}",
        "correct `wants` and `columns` under [submission], or `problem_type`",
    )
