"""The noun Run: a folder with everything that one training was and gave. `DONE` is written last.

runs/<id>/
  run.json                  fingerprint, resolved config, contract, versions, git commit, data hash
  lock.txt                  every installed package with its version, for pip
  execution.json            threads, processes and device that the folds were trained with
  columns.json              how each column was taken
  reading.json              how the files were read: strings, columns that are no features, formats of times
  folds.csv                 validation fold of each train row
  check.json                what the cheapest checks of `aicomp check` found; where `check.train` is not off
  layout.json               whether folds were trained as one network, and why; where there was a choice
  work/                     typed tables that the workers map; removed when the run is done
  folds/<k>/                predictions, weights and encoder (safetensors, JSON), spec.json, history.csv,
                            result.json last
  oof.csv test.csv          predictions per row
  test.safetensors          of strings: test predictions of all folds together
  scores.json curves.csv curves.png
  notes.json                the user's note and tags; nothing else hangs on it
  place.json                on which machine it was trained, where that was not this one
  DONE

A run of kind "blend", or "saved" by `Run.create(...).save(...)`, has all of these except columns, reading, curves,
weights, encoders and execution.
"""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aicomp.errors import DataError, UsageError
from aicomp.files import atomic_write, flush_folder, writing
from aicomp.lockfile import LOCK_FILE, lock_text
from aicomp.processes import is_gone, process_mark
from aicomp.suggest import unknown_name

if TYPE_CHECKING:
    from aicomp.data.id_files import StoredIds
    from aicomp.project import Project
    from aicomp.recording.draft import RunDraft

TEST_FILE = "test.safetensors"
"""In a run's folder: test predictions of all folds together, where these are strings and have no mean."""

TRASH = ".trash"
"""In the folder of the runs: those that are being removed. What a cut leaves there the next removal takes along."""

MAKING = ".making"
"""In the folder of the runs: those that nobody shall see before they are whole, a folder for each process."""

OUTCOME_FILE = "outcome.json"
"""In the folder of the runs: which of the runs of the last `aicomp train --time-limit` is to be submitted."""


