"""What commands that were killed left among the runs, and nobody will continue: removed before the next training."""

import re
import shutil
from pathlib import Path

from aicomp.files import writing
from aicomp.processes import is_gone
from aicomp.run import MAKING, TRASH, Run, drop, list_runs, naming

_ID = re.compile(r"\d{8}-\d{6}(-\d{3})?")


def clear_left_over(runs: Path) -> None:
    """Remove what is worth nothing; hold the lock of training meanwhile, so that no run is being laid out.

    - runs that were cut before they could be trained: they have neither `work/READY` nor a fold,
    - `work/` of runs that are done,
    - folders that have a run's name and nothing else,
    - runs that nobody has seen yet, of processes that are gone,
    - runs that were being removed.

    Raises:
        AicompError: A folder cannot be changed.
    """
    empty_trash(runs)
    for run in list_runs(runs):
        if run.is_done:
            with writing(run.work):
                if run.work.is_dir():
                    shutil.rmtree(run.work)
        elif is_stillborn(run):
            remove_run(run)
    _remove_names(runs)
    making = runs / MAKING
    for folder in list(making.iterdir()) if making.is_dir() else ():
        if is_gone(folder.name.rpartition(".")[0]):
            drop(runs, Run(folder))


def is_stillborn(run: Run) -> bool:
    """Whether a run was cut before any of its folds could be trained: it is never continued."""
    if run.is_done or run.kind != "train" or (run.work / "READY").is_file():
        return False
    return not any((run.folder / "folds").glob("*/result.json"))


def remove_run(run: Run) -> None:
    """Remove a run; a cut in the middle of it leaves nothing that is listed.

    Raises:
        AicompError: Its folder cannot be changed.
    """
    trash = run.folder.parent / TRASH
    with writing(run.folder):
        trash.mkdir(exist_ok=True)
        run.folder.rename(trash / run.id)
    empty_trash(run.folder.parent)


def empty_trash(runs: Path) -> None:
    """Delete what was renamed out of the list, now or by a command that was cut."""
    with writing(runs / TRASH):
        if (runs / TRASH).is_dir():
            shutil.rmtree(runs / TRASH)


def _remove_names(runs: Path) -> None:
    """Remove empty folders: whoever makes a run holds `naming` until it holds something."""
    with naming(runs), writing(runs):
        for folder in runs.iterdir():
            if _ID.fullmatch(folder.name) and folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
