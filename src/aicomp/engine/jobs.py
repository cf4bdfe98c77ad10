"""What a worker process is asked to do."""

from typing import Literal

import msgspec


class Job(msgspec.Struct, frozen=True):
    """One piece of work for one process.

    Attributes:
        task: "fold" trains a fold, "stack" several as one network if that is faster, "assemble" puts the trained folds
            of a run together, "blend" blends runs, "weigh" says what each would weigh in a blend, "agent" trains the
            agent of a simulation with one seed, "episodes" plays a part of its episodes of evaluation.
        run: Folder of the run; of a blend, that of the project's runs.
        fold: Number of the fold, or of the first of those that may be stacked; of the seed; of the
            part of the episodes.
        threads: Threads that the process may use.
        budget: Seconds that the fold may take: it gives up early if it will take longer. Of a blend, seconds until it
            has to be written; of weights, until they are given up. None takes as long as it takes.
        members: Runs to blend or to weigh, by id.
        method: Of the blend.
        overrides: `key=value` entries with which the project of these runs is opened.
        folds: Folds that may be stacked.
        n_folds: Folds that are to be trained, those of other jobs too; parts of the episodes.
        n_processes: Processes that train them if they are not stacked.
        on_cpu: Whether it leaves a GPU alone, so that it may be done beside a job that has one.
    """

    task: Literal["fold", "stack", "assemble", "blend", "weigh", "agent", "episodes"]
    run: str
    fold: int = 0
    threads: int = 1
    budget: float | None = None
    members: tuple[str, ...] = ()
    method: str = "auto"
    overrides: tuple[str, ...] = ()
    folds: tuple[int, ...] = ()
    n_folds: int = 0
    n_processes: int = 1
    on_cpu: bool = False
