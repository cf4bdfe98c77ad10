"""Whether a trial can still win, and what winning is worth: statistics of scores on the same folds."""

from collections.abc import Mapping, Sequence

import numpy as np

LEAST_CHANCE = 0.05
"""A trial whose chance to end above the best one is lower than this is cut."""

_LEAST_FREEDOM = 8
"""Degrees of freedom below which noise is not known well enough to cut anything: two finished trials of five folds."""

_LEAST_FOLDS = 2
"""Folds that a trial gets in any case: on one fold anything can happen."""

Folds = Mapping[int, float]


def chance_to_win(folds: Folds, best: Folds, finished: Sequence[Folds], *, greater_is_better: bool) -> float:
    """Probability that a trial, some of whose folds are trained, will end with a better mean than the best one.

    Folds differ more from each other than trials do, so only differences on the same fold count. With m of them known,
    their mean differs from that of all n by a standard error of s * sqrt((n - m) / (n * m)): a sample without
    replacement. Two or three differences say nothing of s, so it is pooled from all finished trials, each against the
    best; the mean then follows Student's distribution.

    Args:
        folds: Scores of the folds that are trained.
        best: Scores of all folds of the best trial.
        finished: Scores of all folds of the other finished trials.
        greater_is_better: Direction of the scores.

    Returns:
        The probability; 1 where the noise is not known yet.
    """
    from scipy.special import stdtr

    gains = _gains(folds, best, greater_is_better=greater_is_better)
    others = [_gains(other, best, greater_is_better=greater_is_better) for other in finished]
    n, m = len(best), len(gains)
    freedom = sum(len(g) - 1 for g in (*others, gains) if len(g))
    if m < _LEAST_FOLDS or m == n or freedom < _LEAST_FREEDOM:
        return 1.0
    squares = sum(float(((g - g.mean()) ** 2).sum()) for g in (*others, gains))
    error = np.sqrt(squares / freedom * (n - m) / (n * m))
    if error == 0:
        return 0.0 if gains.mean() < 0 else 1.0
    return float(stdtr(freedom, gains.mean() / error))


def _gains(folds: Folds, best: Folds, *, greater_is_better: bool) -> np.ndarray:
    """What a trial is better than the best one on each fold that it has; negative is worse."""
    sign = 1 if greater_is_better else -1
    return sign * np.array([score - best[k] for k, score in sorted(folds.items())])


def comparable(folds: Folds, other: Folds) -> float:
    """A mean over all folds, as far as some of them tell: that of another trial, and the mean difference from it.

    A mean over the trained folds alone would say as much of these folds as of the trial.

    Args:
        folds: Scores of the folds that are trained.
        other: Scores of all folds of another trial.

    >>> comparable({0: 0.9}, {0: 0.8, 1: 0.6})  # 0.1 better than a trial with 0.7
    0.8
    """
    mean = sum(other.values()) / len(other)
    return round(mean + sum(score - other[k] for k, score in folds.items()) / len(folds), 12)


def nested_scores(trials: Sequence[Sequence[float]], *, greater_is_better: bool) -> list[float]:
    """On each fold, the score of the trial that is best on all other folds.

    The best of many scores is too good to be true, as its luck was chosen with it; a fold that had no say in the choice
    has no such luck (Tsamardinos, Greasidou, Borboudakis 2018, arXiv 1708.07180, on what is left: the sampler has seen
    all folds, and the model was stopped by its own).

    Args:
        trials: Scores of all folds of each finished trial.
        greater_is_better: Direction of the scores.

    >>> nested_scores([[0.9, 0.8, 0.5], [0.6, 0.7, 0.9]], greater_is_better=True)
    [0.6, 0.7, 0.5]
    """
    scores = np.asarray(trials, dtype=float)
    sums = scores.sum(axis=1, keepdims=True) - scores
    chosen = sums.argmax(axis=0) if greater_is_better else sums.argmin(axis=0)
    return [float(scores[t, k]) for k, t in enumerate(chosen)]
