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
        if self._seconds is None or done >= total:
            return
        # The first rounds carry what happens once; one of a thousand trees says less than one of ten epochs.
        if done < max(2, 0.02 * total) and seconds < (0.4 if stops_early else 0.1) * self._seconds:
            return
        spent = self._clock() - self._started
        # What comes before training, such as imports, happens anyway: at most a part of the budget is taken off for it.
        before = min(spent - seconds, _BEFORE * self._seconds)
        fitting = int(((1 - _AFTER) * self._seconds - before) / max(seconds / done, 1e-9))
        # The later it is, the more would be lost.
        tolerated = 0.9 if spent < 0.35 * self._seconds and not stops_early else 0.5
        if fitting < tolerated * total:
            raise TooSlow(max(fitting, 0), total)
