"""From a Run, or a blend of several, to a submission file."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from aicomp.competition import Competition
from aicomp.errors import UsageError
from aicomp.files import partial_file
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
    path = submission_path(project, run)
    ids = pd.DataFrame(run.read("test_ids.json"))
    return write_submission(project, sample, ids, run.test_predictions(), path, load_step(run.folder))


def build_blend(project: Project, blended: Blend, sample: Sample) -> Path:
    """Write a blend's test predictions as a submission, `submissions/blend-<name>.csv`; see `build_submission`."""
    ids = pd.DataFrame(blended.runs[0].read("test_ids.json"))
    return write_submission(project, sample, ids, blended.test, blend_path(project, blended), blended.step)


def write_submission(
    project: Project, sample: Sample, test_ids: pd.DataFrame, predictions: np.ndarray, path: Path, step: Step = PLAIN
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
    rows = sample.match_test(test_ids, len(predictions))
    columns = _columns(project, predictions[rows], step)
    frame = pd.concat([sample.ids.reset_index(drop=True), pd.DataFrame(columns)], axis=1)
    with partial_file(path) as temporary:
        frame[list(sample.competition.submission.columns)].to_csv(
            temporary, index=False, sep=sample.table.delimiter, lineterminator="\n", encoding="utf-8"
        )
        validate_submission(temporary, sample, name=path.name)
    return path


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
        values = predictions
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
