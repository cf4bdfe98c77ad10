"""A run's copy in a store, from which another machine reads it, or goes on with it.

What a store holds of a run, in the order in which it is written:

    <run>/run.json ... work/*      what is laid out, then `begun.json`, which lists it with hashes
    <run>/folds/<k>/*              a trained fold, then `folds/<k>/files.json`
    <run>/*                        the rest of a run that is done, then `files.json` (all of it), then `DONE`

A list is written after all that it names, and nothing is taken that no list names: so that what was cut is never taken
for whole, whatever the store does in the middle. `work/` and `begun.json` are removed after `DONE`.
"""

import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from aicomp.errors import DataError, UsageError
from aicomp.files import atomic_write, inside, writing
from aicomp.run import Run
from aicomp.storage.remote import Remote, hash_of

BEGUN, WHOLE, FOLD = "begun.json", "files.json", "files.json"
_LAID_OUT = ("run.json", "columns.json", "plan.json", "reading.json", "folds.csv", "check.json", "layout.json")
_LAID_OUT_ENDS = ("_ids.json", "bad_files.json")

Files = dict[str, dict[str, Any]]


class Mirror:
    """The copy of one run.

    Args:
        remote: The store's folder of runs.
        run: The run.

    Raises:
        UsageError: The store holds another run of this name.
    """

    def __init__(self, remote: Remote, run: Run) -> None:
        self._remote, self._run = remote, run
        there = remote.read(f"{run.id}/{WHOLE}") or remote.read(f"{run.id}/{BEGUN}")
        if there is not None and there["run.json"]["sha256"] != hash_of(run.folder / "run.json"):
            raise UsageError(
                f"`{remote.url}` holds another run called `{run.id}`", "give the folder of each project its own address"
            )

    def begin(self) -> None:
        """Copy what a run is laid out with, so that another machine could train it."""
        run = self._run
        names = [p.name for p in run.folder.iterdir() if p.name in _LAID_OUT or p.name.endswith(_LAID_OUT_ENDS)]
        work = [f"work/{p.name}" for p in run.work.iterdir() if p.is_file() and not p.name.startswith("checkpoint-")]
        self._send(sorted([*names, *work]), BEGUN)

    def add_fold(self, k: int) -> None:
        """Copy a fold that is trained."""
        folder = self._run.fold(k)
        names = sorted(p.relative_to(self._run.folder).as_posix() for p in folder.rglob("*") if p.is_file())
        self._send(names, f"folds/{k}/{FOLD}")

    def finish(self) -> None:
        """Copy all of a run that is done, `DONE` last; what the store has already is not sent again."""
        run = self._run
        places = [p.relative_to(run.folder).as_posix() for p in run.folder.rglob("*") if p.is_file()]
        self._send(sorted(place for place in places if place != "DONE"), WHOLE, there=self._folds_there())
        self._remote.send(run.folder / "DONE", f"{run.id}/DONE")
        for place in ("work", BEGUN):
            self._remote.remove(f"{run.id}/{place}")

    def _folds_there(self) -> Files:
        found: Files = {}
        for k in self._remote.names(f"{self._run.id}/folds"):
            found |= self._remote.read(f"{self._run.id}/folds/{k}/{FOLD}") or {}
        return found

    def _send(self, places: Iterable[str], listing: str, there: Files | None = None) -> None:
        sent: Files = {}
        for place in places:
            path = self._run.folder / place
            known = (there or {}).get(place)
            is_there = known is not None and known["sha256"] == hash_of(path)
            sent[place] = (
                known if known is not None and is_there else self._remote.send(path, f"{self._run.id}/{place}")
            )
        self._remote.write(f"{self._run.id}/{listing}", sent)


def push(run: Run, url: str) -> None:
    """Copy a run into a store: whole if it is done, else what is laid out and the folds that are trained.

    Raises:
        UsageError: The store holds another run of this name, or the run can be continued by nobody.
        NetworkError: The store cannot be reached; what was copied so far is kept, and the next push goes on.
    """
    mirror = Mirror(Remote(url), run)
    if run.is_done:
        mirror.finish()
        return
    if not (run.work / "READY").is_file():
        raise UsageError(f"run `{run.id}` was cut before anything was trained", "`aicomp train` begins another")
    mirror.begin()
    for k in range(run.read("plan.json")["n_folds"]):
        if run.fold_is_done(k):
            mirror.add_fold(k)


def pull(runs: Path, name: str, url: str) -> Run:
    """Copy a run from a store; it appears in `runs` when all of it is here and its hashes are right.

    Args:
        runs: Folder of the project's runs.
        name: The run, or an unambiguous beginning.
        url: The store's folder of runs.

    Raises:
        UsageError: There is no such run there, or one of this name is here.
        DataError: A file there is gone or damaged.
    """
    remote = Remote(url)
    name = _find(remote, name)
    if (runs / name).exists():
        raise UsageError(f"run `{name}` is here already", f"remove `{runs / name}`, or keep it")
    is_done = "DONE" in remote.names(name)
    listed: Files | None = remote.read(f"{name}/{WHOLE if is_done else BEGUN}")
    if listed is None:
        raise UsageError(f"`{remote.url}/{name}` was cut before all of it was there", "push it again")
    folds = [] if is_done else remote.names(f"{name}/folds")
    files = [listed, *(remote.read(f"{name}/folds/{k}/{FOLD}") or {} for k in folds)]
    staging = runs / ".pulling" / f"{name}-{os.getpid()}"
    try:
        for place, expected in ((p, e) for part in files for p, e in part.items()):
            with writing(staging / place):
                remote.fetch(f"{name}/{place}", staging / inside(place), expected)
        if is_done:
            atomic_write(staging / "DONE", "")
        else:
            _point_to_media(runs.parent, staging)
        with writing(runs / name):
            staging.rename(runs / name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        with suppress(OSError):  # another pull is at work there
            staging.parent.rmdir()
    return Run(runs / name)


def _find(remote: Remote, name: str) -> str:
    known = remote.names()
    found = [name] if name in known else [n for n in known if n.startswith(name)]
    if len(found) != 1:
        what = "no run" if not found else f"{len(found)} runs"
        raise UsageError(
            f"`{remote.url}` holds {what} called `{name}`",
            f"it has {', '.join(known[-5:])}" if known else "push one first",
        )
    return found[0]


def _point_to_media(project: Path, folder: Path) -> None:
    """Let a run that goes on here find the decoded files of this project.

    Raises:
        DataError: They are not here.
    """
    path = folder / "work" / "media.json"
    named = json.loads(path.read_text(encoding="utf-8"))
    here = {kind: project / "data" / "cache" / Path(there).name for kind, there in named.items()}
    for file in here.values():
        if not file.is_file():
            raise DataError(f"`{file}`, which the run reads, is not here", "copy `data/cache` from where it was begun")
    atomic_write(path, json.dumps({kind: str(file) for kind, file in here.items()}))
