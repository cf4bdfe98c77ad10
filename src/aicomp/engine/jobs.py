"""What a worker process is asked to do."""

from typing import Literal

import msgspec


class Job(msgspec.Struct, frozen=True):
    """One piece of work for one process.

    Attributes:
        task: "fold" trains a fold, "stack" several as one network if that is faster, "assemble" puts the trained folds
            of a run together, "blend" blends runs.
        run: Folder of the run; of a blend, that of the project's runs.
        fold: Number of the fold, or of the first of those that may be stacked.
        threads: Threads that the process may use.
        budget: Seconds that the fold may take: it gives up early if it will take longer. Of a blend, seconds until it
            has to be written. None takes as long as it takes.
        members: Runs to blend, by id.
        method: Of the blend.
        write: Whether the blend becomes a run, or only its weights are wanted.
        overrides: `key=value` entries with which the project of a blend is opened.
        folds: Folds that may be stacked.
        n_folds: Folds that are to be trained, those of other jobs too.
        n_processes: Processes that train them if they are not stacked.
    """

    task: Literal["fold", "stack", "assemble", "blend"]
    run: str
    fold: int = 0
    threads: int = 1
    budget: float | None = None
    members: tuple[str, ...] = ()
    method: str = "auto"
    write: bool = True
    overrides: tuple[str, ...] = ()
    folds: tuple[int, ...] = ()
    n_folds: int = 0
    n_processes: int = 1
