"""Runs in MLflow: one experiment for the competition in a SQLite file, one MLflow run for each of ours."""

import json
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aicomp.errors import AicompError, UsageError
from aicomp.files import writing
from aicomp.runs.export.content import Exported

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE = "mlflow.db"
"""In the folder: what `mlflow ui --backend-store-uri sqlite:///mlflow.db` shows."""

_LONGEST_VALUE = 5000
_MOST_METRICS, _MOST_PARAMS = 1000, 100
"""What MLflow takes at once."""

_FORBIDDEN = re.compile(r"[^\w\-. /]")


def to_mlflow(runs: Sequence[Exported], folder: Path, experiment: str) -> None:
    """Write runs into `folder`; one that is there already gets its scores, note and tags anew, and nothing twice.

    Args:
        runs: The runs.
        folder: Where database and artifacts lie; it is made if needed.
        experiment: Name of the experiment.

    Raises:
        UsageError: MLflow, or what it needs for SQLite, is not installed.
        AicompError: MLflow refuses, or the folder cannot be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _quietly():
        client, failure = _open(folder)
        try:
            number = _experiment(client, experiment, folder)
            for run in runs:
                _write(client, number, run)
        except failure as e:
            raise AicompError(f"mlflow cannot write into `{folder}`: {e}", "name another folder by `--into`") from e


def _open(folder: Path) -> "tuple[MlflowClient, type[Exception]]":
    # A tool that a person runs on their own data tells nobody about it.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import alembic  # noqa: F401 - MLflow makes its tables by it, and says so only when it is absent
        import sqlalchemy  # noqa: F401 - likewise
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as e:
        raise UsageError(f"`--to mlflow` needs the package `{e.name}`", "pip install 'aicomp[mlflow]'") from e
    try:
        return MlflowClient(tracking_uri=f"sqlite:///{folder.resolve() / DATABASE}"), MlflowException
    except MlflowException as e:
        raise AicompError(
            f"`{folder / DATABASE}` is no database of mlflow: {e}", "name another folder by `--into`"
        ) from e


def _experiment(client: "MlflowClient", name: str, folder: Path) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    return str(client.create_experiment(name, artifact_location=(folder.resolve() / "artifacts").as_uri()))


def _write(client: "MlflowClient", experiment: str, run: Exported) -> None:
    from mlflow.entities import Metric, Param, RunTag

    moment = int(1000 * run.ended)
    scores = [Metric(_name(name), value, moment, 0) for name, value in run.scores.items()]
    said = run.tags | {"mlflow.note.content": run.note}
    tags = [RunTag(name, value[:_LONGEST_VALUE]) for name, value in said.items()]
    for found in client.search_runs([experiment], filter_string=f"tags.`aicomp.run` = '{run.run}'"):
        if found.info.status == "FINISHED":
            # What was trained does not change: only what was said and what came of it.
            client.log_batch(found.info.run_id, metrics=scores, tags=tags)
            return
        client.delete_run(found.info.run_id)  # of an export that was cut
    named = {"aicomp.run": run.run}
    began = int(1000 * run.began)
    made = client.create_run(experiment, start_time=began, run_name=run.run, tags=named).info.run_id
    params = [Param(_name(key), str(value)[:_LONGEST_VALUE]) for key, value in run.params.items()]
    for part in _parts(params, _MOST_PARAMS):
        client.log_batch(made, params=part)
    metrics = [
        Metric(_name(course.name), value, int(1000 * at), step)
        for course in run.courses
        for step, at, value in course.points
    ]
    for part in _parts(metrics, _MOST_METRICS):
        client.log_batch(made, metrics=part)
    client.log_text(made, json.dumps(run.artifacts, indent=1) + "\n", "files.json")
    client.log_batch(made, metrics=scores, tags=tags)
    client.set_terminated(made, end_time=moment)


def _parts(values: list[Any], size: int) -> Iterator[list[Any]]:
    for i in range(0, len(values), size):
        yield values[i : i + size]


def _name(name: str) -> str:
    """A name with the characters that MLflow allows.

    >>> _name("valid_map@12/fold1")
    'valid_map_12/fold1'
    """
    return _FORBIDDEN.sub("_", name)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the reports of how a database is laid out."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(disabled)
