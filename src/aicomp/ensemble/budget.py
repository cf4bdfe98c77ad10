"""A time budget, so that a blend ends in time: what is under way when it is spent is given up."""

from time import perf_counter


class OutOfTime(Exception):  # noqa: N818 - no error: it says that a method is to be left out
    """The budget is spent; whoever tries one method after the other keeps what it has."""


class Budget:
    """Seconds from now on.

    Args:
        seconds: How many; None is without end.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._began = perf_counter()
        self._seconds = seconds

    @property
    def left(self) -> float:
        """Seconds that are left, infinite without a budget; below 0 once it is spent."""
        return float("inf") if self._seconds is None else self._seconds - (perf_counter() - self._began)

    def check(self) -> None:
        """Stop if the budget is spent.

        Raises:
            OutOfTime: It is.
        """
        if self.left <= 0:
            raise OutOfTime


UNLIMITED = Budget()
