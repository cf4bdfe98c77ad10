"""Tune a project: the config as it is, then trials that a sampler suggests, each an ordinary cross-validation."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from aicomp.cross_validation import only_training
from aicomp.models.space import Setting
from aicomp.portfolio.outcome import set_outcome
from aicomp.project import Project
from aicomp.provenance import describe
from aicomp.run import Run
from aicomp.tuning.optuna_study import require_optuna
from aicomp.tuning.space import as_plain, choose_space
from aicomp.tuning.study import Study
from aicomp.tuning.trials import Trial
from aicomp.tuning.tuner import Limits, Tuner, Watcher

__all__ = ["N_TRIALS", "Limits", "Outcome", "Watcher", "study_folder", "tune"]

N_TRIALS = 30
"""Trials where neither their number nor a time limit is given."""


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        study: The study.
        trials: Its trials.
        best: The best of them.
        run: The best trial's run.
        ended: Why no further trial began: "trials" or "time".
    """

    study: Study
    trials: list[Trial]
    best: Trial
    run: Run
    ended: str


def tune(
    project: Project,
    limits: Limits,
    watcher: Watcher,
    *,
    fixed: Collection[str] = (),
    clock: Callable[[], float] = time.monotonic,
    began: float | None = None,
) -> Outcome:
    """Tune a project's model; a study that was cut goes on.

    Trial 0 is the config as it is, so that the best trial is never worse than it on these folds.

    Args:
        project: The project.
        limits: When to stop.
        watcher: Whoever is told.
        fixed: Keys that keep the config's value.
        clock: Seconds since some moment.
        began: When the time limit began, by the clock; None is now.

    Raises:
        UsageError: The config, the space or a value in it is wrong, or Optuna is not installed.
        DataError: The data breaks the contract.
        AicompError: The config as it is takes longer than the time limit, trials fail one after another, or another
            training runs in this project.
    """
    began = clock() if began is None else began
    require_optuna()
    space = choose_space(project, fixed)
    with only_training(project):
        path = study_folder(project, space) / "study.db"
        greater = project.task.metric.greater_is_better
        study = Study(path, space, seed=project.config.seed, greater_is_better=greater)
        watcher.on_study(study, space)
        tuner = Tuner(project, study, limits, watcher, clock, began)
        try:
            tuner.tidy()
            ended = tuner.run_all()
            best = study.best
            assert best is not None  # trial 0 is done
            run = tuner.run_of(best)
            tuner.draw()
            set_outcome(project.runs, run)
            return Outcome(study, study.trials, best, run, ended)
        finally:
            tuner.close()


def study_folder(project: Project, space: tuple[Setting, ...]) -> Path:
    """`runs/tune/<model>-<hash>`: the hash is that of all that trials of one study share."""
    text = json.dumps([describe(project)["fingerprint"], as_plain(space)], sort_keys=True)
    name = re.sub(r"\W+", "-", project.config.model.name).strip("-")
    return project.runs / "tune" / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
