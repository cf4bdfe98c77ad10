"""A fold that would take longer than it may gives up after its first epochs, and says how many would fit."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aicomp.training.fold import EpochReport

_AFTER = 0.08
"""Predictions of test and what is saved, as a share of the whole."""

_BEFORE = 0.4
"""Most of the budget that encoding takes off the rounds."""

_FIRST = 0.3
"""Share of the budget that a first epoch may take before it is thought to be like those to come."""


class TooSlow(Exception):  # noqa: N818 - nothing is wrong
    """The fold will not end within its budget.

    Args:
        rounds: Epochs, or rounds of a boosted model, that fit into it.
        total: Those that it would take.
    """

    def __init__(self, rounds: int, total: int) -> None:
        super().__init__(f"{rounds} of {total} rounds fit")
        self.rounds, self.total = rounds, total


class Budget:
    """Watches the reports of one fold.

    Args:
        seconds: What the fold may take from now on, None for as long as it takes.
        report: Who is told of epochs.
        clock: Seconds, in fractions.
    """

    def __init__(
        self,
        seconds: float | None,
        report: "Callable[[EpochReport], None]",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._report, self._clock = seconds, report, clock
        self._started = clock()
        self._first: tuple[int, float] | None = None
        self._most = 0

    def __call__(self, epoch: "EpochReport") -> None:
        """Pass a report on.

        Raises:
            TooSlow: What is left does not fit; only while little is lost.
        """
        self._report(epoch)
        self.check(epoch.epoch, epoch.n_epochs, epoch.seconds, stops_early=epoch.unit == "rounds")

    def check(self, done: int, total: int, seconds: float, *, stops_early: bool = False) -> None:
        """Compare what is to come with the budget.

        Args:
            done: Epochs done.
            total: Epochs at most.
            seconds: That these took.
            stops_early: Whether it usually ends long before all rounds are done, as boosted trees do.

        Raises:
            TooSlow: As above.
        """
        # CatBoost tells of its rounds a second time, when it has ended.
        is_new, self._most = done > self._most, max(done, self._most)
        if self._seconds is None or done >= total or not is_new:
            return
        # The first report carries what happens once, such as an import: only the pace since then says what is to come.
        first_done, first_seconds = self._first = self._first or (done, seconds)
        if done == first_done:
            if stops_early or seconds < _FIRST * self._seconds:
                return
            each = seconds / done
        else:
            # One of a thousand trees says less than one of ten epochs.
            is_early = done < max(2, 0.02 * total)
            if is_early and seconds - first_seconds < (0.4 if stops_early else 0.1) * self._seconds:
                return
            each = (seconds - first_seconds) / (done - first_done)
        spent = self._clock() - self._started
        # What comes before training happens anyway: at most a part of the budget is taken off for it.
        before = min(spent - each * done, _BEFORE * self._seconds)
        fitting = int(((1 - _AFTER) * self._seconds - before) / max(each, 1e-9))
        # The later it is, the more would be lost.
        tolerated = 0.9 if spent < 0.35 * self._seconds and not stops_early else 0.5
        if fitting < tolerated * total:
            raise TooSlow(max(fitting, 0), total)
