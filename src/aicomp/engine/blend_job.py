"""Blend runs in a process of its own, which can be ended when there is no time left."""

from pathlib import Path
from time import perf_counter
from typing import Any

from aicomp.engine.jobs import Job
from aicomp.ensemble.blending import blend
from aicomp.ensemble.budget import Budget, OutOfTime
from aicomp.ensemble.hill_climbing import climb
from aicomp.ensemble.members import load_members
from aicomp.project import Project
from aicomp.run import Run, find_run


def blend_members(job: Job, folder: Path) -> dict[str, Any]:
    """Blend the members of a job; the result is a run.

    Returns:
        run (its id), mean (the honest score), weights (by run), folds (honest scores), method.

    Raises:
        UsageError: The runs do not go together.
    """
    project = Project.open(folder, list(job.overrides))
    runs: list[Run] = [find_run(project.runs, name) for name in job.members]
    blended = blend(project, runs, job.method, time_budget=job.budget)
    weights = {run.id: float(w) for run, w in zip(runs, blended.chosen.fitted.weights, strict=True)}
    scores = blended.run.scores
    return {
        "run": blended.run.id,
        "mean": scores["mean"],
        "folds": scores["folds"],
        "weights": weights,
        "method": blended.chosen.method,
    }


def weigh_members(job: Job, folder: Path) -> dict[str, Any]:
    """What each member would weigh in a blend by hill climbing on all rows, without an honest score; writes nothing.

    Returns:
        weights (by run; empty if the budget was spent before), loading and climbing (seconds that each took).

    Raises:
        UsageError: The runs do not go together.
    """
    started = perf_counter()
    project = Project.open(folder, list(job.overrides))
    members = load_members(project, [find_run(project.runs, name) for name in job.members])
    loaded = perf_counter()
    try:
        weights = climb(project.task, members.parts, budget=Budget(job.budget)).tolist()
    except OutOfTime:
        weights = []
    return {
        "weights": dict(zip(job.members, weights, strict=False)),
        "loading": loaded - started,
        "climbing": perf_counter() - loaded,
    }
