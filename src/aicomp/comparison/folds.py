"""Two runs fold by fold: whether the difference of their scores is more than the luck of the folds."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FoldTest:
    """The corrected resampled t-test of paired differences.

    Attributes:
        n_folds: Number of folds.
        difference: Mean of b minus a.
        ratio: Validation rows over training rows of a fold, on average.
        standard_error: Of the difference; larger than the plain one, as the folds share training rows.
        low: Lower end of the 95 % interval of the difference.
        high: Its upper end.
        p_value: Chance of a difference this large where there is none, two-sided.
    """

    n_folds: int
    difference: float
    ratio: float
    standard_error: float
    low: float
    high: float
    p_value: float


def corrected_t_test(differences: Sequence[float], ratio: float) -> FoldTest:
    """Test whether the mean of paired differences of folds is other than 0.

    Folds of a cross-validation share most of their training rows, so that their scores vary together and the plain
    standard error over the folds is too small: a plain t-test finds differences where there are none. Nadeau and
    Bengio, "Inference for the generalization error", Machine Learning 2003, put (1 / k + n_valid / n_train) in the
    place of 1 / k in the variance of the mean, and take Student's t with k - 1 degrees of freedom.

    Args:
        differences: Of each fold, at least two.
        ratio: n_valid / n_train.

    >>> test = corrected_t_test([0.01, 0.02, 0.03], 0.5)  # deviation 0.01, its square times (1 / 3 + 1 / 2)
    >>> round(test.standard_error, 6), round(test.difference / test.standard_error, 3), round(test.p_value, 3)
    (0.009129, 2.191, 0.16)
    """
    from scipy.stats import t

    k, mean = len(differences), statistics.fmean(differences)
    error = statistics.stdev(differences) * math.sqrt(1 / k + ratio)
    if error == 0:
        return FoldTest(k, mean, ratio, 0.0, mean, mean, 1.0 if mean == 0 else 0.0)
    width = float(t.ppf(0.975, k - 1)) * error
    p_value = 2 * float(t.sf(abs(mean) / error, k - 1))
    return FoldTest(k, mean, ratio, error, mean - width, mean + width, p_value)


def valid_share(folds_csv: Path) -> float | None:
    """Validation rows over training rows, the mean over the folds of a run; None where one fold has all rows or none.

    A fold is taken to train on all rows that it does not validate. Where it trains on fewer, as in rolling origins, the
    true ratio is larger, and the test a little too sure.

    Args:
        folds_csv: `folds.csv` of the run: of each row the folds that validate it, in the last column.
    """
    counts: dict[str, int] = {}
    n_rows = 0
    with folds_csv.open(encoding="utf-8") as file:
        next(file, None)
        for line in file:
            n_rows += 1
            for fold in line.rstrip("\n").rpartition(",")[2].split():
                counts[fold] = counts.get(fold, 0) + 1
    counts.pop("-1", None)
    if not counts or any(n in (0, n_rows) for n in counts.values()):
        return None
    return statistics.fmean(n / (n_rows - n) for n in counts.values())
