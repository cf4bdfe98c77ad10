"""Make the folds of a run again, in a stand-in of its project."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from aicomp.competition import Competition
from aicomp.config import Config
from aicomp.cross_validation import lay_out
from aicomp.engine.events import Event
from aicomp.engine.execution import Execution, started_with, stored_execution, write_execution
from aicomp.engine.layouts import LAYOUT_FILE, stored_layout
from aicomp.engine.local import n_processes, train_and_assemble
from aicomp.engine.pool import Pool
from aicomp.errors import UsageError
from aicomp.project import Project
from aicomp.pseudo import Source
from aicomp.run import Run


def recorded_project(folder: Path, run: Run) -> Project:
    """A project with the config and the contract of a run.

    Raises:
        UsageError: Another version of aicomp made the run, whose config this one does not know.
    """
    info = run.info
    try:
        config = msgspec.convert(info["config"], Config)
        return Project(folder, config, msgspec.convert(info["competition"], Competition))
    except msgspec.ValidationError as e:
        made = info["versions"].get("aicomp")
        raise UsageError(
            f"run `{run.id}` was made by aicomp {made}, whose config this one does not read: {e}",
            f"pip install aicomp=={made}",
        ) from e


def folds_with(run: Run, folds: Sequence[int]) -> list[int]:
    """The folds, and those that were trained with one of them as one network: its bits hang on all of them."""
    layout = stored_layout(run)
    stack = set(layout["folds"]) if layout is not None and layout["stacked"] else set()
    return sorted(set(folds) | (stack if stack & set(folds) else set()))


def train_again(folder: Path, run: Run, folds: Sequence[int], *, whole: bool, on_event: Callable[[Event], None]) -> Run:
    """Train folds of a run again.

    Args:
        folder: The stand-in of its project.
        run: The run.
        folds: Numbers of the folds, as `folds_with` gives them.
        whole: Whether these are all, so that they are put together too.
        on_event: Called with what happens.

    Raises:
        UsageError: The run that gave it pseudo-labels is gone, or is another.
        AicompError: A fold failed.
    """
    project = recorded_project(folder, run)
    source = _labels(project, run)
    # Whether tables were read in parts hung on the memory that was free then.
    streamed = bool(run.read("plan.json").get("streamed", False))
    data = msgspec.structs.replace(project.config.data, streaming=streamed)
    reading = replace(project, config=msgspec.structs.replace(project.config, data=data))
    again = lay_out(reading, project.runs, run.info, source)
    execution = stored_execution(run)
    # Which way its folds were trained is a measurement, which would come out another way now.
    again.write(LAYOUT_FILE, stored_layout(run) or {"stacked": False, "folds": [], "reason": ""})
    n_folds = again.read("plan.json")["n_folds"]
    if execution is not None:
        write_execution(again, msgspec.structs.replace(execution, device="", device_name=""))
    pool = _start_pool(project, execution, n_folds, len(folds))
    try:
        train_and_assemble(again, folder, list(folds), pool, on_event, assembles=whole)
    finally:
        if pool is not None:
            pool.close(again.folder)
    return again


def _start_pool(project: Project, execution: Execution | None, n_folds: int, n_wanted: int) -> Pool | None:
    """Processes like those that trained the run; None for this one, where that is like the one that did."""
    shares_gpu = project.config.workers != "auto"
    if execution is None:
        return Pool(project.folder, max(1, min(n_processes(project.config), n_folds)), share_gpu=shares_gpu)
    threads = execution.start_threads
    if execution.processes == 0 and threads == started_with():
        return None
    return Pool(project.folder, max(1, min(execution.processes, n_wanted)), share_gpu=shares_gpu, threads=threads)


def _labels(project: Project, run: Run) -> Source | None:
    """The run that gave pseudo-labels, as it is read in the stand-in.

    Raises:
        UsageError: It is gone, or its predictions are others now.
    """
    name = project.config.pseudo.run
    if not name:
        return None
    original = run.folder.parent / name
    if original.is_dir():
        (project.runs / name).symlink_to(original)
    source = Source.of(project)
    recorded = run.info.get("pseudo", {}).get("predictions_hash")
    if source is not None and recorded not in (None, source.digest):
        raise UsageError(
            f"run `{run.id}` learned pseudo-labels of `{name}`, whose predictions are others now",
            f"`aicomp verify {name}` says what became of it",
        )
    return source
