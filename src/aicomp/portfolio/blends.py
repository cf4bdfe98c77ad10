"""Runs put together beside the training, in a process that can be ended.

Members are assembled as they come, and weighed, which says what further members are worth; at the end comes the blend.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from aicomp.engine.engine import Engine, Said
from aicomp.engine.jobs import Job
from aicomp.portfolio.attempt import Attempt
from aicomp.portfolio.clock import Clock
from aicomp.portfolio.folder import Runs
from aicomp.project import Project
from aicomp.run import Run

if TYPE_CHECKING:
    from aicomp.portfolio.session import Session

_WEIGHING = 0.05
"""Part of the time that may go into weighing members."""
_ONE_WEIGHING = 0.04
"""Part of the limit after which one weighing is given up."""
_CLIMBS = 8
"""Times the cost of a climb that a blend takes beside reading: one for each fold, and the other methods."""
_LAST = 0.08
"""Part of the limit that is kept for the last blend at most."""
_END = 0.35
"""Seconds that the end of the process itself takes."""


class Blends:
    """One light process for what comes after training.

    Args:
        project: The project.
        clock: The time limit.
        runs: Where runs lie.
        pool: The process.
        overrides: With which the project was opened.
        n_rows: Rows of train and test together.
    """

    def __init__(
        self, project: Project, clock: Clock, runs: Runs, pool: Engine, overrides: Sequence[str], n_rows: int
    ) -> None:
        self._project, self._clock, self._runs, self._pool = project, clock, runs, pool
        self._overrides = tuple(overrides)
        self._members: list[Run] = []
        self._blended: tuple[str, ...] = ()
        self._weighed: tuple[str, ...] = ()
        self._weights: dict[str, float] = {}
        self._spent = 0.0
        self._least = self._seconds = 0.5 + n_rows * 1e-5
        self._assembling = 0.3 + n_rows * 3e-6
        self.run: Run | None = None
        self.facts: dict[str, Any] = {}
        self.error = ""

    @property
    def is_busy(self) -> bool:
        """Whether a run is being put together."""
        return any(job.task == "assemble" for job, _ in self._pool.running) or self._pool.n_waiting > 0

    def reserve(self, n_members: int) -> float:
        """Seconds that the end will take: the last members put together, and the last blend."""
        limit = self._clock.limit
        growth = (n_members + 1) / len(self._weighed) if self._weighed else 1.0
        blending = min(self._seconds * min(growth, 2.0), _LAST * limit)  # it keeps to what it is given
        return blending + min(self._assembling, 0.05 * limit) + min(_END, 0.1 * limit) + 0.01 * limit

    def add(self, run: Run) -> None:
        """Take a member that is done."""
        self._members.append(run)

    def assemble(self, run: Run) -> None:
        """Put a member's folds together."""
        self._pool.put([Job("assemble", str(run.folder))], first=True)

    def weights_by_model(self, finished: Sequence[Attempt]) -> dict[str, float]:
        """Weight of each kind as last weighed, of those that were there then; empty before."""
        found: dict[str, float] = {}
        for attempt in finished:
            if attempt.run is not None and attempt.run.id in self._weights:
                weight = self._weights[attempt.run.id]
                found[attempt.member.model] = found.get(attempt.member.model, 0.0) + weight
        return found

    def hear(self, session: "Session", timeout: float = 0.0) -> None:
        """Take note of what the process says, and weigh the members anew where it costs little."""
        said = self._pool.get(timeout) if timeout else self._pool.get_now()
        while said is not None:
            self._note(said, session)
            said = self._pool.get_now()
        is_new = len(self._members) >= 2 and self._ids() != self._weighed
        is_idle = not self._pool.running and not self._pool.n_waiting
        longest = _ONE_WEIGHING * self._clock.limit
        has_time = self._clock.left > self.reserve(len(self._members)) + 2 * longest
        if is_new and is_idle and has_time and self._spent <= _WEIGHING * self._clock.used:
            self._begin("weigh", longest)

    def last(self, session: "Session") -> None:
        """Assemble what is left and make the last blend, until the time is up; what is not ready then is left out."""
        while self._clock.left > _END and (self._pool.running or self._pool.n_waiting):
            self._wait(session)
        while len(self._members) >= 2 and self._ids() != self._blended and self._clock.left > _END:
            if not self._pool.running and not self._pool.n_waiting:
                if self.error:
                    return
                self._begin("blend", max(0.0, self._clock.left - 2 * _END))
            self._wait(session)

    def _wait(self, session: "Session") -> None:
        said = self._pool.get(max(0.01, min(0.25, self._clock.left - _END)))
        if said is not None:
            self._note(said, session)

    def _ids(self) -> tuple[str, ...]:
        return tuple(run.id for run in self._members)

    def _begin(self, task: Literal["blend", "weigh"], seconds: float) -> None:
        folder = str(self._project.runs)
        self._pool.put([Job(task, folder, members=self._ids(), overrides=self._overrides, budget=seconds)])

    def _note(self, said: Said, session: "Session") -> None:
        if said.job is None or said.event not in ("done", "error", "crash", "died"):
            return
        if said.job.task == "assemble":
            self._assembling = max(self._assembling, 1.2 * said.content.get("seconds", 0.0))
            session.assembled(said.job.run, said)
            return
        if said.job.task == "weigh":
            self._note_weights(said)
            return
        if said.event != "done":
            self.error = str(said.content.get("message") or said.content.get("traceback") or said.content.get("tail"))
            return
        self._blended = said.job.members
        self.facts = said.content["result"]
        self.run = Run(self._project.runs / self.facts["run"])

    def _note_weights(self, said: Said) -> None:
        """Weights that could not be found leave the old ones; the last blend then says what is wrong."""
        assert said.job is not None
        self._weighed = said.job.members
        self._spent += said.content["seconds"] if said.event == "done" else _ONE_WEIGHING * self._clock.limit
        if said.event == "done":
            found = said.content["result"]
            self._weights = found["weights"] or self._weights
            self._seconds = self._least + 2 * (found["loading"] + _CLIMBS * found["climbing"])
