"""The loop over trials: begin, weigh after each fold, end, and keep the runs that are worth it."""

import math
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aicomp.errors import AicompError, UsageError
from aicomp.models.space import Setting
from aicomp.project import Project
from aicomp.provenance import describe
from aicomp.run import Run, unfinished_run
from aicomp.tuning.chance import LEAST_CHANCE, chance_to_win, comparable
from aicomp.tuning.history import draw_history
from aicomp.tuning.space import defaults_of
from aicomp.tuning.study import Pending, Study
from aicomp.tuning.trials import State, Trial
from aicomp.tuning.trying import Cut, Folds, OutOfTime, Trying, Workshop, alarm, resolved_values
from aicomp.tuning.values import short, with_values

_MOST_FAILURES = 3
"""Failures in a row after which something else than the values is wrong."""


class Watcher(Protocol):
    """Whoever is told how it goes."""

    def on_study(self, study: "Study", space: tuple[Setting, ...]) -> None:
        """The study is open; it may have trials already."""

    def on_folds(self, number: int, values: dict[str, Any], n_done: int, n_folds: int) -> None:
        """A trial has so many folds trained, 0 when it begins; of how many is 0 as long as that is not known."""

    def on_trial(self, trial: Trial, best: Trial | None) -> None:
        """A trial has ended."""


@dataclass(frozen=True)
class Limits:
    """When to stop.

    Attributes:
        n_trials: Trials of the study in all, those of earlier commands included; None is no limit.
        seconds: Of this command; None is no limit.
        keep: Runs of the best trials that are kept, beside that of the config as it is.
    """

    n_trials: int | None = None
    seconds: float | None = None
    keep: int = 1


