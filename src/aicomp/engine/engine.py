"""What trains a run's folds, whatever it is made of: processes of this machine, or tasks on a cluster."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aicomp.engine.jobs import Job


@dataclass(frozen=True)
class Said:
    """What is said of a job.

    Attributes:
        job: What it is about, None for nothing.
        event: "ready", "device", "epoch", "layout", "fold", "done", "slow", "error", "crash" or "died"; of a cluster
            also "placed" (on which node) and "retry" (begun anew, and why).
        content: The rest of the message.
    """

    job: Job | None
    event: str
    content: dict[str, Any]


class Engine(Protocol):
    """A queue of jobs, those who do them, and a queue of what is said about them.

    A job ends with exactly one of "done", "slow", "error", "crash" and "died". What it made lies in the run's folder
    before that is said.
    """

    @property
    def size(self) -> int:
        """How many jobs of one thread are done at the same time; of a cluster it changes with its nodes."""

    @property
    def shares_gpu(self) -> bool:
        """Whether jobs that use a GPU may be done side by side."""

    @property
    def is_here(self) -> bool:
        """Whether jobs take cores and memory of this machine."""

    @property
    def n_local(self) -> int:
        """Processes that this machine alone would train with; they decide how many threads a job has.

        Sums of other numbers of threads differ in their last bits, so that a cluster has none of its own.
        """

    @property
    def start_threads(self) -> int:
        """Threads that a process which trains is started with."""

    @property
    def accelerator(self) -> str:
        """Kind of the fastest device that networks can use, such as "cpu"."""

    @property
    def n_waiting(self) -> int:
        """Jobs that nobody has begun."""

    @property
    def running(self) -> list[tuple[Job, float]]:
        """Jobs that are being done, and for how many seconds."""

    @property
    def pids(self) -> list[int]:
        """Processes of this machine that do the jobs."""

    def n_at_once(self, *, on_cpu: bool) -> int:
        """How many jobs are done at the same time, those that leave a GPU alone or those that may use one."""

    def begin_with(self, threads: int) -> None:
        """Have processes that train start with so many threads, whatever they were started with."""

    def shrink(self, size: int) -> None:
        """Do no more than so many jobs at a time; call it before there are any."""

    def put(self, jobs: Iterable[Job], *, first: bool = False) -> None:
        """Add jobs to the end of the queue, or to its beginning."""

    def get(self, timeout: float | None = None) -> Said | None:
        """What was said next; None after `timeout` seconds of silence."""

    def get_now(self) -> Said | None:
        """What was said already and not yet heard, None if there is nothing."""

    def cancel(self, belongs: Callable[[Job], bool]) -> None:
        """Forget the waiting jobs of a kind, and end those that are being done; nothing more is said of them."""

    def forget(self, belongs: Callable[[Job], bool]) -> None:
        """Forget the waiting jobs of a kind."""

    def close(self, folder: Path | None = None) -> None:
        """End everything; what workers wrote to standard error is kept in `folder`, a file each."""