@dataclass(frozen=True)
class Run:
    """One run's folder.

    Attributes:
        folder: `runs/<id>` in the project.
    """

    folder: Path

    @staticmethod
    def create(
        name: str,
        project: "Project | Path | str" = ".",
        *,
        params: dict[str, Any] | None = None,
        overrides: list[str] | None = None,
    ) -> "RunDraft":
        """Begin a run of predictions that another framework makes; `save` of what is returned writes it.

        Args:
            name: What to call the model, such as "my-xgb".
            project: The project or its folder.
            params: Its settings, for `aicomp runs compare`.
            overrides: Entries that win over `aicomp.toml`, such as "split.n_splits=10".

        Raises:
            UsageError: No project there, or its config is wrong, or the name is empty.
        """
        from aicomp.recording.draft import begin_run

        return begin_run(name, project, params or {}, overrides)

    @property
    def id(self) -> str:
        """Name of the folder; ids sort by the time they were made."""
        return self.folder.name

    @property
    def is_done(self) -> bool:
        """Whether every part of the run was written."""
        return (self.folder / "DONE").is_file()

    @property
    def work(self) -> Path:
        """Folder of what the workers read; it is gone when the run is done."""
        return self.folder / "work"

    def fold(self, k: int) -> Path:
        """Folder of fold `k`, counted from 0."""
        return self.folder / "folds" / str(k)

    def fold_is_done(self, k: int) -> bool:
        """Whether fold `k` was trained and saved whole."""
        return (self.fold(k) / "result.json").is_file()

    def read(self, name: str) -> Any:
        """Parsed JSON of one of the run's files, such as "scores.json".

        Raises:
            DataError: It is missing or damaged.
        """
        path = self.folder / name
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DataError(f"run `{self.id}` has no `{name}`", f"remove `{self.folder}` and train again") from None
        except ValueError as e:
            raise DataError(f"`{path}` is damaged: {e}", f"remove `{self.folder}` and train again") from e

    def write(self, name: str, content: object) -> None:
        """Write one of the run's JSON files atomically."""
        atomic_write(self.folder / name, json.dumps(content, indent=1) + "\n")

    def ids(self, name: str) -> "StoredIds":
        """Ids of the rows of "train" or "test".

        Raises:
            DataError: Their file is missing or damaged.
        """
        from aicomp.data.id_files import StoredIds

        return StoredIds(self.folder, name)

    @property
    def info(self) -> dict[str, Any]:
        """`run.json`."""
        content: dict[str, Any] = self.read("run.json")
        return content

    @property
    def scores(self) -> dict[str, Any]:
        """`scores.json` of a run that is done."""
        content: dict[str, Any] = self.read("scores.json")
        return content

    def result(self, k: int) -> dict[str, Any]:
        """`result.json` of fold `k`: best epoch, epochs, seconds, settings, notes, history and inputs."""
        content: dict[str, Any] = self.read(f"folds/{k}/result.json")
        return content

    @property
    def kind(self) -> str:
        """What made it: "train", "blend", or "saved" by another framework."""
        return str(self.info.get("kind", "train"))

    @property
    def seconds(self) -> float:
        """What the folds of a run that is done took together; side by side they took less."""
        return float(sum(self.result(k)["seconds"] for k in range(len(self.scores["folds"]))))

    def predictions(self, k: int) -> dict[str, np.ndarray]:
        """Arrays of fold `k`: "valid_rows" int64, "valid" and "test" predictions.

        A blend's "test" is that of weights fitted on all folds; its "test_nested", where all members have a model for
        each fold, is that of weights fitted without fold `k` on what these models predict.
        """
        from aicomp.data.arrays import load_arrays

        return load_arrays(self.fold(k) / "predictions.safetensors")

    def test_predictions(self) -> np.ndarray:
        """Mean of the folds' test predictions, in the order of the test file; shapes in docs/architecture.md.

        Strings have no mean: theirs were put together when the run was written.
        """
        if (self.folder / TEST_FILE).is_file():
            from aicomp.data.arrays import load_arrays

            return load_arrays(self.folder / TEST_FILE)["test"]
        n_folds = len(self.scores["folds"])
        mean: np.ndarray = np.mean([self._test_of(k) for k in range(n_folds)], axis=0)
        return mean

    def _test_of(self, k: int) -> np.ndarray:
        """Test predictions of fold `k`, mapped from disk where they are numbers."""
        from aicomp.data.arrays import load_arrays, map_arrays

        path = self.fold(k) / "predictions.safetensors"
        mapped = map_arrays(path)
        return mapped["test"] if "test" in mapped else load_arrays(path)["test"]


def create_run(runs: Path, info: dict[str, Any]) -> Run:
    """Make a new run's folder, named by the time, and write its `run.json`."""
    with naming(runs):
        run = Run(_new_folder(runs))
        with writing(run.folder):
            run.folder.mkdir()
        atomic_write(run.folder / LOCK_FILE, lock_text())
        run.write("run.json", info)
    return run


def begin_whole(runs: Path, info: dict[str, Any]) -> Run:
    """Begin a run that nobody sees before `publish`: one that is written in a moment and not continued."""
    folder = runs / MAKING / f"{process_mark()}.{threading.get_ident()}"
    clear_making(runs)
    with naming(runs), writing(folder):
        if folder.is_dir():
            shutil.rmtree(folder)  # of a process that had the same number and was killed
        folder.mkdir(parents=True)
    run = Run(folder)
    atomic_write(folder / LOCK_FILE, lock_text())
    run.write("run.json", info)
    return run


def drop(runs: Path, run: Run) -> None:
    """Remove a run of `begin_whole` that came to nothing."""
    with naming(runs), writing(run.folder):
        shutil.rmtree(run.folder)
        _remove_making(runs)


