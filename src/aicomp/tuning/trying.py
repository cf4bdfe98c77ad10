"""One trial: a config's cross-validation, which may be cut between two folds."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aicomp.cross_validation import Plan, check, plan_of, prepare
from aicomp.data.arrays import load_arrays
from aicomp.engine.engine import Engine
from aicomp.engine.events import Event, FoldEvent
from aicomp.engine.local import start_pool, train_and_assemble
from aicomp.portfolio.folder import Runs
from aicomp.project import Project
from aicomp.run import Run, unfinished_run

Folds = dict[int, float]


class Cut(Exception):  # noqa: N818 - nothing is wrong
    """The trial has no chance to win.

    Args:
        reason: Why, as a sentence.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OutOfTime(BaseException):
    """The time limit is over; like an interrupt, it may come anywhere and is no error of the code that it meets."""


class Workshop:
    """What all trials of a command share: processes that stay alive, and the data, read once.

    Args:
        project: The project.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._runs = Runs(project)
        self._pool: Engine | None = None
        self._is_laid_out = False

    def find(self, project: Project) -> Run | None:
        """The newest run that is done and has the same config, data and code, None if there is none."""
        return None if project.config.pseudo.run else self._runs.find(project)

    def begin(self, project: Project) -> Plan:
        """Lay out a trial's run, or find the one that was interrupted.

        Raises:
            UsageError: The config is wrong.
            DataError: The data breaks the contract.
        """
        if self._pool is None:
            self._pool = start_pool(self._project.folder, self._project.config)
        if project.config.pseudo.run:
            return prepare(project)  # with rows of test, which the shared data lacks
        info = check(project)
        if not self._is_laid_out:
            self._runs.lay_out()
            self._is_laid_out = True
        run = unfinished_run(project.runs, info["fingerprint"])
        return plan_of(self._runs.begin(project) if run is None else run)

    def train(self, plan: Plan, on_event: Callable[[Event], None]) -> None:
        """Train what is left of a run. Whatever ends it early, no process is at it any more.

        Raises:
            AicompError: Training failed.
        """
        try:
            train_and_assemble(plan.run, self._project.folder, plan.folds_left, self._pool, on_event)
        except BaseException:
            if self._pool is not None:
                self._pool.cancel(lambda job: job.run == str(plan.run.folder))
                while self._pool.get_now() is not None:
                    pass  # said of the folds that nobody waits for now
            raise

    def remove(self, run: Run) -> None:
        """Remove a run at which no process is any more."""
        self._runs.remove(run)

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.close()
        if self._is_laid_out:
            self._runs.close()


class Trying:
    """Trains one config and keeps the score of each fold.

    Args:
        workshop: Where.
        project: The project, with the trial's values in its config.
        on_folds: Called after each fold with the scores so far and the number of folds; it may raise `Cut`.

    Attributes:
        folds: Score of each trained fold, without any last step.
        n_folds: Number of folds, 0 as long as it is not known.
        run: The run, None before it is laid out.
        reused: Whether the run was there already.
    """

    def __init__(self, workshop: Workshop, project: Project, on_folds: Callable[[Folds, int], None]) -> None:
        self._workshop = workshop
        self._project = project
        self._on_folds = on_folds
        self._target: Any = None
        self.n_folds = 0
        self.folds: Folds = {}
        self.run: Run | None = None
        self.reused = False

    def train(self) -> Run:
        """Cross-validate, or take the run of the same config, code and data that is there.

        Raises:
            Cut: `on_folds` says so.
            UsageError: The config is wrong.
            DataError: The data breaks the contract, or a prediction is no number.
            AicompError: Training failed.
        """
        self.run = self._workshop.find(self._project)
        if self.run is None:
            plan = self._workshop.begin(self._project)
            self.run = plan.run
            self._on_plan(plan)
            self._workshop.train(plan, self._on_event)
            return self.run
        self.reused = True
        scores = self.run.scores
        self.folds = dict(enumerate(scores["last_step"].get("without", scores)["folds"]))
        return self.run

    def remove(self) -> None:
        """Remove what there is of the run, unless it was there before."""
        if self.run is not None and not self.reused:
            self._workshop.remove(self.run)

    def _on_plan(self, plan: Plan) -> None:
        self.n_folds = plan.n_folds
        self._target = load_arrays(plan.run.work / "target.safetensors")["y"]
        for k in range(plan.n_folds):
            if k not in plan.folds_left:
                self._add(k)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, FoldEvent):
            self._add(event.fold)

    def _add(self, k: int) -> None:
        assert self.run is not None
        arrays = self.run.predictions(k)
        self.folds[k] = self._project.task.score(self._target[arrays["valid_rows"]], arrays["valid"])
        self._on_folds(self.folds, self.n_folds)


def resolved_values(run: Run, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What a run was trained with where its config says "auto" or nothing, by dotted key.

    Args:
        run: A run that is done.
        defaults: What its model takes by itself, by dotted key.
    """
    config, settings = run.info["config"], run.result(0)["settings"]
    values = dict(defaults)
    values |= {f"model.params.{name}": value for name, value in config["model"]["params"].items()}
    for section in ("training", "regularization"):
        values |= {f"{section}.{name}": settings.get(name, value) for name, value in config[section].items()}
    return values


@contextmanager
def alarm(seconds: float | None) -> Iterator[None]:
    """Raise `OutOfTime` inside the block after so many seconds; None never does.

    A fold may say nothing for long, so that it takes a signal. Where there is none, on Windows and outside the main
    thread, the block is left alone.
    """
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if seconds is None or not usable:
        yield
        return

    def ring(number: int, frame: object) -> None:
        raise OutOfTime

    began = time.monotonic()
    handler = signal.signal(signal.SIGALRM, ring)
    others, _ = signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if others:  # somebody else's alarm goes on
            signal.setitimer(signal.ITIMER_REAL, max(others - (time.monotonic() - began), 1e-3))
