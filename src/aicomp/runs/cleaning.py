"""Which runs may go, why others stay, and how one is removed: renamed first, so that no half of it is ever listed."""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from aicomp.cross_validation import only_training
from aicomp.errors import AicompError, UsageError
from aicomp.files import writing
from aicomp.leftovers import empty_trash
from aicomp.project import AnyProject
from aicomp.run import OUTCOME_FILE, TRASH, Run
from aicomp.runs.facts import Facts, by_contest
from aicomp.runs.notes import KEEP
from aicomp.submission.ledger import runs_ever_sent

_WEIGHTS = ("weights.safetensors", "checkpoint.safetensors")


@dataclass(frozen=True)
class Wish:
    """What the user wants to be rid of.

    Attributes:
        unfinished: Runs that were cut short.
        keep: All runs that are done but the best so many of each contest; None for none of them.
        older: Only runs begun longer ago than this; without the other two, all that are done.
        weights_only: Only the weights of runs that are done; what they predicted stays.
    """

    unfinished: bool = False
    keep: int | None = None
    older: timedelta | None = None
    weights_only: bool = False

    def check(self) -> None:
        """Refuse a wish that names nothing.

        Raises:
            UsageError: It does, or it wants weights of runs that have none to keep.
        """
        if not self.unfinished and self.keep is None and self.older is None:
            raise UsageError(
                "`aicomp runs clean` is not told what may go",
                "say `--unfinished`, `--keep 10` (the best ten stay) or `--older 30` (days)",
            )
        if self.weights_only and self.unfinished:
            raise UsageError(
                "an unfinished run without its weights could not go on", "leave out `--weights-only` or `--unfinished`"
            )


@dataclass(frozen=True)
class Removal:
    """What would go of a run.

    Attributes:
        run: The run.
        files: What is removed of it: its folder as a whole, or single files.
        n_bytes: What that frees.
        state: "done" or "unfinished".
    """

    run: Run
    files: tuple[Path, ...]
    n_bytes: int
    state: str


@dataclass(frozen=True)
class Cleaning:
    """What a wish comes to.

    Attributes:
        removals: What goes, the newest first: a blend before its members.
        kept: Runs that the wish names and that stay, with the reason.
    """

    removals: tuple[Removal, ...]
    kept: dict[str, str]

    @property
    def n_bytes(self) -> int:
        """What it frees in all."""
        return sum(removal.n_bytes for removal in self.removals)

    def of_these(self, shown: "Cleaning") -> "Cleaning":
        """The same without what another one does not name."""
        runs = {removal.run for removal in shown.removals}
        return replace(self, removals=tuple(removal for removal in self.removals if removal.run in runs))


def plan_cleaning(project: AnyProject, known: Sequence[Facts], wish: Wish, now: datetime) -> Cleaning:
    """Say what a wish comes to; nothing is changed.

    Args:
        project: The project.
        known: All of its runs.
        wish: What may go.
        now: The present, local time.

    Raises:
        UsageError: The wish names nothing.
    """
    wish.check()
    wanted = [facts for facts in known if facts.run in _named(known, wish, now)]
    kept = _protected(project, wanted)
    if not wish.weights_only:
        going = {facts.run for facts in wanted} - set(kept)
        kept |= _needed_by_blends(known, going)
    seen: set[tuple[int, int]] = set()
    removals = []
    for facts in sorted(wanted, key=lambda facts: facts.run, reverse=True):
        run = Run(project.runs / facts.run)
        files = _weights(run, facts) if wish.weights_only else (run.folder,)
        if facts.run not in kept and files:
            state = "done" if facts.is_done else "unfinished"
            removals.append(Removal(run, files, sum(_size(path, seen) for path in files), state))
    return Cleaning(tuple(removals), kept)


