"""`aicomp train --time-limit`: from a project to the best Run that the time allows."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from aicomp.cross_validation import check, only_training
from aicomp.engine.engine import Engine
from aicomp.engine.local import start_engine
from aicomp.engine.pool import Pool
from aicomp.errors import AicompError, UsageError
from aicomp.layout import Layout
from aicomp.portfolio.attempt import Attempt
from aicomp.portfolio.blends import Blends
from aicomp.portfolio.clock import Clock
from aicomp.portfolio.costs import Costs
from aicomp.portfolio.floor import Floor
from aicomp.portfolio.folder import Runs
from aicomp.portfolio.outcome import set_outcome
from aicomp.portfolio.plan import other_target, plan
from aicomp.portfolio.session import Session, Watcher
from aicomp.processes import n_cores
from aicomp.project import Project
from aicomp.run import Run


@dataclass(frozen=True)
class Outcome:
    """What a training within a time limit ended with.

    Attributes:
        run: The run to submit.
        kind: "blend", "member", or "floor".
        attempts: The members and what became of them.
        method: Of the blend, "" without one.
        gain: Honest score of the blend above that of the best member as it would have been chosen without each fold;
            None without a blend.
        note: Why there is no blend though there are members, "" if there is one.
    """

    run: Run
    kind: str
    attempts: list[Attempt]
    method: str = ""
    gain: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Observer:
    """Who watches.

    Attributes:
        on_data: Called with the data when it is read.
        on_plan: Called with the members before the first one is begun.
        on_attempt: Called with a member that has changed.
        on_stage: Called with a sentence on what happens next.
    """

    on_data: Callable[[Layout], None] = lambda layout: None
    on_plan: Callable[[list[Attempt]], None] = lambda attempts: None
    on_attempt: Callable[[Attempt], None] = lambda attempt: None
    on_stage: Callable[[str], None] = lambda sentence: None


def _check_controls(project: Project) -> None:
    """Refuse monotone columns: most members, and a stack of them, would not keep to them.

    Raises:
        UsageError: There are some.
    """
    monotone = project.config.model.monotone
    if monotone:
        raise UsageError(
            f"`model.monotone.{next(iter(monotone))}`: most models of `--time-limit` cannot be held monotone",
            "leave `--time-limit` out, or add `--set 'model.monotone={}'`",
        )


def train_within(
    project: Project,
    clock: Clock,
    *,
    overrides: Sequence[str] = (),
    only: str | None = None,
    observer: Observer | None = None,
) -> Outcome:
    """Train members until the time is up, blend them, and say which run is the one to submit.

    Args:
        project: The project.
        clock: The time limit.
        overrides: `key=value` entries with which the project was opened.
        only: The one model that shall be tried, None for all.
        observer: Who watches.

    Raises:
        UsageError: The config or the project's code is wrong.
        DataError: The data breaks the contract.
        AicompError: Every member failed: the first one's reason; or another training runs in this project.
    """
    observer = observer or Observer()
    with only_training(project):
        check(project)
        _check_controls(project)
        pools = _start(project)
        runs = Runs(project)
        try:
            return _train(project, clock, runs, pools, tuple(overrides), only, observer)
        finally:
            for pool in pools:
                pool.close()
            runs.close()


def _start(project: Project) -> tuple[Engine, Engine]:
    """Processes that train, and a light one that puts together what they made."""
    config = project.config
    wanted = n_cores() if config.workers == "auto" else max(1, int(config.workers))
    if config.workers == "auto" and config.device in ("cuda", "mps"):
        wanted = 1
    training = start_engine(project.folder, config, wanted)
    return training, Pool(project.folder, 1, trains=False)


def _train(
    project: Project,
    clock: Clock,
    runs: Runs,
    pools: tuple[Engine, Engine],
    overrides: tuple[str, ...],
    only: str | None,
    observer: Observer,
) -> Outcome:
    layout = runs.lay_out()
    observer.on_data(layout)
    n_rows = [table.n_rows for table in layout.tables]
    blends = Blends(project, clock, runs, pools[1], overrides, sum(n_rows))
    attempts = plan(project, layout, only)
    observer.on_plan(attempts)
    costs = _costs(project, layout)
    n_folds = len(layout.made.folds)
    floor = Floor(project, layout, runs)

    def changed(attempt: Attempt) -> None:
        if attempt.is_finished:
            _keep_best(project, session, floor)
        observer.on_attempt(attempt)

    target = other_target(project, layout)
    session = Session(project, clock, runs, pools[0], blends, costs, attempts, n_folds, Watcher(changed), target)
    try:
        floor.begin()
        session.train(floor.check)
        pools[0].close()
        if session.finished:
            observer.on_stage("putting together what is trained")
        blends.last(session)
    finally:
        session.remove_unfinished()
    return _choose(project, session, blends, floor, runs)


def _costs(project: Project, layout: Layout) -> Costs:
    n_classes = project.task.n_outputs if project.task.problem_type == "multiclass" else 1
    n_train = int(np.median([len(fold.train) for fold in layout.made.folds]))
    most = project.config.split.train_rows
    n_train = n_train if most == "auto" else min(n_train, most)
    n_points = sum(math.prod(decoding.shape) for decoding in layout.decoded.decodings.values())
    return Costs(n_train, max(1, len(layout.columns)), n_classes, n_points)


def _keep_best(project: Project, session: Session, floor: Floor) -> None:
    """Let the best member so far be what is submitted, should this process be killed."""
    floor.remove()
    set_outcome(project.runs, _run_of(_best(project, session.finished)))


def _best(project: Project, finished: list[Attempt]) -> Attempt:
    best = finished[0]
    for attempt in finished[1:]:
        assert attempt.cv is not None
        assert best.cv is not None
        if project.task.metric.better(attempt.cv, best.cv):
            best = attempt
    return best


def _run_of(attempt: Attempt) -> Run:
    assert attempt.run is not None
    return attempt.run


def _choose(project: Project, session: Session, blends: Blends, floor: Floor, runs: Runs) -> Outcome:
    finished = session.finished
    if not finished:
        return _without_members(project, session, floor)
    best = _best(project, finished)
    if blends.run is None:
        set_outcome(project.runs, _run_of(best))
        note = blends.error or ("one member alone is no blend" if len(finished) == 1 else "no time was left to blend")
        return Outcome(_run_of(best), "member", session.attempts, note=note)
    for attempt in finished:
        attempt.weight = blends.facts["weights"].get(_run_of(attempt).id)
    sign = 1 if project.task.metric.greater_is_better else -1
    gain = sign * (blends.facts["mean"] - _honest_choice(finished, sign))
    if gain > 0:
        set_outcome(project.runs, blends.run)
        return Outcome(blends.run, "blend", session.attempts, blends.facts["method"], gain)
    runs.remove(blends.run)
    set_outcome(project.runs, _run_of(best))
    return Outcome(_run_of(best), "member", session.attempts, blends.facts["method"], gain)


def _honest_choice(finished: list[Attempt], sign: int) -> float:
    """Mean score of the member that is best on the other folds, on each fold.

    The best of many scores is too good by chance; this one is not, as little as the blend's, with which it is compared.
    """
    folds = sign * np.array([_run_of(attempt).scores["folds"] for attempt in finished])
    others = folds.sum(axis=1, keepdims=True) - folds
    chosen = others.argmax(axis=0)
    return float(sign * folds[chosen, np.arange(folds.shape[1])].mean())


def _without_members(project: Project, session: Session, floor: Floor) -> Outcome:
    """The floor, if there was too little time; an error if there was time and everything failed."""
    failed = [a for a in session.attempts if a.status == "failed"]
    if failed and not any(a.status == "dropped" for a in session.attempts):
        error: AicompError = failed[0].details["error"]
        raise AicompError(f"every member failed; {failed[0].name}: {error.message}", error.hint)
    return Outcome(floor.run(), "floor", session.attempts)
