"""Runs in TensorBoard: a folder of events for each."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aicomp.errors import UsageError
from aicomp.files import writing
from aicomp.runs.export.content import Exported

_EVENTS = "events.out.tfevents.*"


def to_tensorboard(runs: Sequence[Exported], folder: Path) -> None:
    """Write runs into `folder`, which `tensorboard --logdir` shows; events of a run that is there already are replaced.

    Args:
        runs: The runs.
        folder: A folder in it will be called as the run.

    Raises:
        UsageError: TensorBoard is not installed.
        AicompError: The folder cannot be written.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as e:
        raise UsageError(
            f"`--to tensorboard` needs the package `{e.name or 'tensorboard'}`", "pip install 'aicomp[tensorboard]'"
        ) from e
    for run in runs:
        temporary = folder / f".{run.run}.{os.getpid()}.part"
        with writing(folder):
            try:
                temporary.mkdir(parents=True)
                _write(SummaryWriter(str(temporary)), run)
                _replace(temporary, folder / run.run)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)


def _write(writer: Any, run: Exported) -> None:
    try:
        for course in run.courses:
            for step, moment, value in course.points:
                writer.add_scalar(course.name, value, step, walltime=moment)
        params = {
            key: value if isinstance(value, bool | int | float | str) else str(value)
            for key, value in run.params.items()
        }
        # It writes the scores, too.
        writer.add_hparams(params, run.scores, run_name=".")
        about = {"tags": run.tags, "note": run.note, "files": run.artifacts}
        for name, content in about.items():
            if content:
                text = content if isinstance(content, str) else json.dumps(content, indent=1)
                # TensorBoard shows Markdown; indented by four, text is shown as it stands.
                writer.add_text(name, "\n".join(f"    {line}" for line in text.splitlines()), walltime=run.ended)
    finally:
        writer.close()


def _replace(temporary: Path, target: Path) -> None:
    """Put new events in the place of old ones, and leave what else lies there."""
    target.mkdir(exist_ok=True)
    for old in target.glob(_EVENTS):
        old.unlink()
    for new in sorted(temporary.glob(_EVENTS)):
        new.rename(target / new.name)
