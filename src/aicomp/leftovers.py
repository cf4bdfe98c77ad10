"""What commands that were killed left among the runs, and nobody will continue: removed before the next training."""

import re
import shutil
from pathlib import Path

from aicomp.files import writing
from aicomp.run import TRASH, Run, clear_making, list_runs, naming

_ID = re.compile(r"\d{8}-\d{6}(-\d{3})?")


def clear_left_over(runs: Path) -> None:
    """Remove what is worth nothing; hold the lock of training meanwhile, so that no run is being laid out.

    - runs that were cut before they could be trained: they have neither `work/READY` nor a fold,
    - folders that have a run's name and nothing else,
    - runs that nobody has seen yet, of processes that are gone,
    - runs that were being removed.

    Raises:
        AicompError: A folder cannot be changed.
    """
    empty_trash(runs)
    for run in list_runs(runs):
        if is_stillborn(run):
            remove_run(run)
    _remove_names(runs)
    clear_making(runs)


def untold_run(runs: Path, fingerprint: str) -> Run | None:
    """The newest run of this fingerprint that was whole when its command was killed: nobody was told of it yet."""
    done = (run for run in reversed(list_runs(runs)) if run.is_done and run.work.is_dir())
    return next((run for run in done if run.info["fingerprint"] == fingerprint), None)


def clear_work(runs: Path) -> None:
    """Remove `work/` of runs that are done.

    Raises:
        AicompError: A folder cannot be changed.
    """
    for run in list_runs(runs):
        with writing(run.work):
            if run.is_done and run.work.is_dir():
                shutil.rmtree(run.work)


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
