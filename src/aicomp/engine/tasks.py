"""What each job of `engine.jobs` does. Runs in a worker process or in the caller's."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from aicomp.competition import Competition
from aicomp.config import Config
from aicomp.engine.jobs import Job
from aicomp.project import Project
from aicomp.run import Run

if TYPE_CHECKING:
    from aicomp.training.fold import EpochReport

Tell = Callable[[dict[str, Any]], None]


def accelerator() -> str:
    """Kind of the fastest device that networks can use here, such as "cpu"; what trains is imported."""
    import torch

    import aicomp.engine.fold_job  # noqa: F401 - now, while others read the data

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def use_threads(n: int) -> None:
    """Let torch, and models that ask it, use so many threads in this process."""
    import torch

    torch.set_num_threads(n)


def do(job: Job, project: Path, tell: Tell) -> dict[str, Any]:
    """Do a job and return what the parent wants to know of it.

    Raises:
        TooSlow: A fold does not fit into its budget.
        AicompError: It failed.
    """
    if job.task == "fold":
        return _fold(job, project, tell)
    if job.task == "stack":
        return _stack(job, project, tell)
    if job.task == "assemble":
        return _assemble(job, project)
    if job.task == "agent":
        return _agent(job, project, tell)
    if job.task == "episodes":
        return _episodes(job, project)
    return _blend(job, project) if job.task == "blend" else _weigh(job, project)


def _fold(job: Job, project: Path, tell: Tell) -> dict[str, Any]:
    from aicomp.engine.budget import Budget
    from aicomp.engine.fold_job import run_fold, training_device

    run = Run(Path(job.run))

    def report(epoch: "EpochReport") -> None:
        tell({"event": "epoch", "fold": job.fold, **msgspec.to_builtins(epoch)})

    _tell_device(training_device(run.info["config"]), tell)
    run_fold(run, project, job.fold, Budget(job.budget, report))
    return {}


def _stack(job: Job, project: Path, tell: Tell) -> dict[str, Any]:
    from aicomp.engine.fold_job import training_device
    from aicomp.engine.stack_job import run_stack

    run = Run(Path(job.run))
    _tell_device(training_device(run.info["config"]), tell)
    run_stack(
        run,
        project,
        list(job.folds),
        n_folds=job.n_folds,
        n_processes=job.n_processes,
        on_layout=lambda layout: tell({"event": "layout", **layout}),
        report=lambda k, epoch: tell({"event": "epoch", "fold": k, **msgspec.to_builtins(epoch)}),
        on_fold=lambda k: tell({"event": "fold", "fold": k}),
    )
    return {}


def _tell_device(device: str, tell: Tell) -> None:
    from aicomp.training.device import device_name

    tell({"event": "device", "device": device, "name": device_name(device)})


def _assemble(job: Job, folder: Path) -> dict[str, Any]:
    from aicomp.assembly import assemble

    run = Run(Path(job.run))
    assemble(_project(folder, run), run)
    return {}


def _project(folder: Path, run: Run) -> Project:
    """The project as it was when the run was laid out."""
    info = run.info
    return Project(folder, msgspec.convert(info["config"], Config), msgspec.convert(info["competition"], Competition))


def _blend(job: Job, folder: Path) -> dict[str, Any]:
    from aicomp.engine.blend_job import blend_members

    return blend_members(job, folder)


def _weigh(job: Job, folder: Path) -> dict[str, Any]:
    from aicomp.engine.blend_job import weigh_members

    return weigh_members(job, folder)


def _agent(job: Job, folder: Path, tell: Tell) -> dict[str, Any]:
    from aicomp.simulation.seed_job import train_seed

    run = Run(Path(job.run))
    train_seed(run, folder, job.fold, job.budget, lambda event: tell({"event": "epoch", **asdict(event)}))
    return {}


def _episodes(job: Job, folder: Path) -> dict[str, Any]:
    from aicomp.simulation.finish import play_part

    return play_part(Run(Path(job.run)), folder, job.fold, job.n_folds, job.budget)