class Tuner:
    """Runs a study's trials.

    Args:
        project: The project.
        study: Its study.
        limits: When to stop.
        watcher: Whoever is told.
        clock: Seconds since some moment.
        began: When the command began, by the clock.
    """

    def __init__(
        self,
        project: Project,
        study: Study,
        limits: Limits,
        watcher: Watcher,
        clock: Callable[[], float],
        began: float,
    ) -> None:
        self._project, self._study, self._limits, self._watcher = project, study, limits, watcher
        self._clock, self._began = clock, began
        self._workshop = Workshop(project)

    def tidy(self) -> None:
        """End what a killed command left behind."""
        for values in self._study.tidy():
            left = unfinished_run(self._project.runs, describe(with_values(self._project, values))["fingerprint"])
            if left is not None:
                shutil.rmtree(left.folder)

    def close(self) -> None:
        """End the processes that trained."""
        self._workshop.close()

    def draw(self) -> None:
        """Draw the trials so far, beside the study."""
        metric, path = self._project.task.metric, self._study.path.with_name("tune.png")
        draw_history(self._study.trials, path, metric_name=metric.name, greater_is_better=metric.greater_is_better)

    def run_all(self) -> str:
        """Run trials until a limit is met, and say which."""
        if not self._study.trials:
            self._try_the_config()
        while self._limits.n_trials is None or len(self._study.trials) < self._limits.n_trials:
            if not self._has_time():
                return "time"
            self._try_next()
        return "trials"

    def run_of(self, trial: Trial) -> Run:
        """A trial's run; one that somebody removed is trained again."""
        run = Run(self._project.runs / trial.run)
        if run.is_done:
            return run
        return Trying(self._workshop, with_values(self._project, trial.values), lambda folds, n_folds: None).train()

    def _try_the_config(self) -> None:
        trying = Trying(self._workshop, self._project, lambda folds, n: self._watcher.on_folds(0, {}, len(folds), n))
        self._watcher.on_folds(0, {}, 0, 0)
        began = self._clock()
        try:
            with self._alarm():
                run = trying.train()
        except OutOfTime:
            raise _too_short(self._limits.seconds or 0.0, len(trying.folds), trying.n_folds) from None
        except AicompError:
            if not trying.folds:  # there is nothing to go on with
                trying.remove()
            raise
        trial = self._done(0, {}, trying, run, began)
        self._study.add(trial, resolved_values(run, defaults_of(self._project)))
        self.draw()  # early: what it imports takes long, and is not to be the last thing of a time limit
        self._watcher.on_trial(trial, trial)

    def _try_next(self) -> None:
        pending = self._study.begin()
        number, values = pending.number, pending.values
        trying = Trying(
            self._workshop, with_values(self._project, values), lambda folds, n: self._weigh(pending, folds, n)
        )
        self._watcher.on_folds(number, values, 0, 0)
        began = self._clock()
        try:
            with self._alarm():
                run = trying.train()
            ended = self._done(number, values, trying, run, began)
        except Cut as e:
            score = comparable(trying.folds, self._study.trials[0].folds)
            ended = self._not_done(pending, trying, began, "cut", e.reason, score)
        except OutOfTime:
            ended = self._not_done(pending, trying, began, "failed", "the time limit was over")
        except KeyboardInterrupt:
            self._study.break_off(pending)
            raise
        except AicompError as e:
            if trying.run is None:  # before it began: not the fault of its values
                self._study.break_off(pending)
                raise
            ended = self._not_done(pending, trying, began, "failed", e.message.splitlines()[0])
            self._end(pending, ended)
            self._check_failure(e, ended)
            return
        self._end(pending, ended)

    def _weigh(self, pending: Pending, folds: Folds, n_folds: int) -> None:
        """A fold is trained: cut the trial if it has no chance to win.

        Raises:
            Cut: It has none.
        """
        self._study.tell_folds(pending, len(folds), comparable(folds, self._study.trials[0].folds))
        self._watcher.on_folds(pending.number, pending.values, len(folds), n_folds)
        best = self._study.best
        assert best is not None
        others = [t.folds for t in self._study.trials if t.state == "done" and t.number != best.number]
        greater = self._study.greater_is_better
        chance = chance_to_win(folds, best.folds, others, greater_is_better=greater)
        if chance < LEAST_CHANCE:
            raise Cut(f"{chance:.1%} chance to beat trial {best.number}")

    def _done(self, number: int, values: dict[str, Any], trying: Trying, run: Run, began: float) -> Trial:
        scores = run.scores
        if not math.isfinite(scores["mean"]):
            raise AicompError(f"run `{run.id}` has the score {scores['mean']}", "look at its folds in `scores.json`")
        took = run.seconds / self._workers(len(scores["folds"])) if trying.reused else self._clock() - began
        return Trial(
            number=number,
            state="done",
            values=values,
            score=scores["mean"],
            std=scores["std"],
            folds=dict(sorted(trying.folds.items())),
            reported=scores["folds"],
            seconds=took,
            run=run.id,
            reused=trying.reused,
        )

    def _not_done(
        self, pending: Pending, trying: Trying, began: float, state: State, reason: str, score: float | None = None
    ) -> Trial:
        trying.remove()
        folds = dict(sorted(trying.folds.items()))
        seconds = self._clock() - began
        return Trial(pending.number, state, pending.values, score, folds=folds, seconds=seconds, reason=reason)

    def _end(self, pending: Pending, ended: Trial) -> None:
        self._study.end(pending, ended)
        self._remove_runs()
        self._watcher.on_trial(ended, self._study.best)

    def _check_failure(self, error: AicompError, ended: Trial) -> None:
        """Go on after a failure unless the user has to correct something."""
        last = self._study.trials[-_MOST_FAILURES:]
        if isinstance(error, UsageError):
            raise UsageError(f"trial {ended.number} ({short(ended.values)}): {error.message}", error.hint) from error
        if len(last) == _MOST_FAILURES and all(t.state == "failed" for t in last):
            raise AicompError(
                f"{_MOST_FAILURES} trials failed one after another, the last ({short(ended.values)}): {error.message}",
                error.hint,
            ) from error

    def _remove_runs(self) -> None:
        """Remove the runs of trials that are neither among the best, nor the config's own, nor anybody else's."""
        done = [t for t in self._study.trials if t.state == "done"]
        ranked = sorted(done, key=lambda t: t.score or 0.0, reverse=self._study.greater_is_better)
        for trial in ranked[self._limits.keep :]:
            run = Run(self._project.runs / trial.run)
            is_own = trial.number and not trial.reused and not (run.folder / "submission.json").exists()
            if is_own and run.is_done:
                self._workshop.remove(run)

    def _alarm(self) -> Any:
        return alarm(None if self._limits.seconds is None else self._limits.seconds - (self._clock() - self._began))

    def _has_time(self) -> bool:
        """Whether a trial that takes as long as three of four of those before it would end in time."""
        if self._limits.seconds is None:
            return True
        took = sorted(t.seconds for t in self._study.trials if t.state == "done")
        usual = took[math.ceil(0.75 * len(took)) - 1]
        return self._clock() - self._began + usual <= self._limits.seconds

    def _workers(self, n_folds: int) -> int:
        asked = self._project.config.workers
        return max(1, min(n_folds, (os.cpu_count() or 1) if asked == "auto" else asked))


def _too_short(seconds: float, n_done: int, n_folds: int) -> AicompError:
    n_left = max(1, n_folds - n_done)
    needed = math.ceil(seconds * (n_done + n_left + 1) / max(1, n_done))
    return AicompError(
        f"the config as it is takes longer than the time limit of {seconds:.0f} s: {n_done} of {n_folds or '?'} folds "
        "were trained",
        f"`--time-limit {max(needed, math.ceil(seconds) * 2)}s` goes on with the folds that are left",
    )
