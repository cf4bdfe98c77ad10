"""The rows of which two runs think most differently."""

from dataclasses import dataclass

import numpy as np

from aicomp.comparison.losses import log_losses, row_losses
from aicomp.comparison.sides import Sides
from aicomp.errors import DataError
from aicomp.last_step.noise import N_BLOCKS, blocks_of, standard_error
from aicomp.task import Task


@dataclass(frozen=True)
class Losses:
    """What each row costs each run.

    Attributes:
        name: What is counted.
        a: Of the first run, (n,).
        b: Of the second run, (n,).
    """

    name: str
    a: np.ndarray
    b: np.ndarray

    @property
    def gain(self) -> np.ndarray:
        """What a row costs b less than a, (n,): above 0 where b is better."""
        return np.asarray(self.a - self.b)


@dataclass(frozen=True)
class RowTest:
    """The difference of the scores of all rows together, and how sure it is.

    Attributes:
        a: Score of the first run on the rows that both validate.
        b: Score of the second.
        difference: b minus a.
        standard_error: By the jackknife over blocks of rows; None where the metric is not defined without one of them.
        low: Lower end of the 95 % interval, likewise.
        high: Its upper end, likewise.
        p_value: Chance of a difference this large where there is none, two-sided, likewise.
    """

    a: float
    b: float
    difference: float
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None


def losses_of(task: Task, sides: Sides) -> Losses:
    """What each row costs each of two runs."""
    name, of_a = row_losses(task, sides.y, sides.a.oof, sides.a.final)
    _, of_b = row_losses(task, sides.y, sides.b.oof, sides.b.final)
    return Losses(name, of_a, of_b)


def row_test(task: Task, sides: Sides) -> RowTest:
    """Test the difference of two scores by the rows: the paired jackknife over 25 blocks of them.

    It takes the models as they are, and asks what other rows of the same kind would say of them; what another draw of
    training rows would change it does not see. That is for the folds to tell.

    Raises:
        DataError: The metric is not defined for these rows.
    """
    from scipy.stats import t

    of_a, of_b = (task.score_final(sides.y, side.final) for side in (sides.a, sides.b))
    difference = of_b - of_a
    try:
        error = standard_error(task, sides.y, sides.a.final, sides.b.final, blocks_of(sides.rows))
    except DataError:
        return RowTest(of_a, of_b, difference)
    if not np.isfinite(error):
        return RowTest(of_a, of_b, difference)
    width = float(t.ppf(0.975, N_BLOCKS - 1)) * error
    p_value = 2 * float(t.sf(abs(difference) / error, N_BLOCKS - 1)) if error else float(difference == 0)
    return RowTest(of_a, of_b, difference, error, difference - width, difference + width, p_value)


def furthest_rows(task: Task, sides: Sides, losses: Losses, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the rows where b is better by most, and of those where a is; at most n of each.

    Among rows that differ as much, as of labels that are right or wrong, those come first whose truth the runs find
    more differently likely.
    """
    gain = losses.gain
    second = np.zeros(len(gain))
    if task.is_classification:
        second = log_losses(task, sides.y, sides.a.oof) - log_losses(task, sides.y, sides.b.oof)
    better = np.lexsort((sides.rows, -second, -gain))[:n]
    worse = np.lexsort((sides.rows, second, gain))[:n]
    return better[gain[better] > 0], worse[gain[worse] < 0]
