"""A portfolio trained within a time limit: the loop that hands out folds and hears what became of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from aicomp.engine.engine import Engine, Said
from aicomp.engine.execution import Execution, write_execution
from aicomp.engine.jobs import Job
from aicomp.engine.pool import failure
from aicomp.model_names import is_network
from aicomp.portfolio.attempt import Attempt
from aicomp.portfolio.blends import Blends
from aicomp.portfolio.choice import Room, choose, choose_sample
from aicomp.portfolio.clock import Clock
from aicomp.portfolio.costs import Costs
from aicomp.portfolio.folder import Runs
from aicomp.portfolio.members import further
from aicomp.portfolio.memory import fits
from aicomp.portfolio.variants import can_be_capped, variant
from aicomp.processes import n_cores
from aicomp.project import Project
from aicomp.run import Run

_MOST_MEMBERS = 80
_TICK = 0.25
_TRIES = 2
_GRACE = 3.0
"""Seconds that a process gets to notice that its fold is not wanted any more, before it is ended."""


@dataclass(frozen=True)
class Watcher:
    """Who is told of what happens.

    Attributes:
        changed: Called with an attempt that is done, dropped, failed, or begun once more with fewer rounds.
    """

    changed: Callable[[Attempt], None] = lambda attempt: None


class Session:
    """Trains members until the time is up.

    Args:
        project: The project.
        clock: The time limit.
        runs: Where their runs lie.
        pool: Processes that train.
        blends: What puts runs together.
        costs: What folds take.
        attempts: The members, in their order; further ones are added.
        n_folds: Folds of a run.
        watcher: Who is told.
        other_target: `[training] target` of every other round of further members, None for none.
    """

    def __init__(
        self,
        project: Project,
        clock: Clock,
        runs: Runs,
        pool: Engine,
        blends: Blends,
        costs: Costs,
        attempts: list[Attempt],
        n_folds: int,
        watcher: Watcher,
        other_target: str | None = None,
    ) -> None:
        self._project, self._clock, self._runs, self._pool = project, clock, runs, pool
        self._blends, self._costs, self.attempts, self._n_folds = blends, costs, attempts, n_folds
        self._watcher = watcher
        self._other_target = other_target
        self._on_cpu = project.config.device == "cpu"
        self._turn = 0
        self._is_round_fruitful = False
        self._peak = 0

    @property
    def finished(self) -> list[Attempt]:
        """Members with a run that is done."""
        return [a for a in self.attempts if a.is_finished]

    def train(self, on_turn: Callable[[], None]) -> None:
        """Train until the time is up or nothing more fits.

        Args:
            on_turn: Called again and again; what it raises ends the training.
        """
        while self._seconds_left() > 0:
            self._fill()
            if not self._is_busy:
                break
            self._hear(self._pool.get(_TICK))
            self._blends.hear(self)
            self._end_overdue()
            on_turn()
        for attempt in self.attempts:
            if attempt.status == "training" and attempt.folds_done < attempt.n_folds:
                self._drop(attempt, f"{attempt.folds_done} of {attempt.n_folds} folds were trained when time was up")
            elif attempt.status == "waiting":
                attempt.status = "dropped"
                attempt.reason = (attempt.member.is_first and attempt.reason) or "no time was left"

    def remove_unfinished(self) -> None:
        """Remove the runs of members that are not done."""
        for attempt in self.attempts:
            if attempt.status == "training":
                self._drop(attempt, "interrupted")

    @property
    def _is_busy(self) -> bool:
        return any(a.status == "training" for a in self.attempts) or self._blends.is_busy

    def _seconds_left(self) -> float:
        """Until training has to stop, so that what is trained can be put together."""
        return self._clock.left - self._blends.reserve(len(self.finished) + 1)

    def _fill(self) -> None:
        """Begin members as long as there is a process without a fold to come."""
        while self._pool.n_waiting < 1 and self._begin_next():
            pass

    def _begin_next(self) -> bool:
        self._plan_further()
        waiting = [a for a in self.attempts if a.status == "waiting"]
        room = Room(self._seconds_left(), self._pool.size, self._n_folds, self._pool.n_at_once(on_cpu=self._on_cpu))
        under_way = sum(
            self._costs.expected(a.member.model, a.name) * (a.n_folds - a.folds_done) / room.at_once(a.member.model)
            for a in self.attempts
            if a.status == "training"
        )
        room = replace(room, seconds=room.seconds - under_way)
        has_run = any(a.is_finished or a.status == "training" for a in self.attempts)
        choice = choose(waiting, self._costs, room, self._blends.weights_by_model(self.finished), has_run=has_run)
        if choice is None:
            return self._begin_sample(room) or self._end_round(waiting)
        reason = fits(self._peak, self._pool.pids)
        if reason is not None:
            choice.attempt.status, choice.attempt.reason = "dropped", reason
            self._watcher.changed(choice.attempt)
            return True
        self._begin(choice.attempt, choice.budget)
        return True

    def _begin_sample(self, room: Room) -> bool:
        """Begin a member on a sample of the rows, where none was trained whole and none is under way."""
        if any(a.status == "training" or (a.is_finished and a.member.train_rows is None) for a in self.attempts):
            return False
        choice = choose_sample(self.attempts, self._costs, room) if len(self.attempts) < _MOST_MEMBERS else None
        if choice is None or fits(self._peak, self._pool.pids) is not None:
            return False
        self.attempts.append(choice.attempt)
        self._begin(choice.attempt, choice.budget)
        return True

    def _end_round(self, waiting: list[Attempt]) -> bool:
        """Leave out what fits no more of this round, so that another may follow; False if nothing of it fitted."""
        left = [a for a in waiting if not a.member.is_first]
        if not left or not self._is_round_fruitful:
            return False
        for attempt in left:
            attempt.status, attempt.reason = "dropped", "no time was left"
        self._is_round_fruitful = False
        return True

    def _plan_further(self) -> None:
        """Add the next round of members when all are begun; kinds that failed or never fitted have none."""
        if any(a.status == "waiting" and a.member.is_first and not a.reason for a in self.attempts):
            return
        if any(a.status == "waiting" and not a.member.is_first for a in self.attempts):
            return
        weights = self._blends.weights_by_model(self.finished)
        kinds = list(dict.fromkeys(a.member.model for a in self.finished if a.member.train_rows is None))
        kinds.sort(key=lambda kind: -weights.get(kind, 0.0))
        if self._turn and weights:
            kinds = [kind for kind in kinds if weights.get(kind, 1.0) > 0.02] or kinds[:1]
        if not kinds or len(self.attempts) >= _MOST_MEMBERS:
            return
        caps = {a.member.model: a.cap for a in self.finished}
        room = _MOST_MEMBERS - len(self.attempts)
        self.attempts += [
            Attempt(m, cap=caps.get(m.model)) for m in further(kinds, self._turn, self._other_target)[:room]
        ]
        self._turn += 1

    def _begin(self, attempt: Attempt, budget: float) -> None:
        """Lay out a member's run and queue its folds; a finished one with the same fingerprint is taken as it is."""
        self._is_round_fruitful = self._is_round_fruitful or not attempt.member.is_first
        attempt.project = variant(self._project, attempt.member, attempt.cap)
        attempt.n_folds, attempt.folds_done, attempt.budget = self._n_folds, 0, budget
        found = self._runs.find(attempt.project)
        if found is not None:
            attempt.run = found
            self._finish(attempt, "reused")
            return
        attempt.status, attempt.reason, attempt.seconds = "training", "", 0.0
        attempt.run = self._runs.begin(attempt.project)
        seconds = budget if can_be_capped(attempt.member.model) else None
        folder, on_cpu = str(attempt.run.folder), self._on_cpu or not is_network(attempt.member.model)
        side_by_side = self._pool.n_local
        threads = max(1, n_cores() // side_by_side)
        start = self._pool.start_threads
        write_execution(attempt.run, Execution(n_cores(), side_by_side, threads, threads, start))
        self._pool.put(
            Job("fold", folder, fold=k, threads=threads, budget=seconds, on_cpu=on_cpu) for k in range(self._n_folds)
        )

    def _attempt_of(self, job: Job | None) -> Attempt | None:
        """The member that a job belongs to, None if it is not wanted any more."""
        if job is None:
            return None
        wanted = (a for a in self.attempts if a.status == "training" and a.run is not None)
        return next((a for a in wanted if a.run is not None and str(a.run.folder) == job.run), None)

    def _hear(self, said: Said | None) -> None:
        attempt = self._attempt_of(said.job) if said is not None else None
        if said is None or attempt is None:
            return
        match said.event:
            case "done":
                attempt.folds_done += 1
                attempt.seconds += said.content["seconds"]
                self._peak = max(self._peak, said.content["peak"])
                self._note_cost(attempt, said.content["seconds"])
                if attempt.folds_done == attempt.n_folds and attempt.run is not None:
                    self._blends.assemble(attempt.run)
            case "slow":
                self._shorten(attempt, said.content["rounds"], said.content["total"])
            case "error" | "crash" | "died":
                self._fail(attempt, said)

    def _note_cost(self, attempt: Attempt, seconds: float) -> None:
        if attempt.member.train_rows is None:  # a sample says little of what all rows take
            self._costs.add(attempt.member.model, attempt.name, seconds)

    def _shorten(self, attempt: Attempt, rounds: int, total: int) -> None:
        """Begin a member once more with as many rounds as fit, or give it up."""
        self._remove(attempt)
        word = "epochs" if is_network(attempt.member.model) else "rounds"
        fewest = max(2, 0.15 * total) if word == "epochs" else max(30, 0.05 * total)
        is_sample = attempt.member.train_rows is not None
        if is_sample:  # the alternative is the prior
            fewest = min(fewest, 20)
        if not is_sample:
            self._costs.estimate(attempt.member.model, attempt.budget * total / max(rounds, 0.5))
        if rounds < fewest:
            attempt.tries += 1
            attempt.status = "waiting" if attempt.tries < _TRIES and not is_sample else "dropped"
            attempt.reason = f"{rounds} of {total} {word} would fit into its share of the time"
            if attempt.status == "dropped":
                self._watcher.changed(attempt)
            return
        if not is_sample:
            self._costs.estimate(attempt.member.model, attempt.budget)
        attempt.cap = rounds
        self._begin(attempt, 1.5 * attempt.budget)
        self._watcher.changed(attempt)

    def _fail(self, attempt: Attempt, said: Said) -> None:
        error = failure(said)
        self._remove(attempt)
        attempt.status, attempt.details = "failed", {"error": error}
        lines = error.message.splitlines()
        attempt.reason = lines[0] if said.event == "error" else f"{lines[0]}: {lines[-1]}"
        self._watcher.changed(attempt)

    def assembled(self, folder: str, said: Said) -> None:
        """A run was put together, or could not be."""
        attempt = next((a for a in self.attempts if a.run is not None and str(a.run.folder) == folder), None)
        if attempt is None:
            return
        if said.event == "done":
            self._finish(attempt, "done")
        else:
            self._fail(attempt, said)

    def _finish(self, attempt: Attempt, status: str) -> None:
        assert attempt.run is not None
        attempt.status = "reused" if status == "reused" else "done"
        attempt.cv = attempt.run.scores["mean"]
        if status == "reused":
            attempt.seconds = attempt.run.seconds
            for k in range(self._n_folds):
                self._note_cost(attempt, attempt.run.result(k)["seconds"])
        self._blends.add(attempt.run)
        self._watcher.changed(attempt)

    def _drop(self, attempt: Attempt, reason: str) -> None:
        self._remove(attempt)
        attempt.status, attempt.reason = "dropped", reason

    def _remove(self, attempt: Attempt) -> None:
        assert attempt.run is not None
        run: Run = attempt.run
        folder = str(run.folder)
        self._pool.forget(lambda job: job.run == folder)
        self._runs.remove(run)
        attempt.run = None

    def _end_overdue(self) -> None:
        """End processes whose fold is not wanted any more, or takes far longer than its share and says nothing."""
        for job, seconds in self._pool.running:
            attempt = self._attempt_of(job)
            if attempt is None:
                if seconds > _GRACE and job.task == "fold":
                    self._pool.cancel(lambda other, run=job.run: other.run == run)  # type: ignore[misc]
            elif seconds > max(3 * attempt.budget, 0.3 * self._clock.limit):
                self._drop(attempt, f"a fold took {seconds:.0f} s, its share was {attempt.budget:.0f} s")
                self._costs.estimate(attempt.member.model, 2 * seconds)
                self._watcher.changed(attempt)