def publish(runs: Path, run: Run) -> Run:
    """Give a run of `begin_whole` its place, with the name of now."""
    with naming(runs):
        folder = _new_folder(runs)
        with writing(folder):
            run.folder.rename(folder)
            flush_folder(runs)
            _remove_making(runs)
    return Run(folder)


def clear_making(runs: Path) -> None:
    """Remove what `begin_whole` made for processes that are gone.

    Raises:
        AicompError: A folder cannot be changed.
    """
    if not (runs / MAKING).is_dir():
        return
    with naming(runs), writing(runs / MAKING):
        for folder in list((runs / MAKING).iterdir()):
            if is_gone(folder.name.rpartition(".")[0]):
                shutil.rmtree(folder)
        _remove_making(runs)


def _remove_making(runs: Path) -> None:
    if (runs / MAKING).is_dir() and not any((runs / MAKING).iterdir()):
        (runs / MAKING).rmdir()


@contextmanager
def naming(runs: Path) -> Iterator[None]:
    """Hold the names of a folder of runs for a moment: no two processes take the same."""
    from filelock import FileLock

    path = runs / ".naming.lock"
    with writing(path):
        runs.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _new_folder(runs: Path) -> Path:
    """A folder of the name of now that is not there."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for number in range(1, 1000):
        folder = runs / (stamp if number == 1 else f"{stamp}-{number:03}")
        if not folder.exists():
            return folder
    raise UsageError(f"`{runs}` holds 999 runs of this second", "wait a second")


def list_runs(runs: Path) -> list[Run]:
    """All runs of a project, oldest first; a folder without `run.json` is none."""
    if not runs.is_dir():
        return []
    return [Run(f) for f in sorted(runs.iterdir()) if (f / "run.json").is_file()]


def find_run(runs: Path, name: str | None = None) -> Run:
    """The run called `name` (any unambiguous beginning), or the newest that is done.

    Of the runs of one `aicomp train --time-limit`, the newest is the one that it ended with.

    Raises:
        UsageError: No such run, several of that beginning, or none that is done.
    """
    known = list_runs(runs)
    if name is None:
        done = [r for r in known if r.is_done]
        if done:
            return _outcome(runs, done) or done[-1]
        what = "only unfinished runs" if known else "no run yet"
        raise UsageError(f"`{runs}` holds {what}", "run `aicomp train`")
    run = _named(known, name)
    if not run.is_done:
        raise UsageError(f"run `{run.id}` is not finished", "`aicomp train` continues it")
    return run


def find_any_run(runs: Path, name: str) -> Run:
    """The run called `name` (any unambiguous beginning), finished or not.

    Raises:
        UsageError: No such run, or several of that beginning.
    """
    return _named(list_runs(runs), name)


def _named(known: list[Run], name: str) -> Run:
    exact = [r for r in known if r.id == name]
    matches = exact or [r for r in known if r.id.startswith(name)]
    if not matches:
        raise unknown_name("run", name, [r.id for r in known], "aicomp runs")
    if len(matches) > 1:
        raise UsageError(f"`{name}` is the beginning of {len(matches)} runs", f"write more of it: {matches[0].id} ...")
    return matches[0]


def _outcome(runs: Path, done: list[Run]) -> Run | None:
    """The run that the last training within a time limit ended with, None if a newer run was made since."""
    path = runs / OUTCOME_FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as e:
        raise DataError(f"`{path}` is damaged: {e}", "remove it, or name the run") from e
    if done[-1].id > content["newest"]:
        return None
    return next((run for run in done if run.id == content["run"]), None)


def unfinished_run(runs: Path, fingerprint: str) -> Run | None:
    """The newest run that was cut short and has this fingerprint of config, data and code."""
    for run in reversed(list_runs(runs)):
        if not run.is_done and run.info["fingerprint"] == fingerprint and (run.work / "READY").is_file():
            return run
    return None