@contextmanager
def nothing_else_running(project: AnyProject) -> Iterator[None]:
    """Hold the locks of training and of submitting while runs are removed.

    Raises:
        AicompError: Something is trained or submitted in this project right now.
    """
    from filelock import FileLock, Timeout

    path = project.folder / "submissions" / ".lock"
    with only_training(project):
        if not path.is_file():
            yield  # nothing was ever submitted, and a submission begins with its lock
            return
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise AicompError(
                f"a submission is under way in `{project.folder}`", "wait for it, then run the same command again"
            ) from None
        try:
            yield
        finally:
            lock.release()


def carry_out(project: AnyProject, cleaning: Cleaning) -> None:
    """Remove what was planned; hold `nothing_else_running` meanwhile.

    Raises:
        AicompError: A folder cannot be changed.
    """
    empty_trash(project.runs)
    trash = project.runs / TRASH
    for removal in cleaning.removals:
        with writing(removal.run.folder):
            if removal.files == (removal.run.folder,):
                trash.mkdir(exist_ok=True)
                removal.run.folder.rename(trash / removal.run.id)
            else:
                for path in removal.files:
                    path.unlink()
    empty_trash(project.runs)


def _named(known: Sequence[Facts], wish: Wish, now: datetime) -> set[str]:
    """The runs that a wish names, whatever protects them."""
    takes_done = wish.keep is not None or not wish.unfinished
    best = _best(known, wish.keep or 0)
    return {
        facts.run
        for facts in known
        if (takes_done and facts.run not in best if facts.is_done else wish.unfinished)
        and (wish.older is None or now - datetime.fromisoformat(facts.created) > wish.older)
    }


def _best(known: Sequence[Facts], n: int) -> set[str]:
    """The best n of each contest."""
    best = set()
    for contestants in by_contest(known):
        sign = -1 if contestants[0].greater_is_better else 1
        ranked = sorted(contestants, key=lambda facts: (sign * (facts.mean or 0.0), facts.run))
        best |= {facts.run for facts in ranked[:n]}
    return best


def _protected(project: AnyProject, wanted: Sequence[Facts]) -> dict[str, str]:
    """Why some of these runs stay whatever is wished."""
    sent, outcome = runs_ever_sent(project), _outcome(project.runs)
    kept = {}
    for facts in wanted:
        if facts.status is not None or facts.run in sent:
            kept[facts.run] = "was submitted"
        elif KEEP in facts.tags:
            kept[facts.run] = f"is tagged `{KEEP}`"
        elif facts.run == outcome:
            kept[facts.run] = "is what the last training within a time limit ended with"
    return kept


def _outcome(runs: Path) -> str | None:
    path = runs / OUTCOME_FILE
    return str(Run(runs).read(OUTCOME_FILE)["run"]) if path.is_file() else None


def _needed_by_blends(known: Sequence[Facts], going: Collection[str]) -> dict[str, str]:
    """Which of the runs that would go are members of a blend that stays, or of a member of one that does."""
    members = {facts.run: facts.members for facts in known if facts.members}
    kept: dict[str, str] = {}
    staying = [run for run in members if run not in going]
    while staying:
        blend = staying.pop()
        for member in members[blend]:
            if member in going and member not in kept:
                kept[member] = f"is a member of blend {blend}"
                staying += [member] if member in members else []
    return kept


def _weights(run: Run, facts: Facts) -> tuple[Path, ...]:
    """Files of weights; of an agent none, as they are what is submitted."""
    if facts.kind == "agent":
        return ()
    return tuple(sorted(path for name in _WEIGHTS for path in run.folder.glob(f"folds/*/{name}")))


def _size(path: Path, seen: set[tuple[int, int]]) -> int:
    """Bytes of a file or of all files in a folder; one that has several names counts once."""
    files = [path] if not path.is_dir() else [Path(top) / name for top, _, names in os.walk(path) for name in names]
    total = 0
    for file in files:
        found = file.lstat()
        if (found.st_dev, found.st_ino) not in seen:
            seen.add((found.st_dev, found.st_ino))
            total += found.st_size
    return total
